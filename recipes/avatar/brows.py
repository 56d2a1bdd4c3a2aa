"""Eyebrows: a soft under-layer and many fine curved strokes, drawn in the front view of the face."""

from __future__ import annotations

import numpy as np
from recipes.avatar.face_map import Face
from recipes.avatar.paint import step, stroke
from recipes.avatar.people import Person
from recipes.avatar.source import Array
from scipy import ndimage

_HALF = 0.85  # dm from the middle of the view to its edge
_SIZE = 2048

# The brow of the left eye, dm from the eye's centre, inner end to tail: middle line and half height.
_WOMAN = np.array(
    [
        [-0.165, 0.168, 0.020],
        [-0.09, 0.192, 0.030],
        [0.00, 0.222, 0.028],
        [0.09, 0.240, 0.022],
        [0.17, 0.225, 0.014],
        [0.25, 0.180, 0.004],
    ]
)
_MAN = np.array(
    [
        [-0.17, 0.150, 0.028],
        [-0.09, 0.168, 0.042],
        [0.00, 0.188, 0.042],
        [0.09, 0.204, 0.036],
        [0.17, 0.195, 0.024],
        [0.25, 0.158, 0.007],
    ]
)


def brow_cover(face: Face, person: Person) -> tuple[Array, Array]:
    """Return the cover (S, S) in [0, 1] of the soft under-layer and of the hairs."""
    woman = person.macro["gender"] > 0.5
    shape = _WOMAN if woman else _MAN
    scale = _SIZE / (2 * _HALF)
    soft, hairs = np.zeros((_SIZE, _SIZE)), np.zeros((_SIZE, _SIZE))
    random = np.random.default_rng(sum(map(ord, person.name)))
    for side in (1, -1):
        _one_brow(soft, hairs, shape, face, side, scale, random, 260 if woman else 340)
    soft = np.clip(ndimage.gaussian_filter(soft, 9.0), 0, 1)
    x = (face.place[..., 0] + _HALF) * scale
    y = (face.eye[1] + _HALF - face.place[..., 1]) * scale
    front = step(0.05, 0.3, face.normal[..., 2]) * face.texels.inside
    return (
        0.55 * front * ndimage.map_coordinates(soft, [y, x], order=1),
        1.0 * front * ndimage.map_coordinates(ndimage.gaussian_filter(hairs, 1.3), [y, x], order=1),
    )


def _one_brow(
    soft: Array,
    hairs: Array,
    shape: Array,
    face: Face,
    side: int,
    scale: float,
    random: np.random.Generator,
    count: int,
) -> None:
    along = np.linspace(0, 1, len(shape))

    def line(t: Array) -> Array:
        return np.stack([_smooth(t, along, shape[:, k]) for k in range(3)], axis=-1)

    def pixels(offsets: Array) -> Array:
        x = side * (face.eye[0] + offsets[..., 0])
        return np.stack([(x + _HALF) * scale, (_HALF - offsets[..., 1]) * scale], axis=-1)

    spine = line(np.linspace(0.03, 0.97, 40))
    stroke(soft, pixels(spine), spine[:, 2] * 1.25 * scale, 1.0)
    for t in np.sort(random.beta(1.05, 1.15, count)):
        height = random.uniform(-1, 1)
        here, ahead = line(np.array([t])), line(np.array([min(t + 0.02, 1.0)]))
        tangent = (ahead - here)[0, :2] if t < 0.98 else np.array([0.7, -0.7])
        direction = np.arctan2(tangent[1], tangent[0])
        # Hairs stand up at the inner end and lie along the brow at the tail; upper ones sweep down.
        rise = np.interp(t, [0, 0.12, 0.35, 1], [1.15, 0.85, 0.5, 0.12]) - 0.45 * max(height, 0)
        angle = direction + rise + random.normal(0, 0.10)
        length = np.interp(t, [0, 0.2, 0.6, 1], [0.055, 0.070, 0.062, 0.038]) * random.uniform(0.7, 1.15)
        length *= 0.75 + 9 * here[0, 2]
        root = here[0, :2] + np.array([0, height * here[0, 2] * 0.9 - 0.004])
        bend = -rise * 0.65 * np.linspace(0, 1, 7)
        steps = np.stack([np.cos(angle + bend), np.sin(angle + bend)], axis=1) * length / 6
        path = root + np.concatenate([np.zeros((1, 2)), np.cumsum(steps[:-1], axis=0)])
        widths = np.interp(np.linspace(0, 1, 7), [0, 0.3, 1], [0.6, 1.0, 0.15]) * random.uniform(2.4, 3.8)
        stroke(hairs, pixels(path), widths, random.uniform(0.35, 0.75))


def _smooth(t: Array, knots: Array, values: Array) -> Array:
    """Interpolate without corners (a cubic through the knots)."""
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(knots, values)(t))
