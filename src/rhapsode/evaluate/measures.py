"""Measures of face curves: arrays in, numbers out. Every array has time first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rhapsode.performance import Float32


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


def lag(made: Float32, true: Float32, *, most: int) -> int:
    """Return by how many frames ``made`` comes after ``true`` where the two correlate best.

    Args:
        made: (T,).
        true: (T,).
        most: the largest lag that is tried, in frames, in both directions.

    """

    def score(shift: int) -> float:
        a = made[max(shift, 0) : len(made) + min(shift, 0)]
        b = true[max(-shift, 0) : len(true) + min(-shift, 0)]
        value = correlation(a, b)
        return value if np.isfinite(value) else -1.0

    return max(range(-most, most + 1), key=score)


def jitter(curve: Float32) -> float:
    """Return the mean size of the second difference over the mean size of the first; smooth is small."""
    steps = np.diff(curve.astype(np.float64))
    return float(np.abs(np.diff(steps)).mean() / max(np.abs(steps).mean(), 1e-9))


def spread(curve: Float32) -> dict[str, float]:
    """Return percentiles of a curve: how much of its range it uses."""
    points = np.percentile(curve, [5, 50, 95, 99])
    return {f"p{p}": float(v) for p, v in zip((5, 50, 95, 99), points, strict=True)}


def leak(curve: Float32, *, settle: int = 0) -> dict[str, float]:
    """Return mean and greatest value of a curve that ought to be 0, after ``settle`` frames."""
    rest = np.abs(curve[settle:])
    return {"mean": float(rest.mean()), "max": float(rest.max())}
