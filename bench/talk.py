"""How long an answer takes and how fast an interruption is: the real conversation, offline, two languages.

Questions are spoken by voices that the digital human does not use, and played into its microphone at the pace
of speech. Times are those at which sound is due at the listener. Script answers; everything that a first run
of the product uses.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rhapsode.audio.resample import resample
from rhapsode.conversation.conversation import Conversation
from rhapsode.conversation.events import Answered, Asked, Event, Latency, SpeakingStarted
from rhapsode.conversation.resources import Resources
from rhapsode.face.direction import Direction
from rhapsode.live.engine import ProductEngine
from rhapsode.live.items import CurvesItem, Item, SoundItem
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.rigs import FACE
from rhapsode.settings import Settings
from rhapsode.speech import speak

RATE = 16_000
CHUNK = RATE // 50
AUDIBLE = 10 ** (-50 / 20)
REHEARSAL_S = 900.0
"""How long the script's answers may take to be spoken beforehand; they are kept from run to run."""

OPEN = 0.12
"""Opening of the jaw, less the lips' own closing, above which a mouth is open."""

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
ASKERS = {"en": ("kokoro:am_michael", "kokoro:bf_emma"), "zh": ("kokoro:zm_yunxi", "kokoro:zf_xiaoxiao")}
INTERRUPTIONS = {"en": "Wait, stop please, I have another question.", "zh": "等一下，我还有别的问题。"}


def spoken(text: str, voice: str) -> Float32:
    """Return ``text`` as sound at `RATE`, (n,), cut where it becomes inaudible."""
    said = speak(text, voice)
    sound = resample(said.sound.samples[:, 0], said.sound.sample_rate, RATE)
    heard = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (-40 / 20))
    return np.asarray(sound[heard[0] : heard[-1] + 1] * (0.3 / np.abs(sound).max()), np.float32)


