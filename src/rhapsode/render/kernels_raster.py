"""Compiled rasteriser: bins triangles into tiles, then draws each tile on its own.

A tile keeps the nearest triangle of four samples per pixel (a rotated 2 x 2 grid). Then each pixel shades every
surface that it sees once, weighted by the samples that see it; triangles that share a vertex count as one
surface. Transparent triangles follow from back to front, tested against the depth of every sample.

Coordinates are fixed-point with `SUBPIXEL` steps per pixel, so neighbouring triangles leave no gap and share
no sample (top-left rule).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from rhapsode.render.kernels_pose import SUBPIXEL
from rhapsode.render.kernels_shade import light, texel

TILE = 32
"""Pixels along the edge of a tile."""

_SX = (96, 224, 32, 160)
_SY = (32, 96, 160, 224)


@njit(cache=True, nogil=True)
def bin_triangles(
    triangles, triangle_material, materials, levels, moved, screen, fixed, width, height, side, mip
):  # type: ignore[no-untyped-def]
    """Cull triangles, choose their mip levels and list them per tile.

    Writes ``side`` (T,) int8: 0 unseen, 1 front, 2 back; and ``mip`` (T,) int8.

    Returns:
        (tiles + 1,) int64 first entry of each tile, and the (N,) int32 triangles listed.

    """
    across, down = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    count = np.zeros(across * down + 1, np.int64)
    box = np.empty((len(triangles), 4), np.int16)
    for t in range(len(triangles)):
        side[t] = 0
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if moved[a, 6] == 0.0 or moved[b, 6] == 0.0 or moved[c, 6] == 0.0:
            continue
        ax, ay = np.int64(screen[a, 0]), np.int64(screen[a, 1])
        bx, by = np.int64(screen[b, 0]), np.int64(screen[b, 1])
        cx, cy = np.int64(screen[c, 0]), np.int64(screen[c, 1])
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        row = triangle_material[t]
        if area == 0 or (area > 0 and materials[row, 7] == 0.0):
            continue
        x0, x1 = min(ax, bx, cx) // SUBPIXEL, max(ax, bx, cx) // SUBPIXEL
        y0, y1 = min(ay, by, cy) // SUBPIXEL, max(ay, by, cy) // SUBPIXEL
        if x1 < 0 or y1 < 0 or x0 >= width or y0 >= height:
            continue
        side[t] = 2 if area > 0 else 1
        box[t, 0], box[t, 1] = max(x0, 0) // TILE, min(x1, width - 1) // TILE
        box[t, 2], box[t, 3] = max(y0, 0) // TILE, min(y1, height - 1) // TILE
        picture = int(materials[row, 8])
        if picture >= 0:
            du1, dv1 = fixed[b, 0] - fixed[a, 0], fixed[b, 1] - fixed[a, 1]
            du2, dv2 = fixed[c, 0] - fixed[a, 0], fixed[c, 1] - fixed[a, 1]
            texels = abs(du1 * dv2 - du2 * dv1) * levels[picture, 0, 1] * levels[picture, 0, 2]
            pixels = abs(area) / (SUBPIXEL * SUBPIXEL)
            level = 0.5 * math.log2(max(texels / pixels, 1.0)) - 0.2
            mip[t] = min(int(level + 0.5), levels.shape[1] - 1)
        for ty in range(box[t, 2], box[t, 3] + 1):
            for tx in range(box[t, 0], box[t, 1] + 1):
                count[ty * across + tx + 1] += 1
    first = np.cumsum(count)
    place = first[:-1].copy()
    listed = np.empty(first[-1], np.int32)
    for t in range(len(triangles)):
        if side[t] == 0:
            continue
        for ty in range(box[t, 2], box[t, 3] + 1):
            for tx in range(box[t, 0], box[t, 1] + 1):
                tile = ty * across + tx
                listed[place[tile]] = t
                place[tile] += 1
    return first, listed


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def corner_weights(triangles, t, screen, moved, x, y):  # type: ignore[no-untyped-def]
    """Return the perspective-correct weights of the three corners at a screen position in subpixels."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = screen[a, 0] - x, screen[a, 1] - y
    bx, by = screen[b, 0] - x, screen[b, 1] - y
    cx, cy = screen[c, 0] - x, screen[c, 1] - y
    wa = (bx * cy - by * cx) * moved[a, 6]
    wb = (cx * ay - cy * ax) * moved[b, 6]
    wc = (ax * by - ay * bx) * moved[c, 6]
    total = wa + wb + wc
    if total == 0.0:
        return 1.0, 0.0, 0.0
    inv = 1.0 / total
    return wa * inv, wb * inv, wc * inv


