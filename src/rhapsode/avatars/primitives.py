"""Primitives of a glTF: triangles, texture coordinates, joints and sparse morph targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.avatar import Morph, Primitive
from rhapsode.avatars.gltf import GltfFile

_SMALLEST_OFFSET_M = 1e-6


def primitive(
    file: GltfFile,
    row: Mapping[str, Any],
    target_names: tuple[str, ...],
    *,
    node: int,
    name: str,
    skin: int,
    last: int,
) -> Primitive | None:
    """Return one drawable primitive, or None for points and lines."""
    attributes = row["attributes"]
    packed = "KHR_draco_mesh_compression" in row.get("extensions", {})
    if packed and "bufferView" not in file.item("accessors", attributes["POSITION"]):
        raise file.compressed("KHR_draco_mesh_compression")
    positions = file.accessor(attributes["POSITION"]).astype(np.float32)
    count = len(positions)
    indices = file.accessor(row["indices"])[:, 0] if "indices" in row else np.arange(count)
    triangles = _triangles(indices.astype(np.int64), row.get("mode", 4))
    if triangles is None or not len(triangles):
        return None
    if triangles.max() >= count or not np.isfinite(positions).all():
        raise file.broken(f"mesh '{name}' has vertices out of range")
    material = row.get("material", last)
    uv = _uv(file, attributes, material, count)
    colours = np.ones((count, 4), np.float32)
    if "COLOR_0" in attributes:
        given = file.accessor(attributes["COLOR_0"]).astype(np.float32)
        colours[:, : given.shape[1]] = given
    if "NORMAL" in attributes:
        normals = file.accessor(attributes["NORMAL"]).astype(np.float32)
    else:
        normals = smooth_normals(positions, triangles)
    joints, weights = _influences(file, attributes, count, skin)
    morphs: dict[str, Morph] = {}
    for target_name, target in zip(target_names, row.get("targets", []), strict=False):
        if "POSITION" in target:
            offsets = file.accessor(target["POSITION"]).astype(np.float32)
            moved = np.flatnonzero(np.abs(offsets).max(axis=1) > _SMALLEST_OFFSET_M)
            morphs[target_name] = Morph(moved.astype(np.int32), np.ascontiguousarray(offsets[moved]))
    return Primitive(
        name, node, positions, normals, uv, colours, triangles, joints, weights, morphs, material, skin
    )


def _triangles(indices: NDArray[np.int64], mode: int) -> NDArray[np.int32] | None:
    if mode == 4:
        found = indices[: len(indices) // 3 * 3].reshape(-1, 3)
    elif mode == 5:
        found = np.stack([indices[:-2], indices[1:-1], indices[2:]], axis=1)
        found[1::2] = found[1::2, [1, 0, 2]]
    elif mode == 6:
        found = np.stack([np.full(len(indices) - 2, indices[0]), indices[1:-1], indices[2:]], axis=1)
    else:
        return None
    return np.ascontiguousarray(found, np.int32)


def _uv(file: GltfFile, attributes: Mapping[str, int], material: int, count: int) -> NDArray[np.float32]:
    rows = file.json.get("materials", [])
    info = (
        rows[material].get("pbrMetallicRoughness", {}).get("baseColorTexture", {})
        if material < len(rows)
        else {}
    )
    move = info.get("extensions", {}).get("KHR_texture_transform", {})
    key = f"TEXCOORD_{move.get('texCoord', info.get('texCoord', 0))}"
    if key not in attributes:
        return np.zeros((count, 2), np.float32)
    uv = file.accessor(attributes[key]).astype(np.float32)
    if move:
        angle = float(move.get("rotation", 0.0))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        uv = (uv * np.array(move.get("scale", (1, 1)))) @ turn + np.array(move.get("offset", (0, 0)))
    return np.ascontiguousarray(uv, np.float32)


def _influences(
    file: GltfFile, attributes: Mapping[str, int], count: int, skin: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the four strongest joints of every vertex and their weights, which sum to 1."""
    if skin < 0 or "JOINTS_0" not in attributes:
        return np.zeros((count, 4), np.int32), np.zeros((count, 4), np.float32)
    sets = [n for n in range(4) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
    joints = np.concatenate([file.accessor(attributes[f"JOINTS_{n}"]) for n in sets], axis=1).astype(np.int32)
    weights = np.concatenate([file.accessor(attributes[f"WEIGHTS_{n}"]) for n in sets], axis=1).astype(
        np.float32
    )
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    joints, weights = np.take_along_axis(joints, order, 1), np.take_along_axis(weights, order, 1)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    weights[total[:, 0] <= 0, 0] = 1.0
    limit = len(file.item("skins", skin)["joints"])
    if joints[weights > 0].max(initial=0) >= limit:
        raise file.broken(f"a vertex follows joint {joints.max()} of a skin with {limit}")
    return np.ascontiguousarray(np.minimum(joints, limit - 1)), np.ascontiguousarray(weights)


def smooth_normals(positions: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return area-weighted vertex normals, (V, 3) float32; vertices at one place share theirs."""
    _, weld = np.unique(np.round(positions, 6), axis=0, return_inverse=True)
    a, b, c = (positions[triangles[:, k]].astype(np.float64) for k in range(3))
    face = np.cross(b - a, c - a)
    total = np.zeros((weld.max() + 1, 3))
    for k in range(3):
        np.add.at(total, weld[triangles[:, k]], face)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    total = np.divide(total, length, out=np.zeros_like(total), where=length > 0)
    total[length[:, 0] == 0] = (0, 0, 1)
    return np.asarray(total[weld.ravel()], np.float32)
