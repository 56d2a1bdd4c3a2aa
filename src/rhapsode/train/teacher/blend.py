"""Coarticulation: how the shapes of neighbouring phones mix over time.

Every piece of a phone pulls on each articulator with a dominance that is full over the piece's core and
falls off to both sides; the mouth follows the mean of all pieces weighted by it. After Cohen and Massaro,
"Modeling coarticulation in synthetic visual speech", 1993; the rule that lips start early and end late, and
that the tongue's phones leave the lips alone, after Edwards et al., "JALI", 2016.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rhapsode.train.teacher.phones import REST, SHAPES, parse

ARTICULATORS = ("jaw", "gap", "rounding", "funnel", "spread")


@dataclass(frozen=True)
class TimedPhone:
    """One phone of an utterance.

    Args:
        phone: IPA, or "sil".
        start: when it begins to be heard, seconds.
        end: when the next one begins, or the sound ends, seconds.
        stress: 1 in a stressed syllable's vowel, .5 secondary, 0 none.

    """

    phone: str
    start: float
    end: float
    stress: float = 0.0


@dataclass(frozen=True)
class Part:
    """A stretch of time with one shape of the table."""

    name: str
    start: float
    end: float
    stress: float
    long: bool


@dataclass(frozen=True)
class Dynamics:
    """How one articulator moves.

    Args:
        lead_s: distance in front of the core at which the dominance has fallen to 1/e.
        trail_s: the same behind it.
        strength: dominance by hold class; what is missing has 1.
        power: 1 falls as an exponential, 2 as a Gaussian.

    """

    lead_s: float
    trail_s: float
    strength: Mapping[str, float]
    power: float = 1.5


CORE = (0.3, 0.75)
"""The core of a part, as shares of its duration."""

FLOOR = 1e-4
"""Dominance of the rest shape everywhere, so that there always is one."""

LONGEST_LINK_S = 0.12
"""Gaps between phones up to this long hold no rest of their own."""


def parts(phones: Sequence[TimedPhone], duration_s: float) -> list[Part]:
    """Return the shapes over time, with rests in the pauses, in order."""
    found: list[Part] = []
    heard = 0.0
    for phone in phones:
        if phone.phone == REST:
            continue
        if phone.start - heard > LONGEST_LINK_S:
            found.append(Part(REST, heard, phone.start, 0.0, False))
        pieces, marks = parse(phone.phone)
        start = phone.start
        for piece in pieces:
            end = start + piece.share * (phone.end - phone.start)
            found.append(Part(piece.name, start, end, phone.stress, "ː" in marks))
            start = end
        heard = phone.end
    if duration_s - heard > LONGEST_LINK_S or not found:
        found.append(Part(REST, heard, max(duration_s, heard), 0.0, False))
    return found


def mixing(timeline: Sequence[Part], times: NDArray, dynamics: Dynamics) -> NDArray[np.float64]:
    """Return (T, len(timeline)) the weight of each part at each time; every row sums to at most 1.

    What is missing to 1 belongs to the rest shape.
    """
    start = np.asarray([part.start for part in timeline])
    length = np.asarray([part.end for part in timeline]) - start
    first, last = start + CORE[0] * length, start + CORE[1] * length
    strength = np.asarray([dynamics.strength.get(SHAPES[part.name].hold, 1.0) for part in timeline])
    at = np.asarray(times, np.float64)[:, None]
    away = np.maximum((first - at) / dynamics.lead_s, 0) + np.maximum((at - last) / dynamics.trail_s, 0)
    pull = strength * np.exp(-(away**dynamics.power))
    return np.asarray(pull / (pull.sum(axis=1, keepdims=True) + FLOOR))


def smooth(values: NDArray, rate_hz: float, width_s: float) -> NDArray[np.float64]:
    """Return (T, C) values under a Hann window of ``width_s``; the ends keep their value."""
    reach = round(width_s * rate_hz / 2)
    if reach < 1:
        return np.asarray(values, np.float64)
    window = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(np.asarray(values, np.float64), ((reach, reach), (0, 0)), mode="edge")
    columns = [np.convolve(column, window / window.sum(), "valid") for column in padded.T]
    return np.stack(columns, axis=1)
