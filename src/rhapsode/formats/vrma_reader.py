"""VRM Animation in: expressions, head, gaze and body of a .vrma file; see `rhapsode.formats.vrma`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.gltf import GltfFile
from rhapsode.errors import FormatError
from rhapsode.formats.channel_names import face_of, key
from rhapsode.formats.gltf_animation import body_of, nodes_of
from rhapsode.formats.gltf_tracks import damaged, grid, open_file, tracks
from rhapsode.formats.stand_in import BONES, skeleton
from rhapsode.formats.vrma import CLIPS, NAME
from rhapsode.performance import Curves, Performance
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.gaze import set_eyes
from rhapsode.rigs.vrm import VRM1
from rhapsode.rotations import angles_of
from rhapsode.rotations import times as product

_ENOUGH_CLIPS = 10


def read(path: Path) -> Performance:
    """Read a VRM Animation; its face becomes the ARKit rig with head and eye angles.

    ARKit clips ("perfect sync") count before presets. Turns of neck and head become the head angles, so that
    the motion holds neither; a file whose body stands still has no motion.

    Raises:
        FormatError: it is no VRM Animation, or holds nothing that moves.

    """
    file = open_file(path, "a VRM Animation is a binary glTF")
    extensions = file.json.get("extensions")
    block = extensions.get(NAME) if isinstance(extensions, Mapping) else None
    if not isinstance(block, Mapping):
        raise FormatError(
            f"'{path}' is no VRM Animation: got a glTF without {NAME}, expected one; give a .vrma file"
        )
    found = tracks(file)
    with damaged(path):
        named = _expressions(file, block)
        bones = _nodes(block.get("humanoid", {}).get("humanBones", {}))
        look = int((block.get("lookAt") or {}).get("node", -1))
        body = skeleton(nodes_of(file), {bone: node for bone, node in bones.items() if bone in BONES})
        used = [(node, "translation") for node in named.values()] + [(look, "rotation")]
        used += [(node, "rotation") for node in bones.values()] + [(bones.get("hips", -1), "translation")]
        rate, ticks = grid([row for place, row in found.items() if place in used], path)
        weights = {
            name: found[node, "translation"].at(ticks)[:, 0].clip(0, 1)
            for name, node in named.items()
            if (node, "translation") in found
        }
        face = _face(weights, Curves(FACE.channels, np.zeros((len(ticks), len(FACE)), np.float32), rate))
        head, _, motion = body_of(body, found, ticks, rate)
        first = FACE.index("headYaw")
        face.values[:, first : first + 3] = head
        if (look, "rotation") in found:
            rest = body.nodes[look].rotation.astype(np.float64)
            turned = product(found[look, "rotation"].at(ticks), rest * np.array([-1, -1, -1, 1]))
            set_eyes(face.values, angles_of(turned)[:, [0, 1, 0, 1]])
        return Performance(face, motion=motion, meta={"source": path.name})


def _nodes(rows: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): int(row["node"]) for name, row in rows.items() if row.get("node") is not None}


def _expressions(file: GltfFile, block: Mapping[str, Any]) -> dict[str, int]:
    """Return nodes by expression, and those that carry ARKit weights without being expressions."""
    expressions = block.get("expressions") or {}
    named = {**_nodes(expressions.get("custom") or {}), **_nodes(expressions.get("preset") or {})}
    taken = set(named.values())
    spare = {
        row["name"]: index
        for index, row in enumerate(file.json.get("nodes", []))
        if row.get("name") in CLIPS and index not in taken
    }
    return {**spare, **named}


def _face(weights: Mapping[str, NDArray[np.float64]], still: Curves) -> Curves:
    clips = {name: row for name, row in weights.items() if key(name) in _CLIP_KEYS}
    presets = {name: row for name, row in weights.items() if name in VRM1.channels}
    if len(clips) >= _ENOUGH_CLIPS:
        presets = {}
    values = still.values.copy()
    if presets:
        shown = face_of(presets | _silent(presets, len(still)), len(still), still.rate)
        assert shown is not None
        values = shown.values
    for name, row in clips.items():
        values[:, FACE.index(_CLIP_KEYS[key(name)])] = row
    return replace(still, values=values)


def _silent(presets: Mapping[str, Any], count: int) -> dict[str, NDArray[np.float64]]:
    return {name: np.zeros(count) for name in VRM1.channels if name not in presets}


_CLIP_KEYS = {key(name): name for name in BLENDSHAPES}
