"""A breaker: a server that fails again and again is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

FAILURES = 2
"""So many in a row open the breaker."""

REST_S, LONGEST_REST_S = 10.0, 120.0
"""How long it stays open at first, and at most; each failed trial doubles it."""


class Breaker:
    """Counts failures in a row; while it is open, only one trial is let through after each rest.

    Args:
        clock: seconds, monotonic.

    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._rest_s = REST_S
        self._until = 0.0
        self._trial = False

    @property
    def open(self) -> bool:
        """Whether requests are held back, but for trials."""
        return self._failures >= FAILURES

    def wait_s(self) -> float:
        """Return the seconds until a request is allowed; 0 lets one through, as the trial if it is open."""
        if not self.open:
            return 0.0
        left = self._until - self._clock()
        if left > 0 or self._trial:
            return max(left, 1.0)
        self._trial = True
        return 0.0

    def worked(self) -> None:
        """Take note that a request went well: closed."""
        self._failures, self._rest_s, self._trial = 0, REST_S, False

    def failed(self) -> None:
        """Take note that a request failed through the server's fault."""
        if self._trial:
            self._rest_s = min(self._rest_s * 2, LONGEST_REST_S)
        self._failures += 1
        self._trial = False
        self._until = self._clock() + self._rest_s

    def dropped(self) -> None:
        """Take note that a request ended without telling anything: the next one may be the trial."""
        self._trial = False
