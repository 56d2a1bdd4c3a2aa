"""Long hair: a bob that falls from a parting, and hair combed back into a knot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from recipes.avatar.hair_short import crown_paths, shell_over
from recipes.avatar.people import Rgb
from recipes.avatar.piece import Part
from recipes.avatar.scalp import Scalp, toward, unit
from recipes.avatar.source import Array
from recipes.avatar.strands import Strip, hair_look, hair_part, shell_part

PARTING = 9.0
"""Azimuth of the bob's parting at the forehead, degrees towards the character's left."""


def _arc(first: Array, second: Array, t: Array) -> Array:
    """Great arcs between unit directions (..., 3) at shares ``t`` (N,), (..., N, 3)."""
    first, second = first[..., None, :], second[..., None, :]
    angle = np.arccos(np.clip((first * second).sum(axis=-1, keepdims=True), -1, 1))
    share = t[:, None]
    return unit(
        (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second)
        / np.maximum(np.sin(angle), 1e-6)
    )


def bob(scalp: Scalp, colour: Rgb) -> list[Part]:
    """Chin-length hair from a side parting, in three layers, with ends of different lengths."""
    rng = np.random.default_rng(5)
    strips: list[Strip] = []
    jaw = scalp.eye_y - 1.04
    for layer, (lift, count) in enumerate(((0.05, 38), (0.09, 42), (0.13, 41))):
        for side in (-1.0, 1.0):
            for k in range(count):
                s = (k + rng.uniform(0.1, 0.9)) / count
                strips.append(_bob_strip(scalp, rng, s, side, lift, layer, jaw))
    for k in range(26):
        strand = _bob_strip(scalp, rng, rng.uniform(0, 1), 1.0 if k % 2 else -1.0, 0.15, 2, jaw)
        strips.append(replace(strand, width=rng.uniform(0.05, 0.10), shade=1.0))
    for k in range(10):
        strand = _bob_strip(
            scalp, rng, 0.012 * (k // 2), 1.0 if k % 2 else -1.0, 0.10 + 0.01 * (k // 2), 2, jaw + 0.1
        )
        strips.append(replace(strand, width=rng.uniform(0.05, 0.09), shade=rng.uniform(0.8, 0.95), taper=0.5))
    strips += _downy(scalp, np.linspace(-50, 50, 44), toward(PARTING, 80), rng)
    grid = crown_paths(scalp, 0.03, 61, 11)
    above = scalp.above(grid.reshape(-1, 3)).reshape(grid.shape[:2])
    cap = shell_part(
        shell_over(scalp, grid, 0.085 * np.clip((above - 0.02) / 0.25, 0, 1) ** 0.6 - 0.004),
        hair_look(colour, name="hair-cap", solid=True),
        name="hair-cap",
        shade=0.5,
        repeats=4,
    )
    return [cap, hair_part(strips, hair_look(colour, ragged=0.14), across=3)]


def _bob_strip(
    scalp: Scalp, rng: np.random.Generator, s: float, side: float, lift: float, layer: int, jaw: float
) -> Strip:
    """One clump: ``s`` runs from the front of the parting (0) to the back of the head (1)."""
    elevation = np.interp(s, [0, 0.25, 0.6, 1], [43, 69, 84, 66])
    azimuth = np.interp(s, [0, 0.25, 0.6, 1], [PARTING, PARTING + 6, 60, 172])
    root = unit(
        toward(azimuth, elevation) - side * np.array([0.045, 0, 0]) * np.interp(s, [0, 0.7, 1], [1, 1, 0])
    )
    azimuth = np.interp(s, [0, 0.12, 0.35, 1], [69, 78, 97, 179]) + rng.normal(0, 2.0)
    middle = toward(side * azimuth, np.interp(s, [0, 0.3, 1], [0.0, -4.0, -12.0]))
    t = np.linspace(0, 1, 7)
    arc = _arc(root, middle, t)
    front = max(0.3 - s, 0) / 0.3
    arc = unit(arc + 0.10 * front * np.sin(np.pi * t)[:, None] * np.array([0, 0.6, 0.25]))
    rise = lift * np.interp(t, [0, 0.15, 1], [0.75, 1.0, 1.0]) + 0.06 * np.sin(np.pi * t) ** 2
    over, outward = scalp.lifted(arc, rise + 0.05 * front * np.exp(-((t / 0.3) ** 2)))
    flat = (over[-1] - scalp.centre) * [1, 0, 1]
    radius, heading = float(np.linalg.norm(flat)), unit(flat)
    beside = float(np.interp(azimuth, [60, 80, 115, 160], [0.8, 1, 1, 0]))
    floor = radius + beside * max(scalp.ear_x + 0.03 + 0.5 * lift - radius, 0)
    t = np.clip((t - 0.55) / 0.45, 0, 1)
    over += (t * t * (3 - 2 * t) * 0.6 * (floor - radius))[:, None] * heading
    radius += 0.6 * (floor - radius)
    fall = np.linspace(0, 1, 6)[1:]
    tip = jaw + rng.normal(0, 0.045) - 0.08 * s + 0.07 * layer * rng.uniform(-1, 0.6)
    swell = floor * (1 + 0.05 * np.sin(np.pi * fall) - 0.15 * np.clip(fall - 0.45, 0, 1) ** 1.5)
    swell = radius + (swell - radius) * np.clip(fall * 3, 0, 1)
    hang = scalp.centre + heading * swell[:, None]
    hang[:, 1] = over[-1, 1] + (tip - over[-1, 1]) * fall
    path = np.concatenate([over, hang])
    path += rng.normal(0, 0.006, path.shape)
    path[1:-1] = 0.5 * path[1:-1] + 0.25 * (path[:-2] + path[2:])
    out = unit(np.concatenate([outward, np.tile(heading, (len(hang), 1))]))
    shade = 0.58 + 0.06 * layer + rng.normal(0, 0.05)
    width = rng.uniform(0.24, 0.36) * (0.8 if layer == 2 else 1.0)
    return Strip(path, out, width, int(rng.integers(4)), shade, taper=0.4, root=0.25, dark=0.95)


def bun(scalp: Scalp, colour: Rgb) -> list[Part]:
    """Hair combed back from the hairline into a knot at the back of the head."""
    rng = np.random.default_rng(8)
    knot = toward(180.0, 8.0)
    solid = hair_look(colour, name="hair-cap", solid=True)
    around = _even(scalp, np.linspace(0, 1, 97))
    paths, _ = _combed(scalp, around, np.full(97, 0.012), knot, 0.026)
    cap = shell_part(paths, solid, name="hair-cap", shade=0.72, repeats=6)
    strips: list[Strip] = []
    for layer, (lift, count) in enumerate(((0.030, 112), (0.040, 88))):
        azimuth = _even(scalp, (np.arange(count) + rng.uniform(0.3, 0.7, count)) / count)
        inside = 0.05 * layer + rng.uniform(0.0, 0.06, count)
        paths, outward = _combed(scalp, azimuth, inside, knot, lift)
        for k in range(count):
            width, shade = rng.uniform(0.08, 0.14), float(np.clip(rng.normal(0.82, 0.06), 0, 1))
            strips.append(Strip(paths[k], outward[k], width, k % 4, shade, taper=0.45, root=0.15, dark=1.0))
    fine = np.concatenate([np.linspace(-88, 88, 110), rng.uniform(-180, -125, 14), rng.uniform(125, 180, 14)])
    downy = _downy(scalp, fine, knot, rng)
    place, outward = scalp.lifted(knot[None], 0.16)
    core, coils = _coil(place[0], outward[0], 0.36, rng)
    ball = shell_part(core, solid, name="hair-knot", shade=0.5, repeats=3)
    look = hair_look(colour, ragged=0.25)
    matte = replace(look, name="hair-fine", shading="cloth", roughness=0.9)
    return [cap, ball, hair_part(strips + coils, look), hair_part(downy, matte, name="hair-fine")]


def _even(scalp: Scalp, share: Array) -> Array:
    """Return the azimuths (N,) at shares of the hairline's length, from the nape once round."""
    azimuth = np.linspace(-180, 180, 361)
    line, _ = scalp.surface(toward(azimuth, scalp.rim(azimuth)))
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return np.interp(share, length / length[-1], azimuth)


