"""Work that steps back: speech made ahead gives way to speech that somebody waits for."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Ahead:
    """Work that nobody waits for, until somebody does.

    Attributes:
        wanted: whether somebody waits for it now.

    """

    def __init__(self) -> None:
        self.wanted = False


_AHEAD: ContextVar[Ahead | None] = ContextVar("AHEAD", default=None)

_log = logging.getLogger(__name__)
_NICE = 10


@contextmanager
def made_ahead() -> Iterator[Ahead]:
    """Mark what runs inside as made ahead; set ``wanted`` of what comes back once somebody waits for it."""
    work = Ahead()
    token = _AHEAD.set(work)
    try:
        yield work
    finally:
        _AHEAD.reset(token)


def steps_back() -> bool:
    """Tell whether what runs here is made ahead and nobody waits for it."""
    work = _AHEAD.get()
    return work is not None and not work.wanted


def step_back() -> None:
    """Lower the priority of this thread where the platform can."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    except (AttributeError, OSError):
        _log.debug("this platform gives threads no priority of their own")
