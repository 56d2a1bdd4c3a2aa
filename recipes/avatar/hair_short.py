"""Short hair: side-parted strips over a shell, and tight curls as shells of knots."""

from __future__ import annotations

import numpy as np
from recipes.avatar.people import Rgb
from recipes.avatar.piece import Part
from recipes.avatar.scalp import Scalp, toward, unit
from recipes.avatar.source import Array
from recipes.avatar.strands import Strip, curl_look, grid_faces, hair_look, hair_part, shell_part

PARTING = 0.36
"""Where the parting lies: x of unit directions from the middle of the head."""


def _step(low: float, high: float, x: Array) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def crown_paths(scalp: Scalp, inside: float, columns: int, rows: int) -> Array:
    """Return unit directions (C, N, 3) from ``inside`` the hairline up to the crown, all the way round."""
    azimuth = np.linspace(-180, 180, columns)
    low = scalp.rim(azimuth, inside)
    t = np.linspace(0, 1, rows) ** 0.9
    return toward(azimuth[:, None], low[:, None] + (89.5 - low)[:, None] * t)


def shell_over(scalp: Scalp, directions: Array, lift: Array | float) -> Array:
    """Return points (C, N, 3) at ``lift`` (C, N) over the skull."""
    flat = directions.reshape(-1, 3)
    points, _ = scalp.lifted(flat, np.broadcast_to(lift, directions.shape[:2]).reshape(-1))
    return points.reshape(directions.shape)


def _flow(directions: Array) -> Array:
    """Which way short hair lies at unit ``directions`` (N, 3): off the parting, down at the sides."""
    x, y, z = directions.T
    top = _step(0.42, 0.78, y)[:, None]
    back = _step(0.10, -0.55, z)[:, None]
    off = np.where(x < PARTING, -1.0, 0.9)
    front = _step(0.25, 0.7, z)
    over = np.stack([off, 0.25 * front, -0.55 - 0.35 * front], axis=1)
    over = (1 - back) * unit(over) + back * unit(np.stack([0.35 * off, 0 * x - 0.5, 0 * x - 1.0], axis=1))
    down = unit(np.stack([0 * x, 0 * x - 1.0, -0.55 - 0.25 * _step(0.0, 0.6, z)], axis=1))
    return unit(top * over + (1 - top) * down)


def _volume(directions: Array, above: Array) -> Array:
    """Height of short hair over the skull, dm."""
    _, y, z = directions.T
    top = _step(0.35, 0.8, y)
    front = _step(0.15, 0.62, z) * top
    body = 0.035 + 0.075 * top + 0.10 * front
    return np.asarray(0.012 + body * _step(0.0, 0.22, above))


def short(scalp: Scalp, colour: Rgb) -> list[Part]:
    """Short hair with a side parting: swept over on top, close at the sides and the back."""
    rng = np.random.default_rng(4)
    grid = crown_paths(scalp, 0.028, 73, 12)
    flat = grid.reshape(-1, 3)
    lift = 0.82 * _volume(flat, scalp.above(flat)).reshape(grid.shape[:2]) - 0.004
    cap = shell_part(
        shell_over(scalp, grid, lift),
        hair_look(colour, name="hair-cap", solid=True),
        name="hair-cap",
        shade=0.62,
        repeats=4,
    )
    count = 690
    k = np.arange(count)
    y = 1 - 1.55 * (k + 0.5) / count
    turn = np.pi * (3 - np.sqrt(5)) * k + rng.normal(0, 0.05, count)
    ring = np.sqrt(np.maximum(1 - y * y, 0))
    roots = unit(np.stack([ring * np.sin(turn), y, ring * np.cos(turn)], axis=1))
    above = scalp.above(roots)
    roots, above = roots[above > 0.03], above[above > 0.03]
    rim = np.concatenate([np.linspace(-52, 52, 60), np.linspace(-44, 44, 34)])
    inside = np.concatenate([rng.uniform(-0.015, 0.03, 60), rng.uniform(0.03, 0.07, 34)])
    edge = toward(rim, scalp.rim(rim, inside))
    back = np.repeat(np.linspace(-0.05, 0.62, 14), 2) + rng.normal(0, 0.01, 28)
    beside = PARTING + np.tile([-0.025, 0.025], 14) + rng.normal(0, 0.008, 28)
    line = np.stack([beside, np.sqrt(1 - beside**2 - back**2), back], axis=1)
    roots = np.concatenate([roots, edge, line[scalp.above(line) > 0.03]])
    strips = _short_strips(scalp, roots, scalp.above(roots), rng)
    return [cap, hair_part(strips, hair_look(colour, ragged=0.5), across=3)]


