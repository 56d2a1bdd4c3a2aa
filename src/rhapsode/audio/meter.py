"""A level meter: RMS and peak in dBFS, causal, the same however the stream is cut."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rhapsode.audio.levels import downmix
from rhapsode.performance import Float32, as_float32

FLOOR_DBFS = -120.0
"""What silence reads."""


@dataclass(frozen=True)
class Level:
    """A reading.

    Args:
        rms_dbfs: root mean square, dB relative to 1.0: a full-scale sine reads -3.01.
        peak_dbfs: the peak, dB relative to 1.0: a full-scale sine reads 0.

    """

    rms_dbfs: float
    peak_dbfs: float


class LevelMeter:
    """Reads the level of a stream after each chunk.

    The mean square forgets exponentially; the peak jumps up at once and falls at a steady pace.

    Args:
        sample_rate: Hz.
        time_constant_s: of the mean square, in seconds (0.125 is the "fast" of IEC 61672-1).
        fall_db_per_s: how fast the peak falls.

    """

    def __init__(
        self, sample_rate: int, *, time_constant_s: float = 0.125, fall_db_per_s: float = 20.0
    ) -> None:
        assert sample_rate > 0
        assert time_constant_s > 0
        self._keep_log = -1.0 / (time_constant_s * sample_rate)
        self._fall_log = -fall_db_per_s / 20 * math.log(10) / sample_rate
        self._mean_square = self._peak = 0.0

    @property
    def level(self) -> Level:
        """The reading after the last sample."""
        return Level(dbfs(math.sqrt(self._mean_square)), dbfs(self._peak))

    def push(self, chunk: Float32) -> Level:
        """Take the next samples, (n,) or (n, channels) float32; return the reading after them."""
        samples = downmix(as_float32(chunk)).astype(np.float64)
        count = len(samples)
        if count:
            age = np.arange(count - 1, -1, -1)
            share = -math.expm1(self._keep_log)
            fresh = share * float(np.dot(np.exp(self._keep_log * age), samples**2))
            self._mean_square = math.exp(self._keep_log * count) * self._mean_square + fresh
            peak = float(np.max(np.abs(samples) * np.exp(self._fall_log * age)))
            self._peak = max(math.exp(self._fall_log * count) * self._peak, peak)
        return self.level


def dbfs(amplitude: float) -> float:
    """Return ``amplitude`` (1.0 is full scale) in dB, `FLOOR_DBFS` at the least."""
    return max(20 * math.log10(amplitude), FLOOR_DBFS) if amplitude > 0 else FLOOR_DBFS
