"""One at a time, fairly: who asked first goes first, whoever is waited for before who is not."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Turnstile:
    """Lets one caller through at a time, in order of rank, then of coming.

    Example:
        >>> turnstile = Turnstile()
        >>> with turnstile.passing():
        ...     turnstile.busy
        True

    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: list[tuple[int, int]] = []
        self._count = 0
        self._inside = False

    @property
    def busy(self) -> bool:
        """Whether somebody is inside or waits."""
        with self._changed:
            return self._inside or bool(self._waiting)

    @contextmanager
    def passing(self, rank: int = 0) -> Iterator[None]:
        """Wait for the turn and hold it.

        Args:
            rank: lower ones go first.

        """
        with self._changed:
            self._count += 1
            ticket = (rank, self._count)
            heapq.heappush(self._waiting, ticket)
            try:
                while self._inside or self._waiting[0] != ticket:
                    self._changed.wait()
            except BaseException:
                self._waiting.remove(ticket)
                heapq.heapify(self._waiting)
                self._changed.notify_all()
                raise
            heapq.heappop(self._waiting)
            self._inside = True
        try:
            yield
        finally:
            with self._changed:
                self._inside = False
                self._changed.notify_all()

    @contextmanager
    def passing_if_free(self) -> Iterator[bool]:
        """Go through at once, or not at all; yields whether."""
        with self._changed:
            free = not self._inside and not self._waiting
            if free:
                self._inside = True
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._inside = False
                    self._changed.notify_all()
