"""Streaming resampling to one channel: the same samples come out however the input is cut.

Two kinds of filter:

- "live", the default: a polyphase windowed sinc (32 zero crossings each side, Kaiser window, stop band
  below -80 dB) that owes at most 2 ms of its lower rate.
- "QQ", "LQ", "MQ", "HQ", "VHQ": those of libsoxr. They work in blocks; into 16 kHz they owe at worst 0, 20,
  38, 37 and 77 ms from 48 kHz, 0, 22, 41, 40 and 84 ms from 44.1 kHz, and 0, 61, 118, 116 and 111 ms
  from 8 kHz. `Resampler.lag_s` measures any pair of rates.

Both are linear in phase: sample k of the result belongs to the time k / target rate.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
import soxr

from rhapsode.audio.levels import downmix
from rhapsode.errors import SettingError
from rhapsode.performance import Float32, as_float32

Quality = Literal["live", "QQ", "LQ", "MQ", "HQ", "VHQ"]
QUALITIES: tuple[str, ...] = ("live", "QQ", "LQ", "MQ", "HQ", "VHQ")

CROSSINGS = 32
"""Zero crossings of the live filter's sinc on each side."""

_BETA = 8.0
_CUTOFF = 0.92
_TABLE_LIMIT = 1_000_000
_ROWS = 512
_FEW_PHASES = 8
"""Up to this many phases (24 and 48 kHz have 2 and 1) the filter runs phase by phase."""