def _combed(scalp: Scalp, azimuth: Array, inside: Array, knot: Array, lift: float) -> tuple[Array, Array]:
    """Return paths (C, 11, 3) and the way outwards there, from ``inside`` the hairline to the knot."""
    t = np.linspace(0, 1, 11)
    roots = toward(azimuth, scalp.rim(azimuth, inside))
    high = np.cos(np.radians(azimuth / 2)) ** 2
    ends = unit(
        knot + 0.10 * np.stack([np.sin(np.radians(azimuth)), 0.9 * high * 2 - 0.9, 0 * azimuth], axis=1)
    )
    arcs = _arc(roots, ends, t)
    raised = scalp.kept_above(arcs.reshape(-1, 3), np.repeat(inside, len(t)) + 0.01).reshape(arcs.shape)
    raised[:, 1:-1] = unit(0.5 * raised[:, 1:-1] + 0.25 * (raised[:, :-2] + raised[:, 2:]))
    front = np.clip(np.cos(np.radians(azimuth)), 0, 1)[:, None]
    rise = (
        lift * np.interp(t, [0, 0.1, 0.3, 1], [0.4, 0.7, 1.0, 1.0]) + 0.06 * front * np.sin(np.pi * t) ** 1.5
    )
    flat = raised.reshape(-1, 3)
    points, outward = scalp.lifted(flat, rise.reshape(-1))
    return points.reshape(arcs.shape), outward.reshape(arcs.shape)


