"""What the engine sees: log-mel relative to a running level, two feature frames per curve frame.

The level follows the past only: a noise floor that falls fast and rises slowly, and a peak that rises
fast and falls slowly. Both start at the first feature frame and move with the sound, so that a constant
gain cancels. Digital silence says nothing about a room: both hold still in it.
"""

from __future__ import annotations

import numpy as np

from rhapsode.face.features import AHEAD, HOP_LENGTH, N_MELS, LogMelStream
from rhapsode.performance import HOP, Float32

SILENCE_DB = -150.0
"""Below this a feature frame is digital silence (a 16-bit sound 40 dB down stays above)."""

HEADROOM_DB = 25.0
"""The level is at least this far above the noise floor, so that steady noise looks quiet."""

LEAST, MOST = (-70.0, -10.0, 0.0), (10.0, 60.0, 60.0)
"""Bounds of energy - level, energy - floor and peak - floor, in dB."""

PER_ROW_DB = np.float32(20)
"""Decibels in a row are divided by this; the last number of a row is peak - floor."""

_PER_DB = np.float32(np.log(10) / 10)
_LEAST, _MOST = np.array(LEAST), np.array(MOST)

FLOOR_FALL, FLOOR_RISE_DB = 0.2, 0.03
PEAK_RISE, PEAK_FALL_DB = 0.3, 0.04

SCALARS = 3
WIDTH = 2 * (N_MELS + SCALARS)
"""Numbers per curve frame."""

PAIR = HOP // HOP_LENGTH


class RunningLevel:
    """The running noise floor and peak of a sound, in dB, one feature frame (10 ms) at a time."""

    def __init__(self) -> None:
        self.floor_db: float | None = None
        self.peak_db = 0.0

    def step(self, energy_db: float) -> tuple[float, float, float]:
        """Take one feature frame's energy in dB; return energy - level, energy - floor, peak - floor."""
        if energy_db < SILENCE_DB:
            return LEAST[0], LEAST[1], 0.0 if self.floor_db is None else self.peak_db - self.floor_db
        if self.floor_db is None:
            self.floor_db = self.peak_db = energy_db
        below = energy_db - self.floor_db
        self.floor_db += below * FLOOR_FALL if below < 0 else min(below, FLOOR_RISE_DB)
        above = energy_db - self.peak_db
        self.peak_db += above * PEAK_RISE if above > 0 else -PEAK_FALL_DB
        self.peak_db = max(self.peak_db, self.floor_db)
        level = max(self.peak_db, self.floor_db + HEADROOM_DB)
        return energy_db - level, energy_db - self.floor_db, self.peak_db - self.floor_db


def level_free(mel_db: Float32, level: RunningLevel) -> Float32:
    """Return log-mel relative to the running level, with the three level differences beside it.

    Args:
        mel_db: (T, 80) float32, consecutive feature frames.
        level: state, moved on by T steps.

    Returns:
        (T, 83) float32, about in [-2, 2].

    """
    powers = np.add.reduce(np.exp(mel_db * _PER_DB), 1, np.float64)
    energy_db = 10 * np.log10(powers)
    steps = np.array([level.step(e) for e in energy_db.tolist()]).reshape(-1, SCALARS)
    rows = np.empty((len(mel_db), N_MELS + SCALARS), np.float32)
    shape, scalars = rows[:, :N_MELS], rows[:, N_MELS:]
    np.subtract(mel_db, (energy_db - steps[:, 0])[:, None], out=shape, casting="same_kind")
    np.minimum(np.maximum(shape, LEAST[0], out=shape), MOST[0], out=shape)
    np.minimum(np.maximum(steps, _LEAST), _MOST, out=scalars, casting="same_kind")
    rows /= PER_ROW_DB
    shape += 1.75
    return rows


class EngineFeatures:
    """Samples in, what the engine sees out: row p covers the samples below 320 (p + 1).

    `finish` pads with silence up to ``ahead`` further rows, so that a network that answers ``ahead`` rows
    late gets to answer for the end of the sound.
    """

    def __init__(self) -> None:
        assert AHEAD == HOP_LENGTH
        self._mel = LogMelStream()
        self._level = RunningLevel()
        self._odd = np.zeros((0, N_MELS + SCALARS), np.float32)
        self.seen = 0

    def push(self, y: Float32) -> Float32:
        """Take the next samples, (n,) float32; return the rows they complete, (P, 166) float32."""
        self.seen += len(y)
        mel = self._mel.push(y)
        if not len(mel):
            return np.zeros((0, WIDTH), np.float32)
        rows = level_free(mel, self._level)
        rows = np.concatenate([self._odd, rows]) if len(self._odd) else rows
        whole = len(rows) // PAIR * PAIR
        self._odd = rows[whole:]
        return rows[:whole].reshape(-1, WIDTH)

    def finish(self, ahead: int = 1) -> Float32:
        """Return the rows up to the end of the sound and ``ahead`` more."""
        frames = -(-self.seen // HOP)
        return self.push(np.zeros((frames + ahead) * HOP - self.seen, np.float32))
