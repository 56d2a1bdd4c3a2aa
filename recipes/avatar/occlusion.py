"""Ambient occlusion at rest: how much of the sky each point sees, from depth maps of many directions."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
from recipes.avatar.paint import point_normals
from recipes.avatar.piece import Part
from recipes.avatar.source import Array, Index, Source

_DIRECTIONS = 90
_EXPONENTS = np.array([0.95, 1.3, 1.4])  # red light scatters furthest under skin
_STRENGTH = {"skin": 1.0, "cloth": 0.8, "hair": 0.55}
_CELL = 0.022  # dm a pixel
_BIAS = 0.035  # dm


def ambient_occlusion(points: Array, faces: Index) -> Array:
    """Return the open part (V,) in [0, 1] of the sky over ``points`` (V, 3) dm among triangles ``faces``."""
    up = point_normals(points, faces)
    open_sky, total = np.zeros(len(points)), np.full(len(points), 1e-9)
    k = np.arange(_DIRECTIONS) + 0.5
    polar, turn = np.arccos(1 - 2 * k / _DIRECTIONS), np.pi * (1 + 5**0.5) * k
    for theta, phi in zip(polar, turn, strict=True):
        to_sky = np.array([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)])
        # The floor gives back less light than the sky.
        weight = np.clip(up @ to_sky, 0, None) * (0.6 + 0.4 * to_sky[1])
        open_sky += weight * _lit(points, faces, up, to_sky)
        total += weight
    return np.asarray(np.clip(open_sky / total, 0, 1))


def occlusion_colours(open_sky: Array) -> Array:
    """Turn openness (V,) into linear vertex colours (V, 3); shade on skin is redder."""
    return np.asarray(np.clip(0.16 + 0.84 * open_sky, 0, 1)[:, None] ** _EXPONENTS)


def shaded(source: Source, parts: list[Part]) -> list[Part]:
    """Return ``parts`` with ambient occlusion in the vertex colours of skin, clothes and hair.

    All three shade each other. Lids keep their own light, because what is folded at rest shows in a blink;
    the inside of the mouth has its own colours.
    """
    mine = [part for part in parts if part.look.shading in _STRENGTH and part.look.alpha != "BLEND"]
    welded = [_welded(part) for part in mine]
    starts = np.cumsum([0, *(len(places) for places, _, _ in welded)])
    places = np.concatenate([each for each, _, _ in welded])
    faces = np.concatenate([each + start for (_, each, _), start in zip(welded, starts[:-1], strict=True)])
    open_sky = ambient_occlusion(places, faces)
    lids = np.zeros(len(source.mesh.points))
    for action in ("eyeBlinkLeft", "eyeBlinkRight"):
        size = np.linalg.norm(source.target(action), axis=1)
        lids = np.maximum(lids, size / size.max())
    done: dict[str, Part] = {}
    for part, (_, _, back), start in zip(mine, welded, starts[:-1], strict=True):
        seen = open_sky[start + back]
        if part.source is not None and part.moves:
            seen = np.maximum(seen, 0.88 * np.clip(2.5 * (part.source @ lids), 0, 1))
        light = 1 - _STRENGTH[part.look.shading] * (1 - occlusion_colours(seen))
        if part.look.shading != "skin":
            light = light.mean(axis=1, keepdims=True).repeat(3, axis=1)
        done[part.name] = replace(part, colours=light if part.colours is None else part.colours * light)
    return [done.get(part.name, part) if part.look.shading in _STRENGTH else part for part in parts]


def _welded(part: Part) -> tuple[Array, Index, Index]:
    """Points without the doubles of texture seams, triangles over them, and where each point went."""
    rounded = np.round(part.points * 1e5).astype(np.int64)
    _, first, back = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
    return part.points[first], back.reshape(-1)[part.faces], back.reshape(-1)


def _lit(points: Array, faces: Index, normals: Array, to_sky: Array) -> Array:
    side = np.cross(to_sky, (0.0, 1.0, 0.0) if abs(to_sky[1]) < 0.9 else (1.0, 0.0, 0.0))
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(to_sky, side), to_sky])
    flat = points @ axes.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    flat[:, :2] = (flat[:, :2] - low[:2]) / _CELL
    shape = np.ceil((high[:2] - low[:2]) / _CELL).astype(int) + 2
    depth = np.full((shape[1], shape[0]), -1e9)
    _draw(flat, faces, depth)
    seen = (points + 0.02 * normals) @ axes.T
    seen[:, :2] = (seen[:, :2] - low[:2]) / _CELL
    return np.asarray(_look(seen, depth))


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
