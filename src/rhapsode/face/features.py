"""Log-mel features at 16 kHz, whole or streamed, and the door to the other features of the room.

The window of feature frame j is stated in samples, because look-ahead is: it covers the samples
[160 j + `AHEAD` - 400, 160 j + `AHEAD`), so that frame j is known as soon as 160 j + 160 samples are.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rhapsode.face.features_lpc import LpcImageStream, lpc_image
from rhapsode.performance import CLOCK_HZ, Float32

__all__ = ["AHEAD", "HOP_LENGTH", "LogMelStream", "LpcImageStream", "N_MELS", "log_mel", "lpc_image"]

HOP_LENGTH = 160
"""Samples between two feature frames (10 ms)."""

WIN_LENGTH = 400
"""Samples under one Hann window (25 ms)."""

AHEAD = HOP_LENGTH
"""Feature frame j depends on no sample from 160 j + AHEAD on."""

N_FFT = 512
N_MELS = 80
F_MIN_HZ, F_MAX_HZ = 60.0, 7600.0
FLOOR = 1e-18
"""Added to every band's power, so that digital silence is -180 dB."""

_BLOCK = 3000


def _hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1000) / 1000) / (np.log(6.4) / 27))


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * (np.log(6.4) / 27)))


@cache
def mel_filters(n_mels: int = N_MELS) -> NDArray[np.float64]:
    """Return the triangular filters, (257, n_mels) float64, peak 1, on the mel scale of Slaney (1998).

    The scale is linear below 1 kHz and logarithmic above: M. Slaney, "Auditory Toolbox", version 2,
    Interval Research 1998-010. Every filter holds at least one bin of the 512-point transform.
    """
    ends = _hz_to_mel(np.array([F_MIN_HZ, F_MAX_HZ]))
    edges = _mel_to_hz(np.linspace(ends[0], ends[1], n_mels + 2))
    bins = np.arange(N_FFT // 2 + 1)[:, None] * (CLOCK_HZ / N_FFT)
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rise, fall))


@cache
def _window() -> NDArray[np.float64]:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WIN_LENGTH) + 0.5) / WIN_LENGTH)
    return np.asarray(window * (2 / window.sum()), np.float64)


def _mel_db(y: NDArray[np.float64], count: int, n_mels: int) -> Float32:
    """Return ``count`` feature frames of ``y`` (contiguous), whose first sample starts the first window."""
    step = y.itemsize
    windows: NDArray[np.float64] = np.ndarray((count, WIN_LENGTH), y.dtype, y, 0, (HOP_LENGTH * step, step))
    spectrum = np.fft.rfft(windows * _window(), N_FFT)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(10 * np.log10(power @ mel_filters(n_mels) + FLOOR), np.float32)


def log_mel(y: Float32, *, n_mels: int = N_MELS) -> Float32:
    """Return the log-mel power of a whole sound.

    Args:
        y: (N,) float32 in [-1, 1] at 16 kHz.
        n_mels: bands between 60 and 7600 Hz.

    Returns:
        (ceil(N / 160), n_mels) float32 in dB; a full-scale sine reaches about 0 dB, digital silence is
        -180 dB. Feature frame j belongs to sample 160 j and sees [160 j - 240, 160 j + 160).

    Example:
        >>> log_mel(np.zeros(1600, np.float32)).shape
        (10, 80)

    """
    stream = LogMelStream(n_mels=n_mels)
    return np.concatenate([stream.push(y), stream.finish()])


class LogMelStream:
    """The streaming twin of `log_mel`.

    Args:
        n_mels: bands between 60 and 7600 Hz.

    """

    def __init__(self, *, n_mels: int = N_MELS) -> None:
        self._n_mels = n_mels
        self._held = np.zeros(WIN_LENGTH - AHEAD)

    def push(self, y: Float32) -> Float32:
        """Take the next samples, (n,) float32 with n >= 0; return the feature frames they complete."""
        self._held = np.concatenate([self._held, y])
        count = (len(self._held) - WIN_LENGTH) // HOP_LENGTH + 1
        made = [
            _mel_db(self._held[begin * HOP_LENGTH :], min(_BLOCK, count - begin), self._n_mels)
            for begin in range(0, count, _BLOCK)
        ]
        self._held = self._held[max(count, 0) * HOP_LENGTH :]
        return np.concatenate(made) if made else np.zeros((0, self._n_mels), np.float32)

    def finish(self) -> Float32:
        """Return the last feature frame where samples are left over, padded with silence."""
        pending = len(self._held) - (WIN_LENGTH - AHEAD)
        return self.push(np.zeros(HOP_LENGTH - pending if pending else 0, np.float32))
