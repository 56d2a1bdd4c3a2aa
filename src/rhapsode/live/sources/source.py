"""What a source is, and how to wait for the end of what a session performs."""

from __future__ import annotations

import asyncio
from typing import Protocol

from rhapsode.live.items import EndItem, FaultItem, Item
from rhapsode.live.session import Session


class Source(Protocol):
    """Brings sound into a session until it ends."""

    async def run(self, session: Session) -> None:
        """Bring everything; return when it is over.

        Raises:
            RhapsodeError: the source cannot be had, or broke.

        """


class Ending:
    """Waits until the end of a performance is due; an `rhapsode.live.outlet.Outlet`."""

    def __init__(self) -> None:
        self._seen: asyncio.Future[EndItem | FaultItem | None] = asyncio.get_running_loop().create_future()
        self._generation = -1

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if isinstance(item, EndItem | FaultItem) and item.generation == self._generation:
            self._tell(item)

    def interrupted(self, generation: int) -> None:
        """Take notice that something else is performed now."""
        if generation > self._generation >= 0:
            self._tell(None)

    async def wait(self, session: Session) -> FaultItem | None:
        """Return when what ``session`` performs now is over; the fault if it ended in one."""
        self._generation = session.generation
        session.attach(self)
        try:
            last = await self._seen
            if isinstance(last, EndItem):
                due = session.timeline.time_of(last.sample)
                await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
        finally:
            session.detach(self)
        return last if isinstance(last, FaultItem) else None

    def _tell(self, item: EndItem | FaultItem | None) -> None:
        if not self._seen.done():
            self._seen.set_result(item)
