"""Small takes for the tests: a buzzing voice whose loudness moves a jaw and two lips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from rhapsode.performance import CLOCK_HZ, Float32, as_float32

NAMES = ("jaw_open_c", "jawOpen", "lips_L", "lips_R")


def voice(seconds: float, seed: int = 0) -> tuple[Float32, Float32]:
    """Return a sound of syllables, (N,) at 16 kHz, and how loud it is, (N,) in [0, 1]."""
    rng = np.random.default_rng(seed)
    count = round(seconds * CLOCK_HZ)
    loud = np.zeros(count)
    at = 2 * CLOCK_HZ
    while at < count - CLOCK_HZ:
        length = int(rng.integers(2000, 5000))
        loud[at : at + length] = np.hanning(len(loud[at : at + length])) * rng.uniform(0.4, 1)
        at += length + int(rng.integers(500, 9000))
    t = np.arange(count) / CLOCK_HZ
    buzz = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 20))
    return as_float32(0.2 * loud * buzz + 1e-4 * rng.standard_normal(count)), as_float32(loud)


def curves_of(loud: Float32, fps: float, *, late_s: float = 0.0, stretch: float = 1.0) -> Float32:
    """Return (T, 4) values of `NAMES` at ``fps``."""
    seconds = len(loud) / CLOCK_HZ
    times = (np.arange(round(seconds * fps)) / fps - late_s) * stretch
    level = np.interp(times * CLOCK_HZ, np.arange(len(loud)), loud)
    return as_float32(np.stack([level, 0.8 * level, 0.5 * level, 0.4 * level], axis=1))


def write_take(folder: Path, name: str, *, seconds: float = 6.0, fps: float = 30.0, seed: int = 0) -> None:
    """Write a take as .wav and an archive of plain arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    y, loud = voice(seconds, seed)
    soundfile.write(folder / f"{name}.wav", y, CLOCK_HZ)
    np.savez(folder / f"{name}.npz", names=np.array(NAMES), weights=curves_of(loud, fps), fps=fps)
