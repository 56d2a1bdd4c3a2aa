"""Settings that are edited by hand hold from the next turn on, without a new start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from rhapsode.errors import RhapsodeError
from rhapsode.settings import Settings
from rhapsode.settings.load import Store

log = logging.getLogger(__name__)

EVERY_S = 1.0
"""How often the file is looked at, seconds."""


async def follow_file(
    store: Store, apply: Callable[[Settings], None], pool: Executor, *, every_s: float = EVERY_S
) -> None:
    """Apply the settings of ``store`` whenever its file changes, until cancelled.

    A file that is wrong changes nothing, and is told in the log.

    Args:
        store: whose file is looked at.
        apply: takes the new settings, on the loop.
        pool: threads that read.
        every_s: how often.

    """
    loop = asyncio.get_running_loop()
    seen = await loop.run_in_executor(pool, _stamp, store)
    while True:
        await asyncio.sleep(every_s)
        stamp = await loop.run_in_executor(pool, _stamp, store)
        if stamp == seen:
            continue
        seen = stamp
        try:
            loaded = await loop.run_in_executor(pool, store.load)
        except RhapsodeError as error:
            log.error("the settings stay as they were: %s", error)
            continue
        apply(loaded.settings)


def _stamp(store: Store) -> tuple[str, int, int]:
    """Return what changes with the file."""
    file = store.file
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, 0
    return str(file), found.st_mtime_ns, found.st_size
