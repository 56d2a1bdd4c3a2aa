"""USD (.usda, .usdc, .usd): blendshape and joint animation as UsdSkel has it; needs the extra ``usd``.

With an avatar the file holds its skeleton and meshes, moved; without one, a skeleton of VRM's humanoid bones
and an animation whose blend shapes are the 52 of ARKit, for any mesh that has them. Metres, Y up, looking
towards +Z; a time code is a curve frame. Meshes are stored as they stand at rest, in colours without
textures. About 70 MB of memory go to each hour. Source: the UsdSkel schema of OpenUSD.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, load, load_mapping
from rhapsode.avatars.avatar import compose
from rhapsode.errors import FormatError, MissingExtraError
from rhapsode.formats.body import BodyTurns
from rhapsode.formats.kept import Kept
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.stand_in import bones_for, stand_in
from rhapsode.performance import Float32
from rhapsode.rigs import BLENDSHAPES
from rhapsode.rotations import unit

ROOT, ANIMATION = "/Avatar", "rhapsode"
_BLOCK = 1024


def pixar() -> Any:
    """Return the modules of usd-core as attributes.

    Raises:
        MissingExtraError: it is not installed.

    """
    try:
        import pxr
        from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdShade, UsdSkel, Vt  # noqa: F401 (attributes of pxr)
    except ImportError as error:
        raise MissingExtraError("USD", "usd") from error
    return pxr


class UsdWriter(Kept):
    """Keeps face and motion on the disk and bakes them at the end; see `rhapsode.formats.registry.Writer`.

    Raises:
        MissingExtraError: usd-core is not installed.
        AvatarError: the avatar of the options cannot be read, or has no morph targets.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        pixar()
        self._avatar = None if options.avatar is None else load(options.avatar)
        super().__init__(path)

    def close(self) -> None:
        """Write the file."""
        if not self._face.rows:
            raise FormatError(
                "a USD animation needs at least one curve frame, got an empty performance; give some sound"
            )
        px = pixar()
        stage = px.Usd.Stage.CreateInMemory()
        px.UsdGeom.SetStageUpAxis(stage, px.UsdGeom.Tokens.y)
        px.UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        stage.SetTimeCodesPerSecond(self._rate)
        stage.SetFramesPerSecond(self._rate)
        stage.SetStartTimeCode(0)
        stage.SetEndTimeCode(self._face.rows - 1)
        root = px.UsdSkel.Root.Define(stage, ROOT)
        stage.SetDefaultPrim(root.GetPrim())
        body = self._avatar or stand_in(bones_for(self._motion.joints))
        joints = Joints(body)
        skeleton = _skeleton(px, stage, joints)
        animation = px.UsdSkel.Animation.Define(stage, f"{ROOT}/{ANIMATION}")
        binding = px.UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
        binding.CreateAnimationSourceRel().SetTargets([animation.GetPath()])
        if self._avatar is not None:
            from rhapsode.formats.usd_mesh import add_meshes

            add_meshes(px, stage, joints)
        self._bake(px, animation, joints)
        if not stage.GetRootLayer().Export(str(self._path)):
            raise FormatError(f"USD could not be written to '{self._path}'; see what it said above")
        self.abort()

    def _bake(self, px: Any, animation: Any, joints: Joints) -> None:
        channels = None if self._avatar is None else load_mapping(self._avatar)
        shapes = BLENDSHAPES if channels is None else channels.morphs
        turns = BodyTurns(joints.body, self._motion, channels)
        moved = self._moved(turns)
        if not moved:
            # UsdSkel wants joints: an avatar without bones stands on its first node.
            first = joints.nodes[0]
            moved[first] = _repeated(unit(joints.body.nodes[first].rotation), self._faces())
        nodes = [node for node in joints.nodes if node in moved]
        animation.CreateBlendShapesAttr(list(shapes))
        animation.CreateJointsAttr([joints.paths[node] for node in nodes])
        weights, rotations = animation.CreateBlendShapeWeightsAttr(), animation.CreateRotationsAttr()
        translations = animation.CreateTranslationsAttr()
        rest = np.stack([joints.body.nodes[node].translation for node in nodes])
        translations.Set(px.Vt.Vec3fArray.FromNumpy(rest))
        scales = np.stack([joints.body.nodes[node].scale for node in nodes]).astype(np.float16)
        animation.CreateScalesAttr(px.Vt.Vec3hArray.FromNumpy(scales))
        columns = [moved[node] for node in nodes]
        hips = turns.hips(map(len, self._faces()), self._rate) if turns.moves_hips else None
        at = 0
        for face in self._faces():
            turned = np.stack([next(column) for column in columns], axis=1)
            shown = face[:, : len(BLENDSHAPES)] if channels is None else channels.morph_weights(face)
            for row in range(len(face)):
                weights.Set(px.Vt.FloatArray.FromNumpy(np.ascontiguousarray(shown[row])), at + row)
                rotations.Set(px.Vt.QuatfArray.FromNumpy(np.ascontiguousarray(turned[row])), at + row)
            if hips is not None:
                where = nodes.index(turns.nodes["hips"])
                for row, place in enumerate(next(hips)):
                    rest[where] = place
                    translations.Set(px.Vt.Vec3fArray.FromNumpy(rest), at + row)
            at += len(face)

    def _moved(self, turns: BodyTurns) -> dict[int, Iterator[Float32]]:
        """Return the local rotations of every node that moves, in blocks."""
        moved: dict[int, Iterator[Float32]] = {
            node: turns.rotations(bone, self._faces(), self._rate) for bone, node in turns.nodes.items()
        }
        moved |= {node: _repeated(rotation, self._faces()) for node, rotation in turns.still.items()}
        return moved

    def _faces(self) -> Iterator[Float32]:
        for begin in range(0, self._face.rows, _BLOCK):
            yield self._face.read(begin, min(begin + _BLOCK, self._face.rows))


