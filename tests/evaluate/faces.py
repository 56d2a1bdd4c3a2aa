"""Speech and faces whose every measure is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.train.teacher import TimedPhone, teach

PHONES = (
    TimedPhone("m", 0.3, 0.42),
    TimedPhone("a", 0.42, 0.62),
    TimedPhone("f", 0.62, 0.74),
    TimedPhone("u", 0.74, 0.94),
    TimedPhone("t", 0.94, 1.04),
    TimedPhone("i", 1.04, 1.24),
    TimedPhone("p", 1.24, 1.36),
    TimedPhone("æ", 1.36, 1.6),
    TimedPhone("b", 1.6, 1.7),
    TimedPhone("ɑ", 1.7, 1.9),
)
SECONDS = 2.6


@dataclass(frozen=True)
class Line:
    """What the measures ask of an utterance."""

    phones: tuple[TimedPhone, ...] = PHONES
    seconds: float = SECONDS

    def sound(self) -> Float32:
        return as_float32(np.random.default_rng(0).standard_normal(int(self.seconds * 16_000)) * 0.1)


def taught(y: Float32) -> Float32:
    """Return the teacher's face, whatever is heard."""
    return teach(PHONES, len(y) / 16_000, rate_hz=CURVE_HZ)


def late(y: Float32, by_s: float) -> Float32:
    """Return the teacher's face that much too late; early for less than nothing."""
    fine = teach(PHONES, len(y) / 16_000, rate_hz=1000)
    at = np.clip(np.arange(-(-len(y) // 320)) / CURVE_HZ - by_s, 0, None) * 1000
    return as_float32(np.stack([np.interp(at, np.arange(len(fine)), c) for c in fine.T], axis=1))


def still(y: Float32, **weights: float) -> Float32:
    """Return a face that never moves."""
    frames = np.zeros((-(-len(y) // 320), len(ARKIT)), np.float32)
    for name, weight in weights.items():
        frames[:, ARKIT.index(name)] = weight
    return frames
