"""A stand-in for the voice and the face: tones for letters, curves that follow them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from rhapsode.errors import SpeechError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion, Feelings
from rhapsode.live.engine import Block
from rhapsode.performance import Curves, Float32, Sound, Span, Words
from rhapsode.rigs import FACE

RATE = 24_000
JAW = FACE.index("jawOpen")
SMILE = FACE.index("mouthSmileLeft")
LOOK_AHEAD = 4
"""Curve frames that the fake face lags behind its sound."""


class FakeFace:
    """jawOpen is the peak of the sound of its 20 ms, `LOOK_AHEAD` curve frames late.

    headYaw is the seed, the left smile the joy.
    """

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.felt = direction.emotion
        self.told: list[tuple[Words, float, float]] = []
        self._peaks = np.zeros(0, np.float32)
        self._sound = np.zeros(0, np.float32)
        self._made = 0

    def feel(self, emotion: Feelings) -> None:
        self.felt = emotion

    def words(self, words: Words, *, begin_s: float, end_s: float) -> None:
        self.told.append((words, begin_s, end_s))

    def push(self, chunk: Float32) -> Curves:
        self._sound = np.concatenate([self._sound, chunk])
        whole = len(self._sound) // 480
        peaks = np.abs(self._sound[: whole * 480]).reshape(whole, 480).max(axis=1, initial=0)
        self._sound = self._sound[whole * 480 :]
        self._peaks = np.concatenate([self._peaks, peaks])
        ready = max(len(self._peaks) - LOOK_AHEAD, 0)
        values = np.zeros((ready, len(FACE)), np.float32)
        values[:, JAW] = self._peaks[:ready]
        values[:, FACE.index("headYaw")] = self.direction.seed / 100
        values[:, SMILE] = self.felt.get("joy", 0.0) if isinstance(self.felt, Emotion) else 0.0
        self._peaks = self._peaks[ready:]
        start = self._made * 320
        self._made += ready
        return Curves(FACE.channels, values, start=Fraction(start))


class FakeEngine:
    """Every word is 0.2 s of a steady level, set by its first letter; 'fail' cannot be spoken."""

    names = FACE.channels

    def __init__(self, rate: int = RATE) -> None:
        self.rate = rate
        self.taken = 0

    def face(self, direction: Direction) -> FakeFace:
        return FakeFace(direction)

    def speak(self, text: str) -> Iterator[Block]:
        at = 0.0
        for word in text.split():
            if word == "fail":
                raise SpeechError("the word 'fail' cannot be spoken; leave it out")
            if word == "crash":
                raise ZeroDivisionError("a fault of our own")
            self.taken += 1
            y = np.full(self.rate // 5, level(word), np.float32)
            yield Sound(y, self.rate, Fraction(at)), Words((Span(word, at, at + 0.2),))
            at += 0.2

    def play(self, path: Path) -> Iterator[Block]:
        yield from self.speak("a recording of sound")


def level(word: str) -> float:
    """Return the level at which the fake voice speaks ``word``."""
    return (ord(word[0].lower()) - ord("a") + 1) / 40
