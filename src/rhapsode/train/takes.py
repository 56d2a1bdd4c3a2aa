"""Takes to learn from: a sound and what a face did, at 50 curve frames a second, per label style.

The network learns one column per kind of movement; left and right are averaged, because the takes are
of one person each and that person's asymmetry is nobody else's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from rhapsode.face.features import HOP_LENGTH, log_mel
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP, Float32, as_float32

MOVES: dict[str, tuple[str, ...]] = {
    "jawOpen": ("jawOpen",),
    "mouthClose": ("mouthClose",),
    "mouthFunnel": ("mouthFunnel",),
    "mouthPucker": ("mouthPucker",),
    "mouthSmile": ("mouthSmileLeft", "mouthSmileRight"),
    "mouthFrown": ("mouthFrownLeft", "mouthFrownRight"),
    "mouthDimple": ("mouthDimpleLeft", "mouthDimpleRight"),
    "mouthStretch": ("mouthStretchLeft", "mouthStretchRight"),
    "mouthRollLower": ("mouthRollLower",),
    "mouthRollUpper": ("mouthRollUpper",),
    "mouthShrugLower": ("mouthShrugLower",),
    "mouthShrugUpper": ("mouthShrugUpper",),
    "mouthPress": ("mouthPressLeft", "mouthPressRight"),
    "mouthLowerDown": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "mouthUpperUp": ("mouthUpperUpLeft", "mouthUpperUpRight"),
}
"""The columns the network learns, and the ARKit channels each one drives."""

REST, UNKNOWN = -1, -2
"""In place of a style: every head rests here; no head knows what the face does here."""

UNHEARD = -1
"""In place of a class of phones: nobody knows which one is heard here."""

HELD_OUT = 80
"""GRID sentences that no training sees."""


@dataclass(frozen=True, eq=False)
class Take:
    """One sound with its labels.

    Args:
        name: for messages and for the held-out rule.
        y: (N,) float32 at 16 kHz.
        labels: (T, moves) float32 at 50 curve frames a second, curve frame k at sample 320 k.
        closed: (T,) float32, 1 where the lips touch during speech; NaN where that is unknown.
        style: head that learns from it, or `UNKNOWN`.
        heard: (T,) int64, the class of the phone, see `rhapsode.train.teacher.CLASSES`; None where unknown.
        stress: (T,) float32 in [0, 1], see `rhapsode.train.stress`; None where unknown.

    """

    name: str
    y: Float32
    labels: Float32
    closed: Float32
    style: int
    heard: NDArray[np.int64] | None = None
    stress: Float32 | None = None


@dataclass(frozen=True, eq=False)
class Labels:
    """What is known of T curve frames; written in place while a sequence is put together.

    Args:
        moves: (T, moves) float32.
        closed: (T,) float32, NaN where unknown.
        style: (T,) int64; `REST` where every head rests, `UNKNOWN` where none knows.
        heard: (T,) int64, classes of phones, `UNHEARD` where unknown.
        stress: (T,) float32, NaN where unknown.

    """

    moves: Float32
    closed: Float32
    style: NDArray[np.int64]
    heard: NDArray[np.int64]
    stress: Float32

    def __len__(self) -> int:
        return len(self.moves)

    @classmethod
    def rest(cls, count: int, moves: int) -> Labels:
        """Return the labels of silence."""
        still = np.zeros(count, np.float32)
        touch = np.full(count, np.nan, np.float32)
        style, heard = np.full(count, REST, np.int64), np.zeros(count, np.int64)
        return cls(np.zeros((count, moves), np.float32), touch, style, heard, still)

    @classmethod
    def of(cls, take: Take) -> Labels:
        """Return a take's labels."""
        count = len(take.labels)
        heard = np.full(count, UNHEARD, np.int64) if take.heard is None else take.heard
        stress = np.full(count, np.nan, np.float32) if take.stress is None else take.stress
        return cls(take.labels, take.closed, np.full(count, take.style, np.int64), heard, stress)

    def at(self, where: NDArray) -> Labels:
        """Return the labels at fractional curve frames, (T,): moves between, classes from the nearest."""
        grid, count = np.arange(len(self)), len(self)
        moves = np.stack([np.interp(where, grid, column) for column in self.moves.T], axis=1)
        near = np.minimum(np.round(where).astype(int), count - 1)
        tracks = (track[near] for track in (self.closed, self.style, self.heard, self.stress))
        return Labels(as_float32(moves), *tracks)

    def put(self, at: int, other: Labels, count: int) -> None:
        """Write the first ``count`` labels of ``other`` from curve frame ``at`` on."""
        for name in ("moves", "closed", "style", "heard", "stress"):
            getattr(self, name)[at : at + count] = getattr(other, name)[:count]


def held_out(ids: Sequence[str]) -> list[str]:
    """Return the ids that no training sees: the 80 with the smallest SHA-256 of their name."""
    return sorted(sorted(ids), key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:HELD_OUT]


def speech_mask(y: Float32, count: int, *, before_s: float, after_s: float) -> Float32:
    """Return (count,) float32 in [0, 1] at 50 Hz: 1 where the clean sound ``y`` speaks, with soft edges."""
    energy = 10 * np.log10(np.power(10.0, log_mel(y).astype(np.float64) / 10).sum(axis=1))
    threshold = max(np.percentile(energy, 10) + 12, energy.max() - 40)
    loud = (energy > threshold).astype(np.float64)
    loud = (np.convolve(loud, np.ones(5), "same") >= 3).astype(np.float64)
    before, after = round(before_s * CLOCK_HZ / HOP_LENGTH), round(after_s * CLOCK_HZ / HOP_LENGTH)
    spread = np.convolve(loud, np.ones(before + after + 1))[before : before + len(loud)] > 0
    ramp = np.hanning(11) / np.hanning(11).sum()
    soft = np.convolve(spread.astype(np.float64), ramp, "same")
    wanted = np.arange(count) * (HOP / HOP_LENGTH)
    return as_float32(np.interp(wanted, np.arange(len(soft)), soft))


def to_curve_rate(values: NDArray, fps: float, count: int) -> Float32:
    """Return (T, C) values at ``fps`` on the 50 Hz grid, ``count`` curve frames, by linear interpolation."""
    wanted = np.arange(count) * (fps / CURVE_HZ)
    grid = np.arange(len(values))
    return as_float32(np.stack([np.interp(wanted, grid, column) for column in values.T], axis=1))


def curve_count(y: Float32) -> int:
    """Return how many curve frames a sound of 16 kHz samples has."""
    return -(-len(y) // HOP)


def read_sound(path: Path) -> Float32:
    """Return the mono 16 kHz sound of ``path`` as float32."""
    y, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == CLOCK_HZ, f"{path} has {rate} Hz; training data is 16 kHz"
    return np.ascontiguousarray(y.mean(axis=1, dtype=np.float32))
