"""Skin: the head's texture with everything that is painted on a face, and the plain one of the body."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image
from recipes.avatar.anatomy import islands
from recipes.avatar.brows import brow_cover
from recipes.avatar.face_map import Face, face_map
from recipes.avatar.lashes import lash_grid
from recipes.avatar.paint import blend, bump, canvas, grain, image, noise, quad_triangles, step, tint
from recipes.avatar.people import Person
from recipes.avatar.source import Array, Source
from scipy import ndimage

HEAD_SIZE = 1024
BODY_SIZE = 1024


def head_texture(source: Source, points: Array, person: Person, scalp: Array | None = None) -> Image.Image:
    """Paint the head of ``points`` (19158, 3) dm for the coordinates of `face_map.head_uv`.

    Args:
        source: the base mesh.
        points: shaped points at rest.
        person: colours, brows, lips, liner, beard.
        scalp: (19158,) how much hair grows from each point; None leaves the head bald.

    """
    face = face_map(source, points, HEAD_SIZE)
    picture = _complexion(source, face, person)
    picture = _eyes(source, points, face, person, picture)
    picture = _lips(face, person, source, picture)
    if person.beard:
        picture = _beard(face, person, picture)
    if scalp is not None:
        cover = np.clip(face.texels.of(scalp), 0, 1)
        rough = np.clip(cover + 0.12 * grain(HEAD_SIZE, 1.2, 8) * step(0.02, 0.5, cover) * (1 - cover), 0, 1)
        picture = blend(picture, np.asarray(person.hair_colour) * 0.62, 0.94 * rough)
    soft, hairs = brow_cover(face, person)
    dark = np.asarray(person.hair_colour) * 0.62 + np.asarray(person.skin) * 0.04
    picture = blend(picture, 0.55 * dark + 0.45 * np.asarray(person.skin) * 0.62, soft)
    picture = blend(picture, dark, hairs)
    return image(picture)


def body_texture(source: Source, points: Array, person: Person) -> Image.Image:
    """Paint neck, arms and hands for the source's own texture coordinates."""
    mesh = source.mesh
    corners, uvs = quad_triangles(mesh.quads[mesh.groups["body"]], mesh.quad_uv[mesh.groups["body"]])
    texels = canvas(corners, mesh.uv[uvs], BODY_SIZE)
    picture = _base(texels.of(points), person, BODY_SIZE)
    return image(picture)


def _base(place: Array, person: Person, size: int) -> Array:
    """Tone with uneven pigment and blood, the same in space wherever textures meet."""
    tone = np.asarray(person.skin, np.float64)
    picture = np.broadcast_to(tone, (*place.shape[:-1], 3)).copy()
    picture *= 1 + 0.008 * noise(place, 0.55, 1)[..., None] + 0.008 * noise(place, 0.14, 2)[..., None]
    picture = tint(picture, (1.0, 0.93, 0.92), np.clip(0.12 * noise(place, 0.3, 3), -0.4, 0.4))
    return picture * (1 + 0.010 * grain(size, 0.8, 4) + 0.006 * grain(size, 2.5, 5))[..., None]