@njit(cache=True, nogil=True, fastmath=True)
def surface_alpha(triangles, t, row, materials, texels, levels, mip, screen, moved, fixed, x, y):  # type: ignore[no-untyped-def]
    """Return the alpha of triangle ``t`` at a screen position."""
    wa, wb, wc = corner_weights(triangles, t, screen, moved, x, y)
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    alpha = materials[row, 4] * (wa * fixed[a, 5] + wb * fixed[b, 5] + wc * fixed[c, 5])
    picture = int(materials[row, 8])
    if picture >= 0:
        u = wa * fixed[a, 0] + wb * fixed[b, 0] + wc * fixed[c, 0]
        v = wa * fixed[a, 1] + wb * fixed[b, 1] + wc * fixed[c, 1]
        alpha *= texel(
            texels, levels, picture, mip[t], u, v, materials[row, 15] > 0.0, materials[row, 16] > 0.0
        )[3]
    return alpha


@njit(cache=True, nogil=True, fastmath=True)
def surface(triangles, t, row, side, materials, texels, levels, mip, screen, moved, fixed, look, x, y):  # type: ignore[no-untyped-def]
    """Return r, g, b (linear light) and alpha of triangle ``t`` at a screen position."""
    wa, wb, wc = corner_weights(triangles, t, screen, moved, x, y)
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    red = materials[row, 1] * (wa * fixed[a, 2] + wb * fixed[b, 2] + wc * fixed[c, 2])
    green = materials[row, 2] * (wa * fixed[a, 3] + wb * fixed[b, 3] + wc * fixed[c, 3])
    blue = materials[row, 3] * (wa * fixed[a, 4] + wb * fixed[b, 4] + wc * fixed[c, 4])
    alpha = materials[row, 4] * (wa * fixed[a, 5] + wb * fixed[b, 5] + wc * fixed[c, 5])
    picture = int(materials[row, 8])
    if picture >= 0:
        u = wa * fixed[a, 0] + wb * fixed[b, 0] + wc * fixed[c, 0]
        v = wa * fixed[a, 1] + wb * fixed[b, 1] + wc * fixed[c, 1]
        tr, tg, tb, ta = texel(
            texels, levels, picture, mip[t], u, v, materials[row, 15] > 0.0, materials[row, 16] > 0.0
        )
        red, green, blue, alpha = red * tr, green * tg, blue * tb, alpha * ta
    nx = wa * moved[a, 3] + wb * moved[b, 3] + wc * moved[c, 3]
    ny = wa * moved[a, 4] + wb * moved[b, 4] + wc * moved[c, 4]
    nz = wa * moved[a, 5] + wb * moved[b, 5] + wc * moved[c, 5]
    n = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
    if side[t] == 2:
        n = -n
    px = wa * moved[a, 0] + wb * moved[b, 0] + wc * moved[c, 0]
    py = wa * moved[a, 1] + wb * moved[b, 1] + wc * moved[c, 1]
    pz = wa * moved[a, 2] + wb * moved[b, 2] + wc * moved[c, 2]
    lit = wa * moved[a, 7] + wb * moved[b, 7] + wc * moved[c, 7]
    tx = wa * moved[a, 8] + wb * moved[b, 8] + wc * moved[c, 8]
    ty = wa * moved[a, 9] + wb * moved[b, 9] + wc * moved[c, 9]
    tz = wa * moved[a, 10] + wb * moved[b, 10] + wc * moved[c, 10]
    r, g, b2 = light(
        int(materials[row, 0]), red, green, blue, nx * n, ny * n, nz * n, px, py, pz, tx, ty, tz, lit, look
    )
    return r + materials[row, 12], g + materials[row, 13], b2 + materials[row, 14], alpha


