"""Gestures under way; what they do is in `rhapsode.live.behaviour.gesture_keys`."""

from __future__ import annotations

from random import Random

from rhapsode.errors import SettingError
from rhapsode.live.behaviour.gesture_keys import GESTURES
from rhapsode.live.behaviour.parts import Float64, Tracks

__all__ = ["GESTURES", "Gesture"]

_PACE, _SIZE = (0.9, 1.12), (0.85, 1.15)
"""How much slower and larger one is than the other."""


class Gesture:
    """One gesture under way.

    Args:
        name: one of `GESTURES`.
        rng: makes this one differ from the next.
        strength: 1 is normal.

    Raises:
        SettingError: there is no such gesture.

    Attributes:
        name: of the gesture.
        length_s: how long it takes, seconds.

    """

    def __init__(self, name: str, rng: Random, strength: float = 1.0) -> None:
        if name not in GESTURES:
            raise SettingError(f"a gesture must be one of: {', '.join(GESTURES)}; got '{name}'; try nod")
        self.name = name
        self._tracks = Tracks(GESTURES[name](rng))
        self._pace, self._size = rng.uniform(*_PACE), strength * rng.uniform(*_SIZE)
        self._at = 0.0
        self._fade, self._left = 1.0, 1.0
        self.length_s = self._tracks.length_s * self._pace

    @property
    def over(self) -> bool:
        """Whether it has come to its end."""
        return self._at >= self.length_s or self._left <= 0.0

    @property
    def done(self) -> float:
        """How much of it is over, 0 to 1."""
        return min(self._at / self.length_s, 1.0)

    def step(self, made: Float64, dt: float) -> None:
        """Move ``dt`` seconds on and add to ``made``, in place."""
        self._at += dt
        if self._fade < 1.0:
            self._left = max(self._left - dt / 0.25, 0.0)
        left = self._left * self._left * (3.0 - 2.0 * self._left)
        self._tracks.add_to(made, self._at / self._pace, self._size * left)

    def drop(self) -> None:
        """Give it up within a quarter of a second."""
        self._fade = 0.0
