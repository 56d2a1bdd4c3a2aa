"""Curves: named channels on an exact time grid, whole or as they come."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import RigError
from rhapsode.performance.clock import CLOCK_HZ, CURVE_HZ, Float32, as_float32, as_rate, ticks_before


@dataclass(frozen=True, eq=False)
class Curves:
    """Named channels on an exact time grid.

    Args:
        names: channel names, one per column.
        values: (T, C) float32.
        rate: curve frames per second, exact.
        start: clock sample that the first curve frame belongs to.

    """

    names: tuple[str, ...]
    values: Float32
    rate: Fraction = Fraction(CURVE_HZ)
    start: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", as_float32(self.values))
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "rate", as_rate(self.rate))
        object.__setattr__(self, "start", Fraction(self.start))
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise RigError(
                f"curves need values of shape (T, {len(self.names)}) for {len(self.names)} names, "
                f"got {self.values.shape}"
            )

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> Float32:
        """Return one channel, (T,) float32."""
        return self.values[:, self.index(name)]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def index(self, name: str) -> int:
        """Return the column of ``name``."""
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names[:6])
            raise RigError(f"no channel '{name}' among {len(self.names)} ({known}, ...)") from None

    @property
    def duration_s(self) -> float:
        """Frames divided by rate, in seconds."""
        return float(len(self) / self.rate)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """The time of each curve frame on the clock, (T,) float64, in seconds."""
        first = float(self.start / CLOCK_HZ)
        return np.asarray(first + np.arange(len(self)) * float(1 / self.rate), np.float64)

    def sample_index(self, frame: int) -> int:
        """Return the clock sample that curve frame number ``frame`` belongs to, rounded."""
        return round(self.start + frame * CLOCK_HZ / self.rate)

    def frames(self, begin: int, end: int | None = None) -> Curves:
        """Return curve frames ``begin:end`` (Python slice rules, non-negative) with their true start."""
        begin = min(begin, len(self))
        return replace(self, values=self.values[begin:end], start=self.start + begin * CLOCK_HZ / self.rate)

    def select(self, names: tuple[str, ...], fill: float | None = None) -> Curves:
        """Return the channels ``names`` in that order; absent ones are ``fill``, or an error if None."""
        missing = [name for name in names if name not in self.names]
        if missing and fill is None:
            raise RigError(
                f"{len(missing)} channels are missing ({', '.join(missing[:4])}); pass fill=0 to accept"
            )
        columns = [self[n] if n in self.names else np.full(len(self), fill, np.float32) for n in names]
        values = np.stack(columns, axis=1) if columns else np.zeros((len(self), 0), np.float32)
        return replace(self, names=names, values=values)

    def resample(self, rate: float | str | Fraction) -> Curves:
        """Return the same curves at ``rate`` by linear interpolation on the exact time grid.

        Frame k of the result lies at start + k / rate. The last value is held, so that the result
        covers the same duration: ceil(T * rate / old rate) frames.
        """
        stream = CurveResampler(rate)
        parts = [stream.push(self), stream.finish()]
        return join([part for part in parts if part is not None])

    def slice_s(self, begin_s: float, end_s: float) -> Curves:
        """Return the frames whose time lies in [begin_s, end_s)."""
        first, last = (ticks_before(t, self.start, self.rate) for t in (begin_s, end_s))
        return self.frames(first, last)


class CurveResampler:
    """The streaming twin of `Curves.resample`: consecutive slices in, consecutive slices out.

    Args:
        rate: curve frames per second to produce.

    """

    def __init__(self, rate: float | str | Fraction) -> None:
        self.rate = as_rate(rate)
        self._first: Curves | None = None
        self._last: Float32 = np.zeros((0, 0), np.float32)
        self._seen = 0
        self._made = 0

    def push(self, part: Curves) -> Curves | None:
        """Take the next slice; return the frames it completes, None before the first slice."""
        if self._first is None:
            self._first, self._last = part.frames(0, 0), part.values[:0]
        known = np.concatenate([self._last, part.values])
        self._seen += len(part)
        if not len(known):
            return self._emit(known, 0)
        complete = math.floor((self._seen - 1) * self.rate / self._first.rate) + 1
        made = self._emit(known, complete)
        self._last = known[-1:].copy()
        return made

    def finish(self) -> Curves | None:
        """Return the frames that hold the last value up to the end."""
        if self._first is None:
            return None
        return self._emit(
            self._last, math.ceil(self._seen * self.rate / self._first.rate) if self._seen else 0
        )

    def _emit(self, known: Float32, until: int) -> Curves:
        assert self._first is not None
        ticks, old = np.arange(self._made, until), self._first.rate
        ratio = old / self.rate
        whole = ticks * ratio.numerator // ratio.denominator
        part = (ticks * ratio.numerator % ratio.denominator / ratio.denominator).astype(np.float32)[:, None]
        base = self._seen - len(known)
        left = np.clip(whole - base, 0, max(len(known) - 1, 0))
        right = np.minimum(left + 1, max(len(known) - 1, 0))
        values = known[left] * (1 - part) + known[right] * part if len(ticks) else known[:0]
        start = self._first.start + self._made * CLOCK_HZ / self.rate
        self._made = max(until, self._made)
        return Curves(self._first.names, values, self.rate, start)


def join(parts: list[Curves]) -> Curves:
    """Put consecutive slices of the same curves together."""
    if not parts:
        raise ValueError("join needs at least one part")
    return replace(parts[0], values=np.concatenate([part.values for part in parts]))
