"""What the body hears in the voice: whether it speaks, where phrases begin and end, what it stresses."""

from __future__ import annotations

from rhapsode.face.life.motion import DT
from rhapsode.face.voice import standing_out

_REACH = 0.8
"""Prominence of a moment that stands out by 1."""

_SPEECH, _PAUSE = 0.5, 0.3
"""Activity above which a curve frame is speech, and below which it is pause."""


class Accents:
    """Follows the voice, one curve frame at a time; the attributes describe the last one.

    Attributes:
        speaking: 0 to 1, smooth: rises within 0.15 s of speech, falls within 0.5 s of its end.
        prominence: 0 to about 2: how far the moment stands out in loudness and pitch.
        lift: 0 to about 2: the same, slower.
        accent: strength of an accent that begins in this curve frame, else 0.
        phrase_start: speech begins in this curve frame after a pause.
        phrase_end: a phrase has ended; said 0.16 s after its last sound.
        pause_s: seconds since the last sound of speech.

    """

    def __init__(self) -> None:
        self.speaking = 0.0
        self.prominence = 0.0
        self.lift = 0.0
        self.accent = 0.0
        self.phrase_start = False
        self.phrase_end = False
        self.pause_s = 10.0
        self._phrase_s = 0.0
        self._armed = True
        self._since_accent_s = 10.0

    def step(self, activity: float, stress: float) -> None:
        """Take one row of the voice, see `rhapsode.face.voice`."""
        self.speaking += (0.14 if activity > self.speaking else 0.05) * (activity - self.speaking)
        raw = max(_REACH * standing_out(stress), 0.0) * activity
        before = self.prominence
        self.prominence += 0.35 * (raw - before)
        self.lift += 0.25 * (raw - self.lift)
        self._phrase(activity)
        self._stress(before)

    def _phrase(self, activity: float) -> None:
        self.phrase_start = self.phrase_end = False
        if activity > _SPEECH:
            self.phrase_start = self.pause_s > 0.3
            self._phrase_s = 0.0 if self.phrase_start else self._phrase_s + DT
            self.pause_s = 0.0
        elif activity < _PAUSE:
            was, self.pause_s = self.pause_s, self.pause_s + DT
            self.phrase_end = was <= 0.16 < self.pause_s and self._phrase_s > 0.3

    def _stress(self, before: float) -> None:
        self.accent = 0.0
        self._since_accent_s += DT
        rise = self.prominence - before
        if self.prominence < 0.25:
            self._armed = True
        elif self._armed and self.prominence > 0.5 and rise > 0.03 and self._since_accent_s > 0.28:
            self.accent = min(0.5 + 4.0 * rise, 1.3)
            self._armed = False
            self._since_accent_s = 0.0
