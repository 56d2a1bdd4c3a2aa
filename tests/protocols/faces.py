"""Faces that the tests of all protocols send."""

from __future__ import annotations

import numpy as np

from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame
from rhapsode.rigs import ANGLES, FACE


def values_of(**channels: float) -> Float32:
    values = np.zeros(len(FACE), np.float32)
    for name, value in channels.items():
        values[FACE.index(name)] = value
    return values


def face(sample_index: int = 0, **channels: float) -> FaceFrame:
    return FaceFrame(sample_index, values_of(**channels))


def random_face(seed: int = 0, *, sample_index: int = 0) -> FaceFrame:
    """Weights in [0, 1], angles within half a radian."""
    rng = np.random.default_rng(seed)
    values = rng.random(len(FACE)).astype(np.float32)
    values[-len(ANGLES) :] = rng.uniform(-0.5, 0.5, len(ANGLES))
    return FaceFrame(sample_index, values)
