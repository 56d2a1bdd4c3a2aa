"""Painting on geometry: which point of the surface each texel shows, smooth noise, strokes, blends."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recipes.avatar.source import Array, Index
from scipy import ndimage

Rgb = tuple[int, int, int]


def quad_triangles(quads: Index, quad_uv: Index) -> tuple[Index, Index]:
    """Triangles of point indices and of UV indices, in the same order."""
    two = quads[:, 2] != quads[:, 3]
    first, second = [0, 1, 2], [0, 2, 3]
    return (
        np.concatenate([quads[:, first], quads[two][:, second]]),
        np.concatenate([quad_uv[:, first], quad_uv[two][:, second]]),
    )


def point_normals(points: Array, triangles: Index) -> Array:
    """Area weighted unit normals (V, 3); points without a face get zero."""
    corners = points[triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    out = np.zeros_like(points)
    for k in range(3):
        np.add.at(out, triangles[:, k], across)
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12))


@dataclass(frozen=True)
class Canvas:
    """What each texel of a square texture shows; texels outside every face repeat their nearest neighbour.

    Args:
        corner: (S, S, 3) point indices of the face under the texel.
        share: (S, S, 3) barycentric weights.
        inside: (S, S) whether a face lies there.

    """

    corner: Index
    share: Array
    inside: NDArray[np.bool_]

    def of(self, field: Array) -> Array:
        """Spread a field over the points, (V,) or (V, C), onto the texels."""
        values = field[self.corner]
        return np.asarray(np.einsum("xyk,xyk...->xy...", self.share, values))


def canvas(triangles: Index, uv: Array, size: int) -> Canvas:
    """Rasterise ``uv`` (T, 3, 2), v upwards, of triangles of point indices into a square of texels."""
    pixels = np.stack([uv[..., 0] * size - 0.5, (1 - uv[..., 1]) * size - 0.5], axis=-1)
    face, share = _rasterise(pixels, size)
    inside = face >= 0
    near = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
    face, share = face[tuple(near)], share[tuple(near)]
    return Canvas(triangles[face], share, inside)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _rasterise(pixels: Array, size: int) -> tuple[Index, Array]:  # pragma: no cover
    face = np.full((size, size), -1, np.int64)
    share = np.zeros((size, size, 3))
    for t in range(len(pixels)):
        ax, ay = pixels[t, 0]
        bx, by = pixels[t, 1]
        cx, cy = pixels[t, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        left, right = max(int(np.floor(min(ax, bx, cx))), 0), min(int(np.ceil(max(ax, bx, cx))), size - 1)
        top, bottom = max(int(np.floor(min(ay, by, cy))), 0), min(int(np.ceil(max(ay, by, cy))), size - 1)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                a = 1 - b - c
                if a >= -1e-6 and b >= -1e-6 and c >= -1e-6:
                    face[y, x] = t
                    share[y, x, 0], share[y, x, 1], share[y, x, 2] = a, b, c
    return face, share


def noise(places: Array, cell: float, seed: int) -> Array:
    """Smooth noise of unit deviation in space, (...) for places (..., 3) dm with bumps of ``cell`` dm."""
    low = places.reshape(-1, 3).min(axis=0)
    span = np.ceil((places.reshape(-1, 3).max(axis=0) - low) / cell).astype(int) + 4
    grid = np.random.default_rng(seed).standard_normal(span)
    at = ((places - low) / cell + 1.5).reshape(-1, 3).T
    values = ndimage.map_coordinates(grid, at, order=2, mode="nearest").reshape(places.shape[:-1])
    return np.asarray(values / max(float(values.std()), 1e-9))


def grain(size: int, blur: float, seed: int) -> Array:
    """Fine noise of unit deviation, (size, size)."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), blur)
    return np.asarray(values / values.std())


def step(low: float, high: float, values: Array) -> Array:
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bump(distance: Array, radius: float | Array) -> Array:
    """Gaussian hill of ``radius`` (one deviation)."""
    return np.exp(-0.5 * np.square(distance / radius))


def blend(picture: Array, colour: Array | tuple[float, float, float], cover: Array) -> Array:
    """Lay ``colour`` (sRGB, 0 to 255) over a picture (S, S, 3) by ``cover`` (S, S) in [0, 1]."""
    return picture + (np.asarray(colour, np.float64) - picture) * cover[..., None]


def tint(picture: Array, factors: tuple[float, float, float], cover: Array) -> Array:
    """Multiply a picture by ``factors`` per channel where ``cover`` is 1."""
    return picture * (1 + (np.asarray(factors) - 1) * cover[..., None])


def image(picture: Array) -> Image.Image:
    """Round a picture (S, S, 3 or 4) in 0 to 255 to an image."""
    return Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8))


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def stroke(cover: Array, path: Array, widths: Array, strength: float) -> None:  # pragma: no cover
    """Draw one tapered stroke into ``cover`` (H, W) by laying it over what is there.

    Args:
        cover: (H, W) in [0, 1], changed in place.
        path: (N, 2) pixels x, y.
        widths: (N,) full width in pixels at each point of the path.
        strength: opacity.

    """
    reach = widths.max() / 2 + 1
    x0, x1 = max(int(path[:, 0].min() - reach), 0), min(int(path[:, 0].max() + reach) + 1, cover.shape[1] - 1)
    y0, y1 = max(int(path[:, 1].min() - reach), 0), min(int(path[:, 1].max() + reach) + 1, cover.shape[0] - 1)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            best = 0.0
            for k in range(len(path) - 1):
                dx, dy = path[k + 1, 0] - path[k, 0], path[k + 1, 1] - path[k, 1]
                t = ((x - path[k, 0]) * dx + (y - path[k, 1]) * dy) / (dx * dx + dy * dy + 1e-9)
                t = min(max(t, 0.0), 1.0)
                away = np.hypot(x - path[k, 0] - t * dx, y - path[k, 1] - t * dy)
                width = widths[k] + t * (widths[k + 1] - widths[k])
                best = max(best, min(max(width / 2 - away + 0.5, 0.0), 1.0) * min(1.0, width))
            cover[y, x] += (1 - cover[y, x]) * best * strength
