"""The movers that life is made of: springs, slow noise, breath."""

from __future__ import annotations

import math
from random import Random

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rhapsode.performance import CURVE_HZ

DT = 1.0 / CURVE_HZ
"""Seconds between two curve frames."""

_Float64 = NDArray[np.float64]

_WAVES = 5


def generator(seed: int, part: str) -> Random:
    """Return the random numbers of one part of life; parts do not disturb each other."""
    return Random(f"rhapsode life {seed} {part}")


class Spring:
    """A critically damped spring, one step per curve frame.

    Args:
        speed: natural frequency, radians a second; it lags its target by about 2 / speed seconds.
        at: where it starts.

    """

    __slots__ = ("_decay", "_speed", "at", "velocity")

    def __init__(self, speed: float, at: float = 0.0) -> None:
        self.at = at
        self.velocity = 0.0
        self._speed = speed
        self._decay = math.exp(-speed * DT)

    def step(self, target: float) -> float:
        """Move one curve frame towards ``target`` (exact for a constant one); return the place reached."""
        away = self.at - target
        pull = (self.velocity + self._speed * away) * DT
        self.at = target + (away + pull) * self._decay
        self.velocity = (self.velocity - self._speed * pull) * self._decay
        return self.at


class Drift:
    """Smooth, never repeating noise: sums of sines whose frequencies share no common measure.

    It is a function of time, so that it costs no state.

    Args:
        rng: draws frequencies and phases.
        bands: the lowest and highest frequency of each channel, Hz.

    """

    def __init__(self, rng: Random, bands: list[tuple[float, float]]) -> None:
        speeds, phases = [], []
        for low, high in bands:
            for wave in range(_WAVES):
                place = (wave + rng.random()) / _WAVES
                speeds.append(2.0 * math.pi * low * (high / low) ** place)
                phases.append(2.0 * math.pi * rng.random())
        self._speed = np.array(speeds)
        self._phase = np.array(phases)
        self._channels = len(bands)

    def values(self, first: int, count: int) -> _Float64:
        """Return (count, channels) in [-1, 1] for curve frames ``first`` and after; deviation about 0.4."""
        times = np.arange(first, first + count)[:, None] * DT
        waves = np.sin(times * self._speed + self._phase).reshape(count, self._channels, _WAVES)
        return np.asarray(waves.sum(axis=2) * (1.2 / _WAVES)).clip(-1.0, 1.0)


class Breath:
    """A chest at rest: some 14 breaths a minute, none like the last, in faster than out.

    Args:
        seed: as for `Life`.

    """

    def __init__(self, seed: int) -> None:
        rng = generator(seed, "breath")
        self._hz = 0.225 + 0.03 * rng.random()
        self._phase = [2.0 * math.pi * rng.random() for _ in range(4)]

    def values(self, times_s: ArrayLike) -> _Float64:
        """Return how full the chest is, in [0, 1], at each time."""
        t = np.asarray(times_s, np.float64) * (2.0 * math.pi)
        start, *rest = self._phase
        phase = start + self._hz * t + 0.6 * np.sin(0.041 * t + rest[0]) + 0.35 * np.sin(0.067 * t + rest[1])
        depth = 0.85 + 0.15 * np.sin(0.029 * t + rest[2])
        return np.asarray(depth * (0.5 - 0.5 * np.cos(phase - 0.45 * np.cos(phase))))


def breathing(times_s: ArrayLike, seed: int = 0) -> _Float64:
    """Return how full the chest is, in [0, 1], to move an avatar's chest by.

    It is the breath that `LifeStream` with the same seed lets the head show.

    Args:
        times_s: seconds on the performance's clock, any shape.
        seed: as for `Life`.

    """
    return Breath(seed).values(times_s)
