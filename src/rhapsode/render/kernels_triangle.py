"""Compiled: one triangle on the screen. Where its edges run, how deep it lies, and its colour at a point.

Coordinates are fixed-point with `SUBPIXEL` steps per pixel; a pixel has four samples, a rotated 2 x 2 grid.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rhapsode.render.jit import inlined
from rhapsode.render.kernels_bin import Drawing
from rhapsode.render.kernels_pose import SUBPIXEL
from rhapsode.render.kernels_shade import HAIR, light, texel

_COVER = 0xFD910  # Samples that 0 to 4 quarters of alpha cover, four bits each.


@inlined
def corner_weights(d: Drawing, t: int, x: float, y: float) -> tuple[float, float, float]:
    """Return the perspective-correct weights of the three corners at a screen position in subpixels."""
    a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
    ax, ay = d.screen[a, 0] - x, d.screen[a, 1] - y
    bx, by = d.screen[b, 0] - x, d.screen[b, 1] - y
    cx, cy = d.screen[c, 0] - x, d.screen[c, 1] - y
    wa = (bx * cy - by * cx) * d.moved[a, 6]
    wb = (cx * ay - cy * ax) * d.moved[b, 6]
    wc = (ax * by - ay * bx) * d.moved[c, 6]
    total = wa + wb + wc
    if total == 0.0:
        return 1.0, 0.0, 0.0
    inv = 1.0 / total
    return wa * inv, wb * inv, wc * inv


@inlined
def sample_x(s: int) -> int:
    """Return where sample ``s`` of a pixel lies: 96, 224, 32 or 160 subpixels from its left edge."""
    return 96 + 128 * s - 320 * (s >> 1)


@inlined
def sample_y(s: int) -> int:
    """Return where sample ``s`` of a pixel lies: 32, 96, 160 or 224 subpixels from its top edge."""
    return 32 + 64 * s


@inlined
def mask_at(d: Drawing, t: int, x: float, y: float) -> int:
    """Return which samples of a pixel the alpha of a masked triangle covers, as bits; x, y is its centre."""
    wa, wb, wc = corner_weights(d, t, x, y)
    wa, wb, wc = max(wa, 0.0), max(wb, 0.0), max(wc, 0.0)
    inv = 1.0 / (wa + wb + wc)
    wa, wb, wc = wa * inv, wb * inv, wc * inv
    a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
    row = d.material_of[t]
    alpha = d.materials[row, 4] * (wa * d.fixed[a, 5] + wb * d.fixed[b, 5] + wc * d.fixed[c, 5])
    if d.materials[row, 8] >= 0.0:
        u = wa * d.fixed[a, 0] + wb * d.fixed[b, 0] + wc * d.fixed[c, 0]
        v = wa * d.fixed[a, 1] + wb * d.fixed[b, 1] + wc * d.fixed[c, 1]
        alpha *= texel(
            d.texels,
            d.levels,
            int(d.materials[row, 8]),
            d.mip[t],
            u,
            v,
            d.materials[row, 15] > 0.0,
            d.materials[row, 16] > 0.0,
        )[3]
    quarters = int(min(max((alpha - d.materials[row, 6]) * 8.0 + 2.5, 0.0), 4.0))
    return (_COVER >> (4 * quarters)) & 15


@inlined
def colour_at(d: Drawing, t: int, x: float, y: float) -> tuple[float, float, float, float]:
    """Return r, g, b (linear light) and alpha of triangle ``t`` at a screen position."""
    wa, wb, wc = corner_weights(d, t, x, y)
    a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
    row = d.material_of[t]
    red = d.materials[row, 1] * (wa * d.fixed[a, 2] + wb * d.fixed[b, 2] + wc * d.fixed[c, 2])
    green = d.materials[row, 2] * (wa * d.fixed[a, 3] + wb * d.fixed[b, 3] + wc * d.fixed[c, 3])
    blue = d.materials[row, 3] * (wa * d.fixed[a, 4] + wb * d.fixed[b, 4] + wc * d.fixed[c, 4])
    alpha = d.materials[row, 4] * (wa * d.fixed[a, 5] + wb * d.fixed[b, 5] + wc * d.fixed[c, 5])
    if d.materials[row, 8] >= 0.0:
        u = wa * d.fixed[a, 0] + wb * d.fixed[b, 0] + wc * d.fixed[c, 0]
        v = wa * d.fixed[a, 1] + wb * d.fixed[b, 1] + wc * d.fixed[c, 1]
        tr, tg, tb, ta = texel(
            d.texels,
            d.levels,
            int(d.materials[row, 8]),
            d.mip[t],
            u,
            v,
            d.materials[row, 15] > 0.0,
            d.materials[row, 16] > 0.0,
        )
        red, green, blue, alpha = red * tr, green * tg, blue * tb, alpha * ta
    nx = wa * d.moved[a, 3] + wb * d.moved[b, 3] + wc * d.moved[c, 3]
    ny = wa * d.moved[a, 4] + wb * d.moved[b, 4] + wc * d.moved[c, 4]
    nz = wa * d.moved[a, 5] + wb * d.moved[b, 5] + wc * d.moved[c, 5]
    n = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
    if d.side[t] == 2:
        n = -n
    sx, sy = (x - d.look[39]) * d.look[41], (d.look[40] - y) * d.look[41]
    square = 1.0 + sx * sx + sy * sy
    inv = 1.5 - 0.5 * min(square, 2.0)
    inv *= 1.5 - 0.5 * square * inv * inv
    vx = (d.look[36] - d.look[30] * sx - d.look[33] * sy) * inv
    vy = (d.look[37] - d.look[31] * sx - d.look[34] * sy) * inv
    vz = (d.look[38] - d.look[32] * sx - d.look[35] * sy) * inv
    lit = wa * d.moved[a, 7] + wb * d.moved[b, 7] + wc * d.moved[c, 7]
    rim = wa * d.moved[a, 11] + wb * d.moved[b, 11] + wc * d.moved[c, 11]
    tx = ty = tz = 0.0
    if d.materials[row, 0] == HAIR:
        tx = wa * d.moved[a, 8] + wb * d.moved[b, 8] + wc * d.moved[c, 8]
        ty = wa * d.moved[a, 9] + wb * d.moved[b, 9] + wc * d.moved[c, 9]
        tz = wa * d.moved[a, 10] + wb * d.moved[b, 10] + wc * d.moved[c, 10]
    r, g, b2 = light(
        int(d.materials[row, 0]),
        red,
        green,
        blue,
        nx * n,
        ny * n,
        nz * n,
        vx,
        vy,
        vz,
        tx,
        ty,
        tz,
        lit,
        rim,
        d.look,
    )
    return r + d.materials[row, 12], g + d.materials[row, 13], b2 + d.materials[row, 14], alpha


@inlined
def edges_of(d: Drawing, t: int) -> tuple[Any, ...]:
    """Return the three edge functions of a triangle as (a, b, c) each: inside where a*x + b*y + c >= 0."""
    i, j, k = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
    if d.side[t] == 1:
        j, k = k, j
    x0, y0 = np.int64(d.screen[i, 0]), np.int64(d.screen[i, 1])
    x1, y1 = np.int64(d.screen[j, 0]), np.int64(d.screen[j, 1])
    x2, y2 = np.int64(d.screen[k, 0]), np.int64(d.screen[k, 1])
    a0, b0 = y1 - y2, x2 - x1
    a1, b1 = y2 - y0, x0 - x2
    a2, b2 = y0 - y1, x1 - x0
    c0 = -(a0 * x1 + b0 * y1) - (0 if (a0 > 0 or (a0 == 0 and b0 > 0)) else 1)
    c1 = -(a1 * x2 + b1 * y2) - (0 if (a1 > 0 or (a1 == 0 and b1 > 0)) else 1)
    c2 = -(a2 * x0 + b2 * y0) - (0 if (a2 > 0 or (a2 == 0 and b2 > 0)) else 1)
    return a0, b0, c0, a1, b1, c1, a2, b2, c2


@inlined
def depth_plane(d: Drawing, t: int) -> tuple[float, float, float]:
    """Return p, q, r with 1/depth = p*x + q*y + r over the screen in subpixels."""
    a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
    ax, ay = float(d.screen[a, 0]), float(d.screen[a, 1])
    ux, uy, uz = d.screen[b, 0] - ax, d.screen[b, 1] - ay, float(d.moved[b, 6]) - float(d.moved[a, 6])
    vx, vy, vz = d.screen[c, 0] - ax, d.screen[c, 1] - ay, float(d.moved[c, 6]) - float(d.moved[a, 6])
    inv = 1.0 / (ux * vy - uy * vx)
    p = (uz * vy - vz * uy) * inv
    q = (ux * vz - vx * uz) * inv
    return p, q, float(d.moved[a, 6]) - p * ax - q * ay


@inlined
def bounds_of(d: Drawing, t: int, left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
    """Return the first and last column and row of a triangle inside a tile."""
    i, j, k = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
    xi, xj, xk = d.screen[i, 0], d.screen[j, 0], d.screen[k, 0]
    yi, yj, yk = d.screen[i, 1], d.screen[j, 1], d.screen[k, 1]
    return (
        max(left, min(xi, xj, xk) // SUBPIXEL),
        min(right - 1, max(xi, xj, xk) // SUBPIXEL),
        max(top, min(yi, yj, yk) // SUBPIXEL),
        min(bottom - 1, max(yi, yj, yk) // SUBPIXEL),
    )


@inlined
def furthest(a: float, b: float) -> float:
    """Return the greatest a*x + b*y over the four samples of a pixel."""
    one = max(a * sample_x(0) + b * sample_y(0), a * sample_x(1) + b * sample_y(1))
    return max(one, max(a * sample_x(2) + b * sample_y(2), a * sample_x(3) + b * sample_y(3)))


@inlined
def span(begin: int, end: int, value: float, step: float) -> tuple[int, int]:
    """Narrow begin..end to where value + step * x >= 0, at most one too wide on either side."""
    if step > 0:
        return max(begin, int(-value / step) - 1), end
    if step < 0:
        return begin, min(end, int(-value / step) + 1)
    return begin, end if value >= 0 else begin - 1


@inlined
def same_surface(d: Drawing, t: int, o: int) -> bool:
    """Tell whether two triangles are one, or share a vertex and a material."""
    if t == o:
        return True
    if d.material_of[t] != d.material_of[o]:
        return False
    for i in range(3):
        for j in range(3):
            if d.triangles[t, i] == d.triangles[o, j]:
                return True
    return False
