"""VRM Animation (.vrma): a performance without a character, for any VRM avatar.

A .glb of a humanoid in a T-pose and of one node for each expression, whose translation along X is the
expression's weight. Neck and head turn, the other bones as far as the performance has a motion (otherwise the
arms are lowered), and only the hips move. The gaze is the rotation of a node of its own: VRM Animation has no
eye bones and no expressions for it. It tells where real eyes look, whatever the avatar: who plays the file
turns drawn eyes less, by the range maps of the avatar's own lookAt. Source: VRMC_vrm_animation-1.0
(vrm-c/vrm-specification).

Which expressions are written, since an avatar that has both kinds would play both on top of each other:

- with an avatar, those that it has: the 52 ARKit clips of "perfect sync" in its own spelling, or its presets;
- without one, or with one that has no expressions, the presets of VRM 1.0, which every avatar has;
- without one and with ``rig="face"``, the ARKit clips.

The ARKit weights are always in the file: under their names as nodes that no expression names, where they are
not expressions themselves. Other readers pass them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.avatars import Avatar, load
from rhapsode.errors import FormatError
from rhapsode.formats.body import BodyTurns
from rhapsode.formats.glb_merge import Animation
from rhapsode.formats.kept import Kept
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.spill import Spill
from rhapsode.formats.stand_in import bones_for, stand_in
from rhapsode.performance import Float32, Performance
from rhapsode.rigs import BLENDSHAPES, FACE, retarget
from rhapsode.rigs.gaze import eye_angles
from rhapsode.rigs.vrm import VRM1
from rhapsode.rotations import smooth_signs, turn

NAME = "VRMC_vrm_animation"

LOOK_NODE = "lookAt"

PRESETS = tuple(name for name in VRM1.channels if name not in ("relaxed", "neutral") and "look" not in name)
"""Presets that are written: those that a face has signs of; the gaze is told by a rotation."""

CLIPS = tuple(name for name in BLENDSHAPES if not name.startswith("eyeLook"))
"""ARKit channels that are written; the gaze is told by a rotation."""

_PERFECT_SYNC = 40


class VrmaWriter(Kept):
    """Keeps face and motion on the disk and bakes them at the end; see `rhapsode.formats.registry.Writer`.

    Raises:
        AvatarError: the avatar of the options cannot be read.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        avatar = None if options.avatar is None else load(options.avatar, need_morphs=False)
        self._presets, self._clips = expressions_for(avatar, clips=options.rig == "face")
        super().__init__(path)
        self._felt = Spill(path.parent)

    def write(self, part: Performance) -> None:
        """Keep the face, as presets too where they are written, and the motion of ``part``."""
        super().write(part)
        face = part.face.select(FACE.channels)
        self._felt.append(retarget(face, VRM1.name).values if self._presets else face.values[:, :0])

    def close(self) -> None:
        """Write the file."""
        if not self._face.rows:
            raise FormatError(
                "a VRM animation needs at least one curve frame, got an empty performance; give some sound"
            )
        bones = bones_for(self._motion.joints)
        body = stand_in(bone for bone in bones if not bone.endswith("Eye"))
        tree = _tree(body)
        animation = Animation(tree, "rhapsode", 0)
        self._bake(tree, animation, BodyTurns(body, self._motion))
        with self._path.open("wb") as out:
            animation.write(out, b"")
        self.abort()

    def abort(self) -> None:
        """Let go of what is on the disk."""
        super().abort()
        self._felt.close()

    def _bake(self, tree: dict[str, Any], animation: Animation, turns: BodyTurns) -> None:
        times = animation.times(self._face.rows, self._rate)
        animation.turns(turns, self._face, self._rate, times)
        named = tree["extensions"][NAME]["expressions"]
        plays = [(name, "preset", self._felt, VRM1.index(name)) for name in self._presets]
        plays += [(name, "custom", self._face, FACE.index(name)) for name in CLIPS]
        for name, kind, kept, column in plays:
            spelled = (self._presets | self._clips).get(name)
            node = _node(tree, spelled or name)
            if spelled:
                named[kind][spelled] = {"node": node}
            output = animation.accessor(partial(_along_x, kept, column), "VEC3", kept.rows)
            animation.channel(node, "translation", times, output)
        output = animation.accessor(lambda: _gaze_rotations(self._face), "VEC4", self._face.rows)
        animation.channel(tree["extensions"][NAME]["lookAt"]["node"], "rotation", times, output)


def _along_x(kept: Spill, column: int) -> Iterator[Float32]:
    """Yield (n, 3) float32 whose first column is a weight in [0, 1]."""
    for values in kept.blocks():
        made = np.zeros((len(values), 3), np.float32)
        made[:, 0] = values[:, column].clip(0.0, 1.0)
        yield made


def expressions_for(avatar: Avatar | None, *, clips: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Return the presets and the ARKit clips to write, each with the spelling of the avatar.

    Args:
        avatar: whose expressions count; None, or one without any, where the file is for any.
        clips: without an avatar, whether ARKit clips are written instead of presets.

    """
    every = {name: name for name in PRESETS}, {name: name for name in CLIPS}
    if avatar is None or not avatar.expressions:
        return ({}, every[1]) if clips else (every[0], {})
    custom = {name.lower(): name for name, row in avatar.expressions.items() if not row.preset}
    spelled = {name: custom[name.lower()] for name in CLIPS if name.lower() in custom}
    if len(spelled) >= _PERFECT_SYNC:
        return {}, spelled
    return {name: name for name in PRESETS if name in avatar.expressions}, {}


def _gaze_rotations(face: Spill) -> Iterable[Float32]:
    last: Float32 | None = None
    for block in face.blocks():
        both = eye_angles(block).reshape(-1, 2, 2).mean(axis=1)
        angles = np.concatenate([both, np.zeros((len(block), 1))], axis=1)
        made = smooth_signs(turn(angles), last)
        last = made[-1]
        yield made


def _tree(body: Avatar) -> dict[str, Any]:
    """Return the glTF tree of a body in a T-pose with nothing animated yet."""
    nodes: list[dict[str, Any]] = [
        {"name": node.name, "translation": [round(float(part), 6) for part in node.translation]}
        for node in body.nodes
    ]
    for index, node in enumerate(body.nodes):
        if node.parent >= 0:
            nodes[node.parent].setdefault("children", []).append(index)
    tree: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "rhapsode"},
        "extensionsUsed": [NAME],
        "scene": 0,
        "scenes": [{"nodes": [index for index, node in enumerate(body.nodes) if node.parent < 0]}],
        "nodes": nodes,
        "bufferViews": [],
        "accessors": [],
    }
    tree["extensions"] = {
        NAME: {
            "specVersion": "1.0",
            "humanoid": {"humanBones": {bone: {"node": node} for bone, node in body.humanoid.items()}},
            "expressions": {"preset": {}, "custom": {}},
            "lookAt": {"node": _node(tree, LOOK_NODE), "offsetFromHeadBone": [0.0, 0.08, 0.0]},
        }
    }
    return tree


def _node(tree: dict[str, Any], name: str) -> int:
    """Append a node to the scene and return its index."""
    tree["nodes"].append({"name": name})
    index = len(tree["nodes"]) - 1
    tree["scenes"][0]["nodes"].append(index)
    return index
