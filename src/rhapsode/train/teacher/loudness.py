"""How loud a moment is against the rest of its utterance: louder speech opens the mouth further."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import CLOCK_HZ, Float32, as_float32

WIDTH_S = 0.3
"""Length of the window: the level of syllables, not of single phones."""

RANGE_DB = 15.0
_SPOKEN_DB = 30.0


def loudness(y: NDArray, rate_hz: float) -> Float32:
    """Return (T,) the loudness contour of a sound, in units of 10 dB.

    0 is the utterance's median over what is spoken; the contour stays within -1.5 and 1.5.

    Args:
        y: (N,) samples at 16 kHz.
        rate_hz: values a second; value k belongs to sample k * 16000 / rate_hz.

    """
    hop = CLOCK_HZ / rate_hz
    count = int(np.ceil(len(y) / hop))
    energy = np.concatenate([[0.0], np.cumsum(np.square(np.asarray(y, np.float64)))])
    centre = np.arange(count) * hop
    half = WIDTH_S * CLOCK_HZ / 2
    first = np.clip(centre - half, 0, len(y)).astype(int)
    last = np.clip(centre + half, 0, len(y)).astype(int)
    level = 10 * np.log10((energy[last] - energy[first]) / np.maximum(last - first, 1) + 1e-10)
    spoken = level > level.max(initial=-100.0) - _SPOKEN_DB
    middle = float(np.median(level[spoken])) if spoken.any() else 0.0
    return as_float32(np.clip(level - middle, -RANGE_DB, RANGE_DB) / 10)
