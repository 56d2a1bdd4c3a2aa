"""Visemes that come one by one, as a voice tells them while it speaks: curves as soon as they are certain.

The streaming twin of `rhapsode.formats.viseme_curves.performance_of`: the same curves, in pieces.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rhapsode.formats.viseme_curves import mouth_channels, mouth_of, moving
from rhapsode.performance import CLOCK_HZ, Curves, Span
from rhapsode.rigs.visemes import viseme_set

RATE = Fraction(100)
"""Rows a second, where nothing else is asked for: twice the face's, so that any grid is near one of them."""

_BEFORE = 8
"""Visemes before the first that is made anew; what lies farther back changes nothing."""

_MARGIN_S = 0.06
"""A crossing may begin so long before the viseme that it leads from."""


class VisemeStream:
    """Takes visemes in order of time, gives the mouth that they make.

    Args:
        name: the viseme set: oculus, azure, polly or rhubarb.
        rate: rows a second.

    Raises:
        RigError: the set is unknown.

    Example:
        >>> stream = VisemeStream("azure", rate=Fraction(50))
        >>> for k in range(8):
        ...     stream.push(f"viseme_{k}", 0.1 * k)
        >>> len(stream.take()), len(stream.finish(1.0))
        (27, 23)

    """

    def __init__(self, name: str, *, rate: Fraction = RATE) -> None:
        self._name, self.rate = viseme_set(name).name, rate
        self._starts: list[tuple[str, float]] = []
        self._mouths: list[float] = []  # where each mouth begins that is another than the one before
        self._made = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Channels of the curves."""
        return mouth_channels(self._name)

    @property
    def known_s(self) -> float:
        """Up to where the curves are certain, seconds."""
        return max(self._mouths[-2] - _MARGIN_S, 0.0) if len(self._mouths) > 1 else 0.0

    def push(self, viseme: str, start_s: float) -> None:
        """Take the next viseme; one that lies before the last begins with it.

        Args:
            viseme: a channel of the set.
            start_s: where it begins.

        """
        before = self._starts[-1] if self._starts else ("", 0.0)
        start_s = max(start_s, before[1])
        if moving(viseme, self._name)[0] != moving(before[0], self._name)[-1]:
            self._mouths.append(start_s)
        self._starts.append((viseme, start_s))

    def take(self) -> Curves:
        """Return the rows that became certain since the last call."""
        return self._until(self.known_s, self._starts[-1][1] + 1.0 if self._starts else 0.0)

    def finish(self, end_s: float) -> Curves:
        """Return all other rows; the last viseme lasts until ``end_s``."""
        return self._until(end_s, end_s)

    def _until(self, known_s: float, end_s: float) -> Curves:
        """Return new rows up to a time; the last viseme is taken to end at ``end_s``."""
        if not self._starts:
            return Curves(self.names, np.zeros((0, len(self.names)), np.float32), self.rate)
        first, rate = self._made, float(self.rate)
        until = max(int(np.ceil(known_s * rate - 1e-6)), first)
        begun = [k for k, (_, start) in enumerate(self._starts) if start * rate <= first]
        k = max((begun[-1] if begun else 0) - _BEFORE, 0)
        rest = self._starts[k:]
        origin = int(rest[0][1] * rate) if k else 0
        ends = [*(start for _, start in rest[1:]), end_s]
        events = [
            Span(name, start - origin / rate, max(end, start) - origin / rate)
            for (name, start), end in zip(rest, ends, strict=True)
        ]
        rows = mouth_of(events, self._name, self.rate)
        values = rows.values[first - origin : until - origin]
        self._made = first + len(values)
        return Curves(rows.names, values, self.rate, Fraction(first * CLOCK_HZ) / self.rate)
