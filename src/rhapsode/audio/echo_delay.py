"""How much later than it is played a sound is heard: by generalised cross-correlation.

Knapp and Carter, "The generalized correlation method for estimation of time delay" (1976).
"""

from __future__ import annotations

import numpy as np

from rhapsode.performance import Float32

WINDOW = 16_384
"""Samples of the microphone that are compared, about a second."""

BEFORE, AFTER = 13_184, 3_200
"""A sound may be heard so many samples later than it is due (0.82 s), or earlier (0.2 s)."""

APART = 640
"""What lies so many samples (40 ms) from the best belongs to it: the room's first reflections."""

_WHITE = 0.8
_KEEP = 0.5


class DelayFinder:
    """Finds the delay of what was played in what is heard, second by second."""

    def __init__(self) -> None:
        self._seen = np.zeros(WINDOW + 1, np.complex64)

    def reset(self) -> None:
        """Forget what was seen."""
        self._seen[:] = 0

    def find(self, heard: Float32, played: Float32) -> tuple[int, float, float]:
        """Compare the last second; return the delay in samples, and two measures of how sure it is.

        The first tells how far it stands out of the spread of chance. The second is how many times as high it
        is as the best one elsewhere: where only strangers speak two are about alike, however short they are.

        Args:
            heard: of the microphone, (WINDOW,).
            played: (2 * WINDOW,), from `BEFORE` samples before the first one heard on.

        """
        x = np.fft.rfft(played).astype(np.complex64)
        d = np.fft.rfft(heard, 2 * WINDOW).astype(np.complex64)
        cross = x * np.conj(d)
        size = np.abs(cross)
        floor = np.float32(1e-3 * float(size.mean()) + 1e-12)
        cross /= (size + floor) ** np.float32(_WHITE)
        scale = float(np.sqrt(np.mean(np.abs(cross) ** 2))) + 1e-12
        self._seen = np.asarray(_KEEP * self._seen + cross / scale, np.complex64)
        self._seen[:160] = 0  # below 80 Hz there is hum, not speech
        lags = np.fft.irfft(self._seen)[: WINDOW + 1]
        size_of = np.abs(lags)
        best = int(np.argmax(size_of))
        spread = float(np.median(size_of)) / 0.6745 + 1e-12
        found = float(size_of[best])
        size_of[max(best - APART, 0) : best + APART] = 0
        return BEFORE - best, found / spread, found / (float(size_of.max()) + 1e-12)