class Resampler:
    """Takes chunks at ``source_hz``, gives mono chunks at ``target_hz``.

    After N samples in and `finish`, exactly ceil(N * target_hz / source_hz) have come out. Equal rates
    pass samples through untouched.

    Args:
        source_hz: samples per second in.
        target_hz: samples per second out.
        quality: see the module; "live" becomes "HQ" for a pair of rates whose table would be too large
            (no common rate is).

    Raises:
        SettingError: a rate is not a positive whole number, or the quality is unknown.

    """

    def __init__(self, source_hz: int, target_hz: int, quality: Quality = "live") -> None:
        for rate in (source_hz, target_hz):
            if rate != int(rate) or rate <= 0:
                raise SettingError(
                    f"a sample rate must be a positive whole number of Hz, got {rate!r}; try 48000"
                )
        if quality not in QUALITIES:
            raise SettingError(f"resampling quality must be one of {', '.join(QUALITIES)}, got {quality!r}")
        self.source_hz, self.target_hz = int(source_hz), int(target_hz)
        shared = math.gcd(self.source_hz, self.target_hz)
        up, down = self.target_hz // shared, self.source_hz // shared
        if quality == "live" and up * _taps(up, down) > _TABLE_LIMIT:
            quality = "HQ"
        self.quality: Quality = quality
        self._kernel: _Kernel | None = None
        if up != down:
            soft = quality != "live"
            self._kernel = _Soxr(self.source_hz, self.target_hz, quality) if soft else _Polyphase(up, down)
        self._in = self._out = 0
        self._finished = False

    @property
    def lag_s(self) -> float:
        """The longest that the output falls behind the input, in seconds."""
        return worst_lag_s(self.source_hz, self.target_hz, self.quality)

    @property
    def lag_samples(self) -> int:
        """`lag_s` in samples of the target rate, rounded up."""
        return math.ceil(self.lag_s * self.target_hz - 1e-9)

    def push(self, chunk: Float32) -> Float32:
        """Take the next chunk, (n,) or (n, channels) float32; return the samples that it completes, (m,)."""
        assert not self._finished, "push after finish"
        mono = downmix(as_float32(chunk))
        self._in += len(mono)
        if self._kernel is None:
            return mono
        return self._cut(self._kernel.push(np.ascontiguousarray(mono)))

    def finish(self) -> Float32:
        """Return what is still owed, (m,); the input counts as silent after its end."""
        assert not self._finished, "finish twice"
        self._finished = True
        if self._kernel is None:
            return np.zeros(0, np.float32)
        parts: list[Float32] = []
        silence = np.zeros(max(self.source_hz // 50, 64), np.float32)
        while self._out < self._owed():
            parts.append(self._cut(self._kernel.push(silence)))
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _owed(self) -> int:
        return -(-self._in * self.target_hz // self.source_hz)

    def _cut(self, made: Float32) -> Float32:
        made = made[: self._owed() - self._out]
        self._out += len(made)
        return made


def resample(samples: Float32, source_hz: int, target_hz: int, quality: Quality = "live") -> Float32:
    """Return ``samples`` ((N,) or (N, channels)) as mono at ``target_hz``: `Resampler` in one go."""
    stream = Resampler(source_hz, target_hz, quality)
    return np.concatenate([stream.push(samples), stream.finish()])


@lru_cache(maxsize=64)
def worst_lag_s(source_hz: int, target_hz: int, quality: Quality = "live") -> float:
    """Return the longest that the output of a `Resampler` falls behind its input, in seconds.

    Exact for "live"; measured on one second of silence in steps of 1 ms for the others.
    """
    if source_hz == target_hz:
        return 0.0
    if quality == "live":
        shared = math.gcd(source_hz, target_hz)
        return (_taps(target_hz // shared, source_hz // shared) // 2) / source_hz
    kernel, step = _Soxr(source_hz, target_hz, quality), max(source_hz // 1000, 1)
    silence, worst, out = np.zeros(step, np.float32), 0.0, 0
    for given in range(step, source_hz, step):
        out += len(kernel.push(silence))
        worst = max(worst, given / source_hz - out / target_hz)
    return worst


class _Kernel(Protocol):
    def push(self, mono: Float32) -> Float32: ...


class _Soxr:
    """libsoxr's own stream."""

    def __init__(self, source_hz: int, target_hz: int, quality: str) -> None:
        self._stream = soxr.ResampleStream(source_hz, target_hz, 1, "float32", quality)

    def push(self, mono: Float32) -> Float32:
        return np.asarray(self._stream.resample_chunk(mono), np.float32)


class _Polyphase:
    """Output k is the input around k * down / up, weighted by the row of the table for that phase."""

    def __init__(self, up: int, down: int) -> None:
        self._up, self._down = up, down
        self._table = _table(up, down)
        half = self._table.shape[1] // 2
        # Output 0 sees half - 1 samples before the first one: silence.
        self._held = np.zeros(half - 1, np.float32)
        self._first = -(half - 1)
        self._made = 0

    def push(self, mono: Float32) -> Float32:
        held = np.concatenate([self._held, mono])
        taps = self._table.shape[1]
        # Output k starts at input k * down // up - (half - 1).
        offset = taps // 2 - 1
        last_start = self._first + len(held) - taps
        until = max(-(-(last_start + offset + 1) * self._up // self._down), self._made)
        parts = [
            self._some(held, range(k, min(k + _ROWS, until)), taps) for k in range(self._made, until, _ROWS)
        ]
        self._made = until
        keep = until * self._down // self._up - offset
        self._held = held[max(keep - self._first, 0) :].copy()
        self._first = max(keep, self._first)
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _some(self, held: Float32, ticks: range, taps: int) -> Float32:
        if self._up <= _FEW_PHASES:
            return self._phase_by_phase(held, ticks, taps)
        first = ticks.start * self._down // self._up - (taps // 2 - 1) - self._first
        whole, phase = np.divmod(np.arange(ticks.start, ticks.stop) * self._down, self._up)
        windows = _windows(held[first:], whole[-1] - whole[0] + 1, 1, taps)[whole - whole[0]]
        return np.asarray(np.vecdot(windows, self._table[phase]), np.float32)

    def _phase_by_phase(self, held: Float32, ticks: range, taps: int) -> Float32:
        """Do what `_some` does without a copy of every window: those of one phase are evenly spaced."""
        made = np.empty(len(ticks), np.float32)
        for place, k in enumerate(ticks[: self._up]):
            whole, phase = divmod(k * self._down, self._up)
            of_phase = made[place :: self._up]
            windows = _windows(held[whole - (taps // 2 - 1) - self._first :], len(of_phase), self._down, taps)
            np.vecdot(windows, self._table[phase], out=of_phase)
        return made


def _windows(x: Float32, count: int, step: int, length: int) -> Float32:
    """Return (count, length): what numpy's sliding_window_view gives, in a tenth of its time."""
    assert count == 0 or len(x) >= (count - 1) * step + length
    return np.ndarray((count, length), x.dtype, x, 0, (step * x.itemsize, x.itemsize))


def _taps(up: int, down: int) -> int:
    """Return the filter length in input samples, even."""
    return 2 * math.ceil(CROSSINGS * max(down / up, 1.0))


@lru_cache(maxsize=8)
def _table(up: int, down: int) -> Float32:
    """Return the filter for each of ``up`` phases, (up, taps) float32: a Kaiser-windowed sinc."""
    taps = _taps(up, down)
    cutoff = _CUTOFF * min(up / down, 1.0)
    distance = np.arange(taps)[None] - (taps // 2 - 1) - np.arange(up)[:, None] / up
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (distance / (taps // 2)) ** 2, 0, None))) / np.i0(_BETA)
    table = cutoff * np.sinc(cutoff * distance) * window
    # Each phase passes a constant exactly.
    return np.asarray(table / table.sum(axis=1, keepdims=True), np.float32)
