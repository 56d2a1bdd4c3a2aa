"""What happens to speech on its way: rooms, codecs, telephones, lost chunks, clipping."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rhapsode.performance import CLOCK_HZ, Float32, as_float32

CODECS = (("libopus", "ogg", (8_000, 12_000, 24_000)), ("libmp3lame", "mp3", (32_000, 48_000)))
"""Encoders, containers and bit rates."""

FARTHEST = 2400
"""Samples by which a codec may delay the sound; what it does is measured and taken back."""


def reverberate(rng: Generator, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``y`` in a room: the direct sound and an exponentially dying tail, nothing earlier."""
    rt60 = rng.uniform(0.1, 0.6)
    length = int(rt60 * CLOCK_HZ)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail[: rng.integers(16, 160)] = 0
    tail *= rng.uniform(0.1, 0.9) / np.sqrt((tail**2).sum() + 1e-9)
    tail[0] = 1
    size = 1 << (len(y) + length).bit_length()
    wet = np.fft.irfft(np.fft.rfft(y, size) * np.fft.rfft(tail, size), size)[: len(y)]
    return np.asarray(wet, np.float64)


def drop_chunks(rng: Generator, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``y`` with one to four packets of 20 to 60 ms lost."""
    made = y.copy()
    for _ in range(int(rng.integers(1, 5))):
        begin = int(rng.integers(0, max(len(y) - 960, 1)))
        made[begin : begin + 320 * int(rng.integers(1, 4))] = 0
    return made


def telephone(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``y`` as a telephone gives it: 300 to 3400 Hz, 8 bits on the mu-law of ITU-T G.711."""
    spectrum = np.fft.rfft(y)
    hz = np.linspace(0, CLOCK_HZ / 2, len(spectrum))
    spectrum *= 1 / (1 + (300 / np.maximum(hz, 1)) ** 8) / (1 + (hz / 3400) ** 16)
    band = np.fft.irfft(spectrum, len(y))
    peak = np.abs(band).max() + 1e-9
    pressed = np.sign(band) * np.log1p(255 * np.abs(band) / peak) / np.log(256)
    coarse = np.round(pressed * 127) / 127
    return np.asarray(np.sign(coarse) * (256 ** np.abs(coarse) - 1) / 255 * peak, np.float64)


def coded(y: Float32, codec: str, container: str, bit_rate: int) -> Float32:
    """Return ``y`` after an encoder and its decoder, in its old place in time.

    Args:
        y: (N,) float32 at 16 kHz.
        codec: name of FFmpeg's encoder.
        container: name of FFmpeg's format.
        bit_rate: bits a second.

    """
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=CLOCK_HZ, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(
            (np.clip(y, -1, 1) * 32767).astype(np.int16)[None], format="s16", layout="mono"
        )
        frame.sample_rate = CLOCK_HZ
        fitting = av.AudioResampler(format=stream.format, layout="mono", rate=stream.rate)
        for part in [*fitting.resample(frame), *fitting.resample(None)]:
            part.pts = None
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as source:
        back = av.AudioResampler(format="flt", layout="mono", rate=CLOCK_HZ)
        parts = [p.to_ndarray()[0] for f in source.decode(audio=0) for p in back.resample(f)]
        parts += [p.to_ndarray()[0] for p in back.resample(None)]
    return _aligned(as_float32(np.concatenate(parts)), y)


def _aligned(made: Float32, y: Float32) -> Float32:
    """Return ``made`` moved to where it fits ``y`` best, and as long."""
    size = 1 << (len(made) + len(y)).bit_length()
    fit = np.fft.irfft(np.fft.rfft(made, size) * np.conj(np.fft.rfft(y, size)), size)
    lags = np.r_[0 : FARTHEST + 1, -FARTHEST:0]
    lag = int(lags[np.argmax(fit[lags])])
    placed = np.zeros(len(y), np.float32)
    kept = made[max(lag, 0) :][: len(y) - max(-lag, 0)]
    placed[max(-lag, 0) : max(-lag, 0) + len(kept)] = kept
    return placed


def some_codec(rng: Generator, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``y`` through one of `CODECS`."""
    codec, container, rates = CODECS[int(rng.integers(len(CODECS)))]
    return coded(as_float32(y), codec, container, int(rng.choice(rates))).astype(np.float64)
