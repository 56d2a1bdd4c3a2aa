"""Stress: how much a moment stands out from the speech around it, in loudness and pitch."""

from __future__ import annotations

import numpy as np

from rhapsode.audio.prosody import ProsodyStream, prosody
from rhapsode.performance import CURVE_HZ, Float32, as_float32

AROUND_S = 1.2
"""How far on both sides the speech reaches that a moment is compared with."""

LOUDER_DB, HIGHER_OCTAVES = 6.0, 0.35
"""What counts as one unit of standing out."""

SMOOTH_S = 0.12


def stress_of(y: Float32) -> Float32:
    """Return (T,) float32 in [0, 1] for a clean sound at 16 kHz: 0 in pauses, about .5 in plain speech.

    Loudness and pitch count alike, both against the mean of the speech within `AROUND_S` on both sides.
    """
    rows = prosody(y).astype(np.float64)
    level, f0 = rows[:, ProsodyStream.LEVEL], rows[:, ProsodyStream.F0]
    voiced = (rows[:, ProsodyStream.VOICING] > 0.5) & (f0 > 0)
    spoken = rows[:, ProsodyStream.ACTIVITY] > 0.5
    if not (spoken & voiced).any():
        return np.zeros(len(rows), np.float32)
    pitch = np.log2(np.maximum(f0, 1))
    louder = (level - _around(level, spoken)) / LOUDER_DB
    higher = np.where(voiced, pitch - _around(pitch, voiced), 0) / HIGHER_OCTAVES
    out = spoken / (1 + np.exp(-1.5 * (louder + higher)))
    bell = np.hanning(round(SMOOTH_S * CURVE_HZ) + 2)
    return as_float32(np.clip(np.convolve(out, bell / bell.sum(), "same"), 0, 1))


def _around(track: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean of ``track`` over the curve frames that count, within `AROUND_S` on both sides."""
    window = np.ones(2 * round(AROUND_S * CURVE_HZ) + 1)
    total = np.convolve(np.where(counts, track, 0), window, "full")
    number = np.convolve(counts.astype(np.float64), window, "full")
    middle = slice(len(window) // 2, len(window) // 2 + len(track))
    everywhere = float(track[counts].mean()) if counts.any() else 0.0
    return np.where(number[middle] > 0, total[middle] / np.maximum(number[middle], 1), everywhere)
