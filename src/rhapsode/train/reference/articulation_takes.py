"""FACEGOOD's takes as the articulation network learns them: all 116 shapes, bent sounds, consecutive frames.

Positions are sub-frames of `rhapsode.face.reference.articulation_image`: an image that begins with
sub-frame n is centred on sample 64 n. Consecutive curve frames are 512 samples apart, as near to the labels'
30 a second as the grid of sub-frames allows; labels and emotion vectors are interpolated to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from rhapsode.face.reference.articulation_image import GRID, SPAN, WITHIN, sub_frames
from rhapsode.performance import CLOCK_HZ, Float32, as_float32
from rhapsode.rigs.facegood import FACEGOOD
from rhapsode.train.channels import reverberate
from rhapsode.train.noises import noise
from rhapsode.train.takes import read_sound

STEP = 8
"""Sub-frames between consecutive curve frames of a segment (512 samples)."""

LENGTH = 8
"""Curve frames in a segment."""

NOISE_S = 12
"""Length of a sound without speech."""


@dataclass(frozen=True, eq=False)
class ShapeTake:
    """One sound with the shapes of a face, at the labels' own rate.

    Args:
        name: of the take.
        y: (N,) float32 at 16 kHz.
        shapes: (T, 116) float32.
        fps: label frames a second; label frame k belongs to sample 16000 k / fps.
        first: row of the emotion database that belongs to label frame 0; -1 for a sound without speech.

    """

    name: str
    y: Float32
    shapes: Float32
    fps: float
    first: int


@dataclass(frozen=True, eq=False)
class Heard:
    """A take as it sounds this time.

    Args:
        take: whose labels it has.
        columns: (C, 32) float32 sub-frames.
        per_sub_frame: label frames from one sub-frame to the next.

    """

    take: ShapeTake
    columns: Float32
    per_sub_frame: float

    @property
    def places(self) -> int:
        """How many sub-frames a segment may begin with."""
        by_sound = len(self.columns) - SPAN - STEP * (LENGTH - 1)
        by_label = int((len(self.take.shapes) - 1) / self.per_sub_frame) - STEP * (LENGTH - 1)
        return max(min(by_sound, by_label), 1)


@dataclass(frozen=True, eq=False)
class Segments:
    """S segments of T consecutive curve frames.

    Args:
        columns: (S, C, 32) float32 sub-frames, every second of the grid: those that any of the images has.
        shapes: (S, T, 116) float32.
        rows: (S, T) float64 positions in the emotion database.

    """

    columns: Float32
    shapes: Float32
    rows: NDArray


def load_takes(folder: Path, *, without: Sequence[str] = ()) -> list[ShapeTake]:
    """Return the labelled takes of ``folder`` but for those named ``without``.

    Their curve frames follow each other in the emotion database.
    """
    takes: list[ShapeTake] = []
    first = 0
    for path in sorted(folder.glob("*.npz")):
        if path.stem in without:
            continue
        with np.load(path) as stored:
            assert tuple(str(name) for name in stored["names"]) == FACEGOOD.channels
            shapes, fps = as_float32(stored["weights"]), float(stored["fps"])
        takes.append(
            ShapeTake(path.stem, read_sound(folder / "audio" / f"{path.stem}.flac"), shapes, fps, first)
        )
        first += len(shapes)
    return takes


def database_rows(takes: Sequence[ShapeTake]) -> int:
    """Return how many rows the emotion database of ``takes`` has."""
    return sum(len(take.shapes) for take in takes)


def heard(take: ShapeTake, y: Float32 | None = None, *, speed: float = 1.0) -> Heard:
    """Return ``take`` as it is, or as ``y``, which is ``speed`` times as fast."""
    columns = sub_frames(take.y if y is None else y)
    return Heard(take, columns, GRID * speed * take.fps / CLOCK_HZ)


def bent(rng: Generator, take: ShapeTake) -> Heard:
    """Return ``take`` at another speed (pitch, formants and tempo together), in a room, in noise."""
    y = take.y.astype(np.float64)
    speed = float(np.exp(rng.uniform(-0.15, 0.15))) if rng.uniform() < 0.7 else 1.0
    y = soxr.resample(y, CLOCK_HZ * speed, CLOCK_HZ) if speed != 1 else y
    if rng.uniform() < 0.25:
        y = reverberate(rng, y)
    if rng.uniform() < 0.75:
        speaking = y[np.abs(y) > 1e-3]
        y = y + noise(rng, len(y), []) * speaking.std() * 10 ** (-rng.uniform(8, 50) / 20)
    y = y * 10 ** (rng.uniform(-20, 6) / 20)
    return heard(take, as_float32(np.clip(y, -1, 1)), speed=speed)


def nothing_said(rng: Generator) -> Heard:
    """Return a sound without speech, in which the face rests."""
    count = NOISE_S * CLOCK_HZ
    y = noise(rng, count, []) * 10 ** (rng.uniform(-70, -15) / 20)
    if rng.uniform() < 0.3:
        y[: int(rng.integers(count))] *= 10 ** (-rng.uniform(0, 40) / 20)
    shapes = np.zeros((NOISE_S * 30 + 1, len(FACEGOOD)), np.float32)
    return heard(ShapeTake("nothing", as_float32(np.clip(y, -1, 1)), shapes, 30.0, -1))


class Pool:
    """Sounds to draw segments from: every take as it is, every take bent, and sounds without speech.

    Where the face rests, any emotion vector may stand: a mouth rests in every mood.

    Args:
        takes: to learn from.
        rng: source of all randomness.

    """

    def __init__(self, takes: Sequence[ShapeTake], rng: Generator) -> None:
        self._takes, self._rows = list(takes), database_rows(takes)
        self._plain = [heard(take) for take in takes]
        self._bent = [bent(rng, take) for take in takes]
        self._silent = [nothing_said(rng) for _ in range(4)]
        self._next = 0

    def refresh(self, rng: Generator, count: int = 2) -> None:
        """Bend ``count`` takes anew, and make one sound without speech."""
        for _ in range(count):
            self._bent[self._next % len(self._takes)] = bent(rng, self._takes[self._next % len(self._takes)])
            self._silent[self._next % len(self._silent)] = nothing_said(rng)
            self._next += 1

    def draw(self, rng: Generator, count: int) -> Segments:
        """Return ``count`` segments; half of those in which the face rests throughout are drawn again."""
        drawn = [self._one(rng) for _ in range(count)]
        columns, shapes, rows = zip(*drawn, strict=True)
        return Segments(np.stack(columns), np.stack(shapes), np.stack(rows))

    def _one(self, rng: Generator) -> tuple[Float32, Float32, NDArray]:
        kind = rng.uniform()
        if kind < 0.1:
            return self._cut(rng, self._silent[int(rng.integers(len(self._silent)))])
        sounds = self._plain if kind < 0.5 else self._bent
        chances = np.array([each.places for each in sounds], np.float64)
        for _ in range(8):
            made = self._cut(rng, sounds[int(rng.choice(len(sounds), p=chances / chances.sum()))])
            if made[1].any() or rng.uniform() < 0.5:
                break
        return made

    def _cut(self, rng: Generator, sound: Heard) -> tuple[Float32, Float32, NDArray]:
        begin = int(rng.integers(sound.places))
        places = np.asarray((begin + STEP * np.arange(LENGTH)) * sound.per_sub_frame, np.float64)
        shapes = between(sound.take.shapes, places)
        first = sound.take.first
        rows = places + float(first)
        if first < 0 or (not shapes.any() and rng.uniform() < 0.5):
            rows = np.full(LENGTH, rng.integers(self._rows), np.float64)
        columns = sound.columns[begin : begin + SPAN + STEP * (LENGTH - 1)]
        missing = SPAN + STEP * (LENGTH - 1) - len(columns)
        return np.pad(columns, ((0, missing), (0, 0)))[::WITHIN], shapes, rows


def between(values: Float32, places: NDArray) -> Float32:
    """Return (T, C) ``values`` at fractional ``places`` by linear interpolation."""
    low = np.clip(np.floor(places).astype(int), 0, len(values) - 2)
    part = np.clip(places - low, 0, 1)[:, None]
    return as_float32(values[low] * (1 - part) + values[low + 1] * part)
