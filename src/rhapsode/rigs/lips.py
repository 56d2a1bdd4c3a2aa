"""What each ARKit weight does to the lips of a real head, as linear functions: how stages keep lip contact.

Each row of `EFFECTS` holds what a weight of 1 does to four distances of the ICT FaceKit head (MIT licence),
in centimetres on a head whose outer eye corners are 8.9 cm apart. On that mesh the functions are exact but
for the vertex that forms the lip's edge: within .1 cm for every pose of speech. The articulation teacher
moves its mouth, and the measures judge one, by the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Float32, as_float32
from rhapsode.rigs.arkit import BLENDSHAPES


class Effect(NamedTuple):
    """What one blendshape does, cm at weight 1.

    Args:
        gap: inner distance of the lips in the middle.
        drop: how far the lower lip's upper edge goes down.
        width: distance of the mouth corners.
        chin: how far the chin goes down.

    """

    gap: float
    drop: float
    width: float
    chin: float


EFFECTS: dict[str, Effect] = {
    "jawForward": Effect(0.129, 0.139, 0.047, 0.172),
    "jawOpen": Effect(3.259, 3.507, -0.406, 2.879),
    "mouthClose": Effect(-3.851, -3.783, 0.211, -0.548),
    "mouthFunnel": Effect(1.283, 0.770, -0.530, 0.403),
    "mouthPucker": Effect(-0.104, -0.054, -0.830, -0.089),
    "mouthLeft": Effect(-0.038, -0.078, -0.903, -0.050),
    "mouthRight": Effect(-0.038, -0.078, -0.903, -0.050),
    "mouthSmileLeft": Effect(0.004, -0.187, 0.735, -0.179),
    "mouthSmileRight": Effect(0.004, -0.187, 0.735, -0.179),
    "mouthFrownLeft": Effect(-0.012, 0.027, 0.162, -0.056),
    "mouthFrownRight": Effect(-0.012, 0.027, 0.162, -0.056),
    "mouthDimpleLeft": Effect(-0.029, -0.027, 0.170, -0.066),
    "mouthDimpleRight": Effect(-0.029, -0.027, 0.170, -0.066),
    "mouthStretchLeft": Effect(-0.015, -0.001, 0.627, -0.063),
    "mouthStretchRight": Effect(-0.015, -0.001, 0.627, -0.063),
    "mouthRollLower": Effect(-0.251, -0.251, -0.001, -0.011),
    "mouthRollUpper": Effect(0.218, 0.009, 0.139, 0.0),
    "mouthShrugLower": Effect(-0.685, -0.685, 0.078, -0.968),
    "mouthShrugUpper": Effect(0.511, 0.0, 0.043, 0.0),
    "mouthPressLeft": Effect(-0.123, -0.092, -0.035, -0.247),
    "mouthPressRight": Effect(-0.123, -0.092, -0.035, -0.247),
    "mouthLowerDownLeft": Effect(0.336, 0.336, -0.013, 0.206),
    "mouthLowerDownRight": Effect(0.336, 0.336, -0.013, 0.206),
    "mouthUpperUpLeft": Effect(0.351, -0.026, 0.094, -0.011),
    "mouthUpperUpRight": Effect(0.351, -0.026, 0.094, -0.011),
    "noseSneerLeft": Effect(0.306, -0.041, -0.047, -0.030),
    "noseSneerRight": Effect(0.306, -0.041, -0.047, -0.030),
}

REST_GAP = 0.06
"""Inner distance of the lips of the neutral face, cm: they touch."""

CLOSED_GAP = 0.1
"""A gap below this is a closed mouth, cm."""

TEETH_DROP = 0.15
"""A lower lip that has dropped less than this touches the edge of the upper teeth, cm."""


def _columns() -> NDArray[np.float64]:
    """Return (4, 52): the fields of `Effect`, each for all blendshapes; 0 where no lip follows."""
    columns = np.zeros((len(Effect._fields), len(BLENDSHAPES)))
    for name, effect in EFFECTS.items():
        columns[:, BLENDSHAPES.index(name)] = effect
    return columns


GAP, DROP, _WIDTH, _ = _columns()
"""(52,) cm at weight 1: how far each blendshape parts the lips, and how far it lowers the lower lip."""


def gap_effects(names: Sequence[str]) -> Float32:
    """Return (len(names),) float32: what a weight of 1 does to the lips' distance, cm.

    A name without its side stands for both sides together; one that no lip follows does nothing.
    """
    return as_float32(
        [
            sum(EFFECTS[full].gap for full in (name, f"{name}Left", f"{name}Right") if full in EFFECTS)
            for name in names
        ]
    )


def lip_gap(weights: NDArray) -> Float32:
    """Return (T,) the inner lip distance in cm from (T, 52) ARKit weights; below 0 the lips press."""
    return as_float32(np.asarray(weights, np.float64) @ GAP + REST_GAP)


def lower_lip_drop(weights: NDArray) -> Float32:
    """Return (T,) how far the lower lip has dropped, cm, from (T, 52) ARKit weights."""
    return as_float32(np.asarray(weights, np.float64) @ DROP)


def mouth_width(weights: NDArray) -> Float32:
    """Return (T,) the change of the mouth's width in cm from (T, 52) ARKit weights."""
    return as_float32(np.asarray(weights, np.float64) @ _WIDTH)
