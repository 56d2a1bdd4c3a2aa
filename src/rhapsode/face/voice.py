"""What a face needs to know of the voice: whether it speaks, and what it stresses.

Both come out of the articulation network. For engines that do not say them, `VoiceMeter` hears them in the
prosody, against the last seconds of speech instead of the seconds around.
"""

from __future__ import annotations

import math

from rhapsode.audio.prosody import ProsodyStream
from rhapsode.performance import Float32, as_float32

WIDTH = 2
ACTIVITY, STRESS = range(WIDTH)
"""Columns of a voice, (T, 2), both in [0, 1]; a stress of .5 is speech that does not stand out."""

_SPEECH = 0.5
_STEEPNESS = 1.5
_SHARE = 0.7
"""How much of a spread in loudness, or in pitch, is one unit of standing out."""


def standing_out(stress: float) -> float:
    """Return how far speech stands out: 0 if it is plain, 1 if 6 dB louder or a third of an octave higher."""
    odds = min(max(stress, 0.02), 0.98)
    return math.log(odds / (1.0 - odds)) / _STEEPNESS


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


class VoiceMeter:
    """Hears activity and stress in prosody, strictly causally."""

    def __init__(self) -> None:
        self._level = _Running(5.0)
        self._tone = _Running(2.5)

    def push(self, prosody: Float32) -> Float32:
        """Return the voice, (T, 2), of the next rows of prosody, (T, 4)."""
        return as_float32([self._row(*row) for row in prosody.tolist()]).reshape(-1, WIDTH)

    def _row(self, level_db: float, f0_hz: float, voicing: float, activity: float) -> tuple[float, float]:
        loud = tone = 0.0
        if activity > _SPEECH:
            loud = self._level.score(level_db)
            if f0_hz > 0.0 and voicing > 0.5:
                tone = self._tone.score(12.0 * math.log2(f0_hz / 100.0))
        return activity, 1.0 / (1.0 + math.exp(-_STEEPNESS * _SHARE * (loud + tone)))


assert ProsodyStream.width == 4
