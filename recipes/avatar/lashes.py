"""Lashes as thin strands that ride on the base mesh's lash cards, and so follow every move of the lids."""

from __future__ import annotations

import numpy as np
from recipes.avatar.paint import Rgb
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array, Index, Source
from scipy.sparse import csr_array

_STEPS = 5  # points along a strand


def lash_parts(source: Source, points: Array, hair: Rgb, *, woman: bool) -> list[Part]:
    """Make the upper and lower lashes of both eyes.

    Args:
        source: the base mesh.
        points: (19158, 3) dm, shaped.
        hair: sRGB of the hair, of which lashes are a darker shade.
        woman: longer, fuller upper lashes.

    """
    colour = np.asarray(hair) * 0.22 + (14, 9, 7)
    strands: list[tuple[Array, csr_array, float]] = []
    random = np.random.default_rng(3)
    for side in ("l", "r"):
        for row in (2, 1):
            strands += _row(source, points, side, row, woman, random)
    rims = [_rim(source, points, side, woman=woman) for side in ("l", "r")]
    places = np.concatenate([place for place, _, _ in strands + rims])
    tones = np.concatenate([np.full(len(place), tone) for place, _, tone in strands + rims])
    rows = _stacked([rows for _, rows, _ in strands + rims])
    per = 2 * _STEPS - 1
    ribbon = np.array(
        [
            corner
            for k in range(_STEPS - 2)
            for corner in ((2 * k, 2 * k + 1, 2 * k + 2), (2 * k + 1, 2 * k + 3, 2 * k + 2))
        ]
        + [(2 * _STEPS - 4, 2 * _STEPS - 3, 2 * _STEPS - 2)]
    )
    faces = (np.arange(len(strands)) * per)[:, None, None] + ribbon
    start = len(strands) * per
    pairs = np.arange(len(rims[0][0]) // 2 - 1)[:, None] * 2
    strip = np.concatenate([pairs + np.array(corners) for corners in ((0, 1, 2), (1, 3, 2))])
    faces = np.concatenate([faces.reshape(-1, 3), *(start + k * len(rims[0][0]) + strip for k in range(2))])
    look = Look("lashes", "lash", roughness=0.7, double_sided=True)
    shade = ((colour / 255) ** 2.2) * tones[:, None]
    return [
        Part(
            "lashes",
            places,
            faces,
            np.zeros((len(places), 2)),
            look,
            rows,
            moves=True,
            colours=np.clip(shade, 0, 1),
        )
    ]


def lash_grid(source: Source, points: Array, side: str, row: int) -> Index:
    """Point indices (columns, 5) of a lash card (row 2 upper, 1 lower), root to tip, inner corner first."""
    quads = source.mesh.quads[source.mesh.groups[f"helper-{side}-eyelashes-{row}"]]
    edges = np.sort(np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    near: dict[int, set[int]] = {}
    rim: dict[int, set[int]] = {}
    for (a, b), times in zip(unique.tolist(), count.tolist(), strict=True):
        for one, other in ((a, b), (b, a)):
            near.setdefault(one, set()).add(other)
            if times == 1:
                rim.setdefault(one, set()).add(other)
    corners = [point for point, others in near.items() if len(others) == 2]
    paths = []
    for corner in corners:
        for first in rim[corner]:
            path = [corner, first]
            while path[-1] not in corners:
                path.append(next(p for p in rim[path[-1]] if p != path[-2]))
            paths.append(path)
    longest = max(len(path) for path in paths)
    eye = points[source.mesh.points_of(f"helper-{side}-eye")].mean(axis=0)
    long = [
        path for path in paths if len(path) == longest and abs(points[path[0], 0]) < abs(points[path[-1], 0])
    ]
    root = min(long, key=lambda path: float(np.linalg.norm(points[path] - eye, axis=1).mean()))
    grid = [root]
    while True:
        used = set(grid[-1]) | (set(grid[-2]) if len(grid) > 1 else set())
        ahead = [near[point] - used for point in grid[-1]]
        if not all(len(each) == 1 for each in ahead):
            return np.array(grid).T
        grid.append([next(iter(each)) for each in ahead])


def _row(
    source: Source, points: Array, side: str, row: int, woman: bool, random: np.random.Generator
) -> list[tuple[Array, csr_array, float]]:
    """Strands of one row: places (9, 3), their rows over the base mesh, and how light each is."""
    grid = lash_grid(source, points, side, row)
    upper = row == 2
    columns, depth = grid.shape
    count = (84 if woman else 64) if upper else 34
    length = (0.74 if woman else 0.52) if upper else (0.30 if woman else 0.24)
    width = (0.0036 if woman else 0.0032) if upper else 0.0022
    lift = (0.026 if woman else 0.008) if upper else -0.004
    outwards = 1 if side == "l" else -1
    found = []
    for k in range(count):
        at = (k + 0.5 + random.uniform(-0.4, 0.4)) / count
        full = np.interp(at, [0, 0.12, 0.45, 0.8, 1], [0.35, 0.6, 0.92, 1.0, 0.72]) * random.uniform(
            0.78, 1.08
        )
        lean = random.normal(0.25, 0.28) + 1.1 * (at - 0.45)
        rows, base = [], np.linspace(0, 1, _STEPS)
        for t in base:
            across = np.clip(at * (columns - 1) + 0.9 * lean * t * full, 0, columns - 1.001)
            rows.append(_bilinear(grid, float(across), float(t * full * length * (depth - 1))))
        weights = _stacked([csr_array(each) for each in rows])
        line = weights @ points
        line[:, 1] += lift * full * base**2.2
        line[:, 0] += outwards * 0.012 * lean * full * base**1.5
        line += np.array([0, -0.004, 0.008]) * upper
        aside = (
            points[grid[min(int(at * (columns - 1)) + 1, columns - 1), 0]]
            - points[grid[int(at * (columns - 1)), 0]]
        )
        aside = aside / np.linalg.norm(aside)
        half = (
            0.5
            * width
            * random.uniform(0.75, 1.15)
            * (1 - base**1.6)
            * np.interp(base, [0, 0.2, 1], [0.75, 1, 0.8])
        )
        two = np.stack([line - half[:, None] * aside, line + half[:, None] * aside], axis=1)
        places = np.concatenate([two[:-1].reshape(-1, 3), line[-1:]])
        pick = np.append(np.repeat(np.arange(_STEPS - 1), 2), _STEPS - 1)
        found.append((places, weights[pick], random.uniform(0.8, 1.3) * (1.0 if upper else 2.6)))
    return found


def _rim(source: Source, points: Array, side: str, *, woman: bool) -> tuple[Array, csr_array, float]:
    """Make the dark edge that the roots of the upper lashes form, widest in its outer half."""
    grid = lash_grid(source, points, side, 2)
    columns = len(grid)
    along = np.linspace(0.03, 0.96, 4 * columns)
    weights = _stacked([csr_array(_bilinear(grid, at * (columns - 1), 0.0)) for at in np.repeat(along, 2)])
    high = (0.0048 if woman else 0.0032) * np.interp(along, [0, 0.3, 0.75, 0.96], [0.2, 0.8, 1.1, 0.3])
    places = weights @ points + (0, -0.003, 0.010)
    places[1::2, 1] += 2 * high
    return places, weights, 1.3


def _bilinear(grid: Index, across: float, along: float) -> Array:
    """Weights (1, 19158) over the base mesh of one place on a lash card."""
    column = min(int(across), grid.shape[0] - 2)
    row = min(int(along), grid.shape[1] - 2)
    a, b = across - column, along - row
    out = np.zeros((1, 19158))
    for i, share in ((0, 1 - a), (1, a)):
        for j, part in ((0, 1 - b), (1, b)):
            out[0, grid[column + i, row + j]] += share * part
    return out


def _stacked(rows: list[csr_array]) -> csr_array:
    """Put sparse rows below each other."""
    data = np.concatenate([each.data for each in rows])
    columns = np.concatenate([each.indices for each in rows])
    counts = np.concatenate([np.diff(each.indptr) for each in rows])
    starts = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((data, columns, starts), shape=(len(starts) - 1, 19158))