class Microphone:
    """Brings sound to a conversation at the pace of speech; a quiet room where nobody speaks."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._waiting = np.zeros(0, np.float32)
        self._room = np.random.default_rng(0)
        self.ended = asyncio.Event()
        self.began_at = self.ended_at = 0.0

    def speak(self, sound: Float32) -> None:
        """Say this next."""
        self.ended.clear()
        self._waiting, self.began_at = sound, 0.0

    async def run(self) -> None:
        """Play until cancelled."""
        self._conversation.listen(RATE)
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += CHUNK / RATE
            await asyncio.sleep(due - loop.time())
            piece, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
            if len(piece) and not self.began_at:
                self.began_at = due - CHUNK / RATE
            if len(piece) and not len(self._waiting):
                self.ended_at = due - (CHUNK - len(piece)) / RATE
                self.ended.set()
            room = self._room.normal(0, 10 ** (-70 / 20), CHUNK).astype(np.float32)
            room[: len(piece)] += piece
            self._conversation.hear(room)


@dataclass
class Heard:
    """What a listener hears and sees, with the time at which it is due; an outlet of the session."""

    session: Session
    sound: list[tuple[float, float, int]] = field(default_factory=list)
    mouth: list[tuple[float, float, int]] = field(default_factory=list)

    def offer(self, item: Item) -> None:
        """Note the audible stretches of sound and the opening of the mouth."""
        if isinstance(item, SoundItem):
            loud = np.flatnonzero(np.abs(item.samples) > AUDIBLE)
            if len(loud):
                step = CLOCK_HZ / item.sample_rate
                first, last = (
                    self.session.timeline.time_of(item.start + k * step) for k in (loud[0], loud[-1])
                )
                self.sound.append((first, last, item.generation))
        elif isinstance(item, CurvesItem):
            jaw, close = (FACE.channels.index(name) for name in ("jawOpen", "mouthClose"))
            for k, row in enumerate(item.values):
                at = self.session.timeline.time_of(item.start + k * HOP)
                self.mouth.append((at, float(row[jaw] - row[close]), item.generation))

    def interrupted(self, generation: int) -> None:
        """Forget what is not heard any more."""
        now = asyncio.get_running_loop().time()
        self.sound = [(first, min(last, now), old) for first, last, old in self.sound if first <= now]
        self.mouth = [row for row in self.mouth if row[0] <= now]

    def first_sound(self, after: float) -> float:
        """Return when sound that is due behind ``after`` begins."""
        return min(first for first, _, _ in self.sound if first > after)

    def silent_from(self, after: float, until: float) -> float:
        """Return when sound due between the two times has ended."""
        return max((last for first, last, _ in self.sound if first < until and last > after), default=after)

    def open_at(self, now: float) -> bool:
        """Tell whether the mouth that is seen at ``now`` is open."""
        return any(opening > OPEN for at, opening, _ in self.mouth if now - 0.02 < at <= now)

    def closed_from(self, after: float, until: float) -> float:
        """Return from when on the mouth is closed between the two times."""
        return max(
            (at for at, opening, _ in self.mouth if after <= at < until and opening > OPEN), default=after
        )


class Trial:
    """A conversation with a microphone and a listener.

    Args:
        language: of the person.
        resources: of the machine.

    """

    def __init__(self, language: str, resources: Resources, pool: ThreadPoolExecutor) -> None:
        hear = {"languages": ("en", "zh")}
        self.settings = Settings.model_validate({"hear": hear})
        self.language = language
        self.session = Session(
            ProductEngine(), pool, direction=Direction(self.settings.perform.weights, emotion="")
        )
        self.conversation = Conversation(self.session, self.settings, resources=resources)
        self.heard = Heard(self.session)
        self.microphone = Microphone(self.conversation)
        self.events: list[tuple[float, Event]] = []

    async def __aenter__(self) -> Trial:
        """Begin."""
        loop = asyncio.get_running_loop()
        self.session.attach(self.heard)
        self.conversation.watch(lambda event: self.events.append((loop.time(), event)))
        self._tasks = [
            asyncio.ensure_future(self.session.run()),
            asyncio.ensure_future(self.conversation.run()),
        ]
        await self.session.ready.wait()
        await self.conversation.ready.wait()
        self._tasks.append(asyncio.ensure_future(self.microphone.run()))
        await asyncio.sleep(1.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def told(self, kind: type) -> list[tuple[float, Any]]:
        """Return the events of a kind so far, with their times."""
        return [(at, event) for at, event in self.events if isinstance(event, kind)]

    async def until(self, kind: type, count: int, seconds: float = 20.0) -> None:
        """Wait for the ``count``-th event of a kind."""
        async with asyncio.timeout(seconds):
            while len(self.told(kind)) < count:
                await asyncio.sleep(0.02)

    async def answer(self, question: Float32) -> dict[str, Any]:
        """Ask aloud and wait for the answer; return what was understood and how long it took."""
        begun, ended = (len(self.told(kind)) for kind in (SpeakingStarted, Answered))
        self.microphone.speak(question)
        await self.microphone.ended.wait()
        await self.until(SpeakingStarted, begun + 1)
        asked = self.told(Asked)[-1][1]
        first = self.heard.first_sound(self.microphone.ended_at)
        await self.until(Answered, ended + 1, 60.0)
        await asyncio.sleep(0.5)
        measured = self.told(Latency)[-1][1]
        return {
            "asked": asked.text,
            "first_sound_ms": (first - self.microphone.ended_at) * 1000,
            "told_ms": measured.total_ms,
            "stages_ms": dict(measured.stages_ms),
        }

    async def interruption(self, question: Float32, interruption: Float32) -> dict[str, float]:
        """Ask, speak into the answer; return how long sound and mouth went on, milliseconds."""
        begun, asked = (len(self.told(kind)) for kind in (SpeakingStarted, Asked))
        self.microphone.speak(question)
        await self.microphone.ended.wait()
        await self.until(SpeakingStarted, begun + 1)
        await asyncio.sleep(1.2)
        generation = self.session.generation
        self.microphone.speak(interruption)
        loop, noticed = asyncio.get_running_loop(), 0.0
        while not self.microphone.ended.is_set():
            await asyncio.sleep(0.002)
            if not noticed and self.session.generation != generation:
                noticed = loop.time()
        await self.until(Asked, asked + 2)
        if not noticed:
            raise RuntimeError("the interruption was not noticed")
        onset, until = self.microphone.began_at, self.microphone.ended_at
        silent = self.heard.silent_from(onset, until)
        self.conversation.interrupt()
        await asyncio.sleep(1.0)
        return {
            "noticed_after_onset_ms": (noticed - onset) * 1000,
            "silent_after_onset_ms": (silent - onset) * 1000,
        }

    async def cut(self, question: str) -> dict[str, float]:
        """Ask in writing, interrupt while the mouth is open; return how long sound and mouth went on."""
        loop, begun = asyncio.get_running_loop(), len(self.told(SpeakingStarted))
        self.conversation.ask(question)
        await self.until(SpeakingStarted, begun + 1)
        async with asyncio.timeout(20):
            while not self.heard.open_at(loop.time()):
                await asyncio.sleep(0.005)
        at = loop.time()
        self.conversation.interrupt()
        await asyncio.sleep(1.0)
        return {
            "silent_after_ms": max(self.heard.silent_from(at, at + 0.9) - at, 0.0) * 1000,
            "closed_after_ms": (self.heard.closed_from(at, at + 0.9) - at) * 1000,
        }


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

    print(json.dumps(measure(), indent=2, ensure_ascii=False))
