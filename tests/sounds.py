"""Generated sounds for tests: nothing is downloaded and no recording lies in the repository."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def speechlike(seconds: float, *, sample_rate: int = 16_000, seed: int = 0) -> Float32:
    """Return a voice-like sound: glottal pulses through two moving formants, in syllables with pauses."""
    rng = np.random.default_rng(seed)
    n = round(seconds * sample_rate)
    t = np.arange(n) / sample_rate
    f0 = 140 * 2 ** (0.25 * np.sin(2 * np.pi * 0.7 * t + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(f0) / sample_rate
    first, second = 550 + 250 * np.sin(2 * np.pi * 1.9 * t), 1500 + 500 * np.sin(2 * np.pi * 1.3 * t)
    y = np.zeros(n)
    for k in range(1, 30):
        f = k * f0
        gain = np.exp(-(((f - first) / 180) ** 2)) + 0.5 * np.exp(-(((f - second) / 250) ** 2)) + 0.02
        y += np.where(f < sample_rate / 2, gain, 0) * np.sin(k * phase) / k**0.5
    syllables = np.clip(np.sin(2 * np.pi * 3.3 * t), 0, 1) ** 0.5 * (np.sin(2 * np.pi * 0.4 * t + 1) > -0.5)
    y = y * syllables + 0.001 * rng.standard_normal(n)
    return np.asarray(0.3 * y / max(np.abs(y).max(), 1e-9), np.float32)


def chunked(y: Float32, size: int | None, *, seed: int = 0) -> list[Float32]:
    """Cut ``y`` into chunks of ``size`` samples, or of random sizes (1 to 4000) if None."""
    if size is not None:
        return [y[i : i + size] for i in range(0, len(y), size)]
    rng = np.random.default_rng(seed)
    cuts = np.unique(np.clip(np.cumsum(rng.integers(1, 4000, size=2 + len(y) // 500)), 0, len(y)))
    return [part for part in np.split(y, cuts) if len(part)]
