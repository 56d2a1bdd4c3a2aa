"""USD in: blend shape weights and joint rotations of a UsdSkel animation; needs the extra ``usd``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.avatars import Avatar, Node
from rhapsode.avatars.load import quaternion
from rhapsode.errors import FormatError
from rhapsode.formats.channel_names import face_of
from rhapsode.formats.gltf_animation import body_of, performed
from rhapsode.formats.gltf_tracks import Track, damaged, grid
from rhapsode.formats.joint_names import bones_of
from rhapsode.formats.stand_in import BONES, skeleton
from rhapsode.formats.usd import pixar
from rhapsode.performance import Curves, Performance
from rhapsode.rigs import FACE


def read(path: Path) -> Performance:
    """Read the first UsdSkel animation whose blend shapes belong to a known rig, or else one of joints.

    Raises:
        MissingExtraError: usd-core is not installed.
        FormatError: it is no USD, or holds no such animation.

    """
    px = pixar()
    try:
        stage = px.Usd.Stage.Open(str(path))
    except px.Tf.ErrorException as error:
        raise FormatError(
            f"'{path}' is no USD file, got something else or a part of it; export it again as USD"
        ) from error
    animations = [prim for prim in stage.Traverse() if prim.IsA(px.UsdSkel.Animation)]
    if not animations:
        raise FormatError(
            f"'{path}' holds no SkelAnimation, expected one with blendShapeWeights; export it so"
        )
    animations.sort(key=lambda prim: not px.UsdSkel.Animation(prim).GetBlendShapesAttr().Get())
    animation = px.UsdSkel.Animation(animations[0])
    with damaged(path):
        return _read(px, stage, animation, path)


def _read(px: Any, stage: Any, animation: Any, path: Path) -> Performance:
    per_second = stage.GetTimeCodesPerSecond() or 24.0
    shapes = [str(name) for name in animation.GetBlendShapesAttr().Get() or []]
    weights = _track(animation.GetBlendShapeWeightsAttr(), per_second, len(shapes), path)
    joints = [str(name) for name in animation.GetJointsAttr().Get() or []]
    rotations = _track(animation.GetRotationsAttr(), per_second, len(joints), path, wide=4)
    places = _track(animation.GetTranslationsAttr(), per_second, len(joints), path, wide=3)
    rate, ticks = grid([track for track in (weights, rotations) if track is not None], path)
    face = None
    if weights is not None:
        face = face_of(dict(zip(shapes, weights.at(ticks).T, strict=True)), len(ticks), rate)
        if face is None:
            raise FormatError(
                f"'{path}' moves blend shapes of no known rig, got {', '.join(shapes[:4])}; "
                "expected names such as jawOpen: rename them"
            )
    face = face or Curves(FACE.channels, np.zeros((len(ticks), len(FACE)), np.float32), rate)
    body, nodes = _body(px, stage, joints)
    found = {}
    for column, joint in enumerate(joints):
        for track, kind, wide in ((rotations, "rotation", 4), (places, "translation", 3)):
            if track is not None and joint in nodes:
                own = track.values[:, wide * column : wide * (column + 1)]
                found[nodes[joint], kind] = Track(track.times, own, turns=kind == "rotation")
    head, eyes, motion = body_of(body, found, ticks, rate)
    return performed(face, head, eyes, motion, path)


def _track(attribute: Any, per_second: float, count: int, path: Path, *, wide: int = 1) -> Track | None:
    """Return the time samples of an array of ``count`` values, or its one value; None without any."""
    codes = attribute.GetTimeSamples() if attribute else []
    given = [attribute.Get(code) for code in codes] if codes else [attribute.Get()] if attribute else []
    if not count or not given or given[0] is None:
        return None
    rows = np.array([np.array(row, np.float64).ravel() for row in given if len(row) == count])
    if len(rows) != len(given) or not np.isfinite(rows).all():
        raise FormatError(
            f"'{path}' is a damaged animation: '{attribute.GetName()}' holds other than {count} numbers "
            "at some time; export it again"
        )
    return Track(np.array(codes or [0.0]) / per_second, rows, turns=wide == 4)


def _body(px: Any, stage: Any, joints: list[str]) -> tuple[Avatar, dict[str, int]]:
    """Return the skeleton that the joints belong to, and the node of each joint."""
    paths, rest = joints, [np.eye(4)] * len(joints)
    for prim in stage.Traverse():
        if prim.IsA(px.UsdSkel.Skeleton):
            own = px.UsdSkel.Skeleton(prim)
            names = [str(name) for name in own.GetJointsAttr().Get() or []]
            matrices = own.GetRestTransformsAttr().Get() or []
            if set(joints) <= set(names) and len(matrices) == len(names):
                paths, rest = names, [np.array(matrix).T for matrix in matrices]
                break
    index = {path: place for place, path in enumerate(paths)}
    nodes = []
    for path, matrix in zip(paths, rest, strict=True):
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        turned = quaternion(matrix[:3, :3] / np.where(scale == 0, 1, scale))
        parts = [matrix[:3, 3], turned, scale]
        parent = index.get(path.rpartition("/")[0], -1)
        nodes.append(Node(path, parent, *(np.array(part, np.float32) for part in parts)))
    named = [(path.rpartition("/")[2], node.parent) for path, node in zip(paths, nodes, strict=True)]
    bones = {name: place for place, (name, _) in enumerate(named) if name in BONES}
    return skeleton(tuple(nodes), bones or bones_of(named)), index
