"""The lights of a portrait studio, and the map of what their key light reaches."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rhapsode.render import kernels_pose as pose
from rhapsode.render.camera import Camera
from rhapsode.render.kernels_pose import SUBPIXEL

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Share = Callable[[Callable[[int], None], int], None]
"""Runs a job for 0 to n - 1 on the drawing threads."""

_TAPS = 16
_PENUMBRA_M = 0.014
_LIFT_M = 0.006
_SOFTNESS_M = 0.012


def studio(camera: Camera, width: int, height: int) -> Float64:
    """Return key, fill, rims, sky and floor in the layout of `rhapsode.render.kernels_shade`."""
    look = np.zeros(48)
    look[0:3] = _unit(-0.48, 0.52, 0.86)
    look[3:6] = 1.00 * np.array([1.00, 0.96, 0.915])
    look[6:9] = _unit(0.80, 0.10, 0.60)
    look[9:12] = 0.15 * np.array([0.84, 0.92, 1.00])
    look[12:15] = _unit(0.75, 0.45, -0.60)
    look[15:18] = 0.85 * np.array([0.95, 0.98, 1.00])
    look[27:30] = _unit(-0.85, 0.35, -0.55)
    look[18:21] = 0.27 * np.array([0.97, 0.99, 1.03])
    look[21:24] = 0.17 * np.array([1.06, 0.97, 0.90])
    look[30:39] = camera.view()[:, :3].ravel()
    look[39:41] = width / 2 * SUBPIXEL, height / 2 * SUBPIXEL
    look[41] = 1 / (camera.focal_pixels(width, height) * SUBPIXEL)
    return look


def _unit(*parts: float) -> Float64:
    return np.asarray(np.array(parts) / np.linalg.norm(parts), np.float64)


class KeyShadow:
    """Soft shadows of the key light: a depth map seen from the light, filtered once per vertex.

    Args:
        direction: (3,) unit vector to the light.
        centre: (3,) middle of what the camera sees, metres.
        radius: half the edge of the map, metres.

    """

    def __init__(self, direction: Float64, centre: Float64, radius: float) -> None:
        self.radius = radius
        right = np.cross((0.0, 1.0, 0.0), direction)
        right /= np.linalg.norm(right)
        down = -np.cross(direction, right)
        size = 160 if radius < 0.5 else 320
        scale = size / 2 / radius
        light = np.zeros((3, 4))
        for row, axis in enumerate((right, down)):
            light[row, :3], light[row, 3] = axis * scale, size / 2 - axis @ centre * scale
        light[2, :3], light[2, 3] = -direction, direction @ centre
        self._light = light.ravel()
        self._seen = np.empty((0, 3), np.float32)
        self._depth = np.full((size, size), 1e9, np.float32)
        angle = np.arange(_TAPS) * math.pi * (3 - math.sqrt(5))
        spread = np.sqrt((np.arange(_TAPS) + 0.5) / _TAPS)[:, None]
        disc = np.stack([np.cos(angle), np.sin(angle)], axis=1) * spread
        self._taps = (disc * max(_PENUMBRA_M * scale, 1.0)).astype(np.float32)

    def cast(self, moved: Float32, triangles: Int32, share: Share, workers: int) -> None:
        """Write into column 7 of ``moved`` how much of the key light reaches each vertex.

        Args:
            moved: (V, 12), see `rhapsode.render.kernels_pose`.
            triangles: (T, 3) those that cast shadow.
            share: runs the parts.
            workers: number of parts.

        """
        size, count = len(self._depth), len(moved)
        rows, step = -(-size // workers), -(-count // workers)

        if len(self._seen) != count:
            self._seen = np.empty((count, 3), np.float32)

        def project(n: int) -> None:
            begin, end = min(n * step, count), min((n + 1) * step, count)
            pose.to_light(begin, end, moved, self._light, self._seen)

        def draw(n: int) -> None:
            begin, end = min(n * rows, size), min((n + 1) * rows, size)
            pose.shadow_map(begin, end, self._seen, triangles, self._depth)

        def look_up(n: int) -> None:
            begin, end = min(n * step, count), min((n + 1) * step, count)
            pose.shadow_vertices(
                begin, end, moved, self._light, self._depth, self._taps, _LIFT_M, _SOFTNESS_M
            )

        share(project, workers)
        share(draw, workers)
        share(look_up, workers)