@njit(cache=True, nogil=True)
def edges_of(screen, triangles, t, side):  # type: ignore[no-untyped-def]
    """Return the three edge functions of a triangle as (a, b, c) each: inside where a*x + b*y + c >= 0."""
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    if side[t] == 1:
        j, k = k, j
    x0, y0 = np.int64(screen[i, 0]), np.int64(screen[i, 1])
    x1, y1 = np.int64(screen[j, 0]), np.int64(screen[j, 1])
    x2, y2 = np.int64(screen[k, 0]), np.int64(screen[k, 1])
    a0, b0 = y1 - y2, x2 - x1
    a1, b1 = y2 - y0, x0 - x2
    a2, b2 = y0 - y1, x1 - x0
    c0 = -(a0 * x1 + b0 * y1) - (0 if (a0 > 0 or (a0 == 0 and b0 > 0)) else 1)
    c1 = -(a1 * x2 + b1 * y2) - (0 if (a1 > 0 or (a1 == 0 and b1 > 0)) else 1)
    c2 = -(a2 * x0 + b2 * y0) - (0 if (a2 > 0 or (a2 == 0 and b2 > 0)) else 1)
    return a0, b0, c0, a1, b1, c1, a2, b2, c2


@njit(cache=True, nogil=True)
def depth_plane(screen, moved, triangles, t):  # type: ignore[no-untyped-def]
    """Return p, q, r with 1/depth = p*x + q*y + r over the screen in subpixels."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = float(screen[a, 0]), float(screen[a, 1])
    ux, uy, uz = screen[b, 0] - ax, screen[b, 1] - ay, float(moved[b, 6]) - moved[a, 6]
    vx, vy, vz = screen[c, 0] - ax, screen[c, 1] - ay, float(moved[c, 6]) - moved[a, 6]
    inv = 1.0 / (ux * vy - uy * vx)
    p = (uz * vy - vz * uy) * inv
    q = (ux * vz - vx * uz) * inv
    return p, q, moved[a, 6] - p * ax - q * ay


@njit(cache=True, nogil=True)
def draw_opaque(
    listed,
    left,
    top,
    right,
    bottom,
    triangles,
    triangle_material,
    side,
    mip,
    materials,
    texels,
    levels,
    moved,
    screen,
    fixed,
    near,
    ids,
):  # type: ignore[no-untyped-def]
    """Find the nearest opaque triangle of every sample of one tile."""
    for t in listed:
        row = triangle_material[t]
        mode = int(materials[row, 5])
        if mode == 2:
            continue
        a0, b0, c0, a1, b1, c1, a2, b2, c2 = edges_of(screen, triangles, t, side)
        p, q, r = depth_plane(screen, moved, triangles, t)
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0 = max(left, min(screen[i, 0], screen[j, 0], screen[k, 0]) // SUBPIXEL)
        x1 = min(right - 1, max(screen[i, 0], screen[j, 0], screen[k, 0]) // SUBPIXEL)
        y0 = max(top, min(screen[i, 1], screen[j, 1], screen[k, 1]) // SUBPIXEL)
        y1 = min(bottom - 1, max(screen[i, 1], screen[j, 1], screen[k, 1]) // SUBPIXEL)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                for s in range(4):
                    sx, sy = x * SUBPIXEL + _SX[s], y * SUBPIXEL + _SY[s]
                    e = (a0 * sx + b0 * sy + c0) | (a1 * sx + b1 * sy + c1) | (a2 * sx + b2 * sy + c2)
                    if e < 0:
                        continue
                    iw = np.float32(p * sx + q * sy + r)
                    if iw <= near[y - top, x - left, s]:
                        continue
                    if mode == 1 and (
                        surface_alpha(
                            triangles, t, row, materials, texels, levels, mip, screen, moved, fixed, sx, sy
                        )
                        < materials[row, 6]
                    ):
                        continue
                    near[y - top, x - left, s] = iw
                    ids[y - top, x - left, s] = t


@njit(cache=True, nogil=True, inline="always")
def same_surface(triangles, triangle_material, t, o):  # type: ignore[no-untyped-def]
    """Tell whether two triangles are one, or share a vertex and a material."""
    if t == o:
        return True
    if triangle_material[t] != triangle_material[o]:
        return False
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    d, e, f = triangles[o, 0], triangles[o, 1], triangles[o, 2]
    return a == d or a == e or a == f or b == d or b == e or b == f or c == d or c == e or c == f


@njit(cache=True, nogil=True, fastmath=True)
def shade_opaque(
    left,
    top,
    right,
    bottom,
    triangles,
    triangle_material,
    side,
    mip,
    materials,
    texels,
    levels,
    moved,
    screen,
    fixed,
    look,
    ids,
    colour,
):  # type: ignore[no-untyped-def]
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
                    if u < 0 or done & (1 << o) or not same_surface(triangles, triangle_material, t, u):
                        continue
                    done |= 1 << o
                    weight += 1
                    if u == t:
                        sx, sy, own = sx + _SX[o], sy + _SY[o], own + 1
                r, g, b, _ = surface(
                    triangles,
                    t,
                    triangle_material[t],
                    side,
                    materials,
                    texels,
                    levels,
                    mip,
                    screen,
                    moved,
                    fixed,
                    look,
                    (x + left) * SUBPIXEL + sx / own,
                    (y + top) * SUBPIXEL + sy / own,
                )
                red += r * weight
                green += g * weight
                blue += b * weight
                cover += weight
            colour[y, x, 0] = red * 0.25
            colour[y, x, 1] = green * 0.25
            colour[y, x, 2] = blue * 0.25
            colour[y, x, 3] = cover * 0.25


@njit(cache=True, nogil=True, fastmath=True)
def blend_transparent(
    listed,
    left,
    top,
    right,
    bottom,
    triangles,
    triangle_material,
    side,
    mip,
    materials,
    texels,
    levels,
    moved,
    screen,
    fixed,
    look,
    near,
    colour,
):  # type: ignore[no-untyped-def]
    """Lay the transparent triangles of one tile over it, from back to front."""
    count = 0
    for t in listed:
        if materials[triangle_material[t], 5] == 2.0:
            count += 1
    if count == 0:
        return
    found = np.empty(count, np.int32)
    depth = np.empty(count, np.float32)
    count = 0
    for t in listed:
        if materials[triangle_material[t], 5] == 2.0:
            found[count] = t
            depth[count] = moved[triangles[t, 0], 6] + moved[triangles[t, 1], 6] + moved[triangles[t, 2], 6]
            count += 1
    for n in np.argsort(depth):
        t = found[n]
        row = triangle_material[t]
        a0, b0, c0, a1, b1, c1, a2, b2, c2 = edges_of(screen, triangles, t, side)
        p, q, r = depth_plane(screen, moved, triangles, t)
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0 = max(left, min(screen[i, 0], screen[j, 0], screen[k, 0]) // SUBPIXEL)
        x1 = min(right - 1, max(screen[i, 0], screen[j, 0], screen[k, 0]) // SUBPIXEL)
        y0 = max(top, min(screen[i, 1], screen[j, 1], screen[k, 1]) // SUBPIXEL)
        y1 = min(bottom - 1, max(screen[i, 1], screen[j, 1], screen[k, 1]) // SUBPIXEL)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                hits, cx, cy = 0, 0, 0
                for s in range(4):
                    sx, sy = x * SUBPIXEL + _SX[s], y * SUBPIXEL + _SY[s]
                    e = (a0 * sx + b0 * sy + c0) | (a1 * sx + b1 * sy + c1) | (a2 * sx + b2 * sy + c2)
                    if e < 0 or np.float32(p * sx + q * sy + r) <= near[y - top, x - left, s]:
                        continue
                    hits, cx, cy = hits + 1, cx + sx, cy + sy
                if hits == 0:
                    continue
                r1, g1, b3, alpha = surface(
                    triangles,
                    t,
                    row,
                    side,
                    materials,
                    texels,
                    levels,
                    mip,
                    screen,
                    moved,
                    fixed,
                    look,
                    cx / hits,
                    cy / hits,
                )
                alpha *= hits * 0.25
                rest = 1.0 - alpha
                spot = colour[y - top, x - left]
                spot[0] = r1 * alpha + spot[0] * rest
                spot[1] = g1 * alpha + spot[1] * rest
                spot[2] = b3 * alpha + spot[2] * rest
                spot[3] = alpha + spot[3] * rest


@njit(cache=True, nogil=True, fastmath=True)
def write_tile(left, top, right, bottom, colour, tone, behind, picture):  # type: ignore[no-untyped-def]
    """Tone-map one tile and write it, straight alpha, over ``behind`` where that has a pixel.

    Args:
        left: first column; likewise top.
        top: first row.
        right: behind the last column; likewise bottom.
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
            spot = colour[y - top, x - left]
            alpha = spot[3]
            if alpha <= 0.0:
                for c in range(3):
                    picture[y, x, c] = behind[y, x, c] if opaque else 0
                picture[y, x, 3] = 255 if opaque else 0
                continue
            for c in range(3):
                value = math.sqrt(max(0.0, spot[c] / alpha)) * (0.5 * last)
                at = int(min(value, last - 1.0))
                part = min(value, float(last)) - at
                shown = tone[at] + (tone[at + 1] - tone[at]) * part
                if opaque:
                    shown = behind[y, x, c] + (shown - behind[y, x, c]) * alpha
                picture[y, x, c] = np.uint8(shown + 0.5)
            picture[y, x, 3] = 255 if opaque else np.uint8(alpha * 255.0 + 0.5)


