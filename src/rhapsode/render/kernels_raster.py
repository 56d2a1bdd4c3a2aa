"""Compiled rasteriser: draws each tile of a picture on its own.

A tile keeps the nearest triangle of four samples per pixel (a rotated 2 x 2 grid). Then each pixel shades
every surface that it sees once, weighted by the samples that see it; triangles that share a vertex count as
one surface. Transparent triangles follow from back to front, tested against the depth of every sample.

Coordinates are fixed-point with `SUBPIXEL` steps per pixel, so neighbouring triangles leave no gap and share
no sample (top-left rule).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled, compiled_fast, inlined
from rhapsode.render.kernels_bin import TILE, Drawing
from rhapsode.render.kernels_pose import SUBPIXEL
from rhapsode.render.kernels_shade import HAIR, light, texel

_BLOCK = 4
_REFRESH = 16
_COVER = 0xFD910  # Samples that 0 to 4 quarters of alpha cover, four bits each.

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


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
