"""An avatar flattened into the arrays that the compiled loops read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, Material
from rhapsode.render.kernels_pose import weld_normals
from rhapsode.render.textures import Textures, pack_textures

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

SHADING_CODES = {
    name: code
    for code, name in enumerate(("default", "skin", "eye", "hair", "cloth", "mouth", "lash", "toon", "unlit"))
}
MATERIAL_COLUMNS = 20
_HOLE_MARGIN = 2  # texels around a triangle that may bleed into it
_SOLID_ALPHA = 250
_ALPHA_CODES = {"OPAQUE": 0, "MASK": 1, "BLEND": 2}

MATTE = 0.8
"""Roughness from which hair has no strands that shine: tight curls."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Geometry of all primitives put together.

    Args:
        positions: (V, 3) float32 at rest, in each mesh's own frame.
        normals: (V, 3) float32.
        tangents: (V, 3) float32 along the strands, zero except for hair.
        fixed: (V, 6) float32: u, v and linear colour with alpha.
        joints: (V, 4) int32 rows of the joint matrices.
        weights: (V, 4) float32, descending.
        triangles: (T, 3) int32.
        triangle_material: (T,) int32.
        partly: (T,) bool: masked triangles whose solid neighbours are enough to cast the shadow.
        joint_nodes: (J,) int32 node of each joint row.
        inverse_bind: (J, 4, 4) float64.
        morph_first: (M + 1,) int64 into the next two.
        morph_vertices: (K,) int32.
        morph_offsets: (K, 3) float32.
        touched: (U,) int32 vertices that any morph target moves.
        region: (R,) int32 vertices whose normal any morph target changes.
        region_triangles: (Q, 3) int32 triangles around them.
        weld: (V,) int32 row of the welded normal, 0 outside the region.
        rest_welded: (W, 3) float32 welded normals at rest.
        materials: (M, `MATERIAL_COLUMNS`) float32.
        textures: all pictures.

    """

    positions: Float32
    normals: Float32
    tangents: Float32
    fixed: Float32
    joints: Int32
    weights: Float32
    triangles: Int32
    triangle_material: Int32
    partly: NDArray[np.bool_]
    joint_nodes: Int32
    inverse_bind: NDArray[np.float64]
    morph_first: Int64
    morph_vertices: Int32
    morph_offsets: Float32
    touched: Int32
    region: Int32
    region_triangles: Int32
    weld: Int32
    rest_welded: Float32
    materials: Float32
    textures: Textures


def flatten(
    avatar: Avatar, keep: NDArray[np.bool_] | None = None, *, textures: Textures | None = None
) -> Scene:
    """Put the primitives of ``avatar`` together.

    Args:
        avatar: any avatar.
        keep: (T,) triangles to keep, in the order of the primitives; None keeps all. Vertices without a
            triangle are left out.
        textures: packed pictures of the avatar, to pack them once for several scenes.

    """
    parts = avatar.primitives
    starts = np.cumsum([0, *(len(part.positions) for part in parts)])
    triangles = np.concatenate(
        [part.triangles + start for part, start in zip(parts, starts[:-1], strict=True)]
    )
    material = np.concatenate([np.full(len(part.triangles), part.material, np.int32) for part in parts])
    if keep is not None:
        triangles, material = triangles[keep], material[keep]
    used = np.zeros(starts[-1], np.bool_)
    used[triangles] = True
    place = np.cumsum(used, dtype=np.int32) - 1
    triangles = place[triangles].astype(np.int32)

    joint_nodes, inverse_bind, joints, weights = _joints(avatar)
    positions = np.concatenate([part.positions for part in parts])[used]
    normals = np.concatenate([part.normals for part in parts])[used]
    fixed = np.concatenate([np.concatenate([part.uv, part.colours], axis=1) for part in parts])[used]
    first, vertices, offsets = _morphs(avatar, starts, used, place)
    touched = np.unique(vertices).astype(np.int32)
    strands = np.array([row.shading == "hair" and row.roughness < MATTE for row in avatar.materials])
    tangents = _tangents(positions, fixed[:, :2], triangles[strands[material]], normals)
    materials = np.stack([_material_row(row, n, avatar.materials) for n, row in enumerate(avatar.materials)])
    declared = material
    materials, material = _without_holes(avatar, materials, material, triangles, fixed)
    partly = (material == declared) & np.isin(declared, declared[material != declared])
    region, around, weld, rows = _region(positions, triangles, touched)
    rest = np.zeros((rows, 3), np.float32)
    weld_normals(positions, around, weld, rest)
    return Scene(
        positions,
        normals,
        tangents,
        np.ascontiguousarray(fixed, np.float32),
        joints[used],
        weights[used],
        np.ascontiguousarray(triangles),
        material,
        partly,
        joint_nodes,
        inverse_bind,
        first,
        vertices,
        offsets,
        touched,
        region,
        around,
        weld,
        rest,
        materials,
        textures or pack_textures([row.texture for row in avatar.materials if row.texture is not None]),
    )


def _joints(avatar: Avatar) -> tuple[Int32, NDArray[np.float64], Int32, Float32]:
    """Give every joint of every skin, and every node that carries a rigid mesh, one row."""
    nodes: list[int] = []
    inverse: list[NDArray[np.float64]] = []
    skin_rows = []
    for skin in avatar.skins:
        skin_rows.append(len(nodes))
        nodes.extend(int(joint) for joint in skin.joints)
        inverse.extend(np.asarray(matrix, np.float64) for matrix in skin.inverse_bind)
    joints, weights = [], []
    for part in avatar.primitives:
        if part.skin >= 0:
            joints.append(part.joints + skin_rows[part.skin])
            weights.append(part.weights)
            continue
        joints.append(np.full((len(part.positions), 4), len(nodes), np.int32))
        weights.append(np.tile(np.array([1, 0, 0, 0], np.float32), (len(part.positions), 1)))
        nodes.append(part.node)
        inverse.append(np.eye(4))
    return (
        np.array(nodes, np.int32),
        np.stack(inverse),
        np.concatenate(joints).astype(np.int32),
        np.concatenate(weights).astype(np.float32),
    )


def _morphs(
    avatar: Avatar, starts: NDArray[np.int64], used: NDArray[np.bool_], place: Int32
) -> tuple[Int64, Int32, Float32]:
    first, vertices, offsets = [0], [np.zeros(0, np.int32)], [np.zeros((0, 3), np.float32)]
    for name in avatar.morph_names:
        for part, start in zip(avatar.primitives, starts[:-1], strict=True):
            if name not in part.morphs:
                continue
            row = part.morphs[name]
            here = used[row.vertices + start]
            vertices.append(place[row.vertices[here] + start])
            offsets.append(row.offsets[here])
        first.append(sum(len(part) for part in vertices))
    return (
        np.array(first, np.int64),
        np.concatenate(vertices).astype(np.int32),
        np.ascontiguousarray(np.concatenate(offsets), np.float32),
    )


def _region(positions: Float32, triangles: Int32, touched: Int32) -> tuple[Int32, Int32, Int32, int]:
    """Find what morphing changes: vertices, the triangles around them, and the welded normal of each."""
    if not len(touched):
        return touched, np.zeros((0, 3), np.int32), np.zeros(len(positions), np.int32), 1
    _, same = np.unique(np.round(positions, 5), axis=0, return_inverse=True)
    same = same.ravel()

    def around(vertices: NDArray[np.integer]) -> NDArray[np.bool_]:
        marked = np.zeros(same.max() + 1, np.bool_)
        marked[same[vertices]] = True
        return np.asarray(marked[same[triangles]].any(axis=1))

    region = np.unique(triangles[around(touched)]).astype(np.int32)
    ring = triangles[around(region)]
    rows, weld = np.unique(same[ring], return_inverse=True)
    place = np.zeros(len(positions), np.int32)
    place[ring.ravel()] = weld.ravel()
    return region, np.ascontiguousarray(ring), place, len(rows)


def _tangents(positions: Float32, uv: Float32, triangles: Int32, normals: Float32) -> Float32:
    """Return the direction in which v grows, (V, 3) unit vectors in the surface; zero elsewhere."""
    total = np.zeros((len(positions), 3))
    if len(triangles):
        a, b, c = (triangles[:, k] for k in range(3))
        e1, e2 = positions[b] - positions[a], positions[c] - positions[a]
        d1, d2 = uv[b] - uv[a], uv[c] - uv[a]
        area = d1[:, 0] * d2[:, 1] - d2[:, 0] * d1[:, 1]
        along = (e2 * d1[:, :1] - e1 * d2[:, :1]) * np.sign(area)[:, None]
        for corner in (a, b, c):
            np.add.at(total, corner, along)
        total -= normals * (total * normals).sum(axis=1, keepdims=True)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        total = np.divide(total, length, out=np.zeros_like(total), where=length > 1e-12)
    return total.astype(np.float32)


def _material_row(row: Material, index: int, table: Sequence[Material]) -> Float32:
    """Columns: shading, colour 1:5, alpha mode, cutoff, two-sided, texture, shade 9:12, light 12:15, wrap."""
    texture = sum(other.texture is not None for other in table[:index]) if row.texture is not None else -1
    values = [
        *(SHADING_CODES[row.shading], *row.colour, _ALPHA_CODES.get(row.alpha_mode, 0), row.alpha_cutoff),
        *(row.double_sided, texture, *row.shade, *row.emissive, *row.wrap),
    ]
    return np.array([*values, *[0.0] * (MATERIAL_COLUMNS - len(values))], np.float32)


def _without_holes(
    avatar: Avatar, table: Float32, material: Int32, triangles: Int32, fixed: Float32
) -> tuple[Float32, Int32]:
    """Give triangles of masked or transparent materials that show no hole an opaque copy of their material.

    Most of a strand of hair is solid; only its tip needs the slow way.

    Args:
        avatar: the owner of the materials.
        table: (M, `MATERIAL_COLUMNS`) rows of the materials.
        material: (T,) row of each triangle.
        triangles: (T, 3).
        fixed: (V, 6) texture coordinates and colours.

    Returns:
        The table with the copies, and the new row of each triangle.

    """
    table, material = table.copy(), material.copy()
    for index, row in enumerate(avatar.materials):
        mine = np.flatnonzero(material == index)
        if row.alpha_mode == "OPAQUE" or row.texture is None or not len(mine) or row.colour[3] < 1:
            continue
        height, width = row.texture.shape[:2]
        corners = fixed[triangles[mine]]
        low, high = corners[:, :, :2].min(axis=1), corners[:, :, :2].max(axis=1)
        inside = (low >= 0).all(axis=1) & (high <= 1).all(axis=1) & (corners[:, :, 5] >= 1).all(axis=1)
        size = np.array([width, height])
        first = np.clip(np.floor(low * size) - _HOLE_MARGIN, 0, size - 1).astype(int)
        last = np.clip(np.ceil(high * size) + _HOLE_MARGIN, 1, size).astype(int)
        holes = np.zeros((height + 1, width + 1), np.int64)
        holes[1:, 1:] = np.cumsum(np.cumsum(row.texture[..., 3] < _SOLID_ALPHA, axis=0), axis=1)
        count = holes[last[:, 1], last[:, 0]] - holes[first[:, 1], last[:, 0]]
        count -= holes[last[:, 1], first[:, 0]] - holes[first[:, 1], first[:, 0]]
        solid = mine[inside & (count == 0)]
        if len(solid):
            material[solid] = len(table)
            table = np.concatenate([table, table[index : index + 1]])
            table[-1, 5] = _ALPHA_CODES["OPAQUE"]
    return table, material
