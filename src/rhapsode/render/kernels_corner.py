"""Compiled colour for live video: small triangles are lit at their corners instead of at every pixel.

Light is linear in the colour of a surface, so a corner keeps two colours: what the surface's own colour is
multiplied by, and what is added. Eyes, toon shading, large triangles and those that the previous picture did
not show keep the light of every pixel.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled, compiled_fast
from rhapsode.render.kernels_bin import TILE, Drawing
from rhapsode.render.kernels_live import LANES, TALL, WIDE, draw_opaque
from rhapsode.render.kernels_pose import SUBPIXEL
from rhapsode.render.kernels_raster import blend_transparent
from rhapsode.render.kernels_shade import EYE, HAIR, TOON, UNLIT, light, write_tile
from rhapsode.render.kernels_triangle import colour_at, sample_x, sample_y

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
UInt8 = NDArray[np.uint8]

_SCALE = np.float32(1 / 255)
_LARGEST = 2 * 200 * SUBPIXEL * SUBPIXEL
"""Twice the area, 200 pixels, up to which a triangle is lit at its corners."""


@compiled
def choose(d: Drawing, before: UInt8, soft: UInt8, wanted: Int32) -> None:
    """Tell which triangles are lit at their corners, and which corners that takes.

    Args:
        d: the drawing, after `kernels_bin.cull`.
        before: (T,) 1 where the previous picture showed a triangle.
        soft: (T,) becomes 1 where a triangle is lit at its corners.
        wanted: (V,) becomes 4 times the row of the material, plus the sides seen (bits as in ``side``).

    """
    wanted[:] = 0
    for t in range(len(d.triangles)):
        soft[t] = 0
        if before[t] == 0 or d.side[t] == 0:
            continue
        row = d.material_of[t]
        code = int(d.materials[row, 0])
        if code in (EYE, TOON, UNLIT) or d.materials[row, 5] == 2.0:
            continue
        a, b, c = d.triangles[t, 0], d.triangles[t, 1], d.triangles[t, 2]
        ax, ay = np.int64(d.screen[a, 0]), np.int64(d.screen[a, 1])
        area = (d.screen[b, 0] - ax) * (d.screen[c, 1] - ay) - (d.screen[b, 1] - ay) * (d.screen[c, 0] - ax)
        if abs(area) > _LARGEST:
            continue
        soft[t] = 1
        for i in (a, b, c):
            wanted[i] = (row * 4) | (wanted[i] & 3) | d.side[t]


@compiled_fast
def light_corners(d: Drawing, begin: int, end: int, wanted: Int32, lights: Float32) -> None:
    """Light the wanted of the vertices ``begin:end``.

    Args:
        d: the drawing.
        begin: first vertex.
        end: behind the last vertex.
        wanted: (V,) as made by `choose`.
        lights: (V, 6) the factor of the texture's colour, and what is added, both linear.

    """
    for i in range(begin, end):
        if wanted[i] == 0:
            continue
        row, sides = wanted[i] >> 2, wanted[i] & 3
        sx = (d.screen[i, 0] - d.look[39]) * d.look[41]
        sy = (d.look[40] - d.screen[i, 1]) * d.look[41]
        n = 1.0 / math.sqrt(1.0 + sx * sx + sy * sy)
        vx = (d.look[36] - d.look[30] * sx - d.look[33] * sy) * n
        vy = (d.look[37] - d.look[31] * sx - d.look[34] * sy) * n
        vz = (d.look[38] - d.look[32] * sx - d.look[35] * sy) * n
        nx, ny, nz = float(d.moved[i, 3]), float(d.moved[i, 4]), float(d.moved[i, 5])
        if sides == 2 or (sides == 3 and nx * vx + ny * vy + nz * vz < 0.0):
            nx, ny, nz = -nx, -ny, -nz
        code = int(d.materials[row, 0])
        tx = ty = tz = 0.0
        if code == HAIR:
            tx, ty, tz = float(d.moved[i, 8]), float(d.moved[i, 9]), float(d.moved[i, 10])
        lit, rim = float(d.moved[i, 7]), float(d.moved[i, 11])
        r0, g0, b0 = light(code, 0.0, 0.0, 0.0, nx, ny, nz, vx, vy, vz, tx, ty, tz, lit, rim, d.look)
        r1, g1, b1 = light(code, 1.0, 1.0, 1.0, nx, ny, nz, vx, vy, vz, tx, ty, tz, lit, rim, d.look)
        lights[i, 0] = (r1 - r0) * d.materials[row, 1] * d.fixed[i, 2]
        lights[i, 1] = (g1 - g0) * d.materials[row, 2] * d.fixed[i, 3]
        lights[i, 2] = (b1 - b0) * d.materials[row, 3] * d.fixed[i, 4]
        lights[i, 3] = r0 + d.materials[row, 12]
        lights[i, 4] = g0 + d.materials[row, 13]
        lights[i, 5] = b0 + d.materials[row, 14]


@compiled_fast
def full_colour(d: Drawing, t: int, x: float, y: float) -> tuple[float, float, float]:
    """Return the linear light r, g, b of triangle ``t`` at a screen position, lit there."""
    red, green, blue, _ = colour_at(d, t, x, y)
    return red, green, blue


@compiled_fast
def shade(
    d: Drawing,
    left: int,
    top: int,
    right: int,
    bottom: int,
    ids: Int32,
    soft: UInt8,
    lights: Float32,
    colour: Float32,
) -> None:
    """Shade what every pixel of one tile sees; ``colour`` holds premultiplied light and coverage."""
    # Taken out of the drawing once: inside the loop each would be counted as a reference.
    triangles, material_of, materials, fixed = d.triangles, d.material_of, d.materials, d.fixed
    texels, levels, moved, screen, mip = d.texels, d.levels, d.moved, d.screen, d.mip
    for y in range(bottom - top):
        for x in range(right - left):
            by, bx, pixel = y // TALL, x // WIDE, (y % TALL) * WIDE + x % WIDE
            red = green = blue = cover = 0.0
            done = 0
            for s in range(4):
                t = ids[by, bx, pixel + 8 * s]
                if t < 0 or done & (1 << s):
                    continue
                weight, sx, sy, own = 0, 0, 0, 0
                whole = t == ids[by, bx, pixel + 8]
                whole &= (t == ids[by, bx, pixel + 16]) & (t == ids[by, bx, pixel + 24])
                if s == 0 and whole:
                    weight, sx, sy, own, done = 4, 512, 512, 4, 15
                for o in range(s, 0 if done == 15 else 4):
                    u = ids[by, bx, pixel + 8 * o]
                    if u == t:
                        sx, sy, own = sx + sample_x(o), sy + sample_y(o), own + 1
                    else:
                        if u < 0 or done & (1 << o) or material_of[t] != material_of[u]:
                            continue
                        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                        e, f, g = triangles[u, 0], triangles[u, 1], triangles[u, 2]
                        shared = (a == e) | (a == f) | (a == g) | (b == e) | (b == f) | (b == g)
                        if not (shared | (c == e) | (c == f) | (c == g)):
                            continue
                    done |= 1 << o
                    weight += 1
                inv = 1.0 / own
                px, py = (x + left) * SUBPIXEL + sx * inv, (y + top) * SUBPIXEL + sy * inv
                cover += weight
                if soft[t] == 0:
                    r, g, b2 = full_colour(d, t, px, py)
                    red, green, blue = red + r * weight, green + g * weight, blue + b2 * weight
                    continue
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                ax, ay = screen[a, 0] - px, screen[a, 1] - py
                bx_, by_ = screen[b, 0] - px, screen[b, 1] - py
                cx, cy = screen[c, 0] - px, screen[c, 1] - py
                wa = (bx_ * cy - by_ * cx) * moved[a, 6]
                wb = (cx * ay - cy * ax) * moved[b, 6]
                wc = (ax * by_ - ay * bx_) * moved[c, 6]
                inv = 1.0 / (wa + wb + wc)
                wa, wb, wc = wa * inv, wb * inv, wc * inv
                row = material_of[t]
                tr = tg = tb = np.float32(1.0)
                picture = int(materials[row, 8])
                if picture >= 0:
                    # `kernels_shade.texel`, written out: its arrays would be counted as references.
                    u1 = wa * fixed[a, 0] + wb * fixed[b, 0] + wc * fixed[c, 0]
                    v1 = wa * fixed[a, 1] + wb * fixed[b, 1] + wc * fixed[c, 1]
                    first = levels[picture, mip[t], 0]
                    width, height = levels[picture, mip[t], 1], levels[picture, mip[t], 2]
                    wrap_u, wrap_v = materials[row, 15] > 0.0, materials[row, 16] > 0.0
                    if wrap_u:
                        u1 -= math.floor(u1)
                    if wrap_v:
                        v1 -= math.floor(v1)
                    u1, v1 = u1 * width + 63.5, v1 * height + 63.5
                    x0, y0 = int(u1), int(v1)
                    fx, fy = np.float32(u1 - x0), np.float32(v1 - y0)
                    x0, y0 = x0 - 64, y0 - 64
                    x1, y1 = x0 + 1, y0 + 1
                    if wrap_u:
                        x0 = x0 + width if x0 < 0 else x0
                        x1 = x1 - width if x1 >= width else x1
                    if wrap_v:
                        y0 = y0 + height if y0 < 0 else y0
                        y1 = y1 - height if y1 >= height else y1
                    x0, x1 = min(max(x0, 0), width - 1), min(max(x1, 0), width - 1)
                    y0, y1 = min(max(y0, 0), height - 1), min(max(y1, 0), height - 1)
                    k0, k1, k2, k3 = first + y0 * width + x0, first + y0 * width + x1, 0, 0
                    k2, k3 = first + y1 * width + x0, first + y1 * width + x1
                    fx, fy, one = fx * _SCALE, fy, np.float32(1.0)
                    w1, w3 = fx * (one - fy), fx * fy
                    w0, w2 = (_SCALE - fx) * (one - fy), (_SCALE - fx) * fy
                    tr = texels[k0, 0] * w0 + texels[k1, 0] * w1 + texels[k2, 0] * w2 + texels[k3, 0] * w3
                    tg = texels[k0, 1] * w0 + texels[k1, 1] * w1 + texels[k2, 1] * w2 + texels[k3, 1] * w3
                    tb = texels[k0, 2] * w0 + texels[k1, 2] * w1 + texels[k2, 2] * w2 + texels[k3, 2] * w3
                    tr, tg, tb = tr * tr, tg * tg, tb * tb
                wa, wb, wc = wa * weight, wb * weight, wc * weight
                red += tr * (wa * lights[a, 0] + wb * lights[b, 0] + wc * lights[c, 0])
                green += tg * (wa * lights[a, 1] + wb * lights[b, 1] + wc * lights[c, 1])
                blue += tb * (wa * lights[a, 2] + wb * lights[b, 2] + wc * lights[c, 2])
                red += wa * lights[a, 3] + wb * lights[b, 3] + wc * lights[c, 3]
                green += wa * lights[a, 4] + wb * lights[b, 4] + wc * lights[c, 4]
                blue += wa * lights[a, 5] + wb * lights[b, 5] + wc * lights[c, 5]
            colour[y, x, 0] = red * 0.25
            colour[y, x, 1] = green * 0.25
            colour[y, x, 2] = blue * 0.25
            colour[y, x, 3] = cover * 0.25


@compiled
def remember(ids: Int32, now: UInt8) -> None:
    """Mark the triangles that a tile shows."""
    last = np.int32(-1)
    for by in range(ids.shape[0]):
        for bx in range(ids.shape[1]):
            for n in range(ids.shape[2]):
                t = ids[by, bx, n]
                if t != last and t >= 0:
                    now[t] = 1
                last = t


@compiled
def draw_tiles(
    d: Drawing,
    begin: int,
    step: int,
    first: NDArray[np.int64],
    listed: Int32,
    tone: Float32,
    behind: UInt8,
    picture: UInt8,
    before: UInt8,
    now: UInt8,
    soft: UInt8,
    lights: Float32,
    alphas: Float32,
) -> None:
    """Draw every ``step``-th tile from number ``begin`` on into ``picture`` (H, W, 4) uint8."""
    height, width = picture.shape[:2]
    across = (width + TILE - 1) // TILE
    near = np.empty((TILE // TALL, TILE // WIDE, LANES), np.float32)
    low = np.empty((TILE // TALL, TILE // WIDE), np.float32)
    ids = np.empty((TILE // TALL, TILE // WIDE, LANES), np.int32)
    colour = np.zeros((TILE, TILE, 4), np.float32)
    layer = np.empty((TILE, TILE, 4, 4), np.float32)
    plain = np.empty((TILE, TILE, 4), np.float32)
    transparent = (d.materials[:, 5] == 2.0).any()
    for tile in range(begin, len(first) - 1, step):
        left, top = tile % across * TILE, tile // across * TILE
        right, bottom = min(left + TILE, width), min(top + TILE, height)
        here = listed[first[tile] : first[tile + 1]]
        if len(here):
            near[:] = 0.0
            low[:] = 0.0
            ids[:] = -1
            draw_opaque(d, here, left, top, right, bottom, near, low, ids, before, alphas)
            remember(ids, now)
            shade(d, left, top, right, bottom, ids, soft, lights, colour)
            if transparent:
                for y in range(TILE):
                    for x in range(TILE):
                        for s in range(4):
                            n = (y % TALL) * WIDE + x % WIDE + 8 * s
                            plain[y, x, s] = near[y // TALL, x // WIDE, n]
                blend_transparent(d, here, left, top, right, bottom, plain, layer, colour)
        else:
            colour[:] = 0.0
        write_tile(left, top, right, bottom, colour, tone, behind, picture)
