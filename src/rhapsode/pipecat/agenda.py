"""What is to happen at moments of a session's clock."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count

from pipecat.frames.frames import Frame

from rhapsode.live.timeline import Timeline

_CHECK_S = 0.25
"""A clock may be moved: no wait is longer."""


class Agenda:
    """Does what is due when it is, and pushes frames in between.

    Args:
        timeline: the session's clock.
        push: sends a frame.

    """

    def __init__(self, timeline: Timeline, push: Callable[[Frame], Awaitable[None]]) -> None:
        self._timeline, self._push = timeline, push
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._frames: deque[Frame] = deque()
        self._order = count()
        self._wake = asyncio.Event()

    def at(self, sample: float, do: Callable[[], None]) -> None:
        """Call ``do`` when clock ``sample`` is due."""
        heapq.heappush(self._due, (sample, next(self._order), do))
        self._wake.set()

    def push(self, frame: Frame) -> None:
        """Push a frame as soon as can be."""
        self._frames.append(frame)
        self._wake.set()

    def clear(self) -> None:
        """Forget what is not due yet."""
        self._due.clear()

    async def follow(self) -> None:
        """Follow the clock, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            while self._frames:
                await self._push(self._frames.popleft())
            left = self._timeline.time_of(self._due[0][0]) - loop.time() if self._due else None
            if left is not None and left <= 1e-3:
                heapq.heappop(self._due)[2]()
                continue
            try:
                async with asyncio.timeout(None if left is None else min(left, _CHECK_S)):
                    await self._wake.wait()
            except TimeoutError:
                pass