def _downy(scalp: Scalp, azimuth: Array, to: Array, rng: np.random.Generator) -> list[Strip]:
    """Fine short hairs along the hairline at ``azimuth`` (N,), that lie towards ``to``."""
    strips = []
    azimuth = azimuth + rng.normal(0, 1.0, len(azimuth))
    roots = toward(azimuth, scalp.rim(azimuth, rng.uniform(-0.05, 0.01, len(azimuth))))
    for root in roots:
        end = unit(root + rng.uniform(0.14, 0.28) * unit(to - root) + rng.normal(0, 0.03, 3) + [0, 0.05, 0])
        path, out = scalp.lifted(
            _arc(root, end, np.linspace(0, 1, 4)), np.array([0.003, 0.016, 0.026, 0.026])
        )
        strips.append(
            Strip(
                path, out, rng.uniform(0.02, 0.045), int(rng.integers(4)), 0.8, taper=0.5, root=0.2, dark=1.0
            )
        )
    return strips


def _coil(
    centre: Array, outward: Array, radius: float, rng: np.random.Generator
) -> tuple[Array, list[Strip]]:
    """Return the knot's core as paths (C, N, 3), and strips wound round it."""
    across = unit(np.cross(outward, [0.0, 1.0, 0.0]))
    up = np.cross(across, outward)

    def place(turn: Array, latitude: Array, size: Array | float) -> Array:
        ring = np.cos(latitude)[..., None] * (np.cos(turn)[..., None] * across + np.sin(turn)[..., None] * up)
        return np.asarray(
            centre + np.asarray(size)[..., None] * (ring + 0.72 * np.sin(latitude)[..., None] * outward)
        )

    turn, latitude = np.meshgrid(np.linspace(0, 2 * np.pi, 25), np.linspace(-1.5, 1.57, 9), indexing="ij")
    core = place(turn, latitude, np.full(turn.shape, 0.93 * radius))
    strips = []
    for k in range(44):
        begin = 2 * np.pi * k / 44 * 5 + rng.uniform(0, 0.3)
        low = -1.0 + 2.1 * k / 44
        along = np.linspace(0, 1, 12)
        turn = begin + along * rng.uniform(2.2, 3.2)
        latitude = np.clip(low + 0.75 * (along - 0.4) + 0.06 * np.sin(7 * along + k), -1.2, 1.45)
        groove = 1 + 0.05 * np.sin(np.pi * along) + 0.02 * rng.standard_normal()
        path = place(turn, latitude, radius * groove * 0.97)
        shade = float(np.clip(rng.normal(0.84, 0.08), 0, 1))
        out = unit(path - centre)
        strips.append(Strip(path, out, rng.uniform(0.10, 0.19), k % 4, shade, taper=0.4, arch=0.14, dark=0.6))
    return core, strips
