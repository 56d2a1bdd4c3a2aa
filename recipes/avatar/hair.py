"""Hair styles: a cap in the hair's colour over the scalp, and strips combed over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recipes.avatar.anatomy import base_part, islands
from recipes.avatar.people import Person, Rgb
from recipes.avatar.piece import Part
from recipes.avatar.scalp import Scalp
from recipes.avatar.source import Array, Source
from recipes.avatar.strands import Strip, hair_look, hair_part
from recipes.avatar.surface import clipped, merged, smoothed

_RECEDE = {"short": 0.10, "cropped": 0.06}


def hair_parts(source: Source, points: Array, person: Person) -> list[Part]:
    """Return the hair of ``person``: bound to the head, in the source's frame."""
    return STYLES[person.hair](source, scalp_of(source, points, person), person.hair_colour)


def scalp_of(source: Source, points: Array, person: Person) -> Scalp:
    """Return the scalp with the hairline of the person's style."""
    return Scalp(source, points, recede=_RECEDE.get(person.hair, 0.0))


def scalp_mask(source: Source, points: Array, person: Person) -> Array:
    """Return how much of the hair's colour is painted on every base point, (19158,) from 0 to 1."""
    return scalp_of(source, points, person).mask()


def _unit(v: Array) -> Array:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _direction(azimuth: Array | float, elevation: Array | float, side: float = 1.0) -> Array:
    """Unit directions; azimuth from the front towards ``side`` (+1 is the character's left), degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack(
        np.broadcast_arrays(side * np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)), axis=-1
    )


def _slerp(first: Array, second: Array, t: Array) -> Array:
    """Great arc between two unit directions at shares ``t`` (N,)."""
    angle = np.arccos(np.clip(first @ second, -1, 1))
    weights = np.stack([np.sin((1 - t) * angle), np.sin(t * angle)], axis=-1) / max(np.sin(angle), 1e-6)
    return _unit(weights @ np.stack([first, second]))


def _cap(source: Source, scalp: Scalp, colour: Rgb, lift: float, *, curls: bool = False, raised: float = 0.03) -> Part:
    """Return a close shell over the scalp, a little inside the hairline, thinning towards its edge."""
    look = replace(hair_look(colour, name="hair-cap", curls=curls), alpha="OPAQUE")
    look = replace(look, texture=look.texture.convert("RGB") if look.texture else None)
    head = merged(base_part(source, scalp.points, islands(source)["head"], look, name="hair-cap", moves=False))
    above = scalp.above_hairline(head.points)
    thick = lift * np.clip((above - raised) / 0.16, 0, 1) ** 0.5
    _, normals = scalp.surface(_unit(head.points - scalp.centre))
    shell = replace(head, points=smoothed(head.points + thick[:, None] * normals, head.faces, 2, keep=1 - np.clip(above * 9, 0, 1)))
    shell = clipped(shell, lambda p: raised - scalp.above_hairline(p))
    azimuth = np.arctan2(shell.points[:, 0], shell.points[:, 2] - scalp.centre[2])
    height = (shell.points[:, 1] - scalp.eye_y) / (scalp.top_y - scalp.eye_y)
    uv = np.stack([azimuth * 1.3, 0.2 + 0.5 * height], axis=1)
    dark = np.full((len(shell.points), 3), 0.62)
    return replace(shell, uv=uv, colours=dark, source=None, bone="head")


def _lifted(scalp: Scalp, directions: Array, lift: Array | float) -> tuple[Array, Array]:
    surface, normals = scalp.surface(directions)
    outward = _unit(normals + directions)
    return surface + np.reshape(lift, (-1, 1)) * outward, outward


def _bob(source: Source, scalp: Scalp, colour: Rgb) -> list[Part]:
    """Chin-length hair from a side parting, in three layers, with ends of different lengths."""
    rng = np.random.default_rng(5)
    strips: list[Strip] = []
    jaw_y = scalp.eye_y - 1.02
    for layer, (lift, count) in enumerate(((0.05, 40), (0.10, 44), (0.15, 40))):
        for side in (-1.0, 1.0):
            for k in range(count):
                s = (k + rng.uniform(0.1, 0.9)) / count
                strips.append(_bob_strip(scalp, rng, s, side, lift, layer, jaw_y))
    for k in range(14):
        side = 1.0 if k % 2 else -1.0
        strand = _bob_strip(scalp, rng, rng.uniform(0, 1), side, 0.17, 2, jaw_y - 0.05)
        strips.append(replace(strand, width=0.07, shade=1.08))
    return [_cap(source, scalp, colour, 0.05), hair_part(strips, hair_look(colour))]


def _bob_strip(scalp: Scalp, rng: np.random.Generator, s: float, side: float, lift: float, layer: int, jaw_y: float) -> Strip:
    """One clump: ``s`` runs from the front of the parting (0) to the back of the head (1)."""
    part = 9.0
    root_elevation = np.interp(s, [0, 0.25, 0.6, 1], [50, 72, 84, 66])
    root_azimuth = np.interp(s, [0, 0.25, 0.6, 1], [part + 2, part + 8, 60, 172])
    root = _direction(root_azimuth, root_elevation, 1.0)
    azimuth = np.interp(s, [0, 0.12, 0.35, 1], [68, 76, 96, 179]) + rng.normal(0, 2.0)
    brow = np.interp(s, [0, 0.3, 1], [0.0, -4.0, -12.0])
    middle = _direction(azimuth, brow, side)
    t = np.linspace(0, 1, 9)
    arc = _slerp(root, middle, t)
    if s < 0.3:
        lift_front = (0.3 - s) / 0.3
        arc = _unit(arc + 0.10 * lift_front * np.sin(np.pi * t)[:, None] * np.array([0, 0.6, 0.25]))
    over, outward = _lifted(scalp, arc, lift * np.interp(t, [0, 0.15, 1], [0.35, 0.9, 1.0]) + 0.05 * np.sin(np.pi * t) ** 2)
    tip_y = jaw_y + rng.normal(0, 0.06) - 0.10 * s + 0.08 * layer * rng.uniform(-1, 0.4)
    flat = over[-1] - scalp.centre
    flat[1] = 0
    radius, heading = np.linalg.norm(flat), _unit(flat)
    floor = max(radius, scalp.half_width + 0.02 + lift * 0.9 if azimuth < 140 else radius)
    fall = np.linspace(0, 1, 8)[1:]
    heights = over[-1, 1] + (tip_y - over[-1, 1]) * fall
    swell = floor * (1 + 0.05 * np.sin(np.pi * fall) - 0.13 * np.clip(fall - 0.45, 0, 1) ** 1.5)
    swell = radius + (swell - radius) * np.clip(fall * 3, 0, 1)
    hang = scalp.centre + heading * swell[:, None]
    hang[:, 1] = heights
    path = np.concatenate([over, hang])
    path[:, :] += rng.normal(0, 0.008, path.shape)
    path[1:-1] = 0.5 * path[1:-1] + 0.25 * (path[:-2] + path[2:])
    out = np.concatenate([outward, np.tile(heading, (len(hang), 1))])
    width = rng.uniform(0.26, 0.38) * (0.8 if layer == 2 else 1.0)
    return Strip(path, _unit(out), width, int(rng.integers(4)), 0.82 + 0.09 * layer + rng.normal(0, 0.04), taper=0.35)


def _bun(source: Source, scalp: Scalp, colour: Rgb) -> list[Part]:
    """Hair combed back from the hairline into a knot at the back of the head."""
    rng = np.random.default_rng(8)
    knot = _direction(180.0, 2.0)
    strips: list[Strip] = []
    for layer, (lift, count) in enumerate(((0.035, 110), (0.06, 100), (0.08, 60))):
        for k in range(count):
            azimuth = (k + rng.uniform(0, 1)) / count * 360 - 180
            root = _hairline_direction(scalp, azimuth, 0.02 + 0.05 * layer + rng.uniform(0, 0.06))
            t = np.linspace(0, 1, 12)
            arc = _slerp(root, _unit(knot + rng.normal(0, 0.05, 3)), t * 0.96)
            rise = lift * np.interp(t, [0, 0.12, 0.5, 1], [0.2, 0.8, 1.15, 1.0])
            rise = rise + 0.05 * np.sin(np.pi * t) * max(np.cos(np.radians(azimuth)), 0)
            path, out = _lifted(scalp, arc, rise)
            strips.append(Strip(path, out, rng.uniform(0.2, 0.3), int(rng.integers(4)), 0.8 + 0.1 * layer + rng.normal(0, 0.04), taper=0.6))
    place, out = _lifted(scalp, knot[None], 0.26)
    strips += _knot(place[0], out[0], 0.36, rng)
    return [_cap(source, scalp, colour, 0.04), hair_part(strips, hair_look(colour, ragged=0.15))]


def _knot(centre: Array, outward: Array, radius: float, rng: np.random.Generator) -> list[Strip]:
    """A coil of strips around ``outward``."""
    across = _unit(np.cross(outward, [0.0, 1.0, 0.0]))
    up = np.cross(across, outward)
    strips = []
    for k in range(46):
        lean, begin = rng.uniform(-1.25, 1.35), rng.uniform(0, 2 * np.pi)
        turn = begin + np.linspace(0, rng.uniform(2.0, 3.4), 12)
        latitude = lean + 0.18 * np.sin(turn * 1.5 + k)
        ring = np.cos(latitude)[:, None] * (np.cos(turn)[:, None] * across + np.sin(turn)[:, None] * up)
        directions = _unit(ring + np.sin(latitude)[:, None] * outward * 0.8)
        path = centre + radius * rng.uniform(0.9, 1.02) * directions
        strips.append(Strip(path, directions, rng.uniform(0.14, 0.22), k % 4, rng.uniform(0.78, 1.05), taper=0.7))
    return strips


def _hairline_direction(scalp: Scalp, azimuth: float, inside: float) -> Array:
    """Return the direction at ``azimuth`` degrees (left positive) that lies ``inside`` the hairline."""
    elevation = np.linspace(-70, 88, 160)
    directions = _direction(abs(azimuth), elevation, np.sign(azimuth) or 1.0)
    surface, _ = scalp.surface(directions)
    above = scalp.above_hairline(surface) > inside
    return directions[np.argmax(above)]


def _short(source: Source, scalp: Scalp, colour: Rgb) -> list[Part]:
    """Short hair with a side parting: swept over on top, close at the sides and the back."""
    rng = np.random.default_rng(4)
    strips: list[Strip] = []
    count = 620
    golden = np.pi * (3 - np.sqrt(5))
    for k in range(count):
        y = 1 - 1.5 * (k + 0.5) / count
        turn = golden * k
        direction = _unit(np.array([np.sqrt(max(1 - y * y, 0)) * np.sin(turn), y, np.sqrt(max(1 - y * y, 0)) * np.cos(turn)]))
        surface, _ = scalp.surface(direction[None])
        above = float(scalp.above_hairline(surface)[0])
        if above < 0.015:
            continue
        strips.append(_short_strip(scalp, direction, above, rng))
    return [_cap(source, scalp, colour, 0.045), hair_part(strips, hair_look(colour, ragged=0.5))]


def _short_strip(scalp: Scalp, root: Array, above: float, rng: np.random.Generator) -> Strip:
    top = np.clip((root[1] - 0.45) / 0.3, 0, 1)
    parted = np.clip((root[0] - 0.30) * 8, -1, 1)
    sweep = np.array([parted, 0.0, 0.0]) * np.where(parted < 0, 1.0, 0.7) + np.array([0, 0, -0.55])
    down = np.array([0, -1.0, -0.42])
    flow = _unit(top * sweep + (1 - top) * down + rng.normal(0, 0.10, 3))
    front = np.clip((root[2] - 0.25) / 0.5, 0, 1) * top
    length = np.interp(top, [0, 1], [0.30, 0.62]) * rng.uniform(0.8, 1.15) * np.clip(0.55 + above * 3, 0, 1)
    t = np.linspace(0, 1, 6)
    directions = _unit(root + np.outer(t, length * (flow - (flow @ root) * root)))
    height = np.interp(top, [0, 1], [0.045, 0.13]) * np.clip(0.3 + above * 5, 0, 1)
    rise = height * np.interp(t, [0, 0.35, 1], [0.2, 1.0, 0.75]) + 0.12 * front * np.sin(np.pi * np.clip(t * 0.8 + 0.1, 0, 1))
    path, out = _lifted(scalp, directions, rise)
    return Strip(path, out, rng.uniform(0.16, 0.26), int(rng.integers(4)), rng.uniform(0.78, 1.08), taper=0.3)


def _cropped(source: Source, scalp: Scalp, colour: Rgb) -> list[Part]:
    """Very short, tightly curled hair: a shell with the grain of curls."""
    cap = _cap(source, scalp, colour, 0.085, curls=True, raised=0.0)
    rng = np.random.default_rng(2)
    _, normals = scalp.surface(_unit(cap.points - scalp.centre))
    depth = np.clip(scalp.above_hairline(cap.points) / 0.1, 0, 1)
    bumpy = cap.points + (0.012 * rng.standard_normal(len(cap.points)) * depth)[:, None] * normals
    uv = cap.uv * [2.2, 5.0]
    return [replace(cap, points=bumpy, uv=uv, colours=np.full((len(bumpy), 3), 0.95))]


STYLES: dict[str, Callable[[Source, Scalp, Rgb], list[Part]]] = {
    "bob": _bob,
    "bun": _bun,
    "short": _short,
    "cropped": _cropped,
}
"""Style name -> how it is made."""
