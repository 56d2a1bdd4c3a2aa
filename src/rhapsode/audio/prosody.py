"""Loudness, pitch, voicing and speech activity, one row per curve frame.

The whole-signal function `prosody` is one push and a finish of `ProsodyStream`. Curve frame k belongs to
clock sample 320 k; its 40 ms window ends `LOOK_AHEAD` samples after that.

Pitch is the peak of the autocorrelation of the sound below about 1 kHz, decimated to 4 kHz, divided by
that of the window (Boersma, "Accurate short-term analysis of the fundamental frequency", 1993). Activity
compares two bands, the low one and the pre-emphasised one, with noise floors that follow steady sound
quickly and speech slowly, so it does not depend on the level of the recording.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import AudioError
from rhapsode.performance import CLOCK_HZ, HOP, Float32

COLUMNS: tuple[str, ...] = ("level_db", "f0_hz", "voicing", "activity")
"""The columns of a prosody array, in order."""

LOOK_AHEAD = 320
"""Samples after its own that a row may depend on (20 ms)."""

SILENCE_DB = -100.0
"""The level of digital silence, dBFS."""

_Float64 = NDArray[np.float64]

_FACTOR = 4
_LOW_HZ = CLOCK_HZ // _FACTOR
_TAPS = 33
_STEP = HOP // _FACTOR
_WINDOW = 2 * _STEP
_HISTORY = HOP + _TAPS - 1
_LAG_MIN, _LAG_MAX = 9, 66
"""Lags at 4 kHz: 445 Hz down to 60 Hz."""

_FFT = 256
_OCTAVE_COST = 0.1
_BLOCK = 512


def _lowpass() -> _Float64:
    """Return the decimation filter: a Hamming-windowed sinc with its cut-off at 1 kHz, unit gain at DC."""
    n = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(n * 2000.0 / CLOCK_HZ) * np.hamming(_TAPS)
    return np.asarray(taps / taps.sum(), np.float64)


_LOWPASS = _lowpass()
_COST = _OCTAVE_COST * np.log2(np.arange(_LAG_MIN - 1, _LAG_MAX + 2) / _LAG_MIN)
_LAGS = slice(_LAG_MIN - 1, _LAG_MAX + 2)
_HANN = np.hanning(_WINDOW + 2)[1:-1]
_HANN_POWER = 1.0 / float((_HANN**2).sum())
_UNWINDOW = (_HANN**2).sum() / np.correlate(_HANN, _HANN, "full")[_WINDOW - 1 :][_LAGS]
_PER_WINDOW = 0.5 / HOP


class ProsodyStream:
    """Rows of prosody from consecutive audio chunks of any size.

    The rows do not depend on how the sound was cut. `finish` completes the last rows, so that N samples
    give ceil(N / 320) of them.

    Example:
        >>> stream = ProsodyStream()
        >>> stream.push(np.zeros(960, np.float32)).shape, stream.finish().shape
        ((3, 4), (0, 4))

    """

    look_ahead_samples = LOOK_AHEAD
    width = len(COLUMNS)
    LEVEL, F0, VOICING, ACTIVITY = range(len(COLUMNS))

    def __init__(self) -> None:
        self._buffer: _Float64 = np.zeros(_HISTORY)
        self._received = 0
        self._made = 0
        self._finished = False
        self._activity = _Activity()

    def push(self, y: Float32) -> Float32:
        """Take the next samples; return the rows that they complete.

        Args:
            y: (n,) float, mono at 16 kHz, in [-1, 1].

        Returns:
            (T, 4) float32 with the columns of `COLUMNS`: level in dBFS (not below -100), f0 in Hz (0 where
            unvoiced), voicing and speech activity in [0, 1].

        Raises:
            AudioError: the samples are not one finite channel, or the stream was finished.

        """
        if self._finished:
            raise AudioError("this prosody stream is finished; make a new one for the next sound")
        y64 = np.asarray(y, np.float64)
        if y64.ndim != 1:
            raise AudioError(f"prosody needs one channel of samples (n,), got shape {y64.shape}")
        if len(y64) and not math.isfinite(float(np.add.reduce(y64))):
            raise AudioError("prosody needs finite samples, got NaN or infinity; clean the sound first")
        self._received += len(y64)
        self._buffer = np.concatenate([self._buffer, y64])
        return self._rows(self._received // HOP - self._made)

    def finish(self) -> Float32:
        """Return the rows that are still owed, with silence after the end of the sound."""
        if self._finished:
            return np.zeros((0, 4), np.float32)
        self._finished = True
        owed = -(-self._received // HOP) - self._made
        missing = HOP * (self._made + owed) - self._received
        self._buffer = np.concatenate([self._buffer, np.zeros(max(missing, 0))])
        return self._rows(owed)

    def _rows(self, count: int) -> Float32:
        """Return the next ``count`` rows and drop the samples that no later row needs."""
        made = np.empty((count, 4), np.float32)
        used = 0
        for begin in range(0, count, _BLOCK):
            size = min(_BLOCK, count - begin)
            part = self._buffer[begin * HOP : begin * HOP + _HISTORY + size * HOP]
            made[begin : begin + size] = self._measure(part, size)
            used += size
        if used:
            self._buffer = self._buffer[used * HOP :].copy()
            self._made += used
        return made

    def _measure(self, y: _Float64, count: int) -> Float32:
        """Return ``count`` rows; ``y`` reaches from `_HISTORY` before the first row's sample on."""
        near = y[_HISTORY - HOP - 1 :]
        whole = near[1:].reshape(count + 1, HOP)
        high = (near[1:] - 0.95 * near[:-1]).reshape(count + 1, HOP)
        likeness, best, low_power = _likeness(_decimated(y))
        energy, high_energy = np.vecdot(whole, whole).tolist(), np.vecdot(high, high).tolist()
        rows = []
        for k in range(count):
            level = _db((energy[k] + energy[k + 1]) * _PER_WINDOW)
            high_db = _db((high_energy[k] + high_energy[k + 1]) * _PER_WINDOW)
            f0, peak = _refine(likeness[k], best[k])
            low_db = _db(low_power[k])
            activity = self._activity.step(level, low_db, high_db, peak)
            # Voices have their power in the low band; what is periodic by chance in a hiss has not.
            sure = min((peak - 0.55) / 0.25, (low_db - level + 16.0) / 6.0, 1.0)
            voicing = max(sure, 0.0) if activity > 0.0 else 0.0
            rows.append((level, f0 if voicing > 0.3 else 0.0, voicing, activity))
        return np.array(rows, np.float32)


