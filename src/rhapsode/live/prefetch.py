"""One block ahead: the next block of a source is made while the one before is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from rhapsode.live.engine import Block


class Prefetch:
    """Takes blocks from a source in the pool, one ahead of the one in use.

    Args:
        blocks: begins the source; called in the pool too. A source that is asynchronous is awaited on the
            loop.
        work: runs a step in the pool.

    Attributes:
        coming: the block that `next` returns.

    """

    def __init__(
        self,
        blocks: Callable[[], Iterator[Block] | AsyncIterator[Block]],
        work: Callable[..., Awaitable[Block | None]],
    ) -> None:
        self._begin, self._work = blocks, work
        self._blocks: Iterator[Block] | AsyncIterator[Block] | None = None
        self.coming: asyncio.Future[Block | None] = asyncio.ensure_future(self._take())

    async def _take(self) -> Block | None:
        block = None if isinstance(self._blocks, AsyncIterator) else await self._work(self._step)
        return await anext(self._blocks, None) if isinstance(self._blocks, AsyncIterator) else block

    def _step(self) -> Block | None:
        if self._blocks is None:
            self._blocks = self._begin()
        return None if isinstance(self._blocks, AsyncIterator) else next(self._blocks, None)

    async def next(self) -> Block | None:
        """Return the next block, or None after the last; raise what the source raises."""
        block = await self.coming
        if block is not None:
            self.coming = asyncio.ensure_future(self._take())
        return block

    def drop(self) -> None:
        """Stop taking; a step under way ends in its thread, unheard."""
        self.coming.cancel()
        self.coming.add_done_callback(lambda done: done.cancelled() or done.exception())
