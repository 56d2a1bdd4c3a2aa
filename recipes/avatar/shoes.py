"""Closed low shoes, lofted around the feet: rounded sections along each foot on a flat sole."""

from __future__ import annotations

import numpy as np
from recipes.avatar.anatomy import SKIN_POINTS, one_hot
from recipes.avatar.bones import Skeleton
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array, Index, Source
from recipes.avatar.surface import joined
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

SECTIONS = 26
AROUND = 24
SOLE = 0.14
"""Thickness of the sole, dm."""


def shoes(source: Source, points: Array, bones: Skeleton, look: Look) -> Part:
    """Return both shoes as one part; bone weights come from the nearest skin."""
    near = cKDTree(points[:SKIN_POINTS])
    pair = []
    for side in ("left", "right"):
        surface, faces, uv = _shoe(points[:SKIN_POINTS], bones, side)
        source_rows = one_hot(near.query(surface)[1])
        pair.append(Part("shoes", surface, faces, uv, look, source_rows))
    return joined("shoes", pair)


def _shoe(skin: Array, bones: Skeleton, side: str) -> tuple[Array, Index, Array]:
    ankle, toes = bones.heads[bones.index(f"{side}Foot")], bones.heads[bones.index(f"{side}Toes")]
    along = (toes - ankle) * [1, 0, 1]
    along /= np.linalg.norm(along)
    across = np.array([along[2], 0, -along[0]])
    foot = skin[(skin[:, 1] < ankle[1] + 0.1) & (np.sign(skin[:, 0]) == np.sign(ankle[0]))]
    s, x, y = (foot - ankle) @ along, (foot - ankle) @ across, foot[:, 1]
    floor = y.min()
    stations = np.linspace(s.min() - 0.1, s.max() + 0.14, SECTIONS)
    left, right, top = _outline(stations, s, x, y)
    top = np.minimum(top + 0.1, ankle[1] + 0.08)
    end = np.clip(1 - np.abs(np.linspace(-1, 1, SECTIONS)) ** 7, 0, 1) ** 0.5
    rings = []
    for station, low, high, up, share in zip(stations, left - 0.1, right + 0.1, top, end, strict=True):
        angle = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
        c, sn = np.cos(angle), np.sin(angle)
        wide = np.sign(c) * np.abs(c) ** 0.75 * (high - low) / 2 * max(share, 0.04)
        tall = np.where(
            sn > 0, np.abs(sn) ** 0.8 * (up - floor) * (0.35 + 0.65 * share), -SOLE * np.abs(sn) ** 0.25
        )
        centre = ankle + station * along + (low + high) / 2 * across
        ring = centre * [1, 0, 1] + wide[:, None] * across
        ring[:, 1] = floor + tall
        rings.append(ring)
    surface = np.concatenate(rings)
    i, k = np.meshgrid(np.arange(SECTIONS - 1), np.arange(AROUND), indexing="ij")
    a, b = i * AROUND + k, (i + 1) * AROUND + k
    c, d = (i + 1) * AROUND + (k + 1) % AROUND, i * AROUND + (k + 1) % AROUND
    faces = np.concatenate([np.stack([a, d, b], axis=-1), np.stack([b, d, c], axis=-1)]).reshape(-1, 3)
    height = (surface[:, 1] - floor + SOLE) / (surface[:, 1].max() - floor + SOLE)
    return surface, _outward(surface, faces), np.stack([np.full(len(surface), 0.5), height], axis=1)


def _outline(stations: Array, s: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return leftmost, rightmost and highest point of the foot at each station, smoothed along it."""
    rows = []
    for station in stations:
        close = np.abs(s - np.clip(station, s.min() + 0.12, s.max() - 0.1)) < 0.14
        rows.append((x[close].min(), x[close].max(), y[close].max()))
    left, right, top = (
        gaussian_filter1d(np.array(column), 1.6, mode="nearest") for column in zip(*rows, strict=True)
    )
    return left, right, top


def _outward(points: Array, faces: Index) -> Index:
    """Turn all faces over if the surface is inside out (its signed volume is negative)."""
    a, b, c = (points[faces[:, k]] - points.mean(axis=0) for k in range(3))
    return faces if (a * np.cross(b, c)).sum() > 0 else faces[:, ::-1]