@njit(cache=True, nogil=True)
def draw_tiles(
    begin,
    step,
    width,
    height,
    first,
    listed,
    triangles,
    triangle_material,
    side,
    mip,
    materials,
    texels,
    levels,
    moved,
    screen,
    fixed,
    look,
    tone,
    behind,
    picture,
):  # type: ignore[no-untyped-def]
    """Draw every ``step``-th tile from number ``begin`` on into ``picture`` (H, W, 4) uint8."""
    across, down = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    near = np.empty((TILE, TILE, 4), np.float32)
    ids = np.empty((TILE, TILE, 4), np.int32)
    colour = np.zeros((TILE, TILE, 4), np.float32)
    for tile in range(begin, across * down, step):
        left, top = tile % across * TILE, tile // across * TILE
        right, bottom = min(left + TILE, width), min(top + TILE, height)
        here = listed[first[tile] : first[tile + 1]]
        if len(here):
            near[:] = 0.0
            ids[:] = -1
            draw_opaque(here, left, top, right, bottom, triangles, triangle_material, side, mip, materials, texels, levels, moved, screen, fixed, near, ids)  # fmt: skip
            shade_opaque(left, top, right, bottom, triangles, triangle_material, side, mip, materials, texels, levels, moved, screen, fixed, look, ids, colour)  # fmt: skip
            blend_transparent(here, left, top, right, bottom, triangles, triangle_material, side, mip, materials, texels, levels, moved, screen, fixed, look, near, colour)  # fmt: skip
        else:
            colour[:] = 0.0
        write_tile(left, top, right, bottom, colour, tone, behind, picture)
