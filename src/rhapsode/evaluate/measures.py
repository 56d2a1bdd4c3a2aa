"""Measures of face curves: arrays in, numbers out. Every array has time first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rhapsode.performance import CURVE_HZ, Float32

MOST_LATE = 15
"""Curve frames by which `lagged` moves a curve, in both directions: 300 ms."""


class Lagged(NamedTuple):
    """How two sets of curves agree, as they are and moved in time.

    Args:
        plain: correlation as they are.
        best: the greatest correlation for any move.
        late_s: by how much the first comes after the second there, seconds.

    """

    plain: float
    best: float
    late_s: float


def correlation(made: Float32, true: Float32) -> float:
    """Return Pearson's correlation of two curves, (T,) each; NaN where one of them is constant."""
    a, b = made.astype(np.float64) - made.mean(), true.astype(np.float64) - true.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / norm) if norm > 1e-12 else float("nan")


def channel_correlations(made: Float32, true: Float32, names: Sequence[str]) -> dict[str, float]:
    """Return `correlation` per channel of two (T, C) curves; constant channels are left out."""
    scores = {name: correlation(made[:, c], true[:, c]) for c, name in enumerate(names)}
    return {name: score for name, score in scores.items() if np.isfinite(score)}


def pooled_correlation(pairs: Iterable[tuple[Float32, Float32]]) -> float:
    """Return the correlation of all pairs of curves put end to end, each cut to the shorter one."""
    cut = [(made[: len(true)], true[: len(made)]) for made, true in pairs]
    return correlation(np.concatenate([m for m, _ in cut]), np.concatenate([t for _, t in cut]))


def lagged(made: Sequence[Float32], true: Sequence[Float32], *, hz: float = CURVE_HZ) -> Lagged:
    """Return how the curves of ``made`` agree with those of ``true``, pairs of the same length, all pooled.

    The best lag is found to a fraction of a curve frame: on the parabola through the greatest of the
    correlations at whole lags and its two neighbours. At its bounds it stays whole.
    """

    def score(shift: int) -> float:
        pairs = (
            (m[max(shift, 0) : len(m) + min(shift, 0)], t[max(-shift, 0) : len(t) + min(-shift, 0)])
            for m, t in zip(made, true, strict=True)
            if len(m) > abs(shift)
        )
        moved, fixed = zip(*pairs, strict=True)
        value = correlation(np.concatenate(moved), np.concatenate(fixed))
        return value if np.isfinite(value) else -1.0

    most = min(MOST_LATE, max((len(curve) for curve in made), default=0) - 2)
    if most < 0:
        return Lagged(float("nan"), float("nan"), float("nan"))
    plain = pooled_correlation(zip(made, true, strict=True))
    if not np.isfinite(plain):
        return Lagged(plain, plain, float("nan"))
    shifts = list(range(-most, most + 1))
    scores = [score(shift) for shift in shifts]
    at = int(np.argmax(scores))
    if at in (0, len(scores) - 1):
        return Lagged(plain, scores[at], shifts[at] / hz)
    before, top, after = scores[at - 1 : at + 2]
    bend = before - 2 * top + after
    step = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return Lagged(plain, top - 0.25 * (before - after) * step, (shifts[at] + step) / hz)


def moving_mean(curve: Float32, width: int) -> Float32:
    """Return (T,) the means over ``width`` values around each of ``curve``; the ends count as lasting."""
    padded = np.pad(curve.astype(np.float64), (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, "valid").astype(np.float32)


def jitter(curve: Float32) -> float:
    """Return the mean size of the second difference over the mean size of the first; smooth is small."""
    steps = np.diff(curve.astype(np.float64))
    return float(np.abs(np.diff(steps)).mean() / max(np.abs(steps).mean(), 1e-9))