def _complexion(source: Source, face: Face, person: Person) -> Array:
    """Tone, blood under the skin, freckles, shadows of ears and nostrils."""
    picture = _base(face.place, person, HEAD_SIZE)
    x, y, z = np.moveaxis(face.place, -1, 0)
    side, front = np.abs(x), step(-0.1, 0.4, face.normal[..., 2])
    low = face.mouth[1]
    span = face.eye[1] - low
    depth = float(np.mean(person.skin)) / 185
    warm = (1.0, 0.74, 0.72)
    rosy = 1.0 if person.macro["gender"] > 0.5 else 0.5

    cheek = bump(side - 0.46, 0.15) * bump(y - (low + 0.50 * span), 0.15) * front
    picture = tint(picture, warm, 0.36 * rosy * cheek)
    tip = bump(np.linalg.norm(face.place - face.nose, axis=-1), 0.13)
    picture = tint(picture, warm, 0.30 * tip)
    bridge = bump(side, 0.16) * bump(y - (low + 0.62 * span), 0.13) * front
    picture = tint(picture, warm, 0.12 * bridge)
    chin = bump(np.linalg.norm(face.place - face.chin, axis=-1), 0.15)
    picture = tint(picture, warm, 0.20 * chin)
    ears = ndimage.gaussian_filter(face.mask(source, "ears"), 9.0)
    picture = tint(picture, (1.0, 0.74, 0.70), 0.42 * ears)
    brow = bump(y - (face.eye[1] + 0.62), 0.28) * bump(side, 0.45) * front
    picture = tint(picture, (1.03, 1.03, 1.0), 0.7 * brow)
    under = bump(side - (face.eye[0] - 0.03), 0.13) * bump(y - (face.eye[1] - 0.15), 0.045) * front
    picture = tint(picture, (0.86, 0.78, 0.80), 0.35 * under)
    jaw = bump(y - (low - 0.28), 0.2) * step(0.0, 0.2, -y + low + 0.05) * front
    picture = tint(picture, (0.97, 0.98, 0.98), 0.5 * jaw)

    mouth_round = bump(side, 0.3) * bump(y - low, 0.14) * front
    picture = tint(picture, (0.98, 0.93, 0.92), 0.5 * mouth_round)
    specks = np.clip(grain(HEAD_SIZE, 1.5, 6) - 2.3, 0, 1) * bump(side - 0.22, 0.24)
    specks *= bump(y - (low + 0.55 * span), 0.16) * front
    picture = tint(picture, (0.80, 0.68, 0.58), np.clip(0.5 * specks * depth, 0, 0.3))
    nostril = step(0.35, 0.95, -face.normal[..., 1]) * bump(side - 0.085, 0.06)
    nostril *= bump(y - (face.nose[1] - 0.09), 0.05) * step(face.mouth[2] - 0.1, face.mouth[2], z)
    return tint(picture, (0.50, 0.34, 0.30), 0.75 * nostril)


def _eyes(source: Source, points: Array, face: Face, person: Person, picture: Array) -> Array:
    """Lids, the line of the lashes and the corners of the eyes."""
    x, y, _ = np.moveaxis(face.place, -1, 0)
    side = np.abs(x)
    front = step(-0.3, 0.2, face.normal[..., 2])
    lid = bump(side - face.eye[0] - 0.02, 0.13) * step(0.0, 0.05, y - face.eye[1] + 0.02)
    lid *= 1 - step(0.10, 0.19, y - face.eye[1])
    shade = (0.84, 0.70, 0.68) if person.liner else (0.90, 0.80, 0.78)
    blurred = ndimage.gaussian_filter(picture, (7.0, 7.0, 0))
    picture = blend(picture, blurred, np.clip(1.6 * lid, 0, 1))
    picture = tint(picture, shade, 0.26 * lid * front)
    outer = bump(side - face.eye[0] - 0.13, 0.07) * bump(y - face.eye[1] - 0.07, 0.045) * front
    picture = tint(picture, (0.74, 0.62, 0.60), (0.2 + 0.5 * person.liner) * outer)
    for rim in _lid_rims(source, points):
        picture = tint(picture, (0.80, 0.60, 0.56), 0.8 * bump(_distance(face.place, rim), 0.014))
    dark = np.asarray(person.hair_colour) * 0.22 + (24, 13, 9)
    for name in ("l", "r"):
        for row, reach, strength in (
            (2, 0.016, 0.35 + 0.6 * person.liner),
            (1, 0.010, 0.10 + 0.28 * person.liner),
        ):
            away = _distance(face.place, points[lash_grid(source, points, name, row)[:, 0]])
            outwards = step(0.5 * face.eye[0], 1.35 * face.eye[0], side)
            line = bump(away, reach * (0.6 + 0.6 * outwards)) * (0.5 + 0.5 * outwards)
            picture = blend(picture, dark, strength * 0.85 * line)
            if row == 2:
                fold = bump(away - 0.062, 0.011) * step(0.0, 0.03, y - face.eye[1] - 0.02)
                picture = tint(picture, (0.66, 0.50, 0.46), 0.42 * fold)
    return picture


def _lid_rims(source: Source, points: Array) -> list[Array]:
    """Return the closed line (N, 3) where the lids turn inwards, for each eye."""
    found, quads = islands(source), source.mesh.quads
    rims = []
    for side in ("left", "right"):
        rim = points[np.intersect1d(quads[found["head"]], quads[found[f"socket-{side}"]])]
        spoke = rim - rim.mean(axis=0)
        rim = rim[np.argsort(np.arctan2(spoke[:, 1], spoke[:, 0]))]
        rims.append(np.concatenate([rim, rim[:1]]))
    return rims


