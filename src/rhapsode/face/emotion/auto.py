"""How excited a voice sounds: arousal from pitch, level and rate, against the speaker's own running habits.

Strictly causal: a row depends on no later one, and habits are those heard so far. What is measured is
arousal; whether a voice is pleased or angry is not: both raise pitch and level (Scherer, "Vocal communication
of emotion", 2003). So the expression is restrained and takes no side.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rhapsode.audio.prosody import ProsodyStream
from rhapsode.face.emotion.vector import EMOTIONS
from rhapsode.performance import CURVE_HZ, Float32

_NOW_S, _HABIT_S = 1.5, 30.0
"""How long "now" and the speaker's habit last, in seconds of speech."""

_SPAN_ST, _SPREAD_DB = 2.8, 6.0
"""How far pitch (semitones) and level (dB) of a calm reader stray from their mean, on average."""

_RATE_HZ = 4.1
"""Peaks of level a second in calm reading."""

_STRENGTH = (0.42, 0.26, 0.14, 0.34)
"""Weights of pitch, level, rate and pitch span in arousal."""

_DEAD = 0.2
"""Arousal to either side of neutral that shows nothing: reading aloud has its ups and downs."""

_SHOWN = {"amazement": 0.34, "joy": 0.12}
"""What full arousal shows: wide awake, a little open to the viewer."""

_WEARY = {"sadness": 0.14}
"""What arousal of -1 shows: heavy lids."""


class _Habit:
    """A quantity now and by habit, both running means over speech."""

    __slots__ = ("count", "habit", "now")

    def __init__(self) -> None:
        self.now = self.habit = 0.0
        self.count = 0

    def take(self, value: float) -> float:
        """Take a value; return how far now lies above the habit, which counts more the longer it is known."""
        self.count += 1
        self.now += max(1.0 / self.count, 1.0 / (_NOW_S * CURVE_HZ)) * (value - self.now)
        self.habit += max(1.0 / self.count, 1.0 / (_HABIT_S * CURVE_HZ)) * (value - self.habit)
        return self.now - self.habit


class AutoEmotion:
    """Follows a voice's arousal: `push` by rows of prosody, or `hear` and `take` by sound.

    Example:
        >>> AutoEmotion().push(np.zeros((3, 4), np.float32)).tolist()
        [0.0, 0.0, 0.0]

    """

    look_ahead_samples = 0

    def __init__(self) -> None:
        self.arousal = 0.0
        self._prosody = ProsodyStream()
        self._held = [0.0]
        self._pitch, self._level, self._stray = _Habit(), _Habit(), _Habit()
        self._away = [0.0, 0.0, 0.0, 0.0]
        self._smooth = self._before = -60.0
        self._rising = False
        self._rise_from = -60.0
        self._since = 0
        self._rate = _RATE_HZ
        self._spoken = 0

    def push(self, voice: Float32) -> NDArray[np.float64]:
        """Return (T,) arousal in [-1, 1] of (T, 4) prosody; 0 is the speaker's habit, or silence."""
        return np.array([self._row(*row) for row in np.asarray(voice, np.float64).tolist()])

    def hear(self, y: Float32, *, last: bool = False) -> None:
        """Take the next sound, (n,) at 16 kHz, and the end of it with ``last``."""
        rows = [self._prosody.push(y), *([self._prosody.finish()] if last else [])]
        for row in rows:
            self._held += self.push(row).tolist()

    def take(self, count: int) -> NDArray[np.float64]:
        """Return (count,) the arousal of the next curve frames, each as of the one before it.

        Its row of prosody is known by then, however little an engine looks ahead.
        """
        missing = count - len(self._held)
        if missing > 0:
            self._held += [self.arousal] * missing
        taken, self._held = self._held[:count], self._held[count:]
        return np.array(taken)

    def _row(self, level_db: float, f0_hz: float, voicing: float, activity: float) -> float:
        if activity <= 0.5:
            self.arousal *= 1.0 - 1.0 / (2.0 * CURVE_HZ)
            return self.arousal
        self._spoken += 1
        away = self._away
        away[1] = self._level.take(level_db) / _SPREAD_DB
        if f0_hz > 0.0 and voicing > 0.5:
            tone = 12.0 * math.log2(f0_hz / 100.0)
            away[0] = self._pitch.take(tone) / _SPAN_ST
            self._stray.take(min(abs(tone - self._pitch.now), 12.0))
            away[3] = (self._stray.now - _SPAN_ST) / _SPAN_ST
        away[2] = self._tempo(level_db)
        raw = sum(s * math.tanh(a) for s, a in zip(_STRENGTH, away, strict=True))
        # The first second of a voice says little.
        sure = min(self._spoken / (1.5 * CURVE_HZ), 1.0)
        self.arousal += (min(max(1.3 * sure * raw, -1.0), 1.0) - self.arousal) / (0.5 * CURVE_HZ)
        return self.arousal

    def _tempo(self, level_db: float) -> float:
        """Return how far the rate of syllables lies above that of calm reading, as a share of it."""
        self._smooth += 0.4 * (level_db - self._smooth)
        rising = self._smooth > self._before
        peak = self._rising and not rising and self._before - self._rise_from > 2.0
        if rising and not self._rising:
            self._rise_from = self._before
        self._rising, self._before = rising, self._smooth
        self._rate += ((CURVE_HZ if peak else 0.0) - self._rate) / (2.0 * CURVE_HZ)
        return 2.0 * (self._rate - _RATE_HZ) / _RATE_HZ


def expression(arousal: float) -> list[float]:
    """Return the level of each of `EMOTIONS` that a face shows at ``arousal`` in [-1, 1]."""
    amount = max(abs(arousal) - _DEAD, 0.0) / (1.0 - _DEAD)
    shown = _SHOWN if arousal > 0 else _WEARY
    return [amount * shown.get(name, 0.0) for name in EMOTIONS]
