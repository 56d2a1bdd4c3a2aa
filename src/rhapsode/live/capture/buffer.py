"""A short memory of captured faces: even times for packets that come unevenly, a face for any moment between.

Faces are stamped by their arrival. As trackers send at a steady pace and networks do not deliver so, stamps
follow that pace and take over only a part of what an arrival differs from it.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from rhapsode.performance import Float32

GAP_S = 0.3
"""Over a gap shorter than this the last face is held; a longer one is a loss."""

MOST_DELAY_S = 0.04
"""No face waits longer than this for its neighbours."""

LEAST_DELAY_S = 0.005

BLEND_S = 0.12
"""Time over which the face before a jump becomes the one behind it."""

EARLY_S = 0.02
"""A stamp is never farther than this behind the arrival: packets that were held up come in a burst."""

_FOLLOW = 0.1
_SETTLED = 20
"""Faces over which the pace is averaged."""

_KEPT = 64
_SHORTEST_PERIOD_S, _LONGEST_PERIOD_S = 1 / 240, 0.1


class Buffer:
    """Faces in, (61,) values out.

    Attributes:
        arrived: the loop's time of the newest face; minus infinity before the first.

    """

    def __init__(self) -> None:
        self._faces: deque[tuple[float, Float32]] = deque(maxlen=_KEPT)
        self._period = self._spacing = 1 / 60
        self._jitter = 0.0
        self._intervals = 0
        self._shown: Float32 | None = None
        self._from: Float32 | None = None
        self._cut_at: float | None = None
        self.arrived = -np.inf

    @property
    def delay_s(self) -> float:
        """How long a face has to wait so that the next one is there with it, mostly."""
        return min(max(self._spacing + 3 * self._jitter, LEAST_DELAY_S), MOST_DELAY_S)

    def push(self, values: Float32, now: float) -> None:
        """Take the face that came in at ``now``."""
        if now - self.arrived > GAP_S:
            self._faces.clear()
            self.cut()
        self._faces.append((self._stamp(now) if self._faces else now, values))
        self.arrived = now

    def _stamp(self, now: float) -> float:
        """Return the even time of a face that came in at ``now``."""
        since, last = now - self.arrived, self._faces[-1][0]
        # More than one where packets were lost.
        steps = max(round((now - last) / self._period), 1) if self._intervals else 1
        self._intervals = min(self._intervals + 1, _SETTLED)
        share = 1 / self._intervals
        period = min(max(since / steps, _SHORTEST_PERIOD_S), _LONGEST_PERIOD_S)
        self._period += share * (period - self._period)
        self._spacing += share * (min(since, _LONGEST_PERIOD_S) - self._spacing)
        expected = last + steps * self._period
        late = now - expected
        self._jitter += (min(abs(late), EARLY_S) - self._jitter) / _SETTLED
        return max(min(expected + _FOLLOW * late, now + EARLY_S), last + 1e-4)

    def cut(self) -> None:
        """Say that what follows does not follow from what was: it blends in."""
        self._from, self._cut_at = self._shown, None

    def at(self, time: float) -> Float32 | None:
        """Return the face of ``time``, between two where it lies between them; None before the first.

        Call it with times that grow.
        """
        if not self._faces:
            return self._shown
        while len(self._faces) > 1 and self._faces[1][0] <= time:
            self._faces.popleft()
        stamp, values = self._faces[0]
        if len(self._faces) > 1 and stamp < time:
            after, following = self._faces[1]
            values = values + (following - values) * np.float32((time - stamp) / (after - stamp))
        if self._from is not None:
            self._cut_at = time if self._cut_at is None else self._cut_at
            share = np.float32(min((time - self._cut_at) / BLEND_S, 1.0))
            values = self._from * (1 - share) + values * share
            if share >= 1:
                self._from = None
        self._shown = values
        return values
