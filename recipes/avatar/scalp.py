"""Where hair grows: the hairline, the skull's surface by direction, and the scalp as a mask over the body."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from recipes.avatar.anatomy import islands, triangles
from recipes.avatar.source import Array, Index, Source
from recipes.avatar.surface import point_normals

_HAIRLINE = np.array(
    [[0, 0.70], [25, 0.68], [45, 0.58], [56, 0.34], [66, 0.02], [75, -0.26], [84, -0.02], [92, 0.16], [106, -0.02]]
    + [[120, -0.25], [150, -0.5], [180, -0.62]]
)
"""Degrees from the front, height between eyes (0) and crown (1) above which hair grows."""


class Scalp:
    """The head as a surface over directions from its centre.

    Args:
        source: the base mesh.
        points: (19158, 3) dm of the shaped body.
        recede: raises the hairline's corners at the temples, as men's are.

    """

    def __init__(self, source: Source, points: Array, *, recede: float = 0.0) -> None:
        faces = triangles(source.mesh.quads[islands(source)["head"]], points)
        self.faces: Index = faces
        self.points = points
        self.head: Index = np.unique(faces)
        self.normals = point_normals(points, faces)
        eyes = np.concatenate([points[source.mesh.points_of(f"helper-{side}-eye")] for side in "lr"])
        self.eye_y, self.top_y = float(eyes[:, 1].mean()), float(points[self.head, 1].max())
        skull = points[self.head][points[self.head, 1] > self.eye_y]
        depth = (skull[:, 2].max() + skull[:, 2].min()) / 2
        self.centre = np.array([0.0, self.eye_y + 0.15 * (self.top_y - self.eye_y), depth])
        self.half_width = float(np.abs(skull[:, 0]).max())
        self._recede = recede

    @cached_property
    def _directions(self) -> cKDTree:
        rays = self.points[self.head] - self.centre
        return cKDTree(rays / np.linalg.norm(rays, axis=1, keepdims=True))

    def surface(self, directions: Array) -> tuple[Array, Array]:
        """Return the skin's points (N, 3) and normals (N, 3) in unit ``directions`` (N, 3) from the centre."""
        distance, near = self._directions.query(directions, k=8)
        weights = 1 / np.maximum(distance, 1e-4) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        rays = self.points[self.head] - self.centre
        radius = (np.linalg.norm(rays, axis=1)[near] * weights).sum(axis=1)
        normals = (self.normals[self.head][near] * weights[..., None]).sum(axis=1)
        return self.centre + radius[:, None] * directions, normals / np.linalg.norm(normals, axis=1, keepdims=True)

    def azimuth(self, points: Array) -> Array:
        """Degrees from straight ahead, 0 to 180, both sides alike."""
        offset = points - self.centre
        return np.degrees(np.arctan2(np.abs(offset[:, 0]), offset[:, 2]))

    def above_hairline(self, points: Array) -> Array:
        """How far above the hairline, as a share of the way from the eyes to the crown; below zero: skin."""
        azimuth = self.azimuth(points)
        line = np.interp(azimuth, _HAIRLINE[:, 0], _HAIRLINE[:, 1])
        line = line + self._recede * np.exp(-(((azimuth - 36) / 16) ** 2))
        return (points[:, 1] - self.eye_y) / (self.top_y - self.eye_y) - line

    def mask(self, softness: float = 0.06) -> Array:
        """Return how much every base point is scalp, (19158,) from 0 to 1."""
        out = np.zeros(len(self.points))
        out[self.head] = np.clip(0.5 + self.above_hairline(self.points[self.head]) / softness, 0, 1)
        return out
