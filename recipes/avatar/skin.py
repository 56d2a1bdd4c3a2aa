"""Skin: the head's texture with everything that is painted on a face, and the plain one of the body."""

from __future__ import annotations

import numpy as np
from PIL import Image

from recipes.avatar.brows import brow_cover
from recipes.avatar.face_map import Face, face_map, support
from recipes.avatar.paint import blend, bump, canvas, grain, image, noise, quad_triangles, step, tint
from recipes.avatar.people import Person
from recipes.avatar.source import Array, Source

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
    picture = _lips(source, points, face, person, picture)
    if person.beard:
        picture = _beard(face, person, picture)
    if scalp is not None:
        cover = np.clip(face.texels.of(scalp), 0, 1)
        rough = np.clip(cover + 0.12 * grain(HEAD_SIZE, 1.2, 8) * step(0.02, 0.5, cover) * (1 - cover), 0, 1)
        picture = blend(picture, np.asarray(person.hair_colour) * 0.62, 0.94 * rough)
    soft, hairs = brow_cover(face, person)
    dark = np.asarray(person.hair_colour) * 0.72 + np.asarray(person.skin) * 0.06
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
    picture *= 1 + 0.012 * noise(place, 0.55, 1)[..., None] + 0.008 * noise(place, 0.14, 2)[..., None]
    picture = tint(picture, (1.0, 0.93, 0.92), np.clip(0.25 * noise(place, 0.3, 3), -0.5, 0.5))
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

    cheek = bump(side - 0.46, 0.15) * bump(y - (low + 0.50 * span), 0.15) * front
    picture = tint(picture, warm, 0.42 * cheek)
    tip = bump(np.linalg.norm(face.place - face.nose, axis=-1), 0.13)
    picture = tint(picture, warm, 0.30 * tip)
    bridge = bump(side, 0.16) * bump(y - (low + 0.62 * span), 0.13) * front
    picture = tint(picture, warm, 0.12 * bridge)
    chin = bump(np.linalg.norm(face.place - face.chin, axis=-1), 0.15)
    picture = tint(picture, warm, 0.20 * chin)
    ears = face.texels.of(support(source, "ears/l-ear-scale-incr", "ears/r-ear-scale-incr"))
    picture = tint(picture, (1.0, 0.72, 0.68), 0.42 * step(0.25, 0.8, ears))
    brow = bump(y - (face.eye[1] + 0.62), 0.28) * bump(side, 0.45) * front
    picture = tint(picture, (1.03, 1.03, 1.0), 0.7 * brow)
    under = bump(side - (face.eye[0] - 0.03), 0.13) * bump(y - (face.eye[1] - 0.15), 0.045) * front
    picture = tint(picture, (0.86, 0.78, 0.80), 0.35 * under)
    jaw = bump(y - (low - 0.28), 0.2) * step(0.0, 0.2, -y + low + 0.05) * front
    picture = tint(picture, (0.97, 0.98, 0.98), 0.5 * jaw)

    mouth_round = bump(side, 0.3) * bump(y - low, 0.14) * front
    picture = tint(picture, (0.98, 0.93, 0.92), 0.5 * mouth_round)
    specks = np.clip(grain(HEAD_SIZE, 1.5, 6) - 2.1, 0, 1) * bump(side - 0.25, 0.28)
    specks *= bump(y - (low + 0.55 * span), 0.16) * front
    picture = tint(picture, (0.80, 0.68, 0.58), np.clip(0.55 * specks * depth, 0, 0.5))
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
    picture = tint(picture, shade, 0.55 * lid * front)
    outer = bump(side - face.eye[0] - 0.13, 0.07) * bump(y - face.eye[1] - 0.07, 0.045) * front
    picture = tint(picture, (0.74, 0.62, 0.60), (0.2 + 0.5 * person.liner) * outer)
    for side_name in ("l", "r"):
        for row, reach, strength in (
            (2, 0.020, 0.45 + 0.55 * person.liner),
            (1, 0.012, 0.14 + 0.25 * person.liner),
        ):
            roots = lash_roots(source, points, side_name, row)
            away = _distance(face.place, roots)
            outwards = step(0.5 * face.eye[0], 1.35 * face.eye[0], side)
            line = bump(away, reach * (0.55 + 0.75 * outwards)) * (0.55 + 0.45 * outwards)
            picture = blend(
                picture, np.asarray(person.hair_colour) * 0.22 + (22, 12, 8), strength * 0.8 * line
            )
    return picture


def lash_roots(source: Source, points: Array, side: str, row: int) -> Array:
    """Points (N, 3) along the root of a row of lashes (2 upper, 1 lower), from the inner corner outwards."""
    card = points[source.mesh.points_of(f"helper-{side}-eyelashes-{row}")]
    skin = points[np.unique(source.mesh.quads[source.mesh.groups["body"]])]
    near = skin[np.linalg.norm(skin - card.mean(axis=0), axis=1) < 0.5]
    gaps = np.linalg.norm(card[:, None] - near[None], axis=2).min(axis=1)
    roots = card[gaps <= np.quantile(gaps, 0.4)]
    return roots[np.argsort(np.abs(roots[:, 0]))]


def _distance(place: Array, line: Array) -> Array:
    """Distance of places (S, S, 3) to a polyline (N, 3), large where it is far away."""
    out = np.full(place.shape[:-1], 9.0)
    low, high = line.min(axis=0) - 0.12, line.max(axis=0) + 0.12
    rows = ((place > low) & (place < high)).all(axis=-1)
    here = place[rows]
    best = np.full(len(here), 9.0)
    for a, b in zip(line[:-1], line[1:], strict=True):
        along = b - a
        t = np.clip((here - a) @ along / max(float(along @ along), 1e-12), 0, 1)
        best = np.minimum(best, np.linalg.norm(here - a - t[:, None] * along, axis=1))
    out[rows] = best
    return out


def _lips(source: Source, points: Array, face: Face, person: Person, picture: Array) -> Array:
    """Lips with a graded edge, a fuller middle and a darker line where they meet."""
    from scipy.ndimage import gaussian_filter

    mask = face.mask(source, "lips") * face.texels.inside
    soft = gaussian_filter(mask, 4.0)
    cover = step(0.38, 0.85, soft)
    colour, strength = person.lips
    y = face.place[..., 1]
    middle = bump(np.abs(face.place[..., 0]), 0.11)
    rows = cover > 0.5
    height = np.clip((y - face.mouth[1]) / 0.1, -1, 1)
    lips = np.asarray(colour, np.float64) * np.ones((HEAD_SIZE, HEAD_SIZE, 1))
    lips *= (1 + 0.10 * middle * step(0.0, 0.6, -height) - 0.10 * step(0.0, 0.5, height))[..., None]
    ridges = gaussian_filter(np.random.default_rng(9).standard_normal((HEAD_SIZE, HEAD_SIZE)), (9.0, 1.1))
    lips *= (1 + 0.022 * ridges / ridges.std())[..., None]
    assert rows.any()
    return blend(picture, lips, strength * cover)


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
