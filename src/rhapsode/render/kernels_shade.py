"""Compiled colour: texture look-up and the light on one point of a surface.

Light is linear. Columns of ``look`` (48,) float64: key direction 0:3 and colour 3:6, fill 6:9 and 9:12, rim
12:15 and 15:18, sky 18:21, ground 21:24, second rim direction 27:30, camera right 30:33, up 33:36 and
backward 36:39, middle of the picture in subpixels 39:41, and 41 what one subpixel measures at depth 1.
Directions point from the surface to the light.

Sources: wrap lighting per channel after Green, "Real-Time Approximations to Subsurface Scattering" (GPU Gems,
2004); hair after Kajiya and Kay (1989) with the two shifted highlights of Scheuermann (2004); specular
lobes as spherical Gaussians (Wang et al. 2009); Fresnel after Schlick (1994).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rhapsode.render.jit import compiled_fast, inlined

SKIN, EYE, HAIR, CLOTH, MOUTH, LASH, TOON, UNLIT = 1, 2, 3, 4, 5, 6, 7, 8


@inlined
def texel(
    texels: NDArray[np.uint8],
    levels: NDArray[np.int64],
    picture: int,
    level: int,
    u: float,
    v: float,
    repeat_u: bool,
    repeat_v: bool,
) -> tuple[float, float, float, float]:
    """Return r, g, b (linear) and alpha of a picture at u, v by bilinear interpolation in one mip level."""
    first = levels[picture, level, 0]
    width = levels[picture, level, 1]
    height = levels[picture, level, 2]
    if repeat_u:
        u -= math.floor(u)
    if repeat_v:
        v -= math.floor(v)
    x = u * width - 0.5
    y = v * height - 0.5
    xf, yf = math.floor(x), math.floor(y)
    fx, fy = x - xf, y - yf
    x0, y0 = int(xf), int(yf)
    x1, y1 = x0 + 1, y0 + 1
    if repeat_u:
        x0 = x0 + width if x0 < 0 else x0
        x1 = x1 - width if x1 >= width else x1
    if repeat_v:
        y0 = y0 + height if y0 < 0 else y0
        y1 = y1 - height if y1 >= height else y1
    x0, x1 = min(max(x0, 0), width - 1), min(max(x1, 0), width - 1)
    y0, y1 = min(max(y0, 0), height - 1), min(max(y1, 0), height - 1)
    a, b = first + y0 * width + x0, first + y0 * width + x1
    c, d = first + y1 * width + x0, first + y1 * width + x1
    wa, wb = (1.0 - fx) * (1.0 - fy), fx * (1.0 - fy)
    wc, wd = (1.0 - fx) * fy, fx * fy
    scale = 1.0 / 255.0
    red = (texels[a, 0] * wa + texels[b, 0] * wb + texels[c, 0] * wc + texels[d, 0] * wd) * scale
    green = (texels[a, 1] * wa + texels[b, 1] * wb + texels[c, 1] * wc + texels[d, 1] * wd) * scale
    blue = (texels[a, 2] * wa + texels[b, 2] * wb + texels[c, 2] * wc + texels[d, 2] * wd) * scale
    alpha = (texels[a, 3] * wa + texels[b, 3] * wb + texels[c, 3] * wc + texels[d, 3] * wd) * scale
    return red * red, green * green, blue * blue, alpha


@inlined
def lobe(cosine: float, sharpness: float) -> float:
    """Return a spherical Gaussian highlight, 1 at the centre."""
    return math.exp(sharpness * (cosine - 1.0))


@compiled_fast
def light(
    code: int,
    red: float,
    green: float,
    blue: float,
    nx: float,
    ny: float,
    nz: float,
    vx: float,
    vy: float,
    vz: float,
    tx: float,
    ty: float,
    tz: float,
    lit: float,
    open_rim: float,
    look: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return the linear light r, g, b that a point sends to the camera.

    Args:
        code: shading, see `rhapsode.render.scene.SHADING_CODES`.
        red: linear base colour.
        green: linear base colour.
        blue: linear base colour.
        nx: unit normal, facing the camera.
        ny: unit normal.
        nz: unit normal.
        vx: unit direction to the camera.
        vy: unit direction to the camera.
        vz: unit direction to the camera.
        tx: unit direction of a hair strand, zero where unknown.
        ty: direction of a strand.
        tz: direction of a strand.
        lit: part of the key light that arrives, 0 to 1.
        open_rim: part of the rim light that arrives.
        look: lights, see the module.

    """
    ndv = max(0.0, nx * vx + ny * vy + nz * vz)
    ndl = nx * look[0] + ny * look[1] + nz * look[2]
    ndf = nx * look[6] + ny * look[7] + nz * look[8]
    up = 0.5 + 0.5 * ny
    ambient_r = look[21] + (look[18] - look[21]) * up
    ambient_g = look[22] + (look[19] - look[22]) * up
    ambient_b = look[23] + (look[20] - look[23]) * up
    hx, hy, hz = look[0] + vx, look[1] + vy, look[2] + vz
    n = 1.0 / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-9)
    hx, hy, hz = hx * n, hy * n, hz * n
    ndh = nx * hx + ny * hy + nz * hz
    away = 1.0 - ndv
    away2 = away * away
    edge = away2 * away2
    rim = open_rim * (
        max(0.0, nx * look[12] + ny * look[13] + nz * look[14])
        + max(0.0, nx * look[27] + ny * look[28] + nz * look[29])
    )

    if code == UNLIT:
        return red, green, blue
    if code == TOON:
        step = min(1.0, max(0.0, (ndl * 0.5 + 0.5) * 4.0 - 1.6)) * (0.6 + 0.4 * lit)
        return red * (0.72 + 0.28 * step), green * (0.68 + 0.32 * step), blue * (0.70 + 0.30 * step)
    if code == SKIN:
        dr = max(0.0, (ndl + 0.38) / 1.38)
        dg = max(0.0, (ndl + 0.22) / 1.22)
        db = max(0.0, (ndl + 0.17) / 1.17)
        soft = math.sqrt(lit)
        key_r, key_g, key_b = dr * (0.45 * lit + 0.55 * soft), dg * (0.85 * lit + 0.15 * soft), db * lit
        fill = max(0.0, (ndf + 0.3) / 1.3)
        gloss = lit * max(0.0, min(1.0, ndl * 4.0)) * (0.07 * lobe(ndh, 14.0) + 0.09 * lobe(ndh, 70.0))
        gloss *= 0.6 + 2.0 * away2
        glow = rim * (0.10 * away2 + 0.45 * edge)
        return (
            red * (look[3] * key_r + look[9] * fill + 1.10 * ambient_r)
            + look[3] * gloss
            + look[15] * glow * (0.2 + red),
            green * (look[4] * key_g + look[10] * fill + 1.00 * ambient_g)
            + look[4] * gloss
            + look[16] * glow * (0.2 + green),
            blue * (look[5] * key_b + look[11] * fill + 0.94 * ambient_b)
            + look[5] * gloss
            + look[17] * glow * (0.2 + blue),
        )
    if code == HAIR:
        diffuse = max(0.0, (ndl + 0.35) / 1.35) * lit
        fill = max(0.0, (ndf + 0.3) / 1.3)
        glow = rim * (0.18 * away2 + 0.8 * edge)
        first = second = 0.0
        if tx != 0.0 or ty != 0.0 or tz != 0.0:
            n = 1.0 / math.sqrt(tx * tx + ty * ty + tz * tz + 1e-12)
            th = (tx * hx + ty * hy + tz * hz) * n
            shade = max(0.0, min(1.0, ndl * 1.5 + 0.5)) * lit
            a = th + 0.05
            b = th - 0.12
            first = lobe(math.sqrt(max(0.0, 1.0 - a * a)), 110.0) * shade * 0.05
            second = lobe(math.sqrt(max(0.0, 1.0 - b * b)), 22.0) * shade * 0.8 + 0.25 * lobe(ndh, 30.0) * lit
        return (
            red * (look[3] * (diffuse + second) + look[9] * fill + ambient_r)
            + look[3] * first
            + look[15] * glow * (red + 0.06),
            green * (look[4] * (diffuse + second) + look[10] * fill + ambient_g)
            + look[4] * first
            + look[16] * glow * (green + 0.06),
            blue * (look[5] * (diffuse + second) + look[11] * fill + ambient_b)
            + look[5] * first
            + look[17] * glow * (blue + 0.06),
        )
    if code == EYE:
        diffuse = max(0.0, (ndl + 0.5) / 1.5) * (0.35 + 0.65 * lit)
        fill = max(0.0, (ndf + 0.5) / 1.5)
        shine = 1.1 * lobe(ndh, 900.0) * (0.3 + 0.7 * lit)
        gx, gy, gz = look[6] + vx, look[7] + vy, look[8] + vz
        n = 1.0 / math.sqrt(gx * gx + gy * gy + gz * gz + 1e-9)
        shine2 = 0.25 * lobe((nx * gx + ny * gy + nz * gz) * n, 700.0)
        return (
            red * (look[3] * diffuse + look[9] * fill + ambient_r) + look[3] * shine + look[9] * shine2,
            green * (look[4] * diffuse + look[10] * fill + ambient_g) + look[4] * shine + look[10] * shine2,
            blue * (look[5] * diffuse + look[11] * fill + ambient_b) + look[5] * shine + look[11] * shine2,
        )
    if code == MOUTH:
        open_key = 0.4 + 0.6 * lit
        diffuse = max(0.0, (ndl + 0.3) / 1.3) * open_key
        fill = max(0.0, (ndf + 0.3) / 1.3) * 0.8
        wet = 0.10 * lobe(ndh, 120.0) * open_key
        return (
            red * (look[3] * (diffuse + wet) + look[9] * fill + 0.9 * ambient_r),
            green * (look[4] * (diffuse + wet) + look[10] * fill + 0.9 * ambient_g),
            blue * (look[5] * (diffuse + wet) + look[11] * fill + 0.9 * ambient_b),
        )
    diffuse = max(0.0, (ndl + 0.15) / 1.15) * lit
    fill = max(0.0, (ndf + 0.2) / 1.2)
    gloss = 0.0
    glow = rim * (0.10 * away2 + 0.25 * edge)
    if code == CLOTH:
        glow += 0.06 * away2
    elif code != LASH:
        gloss = 0.05 * lobe(ndh, 40.0) * lit
    return (
        red * (look[3] * diffuse + look[9] * fill + ambient_r)
        + look[3] * gloss
        + look[15] * glow * (red + 0.05),
        green * (look[4] * diffuse + look[10] * fill + ambient_g)
        + look[4] * gloss
        + look[16] * glow * (green + 0.05),
        blue * (look[5] * diffuse + look[11] * fill + ambient_b)
        + look[5] * gloss
        + look[17] * glow * (blue + 0.05),
    )


@compiled_fast
def write_tile(
    left: int,
    top: int,
    right: int,
    bottom: int,
    colour: NDArray[np.float32],
    tone: NDArray[np.float32],
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
