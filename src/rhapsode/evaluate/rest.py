"""Does the mouth rest where nobody speaks? Sounds that no mouth makes, and one at other levels."""

from __future__ import annotations

import numpy as np

from rhapsode.evaluate.faces import Face
from rhapsode.performance import CLOCK_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import lip_gap

WHITE_DBFS = (-60, -40, -20)
GAINS_DB = (-40, -20, 12)
JAW = ARKIT.index("jawOpen")


def nobody(duration_s: float = 10.0) -> dict[str, Float32]:
    """Return sounds without a voice, (N,) at 16 kHz, by name; levels are RMS in dBFS."""
    rng = np.random.default_rng(7)
    count = int(duration_s * CLOCK_HZ)
    t = np.arange(count) / CLOCK_HZ
    white = rng.standard_normal(count)
    brown = np.cumsum(white - white.mean())
    brown -= np.convolve(brown, np.ones(801) / 801, "same")
    hum = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5, 7))
    sounds = {"silence": np.zeros(count)}
    sounds |= {f"white_{db}": white * 10 ** (db / 20) for db in WHITE_DBFS}
    sounds["brown_-25"] = brown / brown.std() * 10 ** (-25 / 20)
    sounds["hum_-20"] = hum / np.std(hum) * 10 ** (-20 / 20) + white * 1e-4
    return {name: as_float32(y) for name, y in sounds.items()}


def resting(face: Face, *, duration_s: float = 10.0) -> dict[str, dict[str, float]]:
    """Return per sound of `nobody` how far the face opens in it.

    Returns:
        Mean and greatest jawOpen, and the mean change of the lips' distance from one curve frame to the
        next in mm, from the first curve frame on.

    """
    found = {}
    for name, y in nobody(duration_s).items():
        frames = face(y)
        steps = np.abs(np.diff(lip_gap(frames)))
        jaw = frames[:, JAW]
        found[name] = {
            "jaw_mean": float(jaw.mean()),
            "jaw_max": float(jaw.max()),
            "jitter_mm": float(steps.mean()) * 10,
        }
    return found


def gain_change(face: Face, y: Float32, *, gains_db: tuple[int, ...] = GAINS_DB) -> dict[str, float]:
    """Return the greatest change of any weight when the sound's level changes, per gain in dB."""
    plain = face(y)
    changed = {gain: face(as_float32(y * 10 ** (gain / 20))) for gain in gains_db}
    return {f"{gain:+d}_db": float(np.abs(frames - plain).max()) for gain, frames in changed.items()}
