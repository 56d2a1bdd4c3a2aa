"""Where the items of a session go: anything that takes them without waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from rhapsode.live.items import CurvesItem, EndItem, FaultItem, IdleItem, Item, SoundItem, WordsItem
from rhapsode.live.timeline import Timeline
from rhapsode.performance import CLOCK_HZ, HOP


class Outlet(Protocol):
    """Takes items at once and never blocks; what it cannot use it drops itself."""

    def offer(self, item: Item) -> None:
        """Take the next item."""

    def interrupted(self, generation: int) -> None:
        """Forget everything of an older generation that has not been seen or heard yet, now."""


class Outlets:
    """All outlets of a session; who comes late gets what is not over yet.

    Args:
        timeline: of the session.

    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._attached: list[Outlet] = []
        self._scene: list[Item] = []
        self._recent: deque[CurvesItem | SoundItem] = deque()

    def attach(self, outlet: Outlet, now: float) -> None:
        """Give ``outlet`` what is not over at ``now``, and all that follows."""
        self._drop_past(now)
        for item in (*self._scene, *self._recent):
            outlet.offer(item)
        self._attached.append(outlet)

    def detach(self, outlet: Outlet) -> None:
        """Give ``outlet`` nothing more."""
        if outlet in self._attached:
            self._attached.remove(outlet)

    def interrupted(self, generation: int) -> None:
        """Let everybody forget what is older than ``generation``."""
        self._scene.clear()
        self._recent.clear()
        for outlet in self._attached:
            outlet.interrupted(generation)

    def offer(self, item: Item) -> None:
        """Give ``item`` to everybody."""
        if isinstance(item, CurvesItem | SoundItem):
            self._recent.append(item)
            self._drop_past(asyncio.get_running_loop().time())
        elif isinstance(item, WordsItem | EndItem) or (self._ends and isinstance(item, IdleItem)):
            self._scene.append(item)
        elif not isinstance(item, FaultItem):
            self._scene = [item]
        for outlet in self._attached:
            outlet.offer(item)

    def _drop_past(self, now: float) -> None:
        while self._recent and self._timeline.time_of(_end(self._recent[0])) < now:
            self._recent.popleft()
        if self._ends and self._timeline.time_of(self._ends[0].sample) < now:
            self._scene = self._scene[-1:]

    @property
    def _ends(self) -> list[EndItem]:
        return [item for item in self._scene if isinstance(item, EndItem)]


def _end(item: CurvesItem | SoundItem) -> float:
    """Return the clock sample at which ``item`` is over."""
    if isinstance(item, CurvesItem):
        return item.start + len(item.values) * HOP
    return item.start + len(item.samples) * CLOCK_HZ / item.sample_rate
