"""Compiled rasteriser: bins triangles into tiles, then draws each tile on its own.

A tile keeps the nearest triangle of four samples per pixel (a rotated 2 x 2 grid). Then each pixel shades
every surface that it sees once, weighted by the samples that see it; triangles that share a vertex count as
one surface. Transparent triangles follow from back to front, tested against the depth of every sample.

Coordinates are fixed-point with `SUBPIXEL` steps per pixel, so neighbouring triangles leave no gap and share
no sample (top-left rule).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled, compiled_fast, inlined
from rhapsode.render.kernels_pose import SUBPIXEL
from rhapsode.render.kernels_shade import light, texel

TILE = 32
"""Pixels along the edge of a tile."""

_X0, _X1, _X2, _X3 = 96, 224, 32, 160
_Y0, _Y1, _Y2, _Y3 = 32, 96, 160, 224
_XS = (_X0, _X1, _X2, _X3)
_YS = (_Y0, _Y1, _Y2, _Y3)

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
        look: (40,) float64 lights, see `rhapsode.render.kernels_shade`.

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
    look: NDArray[np.float64]


@compiled
def bin_triangles(d: Drawing, width: int, height: int) -> tuple[NDArray[np.int64], Int32]:
    """Cull triangles, choose their mip levels (both written into ``d``) and list them per tile.

    Returns:
        (tiles + 1,) int64 first entry of each tile, and the (N,) int32 triangles listed.

    """
    across, down = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    count = np.zeros(across * down + 1, np.int64)
    box = np.empty((len(d.triangles), 4), np.int16)
    for t in range(len(d.triangles)):
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
        box[t, 0], box[t, 1] = max(x0, 0) // TILE, min(x1, width - 1) // TILE
        box[t, 2], box[t, 3] = max(y0, 0) // TILE, min(y1, height - 1) // TILE
        picture = int(d.materials[row, 8])
        if picture >= 0:
            du1, dv1 = d.fixed[b, 0] - d.fixed[a, 0], d.fixed[b, 1] - d.fixed[a, 1]
            du2, dv2 = d.fixed[c, 0] - d.fixed[a, 0], d.fixed[c, 1] - d.fixed[a, 1]
            texels = abs(du1 * dv2 - du2 * dv1) * d.levels[picture, 0, 1] * d.levels[picture, 0, 2]
            pixels = abs(area) / (SUBPIXEL * SUBPIXEL)
            level = 0.5 * math.log2(max(texels / pixels, 1.0)) - 0.2
            d.mip[t] = min(int(level + 0.5), d.levels.shape[1] - 1)
        for ty in range(box[t, 2], box[t, 3] + 1):
            for tx in range(box[t, 0], box[t, 1] + 1):
                count[ty * across + tx + 1] += 1
    first = count
    for tile in range(across * down):
        first[tile + 1] += first[tile]
    place = first[:-1].copy()
    listed = np.empty(first[across * down], np.int32)
    for t in range(len(d.triangles)):
        if d.side[t] == 0:
            continue
        for ty in range(box[t, 2], box[t, 3] + 1):
            for tx in range(box[t, 0], box[t, 1] + 1):
                tile = ty * across + tx
                listed[place[tile]] = t
                place[tile] += 1
    return first, listed


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


@compiled_fast
def alpha_at(d: Drawing, t: int, x: float, y: float) -> float:
    """Return the alpha of triangle ``t`` at a screen position."""
    wa, wb, wc = corner_weights(d, t, x, y)
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
    return float(alpha)


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
    px = wa * d.moved[a, 0] + wb * d.moved[b, 0] + wc * d.moved[c, 0]
    py = wa * d.moved[a, 1] + wb * d.moved[b, 1] + wc * d.moved[c, 1]
    pz = wa * d.moved[a, 2] + wb * d.moved[b, 2] + wc * d.moved[c, 2]
    lit = wa * d.moved[a, 7] + wb * d.moved[b, 7] + wc * d.moved[c, 7]
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
        px,
        py,
        pz,
        tx,
        ty,
        tz,
        lit,
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


@compiled
def draw_opaque(
    d: Drawing, listed: Int32, left: int, top: int, right: int, bottom: int, near: Float32, ids: Int32
) -> None:
    """Find the nearest opaque triangle of every sample of one tile."""
    for t in listed:
        mode = d.materials[d.material_of[t], 5]
        if mode == 2.0:
            continue
        a0, b0, c0, a1, b1, c1, a2, b2, c2 = edges_of(d, t)
        p, q, r = depth_plane(d, t)
        x0, x1, y0, y1 = bounds_of(d, t, left, top, right, bottom)
        # No sample lies further than 224 subpixels from the corner of its pixel.
        reach0 = 224 * (max(a0, 0) + max(b0, 0))
        reach1 = 224 * (max(a1, 0) + max(b1, 0))
        reach2 = 224 * (max(a2, 0) + max(b2, 0))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                px, py = x * SUBPIXEL, y * SUBPIXEL
                e0 = a0 * px + b0 * py + c0
                e1 = a1 * px + b1 * py + c1
                e2 = a2 * px + b2 * py + c2
                if ((e0 + reach0) | (e1 + reach1) | (e2 + reach2)) < 0:
                    continue
                for s in range(4):
                    ox, oy = _XS[s], _YS[s]
                    inside = (e0 + a0 * ox + b0 * oy) | (e1 + a1 * ox + b1 * oy) | (e2 + a2 * ox + b2 * oy)
                    if inside < 0:
                        continue
                    iw = np.float32(p * (px + ox) + q * (py + oy) + r)
                    if iw <= near[y - top, x - left, s]:
                        continue
                    if mode == 1.0 and alpha_at(d, t, px + ox, py + oy) < d.materials[d.material_of[t], 6]:
                        continue
                    near[y - top, x - left, s] = iw
                    ids[y - top, x - left, s] = t


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


@compiled_fast
def shade_opaque(
    d: Drawing, left: int, top: int, right: int, bottom: int, ids: Int32, colour: Float32
) -> None:
    """Shade what every pixel of one tile sees; ``colour`` holds premultiplied light and coverage."""
    for y in range(bottom - top):
        for x in range(right - left):
            red = green = blue = cover = 0.0
            done = 0
            for s in range(4):
                t = ids[y, x, s]
                if t < 0 or done & (1 << s):
                    continue
                weight, sx, sy, own = 0, 0, 0, 0
                for o in range(s, 4):
                    u = ids[y, x, o]
                    if u < 0 or done & (1 << o) or not same_surface(d, t, u):
                        continue
                    done |= 1 << o
                    weight += 1
                    if u == t:
                        sx, sy, own = sx + _XS[o], sy + _YS[o], own + 1
                r, g, b, _ = colour_at(
                    d, t, (x + left) * SUBPIXEL + sx / own, (y + top) * SUBPIXEL + sy / own
                )
                red += r * weight
                green += g * weight
                blue += b * weight
                cover += weight
            colour[y, x, 0] = red * 0.25
            colour[y, x, 1] = green * 0.25
            colour[y, x, 2] = blue * 0.25
            colour[y, x, 3] = cover * 0.25


@compiled
def sort_by_depth(found: Int32, depth: Float32, count: int) -> None:
    """Sort the first ``count`` triangles from back to front, in place (Shell's sort)."""
    gap = 1
    while gap < count // 9:
        gap = gap * 3 + 1
    while gap > 0:
        for n in range(gap, count):
            t, key = found[n], depth[n]
            m = n
            while m >= gap and depth[m - gap] > key:
                found[m], depth[m] = found[m - gap], depth[m - gap]
                m -= gap
            found[m], depth[m] = t, key
        gap //= 3


@compiled_fast
def blend_transparent(
    d: Drawing,
    listed: Int32,
    left: int,
    top: int,
    right: int,
    bottom: int,
    near: Float32,
    layer: Float32,
    colour: Float32,
) -> None:
    """Lay the transparent triangles of one tile over it, from back to front.

    They gather in ``layer`` (`TILE`, `TILE`, 4, 4), per sample: premultiplied light, and the part of the
    light behind that still comes through.
    """
    found = np.empty(len(listed), np.int32)
    depth = np.empty(len(listed), np.float32)
    count = 0
    for t in listed:
        if d.materials[d.material_of[t], 5] == 2.0:
            a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
            found[count] = t
            depth[count] = d.moved[a, 6] + d.moved[b, 6] + d.moved[c, 6]
            count += 1
    if count == 0:
        return
    layer[:, :, :, :3] = 0.0
    layer[:, :, :, 3] = 1.0
    sort_by_depth(found, depth, count)
    for n in range(count):
        t = found[n]
        a0, b0, c0, a1, b1, c1, a2, b2, c2 = edges_of(d, t)
        p, q, r = depth_plane(d, t)
        x0, x1, y0, y1 = bounds_of(d, t, left, top, right, bottom)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                hits, cx, cy, mask = 0, 0, 0, 0
                for s in range(4):
                    sx, sy = x * SUBPIXEL + _XS[s], y * SUBPIXEL + _YS[s]
                    inside = (a0 * sx + b0 * sy + c0) | (a1 * sx + b1 * sy + c1) | (a2 * sx + b2 * sy + c2)
                    if inside < 0 or np.float32(p * sx + q * sy + r) <= near[y - top, x - left, s]:
                        continue
                    hits, cx, cy, mask = hits + 1, cx + sx, cy + sy, mask | (1 << s)
                if hits == 0:
                    continue
                red, green, blue, alpha = colour_at(d, t, cx / hits, cy / hits)
                rest = 1.0 - alpha
                ty, tx = y - top, x - left
                for s in range(4):
                    if mask & (1 << s):
                        layer[ty, tx, s, 0] = red * alpha + layer[ty, tx, s, 0] * rest
                        layer[ty, tx, s, 1] = green * alpha + layer[ty, tx, s, 1] * rest
                        layer[ty, tx, s, 2] = blue * alpha + layer[ty, tx, s, 2] * rest
                        layer[ty, tx, s, 3] *= rest
    for y in range(bottom - top):
        for x in range(right - left):
            through = 0.0
            for s in range(4):
                through += layer[y, x, s, 3] * 0.25
            if through >= 1.0:
                continue
            for c in range(3):
                laid = layer[y, x, 0, c] + layer[y, x, 1, c] + layer[y, x, 2, c] + layer[y, x, 3, c]
                colour[y, x, c] = laid * 0.25 + colour[y, x, c] * through
            colour[y, x, 3] = 1.0 - (1.0 - colour[y, x, 3]) * through


@compiled_fast
def write_tile(
    left: int,
    top: int,
    right: int,
    bottom: int,
    colour: Float32,
    tone: Float32,
    behind: NDArray[np.uint8],
    picture: NDArray[np.uint8],
) -> None:
    """Tone-map one tile and write it, straight alpha, over ``behind`` where that has a pixel.

    Args:
        left: first column.
        top: first row.
        right: behind the last column.
        bottom: behind the last row.
        colour: (`TILE`, `TILE`, 4) premultiplied light and coverage.
        tone: (N,) float32 display value 0 to 255 over the square root of light from 0 to 2.
        behind: (H, W, 3) uint8 background, or (0, 0, 3) for transparency.
        picture: (H, W, 4) uint8.

    """
    last = len(tone) - 1
    opaque = len(behind) > 0
    for y in range(top, bottom):
        for x in range(left, right):
            alpha = colour[y - top, x - left, 3]
            if alpha <= 0.0:
                for c in range(3):
                    picture[y, x, c] = behind[y, x, c] if opaque else 0
                picture[y, x, 3] = 255 if opaque else 0
                continue
            for c in range(3):
                value = math.sqrt(max(0.0, colour[y - top, x - left, c] / alpha)) * (0.5 * last)
                shown = tone[int(min(value + 0.5, float(last)))]
                if opaque:
                    shown = behind[y, x, c] + (shown - behind[y, x, c]) * alpha
                picture[y, x, c] = np.uint8(shown + 0.5)
            picture[y, x, 3] = 255 if opaque else np.uint8(alpha * 255.0 + 0.5)


@compiled
def draw_tiles(
    d: Drawing,
    begin: int,
    step: int,
    first: NDArray[np.int64],
    listed: Int32,
    tone: Float32,
    behind: NDArray[np.uint8],
    picture: NDArray[np.uint8],
) -> None:
    """Draw every ``step``-th tile from number ``begin`` on into ``picture`` (H, W, 4) uint8."""
    height, width = picture.shape[:2]
    across = (width + TILE - 1) // TILE
    near = np.empty((TILE, TILE, 4), np.float32)
    ids = np.empty((TILE, TILE, 4), np.int32)
    layer = np.empty((TILE, TILE, 4, 4), np.float32)
    colour = np.zeros((TILE, TILE, 4), np.float32)
    for tile in range(begin, len(first) - 1, step):
        left, top = tile % across * TILE, tile // across * TILE
        right, bottom = min(left + TILE, width), min(top + TILE, height)
        here = listed[first[tile] : first[tile + 1]]
        if len(here):
            near[:] = 0.0
            ids[:] = -1
            draw_opaque(d, here, left, top, right, bottom, near, ids)
            shade_opaque(d, left, top, right, bottom, ids, colour)
            blend_transparent(d, here, left, top, right, bottom, near, layer, colour)
        else:
            colour[:] = 0.0
        write_tile(left, top, right, bottom, colour, tone, behind, picture)
