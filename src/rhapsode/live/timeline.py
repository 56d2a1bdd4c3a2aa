"""The one clock of a session: which clock sample belongs to which time of the loop.

Sound that the product makes is due at its own pace from an anchor on. Sound that comes from outside, or that
somebody else plays, has a clock of its own: what is seen of it moves the timeline little by little, so that
it follows that clock over hours while the jitter of single messages hardly shows.
"""

from __future__ import annotations

from rhapsode.audio.bed import Bed
from rhapsode.performance import CLOCK_HZ

FOLLOW = 0.02
"""Part of a seen difference that is taken over at once; a clock 100 ppm off is followed within 0.1 ms
where it is seen every 20 ms."""

STEP_S = 0.2
"""A greater difference is a jump of the other clock, no jitter: it is taken over whole."""


class Timeline:
    """Maps clock samples to the loop's time, at 16000 samples a second from an anchor.

    Attributes:
        bed: background that is heard all the time; it runs by the loop's time itself. None for none.

    """

    def __init__(self) -> None:
        self._zero = 0.0
        self.bed: Bed | None = None

    def anchor(self, sample: float, time: float) -> None:
        """Say that ``sample`` is due at ``time``, whatever was before."""
        self._zero = time - sample / CLOCK_HZ

    def observe(self, sample: float, time: float, *, follow: float = FOLLOW) -> None:
        """Take notice that ``sample`` was seen at ``time`` on the clock to be followed.

        Args:
            sample: clock sample.
            time: seconds of the loop.
            follow: part of the difference that is taken over; rarer sightings take a greater one.

        """
        wrong = time - self.time_of(sample)
        self._zero += wrong if abs(wrong) > STEP_S else follow * wrong

    def time_of(self, sample: float) -> float:
        """Return the time at which ``sample`` is due, in seconds of the loop."""
        return self._zero + sample / CLOCK_HZ

    def sample_at(self, time: float) -> float:
        """Return the clock sample that is due at ``time``; a fraction where it lies between two."""
        return (time - self._zero) * CLOCK_HZ
