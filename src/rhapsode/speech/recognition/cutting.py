"""Sound that is longer than a recogniser's window, cut where it is quiet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rhapsode.performance import Float32

_RATE_HZ = 16_000
LONGEST_S = 24.0
"""Sound up to this long is recognised as a whole; Whisper hears 30 s at once, and wants some room behind
it."""

_EARLIEST_S = 14.0
_ROW = _RATE_HZ // 50
_AROUND = 10
"""Rows of 20 ms that are quiet together in a pause between words."""


def quietest_cut(samples: Float32) -> int:
    """Return the sample, between `_EARLIEST_S` and `LONGEST_S`, around which it is quietest for 200 ms."""
    first, last = int(_EARLIEST_S * 50), int(LONGEST_S * 50)
    rows = samples[first * _ROW : last * _ROW].reshape(-1, _ROW).astype(np.float64)
    power = np.square(rows).mean(axis=1)
    around = np.convolve(power, np.ones(_AROUND), mode="valid")
    # The latest of equally quiet places, for as few pieces as can be.
    best = len(around) - 1 - int(np.argmin(around[::-1]))
    return (first + best + _AROUND // 2) * _ROW


def pieces(samples: Float32) -> Iterator[tuple[int, Float32]]:
    """Yield ``samples``, (n,) at 16 kHz, in pieces of at most `LONGEST_S`, each with its first sample."""
    start = 0
    while len(samples) - start > LONGEST_S * _RATE_HZ:
        length = quietest_cut(samples[start:])
        yield start, samples[start : start + length]
        start += length
    yield start, samples[start:]
