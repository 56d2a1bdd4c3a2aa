"""Which emotion vectors are offered: candidates from the database, judged by what they do to one sound.

The paper's authors look through the vectors of their database and keep those that move the face well and
mean something. Here a candidate is the mean of about a second of it; those with which the jaw follows the
sound less well are left, and a style is the one of the rest that does most of what its name says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rhapsode.performance import CLOCK_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.facegood import FACEGOOD_TO_ARKIT
from rhapsode.train.reference.articulation import EMOTION
from rhapsode.train.reference.articulation_loop import Trained, animate, correlation
from rhapsode.train.reference.articulation_takes import ShapeTake

DEFAULT = "neutral"
"""The vector of zeros: what the sound alone says. A quarter of the training sees it."""

SECOND = 30
"""Label frames that a candidate is the mean of."""

LOST = 0.04
"""Correlation of jawOpen that a style may cost."""

MEANINGS: dict[str, dict[str, float]] = {
    "open": {"jawOpen": 1.0},
    "soft": {"jawOpen": -1.0, "mouthFunnel": -0.5, "mouthLowerDownLeft": -0.5},
    "rounded": {"mouthPucker": 1.0, "mouthFunnel": 1.0},
    "toothy": {"mouthUpperUpLeft": 1.0, "mouthLowerDownLeft": 1.0},
}
"""Per style, what it has most of: how much the mean of each channel counts."""

STRENGTH = {"open": 1.0, "soft": 2.0, "rounded": 1.0, "toothy": 1.5}
"""How far each style goes along its vector: as far as the mouth still rests in a quiet room."""


def excerpt(take: ShapeTake, *, begin_s: float, length_s: float) -> ShapeTake:
    """Return a part of ``take`` as a take of its own, without emotion vectors."""
    first, count = round(begin_s * take.fps), round(length_s * take.fps)
    at = round(first * CLOCK_HZ / take.fps)
    y = take.y[at : at + round(count * CLOCK_HZ / take.fps)]
    return ShapeTake(take.name, y, take.shapes[first : first + count + 1], take.fps, -1)


def candidates(emotions: Float32, takes: Sequence[ShapeTake], most: int) -> Float32:
    """Return up to ``most`` means over a second in which the face moves, (n, 16)."""
    found = []
    for take in takes:
        for begin in range(0, len(take.shapes) - SECOND, SECOND):
            if (take.shapes[begin : begin + SECOND].max(axis=1) > 0.02).mean() > 0.6:
                found.append(emotions[take.first + begin : take.first + begin + SECOND].mean(axis=0))
    return as_float32(np.stack(found)[:: -(-len(found) // most)])


def choose(
    trained: Trained, takes: Sequence[ShapeTake], judge: ShapeTake, *, most: int = 32
) -> dict[str, Float32]:
    """Return the offered vectors by name, `DEFAULT` first; no two are the same.

    Args:
        trained: network and database.
        takes: those it was trained on, in the order of the database.
        judge: a short sound with its face.
        most: candidates to try.

    """
    rest = np.zeros(EMOTION, np.float32)
    tried = candidates(trained.emotions, takes, most)
    faces = [animate(trained, judge.y, vector) for vector in tried]
    least = correlation(animate(trained, judge.y, rest), judge) - LOST
    good = [k for k, face in enumerate(faces) if correlation(face, judge) >= least]
    assert len(good) >= len(MEANINGS), f"only {len(good)} of {len(tried)} vectors move the jaw with the sound"
    means = {k: FACEGOOD_TO_ARKIT.apply(faces[k]).mean(axis=0) for k in good}
    chosen = {DEFAULT: rest}
    for style, meaning in MEANINGS.items():
        best = max(means, key=lambda k: _score(means[k], meaning))
        chosen[style] = as_float32(STRENGTH[style] * tried[best])
        del means[best]
    return chosen


def _score(mean: Float32, meaning: Mapping[str, float]) -> float:
    return float(sum(share * mean[ARKIT.index(channel)] for channel, share in meaning.items()))
