"""The animation of a glTF avatar in: morph targets of a known rig, head, eyes and body."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, Node, load, map_channels
from rhapsode.avatars.gltf import GltfFile
from rhapsode.avatars.load import quaternion
from rhapsode.avatars.posing import parent_frame
from rhapsode.errors import FormatError
from rhapsode.formats.body import head_angles
from rhapsode.formats.channel_names import face_of, key
from rhapsode.formats.glb import morph_nodes
from rhapsode.formats.gltf_tracks import Track, damaged, grid, open_file, tracks
from rhapsode.performance import Curves, Motion, Performance
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.gaze import eye_angles, set_eyes
from rhapsode.rotations import angles_of, inverse, times, unit

Float64 = NDArray[np.float64]
Tracks = Mapping[tuple[int, str], Track]

_HEAD = ("neck", "head", "leftEye", "rightEye")


def read(path: Path) -> Performance:
    """Read the animation of a .glb or .gltf file as ARKit weights with head and eye angles.

    Raises:
        FormatError: it is no glTF, holds no animation, or morph targets of no known rig.

    """
    with damaged(path):
        return _read(path)


def _read(path: Path) -> Performance:
    file = open_file(path, "expected an animated glTF")
    found = tracks(file)
    if not found:
        grid((), path)
    avatar = load(path, need_morphs=False)
    rate, ticks = grid(found.values(), path)
    weights = _weights(file, avatar, found, ticks)
    face = face_of(weights, len(ticks), rate)
    if face is None and weights:
        raise FormatError(
            f"'{path}' moves morph targets of no known rig, got {', '.join(list(weights)[:4])}; "
            "expected names such as jawOpen, aa or viseme_PP: rename them"
        )
    face = face or Curves(FACE.channels, np.zeros((len(ticks), len(FACE)), np.float32), rate)
    head, eyes, motion = body_of(avatar, found, ticks, rate)
    if eyes is not None and avatar.primitives:
        # Drawn eyes turn less than what they show.
        eyes = eyes / map_channels(avatar).eye_gain
    return performed(face, head, eyes, motion, path)


def performed(
    face: Curves, head: Float64, eyes: Float64 | None, motion: Motion | None, path: Path
) -> Performance:
    """Return a performance of weights, and of the head (n, 3) and eye angles (n, 4) that `body_of` found."""
    first = FACE.index("headYaw")
    face.values[:, first : first + 3] = head
    looks = face.values[:, [k for k, name in enumerate(BLENDSHAPES) if name.startswith("eyeLook")]].any()
    set_eyes(face.values, eye_angles(face.values) if eyes is None else eyes, weights=not looks)
    return Performance(face, motion=motion, meta={"source": path.name})


def _weights(file: GltfFile, avatar: Avatar, found: Tracks, ticks: Float64) -> dict[str, Float64]:
    """Return what every morph target does; a VRM expression of one target counts under its name too."""
    weights: dict[str, Float64] = {}
    for node, names, _ in morph_nodes(file.json):
        track = found.get((node, "weights"))
        if track is None:
            continue
        if track.values.shape[1] != len(names):
            raise FormatError(
                f"'{file.path}' is damaged: got {track.values.shape[1]} weights a key, "
                f"expected {len(names)}, one for each morph target; export it again"
            )
        rows = track.at(ticks)
        for name, row in zip(names, rows.T, strict=True):
            if name not in weights or np.ptp(row) > np.ptp(weights[name]):
                weights[name] = row
    spelled = {key(name) for name in weights}
    for name, expression in avatar.expressions.items():
        if len(expression.binds) == 1 and key(name) not in spelled:
            morph, gain = expression.binds[0]
            if morph in weights and gain > 0:
                weights[name] = (weights[morph] / gain).clip(0, 1)
    return weights


def body_of(
    avatar: Avatar, found: Tracks, ticks: Float64, rate: Fraction
) -> tuple[Float64, Float64 | None, Motion | None]:
    """Return head angles (n, 3), eye angles (n, 4) and the motion of the other bones, where there are any.

    Args:
        avatar: whose nodes the tracks move.
        found: tracks by node and path.
        ticks: the times of the curve frames in seconds, rising.
        rate: their number per second.

    """
    turned = {
        bone: _in_avatar_axes(avatar, node, found[node, "rotation"].at(ticks))
        for bone, node in avatar.humanoid.items()
        if (node, "rotation") in found
    }
    still = np.tile([0.0, 0.0, 0.0, 1.0], (len(ticks), 1))
    head = times(turned.get("neck", still), turned.get("head", still))
    angles = head_angles(head, neck="neck" in avatar.humanoid)
    eyes = None
    if "leftEye" in turned or "rightEye" in turned:
        both = [angles_of(turned.get(f"{side}Eye", still))[:, :2] for side in ("left", "right")]
        eyes = np.concatenate(both, axis=1)
    return angles, eyes, _motion(avatar, found, turned, ticks, rate)


def _motion(
    avatar: Avatar, found: Tracks, turned: Mapping[str, Float64], ticks: Float64, rate: Fraction
) -> Motion | None:
    """Return the motion of the bones below the neck, None where they only stand in a pose."""
    bones = [bone for bone in turned if bone not in _HEAD]
    hips = avatar.humanoid.get("hips", -1)
    moved = found.get((hips, "translation"))
    keys = [len(found[avatar.humanoid[bone], "rotation"].times) for bone in bones]
    if max(keys, default=1) < 2 and (moved is None or len(moved.times) < 2):
        return None
    offset = np.zeros((len(ticks), 3))
    if moved is not None:
        node = avatar.nodes[hips]
        world = np.eye(3) if node.parent < 0 else avatar.rest_world[node.parent][:3, :3]
        offset = (moved.at(ticks) - node.translation) @ world.T
    rotations = np.stack([turned[bone] for bone in bones], axis=1) if bones else np.zeros((len(ticks), 0, 4))
    return Motion(tuple(bones), rotations.astype(np.float32), offset.astype(np.float32), rate)


def _in_avatar_axes(avatar: Avatar, node: int, local: Float64) -> Float64:
    """Return what local rotations (n, 4) of a node turn it by, against its rest, in the avatar's axes."""
    frame, rest = parent_frame(avatar, node), unit(avatar.nodes[node].rotation)
    length = np.linalg.norm(local, axis=1, keepdims=True)
    local = local / np.where(length > 0, length, 1.0)
    return times(times(times(frame, local), inverse(rest)), inverse(frame))


def nodes_of(file: GltfFile) -> tuple[Node, ...]:
    """Return the nodes of a file with their parents."""
    rows = file.json.get("nodes", [])
    parents = {int(child): index for index, row in enumerate(rows) for child in row.get("children", [])}
    return tuple(_node(row, parents.get(index, -1)) for index, row in enumerate(rows))


def _node(row: Mapping[str, Any], parent: int) -> Node:
    place, rotation, scale = (0, 0, 0), (0, 0, 0, 1), (1, 1, 1)
    parts: list[Any] = [row.get("translation", place), row.get("rotation", rotation), row.get("scale", scale)]
    if "matrix" in row:
        matrix = np.array(row["matrix"], np.float64).reshape(4, 4).T
        size = np.linalg.norm(matrix[:3, :3], axis=0)
        parts = [matrix[:3, 3], quaternion(matrix[:3, :3] / np.where(size == 0, 1, size)), size]
    return Node(str(row.get("name", "")), parent, *(np.array(part, np.float32) for part in parts))