def _distance(place: Array, line: Array) -> Array:
    """Distance of places (S, S, 3) to a polyline (N, 3), large where it is far away."""
    out = np.full(place.shape[:-1], 9.0)
    low, high = line.min(axis=0) - 0.12, line.max(axis=0) + 0.12
    rows = ((place > low) & (place < high)).all(axis=-1)
    here = place[rows]
    best = np.full(len(here), 9.0)
    for a, b in pairwise(line):
        along = b - a
        t = np.clip((here - a) @ along / max(float(along @ along), 1e-12), 0, 1)
        best = np.minimum(best, np.linalg.norm(here - a - t[:, None] * along, axis=1))
    out[rows] = best
    return out


def _lips(face: Face, person: Person, source: Source, picture: Array) -> Array:
    """Lips with a graded edge, a lighter lower one, fine ridges and a darker line where they meet."""
    mask = ndimage.binary_fill_holes(face.mask(source, "lips") > 0.5).astype(float)
    soft = ndimage.gaussian_filter(mask, (3.0, 4.5))
    cover = step(0.30, 0.95, soft)
    colour, strength = person.lips
    height = np.clip((face.place[..., 1] - face.mouth[1]) / 0.1, -1, 1)
    middle = bump(np.abs(face.place[..., 0]), 0.10)
    lips = 0.80 * np.asarray(colour, np.float64) + 0.20 * np.asarray(person.skin) * (0.92, 0.80, 0.80)
    lips = np.broadcast_to(lips, picture.shape)
    light = 1 + 0.09 * middle * step(0.1, 0.7, -height) - 0.08 * step(0.0, 0.5, height)
    ridges = ndimage.gaussian_filter(np.random.default_rng(9).standard_normal(mask.shape), (7.0, 1.2))
    lips = lips * (light + 0.018 * ridges / ridges.std())[..., None]
    picture = blend(picture, lips, 0.85 * strength * cover)
    shine = bump(np.abs(face.place[..., 0]) - 0.05, 0.05) * bump(height + 0.52, 0.13) * cover
    picture = blend(picture, np.minimum(lips * 1.25 + (26, 30, 30), 255), (0.16 + 0.22 * strength) * shine)
    hole = ndimage.gaussian_filter(
        (ndimage.binary_fill_holes(mask > 0.5) & ~face.texels.inside).astype(float), 3.0
    )
    picture = tint(picture, (0.42, 0.30, 0.30), np.clip(1.5 * hole, 0, 0.9) * (mask > 0.5))
    # The light that the edge of the upper lip catches.
    edge = np.clip(ndimage.gaussian_filter(mask, 7.0) - ndimage.gaussian_filter(mask, 3.0), 0, 1) * step(
        0.2, 0.5, height
    )
    return tint(picture, (1.10, 1.10, 1.10), np.clip(2.2 * edge * middle, 0, 0.6))


def _beard(face: Face, person: Person, picture: Array) -> Array:
    """A shaved beard: a cooler, darker shade with fine grain on chin, jaw and upper lip."""
    x, y, z = np.moveaxis(face.place, -1, 0)
    side = np.abs(x)
    low = face.mouth[1]
    jaw = step(0.02, 0.22, low + 0.06 + 0.55 * np.clip(side - 0.25, 0, 1) - y) * (
        1 - step(0.40, 0.62, low - y)
    )
    jaw *= step(-0.35, 0.15, z - face.mouth[2] + 0.75)
    lip = bump(y - (low + 0.125), 0.05) * bump(side, 0.17) * step(0.0, 0.4, face.normal[..., 2])
    cover = np.clip(np.maximum(jaw, 0.85 * lip), 0, 1)
    fine = 1 + 0.30 * grain(HEAD_SIZE, 0.7, 10)
    shade = np.asarray(person.skin) * 0.52 + np.asarray(person.hair_colour) * 0.30 + (0, 3, 6)
    return blend(picture, shade, np.clip(person.beard * 0.72 * cover * fine, 0, 1))