def _db(power: float) -> float:
    """Return a mean square as dBFS, not below `SILENCE_DB`."""
    return 10.0 * math.log10(power + 1e-10)


def _windows(x: _Float64, length: int, step: int) -> _Float64:
    """Return the windows of ``length`` in ``x`` (contiguous), ``step`` apart, as a view."""
    count, size = (len(x) - length) // step + 1, x.itemsize
    return np.ndarray((count, length), x.dtype, x, 0, (step * size, size))


def _decimated(y: _Float64) -> _Float64:
    """Return ``y`` at 4 kHz; only the samples that remain are computed."""
    return np.asarray(np.vecdot(_windows(y, _TAPS, _FACTOR), _LOWPASS))


def _likeness(low: _Float64) -> tuple[_Float64, list[int], list[float]]:
    """Return how alike each row is to itself at each lag, the best lag's index, and the mean power.

    Args:
        low: (80 (count + 1),) the sound at 4 kHz.

    """
    x = _windows(low, _WINDOW, _STEP)
    x = (x - np.add.reduce(x, 1, keepdims=True) * (1.0 / _WINDOW)) * _HANN
    spectrum = np.fft.rfft(x, _FFT)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _FFT)
    power = correlation[:, :1]
    likeness = correlation[:, _LAGS] * (_UNWINDOW / (power + 1e-9))
    score = likeness - _COST
    inner = score[:, 1:-1]
    peaks = inner * ((inner >= score[:, :-2]) & (inner > score[:, 2:]))
    return likeness, peaks.argmax(axis=1).tolist(), (power[:, 0] * _HANN_POWER).tolist()


