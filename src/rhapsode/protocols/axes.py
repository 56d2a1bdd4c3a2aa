"""Turns between angles, the axes of glTF and those of Unity, and the check that every encoder makes.

Angles are signed as in `rhapsode.rigs.arkit`: yaw positive to the character's right, pitch positive
downwards, roll positive to the right shoulder. glTF's axes are X to the character's left, Y up, Z forward
(right-handed); Unity's are X to its right, Y up, Z forward (left-handed). Quaternions are x, y, z, w.
"""

from __future__ import annotations

from math import asin, atan2, cos, isfinite, sin, sqrt

import numpy as np

from rhapsode.errors import PacketError
from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame, Quaternion
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.gaze import PITCH_PER_WEIGHT, YAW_PER_WEIGHT
from rhapsode.rotations import of_halves, product, tangents

Angles = tuple[float, float, float]
"""Yaw, pitch, roll in radians."""

Vector = tuple[float, float, float]

IDENTITY: Quaternion = (0.0, 0.0, 0.0, 1.0)

_WEIGHTS = len(BLENDSHAPES)


def turn(yaw: float, pitch: float, roll: float) -> Quaternion:
    """Return the rotation of three angles in glTF's axes: first roll, then pitch, then yaw."""
    return of_halves(cos(yaw / 2), sin(yaw / 2), cos(pitch / 2), sin(pitch / 2), cos(roll / 2), sin(roll / 2))


def angles_of(rotation: Quaternion) -> Angles:
    """Return yaw, pitch and roll of a unit rotation in glTF's axes; the inverse of `turn`."""
    yaw, pitch, roll = tangents(*rotation)
    return atan2(*yaw), asin(min(max(pitch, -1.0), 1.0)), atan2(*roll)


def times(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the product a b: b turns first."""
    return product(a, b)


def inverse(rotation: Quaternion) -> Quaternion:
    """Return the rotation back."""
    x, y, z, w = rotation
    return -x, -y, -z, w


def across(rotation: Quaternion) -> Quaternion:
    """Return a rotation of glTF's axes in Unity's, or one of Unity's in glTF's: X points the other way."""
    x, y, z, w = rotation
    return x, -y, -z, w


def unit(rotation: Quaternion) -> Quaternion | None:
    """Return the rotation at length 1; None if it is not finite or has no length."""
    length = sqrt(sum(part * part for part in rotation)) if all(map(isfinite, rotation)) else 0.0
    if not 1e-6 < length < 1e6:
        return None
    x, y, z, w = rotation
    return x / length, y / length, z / length, w / length


def looks(left: Angles, right: Angles) -> dict[str, float]:
    """Return the eyeLook* weights of two eyes' angles, in [0, 1]."""
    made: dict[str, float] = {}
    for side, (yaw, pitch, _), inwards in (("Left", left, 1.0), ("Right", right, -1.0)):
        made[f"eyeLookIn{side}"] = yaw * inwards / YAW_PER_WEIGHT
        made[f"eyeLookOut{side}"] = -yaw * inwards / YAW_PER_WEIGHT
        made[f"eyeLookDown{side}"] = pitch / PITCH_PER_WEIGHT
        made[f"eyeLookUp{side}"] = -pitch / PITCH_PER_WEIGHT
    return {name: min(max(weight, 0.0), 1.0) for name, weight in made.items()}


def checked(frame: FaceFrame, protocol: str) -> Float32:
    """Return the values of ``frame``, (61,) float32, all finite.

    Every encoder refuses what is not finite, so that a receiver never gets a NaN; a sink drops such a frame.

    Raises:
        PacketError: there are not 61 values, or one of the frame's numbers is NaN or infinite.

    """
    values = np.asarray(frame.values, np.float32)
    if values.shape != (len(FACE),):
        raise PacketError(
            f"{protocol} needs frames of {len(FACE)} values, got shape {values.shape}; "
            "bring curves to rig 'face' first"
        )
    bad = [bone for bone, rotation in frame.bones.items() if not all(map(isfinite, rotation))]
    if frame.head_position is not None and not all(map(isfinite, frame.head_position)):
        bad.append("head_position")
    finite = np.isfinite(values)
    if not finite.all():
        bad += [name for name, ok in zip(FACE.channels, finite, strict=True) if not ok]
    if bad:
        raise PacketError(
            f"{protocol} needs finite values, got NaN or infinity in {', '.join(bad[:4])}; drop this frame"
        )
    return values


def received(values: Float32, protocol: str) -> Float32:
    """Return values that came in a packet, (61,): weights clipped to [0, 1].

    Raises:
        PacketError: one of them is NaN or infinite.

    """
    if not np.isfinite(values).all():
        bad = FACE.channels[int(np.argmin(np.isfinite(values)))]
        raise PacketError(f"{protocol}: got NaN or infinity in {bad}, expected numbers; check what sends it")
    made = values.astype(np.float32)
    made[:_WEIGHTS] = made[:_WEIGHTS].clip(0.0, 1.0)
    return made
