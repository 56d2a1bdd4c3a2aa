"""A performance: timed curves of a face, joint rotations, the sound, the words and the emotions on one clock.

One clock: every position is a sample index at `CLOCK_HZ`, whatever rate the sound itself has. All
classes are frozen and hold no logic beyond slicing and resampling. Reading and writing files is the
work of `rhapsode.formats`; `Performance.save` and `Performance.load` only call it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import RigError, SettingError

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


def _ticks_before(time_s: float, start: Fraction, rate: Fraction) -> int:
    """Return how many ticks of a grid (the first at clock sample ``start``) lie before ``time_s``.

    A tick within 1e-5 of a step counts as being at that time: 0.1 as a float lies a little above 1/10.
    """
    return max(math.ceil((Fraction(time_s) - start / CLOCK_HZ) * rate - Fraction(1, 100_000)), 0)


def as_float32(values: object) -> Float32:
    """Return ``values`` as a float32 array without a copy where possible."""
    return np.asarray(values, dtype=np.float32)


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
        first, last = (_ticks_before(t, self.start, self.rate) for t in (begin_s, end_s))
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


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples as they came, at their own rate.

    Args:
        samples: (N, channels) float32 in [-1, 1]; (N,) is taken as one channel.
        sample_rate: samples per second, Hz.
        start: clock sample (at `CLOCK_HZ`) that the first sample belongs to.

    """

    samples: Float32
    sample_rate: int
    start: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        samples = as_float32(self.samples)
        object.__setattr__(self, "samples", samples[:, None] if samples.ndim == 1 else samples)
        object.__setattr__(self, "start", Fraction(self.start))

    @property
    def duration_s(self) -> float:
        """Samples divided by sample rate, in seconds."""
        return len(self.samples) / self.sample_rate

    def mono(self) -> Float32:
        """Return the mean of the channels, (N,) float32."""
        return (
            self.samples[:, 0] if self.samples.shape[1] == 1 else self.samples.mean(axis=1, dtype=np.float32)
        )

    def slice_s(self, begin_s: float, end_s: float) -> Sound:
        """Return the samples whose time lies in [begin_s, end_s)."""
        first, last = (_ticks_before(t, self.start, Fraction(self.sample_rate)) for t in (begin_s, end_s))
        start = self.start + Fraction(min(first, len(self.samples)) * CLOCK_HZ, self.sample_rate)
        return replace(self, samples=self.samples[first:last], start=start)


@dataclass(frozen=True)
class Span:
    """A word or a phone and when it is heard, in seconds from the clock's zero."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Words:
    """Words as written and phones as IPA, each in order of time."""

    words: tuple[Span, ...] = ()
    phones: tuple[Span, ...] = ()

    def slice_s(self, begin_s: float, end_s: float) -> Words:
        """Return the spans that overlap [begin_s, end_s)."""

        def cut(spans: tuple[Span, ...]) -> tuple[Span, ...]:
            return tuple(s for s in spans if s.end_s > begin_s and s.start_s < end_s)

        return Words(cut(self.words), cut(self.phones))


@dataclass(frozen=True, eq=False)
class Motion:
    """Joint rotations of a body.

    Args:
        joints: VRM humanoid bone names, one per column.
        rotations: (T, J, 4) float32 unit quaternions x, y, z, w, local to the rest pose.
        translation: (T, 3) float32, the hips in metres.
        rate: frames per second, exact.
        start: clock sample of the first frame.

    """

    joints: tuple[str, ...]
    rotations: Float32
    translation: Float32
    rate: Fraction = Fraction(30)
    start: Fraction = Fraction(0)

    def __len__(self) -> int:
        return len(self.rotations)

    def slice_s(self, begin_s: float, end_s: float) -> Motion:
        """Return the frames whose time lies in [begin_s, end_s)."""
        first, last = (_ticks_before(t, self.start, self.rate) for t in (begin_s, end_s))
        first = min(first, len(self))
        start = self.start + first * CLOCK_HZ / self.rate
        cut = slice(first, last)
        return replace(self, rotations=self.rotations[cut], translation=self.translation[cut], start=start)


@dataclass(frozen=True, eq=False)
class Performance:
    """Everything that happens, on one clock.

    Args:
        face: face curves (`rhapsode.rigs.FACE` unless retargeted).
        sound: the sound, if known.
        words: words and phones, where known.
        emotion: emotion intensities in [0, 1] as curves, where known.
        heard: what an engine heard, in [0, 1]: the fifteen Oculus visemes (their sum is 1), "activity" of the
            voice and "stress"; where known.
        motion: the body, where known.
        meta: free text facts (source, engine, seed, ...).

    """

    face: Curves
    sound: Sound | None = None
    words: Words = field(default_factory=Words)
    emotion: Curves | None = None
    motion: Motion | None = None
    meta: Mapping[str, str] = field(default_factory=dict)
    heard: Curves | None = None

    @property
    def duration_s(self) -> float:
        """The longer of sound and face, in seconds."""
        return max(self.face.duration_s, self.sound.duration_s if self.sound else 0.0)

    def slice_s(self, begin_s: float, end_s: float) -> Performance:
        """Return the part in [begin_s, end_s); times stay on the same clock."""
        return replace(
            self,
            face=self.face.slice_s(begin_s, end_s),
            sound=self.sound and self.sound.slice_s(begin_s, end_s),
            words=self.words.slice_s(begin_s, end_s),
            emotion=self.emotion and self.emotion.slice_s(begin_s, end_s),
            heard=self.heard and self.heard.slice_s(begin_s, end_s),
            motion=self.motion and self.motion.slice_s(begin_s, end_s),
        )

    def resample(self, rate: float | str | Fraction) -> Performance:
        """Return the same performance with all curves at ``rate`` frames per second."""
        emotion = self.emotion.resample(rate) if self.emotion else None
        heard = self.heard.resample(rate) if self.heard else None
        return replace(self, face=self.face.resample(rate), emotion=emotion, heard=heard)

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write to ``path`` in the format that its extension names; see `rhapsode.formats.save`."""
        return Path(import_module("rhapsode.formats").save(self, path, **options))

    @classmethod
    def load(cls, path: str | Path) -> Performance:
        """Read a performance from a file; see `rhapsode.formats.load`."""
        loaded = import_module("rhapsode.formats").load(path)
        assert isinstance(loaded, cls)
        return loaded
