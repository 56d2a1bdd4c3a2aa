"""A slow, plain renderer of unlit, textured triangles, to compare the fast one with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

SAMPLES = np.array([(96, 32), (224, 96), (32, 160), (160, 224)]) / 256
"""Places of the four samples inside a pixel."""


def project(points: Float64, projection: Float64) -> tuple[Float64, Float64]:
    """Return pixels (V, 2), snapped to 1/256, and depth (V,)."""
    view = projection[:12].reshape(3, 4)
    seen = points @ view[:, :3].T + view[:, 3]
    depth = -seen[:, 2]
    x = projection[13] + projection[12] * seen[:, 0] / depth
    y = projection[14] - projection[12] * seen[:, 1] / depth
    return np.floor(np.stack([x, y], axis=1) * 256 + 0.5) / 256, depth


def draw(
    points: Float64,
    triangles: NDArray[np.int64],
    colours: Float64,
    alphas: Float64,
    projection: Float64,
    size: tuple[int, int],
) -> tuple[Float64, Float64]:
    """Return linear light (H, W, 3), premultiplied, and coverage (H, W).

    Args:
        points: (V, 3) world positions.
        triangles: (T, 3), both sides seen; opaque ones first, then transparent ones from back to front.
        colours: (T, 3) linear, one per triangle.
        alphas: (T,) 1 for opaque triangles.
        projection: (16,) of `Renderer`.
        size: width and height.

    """
    width, height = size
    pixels, depth = project(points, projection)
    light, cover = np.zeros((height, width, 4, 3)), np.zeros((height, width, 4))
    nearest = np.full((height, width, 4), np.inf)
    y, x = np.mgrid[0:height, 0:width]
    at = np.stack([x, y], axis=-1)[:, :, None, :] + SAMPLES
    for t, (a, b, c) in enumerate(triangles):
        area = _cross(pixels[b] - pixels[a], pixels[c] - pixels[a])
        wa = _cross(pixels[b] - at, pixels[c] - at) / area
        wb = _cross(pixels[c] - at, pixels[a] - at) / area
        wc = 1 - wa - wb
        here = (wa >= 0) & (wb >= 0) & (wc >= 0)
        far = 1 / (wa / depth[a] + wb / depth[b] + wc / depth[c])
        here &= far < nearest
        if alphas[t] >= 1:
            nearest[here] = far[here]
            light[here], cover[here] = colours[t], 1.0
        else:
            light[here] = colours[t] * alphas[t] + light[here] * (1 - alphas[t])
            cover[here] = alphas[t] + cover[here] * (1 - alphas[t])
    return light.mean(axis=2), cover.mean(axis=2)


def _cross(u: Float64, v: Float64) -> Float64:
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
