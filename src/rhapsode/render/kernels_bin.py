"""Compiled sorting of triangles: which are seen, how near they are, which tiles of the picture they touch."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled
from rhapsode.render.kernels_pose import SUBPIXEL

TILE = 32
"""Pixels along the edge of a tile."""

_DEPTHS = 4096

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


class Drawing(NamedTuple):
    """What the tiles of one video frame are drawn from.

    Args:
        triangles: (T, 3) int32.
        material_of: (T,) int32.
        materials: (M, 20) float32, see `rhapsode.render.scene`.
        fixed: (V, 6) float32: u, v, linear colour, alpha.
        texels: (N, 4) uint8.
        levels: (pictures, levels, 3) int64.
        moved: (V, 12) float32, see `rhapsode.render.kernels_pose`.
        screen: (V, 2) int32.
        side: (T,) int8: 0 unseen, 1 front, 2 back.
        mip: (T,) int8 mip level.
        box: (T, 4) int16 first and last column and row of the tiles that a triangle touches.
        nearness: (T,) float32 that grows towards the camera.
        look: (48,) float64 lights, see `rhapsode.render.kernels_shade`.

    """

    triangles: Int32
    material_of: Int32
    materials: Float32
    fixed: Float32
    texels: NDArray[np.uint8]
    levels: NDArray[np.int64]
    moved: Float32
    screen: Int32
    side: NDArray[np.int8]
    mip: NDArray[np.int8]
    box: NDArray[np.int16]
    nearness: Float32
    look: NDArray[np.float64]


@compiled
def cull(d: Drawing, begin: int, end: int, width: int, height: int) -> None:
    """Tell which of the triangles ``begin:end`` are seen; choose their mip levels and tiles."""
    for t in range(begin, end):
        d.side[t] = 0
        a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
        if d.moved[a, 6] == 0.0 or d.moved[b, 6] == 0.0 or d.moved[c, 6] == 0.0:
            continue
        ax, ay = int(d.screen[a, 0]), int(d.screen[a, 1])
        bx, by = int(d.screen[b, 0]), int(d.screen[b, 1])
        cx, cy = int(d.screen[c, 0]), int(d.screen[c, 1])
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        row = d.material_of[t]
        if area == 0 or (area > 0 and d.materials[row, 7] == 0.0):
            continue
        x0, x1 = min(ax, bx, cx) // SUBPIXEL, max(ax, bx, cx) // SUBPIXEL
        y0, y1 = min(ay, by, cy) // SUBPIXEL, max(ay, by, cy) // SUBPIXEL
        if x1 < 0 or y1 < 0 or x0 >= width or y0 >= height:
            continue
        d.side[t] = 2 if area > 0 else 1
        d.box[t, 0], d.box[t, 1] = max(x0, 0) // TILE, min(x1, width - 1) // TILE
        d.box[t, 2], d.box[t, 3] = max(y0, 0) // TILE, min(y1, height - 1) // TILE
        d.nearness[t] = d.moved[a, 6] + d.moved[b, 6] + d.moved[c, 6]
        picture = int(d.materials[row, 8])
        if picture >= 0:
            du1, dv1 = d.fixed[b, 0] - d.fixed[a, 0], d.fixed[b, 1] - d.fixed[a, 1]
            du2, dv2 = d.fixed[c, 0] - d.fixed[a, 0], d.fixed[c, 1] - d.fixed[a, 1]
            wide, tall = d.levels[picture, 0, 1], d.levels[picture, 0, 2]
            inv = SUBPIXEL / float(area)
            ux = (du1 * (cy - ay) - du2 * (by - ay)) * inv * wide
            uy = (du2 * (bx - ax) - du1 * (cx - ax)) * inv * wide
            vx = (dv1 * (cy - ay) - dv2 * (by - ay)) * inv * tall
            vy = (dv2 * (bx - ax) - dv1 * (cx - ax)) * inv * tall
            even = abs(ux * vy - uy * vx)
            worst = max(ux * ux + vx * vx, uy * uy + vy * vy)
            level = 0.25 * math.log2(max(even * worst, 1.0)) - 0.2
            d.mip[t] = min(int(level + 0.5), d.levels.shape[1] - 1)


@compiled
def nearest_first(d: Drawing) -> Int32:
    """Return the triangles that are seen, the nearest first, by a counting sort over 1/depth."""
    low, high, seen = np.float32(np.inf), np.float32(0.0), 0
    for t in range(len(d.triangles)):
        if d.side[t] != 0:
            low, high, seen = min(low, d.nearness[t]), max(high, d.nearness[t]), seen + 1
    scale = (_DEPTHS - 1) / (high - low) if high > low else np.float32(0.0)
    place = np.zeros(_DEPTHS + 1, np.int64)
    for t in range(len(d.triangles)):
        if d.side[t] != 0:
            place[int((high - d.nearness[t]) * scale) + 1] += 1
    for n in range(_DEPTHS):
        place[n + 1] += place[n]
    order = np.empty(seen, np.int32)
    for t in range(len(d.triangles)):
        if d.side[t] != 0:
            n = int((high - d.nearness[t]) * scale)
            order[place[n]] = t
            place[n] += 1
    return order


@compiled
def bin_triangles(d: Drawing, width: int, height: int) -> tuple[NDArray[np.int64], Int32]:
    """List the triangles that `cull` left per tile, near ones first.

    Returns:
        (tiles + 1,) int64 first entry of each tile, and the (N,) int32 triangles listed.

    """
    across, down = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    first = np.zeros(across * down + 1, np.int64)
    order = nearest_first(d)
    for t in order:
        for ty in range(d.box[t, 2], d.box[t, 3] + 1):
            for tx in range(d.box[t, 0], d.box[t, 1] + 1):
                first[ty * across + tx + 1] += 1
    for tile in range(across * down):
        first[tile + 1] += first[tile]
    place = first[:-1].copy()
    listed = np.empty(first[across * down], np.int32)
    for t in order:
        for ty in range(d.box[t, 2], d.box[t, 3] + 1):
            for tx in range(d.box[t, 0], d.box[t, 1] + 1):
                tile = ty * across + tx
                listed[place[tile]] = t
                place[tile] += 1
    return first, listed
