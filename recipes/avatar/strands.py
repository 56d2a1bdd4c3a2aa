"""Hair as strips: a path over the head becomes a tapered, arched ribbon of strands; and what they are painted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from recipes.avatar.people import Rgb
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array

ACROSS = 4
"""Points across a strip."""

BANDS = 4
"""Different strips side by side in the texture."""


@dataclass(frozen=True)
class Strip:
    """One clump of hair.

    Args:
        path: (N, 3) dm from root to tip.
        outward: (N, 3) unit directions away from the head.
        width: dm at its widest.
        band: which of the texture's strips.
        shade: brightness, about 1.
        taper: share of the width that is left at the tip.

    """

    path: Array
    outward: Array
    width: float
    band: int
    shade: float = 1.0
    taper: float = 0.25


def hair_part(strips: list[Strip], look: Look, *, name: str = "hair") -> Part:
    """Put strips together as one part bound to the head."""
    points, faces, uv, colours = [], [], [], []
    start = 0
    for strip in strips:
        n = len(strip.path)
        along = np.gradient(strip.path, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        side = np.cross(along, strip.outward)
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
        t = np.linspace(0, 1, n)
        width = strip.width * np.interp(t, [0, 0.12, 0.6, 1], [0.7, 1, 0.95, strip.taper])
        x = np.linspace(-0.5, 0.5, ACROSS)
        arch = 0.28 * (0.25 - x**2)
        rows = (
            strip.path[:, None]
            + (width[:, None] * x)[..., None] * side[:, None]
            + (width[:, None] * arch)[..., None] * strip.outward[:, None]
        )
        points.append(rows.reshape(-1, 3))
        i, k = np.meshgrid(np.arange(n - 1), np.arange(ACROSS - 1), indexing="ij")
        a = start + i * ACROSS + k
        b, c, d = a + 1, a + ACROSS + 1, a + ACROSS
        faces.append(np.concatenate([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)]).reshape(-1, 3))
        u = (strip.band % BANDS + 0.5 + 0.96 * x) / BANDS
        uv.append(np.stack(np.broadcast_arrays(u[None, :], 1 - t[:, None]), axis=-1).reshape(-1, 2))
        root = np.interp(t, [0, 0.15, 0.5, 1], [0.72, 0.95, 1.0, 0.94])
        edge = 1 - 0.25 * (2 * x) ** 2
        colours.append(np.repeat((strip.shade * root[:, None] * edge).reshape(-1, 1), 3, axis=1))
        start += n * ACROSS
    every = np.concatenate(points)
    return Part(
        name, every, np.concatenate(faces), np.concatenate(uv), look, bone="head",
        colours=np.clip(np.concatenate(colours), 0, 1),
    )


def hair_look(colour: Rgb, *, name: str = "hair", ragged: float = 0.16, curls: bool = False) -> Look:
    """Return the hair's material: strands along v, roots at v = 1, tips that end at different heights.

    Args:
        colour: sRGB of the lit hair.
        name: of the material.
        ragged: share of the strip's length over which strands end.
        curls: short curls instead of strands.

    """
    rng = np.random.default_rng(11)
    height, width = 512, 512
    if curls:
        knots = gaussian_filter(rng.standard_normal((height, width)), 3.0, mode="wrap")
        fine = gaussian_filter(rng.standard_normal((height, width)), 1.2, mode="wrap")
        shade = 1 + 0.32 * knots / knots.std() + 0.12 * fine / fine.std()
        alpha = np.ones((height, width))
    else:
        fine = gaussian_filter1d(rng.standard_normal((height, width)), 60, axis=0, mode="wrap")
        broad = gaussian_filter1d(gaussian_filter1d(rng.standard_normal((height, width)), 90, axis=0), 7, axis=1)
        shade = 1 + 0.16 * fine / fine.std() + 0.10 * broad / broad.std()
        v = np.linspace(0, 1, height)[:, None]
        shade *= 1 + 0.30 * np.exp(-(((v - 0.30) / 0.13) ** 2)) + 0.10 * np.exp(-(((v - 0.7) / 0.12) ** 2))
        ends = gaussian_filter1d(rng.uniform(0, 1, width), 1.2, mode="wrap")
        ends = 1 - ragged * ((ends - ends.min()) / np.ptp(ends)) ** 2
        inside = np.abs((np.arange(width) % (width // BANDS)) / (width // BANDS) - 0.5) * 2
        alpha = np.clip((ends[None, :] - v) * 40 + 1, 0, 1) * np.clip((1.0 - inside**6)[None, :] * 4, 0, 1)
        frayed = gaussian_filter1d(rng.uniform(0, 1, width), 0.8, mode="wrap")
        alpha *= np.where((inside[None, :] > 0.72) & (frayed[None, :] < 0.45 + 0.2 * v), 0.0, 1.0)
    rgb = np.clip(np.asarray(colour) * np.clip(shade, 0.35, 1.8)[..., None], 0, 255)
    tint = 1 + 0.06 * (np.clip(shade, 0.5, 1.6) - 1)[..., None] * np.array([1.0, 0.2, -0.6])
    pixels = np.dstack([np.clip(rgb * tint, 0, 255), 255 * alpha]).astype(np.uint8)
    opaque = bool(alpha.min() > 0.99)
    picture = Image.fromarray(pixels if not opaque else pixels[..., :3])
    return Look(name, "hair", picture, roughness=0.5, alpha="OPAQUE" if opaque else "MASK", double_sided=True)
