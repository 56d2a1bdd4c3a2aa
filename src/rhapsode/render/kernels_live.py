"""Compiled depth for live video: what `kernels_raster.draw_opaque` finds, for less work.

What the previous picture showed is drawn first, so that most of what lies behind it is skipped at a glance.
Blocks of 4 x 2 pixels with four samples each are compared at once, which the compiler turns into vector
instructions.

The loops take the arrays of a `Drawing` one by one: taken out of it inside a loop, each would be counted as a
reference, at more cost than the work itself.

Lane ``n`` of a block is sample ``n >> 3`` of the pixel in column ``n & 3`` and row ``n >> 2 & 1``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled, compiled_fast, inlined
from rhapsode.render.kernels_bin import Drawing
from rhapsode.render.kernels_pose import SUBPIXEL

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Int8 = NDArray[np.int8]
UInt8 = NDArray[np.uint8]

WIDE, TALL, LANES = 4, 2, 32
"""Pixels of a block each way, and its samples."""

_n = np.arange(LANES)
LANE_X = (((_n & 3) * SUBPIXEL) + 96 + 128 * (_n >> 3) - 320 * (_n >> 4)).astype(np.float32)
LANE_Y = (((_n >> 2 & 1) * SUBPIXEL) + 32 + 64 * (_n >> 3)).astype(np.float32)
MIDDLE_X, MIDDLE_Y = (_n[:8] & 3) * SUBPIXEL + np.float32(128), (_n[:8] >> 2) * SUBPIXEL + np.float32(128)
MIDDLE_X, MIDDLE_Y = MIDDLE_X.astype(np.float32), MIDDLE_Y.astype(np.float32)
_UP = np.int32(4096)  # Added before a fraction is cut off, so that what is negative goes down too.


@inlined
def highest(a: float, b: float) -> float:
    """Return a bound of a*x + b*y over the samples of a block."""
    return max(a * 32.0, a * 992.0) + max(b * 32.0, b * 480.0)


@inlined
def plane(
    ax: float, ay: float, ux: float, uy: float, vx: float, vy: float, e: float, f: float, g: float
) -> tuple[float, float, float]:
    """Return p, q, r of what is ``e``, ``f`` and ``g`` at the corners a, a + u, a + v, as p*x + q*y + r."""
    inv = 1.0 / (ux * vy - uy * vx)
    p = ((f - e) * vy - (g - e) * uy) * inv
    q = (ux * (g - e) - vx * (f - e)) * inv
    return p, q, e - p * ax - q * ay


@compiled_fast
def draw_listed(
    listed: Int32,
    left: int,
    top: int,
    right: int,
    bottom: int,
    near: Float32,
    low: Float32,
    ids: Int32,
    wanted: int,
    before: UInt8,
    alphas: Float32,
    triangles: Int32,
    material_of: Int32,
    materials: Float32,
    fixed: NDArray[Any],
    levels: Int64,
    moved: Float32,
    screen: Int32,
    side: Int8,
    mip: Int8,
) -> None:
    """Draw the opaque ones of ``listed`` whose ``before`` is ``wanted`` where nothing is nearer.

    Args:
        listed: (N,) triangles, near ones first.
        left: first column of the tile.
        top: first row.
        right: behind the last column.
        bottom: behind the last row.
        near: (rows, columns, 32) 1/depth of the blocks.
        low: (rows, columns) its least.
        ids: (rows, columns, 32) triangles seen.
        wanted: 0 or 1.
        before: (T,) 1 where the previous picture showed a triangle.
        alphas: (N,) alpha of all texels.
        triangles: this and the rest are those of `Drawing`.
        material_of: (T,).
        materials: (M, 20).
        fixed: (V, 6).
        levels: (pictures, levels, 3).
        moved: (V, 12).
        screen: (V, 2).
        side: (T,).
        mip: (T,).

    """
    here, cover = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    for index in range(len(listed)):
        t = listed[index]
        kind = material_of[t]
        if before[t] != wanted or materials[kind, 5] == 2.0:
            continue
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if side[t] == 1:
            b, c = c, b
        za, zb, zc = moved[a, 6], moved[b, 6], moved[c, 6]
        nearest = max(za, max(zb, zc))
        ax, ay = int(screen[a, 0]), int(screen[a, 1])
        bx_, by_ = int(screen[b, 0]), int(screen[b, 1])
        cx, cy = int(screen[c, 0]), int(screen[c, 1])
        x0 = (max(left, min(ax, min(bx_, cx)) // SUBPIXEL) - left) // WIDE
        x1 = (min(right - 1, max(ax, max(bx_, cx)) // SUBPIXEL) - left) // WIDE
        y0 = (max(top, min(ay, min(by_, cy)) // SUBPIXEL) - top) // TALL
        y1 = (min(bottom - 1, max(ay, max(by_, cy)) // SUBPIXEL) - top) // TALL
        open_ = 0
        for by in range(y0, y1 + 1):
            for bx in range(x0, x1 + 1):
                if nearest > low[by, bx]:
                    open_ += 1
        if open_ == 0:
            continue
        # Edge functions e*x + f*y + g, at least 0 inside; -1 for the edges that belong to the neighbour.
        a0, b0 = by_ - cy, cx - bx_
        a1, b1 = cy - ay, ax - cx
        a2, b2 = ay - by_, bx_ - ax
        c0 = -(a0 * bx_ + b0 * by_) - (0 if (a0 > 0 or (a0 == 0 and b0 > 0)) else 1)
        c1 = -(a1 * cx + b1 * cy) - (0 if (a1 > 0 or (a1 == 0 and b1 > 0)) else 1)
        c2 = -(a2 * ax + b2 * ay) - (0 if (a2 > 0 or (a2 == 0 and b2 > 0)) else 1)
        ox, oy = float(ax), float(ay)
        ux, uy, vx, vy = float(bx_ - ax), float(by_ - ay), float(cx - ax), float(cy - ay)
        p, q, r = plane(ox, oy, ux, uy, vx, vy, float(za), float(zb), float(zc))
        high0, high1, high2, high = highest(a0, b0), highest(a1, b1), highest(a2, b2), highest(p, q)
        fa0, fb0, fa1, fb1 = np.float32(a0), np.float32(b0), np.float32(a1), np.float32(b1)
        fa2, fb2, fp, fq = np.float32(a2), np.float32(b2), np.float32(p), np.float32(q)
        masked, planned = materials[kind, 5] == 1.0 and materials[kind, 8] >= 0.0, False
        pu = qu = ru = pv = qv = rv = pa = qa = ra = 0.0
        least_u = least_v = most_u = most_v = half = np.float32(0.5)
        picture, level = max(int(materials[kind, 8]), 0), np.int64(mip[t])
        start: Any = np.int32(levels[picture, level, 0])
        width: Any = np.int32(levels[picture, level, 1])
        height: Any = np.int32(levels[picture, level, 2])
        whole_u = np.float32(1.0 if materials[kind, 15] > 0.0 else 0.0)
        whole_v = np.float32(1.0 if materials[kind, 16] > 0.0 else 0.0)
        for by in range(y0, y1 + 1):
            py = (top + by * TALL) * SUBPIXEL
            for bx in range(x0, x1 + 1):
                px = (left + bx * WIDE) * SUBPIXEL
                z = p * px + q * py + r
                if min(z + high, nearest) <= low[by, bx]:
                    continue
                e0, e1, e2 = a0 * px + b0 * py + c0, a1 * px + b1 * py + c1, a2 * px + b2 * py + c2
                if e0 + high0 < 0 or e1 + high1 < 0 or e2 + high2 < 0:
                    continue
                # Whole numbers at the corner of the block: neighbours round the edge they share alike.
                f0, f1, f2, fz = np.float32(e0), np.float32(e1), np.float32(e2), np.float32(z)
                if masked:
                    most = np.float32(0.0)
                    for n in range(LANES):
                        x, y = LANE_X[n], LANE_Y[n]
                        depth = fz + (fp * x + fq * y)
                        i0 = f0 + (fa0 * x + fb0 * y)
                        i1 = f1 + (fa1 * x + fb1 * y)
                        i2 = f2 + (fa2 * x + fb2 * y)
                        take = (min(min(i0, i1), i2) >= np.float32(0.0)) & (depth > near[by, bx, n])
                        here[n] = depth if take else np.float32(0.0)
                        most = max(most, here[n])
                    if most == 0.0:
                        continue
                    if not planned:
                        planned = True
                        ua, ub, uc = fixed[a, 0], fixed[b, 0], fixed[c, 0]
                        va, vb, vc = fixed[a, 1], fixed[b, 1], fixed[c, 1]
                        aa, ab, ac = fixed[a, 5], fixed[b, 5], fixed[c, 5]
                        pu, qu, ru = plane(ox, oy, ux, uy, vx, vy, ua * za, ub * zb, uc * zc)
                        pv, qv, rv = plane(ox, oy, ux, uy, vx, vy, va * za, vb * zb, vc * zc)
                        pa, qa, ra = plane(ox, oy, ux, uy, vx, vy, aa * za, ab * zb, ac * zc)
                        least_u, most_u = min(ua, min(ub, uc)), max(ua, max(ub, uc))
                        least_v, most_v = min(va, min(vb, vc)), max(va, max(vb, vc))
                    hu, hv = np.float32(pu * px + qu * py + ru), np.float32(pv * px + qv * py + rv)
                    ha = np.float32(pa * px + qa * py + ra)
                    gu, gv, ga = np.float32(pu), np.float32(pv), np.float32(pa)
                    ku, kv, ka = np.float32(qu), np.float32(qv), np.float32(qa)
                    for n in range(8):
                        if max(max(here[n], here[n + 8]), max(here[n + 16], here[n + 24])) == 0.0:
                            continue
                        x, y = MIDDLE_X[n], MIDDLE_Y[n]
                        depth = np.float32(1.0) / (fz + (fp * x + fq * y))
                        u = min(max((hu + (gu * x + ku * y)) * depth, least_u), most_u)
                        v = min(max((hv + (gv * x + kv * y)) * depth, least_v), most_v)
                        u = (u - np.float32(np.int32(u + _UP) - _UP) * whole_u) * width - half
                        v = (v - np.float32(np.int32(v + _UP) - _UP) * whole_v) * height - half
                        iu, iv = np.int32(u + _UP) - _UP, np.int32(v + _UP) - _UP
                        fu, fv = u - np.float32(iu), v - np.float32(iv)
                        # What repeats beyond the edge of a picture is taken from the edge itself.
                        u0, v0 = min(max(iu, 0), width - 1), min(max(iv, 0), height - 1)
                        u1, v1 = min(max(iu + 1, 0), width - 1), min(max(iv + 1, 0), height - 1)
                        v0, v1 = start + v0 * width, start + v1 * width
                        upper = alphas[v0 + u0] + (alphas[v0 + u1] - alphas[v0 + u0]) * fu
                        lower = alphas[v1 + u0] + (alphas[v1 + u1] - alphas[v1 + u0]) * fu
                        alpha = materials[kind, 4] * ((ha + (ga * x + ka * y)) * depth)
                        alpha = alpha * (upper + (lower - upper) * fv) - materials[kind, 6]
                        # As many samples as there are quarters of alpha, in the order 0, 3, 2, 1.
                        cover[n] = alpha + np.float32(0.1875)
                        cover[n + 8] = alpha - np.float32(0.1875)
                        cover[n + 16] = alpha - np.float32(0.0625)
                        cover[n + 24] = alpha + np.float32(0.0625)
                    for n in range(LANES):
                        was, who = near[by, bx, n], ids[by, bx, n]
                        take = (here[n] > np.float32(0.0)) & (cover[n] >= np.float32(0.0))
                        near[by, bx, n] = here[n] if take else was
                        ids[by, bx, n] = t if take else who
                else:
                    for n in range(LANES):
                        x, y = LANE_X[n], LANE_Y[n]
                        depth = fz + (fp * x + fq * y)
                        i0 = f0 + (fa0 * x + fb0 * y)
                        i1 = f1 + (fa1 * x + fb1 * y)
                        i2 = f2 + (fa2 * x + fb2 * y)
                        was, who = near[by, bx, n], ids[by, bx, n]
                        take = (min(min(i0, i1), i2) >= np.float32(0.0)) & (depth > was)
                        near[by, bx, n] = depth if take else was
                        ids[by, bx, n] = t if take else who
                least = near[by, bx, 0]
                for n in range(1, LANES):
                    least = min(least, near[by, bx, n])
                low[by, bx] = least


@compiled
def draw_opaque(
    d: Drawing,
    listed: Int32,
    left: int,
    top: int,
    right: int,
    bottom: int,
    near: Float32,
    low: Float32,
    ids: Int32,
    before: UInt8,
    alphas: Float32,
) -> None:
    """Find the nearest opaque triangle of every sample of a tile, those that were seen ``before`` first."""
    for wanted in (1, 0):
        draw_listed(
            listed,
            left,
            top,
            right,
            bottom,
            near,
            low,
            ids,
            wanted,
            before,
            alphas,
            d.triangles,
            d.material_of,
            d.materials,
            d.fixed,
            d.levels,
            d.moved,
            d.screen,
            d.side,
            d.mip,
        )
