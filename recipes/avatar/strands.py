"""Hair as strips: a path over the head becomes a tapered ribbon of strands; and their paint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from recipes.avatar.people import Rgb
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array, Index
from scipy.ndimage import gaussian_filter, gaussian_filter1d

BANDS = 4
"""Different strips side by side in the texture."""

SIZE = 512
"""Pixels along each edge of a texture."""


@dataclass(frozen=True)
class Strip:
    """One clump of hair.

    Args:
        path: (N, 3) dm from root to tip.
        outward: (N, 3) unit directions away from the head.
        width: dm at its widest.
        band: which of the texture's strips.
        shade: brightness, at most 1.
        taper: share of the width that is left at the tip.
        root: share of the width at the root.
        dark: brightness at the root, as a share of that further on.
        arch: how far the middle stands out, as a share of the width.

    """

    path: Array
    outward: Array
    width: float
    band: int
    shade: float = 0.8
    taper: float = 0.25
    root: float = 0.7
    dark: float = 0.75
    arch: float = 0.05


def hair_part(strips: list[Strip], look: Look, *, name: str = "hair", across: int = 3) -> Part:
    """Put strips together as one part bound to the head, ``across`` points wide."""
    points, faces, uv, colours = [], [], [], []
    start = 0
    x = np.linspace(-0.5, 0.5, across)
    for strip in strips:
        n = len(strip.path)
        along = np.gradient(strip.path, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        side = np.cross(along, strip.outward)
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
        t = np.linspace(0, 1, n)
        width = strip.width * np.interp(t, [0, 0.2, 0.6, 1], [strip.root, 1, 0.95, strip.taper])
        arch = 4 * strip.arch * (0.25 - x**2)
        rows = (
            strip.path[:, None]
            + (width[:, None] * x)[..., None] * side[:, None]
            + (width[:, None] * arch)[..., None] * strip.outward[:, None]
        )
        points.append(rows.reshape(-1, 3))
        faces.append(start + grid_faces(n, across))
        u = (strip.band % BANDS + 0.5 + 0.96 * x) / BANDS
        uv.append(np.stack(np.broadcast_arrays(u[None, :], 0.96 - 0.92 * t[:, None]), axis=-1).reshape(-1, 2))
        root = np.interp(t, [0, 0.2, 0.5, 1], [strip.dark, 0.95, 1.0, 0.95])
        edge = 1 - 0.12 * (2 * x) ** 2
        colours.append(np.repeat((strip.shade * root[:, None] * edge).reshape(-1, 1), 3, axis=1))
        start += n * across
    every = np.clip(np.concatenate(colours), 0, 1)
    return Part(
        name,
        np.concatenate(points),
        np.concatenate(faces),
        np.concatenate(uv),
        look,
        bone="head",
        colours=every,
    )


def grid_faces(rows: int, columns: int) -> Index:
    """Return the triangles (F, 3) of a grid of points, row by row."""
    i, k = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a = i * columns + k
    b, c, d = a + 1, a + columns + 1, a + columns
    return np.concatenate([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)]).reshape(-1, 3)


def shell_part(paths: Array, look: Look, *, name: str, shade: float, repeats: float) -> Part:
    """Return the surface through neighbouring paths (C, N, 3), the first and the last path being the same.

    Args:
        paths: from the hairline inwards.
        look: its material.
        name: of the part.
        shade: brightness; darker towards the hairline.
        repeats: how often the texture goes round.

    """
    columns, n = paths.shape[:2]
    u, v = np.linspace(0, repeats, columns), np.linspace(1, 0, n)
    uv = np.stack(np.broadcast_arrays(u[:, None], v[None, :]), axis=-1).reshape(-1, 2)
    fall = shade * np.interp(np.linspace(0, 1, n), [0, 0.2, 1], [0.8, 1, 1])
    colours = np.repeat(np.tile(fall, columns)[:, None], 3, axis=1)
    return Part(name, paths.reshape(-1, 3), grid_faces(columns, n), uv, look, bone="head", colours=colours)


def hair_look(colour: Rgb, *, name: str = "hair", ragged: float = 0.2, solid: bool = False) -> Look:
    """Return the hair's material: strands along v, roots at v = 1, tips that end in locks.

    Args:
        colour: sRGB of the lit hair.
        name: of the material.
        ragged: share of the strip's length over which locks end.
        solid: no gaps at edges and tips.

    """
    rng = np.random.default_rng(11)
    v = np.linspace(0, 1, SIZE)[:, None]
    lock = _columns(rng, 5.0, 200)
    shade = 1 + 0.12 * _columns(rng, 0.7, 70) + 0.08 * _columns(rng, 2.0, 110) + 0.07 * lock
    shade *= 1 + 0.10 * np.exp(-(((v - 0.32) / 0.14) ** 2))
    tint = 1 + 0.05 * np.clip(lock, -1.5, 1.5)[..., None] * np.array([1.0, 0.5, -0.2])
    rgb = np.asarray(colour) * np.clip(shade, 0.45, 1.6)[..., None] * tint
    picture = Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))
    if solid:
        return Look(name, "hair", picture, roughness=0.55, double_sided=True)
    band = SIZE // BANDS
    ends = gaussian_filter1d(rng.standard_normal(SIZE), 4.0, mode="wrap")
    ends += 0.35 * gaussian_filter1d(rng.standard_normal(SIZE), 1.5, mode="wrap")
    ends = 0.94 - ragged * np.clip(0.5 + 0.3 * ends / ends.std(), 0, 1)
    inside = 1 - np.abs((np.arange(SIZE) % band + 0.5) / band - 0.5) * 2
    narrow = 0.05 + 0.12 * np.clip(0.5 + _columns(rng, 0.0, 60), 0, 1) + 0.25 * v**2
    sides = np.clip(0.4 + (inside[None, :] - narrow) * 8, 0, 1)
    tips = np.clip(0.5 + (ends[None, :] - v) * 24, 0, 1)
    gaps = np.clip(3.0 - 2.8 * ragged + 2.2 * lock + 1.2 * _columns(rng, 1.5, 120) + 3.0 * (1 - v), 0, 1)
    alpha = Image.fromarray((255 * np.minimum(np.minimum(sides, tips), gaps)).astype(np.uint8))
    picture.putalpha(alpha)
    return Look(name, "hair", picture, roughness=0.5, alpha="MASK", double_sided=True)


def _columns(rng: np.random.Generator, across: float, along: float) -> Array:
    """Return noise of unit deviation (SIZE, SIZE) drawn out along v."""
    raw = gaussian_filter(rng.standard_normal((SIZE, SIZE)), (along, across), mode="wrap")
    return np.asarray(raw / raw.std())


def curl_look(colour: Rgb, *, cover: float) -> Look:
    """Return the material of tight curls: matte little knots that cover a share of the surface, repeating."""
    rng = np.random.default_rng(3)
    size = SIZE // 2
    knots = gaussian_filter(rng.standard_normal((size, size)), 2.6, mode="wrap")
    fine = gaussian_filter(rng.standard_normal((size, size)), 1.0, mode="wrap")
    knots, fine = knots / knots.std(), fine / fine.std()
    height = knots + 0.35 * fine
    level = np.quantile(height, 1 - cover)
    shade = 1 + 0.22 * np.clip(height - level - 0.8, -1.5, 1.5) + 0.12 * fine
    rgb = (4 + 1.3 * np.asarray(colour)) * np.clip(shade, 0.5, 1.7)[..., None]
    alpha = np.clip(0.4 + (height - level) * 0.8, 0, 1)
    pixels = np.dstack([np.clip(rgb, 0, 255), 255 * alpha]).astype(np.uint8)
    return Look(
        "hair-curls", "hair", Image.fromarray(pixels), roughness=0.92, alpha="MASK", double_sided=True
    )
