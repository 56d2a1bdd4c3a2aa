"""How the bones of any avatar stand and turn: arms of a T-pose lowered, head turns shared, axes of its bones.

The renderer and every file that holds bones go by these.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.avatar import Avatar
from rhapsode.avatars.load import quaternion
from rhapsode.rotations import NECK_SHARE, Float64, inverse, times, unit

_ARM_BELOW_HORIZONTAL = math.radians(72)
_LEVEL = math.radians(8)
_STRAIGHT = math.radians(30)
_ELBOW = math.radians(12)


def _about(axis: int, angle: float) -> NDArray[np.float32]:
    """Return the turn by ``angle`` radians about an axis, x, y, z, w."""
    made = np.zeros(4, np.float32)
    made[axis], made[3] = math.sin(angle / 2), math.cos(angle / 2)
    return made


REACHING: tuple[Mapping[str, NDArray[np.float32]], ...] = tuple(
    {
        f"{side}{bone}": _about(axis, sign * angle)
        for side, sign in (("left", 1.0), ("right", -1.0))
        for bone, axis, angle in bones
    }
    for bones in (
        (("UpperArm", 2, -0.9), ("LowerArm", 2, 2.4)),
        (("UpperArm", 2, -1.25), ("LowerArm", 1, -1.3)),
    )
)
"""Where hands go in gestures: beside the face, and in front of the waist; turns relative to the T-pose."""


def head_shares(bones: Container[str]) -> dict[str, float]:
    """Return the part of a head turn that "neck" and "head" take, as far as they are among ``bones``."""
    parts = {"neck": NECK_SHARE, "head": 1.0 - NECK_SHARE}
    found = [bone for bone in parts if bone in bones]
    return {bone: parts[bone] if len(found) == 2 else 1.0 for bone in found}


def raised_arms(avatar: Avatar, bones: Mapping[str, int]) -> dict[str, float]:
    """Return the roll by upper arm, radians, that brings arms into the T-pose which turns are relative to.

    Args:
        avatar: whose arms may hang, as in an A-pose; where they are level nothing is returned.
        bones: node index by humanoid bone.

    """
    made: dict[str, float] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        upper, lower = bones.get(f"{side}UpperArm"), bones.get(f"{side}LowerArm")
        if upper is None or lower is None:
            continue
        below = _below_horizontal(avatar, upper, lower, sign)
        if below > _LEVEL:
            made[f"{side}UpperArm"] = sign * below
    return made


def _below_horizontal(avatar: Avatar, upper: int, lower: int, sign: float) -> float:
    """Return how far an upper arm hangs below the horizontal at rest, radians."""
    along = avatar.rest_world[lower][:3, 3] - avatar.rest_world[upper][:3, 3]
    return math.atan2(-float(along[1]), max(sign * float(along[0]), 1e-6))


def lowered_arms(avatar: Avatar, bones: Mapping[str, int]) -> dict[str, tuple[float, float, float]]:
    """Return yaw, pitch and roll by bone, radians, that bring the arms of a T-pose to the sides.

    Args:
        avatar: whose arms are lowered as far as they are not down.
        bones: node index by humanoid bone.

    """
    made: dict[str, tuple[float, float, float]] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        upper, lower = bones.get(f"{side}UpperArm"), bones.get(f"{side}LowerArm")
        if upper is None or lower is None:
            continue
        below = _below_horizontal(avatar, upper, lower, sign)
        made[f"{side}UpperArm"] = (0.0, 0.0, -sign * max(0.0, _ARM_BELOW_HORIZONTAL - below))
        if below < _STRAIGHT:
            made[f"{side}LowerArm"] = (sign * _ELBOW, 0.0, 0.0)
    return made


def parent_frame(avatar: Avatar, node: int) -> Float64:
    """Return the rotation of the parent of ``node`` in the world at rest, (4,)."""
    parent = avatar.nodes[node].parent
    if parent < 0:
        return np.array([0.0, 0.0, 0.0, 1.0])
    matrix = avatar.rest_world[parent][:3, :3]
    scale = np.linalg.norm(matrix, axis=0)
    return unit(quaternion(matrix / np.where(scale == 0, 1, scale)))


def in_frame(turned: Float64, frame: Float64, rest: Float64) -> Float64:
    """Return local rotations: ``turned`` (in the avatar's axes) on top of ``rest``, below a ``frame``."""
    made = times(times(times(inverse(frame), turned), frame), rest)
    return np.asarray(made / np.linalg.norm(made, axis=-1, keepdims=True))
