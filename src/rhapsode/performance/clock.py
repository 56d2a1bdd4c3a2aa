"""The one clock, and the exact rates of the grids on it."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import SettingError

CLOCK_HZ = 16_000
"""The master clock: every sample index counts samples at this rate."""

CURVE_HZ = 50
"""Curve frames a second inside the product: one every 20 ms."""

HOP = CLOCK_HZ // CURVE_HZ
"""Clock samples between two curve frames (320)."""

Float32 = NDArray[np.float32]


@lru_cache(maxsize=256)
def as_rate(rate: float | str | Fraction) -> Fraction:
    """Return ``rate`` (frames per second) as an exact fraction; 29.97 and the like become n*1000/1001.

    Raises:
        SettingError: the rate is not a positive, finite number.

    """
    try:
        exact = Fraction(rate)
    except (ValueError, OverflowError, TypeError, ZeroDivisionError):
        exact = Fraction(0)
    if exact <= 0 or exact > 10_000:
        raise SettingError(
            f"frame rate must lie in (0, 10000] frames per second, got {rate!r}; try 30, 50 or 60"
        )
    whole = round(exact)
    if exact != whole and abs(exact - Fraction(math.ceil(exact) * 1000, 1001)) < Fraction(1, 200):
        return Fraction(math.ceil(exact) * 1000, 1001)
    return exact if exact == whole else exact.limit_denominator(1001)


def ticks_before(time_s: float, start: Fraction, rate: Fraction) -> int:
    """Return how many ticks of a grid (the first at clock sample ``start``) lie before ``time_s``.

    A tick within 1e-5 of a step counts as being at that time: 0.1 as a float lies a little above 1/10.
    """
    return max(math.ceil((Fraction(time_s) - start / CLOCK_HZ) * rate - Fraction(1, 100_000)), 0)


def as_float32(values: object) -> Float32:
    """Return ``values`` as a float32 array without a copy where possible."""
    return np.asarray(values, dtype=np.float32)
