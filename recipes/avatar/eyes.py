"""Eyeballs: white, iris, pupil and the light a wet eye catches, painted flat about the centre of each eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image
from recipes.avatar.anatomy import base_part, islands
from recipes.avatar.paint import Rgb, blend, bump, image, step
from recipes.avatar.piece import Look, Part
from recipes.avatar.source import Array, Source
from scipy import ndimage

_SIZE = 512
_IRIS = 0.50  # of the radius of the eye
_PUPIL = 0.38  # of the iris
_LOWER = 0.035  # of the radius: the lid covers less of the iris, which looks awake
_INWARDS = 0.014  # of the radius: eyes that look at somebody near


def eye_parts(source: Source, points: Array, iris: Rgb, skin: Rgb) -> list[Part]:
    """Make both eyeballs, which the eyeLook actions turn, and the sockets behind the lids.

    Args:
        source: the base mesh.
        points: (19158, 3) dm, shaped.
        iris: sRGB.
        skin: sRGB; the inside of the lids takes after it.

    """
    parts: list[Part] = []
    found = islands(source)
    red = np.asarray(skin) / 255 * (0.62, 0.38, 0.34)
    dark = red**2.2
    inner = Look(
        "socket", "skin", colour=(float(dark[0]), float(dark[1]), float(dark[2]), 1.0), roughness=0.4
    )
    for name, side in (("left", 1), ("right", -1)):
        look = Look(f"eye-{name}", "eye", texture=eye_texture(iris, side), roughness=0.12)
        part = base_part(
            source, points, source.mesh.groups[f"helper-{name[0]}-eye"], look, name=f"eye-{name}", moves=True
        )
        centre = part.points.mean(axis=0)
        radius = np.abs(part.points[:, 0] - centre[0]).max()
        flat = (part.points - centre)[:, :2] / radius
        parts.append(replace(part, uv=0.5 + 0.5 * flat))
        socket = base_part(source, points, found[f"socket-{name}"], inner, name=f"socket-{name}", moves=True)
        parts.append(socket)
    return parts


def eye_texture(iris: Rgb, side: int) -> Image.Image:
    """Paint the front view of one eye (``side`` 1 left, -1 right), 512 x 512."""
    rows, columns = np.mgrid[0:_SIZE, 0:_SIZE]
    x, y = (columns + 0.5) / _SIZE * 2 - 1, 1 - (rows + 0.5) / _SIZE * 2
    x, y = x + side * _INWARDS, y + _LOWER
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    picture = _white(x, y, radius, side)
    r = radius / _IRIS
    picture = blend(picture, np.asarray(iris) * 0.30 + (40, 34, 32), 0.35 * (1 - step(0.95, 1.22, r)))
    calm = 0.80 * np.asarray(iris, np.float64) + 0.20 * np.mean(iris)
    coloured = _iris(calm, r, angle, y)
    picture = blend(picture, coloured, 1 - step(0.965, 1.035, r))
    # The upper lid and its lashes shade the eye.
    shade = 1 - 0.55 * step(0.0, 0.50, y) - 0.14 * step(-0.3, 0.4, y)
    picture = picture * shade[..., None] * np.where(shade[..., None] < 0.8, (1.0, 0.985, 0.97), 1.0)
    return image(_glints(picture, x, y))


def _white(x: Array, y: Array, radius: Array, side: int) -> Array:
    """Off-white, warmer and redder towards the rims, with a few faint veins."""
    picture = np.full((_SIZE, _SIZE, 3), (216.0, 208.0, 201.0))
    picture = blend(picture, (196.0, 156.0, 144.0), 0.8 * step(0.58, 1.02, radius))
    inner = bump(np.hypot(side * x + 0.98, y + 0.04), 0.22)
    picture = blend(picture, (214.0, 150.0, 138.0), 0.8 * inner)
    random = np.random.default_rng(21)
    veins = np.zeros((_SIZE, _SIZE))
    for _ in range(26):
        turn = random.choice([0, np.pi]) + random.normal(0, 0.5)
        place, heading = np.array([np.cos(turn), np.sin(turn)]) * 0.98, turn + np.pi
        for _ in range(int(random.uniform(30, 70))):
            heading += random.normal(0, 0.16)
            place = place + 0.0055 * np.array([np.cos(heading), np.sin(heading)])
            column, row = int((place[0] + 1) / 2 * _SIZE), int((1 - place[1]) / 2 * _SIZE)
            if 0 <= row < _SIZE and 0 <= column < _SIZE and np.hypot(*place) > 0.62:
                veins[row, column] += 1
    veins = ndimage.gaussian_filter(veins, 1.1)
    return blend(picture, (196.0, 110.0, 98.0), np.clip(veins * 0.55, 0, 0.22))


def _iris(colour: Array, r: Array, angle: Array, y: Array) -> Array:
    """Fibres from the pupil outwards, a warmer ring within, a dark ring without, a bright lower half."""
    random = np.random.default_rng(5)
    turns = 720
    fibres = ndimage.gaussian_filter1d(random.standard_normal(turns), 1.3, mode="wrap")
    broad = ndimage.gaussian_filter1d(random.standard_normal(turns), 7, mode="wrap")
    fibres, broad = fibres / fibres.std(), broad / broad.std()
    wobble = angle + 0.05 * np.sin(r * 9 + angle * 5)
    at = (wobble / (2 * np.pi) % 1) * turns
    fine = ndimage.map_coordinates(fibres, [at], order=1, mode="grid-wrap")
    wide = ndimage.map_coordinates(broad, [at], order=1, mode="grid-wrap")
    between = step(_PUPIL, _PUPIL + 0.12, r) * (1 - step(0.78, 0.96, r))
    value = 1 + between * (0.16 * fine + 0.10 * wide)
    value *= 0.56 + 0.46 * step(0.2, -0.42, y) * (1 - 0.4 * step(0.7, 1.0, r))
    picture = colour * value[..., None]
    warm = np.clip(colour * (1.25, 0.92, 0.62) + (22, 8, 0), 0, 255)
    collar = bump(r - _PUPIL - 0.10 - 0.025 * wide, 0.10)
    picture = blend(picture, warm * (0.9 + 0.12 * fine)[..., None], 0.62 * collar)
    picture = blend(picture, colour * 0.20 + (4, 4, 5), 0.88 * step(0.74, 1.0, r + 0.012 * fine))
    return blend(picture, (11.0, 9.0, 9.0), 1 - step(_PUPIL - 0.035, _PUPIL + 0.045, r))


def _glints(picture: Array, x: Array, y: Array) -> Array:
    """A strong window on the side of the key light, a weak one across from it, a soft lower arc."""
    strong = 1 - step(0.058, 0.092, np.hypot(x + 0.155, (y - 0.125) * 0.85))
    weak = 1 - step(0.02, 0.075, np.hypot(x - 0.17, y + 0.19))
    arc = bump(np.hypot(x, y) - _IRIS * 0.74, 0.055) * step(-0.16, -0.34, y)
    picture = blend(picture, (255.0, 246.0, 232.0), 0.16 * arc)
    picture = blend(picture, (236.0, 244.0, 255.0), 0.42 * weak)
    return blend(picture, (255.0, 253.0, 250.0), 0.95 * strong)
