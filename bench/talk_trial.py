"""A conversation on trial: somebody speaks into its microphone and notes when it sounds and moves.

Questions are spoken by voices that the digital human does not use, and played into its microphone at the pace
of speech. Times are those at which sound is due at the listener.
"""

from __future__ import annotations

import asyncio
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
OPEN = 0.12
"""Opening of the jaw, less the lips' own closing, above which a mouth is open."""


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
