"""Contacts: when the lips must touch each other, or the lower lip the upper teeth.

A contact is a movement of its own, laid over the mixing of shapes: nothing that surrounds it keeps it from
closing. Its times follow the mean lip gap around the stops of GRID speaker s1: the lips begin to close 80 to
100 ms before they meet, meet shortly after the phone begins, and are open 80 ms after they part; in [p] they
part when little more than half of the phone is over, because its breath belongs to it. The middle of the
closure is the middle of the phone, within 3 ms in the median.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rhapsode.train.teacher.blend import LONGEST_LINK_S, Part
from rhapsode.train.teacher.phones import REST, SHAPES, Contact

APPROACH_S = 0.08
RELEASE_S = 0.08
SHORTEST_HOLD_S = 0.04
"""A contact that lasts shorter would fall between two curve frames."""

HELD = {
    "p": (0.2, 0.55),
    "b": (0.2, 0.7),
    "m": (0.2, 0.85),
    "ɱ": (0.2, 0.85),
    "f": (0.25, 0.8),
    "v": (0.25, 0.8),
}
"""The part of the phone during which the contact is full, as shares of its duration. It is near for longer:
the steps that lead there and back are slow at their ends."""

DEPTH: dict[Contact, float] = {"lips": 1.0, "teeth": 1.0, "near": 0.75}
OVERLAP = 0.55
"""Part of the time to the next contact that a movement may take, so that the mouth opens between two."""

REST_AFTER_S = 0.13
"""How long after the last sound the mouth is shut."""

REST_BEFORE_S = 0.07
"""How long before the first sound it begins to open: who hears no future cannot open it earlier."""


def _holds(timeline: Sequence[Part], kinds: frozenset[Contact]) -> list[tuple[float, float, float]]:
    """Return (start, end, depth) of every contact of the given kinds, in order."""
    found = []
    for part in timeline:
        shape = SHAPES[part.name]
        if shape.contact not in kinds or part.name == REST:
            continue
        begin, end = HELD.get(part.name, (0.2, 0.8))
        length = part.end - part.start
        first, last = part.start + begin * length, part.start + end * length
        short = max(SHORTEST_HOLD_S - (last - first), 0) / 2
        found.append((first - short, last + short, DEPTH[shape.contact]))
    return found


def _rise(x: NDArray) -> NDArray:
    """Return the smooth step from 0 at 0 to 1 at 1 (minimum jerk)."""
    x = np.clip(x, 0, 1)
    return np.asarray(x**3 * (10 - 15 * x + 6 * x**2))


def contact(timeline: Sequence[Part], times: NDArray, kinds: frozenset[Contact]) -> NDArray[np.float64]:
    """Return (T,) from 0 (free) to 1 (touching) for the contacts of the given kinds."""
    holds = _holds(timeline, kinds)
    track = np.zeros(len(times))
    for k, (first, last, depth) in enumerate(holds):
        before = first - holds[k - 1][1] if k else np.inf
        after = holds[k + 1][0] - last if k + 1 < len(holds) else np.inf
        approach = min(APPROACH_S, max(OVERLAP * before, 1e-3))
        release = min(RELEASE_S, max(OVERLAP * after, 1e-3))
        rise = _rise((times - (first - approach)) / approach)
        fall = _rise((last + release - times) / release)
        track = np.maximum(track, depth * np.minimum(rise, fall))
    return track


def resting(timeline: Sequence[Part], times: NDArray) -> NDArray[np.float64]:
    """Return (T,) from 0 (speaking) to 1 (the mouth is at rest)."""
    track = np.zeros(len(times))
    for k, part in enumerate(timeline):
        if part.name != REST:
            continue
        starts = k == 0
        ends = k == len(timeline) - 1
        after = REST_AFTER_S if not starts else 1e-3
        close = np.ones(len(times)) if starts else _rise((times - part.start) / after)
        reopen = np.ones(len(times)) if ends else _rise((part.end - times) / REST_BEFORE_S)
        track = np.maximum(track, np.minimum(close, reopen) * (part.end - part.start >= LONGEST_LINK_S))
    return track
