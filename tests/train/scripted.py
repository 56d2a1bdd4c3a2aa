"""A speaker, a microphone and a room for tests of recording, all on one made-up clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from rhapsode.audio.meter import Level
from rhapsode.performance import Float32, as_float32
from rhapsode.train.script.checks import Check
from rhapsode.train.script.prompts import Item
from rhapsode.train.script.recorder import SoundClip, Tape

RATE = 16_000
BLOCK = 800

Voice = Callable[[float], float]


def tone(seconds: float, level: float = 0.2, rate: int = RATE) -> Float32:
    t = np.arange(round(seconds * rate)) / rate
    return as_float32(level * np.sin(2 * np.pi * 180 * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t)))


def room(seconds: float, level: float = 5e-4, seed: int = 0, rate: int = RATE) -> Float32:
    return as_float32(level * np.random.default_rng(seed).standard_normal(round(seconds * rate)))


def said(seconds: float = 1.0, level: float = 0.2, noise: float = 5e-4, edge: float = 0.4) -> Float32:
    """Return a take: room, a voice, room."""
    whole = room(seconds + 2 * edge, noise)
    begin = round(edge * RATE)
    voice = tone(seconds, level)
    whole[begin : begin + len(voice)] += voice
    return whole


class FakeMicrophone:
    """Hears what the speaker says: each take one sound of ``says``, at the next second of the clock."""

    suffix = ".wav"
    name = "a microphone"
    sample_rate = RATE

    def __init__(
        self, says: Iterable[Float32] = (), *, breaks_at: int | None = None, noise: float = 5e-4
    ) -> None:
        self._says, self._breaks_at, self._noise = iter(says), breaks_at, noise
        self._tape = Tape(RATE)
        self.begun = 0
        self.played: list[SoundClip] = []
        self.log: list[str] = []

    def open(self) -> None:
        self.log.append("open")
        self._hear(room(1.0, self._noise))

    def begin(self) -> None:
        self.begun += 1
        if self.begun == self._breaks_at:
            from rhapsode.errors import AudioError

            raise AudioError("microphone 'a microphone' has stopped; plug it in again and start anew")
        self._tape.begin()
        self._hear(next(self._says, said()))

    def end(self, *, trim_s: float = 0.0) -> SoundClip:
        return self._tape.end(trim_s=trim_s)

    def drop(self) -> None:
        self.log.append("drop")
        self._tape.drop()

    def level(self) -> Level:
        return self._tape.level

    def play(self, clip: SoundClip) -> None:
        self.played.append(clip)

    def close(self) -> None:
        self.log.append("close")

    def _hear(self, sound: Float32) -> None:
        for k in range(0, len(sound), BLOCK):
            self._tape.push(sound[k : k + BLOCK])


class FakeClip:
    def __init__(self, name: str) -> None:
        self.name, self.start_s = name, 0.0

    def write(self, path: Path) -> None:
        path.write_text(self.name)


class FakeCamera:
    """Counts its takes and writes their numbers."""

    suffix = ".mp4"

    def __init__(self) -> None:
        self.log: list[str] = []
        self.takes = 0

    def open(self) -> None:
        self.log.append("open")

    def begin(self) -> None:
        self.log.append("begin")

    def end(self, *, trim_s: float = 0.0) -> FakeClip:
        self.takes += 1
        return FakeClip(f"take {self.takes}")

    def drop(self) -> None:
        self.log.append("drop")

    def close(self) -> None:
        self.log.append("close")


class FakeKeys:
    """Presses the keys of ``pressed`` one after another, ``.`` for a moment without one; then stops.

    During the count-in nothing is pressed unless ``early`` says so. Each reading moves the clock on.
    """

    def __init__(self, screen: FakeScreen, pressed: str, *, early: str = "") -> None:
        self._screen, self._pressed, self._early = screen, iter(pressed), iter(early)
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def read(self, timeout_s: float) -> str | None:
        self.now += timeout_s
        if self._screen.counting:
            key = next(self._early, ".")
        else:
            key = next(self._pressed, "q")
        return None if key == "." else key


class FakeScreen:
    """Writes down what is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.counting = False

    def _say(self, text: str, *, counting: bool = False) -> None:
        self.counting = counting
        self.shown.append(text)

    def prompt(self, item: Item, *, number: int, total: int) -> None:
        self._say(f"prompt {number}/{total} {item.id}")

    def sync(self, text: str) -> None:
        self._say("sync")

    def count(self, left: int) -> None:
        self._say(f"count {left}", counting=True)

    def recording(self, elapsed_s: float, level: Level) -> None:
        self._say("recording")

    def verdict(self, checked: Check, *, note: str = "") -> None:
        codes = ",".join(problem.code for problem in checked.problems)
        self._say(f"verdict {codes} {note}".rstrip())

    def playing(self) -> None:
        self._say("playing")

    def kept(self, item: Item, checked: Check) -> None:
        self._say(f"kept {item.id}")