def _repeated(rotation: NDArray[np.float64], faces: Iterable[Float32]) -> Iterator[Float32]:
    for face in faces:
        yield np.tile(rotation.astype(np.float32), (len(face), 1))


class Joints:
    """The nodes of a body as UsdSkel wants them: paths of plain names, parents first.

    Args:
        body: humanoid bones get their VRM names, other nodes their own; nodes that only carry meshes stay.

    """

    def __init__(self, body: Avatar) -> None:
        self.body = body
        self.nodes = body.node_order
        bones = {node: bone for bone, node in body.humanoid.items()}
        self.paths: dict[int, str] = {}
        taken: set[str] = set()
        for node in self.nodes:
            name = bones.get(node) or plain(body.nodes[node].name) or f"node_{node}"
            parent = body.nodes[node].parent
            path = f"{self.paths[parent]}/{name}" if parent >= 0 else name
            self.paths[node] = path if path not in taken else f"{path}_{node}"
            taken.add(self.paths[node])

    @cached_property
    def places(self) -> NDArray[np.int32]:
        """Index among the joints by node, (N,)."""
        made = np.zeros(len(self.nodes), np.int32)
        made[list(self.nodes)] = np.arange(len(self.nodes))
        return made


def plain(name: str) -> str:
    """Return ``name`` with only letters, digits and underscores, as USD's identifiers are."""
    made = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{made}" if made[:1].isdigit() else made


def _skeleton(px: Any, stage: Any, joints: Joints) -> Any:
    skeleton = px.UsdSkel.Skeleton.Define(stage, f"{ROOT}/Skeleton")
    nodes = joints.body.nodes
    local = [compose(nodes[n].translation, nodes[n].rotation, nodes[n].scale) for n in joints.nodes]
    world = [joints.body.rest_world[n] for n in joints.nodes]
    skeleton.CreateJointsAttr([joints.paths[n] for n in joints.nodes])
    # USD's matrices move row vectors.
    skeleton.CreateRestTransformsAttr([px.Gf.Matrix4d(m.T.tolist()) for m in local])
    skeleton.CreateBindTransformsAttr([px.Gf.Matrix4d(m.T.tolist()) for m in world])
    return skeleton
