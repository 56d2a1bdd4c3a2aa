"""An avatar in motion: channels in, moved and projected vertices out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, ChannelMap, load_mapping
from rhapsode.errors import RigError
from rhapsode.render import kernels_pose as pose
from rhapsode.render.kernels_bin import Drawing
from rhapsode.render.lights import Share
from rhapsode.render.scene import SHADING_CODES, flatten
from rhapsode.render.skeleton import Skeleton
from rhapsode.render.textures import Textures
from rhapsode.rigs import BLENDSHAPES, FACE

Float32 = NDArray[np.float32]
Body = Mapping[str, NDArray[np.float32]]


class Actor:
    """Holds the arrays of one avatar and moves them in place.

    Args:
        avatar: any avatar.
        textures: its packed pictures.
        keep: (T,) triangles that are worth moving; None keeps all.
        channels: how the face moves the avatar; None takes `rhapsode.avatars.load_mapping`.

    """

    def __init__(
        self,
        avatar: Avatar,
        textures: Textures,
        keep: NDArray[np.bool_] | None = None,
        *,
        channels: ChannelMap | None = None,
    ) -> None:
        self.scene = scene = flatten(avatar, keep, textures=textures)
        self._channels = load_mapping(avatar) if channels is None else channels
        self._skeleton = Skeleton(avatar, self._channels.nodes)
        count = len(scene.positions)
        self._positions, self._normals = scene.positions.copy(), scene.normals.copy()
        self._welded = np.zeros_like(scene.rest_welded)
        self.moved = np.zeros((count, 12), np.float32)
        self.moved[:, 7] = self.moved[:, 11] = 1.0
        self._screen = np.zeros((count, 2), np.int32)
        self._side = np.zeros(len(scene.triangles), np.int8)
        self._mip = np.zeros(len(scene.triangles), np.int8)
        self._box = np.zeros((len(scene.triangles), 4), np.int16)
        self._nearness = np.zeros(len(scene.triangles), np.float32)
        rows = scene.materials[scene.triangle_material]
        casts = (rows[:, 5] != 2) & (rows[:, 0] != SHADING_CODES["lash"]) & ~scene.partly
        self.casting = np.ascontiguousarray(scene.triangles[casts])

    def move(
        self,
        values: Float32,
        projection: NDArray[np.float64],
        share: Share,
        workers: int,
        *,
        breath: float = 0.0,
        body: Body | None = None,
    ) -> None:
        """Pose, skin and project all vertices.

        Args:
            values: (61,) of `rhapsode.rigs.FACE`.
            projection: (16,), see `rhapsode.render.kernels_pose.skin`.
            share: runs the parts.
            workers: number of parts.
            breath: 0 is out, 1 is a calm breath in.
            body: unit quaternions by humanoid bone; None lowers the arms.

        """
        self._shape(values[: len(BLENDSHAPES)])
        bones = {bone: rows[0] for bone, rows in self._channels.bone_angles(values[None]).items()}
        scene, angles = self.scene, [float(value) for value in values[len(BLENDSHAPES) :]]
        head = (angles[0], angles[1], angles[2])
        if body is not None and self._channels.eyes != "bones":
            body = {bone: turn for bone, turn in body.items() if not bone.endswith("Eye")}
        turns = self._skeleton.rotations(
            head,
            _angles(bones.get("leftEye")),
            _angles(bones.get("rightEye")),
            jaw=_angles(bones.get("jaw")),
            breath=breath,
            body=body,
        )
        world = self._skeleton.world(turns)
        matrices = (world[scene.joint_nodes] @ scene.inverse_bind)[:, :3].astype(np.float32)
        count, step = len(self.moved), -(-len(self.moved) // workers)

        def skin(n: int) -> None:
            pose.skin(
                min(n * step, count),
                min((n + 1) * step, count),
                self._positions,
                self._normals,
                scene.tangents,
                scene.joints,
                scene.weights,
                matrices,
                projection,
                self.moved,
                self._screen,
            )

        share(skin, workers)

    def _shape(self, channels: Float32) -> None:
        """Apply the morph targets and turn the normals with them."""
        scene, weights = self.scene, self._channels.morph_weights(channels)
        pose.morph(
            scene.positions,
            self._positions,
            scene.touched,
            scene.morph_first,
            scene.morph_vertices,
            scene.morph_offsets,
            weights,
        )
        if len(scene.region):
            pose.weld_normals(self._positions, scene.region_triangles, scene.weld, self._welded)
            pose.shift_normals(
                scene.normals, self._normals, scene.region, scene.weld, self._welded, scene.rest_welded
            )

    def drawing(self, look: NDArray[np.float64]) -> Drawing:
        """Return what the tiles are drawn from, lit by ``look``."""
        scene = self.scene
        return Drawing(
            scene.triangles,
            scene.triangle_material,
            scene.materials,
            scene.fixed,
            scene.textures.texels,
            scene.textures.levels,
            self.moved,
            self._screen,
            self._side,
            self._mip,
            self._box,
            self._nearness,
            look,
        )


def _angles(row: Float32 | None) -> tuple[float, float, float] | None:
    return None if row is None else (float(row[0]), float(row[1]), float(row[2]))


def face_values(values: Float32 | Mapping[str, float]) -> Float32:
    """Return ``values`` as (61,) float32 in the order of `rhapsode.rigs.FACE`.

    Raises:
        RigError: a name that a face does not have, or an array of another length.

    """
    made = np.zeros(len(FACE), np.float32)
    if isinstance(values, Mapping):
        for name, value in values.items():
            made[FACE.index(name)] = value
        return made
    given = np.asarray(values, np.float32)
    if given.shape not in ((len(FACE),), (len(BLENDSHAPES),)):
        raise RigError(
            f"a face needs ({len(FACE)},) or ({len(BLENDSHAPES)},) values, got {given.shape}; see rigs.FACE"
        )
    made[: len(given)] = np.nan_to_num(given)
    return made
