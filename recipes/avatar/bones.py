"""The humanoid skeleton: where the bones are, what they carry, and how arms and legs come to the T-pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from recipes.avatar.source import Array, Index, Source
from scipy.spatial.transform import Rotation

_TORSO = {
    "Hips": "hips",
    "Spine": "spine",
    "Spine1": "chest",
    "Spine2": "upperChest",
    "Neck": "neck",
    "Head": "head",
}
_LIMBS = {
    "Shoulder": "Shoulder",
    "Arm": "UpperArm",
    "ForeArm": "LowerArm",
    "Hand": "Hand",
    "UpLeg": "UpperLeg",
    "Leg": "LowerLeg",
    "Foot": "Foot",
    "ToeBase": "Toes",
    **{f"HandThumb{k}": f"Thumb{part}" for k, part in enumerate(("Metacarpal", "Proximal", "Distal"), 1)},
    **{
        f"Hand{theirs}{k}": f"{ours}{part}"
        for theirs, ours in (("Index", "Index"), ("Middle", "Middle"), ("Ring", "Ring"), ("Pinky", "Little"))
        for k, part in enumerate(("Proximal", "Intermediate", "Distal"), 1)
    },
}
HUMANOID: dict[str, str] = {
    **_TORSO,
    **{
        f"{side}{theirs}": f"{side.lower()}{ours}"
        for side in ("Left", "Right")
        for theirs, ours in _LIMBS.items()
    },
}
"""Bone of the mixamo rig -> bone of VRM 1.0."""

_PREFIX = "mixamorig:"
INFLUENCES = 4


@dataclass(frozen=True)
class Skeleton:
    """Bones in an order where parents come first.

    Args:
        names: VRM bone names.
        parents: index of the parent, -1 for the hips.
        heads: (B, 3) dm.
        weights: (19158, B) of the base mesh, rows sum to 1, at most four entries a row.

    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: Array
    weights: Array

    def index(self, name: str) -> int:
        """Position of a bone."""
        return self.names.index(name)


def skeleton(source: Source, points: Array) -> Skeleton:
    """Place the bones in ``points`` (19158, 3) dm."""
    rig = source.json("rigs/standard/rig.mixamo.json")["bones"]
    painted = source.json("rigs/standard/weights.mixamo.json")["weights"]
    theirs = sorted(HUMANOID, key=lambda name: len(_ancestry(rig, name)))
    names = [HUMANOID[name] for name in theirs]
    parents = [names.index(HUMANOID[up]) if (up := _parent(rig, name)) else -1 for name in theirs]
    heads = [_place(source, points, rig[_PREFIX + name]["head"]) for name in theirs]
    weights = np.zeros((len(points), len(names) + 3))
    for k, name in enumerate(theirs):
        for row, weight in painted[_PREFIX + name]:
            weights[int(row), k] += weight
    head = names.index("head")
    for side in ("left", "right"):
        eye = source.mesh.points_of(f"helper-{side[0]}-eye")
        weights[eye] = 0
        weights[eye, len(names)] = 1
        names.append(f"{side}Eye")
        parents.append(head)
        heads.append(points[eye].mean(axis=0))
    names.append("jaw")
    parents.append(head)
    heads.append(points[source.mesh.points_of("joint-jaw")].mean(axis=0))
    centred = np.array(heads)
    centred[[names.index(name) for name in (*_TORSO.values(), "jaw")], 0] = 0
    return Skeleton(tuple(names), tuple(parents), centred, _pruned(weights, head))


def _parent(rig: dict, name: str) -> str:
    return str(rig[_PREFIX + name]["parent"]).removeprefix(_PREFIX)


def _ancestry(rig: dict, name: str) -> list[str]:
    return [] if not name else [*_ancestry(rig, _parent(rig, name)), name]


def _place(source: Source, points: Array, where: dict) -> Array:
    if where["strategy"] == "CUBE":
        return points[source.mesh.points_of(where["cube_name"])].mean(axis=0)
    return points[where.get("vertex_indices") or [where["vertex_index"]]].mean(axis=0)


def _pruned(weights: Array, fallback: int) -> Array:
    """Keep the four largest of every row and make it sum to 1; rows without any hang on ``fallback``."""
    smallest = np.argsort(weights, axis=1)[:, :-INFLUENCES]
    kept = weights.copy()
    np.put_along_axis(kept, smallest, 0, axis=1)
    kept[kept.sum(axis=1) == 0, fallback] = 1
    return kept / kept.sum(axis=1, keepdims=True)


