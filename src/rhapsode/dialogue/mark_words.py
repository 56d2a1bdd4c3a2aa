"""The pieces that marked text falls into, and the words that a mark may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rhapsode.face.emotion import ALIASES, EMOTIONS, Emotion

USUAL = 0.7
"""Level of a feeling that a mark names without one."""

LONGEST_PAUSE_S = 10.0
"""Longer pauses are cut to this."""

GESTURES: tuple[str, ...] = (
    *("nod", "shake", "tilt", "shrug", "wave", "bow", "think", "look_away", "look_up", "look_down"),
    *("look_at", "smile_nod", "wink", "raise_brows", "lean_in", "sigh"),
)
"""Names that a `Gesture` may have."""


@dataclass(frozen=True)
class Spoken:
    """Text for the voice; it holds no part of any mark."""

    text: str


@dataclass(frozen=True)
class Feel:
    """The feeling from here on; None is none."""

    emotion: Emotion | None


@dataclass(frozen=True)
class Gesture:
    """A gesture, one of `GESTURES`, that starts here."""

    name: str


@dataclass(frozen=True)
class Pause:
    """Silence, in seconds, at most `LONGEST_PAUSE_S`."""

    seconds: float


@dataclass(frozen=True)
class Prosody:
    """How the voice speaks from here on, against its usual way; the plain one ends it.

    Args:
        rate: 2.0 is twice as fast, in [0.5, 2].
        pitch: semitones, in [-12, 12].
        volume: decibels, in [-40, 12].

    """

    rate: float = 1.0
    pitch: float = 0.0
    volume: float = 0.0


@dataclass(frozen=True)
class Emphasis:
    """How strongly the words from here on are stressed; "none" ends it."""

    level: Literal["none", "reduced", "moderate", "strong"]


MarkPiece = Spoken | Feel | Gesture | Pause | Prosody | Emphasis


def word_set(text: str) -> frozenset[str]:
    """Return the words of ``text``."""
    return frozenset(text.split())


_FEELINGS = {
    "joy:0.7": "glad joyful cheerful delighted pleased warm friendly "
    "高兴 开心 快乐 喜悦 愉快 喜び 嬉しい 기쁨",
    "joy:0.45": "smile smiles smiling smiled gentle kind grateful content 微笑 笑 温柔 感谢 笑顔 미소",
    "joy:0.95": "laugh laughs laughing laughed chuckle chuckles chuckling giggle giggles giggling grin grins "
    "grinning beam beams lol haha 大笑 哈哈 笑う 웃음",
    "joy:0.8,amazement:0.3": "excited excitement enthusiastic thrilled 兴奋 激动 興奮",
    "joy:0.5": "proud hopeful love loving 自豪 爱 希望",
    "joy:0.3": "relaxed calm serene relieved reassuring encouraging confident 平静 放松 安慰 鼓励",
    "amazement:0.7": "surprise wow shocked astonished stunned gasp gasps gasping "
    "惊讶 吃惊 惊喜 震惊 驚き 놀람",
    "amazement:0.35": "curious curiosity interested intrigued interest 好奇 感兴趣",
    "sadness:0.7": "unhappy sorrow sorrowful disappointed melancholy down 难过 悲伤 伤心 失望 悲しい 슬픔",
    "sadness:0.4": "sorry apologetic concerned concern sympathetic sympathy empathetic "
    "empathy regret worried "
    "worry caring serious 抱歉 对不起 担心 同情 遗憾",
    "grief:0.7": "cry cries weep weeps weeping sob sobs sobbing tearful 哭 哭泣 流泪",
    "anger:0.7": "mad furious annoyed irritated upset frown frowns frowning 生气 愤怒 恼火 怒り 화남",
    "fear:0.7": "frightened anxious nervous terrified fearful panic 害怕 恐惧 紧张 恐れ 두려움",
    "disgust:0.7": "disgusting gross 厌恶 恶心 讨厌",
    "pain:0.6": "hurt ouch wince winces 痛苦 疼",
    "cheekiness:0.7": "playful playfully mischievous smirk smirks smirking teasing tease "
    "teases sly wry ironic "
    "joking kidding 调皮 俏皮 坏笑 得意",
    "outofbreath:0.7": "panting pants exhausted 喘气",
}

_GESTURES = {
    "nod": "nods nodding nodded yes agree agrees 点头 頷く",
    "shake": "shakes shaking shake_head shakes_head headshake head_shake no 摇头",
    "tilt": "tilts tilting tilt_head tilts_head head_tilt confused puzzled 歪头 疑惑 困惑",
    "shrug": "shrugs shrugging shrugged 耸肩",
    "wave": "waves waving waved hello goodbye bye 挥手 招手",
    "bow": "bows bowing bowed 鞠躬 お辞儀",
    "think": "thinks thinking thoughtful ponder ponders pondering hmm wonders considering considers "
    "思考 沉思 想",
    "look_away": "looks_away looking_away lookaway glances_away averts 移开视线",
    "look_up": "looks_up looking_up lookup 抬头",
    "look_down": "looks_down looking_down lookdown 低头",
    "look_at": "looks_at look_at_you looks_at_you 注视",
    "smile_nod": "smiles_and_nods smile_and_nod 微笑点头",
    "wink": "winks winking winked 眨眼",
    "raise_brows": "raises_eyebrows raise_eyebrows raises_brows raises_an_eyebrow raise_eyebrow eyebrows "
    "raises_eyebrow 挑眉",
    "lean_in": "leans_in leaning_in leans_forward lean_forward 前倾",
    "sigh": "sighs sighing sighed 叹气 叹息",
}


def _spread(table: Mapping[str, str]) -> dict[str, str]:
    return {word: meaning for meaning, words in table.items() for word in words.split()}


FEELINGS: Mapping[str, str] = MappingProxyType(
    {word: f"{ALIASES.get(word, word)}:{USUAL}" for word in (*EMOTIONS, *ALIASES)} | _spread(_FEELINGS)
)
"""Word to the feeling that it stands for, as `Emotion.parse` reads it."""

MOVES: Mapping[str, str] = MappingProxyType({name: name for name in GESTURES} | _spread(_GESTURES))
"""Word to the name of its gesture."""

NEUTRAL = word_set("neutral none normal default plain 中性 平常 无表情 普通 中立 보통")

_SILENT = word_set(
    "clears coughs claps points leans looks pauses turns gestures adjusts takes gazes glances "
    "raises tilts rubs scratches hums whispers blushes blinks stares breathes inhales exhales "
    "places puts holds steps opens closes crosses rolls softly gently warmly quietly"
)
"""First words of stage directions that mean no gesture here, and are not spoken either."""

_BARE = word_set("nod wave smile laugh shrug bow sigh chuckle giggle grin wink gasp frown smirk")
_VERB = re.compile(
    r"(?:smil|laugh|chuckl|giggl|grinn?|beam|gasp|cr[iy]|weep|sobb?|frown|winc|smirk|teas|nodd?|shak|tilt|shrugg?"
    r"|wav|bow|ponder|wink|sigh|think|lean|look|glanc|rais|avert)(?:e?s|ing|ed)"
)
_SLIGHT = word_set("slightly slight mildly mild softly gently little bit faint faintly 轻 略 有点")
_STRONG = word_set("very really extremely so highly deeply strongly broadly 非常 很 十分")
_LABEL = re.compile(
    r"(?:emotion|feeling|feel|mood|face|expression|tone|gesture|action|motion|情绪|情感|表情|动作)\s*[:=：]\s*(?=\S)"
)
_PAUSE = re.compile(
    r"(?:pause|break|wait|silence|beat|停顿|暂停)s?(?:[\s:=：]+(\d{1,6}(?:\.\d{1,3})?|\.\d{1,3}))?"
    r"\s*(ms|msec|milliseconds?|毫秒|s|secs?|seconds?|秒)?"
)
_LEVEL = re.compile(r"(.*?)(?:\s*[:=：]\s*|\s+)(\d{1,3}(?:\.\d{1,6})?|\.\d{1,6})\s*(%)?", re.DOTALL)
_SHAPE = re.compile(r"/?[a-z][a-z_-]{0,30}(?:\s*[:=]\s*[a-z0-9._-]{1,20}%?)?/?")


def looks_like_mark(content: str) -> bool:
    """Whether the inside of square brackets has the shape of a mark: one lower-case word, or nothing."""
    content = content.strip()
    return not content or _SHAPE.fullmatch(content) is not None


def _one(item: str) -> Emotion | Gesture | None:
    """Return what one word with its level and its adverbs means; an empty emotion is neutral."""
    level: float | None = None
    if match := _LEVEL.fullmatch(item):
        item, number = match[1], float(match[2])
        level = min(number / 100 if match[3] or number > 10 else number, 1.0)
    words = item.replace("-", "_").split()
    factor = 1.0
    if len(words) > 1:
        factor = 0.5 if _SLIGHT & set(words) else 1.4 if _STRONG & set(words) else 1.0
        words = [word for word in words if word not in _SLIGHT | _STRONG and not word.endswith("ly")]
    word = "_".join(words)
    if word in NEUTRAL:
        return Emotion()
    if word in FEELINGS:
        felt = Emotion.parse(FEELINGS[word])
        if level is not None:
            felt = felt * (level / max(felt.values()))
        return felt * factor
    return Gesture(MOVES[word]) if word in MOVES else None


def known(content: str) -> tuple[MarkPiece, ...] | None:
    """Return what the inside of a mark means, such as "joy:0.6", "pause 0.5" or "nod"; None if nothing.

    Example:
        >>> known("nod, joy:0.6")
        (Feel(emotion=Emotion('joy:0.6')), Gesture(name='nod'))

    """
    content = content.strip().lower()
    if len(content) > 80:
        return None
    if match := _PAUSE.fullmatch(content):
        seconds = float(match[1] or 0.5) / (1000 if (match[2] or "").startswith(("m", "毫")) else 1)
        return (Pause(min(seconds, LONGEST_PAUSE_S)),)
    if content.startswith("/"):
        closed = known(content[1:])
        return None if closed is None else (Feel(None),) if any(isinstance(p, Feel) for p in closed) else ()
    content = _LABEL.sub("", content)
    felt: Emotion | None = None
    moves: list[MarkPiece] = []
    for item in re.split(r"\s*[,，、;+&]\s*", content):
        meaning = _one(item)
        if isinstance(meaning, Emotion):
            felt = meaning if felt is None else felt + meaning
        elif meaning is not None:
            moves.append(meaning)
        elif not looks_like_mark(item):
            return None
    if felt is None and not moves:
        return None
    return (*([] if felt is None else [Feel(felt or None)]), *moves)


def direction(content: str, *, longest: int = 8) -> tuple[MarkPiece, ...] | None:
    """Return what a stage direction means ("smiles warmly", "leans back"); None if it is ordinary text.

    Args:
        content: the words between the asterisks or round brackets.
        longest: words that a stage direction has at most.

    """
    if not content[:1].isascii():
        return known(content)
    content = content.lower()
    words = re.findall(r"[a-z'-]+", content)
    if (
        not words
        or len(words) > longest
        or not content.startswith(words[0])
        or not starts_direction(words[0])
    ):
        return None
    for end in (min(len(words), 4), 3, 2, 1):
        meaning = known("_".join(words[:end])) or known(" ".join(words[:end]))
        if meaning is not None:
            return meaning
    return ()


def starts_direction(word: str) -> bool:
    """Whether a stage direction may begin with ``word`` (lower case): "smiles", "nodding", "clears"."""
    return word in _SILENT or word in _BARE or _VERB.fullmatch(word) is not None


EMOJI: Mapping[str, str] = MappingProxyType(
    _spread(
        {
            "joy:0.7": "😀 😃 😊 🙂 ☺ 🥰 😍 😇 🤗 ❤ 💖 💕 😌 🎉",
            "joy:0.95": "😄 😁 😆 😂 🤣 😹",
            "joy:0.8,amazement:0.3": "🤩 🥳",
            "cheekiness:0.7": "😉 😜 😝 😛 😏 🤪 😋",
            "amazement:0.7": "😮 😲 😯 🤯 😳 😱",
            "sadness:0.7": "😢 😞 😔 🙁 ☹ 😟 😕 🥺 💔",
            "grief:0.7": "😭",
            "anger:0.7": "😠 😡 🤬 😤",
            "fear:0.7": "😨 😰",
            "disgust:0.7": "🤢 🤮",
            "neutral": "😐 😑",
            "think": "🤔 🧐",
            "wave": "👋",
            "nod": "👍 👌",
            "shake": "👎",
            "shrug": "🤷",
            "bow": "🙇 🙏",
        }
    )
)
"""Emoji to the inside of the mark that stands for it; others are only left out."""
