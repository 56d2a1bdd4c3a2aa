"""A conversation whose ears, thoughts and voice are simple: levels are words, words are tones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from rhapsode.conversation import Conversation, Resources
from rhapsode.conversation.events import Event
from rhapsode.dialogue.turns import Piece, Question, Say, Source, Thinker, Turn
from rhapsode.errors import SpeechError
from rhapsode.face.emotion import Emotion
from rhapsode.live.items import CurvesItem, Item, SoundItem
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, Float32, Sound, Span, Words
from rhapsode.pipecat.voicing import Speaks
from rhapsode.settings import Hear, Settings, Speak
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech
from tests.live.fake import JAW, FakeEngine
from tests.live.virtual import Inline, play

RATE = 24_000
WORD_S = 0.3
"""How long the fake voice speaks a word."""

WORDS = {1: "what time", 2: "is it", 3: "wait", 4: "mm-hm", 5: "", 6: "stop"}
"""Level of the sound, in tenths, to what is said at that level."""

_T = TypeVar("_T")


def tone(level: int, seconds: float) -> Float32:
    """Return ``seconds`` of a person who says ``WORDS[level]``, 16 kHz."""
    return np.full(round(seconds * 16_000), level / 10, np.float32)


class FakeActivity:
    """Any sound is a voice."""

    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.float32)

    def push(self, y: Float32) -> Float32:
        waiting = np.concatenate([self._waiting, y])
        whole = len(waiting) - len(waiting) % 512
        self._waiting = waiting[whole:]
        return (np.abs(waiting[:whole]).reshape(-1, 512).mean(axis=1) > 0.05).astype(np.float32)


class FakeCompleteness:
    """A turn is over unless it ends at level 2 less than 0.6 s long; the answer takes 60 ms."""

    async def complete(self, audio: bytes) -> bool:
        await asyncio.sleep(0.06)
        return "wait" not in heard(audio)[-1:]


def heard(audio: bytes | Float32) -> list[str]:
    """Return what is said in ``audio``, one entry for each level."""
    y = np.frombuffer(audio, np.int16) / 32768 if isinstance(audio, bytes) else audio
    levels = np.round(np.abs(y[: len(y) // 160 * 160]).reshape(-1, 160).max(axis=1) * 10).astype(int)
    runs = [int(level) for k, level in enumerate(levels) if level and (not k or levels[k - 1] != level)]
    return [WORDS[level] for level in runs]


class FakeThinker:
    """Says what it is told to, or what it was asked."""

    def __init__(self) -> None:
        self.pieces: list[Piece | float | Exception] | None = None
        self.asked: list[tuple[Question, tuple[Turn, ...]]] = []
        self.closed = 0

    async def answer(self, question: Question, history: Sequence[Turn]) -> AsyncIterator[Piece]:
        self.asked.append((question, tuple(history)))
        try:
            if self.pieces is None:
                yield Source("script", "echo", 0.9)
                yield Say(f"You asked {question.text}. That is all I know about it.")
                return
            for piece in self.pieces:
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                elif isinstance(piece, Exception):
                    raise piece
                else:
                    yield piece
        finally:
            self.closed += 1


def fake_voice(text: str, language: str, manner: Manner) -> Iterator[Speech]:
    """Speak a word in `WORD_S`; 'fail' cannot be spoken, 'crash' is a fault of our own."""
    if "fail" in text:
        raise SpeechError("the word 'fail' cannot be spoken; leave it out")
    if "crash" in text:
        raise ZeroDivisionError("a fault of our own")
    words = list(text) if language == "zh" else text.split()
    spans = tuple(Span(word, k * WORD_S, (k + 1) * WORD_S) for k, word in enumerate(words))
    y = np.full((round(WORD_S * RATE) * len(words), 1), 0.4, np.float32)
    yield Speech(Sound(y, RATE, Fraction(0)), Words(spans))


class FakeResources(Resources):
    """All of the above."""

    def __init__(self) -> None:
        super().__init__(pool=Inline())
        self.thought = FakeThinker()
        self.speaker: Speaks = fake_voice
        self.recognised: list[float] = []
        self.recogniser_fails = ""
        self.slow_s = 0.0
        self.foreseen: list[str] = []

    def warm_up(self, settings: Settings) -> list[Any]:
        return []

    def cleaners(self, hear: Hear) -> list[Any]:
        return []

    def activity(self) -> FakeActivity:
        return FakeActivity()

    def completeness(self) -> FakeCompleteness:
        return FakeCompleteness()

    def hear(self, settings: Settings) -> Hear:
        return settings.hear

    def recognises(self, hear: Hear) -> Any:
        def recognise(samples: Float32, *, final: bool) -> Question:
            if self.recogniser_fails:
                raise SpeechError(self.recogniser_fails)
            self.recognised.append(len(samples) / 16_000)
            return Question(" ".join(word for word in heard(samples) if word), "en", 0.9)

        return recognise

    def foresee(self, text: str, language: str, settings: Settings, history: Sequence[Turn]) -> None:
        self.foreseen.append(text)

    def feels(self) -> Any:
        return self

    def voice(self, samples: Float32) -> float:
        return float(np.abs(samples).max())

    def fused(self, question: Question, voice: float) -> tuple[Emotion | None, float]:
        return Emotion(joy=round(min(voice, 1.0), 1)), 0.7

    def thinker(self, settings: Settings) -> Thinker:
        return self.thought

    def speaks(self, settings: Speak) -> Speaks:
        return self.speaker


class Scene:
    """A conversation with what it told and gave out, and when."""

    def __init__(self, resources: FakeResources, settings: Settings) -> None:
        self.resources, self.thought = resources, resources.thought
        self.events: list[tuple[float, Event]] = []
        self.items: list[tuple[float, Item]] = []
        self.session = Session(FakeEngine(), Inline())
        self.session.attach(self)
        self.talk = Conversation(self.session, settings, resources=resources)
        self.talk.watch(lambda event: self.events.append((self.now(), event)))
        self.tasks = [asyncio.ensure_future(job) for job in (self.session.run(), self.talk.run())]
        self.interruptions: list[float] = []

    def offer(self, item: Item) -> None:
        self.items.append((self.now(), item))

    def interrupted(self, generation: int) -> None:
        self.interruptions.append(self.now())

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    async def until(self, met: Callable[[], bool], limit: float = 60.0) -> None:
        end = self.now() + limit
        while not met() and self.now() < end:
            for task in self.tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.004)
        assert met(), f"it did not happen; told: {self.events[-9:]}"

    async def hear(self, *parts: Float32) -> None:
        """Speak into the microphone, in real time, 20 ms at a time."""
        y = np.concatenate(parts)
        for first in range(0, len(y), 320):
            chunk = y[first : first + 320]
            await asyncio.sleep(len(chunk) / 16_000)
            self.talk.hear(chunk)

    def told(self, *kinds: type[_T]) -> list[_T]:
        return [event for _, event in self.events if isinstance(event, kinds)]

    def when(self, kind: type[Event], nth: int = -1) -> float:
        return [at for at, event in self.events if isinstance(event, kind)][nth]

    def sounding(self, at: float) -> bool:
        """Whether sound was due at a time, of what was not interrupted."""
        generation = self.session.generation
        for _, item in self.items:
            if isinstance(item, SoundItem) and item.generation == generation:
                begin = self.session.timeline.time_of(item.start)
                if begin <= at < begin + len(item.samples) / item.sample_rate and np.abs(item.samples).any():
                    return True
        return False

    def jaw(self, after: float, within: float = 0.4) -> float:
        """The widest mouth of what was made after a time and is due soon after it."""
        widest = 0.0
        for made, item in self.items:
            if isinstance(item, CurvesItem) and made >= after:
                due = self.session.timeline.time_of(item.start + CLOCK_HZ // 50)
                if due <= after + within:
                    widest = max(widest, float(item.values[:, JAW].max()))
        return widest


def converse(
    *scenes: Callable[[Scene], Awaitable[None]],
    resources: FakeResources | None = None,
    settings: Settings | None = None,
) -> list[Scene]:
    """Play each scene with a conversation of its own, all at once."""
    shared = resources or FakeResources()

    async def run() -> list[Scene]:
        made = [Scene(shared, settings or Settings()) for _ in scenes]
        try:
            for one in made:
                await one.until(one.talk.ready.is_set)
            await asyncio.gather(*(scene(one) for scene, one in zip(scenes, made, strict=True)))
        finally:
            for one in made:
                for task in one.tasks:
                    task.cancel()
                await asyncio.gather(*one.tasks, return_exceptions=True)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks are left: {left}"
        return made

    return play(run())
