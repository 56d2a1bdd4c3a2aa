"""What the linear filter leaves of an echo: taken out band by band; tells whether somebody speaks over it.

What is left is held against what the filter foretold (a part of it leaks: Valin, "On adjusting the learning
rate in frequency domain echo cancellation with double-talk", 2007) and against what was played at all, which
covers what no linear filter knows, such as a loudspeaker that clips.
"""

from __future__ import annotations

import numpy as np

from rhapsode.audio.echo_filter import BLOCK
from rhapsode.performance import Float32

BANDS = 22
"""Bands, 150 Hz to 7 kHz, evenly spaced by pitch as it is heard."""

OVER = 4.0
"""What stands this far over the echo that is expected (6 dB) is no echo."""

SPEAKS = 0.3
"""So many of the bands must stand out."""

WHOLE = 0.08
"""And all bands together this part of the echo that was foretold (-11 dB): a filter follows a room, and the
drift of two clocks, no better than that."""

LEAST = 1e-3
"""The least part of what is foretold that is taken to leak."""

CONFIRM, HOLD = 3, 24
"""Blocks that must stand out in a row (48 ms), and blocks for which it stays open (380 ms)."""

FADE = 0.72
"""The room's own decay that is taken for granted: 23 dB in 0.25 s at 16 ms a block."""

_RISE, _FALL = 1.15, 0.985
_WINDOW = np.sqrt(np.hanning(2 * BLOCK + 1)[:-1]).astype(np.float32)


class Residual:
    """Takes out what is left of an echo; gives the sound of one block ago.

    Attributes:
        speaks: whether somebody speaks over the echo, or no echo is there.
        open: what `step` returns, or would have, had it known that somebody speaks, (BLOCK,).

    """

    def __init__(self, sample_rate: int) -> None:
        self._bands = _bands(sample_rate)
        self._leak: Float32 = np.full(BANDS, 1.0, np.float32)
        self._echo: Float32 = np.zeros(BANDS, np.float32)
        self._noise: Float32 = np.full(BANDS, 1e-6, np.float32)
        self._last = np.zeros((2, BLOCK), np.float32)
        self._tails: Float32 = np.zeros((2, BLOCK), np.float32)
        self._gain: Float32 = np.ones(BANDS, np.float32)
        self.open: Float32 = np.zeros(BLOCK, np.float32)
        self._out = self._held = 0
        self.speaks = False

    def reset(self) -> None:
        """Trust nothing that was learnt about the echo."""
        self._leak[:] = 1.0

    def release(self) -> None:
        """Let the half of the last block that is held back pass as it came."""
        self._tails[:] = self._last[0] * _WINDOW[BLOCK:] ** 2

    def learn_from(self, other: Residual) -> None:
        """Begin with what ``other`` found to leak, and its noise."""
        self._leak, self._noise = other._leak.copy(), other._noise.copy()

    def powers(self, frames: Float32) -> Float32:
        """Return the power in every band of ``frames``, (n, 2 * BLOCK): (n, BANDS)."""
        spectra = np.fft.rfft(frames * _WINDOW)
        return np.asarray((spectra.real**2 + spectra.imag**2) @ self._bands.T, np.float32)

    def step(self, left: Float32, echo: Float32, *, playing: bool, most: Float32 | None = None) -> Float32:
        """Take the next block; return the block before it, cleaned.

        Args:
            left: of the microphone, behind the filter, (BLOCK,).
            echo: that the filter foretold, (BLOCK,).
            playing: whether an echo may be there.
            most: power of the echo that there may be in every band, (BANDS,), while the filter knows no
                better.

        """
        frames = np.stack([np.concatenate([self._last[0], left]), np.concatenate([self._last[1], echo])])
        self._last = np.stack([left, echo])
        spectra = np.fft.rfft(frames * _WINDOW)
        power = np.asarray((spectra.real**2 + spectra.imag**2) @ self._bands.T, np.float32)
        heard, foretold = power[0], power[1]
        self._echo = np.maximum(foretold, np.float32(FADE) * self._echo)
        spread = np.float32(0.02) * self._echo.mean()
        expected = self._leak * (self._echo + spread)
        if most is not None:
            expected = np.maximum(expected, most)
        self._judge(heard, expected, playing)
        self._learn(heard, spread, playing)
        over = np.ones(BANDS, np.float32)
        if playing:
            over = np.sqrt(np.maximum(1 - 1.5 * expected / (heard + np.float32(1e-9)), 0.003)).astype(
                np.float32
            )
        gain = over if self.speaks else np.zeros(BANDS, np.float32)
        self._gain = np.maximum(gain, np.float32(0.5) * self._gain) if playing else gain
        if not self._gain.max() > 1e-3:
            self._gain[:] = 0
        gains = np.stack([self._gain, np.maximum(over, self._gain)])
        y = np.fft.irfft(spectra[0] * (gains @ self._bands)).astype(np.float32) * _WINDOW
        out, self.open = self._tails + y[:, :BLOCK]
        self._tails = y[:, BLOCK:]
        return np.asarray(out, np.float32)

    def _judge(self, heard: Float32, expected: Float32, playing: bool) -> None:
        if not playing:
            self._out, self._held, self.speaks = 0, 0, True
            return
        stands = heard > np.float32(OVER) * (expected + self._noise)
        whole = float(heard.sum()) > WHOLE * float(self._echo.sum())
        self._out = self._out + 1 if stands.mean() >= SPEAKS and whole else 0
        self._held = HOLD if self._out >= CONFIRM else max(self._held - 1, 0)
        self.speaks = self._held > 0

    def _learn(self, heard: Float32, spread: Float32, playing: bool) -> None:
        slow = np.minimum(heard, self._noise * np.float32(1.02) + np.float32(1e-9))
        self._noise = np.maximum(slow, np.float32(0.9) * self._noise)
        base = self._echo + spread
        sure = base > 30 * self._noise
        if not playing or not sure.any():
            return
        more = heard > self._leak * base
        rise = np.float32(1.01 if self._out or self.speaks else _RISE)
        leak = np.where(more, self._leak * rise, self._leak * np.float32(_FALL))
        self._leak = np.where(sure, np.clip(leak, LEAST, 4.0), self._leak).astype(np.float32)


def _bands(sample_rate: int) -> Float32:
    """Return the weights of the bins in the bands, (BANDS, BLOCK + 1): triangles that add up to one."""
    pitch = 2595 * np.log10(1 + np.fft.rfftfreq(2 * BLOCK, 1 / sample_rate) / 700)
    edges = 2595 * np.log10(1 + np.array([150.0, 7000.0]) / 700)
    middles = np.linspace(edges[0], edges[1], BANDS)
    place = np.clip((pitch - middles[0]) / (middles[1] - middles[0]), 0, BANDS - 1)
    return np.asarray(np.maximum(1 - np.abs(place[None] - np.arange(BANDS)[:, None]), 0), np.float32)