def _refine(likeness: _Float64, best: int) -> tuple[float, float]:
    """Return f0 in Hz and the height of the peak at ``best + 1``, by a parabola; 0, 0 if it is no peak."""
    left, middle, right = likeness[best : best + 3].tolist()
    bend = left - 2.0 * middle + right
    if bend > -1e-9 or middle <= 0.0:
        return 0.0, 0.0
    shift = min(max(0.5 * (left - right) / bend, -0.5), 0.5)
    return _LOW_HZ / (_LAG_MIN + best + shift), min(middle, 1.0)


class _Floor:
    """The noise floor of one band, dB: falls with the sound at once, rises with steady sound only."""

    __slots__ = ("deviation", "floor", "mean")

    def __init__(self, level: float, floor: float) -> None:
        self.floor = floor
        self.mean = level
        self.deviation = 0.0

    def step(self, level: float, rise: float, steady_rise: float) -> float:
        """Take one row's level; return how far it lies above the floor, dB."""
        self.mean += 0.12 * (level - self.mean)
        self.deviation += 0.08 * (min(abs(level - self.mean), 8.0) - self.deviation)
        if level < self.floor:
            self.floor += 0.4 * (level - self.floor)
        else:
            gap = level - self.floor
            up = steady_rise * (1.0 + 0.1 * gap) if self.deviation < 1.9 else rise
            self.floor += min(up, gap)
        self.floor = max(self.floor, -88.0)
        return level - self.floor


class _Activity:
    """Speech activity from band levels, row by row."""

    HANG = 3
    """Curve frames that activity outlives the last row of speech."""

    def __init__(self) -> None:
        self._low: _Floor | None = None
        self._high: _Floor | None = None
        self._seen = 0
        self._hang = 0
        self._loud = SILENCE_DB
        self._raw = 0.0
        self._value = 0.0

    def step(self, level: float, low_db: float, high_db: float, peak: float) -> float:
        """Return the activity of one row, in [0, 1]."""
        if self._low is None or self._high is None:
            self._low = _Floor(low_db, min(low_db, -45.0))
            self._high = _Floor(high_db, min(high_db, -48.0))
        # A held vowel is as steady as a fan but periodic: the floor climbs it slowly.
        voiced = peak > 0.8
        early = self._seen < 25
        steady = 0.1 if voiced else 2.4 if early else 0.7
        self._seen += 1
        above = max(self._low.step(low_db, 0.05, steady), self._high.step(high_db, 0.05, steady) - 1.0)
        above += 2.5 if voiced else 0.0
        # Within one recording speech spans some 35 dB; what lies below that is the room.
        self._loud = max(level, self._loud - 0.1)
        above = min(above, level - self._loud + 42.0)
        raw = 0.0 if level < -75.0 else min(max((above - 6.0) / 5.0, 0.0), 1.0)
        # A click is loud in the two rows whose windows hold it; a third one makes an onset.
        sure = self._raw = min(raw, self._raw + 0.34)
        if sure > 0.7:
            self._hang = self.HANG
        elif self._hang:
            self._hang -= 1
        held = 1.0 if self._hang else sure
        self._value = max(held, self._value - 0.5) if held < self._value else held
        return self._value


def prosody(y: Float32) -> Float32:
    """Return the prosody of a whole sound; equal to `ProsodyStream` over any chunks.

    Args:
        y: (N,) float, mono at 16 kHz, in [-1, 1].

    Returns:
        (ceil(N / 320), 4) float32 with the columns of `COLUMNS`.

    Raises:
        AudioError: the samples are not one finite channel.

    """
    stream = ProsodyStream()
    return np.concatenate([stream.push(y), stream.finish()])
