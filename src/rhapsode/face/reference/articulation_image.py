"""What the articulation network sees: the LPC image, one sub-frame at a time, with the level in its gain.

The windows of `rhapsode.face.features_lpc` overlap: those of neighbouring curve frames (320 samples apart)
share sub-frames on a grid of 64 samples. Here each sub-frame is made once, and `windows` says which ones
make up a curve frame's image. The first coefficient of a prediction polynomial is always 1; its place is
given to the sub-frame's level, relative to the running level of the sound, so that gain cancels and rest
differs from speech.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.face.features_level import SILENCE_DB, RunningLevel
from rhapsode.face.features_lpc import HALF, ORDER, SUB_FRAMES, SUB_HOP, SUB_LENGTH, linear_prediction
from rhapsode.performance import HOP, Float32

GRID = 64
"""Samples between sub-frames: the hop between curve frames and that within an image are multiples of it."""

BEFORE = HALF // GRID
"""Sub-frames of silence before the sound (65): sub-frame n begins at sample 64 (n - 65)."""

PER_FRAME, WITHIN = HOP // GRID, SUB_HOP // GRID
"""Sub-frames from one curve frame to the next (5), and between two columns of an image (2)."""

SPAN = WITHIN * (SUB_FRAMES - 1) + 1
"""Sub-frames from the first to the last of an image (127)."""

QUIETEST_DB, LOUDEST_DB, DB_PER_UNIT = -70.0, 10.0, 35.0

_WINDOW = np.hanning(SUB_LENGTH)
_BLOCK = 4096


def windows(first: int, count: int) -> NDArray[np.int64]:
    """Return (count, 64) which sub-frames make up the images of curve frames ``first`` and following."""
    begins = (first + np.arange(count, dtype=np.int64)) * PER_FRAME
    return np.asarray(begins[:, None] + WITHIN * np.arange(SUB_FRAMES, dtype=np.int64), np.int64)


def sub_frames(y: Float32) -> Float32:
    """Return every sub-frame that the images of a whole sound are made of.

    Args:
        y: (N,) float32 at 16 kHz.

    Returns:
        (5 (ceil(N / 320) - 1) + 127, 32) float32; none for an empty sound.

    """
    stream = SubFrameStream()
    return np.concatenate([stream.push(y), stream.finish()])


class SubFrameStream:
    """Samples in, sub-frames out: sub-frame n as soon as sample 64 (n - 65) + 255 is there."""

    def __init__(self) -> None:
        self._held = np.zeros(BEFORE * GRID)
        self._seen = 0
        self._level = _Level()

    def push(self, y: Float32) -> Float32:
        """Take the next samples, (n,) float32, n >= 0; return the sub-frames they complete, (M, 32)."""
        self._seen += len(y)
        return self._advance(y)

    def finish(self) -> Float32:
        """Return the sub-frames up to the image of the last curve frame; silence follows the sound."""
        frames = -(-self._seen // HOP)
        if not frames:
            return np.zeros((0, ORDER), np.float32)
        end = (frames - 1) * HOP + HALF
        return self._advance(np.zeros(end - self._seen, np.float32))

    def _advance(self, y: Float32) -> Float32:
        self._held = np.concatenate([self._held, y])
        count = max((len(self._held) - SUB_LENGTH) // GRID + 1, 0)
        made = [np.zeros((0, ORDER), np.float32)]
        while count:
            block = min(count, _BLOCK)
            cut = np.lib.stride_tricks.sliding_window_view(self._held, SUB_LENGTH)[: block * GRID : GRID]
            made.append(self._columns(cut * _WINDOW))
            self._held = self._held[block * GRID :]
            count -= block
        return np.concatenate(made)

    def _columns(self, cut: NDArray[np.float64]) -> Float32:
        columns = linear_prediction(cut)
        columns[:, 0] = self._level.of(np.einsum("mk,mk->m", cut, cut))
        return columns


class _Level:
    """The level of sub-frames in [-1, 1.3], 1 at the running level; that moves on every second one."""

    def __init__(self) -> None:
        self._running = RunningLevel()
        self._apart_db = 0.0
        self._moves = True

    def of(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        energies_db = 10 * np.log10(np.maximum(energies, 1e-20))
        relative = np.empty(len(energies_db))
        for k, energy_db in enumerate(energies_db.tolist()):
            if self._moves and energy_db >= SILENCE_DB:
                self._apart_db = energy_db - self._running.step(energy_db)[0]
            relative[k] = energy_db - self._apart_db
            self._moves = not self._moves
        return np.asarray(1 + np.clip(relative, QUIETEST_DB, LOUDEST_DB) / DB_PER_UNIT)
