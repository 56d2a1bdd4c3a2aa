"""When a voice is active on a session's clock, as the mix of a face asks it."""

from __future__ import annotations

from math import log10

import numpy as np

from rhapsode.performance import CLOCK_HZ, HOP, Float32

BEFORE = 4
"""Curve frames before a voice sets in at which it is coming (80 ms), where that is known."""

AFTER = 12
"""Curve frames behind its end for which it still counts (0.24 s): stops and breaths do not end it."""

QUIET_DB = -45.0
"""Below it nothing is a voice (dBFS)."""

ABOVE_FLOOR_DB = 12.0
"""A voice is so much louder than the noise around it."""

_RISE_DB = 0.1
_KEPT = 16 * CLOCK_HZ // HOP
_SILENCE_DB, _FIRST_FLOOR_DB = -90.0, -60.0


class Voice:
    """Tells for each curve frame whether a voice is active near it, by the level of the sound."""

    def __init__(self) -> None:
        self._energy: dict[int, tuple[float, int]] = {}  # by curve frame: sum of squares, samples
        self._loud: set[int] = set()
        self._floor = _FIRST_FLOOR_DB
        self._newest = -1

    def hear(self, start: int, samples: Float32, rate: int) -> None:
        """Take sound, (n,) at ``rate`` Hz, whose first sample is clock sample ``start``; in order."""
        if not len(samples):
            return
        places = (start + np.arange(len(samples)) * (CLOCK_HZ / rate)).astype(np.int64) // HOP
        first = int(places[0])
        sums = np.bincount(places - first, np.square(samples.astype(np.float64)))
        counts = np.bincount(places - first)
        for place, (total, count) in enumerate(zip(sums.tolist(), counts.tolist(), strict=True), first):
            before, number = self._energy.get(place, (0.0, 0))
            self._energy[place] = (before + total, number + count)
            self._judge(place)
        while len(self._energy) > _KEPT:
            gone = next(iter(self._energy))
            del self._energy[gone]
            self._loud.discard(gone)

    def forget(self) -> None:
        """Forget the sound that was heard: it is not performed any more."""
        self._energy.clear()
        self._loud.clear()

    def active(self, sample: int) -> bool:
        """Tell whether a voice is active at clock ``sample``, or was right before."""
        place = sample // HOP
        return any(near in self._loud for near in range(place - AFTER, place + 1))

    def coming(self, sample: int) -> bool:
        """Tell whether a voice sets in right behind clock ``sample``, as far as that is known."""
        place = sample // HOP
        return any(near in self._loud for near in range(place + 1, place + BEFORE + 1))

    def _judge(self, place: int) -> None:
        if place > self._newest:  # the one before is complete and may be silence
            if self._newest in self._energy:
                self._floor = min(self._level(self._newest), self._floor + _RISE_DB, QUIET_DB)
            self._newest = place
        if self._level(place) > max(self._floor + ABOVE_FLOOR_DB, QUIET_DB):
            self._loud.add(place)

    def _level(self, place: int) -> float:
        total, count = self._energy[place]
        return 10 * log10(total / count + 10 ** (_SILENCE_DB / 10))
