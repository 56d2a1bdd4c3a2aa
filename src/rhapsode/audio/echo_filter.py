"""The linear part of an echo: a partitioned frequency-domain Kalman filter learns the path and foretells it.

Enzner and Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control" (2006); partitions after
Kuech, Mabande and Enzner, "State-space architecture of the partitioned-block-based acoustic echo controller"
(2014). Its steps shrink by themselves where somebody speaks over the echo.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Float32

Complex = NDArray[np.complex64]

BLOCK = 256
"""Samples of a step."""

PARTITIONS = 12
"""Length of the filter in blocks: 192 ms at 16 kHz."""

KEEP = 0.9985
"""Part of the path that is still true one block later; the rest is uncertain again."""

_START = 0.5
_SMOOTH = 0.8


class EchoFilter:
    """Foretells the echo of a reference, block by block, and learns from what is really heard."""

    def __init__(self) -> None:
        bins = BLOCK + 1
        self._spectra: Complex = np.zeros((PARTITIONS, bins), np.complex64)
        self._path: Complex = np.zeros((PARTITIONS, bins), np.complex64)
        self._doubt = np.full((PARTITIONS, bins), _START, np.float32)
        self._near: Float32 = np.full(bins, 1e-3, np.float32)

    def learn_from(self, other: EchoFilter) -> None:
        """Begin with the path that ``other`` found, and some doubt."""
        self._path = other._path.copy()
        self._doubt = np.maximum(other._doubt, np.float32(0.05))

    def shift(self, samples: int) -> None:
        """Move the path: the reference comes ``samples`` later (or earlier, negative) from now on."""
        taps = np.fft.irfft(self._path)[:, :BLOCK].reshape(-1)
        moved = np.zeros_like(taps)
        if abs(samples) < len(taps):
            moved[max(-samples, 0) : len(taps) - max(samples, 0)] = taps[
                max(samples, 0) : len(taps) - max(-samples, 0)
            ]
        padded = np.concatenate(
            [moved.reshape(PARTITIONS, BLOCK), np.zeros((PARTITIONS, BLOCK), moved.dtype)], axis=1
        )
        self._path = np.fft.rfft(padded).astype(np.complex64)
        self._doubt = np.maximum(self._doubt, np.float32(0.05))

    def place(self, reference: Float32) -> None:
        """Set what was played, ((PARTITIONS + 1) * BLOCK,), up to the end of the last block."""
        blocks = reference.reshape(-1, BLOCK)
        frames = np.concatenate([blocks[:-1], blocks[1:]], axis=1)[::-1]
        self._spectra = np.fft.rfft(frames).astype(np.complex64)

    def step(self, reference: Float32, heard: Float32) -> tuple[Float32, Float32]:
        """Take the next block; return the echo foretold and what is left of ``heard``, (BLOCK,) each.

        Args:
            reference: what was played, (2 * BLOCK,): the block before and this one.
            heard: of the microphone, (BLOCK,).

        """
        self._spectra[1:] = self._spectra[:-1]
        self._spectra[0] = np.fft.rfft(reference)
        x = self._spectra
        power = x.real**2 + x.imag**2
        echo = np.fft.irfft((x * self._path).sum(axis=0))[BLOCK:].astype(np.float32)
        left = heard - echo
        if power[:, 2:].sum() < 1e-3:  # nothing was played: nothing to learn
            return echo, left
        error = np.fft.rfft(np.concatenate([np.zeros(BLOCK, np.float32), left]))
        now = (error.real**2 + error.imag**2).astype(np.float32)
        self._near += np.float32(1 - _SMOOTH) * (now - self._near)
        seen = self._doubt * power
        step = self._doubt / (0.5 * seen.sum(axis=0) + self._near + np.float32(1e-6))
        change = np.fft.irfft(step * np.conj(x) * error)
        change[:, BLOCK:] = 0
        self._path += np.fft.rfft(change).astype(np.complex64)
        known = self._path.real**2 + self._path.imag**2
        keep = np.float32(KEEP * KEEP)
        self._doubt = keep * np.maximum(1 - 0.5 * step * power, 0.0) * self._doubt + (1 - keep) * known
        return echo, left
