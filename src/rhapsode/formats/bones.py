"""Head, neck and eye turns of an avatar as the node rotations that a glTF animation holds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar
from rhapsode.avatars.load import quaternion
from rhapsode.performance import Float32

Float64 = NDArray[np.float64]

NECK_SHARE = 0.42
"""Part of a head turn that the neck takes, where there is one."""

ARM_BELOW_HORIZONTAL = math.radians(72)


class BoneTurns:
    """Turns angles into local rotations of the bones that they move.

    The angles turn a bone in the avatar's own axes (X to its left, Y up, Z forward), whatever axes the
    bones of the file have.

    Args:
        avatar: bones that it lacks are left out.
        eyes: whether the eye bones turn.

    Attributes:
        nodes: node index by bone name.

    """

    def __init__(self, avatar: Avatar, *, eyes: bool) -> None:
        wanted = ("neck", "head", "leftEye", "rightEye") if eyes else ("neck", "head")
        self.nodes = {bone: avatar.humanoid[bone] for bone in wanted if bone in avatar.humanoid}
        neck = NECK_SHARE if "neck" in self.nodes and "head" in self.nodes else 0.0
        self._share = {"neck": neck or 1.0, "head": 1.0 - neck, "leftEye": 1.0, "rightEye": 1.0}
        self._columns = {"neck": 0, "head": 0, "leftEye": 3, "rightEye": 6}
        self._frames = {bone: parent_frame(avatar, node) for bone, node in self.nodes.items()}
        self._rest = {bone: unit(avatar.nodes[node].rotation) for bone, node in self.nodes.items()}

    def rotations(self, bone: str, angles: Float32, last: Float32 | None = None) -> Float32:
        """Return local unit quaternions x, y, z, w of ``bone``, (n, 4) float32.

        Args:
            bone: one of `nodes`.
            angles: (n, 9) radians in the order of `rhapsode.rigs.ANGLES`.
            last: the quaternion before the first; signs follow it, so that interpolation goes the short way.

        """
        made = in_frame(self.turned(bone, angles), self._frames[bone], self._rest[bone])
        return smooth_signs(made, last)

    def turned(self, bone: str, angles: Float32) -> Float64:
        """Return what ``bone`` does of the ``angles`` (n, 9), quaternions (n, 4) in the avatar's axes."""
        first = self._columns[bone]
        return turn(angles[:, first : first + 3].astype(np.float64) * self._share[bone])


def smooth_signs(made: Float64, last: Float32 | None = None) -> Float32:
    """Return quaternions (n, 4) float32 whose signs follow ``last`` and each other: the short way between."""
    before = np.concatenate([made[:1] if last is None else last[None].astype(np.float64), made[:-1]])
    flips = np.cumprod(np.where((made * before).sum(axis=1) < 0, -1.0, 1.0))
    return np.asarray(made * flips[:, None], np.float32)


def turn(angles: Float64) -> Float64:
    """Return quaternions (n, 4) of yaw, pitch and roll (n, 3), signed as in `rhapsode.rigs.arkit`."""
    half = angles / 2
    zero = np.zeros(len(half))
    yaw = np.stack([zero, np.sin(-half[:, 0]), zero, np.cos(half[:, 0])], axis=1)
    pitch = np.stack([np.sin(half[:, 1]), zero, zero, np.cos(half[:, 1])], axis=1)
    roll = np.stack([zero, zero, np.sin(half[:, 2]), np.cos(half[:, 2])], axis=1)
    return times(times(yaw, pitch), roll)


def times(a: Float64, b: Float64) -> Float64:
    """Return the products a b of quaternions x, y, z, w, (..., 4): b turns first."""
    vector = a[..., 3:] * b[..., :3] + b[..., 3:] * a[..., :3] + np.cross(a[..., :3], b[..., :3])
    scalar = a[..., 3] * b[..., 3] - (a[..., :3] * b[..., :3]).sum(axis=-1)
    return np.concatenate([vector, scalar[..., None]], axis=-1)


def in_frame(turned: Float64, frame: Float64, rest: Float64) -> Float64:
    """Return local rotations: ``turned`` (in the avatar's axes) on top of ``rest``, below a ``frame``."""
    back = frame * np.array([-1.0, -1.0, -1.0, 1.0])
    made = times(times(times(back, turned), frame), rest)
    return np.asarray(made / np.linalg.norm(made, axis=-1, keepdims=True))


def parent_frame(avatar: Avatar, node: int) -> Float64:
    """Return the rotation of the parent of ``node`` in the world at rest, (4,)."""
    parent = avatar.nodes[node].parent
    if parent < 0:
        return np.array([0.0, 0.0, 0.0, 1.0])
    matrix = avatar.rest_world[parent][:3, :3]
    scale = np.linalg.norm(matrix, axis=0)
    return unit(quaternion(matrix / np.where(scale == 0, 1, scale)))


def unit(value: NDArray[np.floating]) -> Float64:
    """Return a quaternion of length 1; the identity for zeros."""
    length = float(np.linalg.norm(value))
    return np.asarray(value, np.float64) / length if length else np.array([0.0, 0.0, 0.0, 1.0])


def lowered_arms(avatar: Avatar) -> dict[int, Float64]:
    """Return the local rotations, by node, that bring the arms of a T-pose to the sides."""
    made: dict[int, Float64] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        upper, lower = (avatar.humanoid.get(f"{side}{part}Arm") for part in ("Upper", "Lower"))
        if upper is None or lower is None:
            continue
        along = avatar.rest_world[lower][:3, 3] - avatar.rest_world[upper][:3, 3]
        below = math.atan2(-along[1], max(sign * along[0], 1e-6))
        bends = {upper: (0.0, 0.0, -sign * max(0.0, ARM_BELOW_HORIZONTAL - below))}
        if below < math.radians(30):
            bends[lower] = (sign * math.radians(12), 0.0, 0.0)
        for node, angles in bends.items():
            rest = unit(avatar.nodes[node].rotation)
            made[node] = in_frame(turn(np.array([angles])), parent_frame(avatar, node), rest)[0]
    return made
