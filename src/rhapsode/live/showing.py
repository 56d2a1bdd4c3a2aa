"""A performance that is there already, cut into pieces as a session gives them out."""

from __future__ import annotations

import numpy as np

from rhapsode.audio.resample import Resampler
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.performance import CURVE_HZ, Float32, Performance
from rhapsode.rigs import FACE, retarget

PIECE_FRAMES = 25
"""Curve frames in a piece (0.5 s)."""

_PER_FRAME = SAMPLE_RATE // CURVE_HZ


def slices(performance: Performance) -> list[tuple[Float32, Float32]]:
    """Return consecutive pieces of ``performance`` from its first curve frame on.

    Returns:
        Pairs of curve frames (T, 61) in the order of `rhapsode.rigs.FACE`, 50 a second, and their sound,
        (480 T,) at `SAMPLE_RATE`, silent where there is none.

    Raises:
        RigError: the curves are of no known rig.

    """
    face = retarget(performance.face, "face").resample(CURVE_HZ).select(FACE.channels)
    y = np.zeros(len(face) * _PER_FRAME, np.float32)
    if performance.sound is not None and len(performance.sound.samples):
        sound = performance.sound
        resampler = Resampler(sound.sample_rate, SAMPLE_RATE)
        heard = np.concatenate([resampler.push(sound.mono()), resampler.finish()])
        late = round(float(sound.start - face.start) * SAMPLE_RATE / 16_000)
        heard = heard[-late:] if late < 0 else np.concatenate([np.zeros(late, np.float32), heard])
        y[: len(heard)] = heard[: len(y)]
    return [
        (face.values[k : k + PIECE_FRAMES], y[k * _PER_FRAME : (k + PIECE_FRAMES) * _PER_FRAME])
        for k in range(0, len(face), PIECE_FRAMES)
    ]
