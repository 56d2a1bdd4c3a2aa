"""Do curves fit their sound in time? A mouth opens where the sound is loud: find shift and drift."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rhapsode.face.features import log_mel
from rhapsode.performance import CURVE_HZ, Float32

FARTHEST_S = 1.0
"""The largest shift that is looked for, in both directions."""

WINDOW_S, STEP_S = 20.0, 10.0
"""Parts of a take that are compared on their own to find a drift."""

CERTAIN = 0.3
"""Correlation of opening and level below which nothing is said about a take's time."""

NOTICEABLE_S = 0.06
"""A shift, or a drift over the whole take, below this is not worth a word."""

RATES = (24, 25, 30, 48, 50, 60, 100, 120)
"""Frames a second that curves come at."""


@dataclass(frozen=True)
class Sync:
    """How curves lie against their sound.

    Args:
        late_s: by how much the curves come after the sound at the start of the take, seconds.
        drift: seconds by which they come later a second.
        certainty: correlation of the mouth's opening with the sound's level there.
        duration_s: of what was compared.

    """

    late_s: float = 0.0
    drift: float = 0.0
    certainty: float = 0.0
    duration_s: float = 0.0

    @property
    def is_off(self) -> bool:
        """Whether there is something to repair."""
        ends = (self.late_s, self.late_s + self.drift * self.duration_s)
        return self.certainty >= CERTAIN and max(map(abs, ends)) > NOTICEABLE_S

    def __str__(self) -> str:
        if self.certainty < CERTAIN:
            return f"opening and level agree too little to tell (correlation {self.certainty:.2f})"
        side = "late" if self.late_s > 0 else "early"
        said = f"curves {abs(self.late_s) * 1000:.0f} ms {side}"
        if abs(self.drift * self.duration_s) > NOTICEABLE_S:
            said += f", drifting by {self.drift * 60_000:+.0f} ms a minute"
        return f"{said} (correlation {self.certainty:.2f})"


def level(y: Float32, count: int) -> NDArray[np.float64]:
    """Return (count,) how many dB a 16 kHz sound is above its floor, 0 to 40, per curve frame."""
    energy = 10 * np.log10(np.power(10.0, log_mel(y).astype(np.float64) / 10).sum(axis=1))
    pairs = energy[: len(energy) // 2 * 2].reshape(-1, 2).mean(axis=1)[:count]
    if not len(pairs):
        return np.zeros(count)
    floor = max(np.percentile(pairs, 10) + 6, pairs.max() - 45)
    return np.asarray(np.clip(np.pad(pairs, (0, count - len(pairs)), "edge") - floor, 0, 40), np.float64)


def measure(opening: NDArray, loud: NDArray) -> Sync:
    """Return how an opening mouth, (T,) at 50 curve frames a second, lies against a level, (T,)."""
    count = min(len(opening), len(loud))
    a, b = np.asarray(opening[:count], np.float64), np.asarray(loud[:count], np.float64)
    late, certainty = _shift(a, b)
    duration = count / CURVE_HZ
    window, step = round(WINDOW_S * CURVE_HZ), round(STEP_S * CURVE_HZ)
    found = []
    for begin in range(0, count - window + 1, step):
        part = slice(begin, begin + window)
        shift, sure = _shift(a[part], b[part])
        if sure >= CERTAIN:
            found.append(((begin + window / 2) / CURVE_HZ, shift, sure))
    if len(found) < 3:
        return Sync(late, 0.0, certainty, duration)
    times, shifts, sures = np.array(found).T
    slope = _theil_sen(times, shifts)
    start = float(np.median(shifts - slope * times))
    spread = float(np.median(np.abs(shifts - start - slope * times)))
    if abs(slope) * duration <= max(NOTICEABLE_S, 2 * spread):
        return Sync(late, 0.0, certainty, duration)
    return Sync(start, slope, float(np.median(sures)), duration)


def _shift(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Return by how many seconds ``a`` comes after ``b`` where they agree best, and how well they do."""
    most = min(round(FARTHEST_S * CURVE_HZ), len(a) // 4)
    if len(a) < 8 or a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0, 0.0
    a, b = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    size = 1 << (2 * len(a)).bit_length()
    fit = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size) / len(a)
    near = fit[np.r_[size - most : size, 0 : most + 1]]
    best = int(near.argmax())
    part = 0.0
    if 0 < best < 2 * most:
        before, at, after = near[best - 1 : best + 2]
        bend = before - 2 * at + after
        part = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return (best - most + part) / CURVE_HZ, float(near[best])


def _theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the median of the slopes between all pairs of points."""
    i, j = np.triu_indices(len(x), 1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i])))


def likely_rates(frames: int, duration_s: float) -> tuple[Fraction, ...]:
    """Return the rates at which so many frames last as long as the sound, within 1 %."""
    every = [Fraction(rate) for rate in RATES] + [Fraction(30_000, 1001), Fraction(60_000, 1001)]
    return tuple(
        rate for rate in every if duration_s > 0 and abs(float(frames / rate) / duration_s - 1) < 0.01
    )
