"""When the mouth rests: a gate that waits before it closes and never closes an opening that is meant."""

from __future__ import annotations

_QUIET, _VOICED = 0.2, 0.45
"""Activity that leaves the gate closed, and that opens it. Of nineteen in twenty curve frames of pause, in
recorded rooms and 10 dB of noise, the engine says below .2 to .3; of as many of speech, above .5 to .8."""

_SLIGHT, _MEANT = 0.11, 0.16
"""Lip gap, cm, below which an opening without a voice is a room's murmur, and from which it is meant."""

_CREDIT = 15
"""Curve frames that openings may last with no voice to vouch for them: a mouth opens ahead of its voice."""

_HOLD = 4
"""Curve frames that the gate stays open after the last sign of speech: consonants and weak vowels pass. An
engine closes its mouth sooner by itself; the gate takes away what it leaves."""

_ATTACK, _RELEASE = 0.5, 1.0 / 3.0
"""Steps per curve frame: the gate opens in 40 ms and closes in 60 ms."""


class Gate:
    """How far the mouth may leave its rest, curve frame by curve frame.

    Either of two witnesses opens it: the voice's activity, or lips that part more than they do in pauses.
    The second one may be alone for `_CREDIT` curve frames until the voice is heard again, so that neither
    weak vowels in noise nor the opening ahead of a voice are lost and yet silence rests the mouth.
    """

    __slots__ = ("_at", "_credit", "_hold")

    def __init__(self) -> None:
        self._at = 0.0
        self._hold = 0
        self._credit = _CREDIT

    def step(self, activity: float, gap: float) -> float:
        """Return the gate of one curve frame, in [0, 1].

        Args:
            activity: of the voice, in [0, 1].
            gap: between the lips that the engine asks for, cm.

        """
        wanted = (activity - _QUIET) / (_VOICED - _QUIET)
        if wanted >= 1.0:
            wanted = 1.0
            self._credit = _CREDIT
        elif gap > _SLIGHT and self._credit:
            self._credit -= 1
            wanted = max(wanted, min((gap - _SLIGHT) / (_MEANT - _SLIGHT), 1.0))
        at = self._at
        if wanted >= at:
            at = min(wanted, at + _ATTACK)
            self._hold = _HOLD
        elif self._hold:
            self._hold -= 1
        else:
            at = max(wanted, at - _RELEASE, 0.0)
        self._at = at
        return 1.0 if at >= 1.0 else at * at * (3.0 - 2.0 * at)