def _short_strips(scalp: Scalp, roots: Array, above: Array, rng: np.random.Generator) -> list[Strip]:
    rows = 6
    n = len(roots)
    top = _step(0.42, 0.78, roots[:, 1])
    length = (0.36 + 0.42 * top) * rng.uniform(0.85, 1.15, n) * np.clip(0.55 + 1.6 * above, 0, 1)
    stray = rng.normal(0, 0.10, (n, 3))
    places = [roots]
    for _ in range(rows - 1):
        here = places[-1]
        way = _flow(here) + stray
        way -= (way * here).sum(axis=1, keepdims=True) * here
        ahead = unit(here + (length / (rows - 1))[:, None] * unit(way))
        places.append(scalp.kept_above(ahead, -0.06))
    track = np.stack(places, axis=1)
    flat = track.reshape(-1, 3)
    lift = _volume(flat, scalp.above(flat) + np.repeat(0.03 * rng.uniform(size=n), rows)).reshape(n, rows)
    lift *= np.interp(np.linspace(0, 1, rows), [0, 0.3, 0.7, 1], [0.55, 0.98, 1.04, 0.92])
    lift *= rng.uniform(0.92, 1.10, (n, 1))
    points, outward = scalp.lifted(flat, lift.reshape(-1))
    paths, out = points.reshape(n, rows, 3), outward.reshape(n, rows, 3)
    width = (0.085 + 0.06 * top) * rng.uniform(0.8, 1.25, n) * np.clip(0.4 + 2.5 * above, 0, 1)
    shade = np.clip(rng.normal(0.80, 0.035, n), 0.6, 1)
    return [
        Strip(
            paths[k],
            out[k],
            width[k],
            int(rng.integers(4)),
            shade[k],
            taper=0.25,
            root=0.35,
            dark=0.95,
            arch=0.03,
        )
        for k in range(n)
    ]


def cropped(scalp: Scalp, colour: Rgb) -> list[Part]:
    """Very short, tightly curled hair: shells of knots, closer and thinner towards ears and nape."""
    look = curl_look(colour, cover=0.62)
    rng = np.random.default_rng(2)
    columns, rows = 85, 15
    bumps = _bumps(rng, columns, rows)
    parts = []
    for layer, (inside, side, lift) in enumerate(
        (
            (0.0, 0.03, 0.012),
            (0.012, 0.16, 0.034),
            (0.03, 0.26, 0.058),
            (0.05, 0.34, 0.080),
            (0.075, 0.42, 0.098),
        )
    ):
        azimuth = np.linspace(-180, 180, columns)
        start = np.interp(np.abs(azimuth), [0, 42, 62, 130, 180], [inside, inside, side, side, 0.8 * side])
        low = scalp.rim(azimuth, start)
        grid = toward(azimuth[:, None], low[:, None] + (89.5 - low)[:, None] * np.linspace(0, 1, rows))
        flat = grid.reshape(-1, 3)
        above = scalp.above(flat).reshape(columns, rows)
        height = lift * np.clip(0.35 + above * 3.2, 0, 1) + 0.016 * bumps * np.clip(lift / 0.06, 0, 1)
        points = shell_over(scalp, grid, np.maximum(height, 0.006))
        uv = 1.9 * flat[:, [0, 2]] / (1.25 + flat[:, 1:2]) + 0.37 * layer * np.array([1.0, 0.6])
        shade = np.full((len(flat), 3), 0.72 + 0.07 * layer)
        parts.append(
            Part(
                f"hair-{layer}",
                points.reshape(-1, 3),
                grid_faces(columns, rows),
                uv,
                look,
                bone="head",
                colours=shade,
            )
        )
    return [_together(parts)]


def _bumps(rng: np.random.Generator, columns: int, rows: int) -> Array:
    bumps = rng.standard_normal((columns, rows))
    bumps[-1] = bumps[0]
    return bumps * np.linspace(1, 0.3, rows)


def _together(parts: list[Part]) -> Part:
    starts = np.cumsum([0] + [len(part.points) for part in parts])
    return Part(
        "hair",
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.uv for part in parts]),
        parts[0].look,
        bone="head",
        colours=np.concatenate([part.colours for part in parts if part.colours is not None]),
    )
