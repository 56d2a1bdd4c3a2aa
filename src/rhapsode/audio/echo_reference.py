"""What is played beside a microphone, by the microphone's clock."""

from __future__ import annotations

from collections import deque

import numpy as np

from rhapsode.performance import Float32

AHEAD_S = 24.0
"""What is due later than this is not kept."""

BEHIND_S = 3.0
"""What is longer ago than this is forgotten."""

GLUE_S, CLOCK_S = 0.06, 0.06
"""Smaller gaps in the times of what is played are jitter; so are smaller ones of the microphone."""

_RING = 1 << 19


class Reference:
    """Holds what is played, on the microphone's time line.

    Args:
        rate: of both, Hz.

    Attributes:
        now: samples of the microphone so far.

    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._ring = np.zeros(_RING, np.float32)
        self._zero: float | None = None  # the time of sample 0 of the microphone
        self._early: deque[tuple[Float32, float]] = deque(maxlen=1000)  # what was told before that is known
        self._late: deque[float] = deque(maxlen=50)
        self._end: float | None = None  # the time at which what is played ends so far, as it was told
        self._at = 0  # where it ends in the ring
        self.now = 0

    def played(self, samples: Float32, at: float) -> None:
        """Take notice of sound, (n,) float32, whose first sample is heard at the time ``at``, or will be."""
        if self._zero is None:
            self._early.append((samples, at))
            return
        place = round((at - self._zero) * self._rate)
        close = abs(place - self._at) < 0.2 * self._rate
        if self._end is not None and abs(at - self._end) < GLUE_S and close:
            place = self._at
        first = max(self.now - self._rate - place, 0)
        until = min(len(samples), self.now + round(AHEAD_S * self._rate) - place)
        if until > first:
            self._ring[np.arange(place + first, place + until) % _RING] = samples[first:until]
        self._end, self._at = at + len(samples) / self._rate, place + len(samples)

    def silenced(self, at: float) -> None:
        """Take notice that what was to be heard from the time ``at`` on is not."""
        if self._zero is None:
            self._early.clear()
            return
        first = max(round((at - self._zero) * self._rate), self.now - self._rate)
        last = min(self._at, self.now + round(AHEAD_S * self._rate))
        if last > first:
            self._ring[np.arange(first, last) % _RING] = 0
        self._end = None

    def follow(self, at: float | None, waiting: int) -> None:
        """Follow the microphone's clock: messages come late, never early; sound that is lost is a jump.

        Args:
            at: the time of the newest sample that came in; None where nothing is lost or late.
            waiting: samples that came in and are not counted in `now` yet.

        """
        if at is None:
            if self._zero is None and self._early:
                self._begin(self._early[0][1])
            return
        zero = at - (self.now + waiting) / self._rate
        if self._zero is None:
            self._begin(zero)
        assert self._zero is not None
        self._late.append(zero - self._zero)
        off = min(self._late)
        if off < -CLOCK_S or (len(self._late) == self._late.maxlen and off > CLOCK_S):
            self._move(round(off * self._rate))
            self._zero += off
            self._late.clear()

    def advance(self, samples: int) -> None:
        """Let so many samples of the microphone pass."""
        old = self.now - round(BEHIND_S * self._rate)
        self._ring[np.arange(old, old + samples) % _RING] = 0
        self.now += samples

    def part(self, first: int, count: int) -> Float32:
        """Return what is played from the microphone's sample ``first`` on, (count,)."""
        return np.asarray(self._ring[np.arange(first, first + count) % _RING], np.float32)

    def _begin(self, zero: float) -> None:
        """Take ``zero`` for the time of sample 0 of the microphone."""
        self._zero = zero
        while self._early:
            self.played(*self._early.popleft())

    def _move(self, samples: int) -> None:
        """Move what was played ``samples`` towards the past of the microphone."""
        self._ring = np.roll(self._ring, -samples) if abs(samples) < _RING // 2 else np.zeros_like(self._ring)
        self._at -= samples
