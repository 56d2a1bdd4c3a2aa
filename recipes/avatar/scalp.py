"""Where hair grows: the hairline, the skull's surface by direction, and the scalp as a mask over the body."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from recipes.avatar.anatomy import islands, triangles
from recipes.avatar.source import Array, Index, Source

_DEGREE = 9
"""Of the polynomials over directions that the skull's radius is made of."""

_LOOSE = (
    [0, 25, 45, 56, 66, 75, 84, 92, 106, 120, 150, 180],
    [0.7, 0.68, 0.58, 0.34, 0.02, -0.26, -0.02, 0.16, -0.02, -0.25, -0.5, -0.62],
)
_GATHERED = (
    [0, 20, 38, 50, 60, 68, 76, 84, 92, 104, 116, 130, 155, 180],
    [0.71, 0.69, 0.6, 0.42, 0.24, 0.13, 0.09, 0.14, 0.22, 0.12, -0.08, -0.3, -0.5, -0.56],
)
_MALE = (
    [0, 20, 34, 46, 54, 62, 69, 75, 82, 86, 92, 100, 112, 124, 150, 180],
    [0.7, 0.7, 0.68, 0.56, 0.36, 0.16, -0.02, -0.18, -0.1, 0.14, 0.22, 0.16, -0.1, -0.28, -0.48, -0.56],
)
HAIRLINES = {"bob": _LOOSE, "bun": _GATHERED, "short": _MALE, "cropped": _MALE}
"""Style -> degrees from the front, height between eyes (0) and crown (1) above which hair grows."""

_FITTED = ([0, 40, 70, 110, 180], [5, -5, -45, -50, -50])
"""Degrees from the front, elevation above which the skull's shape is known; below are face and neck."""

_SOFTNESS = {"bob": (0.06, 0.06), "bun": (0.09, 0.12), "short": (0.10, 0.26), "cropped": (0.07, 0.34)}
"""Style -> over which height the painted scalp comes in at the front, and at the sides and back."""


