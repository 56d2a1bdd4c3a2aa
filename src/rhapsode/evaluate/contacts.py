"""When do lips touch? Closures of a curve in time, finer than its curve frames.

Times are seconds from the start of the curve; curve frame k lies at k / 50 s. A contact is a stretch in which
the distance stays below a limit; its edges lie where the straight line between two curve frames crosses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rhapsode.performance import CURVE_HZ, Float32
from rhapsode.train.teacher import TimedPhone, parse
from rhapsode.train.teacher.blend import LONGEST_LINK_S
from rhapsode.train.teacher.contact import HELD
from rhapsode.train.teacher.phones import SHAPES

SEARCHED_S = 0.15
"""How far from the centre of a closure's hold its apex is looked for."""

NEEDED_S = 0.08
"""Room that a closure needs on both sides, free of pauses and of other closures, for its apex to count."""

_TINY_S = 1e-6


class Stretch(NamedTuple):
    """A stretch of time, seconds."""

    start: float
    end: float

    @property
    def middle(self) -> float:
        """The time half-way."""
        return 0.5 * (self.start + self.end)


def frames_within(start: float, end: float, count: int) -> slice:
    """Return the curve frames, of ``count``, whose time lies in [start, end]; maybe none."""
    first = max(int(np.ceil((start - _TINY_S) * CURVE_HZ)), 0)
    last = min(int(np.floor((end + _TINY_S) * CURVE_HZ)), count - 1)
    return slice(first, max(last + 1, first))


def within(curve: Float32, start: float, end: float) -> Float32:
    """Return the values of a (T,) curve in [start, end]; the one in the middle where no curve frame is."""
    found = curve[frames_within(start, end, len(curve))]
    if len(found):
        return found
    middle = 0.5 * (start + end) * CURVE_HZ
    return np.interp([middle], np.arange(len(curve)), curve).astype(np.float32)


def touches(gap: Float32, limit: float) -> list[Stretch]:
    """Return the stretches in which a (T,) distance lies below ``limit``, in order."""
    below = np.concatenate([[False], gap < limit, [False]])
    edges = np.flatnonzero(np.diff(below.astype(np.int8))).reshape(-1, 2)
    return [Stretch(_crossing(gap, first, limit), _crossing(gap, end, limit)) for first, end in edges]


def _crossing(gap: Float32, at: int, limit: float) -> float:
    """Return when the curve crosses ``limit`` between curve frames ``at`` - 1 and ``at``."""
    if at == 0 or at == len(gap):
        return max(at - 1, 0) / CURVE_HZ
    before, after = float(gap[at - 1]), float(gap[at])
    return (at - 1 + (before - limit) / (before - after)) / CURVE_HZ


def contact_of(phone: TimedPhone) -> str:
    """Return what a phone's first piece makes: "lips", "teeth", "near" or nothing."""
    return SHAPES[parse(phone.phone)[0][0].name].contact


def hold(phone: TimedPhone) -> Stretch:
    """Return when a phone's contact is full: the part of it that real lips hold, see `HELD`."""
    begin, end = HELD.get(parse(phone.phone)[0][0].name, (0.2, 0.8))
    length = phone.end - phone.start
    return Stretch(phone.start + begin * length, phone.start + end * length)


def windows(phones: Sequence[TimedPhone]) -> list[tuple[Stretch, Stretch] | None]:
    """Return for each phone its hold and where its apex is looked for; None where none can be told.

    Only p, b and m have one, and only where nothing else closes the mouth within `NEEDED_S`: neither a
    pause nor another p, b or m.
    """
    spoken = [phone for phone in phones if phone.phone != "sil"]
    found: dict[int, tuple[Stretch, Stretch]] = {}
    for k, phone in enumerate(spoken):
        if contact_of(phone) != "lips":
            continue
        held = hold(phone)
        first, last = held.middle - SEARCHED_S, held.middle + SEARCHED_S
        for step in (-1, 1):
            edge = _nearest_closing(spoken, k, step)
            first, last = (max(first, edge), last) if step < 0 else (first, min(last, edge))
        if first <= held.middle - NEEDED_S and last >= held.middle + NEEDED_S:
            found[id(phone)] = held, Stretch(first, last)
    return [found.get(id(phone)) for phone in phones]


def _nearest_closing(spoken: Sequence[TimedPhone], k: int, step: int) -> float:
    """Return up to when, before or behind phone ``k``, nothing else closes the mouth."""
    here, at = spoken[k], k
    while True:
        following = at + step
        if not 0 <= following < len(spoken):
            return spoken[at].start if step < 0 else spoken[at].end
        one, other = (spoken[following], spoken[at]) if step < 0 else (spoken[at], spoken[following])
        if other.start - one.end > LONGEST_LINK_S:
            return other.start if step < 0 else one.end
        if contact_of(spoken[following]) == "lips":
            return 0.5 * (hold(here).middle + hold(spoken[following]).middle)
        at = following


def apex_error(made: Sequence[Stretch], held: Stretch, searched: Stretch) -> float | None:
    """Return how late a closure is, seconds: its middle less the middle of the hold.

    Args:
        made: closures of the face, from `touches`.
        held: when the lips should touch.
        searched: where the closure is looked for.

    Returns:
        Negative for one that is early; None where the face closes nothing there.

    """
    errors = [
        touch.middle - held.middle
        for touch in made
        if searched.start <= touch.middle <= searched.end and touch.end > touch.start
    ]
    return min(errors, key=abs, default=None)
