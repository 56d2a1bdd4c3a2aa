"""A performance: timed curves of a face, joint rotations, the sound, the words and the emotions on one clock.

One clock: every position is a sample index at `CLOCK_HZ`, whatever rate the sound itself has. All
classes are frozen and hold no logic beyond slicing and resampling. Reading and writing files is the
work of `rhapsode.formats`; `Performance.save` and `Performance.load` only call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.performance.clock import (
    CLOCK_HZ,
    CURVE_HZ,
    HOP,
    Float32,
    as_float32,
    as_rate,
    ticks_before,
)
from rhapsode.performance.curves import CurveResampler, Curves, join

__all__ = [
    "CLOCK_HZ",
    "CURVE_HZ",
    "HOP",
    "CurveResampler",
    "Curves",
    "Float32",
    "Motion",
    "Performance",
    "Sound",
    "Span",
    "Words",
    "as_float32",
    "as_rate",
    "join",
]


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
        first, last = (ticks_before(t, self.start, Fraction(self.sample_rate)) for t in (begin_s, end_s))
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
        first, last = (ticks_before(t, self.start, self.rate) for t in (begin_s, end_s))
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
