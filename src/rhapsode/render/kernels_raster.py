"""Compiled rasteriser: draws each tile of a picture on its own.

A tile keeps the nearest triangle of four samples per pixel (a rotated 2 x 2 grid). Then each pixel shades
every surface that it sees once, weighted by the samples that see it; triangles that share a vertex count as
one surface. Transparent triangles follow from back to front, tested against the depth of every sample.

Coordinates are fixed-point with `SUBPIXEL` steps per pixel, so neighbouring triangles leave no gap and share
no sample (top-left rule).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled, compiled_fast, inlined
from rhapsode.render.kernels_bin import TILE, Drawing
from rhapsode.render.kernels_pose import SUBPIXEL
from rhapsode.render.kernels_shade import write_tile
from rhapsode.render.kernels_triangle import (
    bounds_of,
    colour_at,
    depth_plane,
    edges_of,
    furthest,
    mask_at,
    same_surface,
    sample_x,
    sample_y,
    span,
)

_BLOCK = 4
_REFRESH = 16

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


@compiled_fast
def lowest_of_blocks(low: Float32, blocks: Float32) -> None:
    """Write the least value of every `_BLOCK` x `_BLOCK` pixels of ``low`` into ``blocks``."""
    for y in range(blocks.shape[0]):
        for x in range(blocks.shape[1]):
            least = low[y * _BLOCK, x * _BLOCK]
            for v in range(y * _BLOCK, y * _BLOCK + _BLOCK):
                for u in range(x * _BLOCK, x * _BLOCK + _BLOCK):
                    least = min(least, low[v, u])
            blocks[y, x] = least


@inlined
def hidden(d: Drawing, t: int, left: int, top: int, right: int, bottom: int, blocks: Float32) -> bool:
    """Tell whether everything that a triangle could show lies behind what is drawn already."""
    a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
    nearest = max(d.moved[a, 6], d.moved[b, 6], d.moved[c, 6])
    x0, x1, y0, y1 = bounds_of(d, t, left, top, right, bottom)
    for y in range((y0 - top) // _BLOCK, (y1 - top) // _BLOCK + 1):
        for x in range((x0 - left) // _BLOCK, (x1 - left) // _BLOCK + 1):
            if nearest > blocks[y, x]:
                return False
    return True


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
) -> None:
    """Find the nearest opaque triangle of every sample of a tile; ``low`` is a pixel's least ``near``."""
    blocks = np.zeros((TILE // _BLOCK, TILE // _BLOCK), np.float32)
    for n in range(len(listed)):
        t = listed[n]
        mode = d.materials[d.material_of[t], 5]
        if mode == 2.0:
            continue
        if n % _REFRESH == _REFRESH - 1:
            lowest_of_blocks(low, blocks)
        if hidden(d, t, left, top, right, bottom, blocks):
            continue
        a0, b0, c0, a1, b1, c1, a2, b2, c2 = edges_of(d, t)
        p, q, r = depth_plane(d, t)
        x0, x1, y0, y1 = bounds_of(d, t, left, top, right, bottom)
        reach0, reach1, reach2 = furthest(a0, b0), furthest(a1, b1), furthest(a2, b2)
        reach = furthest(p, q) + r
        step0, step1, step2 = a0 * SUBPIXEL, a1 * SUBPIXEL, a2 * SUBPIXEL
        for y in range(y0, y1 + 1):
            py = y * SUBPIXEL
            f0, f1, f2 = b0 * py + c0, b1 * py + c1, b2 * py + c2
            begin, end = span(x0, x1, f0 + reach0, step0)
            begin, end = span(begin, end, f1 + reach1, step1)
            begin, end = span(begin, end, f2 + reach2, step2)
            for x in range(begin, end + 1):
                px = x * SUBPIXEL
                depth = p * px + q * py
                if depth + reach <= low[y - top, x - left]:
                    continue
                e0, e1, e2 = f0 + step0 * x, f1 + step1 * x, f2 + step2 * x
                taken = 0
                for s in range(4):
                    ox, oy = sample_x(s), sample_y(s)
                    inside = (e0 + a0 * ox + b0 * oy) | (e1 + a1 * ox + b1 * oy) | (e2 + a2 * ox + b2 * oy)
                    if inside >= 0 and depth + p * ox + q * oy + r > near[y - top, x - left, s]:
                        taken |= 1 << s
                if taken != 0 and mode == 1.0:
                    taken &= mask_at(d, t, px + 128, py + 128)
                if taken == 0:
                    continue
                for s in range(4):
                    if (taken >> s) & 1:
                        iw = depth + p * sample_x(s) + q * sample_y(s) + r
                        near[y - top, x - left, s] = iw
                        ids[y - top, x - left, s] = t
                low[y - top, x - left] = min(
                    min(near[y - top, x - left, 0], near[y - top, x - left, 1]),
                    min(near[y - top, x - left, 2], near[y - top, x - left, 3]),
                )


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
                        sx, sy, own = sx + sample_x(o), sy + sample_y(o), own + 1
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
    count = 0
    for t in listed:
        if d.materials[d.material_of[t], 5] == 2.0:
            count += 1
    if count == 0:
        return
    layer[:, :, :, :3] = 0.0
    layer[:, :, :, 3] = 1.0
    for n in range(len(listed) - 1, -1, -1):
        t = listed[n]
        if d.materials[d.material_of[t], 5] != 2.0:
            continue
        a0, b0, c0, a1, b1, c1, a2, b2, c2 = edges_of(d, t)
        p, q, r = depth_plane(d, t)
        x0, x1, y0, y1 = bounds_of(d, t, left, top, right, bottom)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                hits, cx, cy, mask = 0, 0, 0, 0
                for s in range(4):
                    sx, sy = x * SUBPIXEL + sample_x(s), y * SUBPIXEL + sample_y(s)
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
    low = np.empty((TILE, TILE), np.float32)
    ids = np.empty((TILE, TILE, 4), np.int32)
    layer = np.empty((TILE, TILE, 4, 4), np.float32)
    colour = np.zeros((TILE, TILE, 4), np.float32)
    for tile in range(begin, len(first) - 1, step):
        left, top = tile % across * TILE, tile // across * TILE
        right, bottom = min(left + TILE, width), min(top + TILE, height)
        here = listed[first[tile] : first[tile + 1]]
        if len(here):
            near[:] = 0.0
            low[:] = 0.0
            ids[:] = -1
            draw_opaque(d, here, left, top, right, bottom, near, low, ids)
            shade_opaque(d, left, top, right, bottom, ids, colour)
            blend_transparent(d, here, left, top, right, bottom, near, layer, colour)
        else:
            colour[:] = 0.0
        write_tile(left, top, right, bottom, colour, tone, behind, picture)
