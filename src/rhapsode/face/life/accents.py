"""What the body hears in the voice: whether it speaks, where phrases begin and end, what it stresses."""

from __future__ import annotations

import math

from rhapsode.face.life.motion import DT

_SPEECH, _PAUSE = 0.5, 0.3
"""Activity above which a curve frame is speech, and below which it is pause."""


class _Running:
    """Mean and mean absolute deviation over the last few seconds of speech."""

    __slots__ = ("count", "mean", "spread")

    def __init__(self, spread: float) -> None:
        self.count = 0
        self.mean = 0.0
        self.spread = spread

    def score(self, value: float) -> float:
        """Take a value; return how many spreads it lies above the mean, within +-2.5."""
        self.count += 1
        if self.count == 1:
            self.mean = value
        away = value - self.mean
        score = min(max(away / self.spread, -2.5), 2.5)
        self.mean += max(1.0 / self.count, 0.008) * score * self.spread
        self.spread = max(self.spread + 0.006 * (1.25 * min(abs(away), 3.0 * self.spread) - self.spread), 0.5)
        return score


class Accents:
    """Follows the voice, one curve frame at a time; the attributes describe the last one.

    Attributes:
        speaking: 0 to 1, smooth: rises within 0.15 s of speech, falls within 0.5 s of its end.
        prominence: 0 to about 2: how far level and pitch stand out of the last seconds.
        pitch: 0 to about 2: how far pitch alone does.
        accent: strength of an accent that begins in this curve frame, else 0.
        phrase_start: speech begins in this curve frame after a pause.
        phrase_end: a phrase has ended; said 0.16 s after its last sound.
        pause_s: seconds since the last sound of speech.

    """

    def __init__(self) -> None:
        self.speaking = 0.0
        self.prominence = 0.0
        self.pitch = 0.0
        self.accent = 0.0
        self.phrase_start = False
        self.phrase_end = False
        self.pause_s = 10.0
        self._level = _Running(5.0)
        self._tone = _Running(2.5)
        self._phrase_s = 0.0
        self._armed = True
        self._since_accent_s = 10.0

    def step(self, level_db: float, f0_hz: float, voicing: float, activity: float) -> None:
        """Take one row of prosody."""
        loud = tone = 0.0
        if activity > _SPEECH:
            loud = self._level.score(level_db)
            if f0_hz > 0.0 and voicing > 0.5:
                tone = self._tone.score(12.0 * math.log2(f0_hz / 100.0))
        self.speaking += (0.14 if activity > self.speaking else 0.05) * (activity - self.speaking)
        raw = max(0.55 * loud + 0.55 * tone, 0.0) * activity
        before = self.prominence
        self.prominence += 0.35 * (raw - before)
        self.pitch += 0.25 * (max(tone, 0.0) * activity - self.pitch)
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
