"""What each ARKit weight does to the lips of a real head, as linear functions: how stages keep lip contact.

Measured on the ICT FaceKit head (MIT licence), in centimetres on a head whose outer eye corners are 8.9 cm
apart; the articulation teacher judges by the same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Float32, as_float32
from rhapsode.rigs.arkit import BLENDSHAPES

_SIDED: dict[str, tuple[float, float]] = {
    "mouthSmile": (0.004, -0.187),
    "mouthFrown": (-0.012, 0.027),
    "mouthDimple": (-0.029, -0.027),
    "mouthStretch": (-0.015, -0.001),
    "mouthPress": (-0.123, -0.092),
    "mouthLowerDown": (0.336, 0.336),
    "mouthUpperUp": (0.351, -0.026),
    "noseSneer": (0.306, -0.041),
}
_WHOLE: dict[str, tuple[float, float]] = {
    "jawForward": (0.129, 0.139),
    "jawOpen": (3.259, 3.507),
    "mouthClose": (-3.851, -3.783),
    "mouthFunnel": (1.283, 0.770),
    "mouthPucker": (-0.104, -0.054),
    "mouthLeft": (-0.038, -0.078),
    "mouthRight": (-0.038, -0.078),
    "mouthRollLower": (-0.251, -0.251),
    "mouthRollUpper": (0.218, 0.009),
    "mouthShrugLower": (-0.685, -0.685),
    "mouthShrugUpper": (0.511, 0.0),
}

REST_GAP = 0.06
"""Inner distance of the lips of the neutral face, cm: they touch."""

CLOSED_GAP = 0.1
"""A gap below this is a closed mouth, cm."""

TEETH_DROP = 0.15
"""A lower lip that has dropped less than this touches the edge of the upper teeth, cm."""


def _columns() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = dict(_WHOLE)
    for name, effect in _SIDED.items():
        table |= {f"{name}Left": effect, f"{name}Right": effect}
    both = np.zeros((2, len(BLENDSHAPES)))
    for name, effect in table.items():
        both[:, BLENDSHAPES.index(name)] = effect
    return both[0], both[1]


GAP, DROP = _columns()
"""(52,) cm at weight 1: how far each blendshape parts the lips, and how far it lowers the lower lip."""


def lip_gap(weights: NDArray) -> Float32:  # type: ignore[type-arg]
    """Return (T,) the inner distance of the lips in cm from (T, 52) weights; below 0 they press."""
    return as_float32(np.asarray(weights, np.float64) @ GAP + REST_GAP)