def unit(v: Array) -> Array:
    """Scale vectors (..., 3) to length 1."""
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def toward(azimuth: Array | float, elevation: Array | float) -> Array:
    """Return unit directions (..., 3); azimuth from the front towards the character's left, degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack(np.broadcast_arrays(np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)), axis=-1)


class Scalp:
    """The head as a smooth surface over directions from its centre, without ears and nose.

    Args:
        source: the base mesh.
        points: (19158, 3) dm of the shaped body.
        style: name of a hairline.

    """

    def __init__(self, source: Source, points: Array, style: str) -> None:
        self.head: Index = np.unique(triangles(source.mesh.quads[islands(source)["head"]], points))
        self.points = points
        eyes = np.concatenate([points[source.mesh.points_of(f"helper-{side}-eye")] for side in "lr"])
        self.eye_y, self.top_y = float(eyes[:, 1].mean()), float(points[self.head, 1].max())
        skull = points[self.head][points[self.head, 1] > self.eye_y]
        depth = (skull[:, 2].max() + skull[:, 2].min()) / 2
        self.centre = np.array([0.0, self.eye_y + 0.15 * (self.top_y - self.eye_y), depth])
        beside = points[self.head]
        beside = beside[np.abs(beside[:, 1] - self.eye_y) < 0.5]
        self.ear_x = float(np.abs(beside[:, 0]).max())
        self.style = style
        self._line = HAIRLINES[style]

    @cached_property
    def _coefficients(self) -> Array:
        rays = self.points[self.head] - self.centre
        radius = np.linalg.norm(rays, axis=1)
        directions = rays / radius[:, None]
        azimuth = self.azimuth(self.points[self.head])
        used = np.degrees(np.arcsin(directions[:, 1])) > np.interp(azimuth, *_FITTED)
        directions, radius = directions[used], radius[used]
        directions = np.concatenate([directions, directions * [-1, 1, 1]])
        radius = np.concatenate([radius, radius])
        basis = _polynomials(directions)
        kept = np.ones(len(radius), bool)
        for limit in (0.12, 0.07, 0.05, 0.04, 0.04):
            a = basis[kept]
            found = np.linalg.solve(a.T @ a + 1e-3 * np.eye(a.shape[1]), a.T @ radius[kept])
            kept = radius - basis @ found < limit
        return np.asarray(found)

    def radius(self, directions: Array) -> Array:
        """Distance (N,) dm of the skull from its centre in unit ``directions`` (N, 3)."""
        return np.asarray(_polynomials(directions) @ self._coefficients)

    def surface(self, directions: Array) -> tuple[Array, Array]:
        """Return the skull's points and normals (N, 3) in unit ``directions`` (N, 3) from the centre."""
        pole = np.where(np.abs(directions[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
        one = unit(np.cross(pole, directions))
        two = np.cross(directions, one)
        step = 0.03
        here = [unit(directions + step * way) for way in (one, -one, two, -two)]
        a, b, c, d = (self.radius(way)[:, None] * way for way in here)
        normals = unit(np.cross(a - b, c - d))
        return self.centre + self.radius(directions)[:, None] * directions, normals

    def lifted(self, directions: Array, lift: Array | float) -> tuple[Array, Array]:
        """Return points (N, 3) at ``lift`` dm over the skull, and the way outwards there."""
        surface, normals = self.surface(directions)
        return surface + np.reshape(lift, (-1, 1)) * normals, normals

    def azimuth(self, points: Array) -> Array:
        """Degrees from straight ahead, 0 to 180, both sides alike."""
        offset = points - self.centre
        return np.asarray(np.degrees(np.arctan2(np.abs(offset[:, 0]), offset[:, 2])))

    def above_hairline(self, points: Array) -> Array:
        """How far above the hairline, as a share of the way from the eyes to the crown; below zero: skin."""
        line = np.interp(self.azimuth(points), *self._line)
        return np.asarray((points[:, 1] - self.eye_y) / (self.top_y - self.eye_y) - line)

    def above(self, directions: Array) -> Array:
        """`above_hairline` of the skull's points in unit ``directions`` (N, 3)."""
        points = self.centre + self.radius(directions)[:, None] * directions
        low = (
            np.degrees(np.arcsin(np.clip(directions[:, 1], -1, 1)))
            < np.interp(self.azimuth(points), *_FITTED) + 3
        )
        return np.where(low, -1.0, self.above_hairline(points))

    @cached_property
    def _rims(self) -> tuple[Array, Array]:
        azimuth, elevation = np.linspace(0, 180, 61), np.linspace(-62, 90, 153)
        grid = toward(azimuth[:, None], elevation[None, :])
        return elevation, self.above(grid.reshape(-1, 3)).reshape(61, 153)

    def rim(self, azimuth: Array, inside: Array | float = 0.0) -> Array:
        """Return the elevation (N,) in degrees that lies ``inside`` the hairline at ``azimuth`` (N,)."""
        elevation, above = self._rims
        level = np.broadcast_to(np.asarray(inside, np.float64), np.shape(azimuth))
        at = np.abs(azimuth) / 3
        low = np.minimum(at.astype(int), 59)
        ends = []
        for column in (low, low + 1):
            reached = np.maximum.accumulate(above[column], axis=1)
            ends.append([np.interp(want, row, elevation) for want, row in zip(level, reached, strict=True)])
        return np.asarray(np.asarray(ends[0]) * (1 - at + low) + np.asarray(ends[1]) * (at - low))

    def kept_above(self, directions: Array, inside: Array | float) -> Array:
        """Raise unit ``directions`` (N, 3) that are lower than ``inside`` the hairline up to there."""
        azimuth = np.degrees(np.arctan2(directions[:, 0], directions[:, 2]))
        elevation = np.degrees(np.arcsin(np.clip(directions[:, 1], -1, 1)))
        return toward(azimuth, np.maximum(elevation, self.rim(azimuth, inside)))

    def mask(self) -> Array:
        """Return how much every base point is scalp, (19158,) from 0 to 1."""
        points = self.points[self.head]
        front, side = _SOFTNESS[self.style]
        softness = np.interp(self.azimuth(points), [35, 60], [front, side])
        share = np.clip(0.45 + self.above_hairline(points) / softness, 0, 1)
        beyond = np.linalg.norm(points - self.centre, axis=1) - self.radius(unit(points - self.centre))
        out = np.zeros(len(self.points))
        out[self.head] = share**2 * (3 - 2 * share) * np.clip(1.5 - beyond / 0.08, 0, 1)
        return out


def _polynomials(directions: Array) -> Array:
    """Return the values of all polynomials of one even and one odd degree that are even in x, (N, B)."""
    x, y, z = directions.T
    columns = []
    for degree in (_DEGREE, _DEGREE - 1):
        for a in range(0, degree + 1, 2):
            columns += [x**a * y**b * z ** (degree - a - b) for b in range(degree - a + 1)]
    return np.stack(columns, axis=1)
