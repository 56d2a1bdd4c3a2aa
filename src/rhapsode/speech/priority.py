"""Work that steps back: speech made ahead gives way to speech that somebody waits for."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

AHEAD: ContextVar[bool] = ContextVar("AHEAD", default=False)
"""Whether what runs here is made ahead, so that nobody waits for it."""

_log = logging.getLogger(__name__)
_NICE = 10


@contextmanager
def made_ahead() -> Iterator[None]:
    """Mark what runs inside as made ahead."""
    token = AHEAD.set(True)
    try:
        yield
    finally:
        AHEAD.reset(token)


def step_back() -> None:
    """Lower the priority of this thread where the platform can."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    except (AttributeError, OSError):
        _log.debug("this platform gives threads no priority of their own")
