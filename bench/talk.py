"""How long an answer takes and how fast an interruption is: the real conversation, offline, two languages.

Questions are spoken by voices that the digital human does not use, and played into its microphone at the pace
of speech. Times are those at which sound is due at the listener. Script answers; everything that a first run
of the product uses.

``python -m bench.talk --first-run`` measures the worst case of a first run: other questions, each asked once,
of whose answers nothing was spoken before.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from bench.talk_trial import Trial, spoken
from rhapsode.conversation.resources import Resources
from rhapsode.settings import Settings
from rhapsode.speech.prerender import SpokenCache

REHEARSAL_S = 900.0
"""How long the script's answers may take to be spoken beforehand; they are kept from run to run."""

QUESTIONS = {
    "en": (
        "What time do you open in the morning?",
        "How much does a ticket cost?",
        "Can I bring my dog?",
        "Where can I get a coffee?",
        "Is there a place where I can leave my coat?",
        "Which machine is the oldest one you have?",
        "Are there guided tours today?",
        "Do students get a discount?",
        "Is the building accessible with a wheelchair?",
        "May I take photographs?",
    ),
    "zh": (
        "请问你们几点开门？",
        "门票多少钱一张？",
        "我可以带狗进来吗？",
        "哪里可以喝咖啡？",
        "有地方可以存外套吗？",
        "你们最老的机器是哪一台？",
        "今天有讲解吗？",
        "学生有优惠吗？",
        "坐轮椅方便参观吗？",
        "这里可以拍照吗？",
    ),
}
FIRST_QUESTIONS = {
    "en": (
        *QUESTIONS["en"],
        "Which day are you closed?",
        "When is the last admission?",
        "How long does a visit take?",
        "Is there a family ticket?",
        "How do I get to the museum?",
        "Where can I park my car?",
        "Where are the toilets?",
        "Is there an audio guide?",
        "What is there for children?",
        "What is the wifi password?",
        "Who founded the museum?",
        "What should I see first?",
        "Who invented the phonograph?",
        "How did Stephen Hawking get his voice?",
        "Are you a real person?",
    ),
    "zh": (
        *QUESTIONS["zh"],
        "你们哪天闭馆？",
        "最晚几点可以入场？",
        "参观需要多长时间？",
        "有没有家庭票？",
        "博物馆怎么走？",
        "哪里可以停车？",
        "洗手间在哪里？",
        "有没有语音导览？",
        "有什么适合孩子玩的？",
        "无线网密码是多少？",
        "这个博物馆的历史是什么？",
        "最值得看的展品是什么？",
        "留声机是谁发明的？",
        "霍金的声音是从哪里来的？",
        "你是真人吗？",
    ),
}
ASKERS = {"en": ("kokoro:am_michael", "kokoro:bf_emma"), "zh": ("kokoro:zm_yunxi", "kokoro:zf_xiaoxiao")}
INTERRUPTIONS = {"en": "Wait, stop please, I have another question.", "zh": "等一下，我还有别的问题。"}


async def _language(language: str, resources: Resources, rounds: int) -> dict[str, Any]:
    voices = ASKERS[language]
    questions = [spoken(text, voices[k % 2]) for k, text in enumerate(QUESTIONS[language])]
    interruption = spoken(INTERRUPTIONS[language], voices[0])
    with ThreadPoolExecutor(4) as pool:
        async with Trial(language, resources, pool) as trial:
            answers = [await trial.answer(sound) for _ in range(rounds) for sound in questions]
            spoken_over = [await trial.interruption(sound, interruption) for sound in questions]
            cut = [await trial.cut(text) for text in QUESTIONS[language]]
    return {
        "answers": len(answers),
        "first_sound_ms": _spread([row["first_sound_ms"] for row in answers]),
        "told_ms": _spread([row["told_ms"] for row in answers]),
        "stages_ms": _stages(answers),
        "interrupted_by_voice": {"times": len(spoken_over), **_spreads(spoken_over)},
        "interrupted_by_hand_with_open_mouth": {"times": len(cut), **_spreads(cut)},
        "understood": [row["asked"] for row in answers[: len(questions)]],
    }


class FirstRun(Resources):
    """What conversations share on a first run at its worst: no answer was spoken before."""

    @property
    def spoken(self) -> SpokenCache:
        """An empty cache that keeps nothing on disk."""
        cache: SpokenCache = self.kept("spoken", lambda: SpokenCache(disk_bytes=0))
        return cache

    def prepare_voice(self, settings: Settings) -> None:
        """Speak nothing beforehand."""


async def _first_run(language: str, resources: Resources) -> dict[str, Any]:
    voices = ASKERS[language]
    questions = [spoken(text, voices[k % 2]) for k, text in enumerate(FIRST_QUESTIONS[language])]
    with ThreadPoolExecutor(4) as pool:
        async with Trial(language, resources, pool) as trial:
            answers = [await trial.answer(sound) for sound in questions]
    times = [row["first_sound_ms"] for row in answers]
    return {
        "answers": len(answers),
        "first_sound_ms": {**_spread(times), "most": round(max(times), 1)},
        "stages_ms": _stages(answers),
        "understood": {row["asked"]: round(row["first_sound_ms"]) for row in answers},
    }


def first_run() -> dict[str, Any]:
    """Return the measures of a first run at its worst; everything is loaded before the first question."""
    found = {}
    for language in FIRST_QUESTIONS:
        resources = FirstRun()
        try:
            resources.warm_up(Settings())
            found[language] = asyncio.run(_first_run(language, resources))
        finally:
            resources.close()
    return found


def _stages(answers: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    rows = defaultdict(list)
    for row in answers:
        for stage, value in row["stages_ms"].items():
            rows[stage].append(value)
    return {stage: _spread(values) for stage, values in rows.items()}


def _spreads(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: _spread([row[name] for row in rows]) for name in rows[0]}


def _spread(values: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, (50, 95))
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}


def measure(rounds: int = 1) -> dict[str, Any]:
    """Return the measures of both languages; everything is loaded and rehearsed before the first question."""
    resources, begun = Resources(), time.monotonic()
    try:
        resources.warm_up(Settings())
        while resources.rehearsal.left and time.monotonic() - begun < REHEARSAL_S:
            time.sleep(1.0)
        facts = {"rehearsed_s": round(time.monotonic() - begun, 1), "not_rehearsed": resources.rehearsal.left}
        return {**facts, **{name: asyncio.run(_language(name, resources, rounds)) for name in QUESTIONS}}
    finally:
        resources.close()


if __name__ == "__main__":
    import json
    import sys

    document = first_run() if "--first-run" in sys.argv[1:] else measure()
    print(json.dumps(document, indent=2, ensure_ascii=False))
