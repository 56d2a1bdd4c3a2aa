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

Angles = tuple[float, float, float]
"""Yaw, pitch, roll in radians."""

Vector = tuple[float, float, float]

IDENTITY: Quaternion = (0.0, 0.0, 0.0, 1.0)

NECK_SHARE = 0.42
"""Part of a head turn that the neck takes; the same as `rhapsode.formats.bones` uses in files."""

YAW_PER_LOOK = 0.60
PITCH_PER_LOOK = 0.55
"""Radians by which an eye turns at a weight of 1 of eyeLook*, as Live Link Face records them."""

_WEIGHTS = len(BLENDSHAPES)


def turn(yaw: float, pitch: float, roll: float) -> Quaternion:
    """Return the rotation of three angles in glTF's axes: first roll, then pitch, then yaw."""
    cy, sy = cos(yaw / 2), -sin(yaw / 2)
    cp, sp = cos(pitch / 2), sin(pitch / 2)
    cr, sr = cos(roll / 2), sin(roll / 2)
    return (
        cy * sp * cr + sy * cp * sr,
        sy * cp * cr - cy * sp * sr,
        cy * cp * sr - sy * sp * cr,
        cy * cp * cr + sy * sp * sr,
    )


def angles_of(rotation: Quaternion) -> Angles:
    """Return yaw, pitch and roll of a unit rotation in glTF's axes; the inverse of `turn`."""
    x, y, z, w = rotation
    yaw = -atan2(2 * (x * z + y * w), 1 - 2 * (x * x + y * y))
    pitch = asin(min(max(2 * (x * w - y * z), -1.0), 1.0))
    return yaw, pitch, atan2(2 * (x * y + z * w), 1 - 2 * (x * x + z * z))


def times(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the product a b: b turns first."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + bw * ax + ay * bz - az * by,
        aw * by + bw * ay + az * bx - ax * bz,
        aw * bz + bw * az + ax * by - ay * bx,
        aw * bw - ax * bx - ay * by - az * bz,
    )


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
        made[f"eyeLookIn{side}"] = yaw * inwards / YAW_PER_LOOK
        made[f"eyeLookOut{side}"] = -yaw * inwards / YAW_PER_LOOK
        made[f"eyeLookDown{side}"] = pitch / PITCH_PER_LOOK
        made[f"eyeLookUp{side}"] = -pitch / PITCH_PER_LOOK
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
