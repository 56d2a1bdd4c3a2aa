"""One block ahead: the next block of a source is made while the one before is played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from rhapsode.live.engine import Block


class Prefetch:
    """Takes blocks from a source in the pool, one ahead of the one in use."""

    def __init__(self, blocks: Iterator[Block], work: Callable[..., Awaitable[Block | None]]) -> None:
        self._blocks, self._work = blocks, work
        self._coming: asyncio.Future[Block | None] = asyncio.ensure_future(self._take())

    async def _take(self) -> Block | None:
        return await self._work(next, self._blocks, None)

    async def next(self) -> Block | None:
        """Return the next block, or None after the last; raise what the source raises."""
        block = await self._coming
        if block is not None:
            self._coming = asyncio.ensure_future(self._take())
        return block

    def drop(self) -> None:
        """Stop taking; a step under way ends in its thread, unheard."""
        self._coming.cancel()
        self._coming.add_done_callback(lambda done: done.cancelled() or done.exception())
