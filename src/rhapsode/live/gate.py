"""What is known only at the last moment is mixed in then: holds curves until they are nearly due.

Speech is made seconds ahead, a captured face is known when it is there. So with a mix curve frames wait here
one by one, while their sound goes on ahead of them; without one everything passes at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import Protocol

from rhapsode.live.items import BeginItem, CurvesItem, EndItem, IdleItem, Item, ListenItem, SoundItem
from rhapsode.live.outlet import Outlets
from rhapsode.live.timeline import Timeline
from rhapsode.performance import HOP, Float32

AHEAD_S = 0.025
"""How long before it is due a curve frame is mixed: a sink with a rate of its own needs the next one too."""

_NEARLY_S = 1e-4


class Mix(Protocol):
    """Something that is mixed into a session's curves."""

    def mix(self, item: CurvesItem, due: float, now: float) -> CurvesItem:
        """Return one curve frame, due at the loop's time ``due``, with something mixed in."""

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        """Take notice of sound performed from clock sample ``start`` on; it may be far ahead."""

    def interrupted(self) -> None:
        """Take notice that sound heard so far is not performed any more."""


class Mixes:
    """Mixes one after the other into each curve frame; each gets what the one before made of it."""

    def __init__(self) -> None:
        self._mixes: list[tuple[Mix, float, float]] = []

    def __len__(self) -> int:
        return len(self._mixes)

    def ahead_s(self, *, speech: bool) -> float:
        """Return how long before it is due a curve frame is mixed: as late as the latest needs it.

        Args:
            speech: whether the curve frame belongs to a performance, which is made ahead, or to life.

        """
        return min((spoken if speech else life for _, life, spoken in self._mixes), default=AHEAD_S)

    def add(
        self, mix: Mix, *, first: bool = False, ahead_s: float = AHEAD_S, speech_s: float = AHEAD_S
    ) -> None:
        """Mix ``mix`` in too, behind the others or ``first``; see `ahead_s` for its times."""
        self._mixes.insert(0 if first else len(self._mixes), (mix, ahead_s, speech_s))

    def remove(self, mix: Mix) -> None:
        """Mix it in no more; nothing happens where it is not among them."""
        self._mixes = [row for row in self._mixes if row[0] is not mix]

    def mix(self, item: CurvesItem, due: float, now: float) -> CurvesItem:
        """Return one curve frame with all of them mixed in."""
        for mix, *_ in self._mixes:
            item = mix.mix(item, due, now)
        return item

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        """Tell them all of sound."""
        for mix, *_ in self._mixes:
            mix.hear(start, samples, sample_rate)

    def interrupted(self) -> None:
        """Tell them all that sound heard so far is not performed any more."""
        for mix, *_ in self._mixes:
            mix.interrupted()


class Gate:
    """Stands between a session and its outlets.

    Args:
        outlets: of the session.
        timeline: of the session.

    """

    def __init__(self, outlets: Outlets, timeline: Timeline) -> None:
        self._outlets, self._timeline = outlets, timeline
        self._mixes = Mixes()
        self._speech = False  # whether the next curve frame that is held belongs to a performance
        self._held: deque[Item] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(
        self, mix: Mix, *, first: bool = False, ahead_s: float = AHEAD_S, speech_s: float = AHEAD_S
    ) -> None:
        """Mix something in from now on, see `Mixes`; what has gone out already stays as it is."""
        self._mixes.add(mix, first=first, ahead_s=ahead_s, speech_s=speech_s)

    def remove(self, mix: Mix) -> None:
        """Mix it in no more; without any mix everything that is held goes out."""
        self._mixes.remove(mix)
        if not self._mixes:
            while self._held:
                self._outlets.offer(self._held.popleft())
            self._sleep(None)

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        """Tell the mixes of sound that begins at clock sample ``start``."""
        self._mixes.hear(start, samples, sample_rate)

    def offer(self, item: Item) -> None:
        """Give ``item`` to the outlets, now or when it is time to."""
        if not self._mixes or isinstance(item, SoundItem):
            self._outlets.offer(item)
            return
        if isinstance(item, CurvesItem):
            for k in range(len(item.values)):
                at, row = item.start + k * HOP, item.values[k : k + 1]
                self._held.append(replace(item, start=at, values=row))
        else:
            self._held.append(item)
        self._release()

    def interrupted(self, generation: int) -> None:
        """Forget what is held, and let everybody forget what is older than ``generation``."""
        self._held.clear()
        self._speech = False
        self._sleep(None)
        self._mixes.interrupted()
        self._outlets.interrupted(generation)

    def _release(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._held:
            item = self._held[0]
            if isinstance(item, CurvesItem):
                due = self._timeline.time_of(item.start)
                ahead_s = self._mixes.ahead_s(speech=self._speech)
                if due - now > ahead_s + _NEARLY_S:
                    self._sleep(due - ahead_s)
                    return
                item = self._mixes.mix(item, due, now)
            elif isinstance(item, BeginItem | EndItem | IdleItem | ListenItem):
                self._speech = isinstance(item, BeginItem)
            self._held.popleft()
            self._outlets.offer(item)
        self._sleep(None)

    def _sleep(self, until: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if until is None else asyncio.get_running_loop().call_at(until, self._release)
