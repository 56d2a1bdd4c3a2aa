"""Marks in text: read in any pieces, never spoken, never guessed where there are none."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rhapsode.dialogue.mark_reading import LONGEST_BRACKET
from rhapsode.dialogue.marks import (
    FEELINGS,
    GESTURES,
    MOVES,
    Emphasis,
    Feel,
    Gesture,
    MarkPiece,
    MarkReader,
    Pause,
    Prosody,
    Spoken,
    known,
    read_marks,
    spoken,
)
from rhapsode.face.emotion import ALIASES, EMOTIONS, Emotion

ODDS = [
    *("[joy]", "[joy:0.6]", "[nod]", "[neutral]", "[pause 0.5]", "[高兴]", "【微笑】", "[xyz]"),
    *("[the old one]", "[", "]", "[[", "【", "】", "](", "[a](http://b.c/d)", "![a](b)", "(", ")"),
    *("(smiles)", "（微笑）", "(so)", "i", "<", ">", "<b>", "</b>", "<think>", "</think>"),
    *("<break time='500ms'/>", "<prosody rate='slow'>", "</prosody>", "<emphasis>", "</emphasis>"),
    *("<!--", "-->", "<sub alias='x y'>", "</sub>", "<joy>", "</joy>", "<a href=\"x\">", "<a b"),
    *("<https://x.y>", "*", "**", "***", "*smiles*", "_", "__", "~~", "~", "`", "```", "\n", " "),
    *("  ", "\t", "- ", "# ", "> ", "| ", "|", "|---|", "---", "1. ", "• ", "\\", "\\[", "&"),
    *("&amp;", "&#65;", "https://", "www.", "http://a.b/c?d=e.", "x.y/z", ":)", ":-(", ":D", ";"),
    *("!", "😀", "👨‍👩‍👧", "️", "hello", "Hi", "world", "h", "w", "你好", "。", ".", ",", "3"),
    *("i̇", "क्‍ष", "\u200d", "end, "),
]  # fmt: skip
PARTS = [
    *("[joy:0.6]", "[nod]", "*smiles*", "<break time='1s'/>", "[pause 2]", "[xyz]", "😀", "</b>"),
    *("<think>so </think>", "[高兴]", "Well", "so", "it", "goes,", "你好。"),
]
marked = st.lists(st.one_of(st.sampled_from(ODDS), st.text(max_size=4)), max_size=25).map("".join)


def merged(pieces: list[MarkPiece]) -> list[MarkPiece]:
    out: list[MarkPiece] = []
    for piece in pieces:
        if out and isinstance(piece, Spoken) and isinstance(out[-1], Spoken):
            out[-1] = Spoken(out[-1].text + piece.text)
        else:
            out.append(piece)
    return out


@settings(max_examples=400, deadline=None)
@given(marked, st.data())
@example("[joy:0.6] *smiles* <prosody rate='slow'>a</prosody>", None)
def test_any_cut_of_the_text_gives_the_same_pieces(text: str, data: st.DataObject | None) -> None:
    whole = read_marks(text)
    assert read_marks(list(text)) == whole
    if data is not None:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
        parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assert read_marks(parts) == whole


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PARTS)), st.randoms(use_true_random=False))
def test_the_voice_never_gets_a_part_of_a_mark(parts: list[str], rng: random.Random) -> None:
    text = " ".join(parts)
    reader, said = MarkReader(), ""
    words = [part for part in parts if part[-1] in "lotos,。"]
    while text or words is None:
        size = rng.randint(1, 5)
        for piece in reader.push(text[:size]):
            said += piece.text if isinstance(piece, Spoken) else ""
            assert not set(said) & set("[]<>*/:'😀"), said
        text = text[size:]
    said += "".join(piece.text for piece in reader.flush() if isinstance(piece, Spoken))
    assert said.split() == words


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "S", "Zl", "Zp"],
                             exclude_characters="[]【】<>*_~`#|\\&:;-+•◦‣⁣"), max_size=60))  # fmt: skip
def test_text_without_marks_is_unchanged(text: str) -> None:
    if "www." in text.lower() or "(" in text or "（" in text or any("\u2600" <= c <= "\u27bf" for c in text):
        return
    assert read_marks(text) == ([Spoken(text)] if text else [])


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3 * 4 = 12 and 2 ** 3 = 8; 5-3 is 2.",
        "snake_case and C++ and C# and AT&T, R&D; a < b and c > d, x<y.",
        "See [page 3] and [1] and [Sun Yat-sen] (on the left) (so they say).",
        "It is 10:30; -5 degrees, +3 more, #1 of all!",
        "他说：“你好！”（他在左边）【注意】[第三页]，好的~",
        "http and www and https are words, h w H W",
        "क्‍ष stays as it is, and so does a — dash.",
        "An email: a_b@c.org; a path: C:\\new\\table",
    ],
)
def test_ordinary_text_with_signs_is_unchanged(text: str) -> None:
    assert read_marks(text) == [Spoken(text)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("[joy]", [Feel(Emotion(joy=0.7))]),
        ("[Joy: 0.6]", [Feel(Emotion(joy=0.6))]),
        ("[happy 60%]", [Feel(Emotion(joy=0.6))]),
        ("[joy:0.6,surprise:0.2]", [Feel(Emotion(joy=0.6, amazement=0.2))]),
        ("[joy:7]", [Feel(Emotion(joy=1.0))]),
        ("[emotion: sad]", [Feel(Emotion(sadness=0.7))]),
        ("[slightly sad]", [Feel(Emotion(sadness=0.35))]),
        ("[neutral]", [Feel(None)]),
        ("[joy:0]", [Feel(None)]),
        ("[/joy]", [Feel(None)]),
        ("[高兴]【难过：0.5】", [Feel(Emotion(joy=0.7)), Feel(Emotion(sadness=0.5))]),
        ("[nod, joy:0.5]", [Feel(Emotion(joy=0.5)), Gesture("nod")]),
        ("[look away][looks_up]", [Gesture("look_away"), Gesture("look_up")]),
        ("[pause 0.5][pause:250ms][break][pause 99999]", [Pause(0.5), Pause(0.25), Pause(0.5), Pause(10.0)]),
        ("[停顿 2秒]", [Pause(2.0)]),
        ("<break time='500ms'/><break strength=\"strong\" />", [Pause(0.5), Pause(0.7)]),
        ("<emphasis level='strong'>x</emphasis>", [Emphasis("strong"), Spoken("x"), Emphasis("none")]),
        ("<emphasis>x", [Emphasis("moderate"), Spoken("x"), Emphasis("none")]),
        ("<joy>x</joy>", [Feel(Emotion(joy=0.7)), Spoken("x"), Feel(None)]),
        ("<a:express-as style='sad'>x</a:express-as>", [Feel(Emotion(sadness=0.7)), Spoken("x"), Feel(None)]),
        ("*smiles warmly* Hi *nods*", [Feel(Emotion(joy=0.45)), Spoken("Hi"), Gesture("nod")]),
        ("（微笑）你好", [Feel(Emotion(joy=0.45)), Spoken("你好")]),
        ("😂😂 ok :)", [Feel(Emotion(joy=0.95)), Spoken("ok"), Feel(Emotion(joy=0.5))]),
        ("👍🏽 Yes", [Gesture("nod"), Spoken("Yes")]),
    ],
)  # fmt: skip
def test_marks(text: str, pieces: list[MarkPiece]) -> None:
    assert read_marks(text) == pieces


def test_prosody_nests_and_ends_with_the_text() -> None:
    text = "<prosody rate='80%' pitch='+2st'>a<prosody volume='+6dB'>b</prosody>c"
    slow = Prosody(0.8, 2.0)
    assert read_marks(text) == [
        *(slow, Spoken("a"), Prosody(0.8, 2.0, 6.0), Spoken("b"), slow, Spoken("c"), Prosody()),
    ]


@pytest.mark.parametrize(
    ("pairs", "manner"),
    [
        ("rate='fast' pitch='x-high' volume='soft'", Prosody(1.25, 6.0, -6.0)),
        ("rate='+10%' pitch='+100%' volume='50'", Prosody(1.1, 12.0, -6.0206)),
        ("rate='900%' pitch='-99st' volume='silent'", Prosody(2.0, -12.0, -40.0)),
        ("rate='soon' pitch='300Hz' volume='3 cups'", Prosody()),
    ],
)
def test_prosody_is_kept_in_bounds_and_nonsense_changes_nothing(pairs: str, manner: Prosody) -> None:
    assert read_marks(f"<prosody {pairs}>a</prosody>") == [manner, Spoken("a"), Prosody()]


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("**Bold**, *it* and _em_, `code`, ~~gone~~", "Bold, it and em, code, gone"),
        ("# Title\n- one\n* two\n> three\n---\n1. four", "Title\none\ntwo\nthree\n\n1. four"),
        ("| a | b |\n|---|:-:|\n| 1 x | 2 |", "a, b\n\n1 x, 2"),
        ("Look: ```py\nx = [1]\n``` done", "Look: done"),
        ("See https://www.example.org/a?b=c. Or [this](http://x.y/z_(q)!", "See example.org. Or this!"),
        ("<think>no [joy]</think>\n\nYes", "Yes"),
        ("H<sub>2</sub>O by <sub alias='World Wide Web'>WWW</sub>", "H2O by World Wide Web"),
        ("There [nod]. Good [joy] day", "There. Good day"),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("A &amp; B &lt;joy&gt;", "A & B <joy>"),
        ("<speak>Hi <unknown a='b'/>there</speak>", "Hi there"),
        ("I am *really* glad *clears throat* so", "I am really glad so"),
        ("\\*not\\* \\[joy]", "*not* [joy]"),
        ("1️⃣ first ✅ 🎌", "1 first"),
    ],
)
def test_what_no_voice_says_is_left_out(text: str, voice: str) -> None:
    assert spoken(text) == voice


def test_every_name_of_an_emotion_or_gesture_is_a_mark() -> None:
    for name in (*EMOTIONS, *ALIASES, *FEELINGS):
        assert any(isinstance(piece, Feel) for piece in known(name) or ()), name
    for name in (*GESTURES, *MOVES):
        assert known(name) == (Gesture(MOVES[name]),), name
    assert set(MOVES.values()) == set(GESTURES)
    assert not set(MOVES) & set(FEELINGS)
    assert known("teapot") is None


def test_words_do_not_wait_for_what_cannot_be_a_mark() -> None:
    reader = MarkReader()
    assert reader.push("Well (as you can") == [Spoken("Well (as you can")]
    assert reader.push(" see) a < b, *real") == [Spoken(" see) a < b,")]
    assert reader.push("ly* good.") == [Spoken(" really good.")]
    long = "[" + "word " * 40
    assert len(spoken(long)) > LONGEST_BRACKET
    assert "word" in "".join(p.text for p in reader.push(long) if isinstance(p, Spoken))


@pytest.mark.parametrize(
    "unit", ["[", "[a", "<a ", "<a b='", "*a", "`", "-", "|", "&", "(", "http://", "_", " ", "[]("]
)
def test_time_grows_linearly(unit: str) -> None:
    """Steps are counted, not seconds: at most a fixed number of them a character, and little is held."""
    calls = 0

    class Counting(MarkReader):
        def push(self, text: str) -> list[MarkPiece]:
            nonlocal calls
            original = self._reading._step

            def step(text: str, at: int, final: bool) -> int:
                nonlocal calls
                calls += 1
                return original(text, at, final)

            self._reading._step = step  # type: ignore[method-assign]
            pieces = super().push(text)
            self._reading._step = original  # type: ignore[method-assign]
            return pieces

    text = unit * (4000 // len(unit))
    reader = Counting()
    for char in text:
        reader.push(char)
        assert len(reader._reading.held) <= 300
    assert calls <= 2 * len(text) + 400
    calls = 0
    Counting().push(text * 10)
    assert calls <= 10 * len(text) + 400


def test_no_empty_lines_behind_thoughts() -> None:
    assert read_marks("<think>so</think>\n\n  Yes\n\nNo") == [Spoken("Yes\n\nNo")]


def test_much_text_at_once() -> None:
    for unit in ("[joy] Hello *there*, ", "[[", "<a b='", "<think>", "https://a.b/c "):
        text = unit * (50_000 // len(unit))
        assert read_marks(text) == read_marks([text[:777], text[777:]])
