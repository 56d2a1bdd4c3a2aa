"""Gestures under way, and whose the mouth is meanwhile; in a session and in a file."""

from __future__ import annotations

from random import Random

from rhapsode.face.life.motion import DT
from rhapsode.live.behaviour.gestures import Gesture
from rhapsode.live.behaviour.parts import Float64
from rhapsode.live.capture.voice import Voice
from rhapsode.performance import Float32

AT_ONCE = 3
"""Gestures that may go on at the same time; one more ends the oldest."""

_BEGUN = 0.6
"""A gesture is not begun again before so much of it is over."""

_GIVE_S, _TAKE_S = 0.3, 0.08
"""How long behaviour takes to have the mouth after speech, and to give it back before."""


class Gesturing:
    """Moves the gestures that were begun, a curve frame at a time.

    Args:
        rng: makes one differ from the next.

    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._running: list[tuple[Gesture, bool]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The gestures under way, oldest first."""
        return tuple(gesture.name for gesture, _ in self._running)

    def begin(self, name: str, strength: float = 1.0, *, bound: bool = True) -> None:
        """Begin a gesture, unless the same one has just begun.

        Args:
            name: one of `GESTURES`.
            strength: 1 is normal.
            bound: whether `drop` gives it up.

        """
        if any(gesture.name == name and gesture.done < _BEGUN for gesture, _ in self._running):
            return
        while len(self._running) >= AT_ONCE:
            self._running.pop(0)
        self._running.append((Gesture(name, self._rng, strength), bound))

    def step(self, parts: Float64) -> None:
        """Move one curve frame on and add to ``parts``, in place."""
        for gesture, _ in self._running:
            gesture.step(parts, DT)
        self._running = [one for one in self._running if not one[0].over]

    def drop(self) -> None:
        """Give up what belongs to speech that is not performed any more."""
        for gesture, bound in self._running:
            if bound:
                gesture.drop()


class MouthShare:
    """Tells how much of the mouth is behaviour's: none while the voice speaks."""

    def __init__(self) -> None:
        self._voice, self._share = Voice(), 1.0

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        """Take notice of the voice, (n,), from clock sample ``start`` on."""
        self._voice.hear(start, samples, sample_rate)

    def forget(self) -> None:
        """Take notice that what was heard is not performed any more."""
        self._voice.forget()

    def step(self, sample: int) -> float:
        """Move one curve frame on, to clock ``sample``; return the share, 0 to 1."""
        spoken = self._voice.active(sample) or self._voice.coming(sample)
        self._share += -DT / _TAKE_S if spoken else DT / _GIVE_S
        self._share = min(max(self._share, 0.0), 1.0)
        return self._share