def top_influences(weights: Array) -> tuple[Index, Array]:
    """Return joints (V, 4) and weights (V, 4) of dense rows, normalised."""
    joints = np.argsort(-weights, axis=1)[:, :INFLUENCES]
    kept = np.take_along_axis(weights, joints, axis=1)
    joints[kept == 0] = 0
    return joints, kept / kept.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Pose:
    """A rotation of every bone about its own head, and where the heads go."""

    bones: Skeleton
    turns: Array  # (B, 3, 3) world rotations
    heads: Array  # (B, 3) dm

    def apply(self, points: Array, weights: Array) -> Array:
        """Move ``points`` (V, 3) with bone ``weights`` (V, B) by linear blend skinning."""
        moved = np.zeros_like(points)
        for k in np.flatnonzero(weights.any(axis=0)):
            rows = weights[:, k] > 0
            placed = (points[rows] - self.bones.heads[k]) @ self.turns[k].T + self.heads[k]
            moved[rows] += weights[rows, k : k + 1] * placed
        return moved


def t_pose(bones: Skeleton) -> Pose:
    """Return the pose with arms along X, palms down, legs along -Y, everything else as it was."""
    turns = np.tile(np.eye(3), (len(bones.names), 1, 1))
    for k, (name, parent) in enumerate(zip(bones.names, bones.parents, strict=True)):
        if parent >= 0:
            turns[k] = turns[parent]
        turns[k] = _turn(bones, name, turns[k])
    heads = bones.heads.copy()
    for k, parent in enumerate(bones.parents):
        if parent >= 0:
            heads[k] = heads[parent] + turns[parent] @ (bones.heads[k] - bones.heads[parent])
    return Pose(bones, turns, heads)


def _turn(bones: Skeleton, name: str, inherited: Array) -> Array:
    """World rotation of one bone, given its parent's."""
    side = "left" if name.startswith("left") else "right"
    part, out = name.removeprefix(side), np.array([1.0 if side == "left" else -1.0, 0, 0])

    def towards(child: str) -> Array:
        return bones.heads[bones.index(side + child)] - bones.heads[bones.index(name)]

    if part in ("UpperArm", "LowerArm"):
        return _align(inherited, towards("LowerArm" if part == "UpperArm" else "Hand"), out)
    if part == "Hand":
        across = (
            bones.heads[bones.index(side + "LittleProximal")]
            - bones.heads[bones.index(side + "IndexProximal")]
        )
        return _frame(np.array(out), np.array([0, 0, -1.0])) @ _frame(towards("MiddleProximal"), across).T
    for stem in ("Index", "Middle", "Ring", "Little"):
        if part == f"{stem}Proximal":
            return _align(inherited, towards(f"{stem}Intermediate"), _splayed(out, stem))
        if part == f"{stem}Intermediate":
            return _align(inherited, towards(f"{stem}Distal"), _splayed(out, stem))
    if part in ("UpperLeg", "LowerLeg"):
        return _align(
            inherited, towards("LowerLeg" if part == "UpperLeg" else "Foot"), np.array([0, -1.0, 0])
        )
    return np.eye(3) if part == "Foot" else inherited


def _splayed(out: Array, stem: str) -> Array:
    """Fingers lie almost parallel: a few degrees apart, so that their skin does not touch."""
    angle = np.deg2rad({"Index": 4, "Middle": 0, "Ring": -4, "Little": -8}[stem])
    return np.array([out[0] * np.cos(angle), 0, np.sin(angle)])


def _align(inherited: Array, direction: Array, target: Array) -> Array:
    """Turn on from ``inherited`` by the smallest rotation that brings ``direction`` to ``target``."""
    now = inherited @ (direction / np.linalg.norm(direction))
    axis = np.cross(now, target)
    sine, cosine = np.linalg.norm(axis), now @ target
    if sine < 1e-9:
        return inherited
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine)).as_matrix() @ inherited


def _frame(first: Array, second: Array) -> Array:
    """Orthonormal columns: along ``first``, then ``second`` made square to it, then their cross product."""
    x = first / np.linalg.norm(first)
    y = second - (second @ x) * x
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)
