"""Ambient occlusion at rest: how much of the sky each point sees, from depth maps of many directions."""

from __future__ import annotations

import numba
import numpy as np
from recipes.avatar.paint import point_normals
from recipes.avatar.source import Array, Index

_DIRECTIONS = 90
_EXPONENTS = np.array([0.95, 1.3, 1.4])  # red light scatters furthest under skin
_CELL = 0.022  # dm a pixel
_BIAS = 0.035  # dm


def ambient_occlusion(
    points: Array,
    faces: Index,
    occluders: list[tuple[Array, Index]] | None = None,
    *,
    normals: Array | None = None,
) -> Array:
    """Return the open part (V,) in [0, 1] of the sky over each of ``points`` (V, 3) dm.

    Args:
        points: (V, 3) the points that receive.
        faces: (F, 3) their triangles, which also occlude.
        occluders: more surfaces, as points and triangles (hair, clothes).
        normals: (V, 3) unit normals; None takes them from ``faces``.

    """
    surfaces = [(points, faces), *(occluders or [])]
    starts = np.cumsum([0, *(len(each) for each, _ in surfaces)])
    places = np.concatenate([each for each, _ in surfaces])
    triangles = np.concatenate([each + start for (_, each), start in zip(surfaces, starts[:-1], strict=True)])
    up = point_normals(points, faces) if normals is None else normals
    open_sky, total = np.zeros(len(points)), np.full(len(points), 1e-9)
    k = np.arange(_DIRECTIONS) + 0.5
    polar, turn = np.arccos(1 - 2 * k / _DIRECTIONS), np.pi * (1 + 5**0.5) * k
    for theta, phi in zip(polar, turn, strict=True):
        to_sky = np.array([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)])
        # The floor gives back less light than the sky.
        weight = np.clip(up @ to_sky, 0, None) * (0.6 + 0.4 * to_sky[1])
        open_sky += weight * _lit(places, triangles, points, up, to_sky)
        total += weight
    return np.clip(open_sky / total, 0, 1)


def occlusion_colours(open_sky: Array) -> Array:
    """Turn openness (V,) into linear vertex colours (V, 3); shade on skin is redder."""
    return np.clip(0.16 + 0.84 * open_sky, 0, 1)[:, None] ** _EXPONENTS


def _lit(places: Array, triangles: Index, points: Array, normals: Array, to_sky: Array) -> Array:
    side = np.cross(to_sky, (0.0, 1.0, 0.0) if abs(to_sky[1]) < 0.9 else (1.0, 0.0, 0.0))
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(to_sky, side), to_sky])
    flat = places @ axes.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    flat[:, :2] = (flat[:, :2] - low[:2]) / _CELL
    shape = np.ceil((high[:2] - low[:2]) / _CELL).astype(int) + 2
    depth = np.full((shape[1], shape[0]), -1e9)
    _draw(flat, triangles, depth)
    seen = (points + 0.02 * normals) @ axes.T
    seen[:, :2] = (seen[:, :2] - low[:2]) / _CELL
    return _look(seen, depth)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _draw(flat: Array, triangles: Index, depth: Array) -> None:  # pragma: no cover
    for t in range(len(triangles)):
        a, b, c = flat[triangles[t, 0]], flat[triangles[t, 1]], flat[triangles[t, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if abs(area) < 1e-12:
            continue
        for y in range(int(np.ceil(min(a[1], b[1], c[1]))), int(np.floor(max(a[1], b[1], c[1]))) + 1):
            for x in range(int(np.ceil(min(a[0], b[0], c[0]))), int(np.floor(max(a[0], b[0], c[0]))) + 1):
                v = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
                w = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
                if (
                    v < 0
                    or w < 0
                    or v + w > 1
                    or x < 0
                    or y < 0
                    or y >= depth.shape[0]
                    or x >= depth.shape[1]
                ):
                    continue
                depth[y, x] = max(depth[y, x], a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2]))


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _look(seen: Array, depth: Array) -> Array:  # pragma: no cover
    """Filtered test of each point against the depth map, (V,) in [0, 1]."""
    out = np.zeros(len(seen))
    for n in range(len(seen)):
        column, row = int(np.round(seen[n, 0])), int(np.round(seen[n, 1]))
        count = clear = 0
        for y in range(max(row - 1, 0), min(row + 2, depth.shape[0])):
            for x in range(max(column - 1, 0), min(column + 2, depth.shape[1])):
                count += 1
                if depth[y, x] <= seen[n, 2] + _BIAS:
                    clear += 1
        out[n] = clear / max(count, 1)
    return out
