"""What live video does otherwise than files: see `kernels_live` and `kernels_corner`; shadows take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.render import kernels_corner as corner
from rhapsode.render.actor import Actor
from rhapsode.render.kernels_bin import Drawing
from rhapsode.render.lights import KeyShadow, Share

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]

SHADOW_EVERY = 3
"""Pictures from one shadow map to the next; what changed glides over as many."""

_POSES = [
    {"headYaw": yaw, "headPitch": pitch, "headRoll": roll}
    for yaw in (-0.5, -0.25, 0.0, 0.25, 0.5)
    for pitch, roll in ((-0.3, 0.0), (0.0, 0.0), (0.3, 0.0), (0.0, 0.25), (0.0, -0.25))
]


class LivePass:
    """Keeps what one picture tells the next.

    Args:
        actor: whose triangles are drawn.
        shadow: its shadow.

    """

    def __init__(self, actor: Actor, shadow: KeyShadow) -> None:
        self._actor, self._shadow = actor, shadow
        triangles, vertices = len(actor.scene.triangles), len(actor.moved)
        self._before, self._now, self._soft = (np.zeros(triangles, np.uint8) for _ in range(3))
        self._wanted = np.zeros(vertices, np.int32)
        self._lights = np.zeros((vertices, 6), np.float32)
        self._alphas = np.asarray(actor.scene.textures.texels[:, 3] / 255, np.float32)
        self._kept: dict[str, NDArray[Any]] = {}
        self._lit: Float32 = np.zeros(0, np.float32)
        self._change: Float32 = self._lit
        self._turn = 0

    def learn(self, draw: Callable[[dict[str, float]], UInt8]) -> None:
        """Find the hair that this camera never sees, and leave it out of later pictures.

        Hair lies in many layers with holes, so the hidden ones cost more than all the rest. What moves with
        the face, and what has no holes, always stays.

        Args:
            draw: draws a face with this pass.

        """
        scene = self._actor.scene
        layered = scene.materials[scene.triangle_material, 5] == 1
        layered &= ~np.isin(scene.triangles, scene.touched).any(axis=1)
        if not layered.any():
            return
        seen = ~layered
        for pose in _POSES:
            draw(pose)
            seen |= self._before != 0
        rows, count = np.flatnonzero(seen), int(seen.sum())
        self._kept = {
            "triangles": np.ascontiguousarray(scene.triangles[rows]),
            "material_of": scene.triangle_material[rows],
            "side": np.zeros(count, np.int8),
            "mip": np.zeros(count, np.int8),
            "box": np.zeros((count, 4), np.int16),
            "nearness": np.zeros(count, np.float32),
        }
        self._before, self._now, self._soft = (np.zeros(count, np.uint8) for _ in range(3))
        self._turn = 0

    def drawing(self, whole: Drawing) -> Drawing:
        """Return ``whole`` without the triangles that are never seen."""
        return whole._replace(**self._kept)

    def cast(self, share: Share, workers: int) -> None:
        """Write how much of the key light reaches each vertex; the map is made every third time."""
        lit = self._actor.moved[:, 7]
        if self._turn % SHADOW_EVERY == 0:
            before = lit.copy()
            self._shadow.cast(self._actor.moved, self._actor.casting, share, workers)
            self._lit = lit.copy()
            change = (self._lit - before) / SHADOW_EVERY if self._turn else 0 * before
            self._change = np.asarray(change, np.float32)
        self._turn += 1
        lit[:] = self._lit - self._change * (SHADOW_EVERY - 1 - (self._turn - 1) % SHADOW_EVERY)

    def draw(
        self,
        drawing: Drawing,
        first: NDArray[np.int64],
        listed: NDArray[np.int32],
        tone: NDArray[np.float32],
        behind: UInt8,
        picture: UInt8,
        share: Share,
        workers: int,
    ) -> None:
        """Draw the tiles, as `kernels_raster.draw_tiles` does, with ``workers`` threads."""
        corner.choose(drawing, self._before, self._soft, self._wanted)
        count = len(self._wanted)
        step = -(-count // workers)

        def shine(n: int) -> None:
            corner.light_corners(
                drawing, min(n * step, count), min((n + 1) * step, count), self._wanted, self._lights
            )

        share(shine, workers)
        self._now[:] = 0
        stripes = 1 if workers == 1 else workers * 4

        def draw(begin: int) -> None:
            corner.draw_tiles(
                drawing,
                begin,
                stripes,
                first,
                listed,
                tone,
                behind,
                picture,
                self._before,
                self._now,
                self._soft,
                self._lights,
                self._alphas,
            )

        share(draw, stripes)
        self._before, self._now = self._now, self._before
