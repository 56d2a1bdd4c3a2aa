"""Where things are on the surface of the head: its own texture square, landmarks, regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from recipes.avatar.anatomy import islands
from recipes.avatar.paint import Canvas, canvas, point_normals, quad_triangles
from recipes.avatar.source import Array, Source

_WIDEN = 2.0  # how much more room the middle of the face gets than the back of the head


def head_uv(source: Source) -> Array:
    """UV (U, 2) of the head's island in a square of its own, v upwards, the face upright; others are zero.

    The middle of the face gets about three times the texels that the back of the head gets.
    """
    uv = source.mesh.uv
    rows = np.unique(source.mesh.quad_uv[islands(source)["head"]])
    low, high = uv[rows].min(axis=0), uv[rows].max(axis=0)
    down, across = ((uv[rows] - low) / (high - low)).T
    across = 2 * across - 1
    across *= (1 + _WIDEN) / (1 + _WIDEN * np.abs(across))
    out = np.zeros_like(uv)
    out[rows] = np.stack([0.5 + 0.492 * across, 0.992 - 0.984 * down], axis=1)
    return out


@dataclass(frozen=True)
class Face:
    """The texels of the head's texture and the landmarks of one face, dm.

    Args:
        texels: which surface every texel shows.
        place: (S, S, 3) position.
        normal: (S, S, 3) unit normal.
        uv: (S, S, 2) in the source's own UV, for its masks.
        eye: (3,) centre of the left eye.
        mouth: (3,) middle of the lips.
        nose: (3,) tip of the nose.
        chin: (3,) foremost point of the chin.
        top: height of the crown.

    """

    texels: Canvas
    place: Array
    normal: Array
    uv: Array
    eye: Array
    mouth: Array
    nose: Array
    chin: Array
    top: float

    def mask(self, source: Source, name: str) -> Array:
        """One of the source's masks on the texels."""
        mask = source.mask(name)
        size = len(mask)
        x = np.clip((self.uv[..., 0] * size).astype(int), 0, size - 1)
        y = np.clip(((1 - self.uv[..., 1]) * size).astype(int), 0, size - 1)
        return np.asarray(mask[y, x])


def support(source: Source, *targets: str) -> Array:
    """How much targets move each point, (V,) in [0, 1] of the most."""
    most = np.zeros(len(source.mesh.points))
    for target in targets:
        size = np.linalg.norm(source.target(target), axis=1)
        most = np.maximum(most, size / size.max())
    return most


def face_map(source: Source, points: Array, size: int) -> Face:
    """Rasterise the head of ``points`` (19158, 3) dm and find its landmarks."""
    mesh = source.mesh
    faces = islands(source)["head"]
    corners, uvs = quad_triangles(mesh.quads[faces], mesh.quad_uv[faces])
    texels = canvas(corners, head_uv(source)[uvs], size)
    back = canvas(uvs, head_uv(source)[uvs], size)
    normals = point_normals(points, corners)
    normal = texels.of(normals)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    eye = points[mesh.points_of("helper-l-eye")].mean(axis=0)
    lips = support(source, "mouth/mouth-upperlip-volume-incr", "mouth/mouth-lowerlip-volume-incr") > 0.3
    mouth = points[lips].mean(axis=0)
    head = np.unique(corners)
    middle = head[np.abs(points[head, 0]) < 0.06]
    between = middle[(points[middle, 1] > mouth[1] + 0.1) & (points[middle, 1] < eye[1])]
    nose = points[between[np.argmax(points[between, 2])]]
    below = middle[(points[middle, 1] > mouth[1] - 0.55) & (points[middle, 1] < mouth[1] - 0.2)]
    chin = points[below[np.argmax(points[below, 2])]]
    return Face(
        texels,
        texels.of(points),
        normal,
        back.of(mesh.uv),
        eye,
        mouth,
        nose,
        chin,
        float(points[head, 1].max()),
    )
