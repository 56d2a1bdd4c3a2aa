"""FACEGOOD's picture of a sound: linear prediction coefficients of 64 sub-frames around a curve frame.

The layout is that of FACEGOOD-Audio2Face (MIT): 520 ms centred on the curve frame, 64 sub-frames of 256
samples, hop 128, Hann window, prediction of order 32 by autocorrelation and Levinson's recursion.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import CLOCK_HZ, Float32, as_rate

ORDER = 32
SUB_FRAMES = 64
SUB_LENGTH, SUB_HOP = 256, 128
HALF = (SUB_FRAMES * SUB_HOP + SUB_LENGTH - SUB_HOP) // 2
"""Samples on each side of a curve frame (4160, 260 ms): also the look-ahead of the feature."""

_BLOCK = 64


def _autocorrelation(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(windows, 2 * SUB_LENGTH)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(np.fft.irfft(power)[:, : ORDER + 1], np.float64)


def linear_prediction(windows: NDArray[np.float64]) -> Float32:
    """Return the prediction polynomials of windowed sub-frames by Levinson's recursion.

    Args:
        windows: (M, 256) float64.

    Returns:
        (M, 32) float32: 1, a1 ... a31 of the polynomial of order 32; silence gives 1, 0 ... 0.

    """
    lags = _autocorrelation(windows)
    lags[:, 0] = np.maximum(lags[:, 0] * (1 + 1e-9), 1e-12)
    lags[:, 1:] = np.where(lags[:, :1] <= 1e-12, 0, lags[:, 1:])
    a = np.zeros_like(lags)
    a[:, 0] = 1
    error = lags[:, 0].copy()
    for order in range(1, ORDER + 1):
        reflection = -np.einsum("mk,mk->m", a[:, :order], lags[:, order:0:-1]) / error
        a[:, 1 : order + 1] += reflection[:, None] * a[:, order - 1 :: -1][:, :order]
        error = np.maximum(error * (1 - reflection**2), 1e-12 * lags[:, 0])
    return np.asarray(a[:, :ORDER], np.float32)


def lpc_image(y: Float32, *, rate: float | str | Fraction = 30) -> Float32:
    """Return the LPC image of every curve frame of a whole sound.

    Args:
        y: (N,) float32 in [-1, 1] at 16 kHz.
        rate: curve frames per second.

    Returns:
        (ceil(N * rate / 16000), 32, 64) float32: coefficient by sub-frame. Curve frame k is centred on
        sample floor(16000 k / rate) and sees 4160 samples on each side, silence beyond the ends.

    Raises:
        SettingError: the rate is not a positive, finite number.

    """
    stream = LpcImageStream(rate=rate)
    return np.concatenate([stream.push(y), stream.finish()])


class LpcImageStream:
    """The streaming twin of `lpc_image`, 4160 samples (260 ms) behind the sound.

    Args:
        rate: curve frames per second.

    """

    look_ahead_samples = HALF

    def __init__(self, *, rate: float | str | Fraction = 30) -> None:
        self._step = CLOCK_HZ / as_rate(rate)
        self._held = np.zeros(HALF)
        self._first = -HALF
        self._seen = 0
        self._made = 0
        self._window = np.hanning(SUB_LENGTH)

    def push(self, y: Float32) -> Float32:
        """Take the next samples, (n,) float32 with n >= 0; return the images they complete."""
        self._seen += len(y)
        return self._advance(y, math.floor((self._seen - HALF) / self._step) + 1)

    def finish(self) -> Float32:
        """Return the images up to the end of the sound, which silence follows."""
        return self._advance(np.zeros(HALF, np.float32), math.ceil(self._seen / self._step))

    def _advance(self, y: Float32, until: int) -> Float32:
        self._held = np.concatenate([self._held, y])
        made = [np.zeros((0, ORDER, SUB_FRAMES), np.float32)]
        while self._made < until:
            count = min(until - self._made, _BLOCK)
            made.append(self._images(count))
            self._made += count
        done = math.floor(self._made * self._step) - HALF - self._first
        if done > 0:
            self._held, self._first = self._held[done:], self._first + done
        return np.concatenate(made)

    def _images(self, count: int) -> Float32:
        begins = [math.floor((self._made + k) * self._step) - HALF - self._first for k in range(count)]
        taps = (np.arange(SUB_FRAMES) * SUB_HOP)[:, None] + np.arange(SUB_LENGTH)
        windows = self._held[np.asarray(begins)[:, None, None] + taps] * self._window
        images = linear_prediction(windows.reshape(-1, SUB_LENGTH))
        return np.ascontiguousarray(images.reshape(count, SUB_FRAMES, ORDER).transpose(0, 2, 1))
