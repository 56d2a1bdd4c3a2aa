"""Head, eye, arm and breathing rotations of an avatar, and the joint matrices that follow from them.

Rotations are given in the avatar's own axes (X to its left, Y up, Z forward) about the bone's origin, on top
of the pose of its parent, whatever axes the bones of the file have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar
from rhapsode.avatars.avatar import compose, rotation_matrix
from rhapsode.avatars.posing import head_shares, lowered_arms, raised_arms

Matrix = NDArray[np.float64]


def turn(yaw: float, pitch: float, roll: float) -> Matrix:
    """Return the (3, 3) rotation of a head or an eye; radians, signed as in `rhapsode.rigs.arkit`."""
    cy, sy = math.cos(-yaw), math.sin(-yaw)
    cp, sp = math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


class Skeleton:
    """Poses the nodes of one avatar.

    Args:
        avatar: any avatar; bones that it lacks stay still, and a head without a neck takes the whole turn.
        nodes: node index by bone for bones that its file does not declare, or declares wrongly.

    """

    def __init__(self, avatar: Avatar, nodes: Mapping[str, int] | None = None) -> None:
        self._bones = {**avatar.humanoid, **(nodes or {})}
        self._order = avatar.node_order
        self._parents = [node.parent for node in avatar.nodes]
        self._local = [compose(node.translation, node.rotation, node.scale) for node in avatar.nodes]
        self._rest = avatar.rest_world
        rotations = []
        for matrix in self._rest:
            scale = np.linalg.norm(matrix[:3, :3], axis=0)
            rotations.append(matrix[:3, :3] / np.where(scale == 0, 1, scale))
        self._frames = [rotations[parent] if parent >= 0 else np.eye(3) for parent in self._parents]
        self.arms = {bone: turn(*angles) for bone, angles in lowered_arms(avatar, self._bones).items()}
        self._raised = {bone: turn(0, 0, roll) for bone, roll in raised_arms(avatar, self._bones).items()}
        self._head_shares = head_shares(self._bones)
        self._still: Matrix | None = None

    def has(self, bone: str) -> bool:
        """Tell whether the avatar has a humanoid bone."""
        return bone in self._bones

    def rotations(
        self,
        head: tuple[float, float, float] = (0.0, 0.0, 0.0),
        left_eye: tuple[float, float, float] | None = None,
        right_eye: tuple[float, float, float] | None = None,
        *,
        jaw: tuple[float, float, float] | None = None,
        breath: float = 0.0,
        body: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> dict[str, Matrix]:
        """Return the rotation of every bone that moves, (3, 3) each.

        Args:
            head: yaw, pitch and roll in radians, shared by neck and head.
            left_eye: the same for the eye bone; None leaves it alone.
            right_eye: the same for the eye bone; None leaves it alone.
            jaw: the same for the jaw bone; None leaves it alone.
            breath: 0 is out, 1 is a calm breath in.
            body: unit quaternions x, y, z, w by bone, relative to the T-pose; where none of an arm are given
                it is lowered.

        """
        made = {
            bone: value for bone, value in self.arms.items() if not body or f"{bone[:-8]}UpperArm" not in body
        }
        for bone, value in (body or {}).items():
            made[bone] = rotation_matrix(value)
            if bone in self._raised:
                made[bone] = made[bone] @ self._raised[bone]
        extra: list[tuple[str, Matrix]] = [
            (bone, turn(*(angle * share for angle in head))) for bone, share in self._head_shares.items()
        ]
        if left_eye is not None:
            extra.append(("leftEye", turn(*left_eye)))
        if right_eye is not None:
            extra.append(("rightEye", turn(*right_eye)))
        if jaw is not None:
            extra.append(("jaw", turn(*jaw)))
        if breath:
            chest = next((b for b in ("upperChest", "chest", "spine") if self.has(b)), "spine")
            extra += [(chest, turn(0, -0.012 * breath, 0)), ("neck", turn(0, 0.010 * breath, 0))]
            extra += [("leftShoulder", turn(0, 0, 0.022 * breath))]
            extra += [("rightShoulder", turn(0, 0, -0.022 * breath))]
        for bone, rotation in extra:
            made[bone] = made[bone] @ rotation if bone in made else rotation
        return made

    def world(self, rotations: Mapping[str, Matrix]) -> Matrix:
        """Return the world transform of every node, (N, 4, 4), with ``rotations`` applied."""
        moved = {self._bones[bone]: value for bone, value in rotations.items() if bone in self._bones}
        world = self._rest.copy()
        changed = [False] * len(world)
        for node in self._order:
            parent = self._parents[node]
            rotation = moved.get(node)
            if rotation is None and (parent < 0 or not changed[parent]):
                continue
            changed[node] = True
            local = self._local[node]
            if rotation is not None:
                frame = self._frames[node]
                local = local.copy()
                local[:3, :3] = frame.T @ rotation @ frame @ local[:3, :3]
            world[node] = local if parent < 0 else world[parent] @ local
        return world
