"""Eyes that look: from eyeLook weights to angles and back, where only one of them is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Float32
from rhapsode.rigs.arkit import FACE

YAW_PER_WEIGHT = 0.60
"""Eye yaw at a weight of 1 of eyeLookIn or eyeLookOut, radians, as Live Link Face records it."""

PITCH_PER_WEIGHT = 0.55
"""Eye pitch at a weight of 1 of eyeLookUp or eyeLookDown, radians, as Live Link Face records it."""

EYES = [FACE.index(f"{side}Eye{angle}") for side in ("left", "right") for angle in ("Yaw", "Pitch")]
"""Columns of left yaw, left pitch, right yaw and right pitch in FACE."""

# Positive yaw is towards the character's right: inwards for its left eye.
_WAYS = (
    ("InLeft", "OutLeft", YAW_PER_WEIGHT),
    ("DownLeft", "UpLeft", PITCH_PER_WEIGHT),
    ("OutRight", "InRight", YAW_PER_WEIGHT),
    ("DownRight", "UpRight", PITCH_PER_WEIGHT),
)
_MORE, _LESS = ([FACE.index(f"eyeLook{way[k]}") for way in _WAYS] for k in (0, 1))
_SCALES = np.array([scale for _, _, scale in _WAYS])


def eye_angles(face: Float32) -> NDArray[np.float64]:
    """Return left yaw, left pitch, right yaw, right pitch, (n, 4) radians, of faces (n, 61).

    Where all angles of a face are 0, its eyeLook weights tell them.
    """
    given = face[:, EYES].astype(np.float64)
    shown = (face[:, _MORE].astype(np.float64) - face[:, _LESS]) * _SCALES
    return np.where(given.any(axis=1, keepdims=True), given, shown)


def set_eyes(face: Float32, angles: NDArray[np.float64], *, weights: bool = True) -> None:
    """Set the eye angles of faces (n, 61), and the eyeLook weights that go with them, in place.

    Args:
        face: changed.
        angles: (n, 4) as `eye_angles` returns them.
        weights: whether the weights are set too.

    """
    face[:, EYES] = angles
    if weights:
        face[:, _MORE] = (angles / _SCALES).clip(0.0, 1.0)
        face[:, _LESS] = (-angles / _SCALES).clip(0.0, 1.0)
