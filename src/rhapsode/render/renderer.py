"""The renderer: an avatar, a camera and a background in; RGBA video frames out."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, load, map_channels
from rhapsode.errors import RigError, SettingError
from rhapsode.render import kernels_pose as pose
from rhapsode.render import kernels_raster as raster
from rhapsode.render.camera import Camera, framing, measure
from rhapsode.render.picture import background, tone_curve
from rhapsode.render.scene import flatten, pack_textures
from rhapsode.render.skeleton import Skeleton
from rhapsode.rigs import BLENDSHAPES, FACE

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
Progress = Callable[[str], None]

_NEAR_M = 0.02
_MARGIN_M = 0.16
_TAPS = 24
_EYE_LOOK = tuple(name for name in BLENDSHAPES if name.startswith("eyeLook"))


class Renderer:
    """Draws one avatar from one camera, video frame after video frame, without a screen or a GPU.

    The first use on a machine compiles for some seconds; the result is kept in the cache that numba
    chooses (`NUMBA_CACHE_DIR`, beside the package, or the user's cache folder).

    Args:
        avatar: an `Avatar`, the name of a shipped one, or a path.
        size: width and height in pixels.
        camera: "face", "bust" (also "portrait"), "full", or a `Camera`.
        background: see `rhapsode.render.picture.background`.
        yaw_deg: moves the camera around the character, positive to its left.
        pitch_deg: moves the camera up.
        zoom: greater than 1 comes closer.
        target: (3,) the point in the middle of the picture, metres; None keeps that of the framing.
        threads: drawing threads; None takes one per core, eight at most.
        progress: told what takes long, in words.

    Raises:
        AvatarError: the avatar cannot be loaded.
        SettingError: an unknown camera, a size out of range, a background that is none.

    Example:
        frame = Renderer("mira", size=(512, 512)).draw(values)  # (512, 512, 4) uint8

    """

    def __init__(
        self,
        avatar: Avatar | str | Path = "mira",
        *,
        size: tuple[int, int] = (512, 512),
        camera: str | Camera = "bust",
        background: str | Path | None = "default",
        yaw_deg: float = 0.0,
        pitch_deg: float = 0.0,
        zoom: float = 1.0,
        target: Sequence[float] | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        width, height = size
        if not (1 <= width <= 8192 and 1 <= height <= 8192):
            raise SettingError(f"size must be 1 to 8192 pixels each way, got {width}x{height}; try 512x512")
        self.avatar = avatar if isinstance(avatar, Avatar) else load(avatar)
        self.size = (width, height)
        self.channels = map_channels(self.avatar)
        self.skeleton = Skeleton(self.avatar)
        self.anatomy = measure(self.avatar)
        base = camera if isinstance(camera, Camera) else framing(self.anatomy, camera, width, height)
        if target is not None:
            shift = np.asarray(target, np.float64) - base.target
            base = Camera(base.position + shift, base.target + shift, base.fov_deg)
        self.camera = base.orbited(yaw_deg, pitch_deg, zoom)
        self._behind = _background(background, width, height)
        self._tone = tone_curve()
        self._workers = max(1, min(threads or _cores(), 8))
        self._pool: ThreadPoolExecutor | None = None
        self._morphs_look = all(name in self.channels.found for name in _EYE_LOOK)
        if progress is not None and not _compiled():
            progress("compiling the renderer for this machine, once (some seconds)")
        self._projection = self._project()
        self._prepare()

    def _project(self) -> NDArray[np.float64]:
        width, height = self.size
        made = np.zeros(16)
        made[:12] = self.camera.view().ravel()
        made[12] = self.camera.focal_pixels(width, height)
        made[13:16] = width / 2, height / 2, _NEAR_M
        return made

    def _prepare(self) -> None:
        """Keep the triangles that this camera can ever see (or that shade what it sees)."""
        textures = pack_textures([row.texture for row in self.avatar.materials if row.texture is not None])
        everything = flatten(self.avatar, textures=textures)
        self._take(everything)
        self._move(np.zeros(len(FACE), np.float32), 0.0, None)
        position, iw = self._moved[:, :3], self._moved[:, 6]
        view = self._projection[:12].reshape(3, 4)
        seen = position @ view[:, :3].T + view[:, 3]
        distance = float(np.linalg.norm(self.camera.position - self.camera.target))
        reach = (
            np.array(self.size) / 2 / self._projection[12] * np.maximum(distance, -seen[:, 2:]) + _MARGIN_M
        )
        outside = np.stack(
            [
                seen[:, 0] < -reach[:, 0],
                seen[:, 0] > reach[:, 0],
                seen[:, 1] < -reach[:, 1],
                seen[:, 1] > reach[:, 1],
            ]
        )
        corners = outside[:, everything.triangles]
        keep = ~corners.all(axis=2).any(axis=0) & (iw[everything.triangles] > 0).any(axis=1)
        self._take(flatten(self.avatar, keep, textures=textures))
        self._look = self._lights()
        self._shadow_setup()

    def _take(self, scene: Any) -> None:
        self.scene = scene
        count = len(scene.positions)
        self._positions, self._normals = scene.positions.copy(), scene.normals.copy()
        self._moved = np.zeros((count, 12), np.float32)
        self._moved[:, 7] = 1.0
        self._screen = np.zeros((count, 2), np.int32)
        self._welded = np.zeros_like(scene.rest_welded)
        self._side = np.zeros(len(scene.triangles), np.int8)
        self._mip = np.zeros(len(scene.triangles), np.int8)
        mode = scene.materials[scene.triangle_material, 5]
        shading = scene.materials[scene.triangle_material, 0]
        self._casting = np.ascontiguousarray(scene.triangles[(mode != 2) & (shading != 6)])

    def _lights(self) -> NDArray[np.float64]:
        """Return the lights of a portrait studio: warm key, cool fill, two rims, sky and floor."""
        look = np.zeros(40)
        look[0:3] = _unit(-0.50, 0.55, 0.80)
        look[3:6] = 0.86 * np.array([1.00, 0.95, 0.88])
        look[6:9] = _unit(0.80, 0.10, 0.60)
        look[9:12] = 0.20 * np.array([0.86, 0.93, 1.00])
        look[12:15] = _unit(0.75, 0.45, -0.60)
        look[15:18] = 0.85 * np.array([0.95, 0.98, 1.00])
        look[27:30] = _unit(-0.85, 0.35, -0.55)
        look[18:21] = 0.30 * np.array([0.95, 0.98, 1.04])
        look[21:24] = 0.15 * np.array([1.04, 0.97, 0.92])
        look[24:27] = self.camera.position
        return look

    def _shadow_setup(self) -> None:
        """Point the shadow map at the head and shoulders that the camera sees."""
        points = self._moved[:, :3] if len(self._moved) else np.zeros((1, 3), np.float32)
        distance = float(np.linalg.norm(self.camera.position - self.camera.target))
        reach = max(self.size) / 2 / self._projection[12] * distance * 1.1
        radius = min(max(reach, 0.2), 1.2)
        centre = self.camera.target
        direction = self._look[0:3]
        right = np.cross((0.0, 1.0, 0.0), direction)
        right /= np.linalg.norm(right)
        down = -np.cross(direction, right)
        size = 256 if radius < 0.5 else 448
        scale = size / 2 / radius
        light = np.zeros((3, 4))
        for row, axis in enumerate((right, down)):
            light[row, :3], light[row, 3] = axis * scale, size / 2 - axis @ centre * scale
        light[2, :3], light[2, 3] = -direction, direction @ centre
        self._light = light.ravel()
        self._depth = np.full((size, size), 1e9, np.float32)
        golden = np.arange(_TAPS) * math.pi * (3 - math.sqrt(5))
        spread = np.sqrt((np.arange(_TAPS) + 0.5) / _TAPS)[:, None]
        disc = np.stack([np.cos(golden), np.sin(golden)], axis=1) * spread
        self._taps = (disc * max(0.014 * scale, 1.0)).astype(np.float32)
        del points

    def draw(
        self,
        values: NDArray[np.float32] | Mapping[str, float],
        *,
        breath: float = 0.0,
        body: Mapping[str, NDArray[np.float32]] | None = None,
        out: UInt8 | None = None,
    ) -> UInt8:
        """Draw one video frame.

        Args:
            values: (61,) of `rhapsode.rigs.FACE`, (52,) of ARKit, or a mapping of channel names; weights in
                [0, 1], angles in radians.
            breath: 0 is out, 1 is a calm breath in.
            body: unit quaternions x, y, z, w by humanoid bone, relative to the T-pose; None lowers the arms.
            out: (H, W, 4) uint8 to draw into; None makes a new one.

        Returns:
            (H, W, 4) uint8 sRGB with straight alpha.

        Raises:
            RigError: channels that a face does not have.

        """
        width, height = self.size
        picture = np.empty((height, width, 4), np.uint8) if out is None else out
        scene = self.scene
        self._move(face_values(values), breath, body)
        self._shadow()
        first, listed = raster.bin_triangles(
            *(scene.triangles, scene.triangle_material, scene.materials, scene.textures.levels),
            *(self._moved, self._screen, scene.fixed, width, height, self._side, self._mip),
        )
        stripes = 1 if self._workers == 1 else self._workers * 4
        self._share(
            lambda begin: raster.draw_tiles(
                *(begin, stripes, width, height, first, listed, scene.triangles, scene.triangle_material),
                *(self._side, self._mip, scene.materials, scene.textures.texels, scene.textures.levels),
                *(self._moved, self._screen, scene.fixed, self._look, self._tone, self._behind, picture),
            ),
            stripes,
        )
        return picture

    def _move(self, values: Float32, breath: float, body: Mapping[str, NDArray[np.float32]] | None) -> None:
        scene = self.scene
        weights = self.channels.morph_weights(self._gated(values[: len(BLENDSHAPES)]))
        pose.morph(
            *(scene.positions, self._positions, scene.touched, scene.morph_first),
            *(scene.morph_vertices, scene.morph_offsets, weights),
        )
        if len(scene.region):
            pose.weld_normals(self._positions, scene.region_triangles, scene.weld, self._welded)
            pose.shift_normals(
                scene.normals, self._normals, scene.region, scene.weld, self._welded, scene.rest_welded
            )
        angles = [
            tuple(float(v) for v in values[at : at + 3]) for at in range(len(BLENDSHAPES), len(FACE), 3)
        ]
        head, left, right = angles
        eyes = (None, None) if self._morphs_look else (left, right)
        turns = self.skeleton.rotations(head, *eyes, breath=breath, body=body)  # type: ignore[arg-type]
        world = self.skeleton.world(turns)
        matrices = (world[scene.joint_nodes] @ scene.inverse_bind)[:, :3].astype(np.float32)
        count, step = len(self._moved), -(-len(self._moved) // self._workers)
        self._share(
            lambda n: pose.skin(
                *(n * step, min((n + 1) * step, count), self._positions, self._normals, scene.tangents),
                *(scene.joints, scene.weights, matrices, self._projection, self._moved, self._screen),
            ),
            self._workers,
        )

    def _gated(self, weights: Float32) -> Float32:
        """Leave the eyeLook shapes out where eye bones turn the eyes."""
        if self._morphs_look:
            return weights
        gated = weights.copy()
        gated[[BLENDSHAPES.index(name) for name in _EYE_LOOK]] = 0.0
        return gated

    def _shadow(self) -> None:
        size = len(self._depth)
        rows, count = -(-size // self._workers), len(self._moved)
        step = -(-count // self._workers)
        self._share(
            lambda n: pose.shadow_map(
                *(min(n * rows, size), min((n + 1) * rows, size), self._moved, self._casting),
                *(self._light, self._depth),
            ),
            self._workers,
        )
        self._share(
            lambda n: pose.shadow_vertices(
                *(n * step, min((n + 1) * step, count), self._moved, self._light, self._depth),
                *(self._taps, 0.006, 0.012),
            ),
            self._workers,
        )

    def _share(self, job: Callable[[int], None], parts: int) -> None:
        """Run ``job`` for 0 to ``parts`` - 1 on the drawing threads."""
        if parts == 1:
            job(0)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="rhapsode-draw")
        for done in [self._pool.submit(job, n) for n in range(parts)]:
            done.result()

    def close(self) -> None:
        """End the drawing threads; a later `draw` starts them again."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


def still(
    avatar: Avatar | str | Path,
    weights: NDArray[np.float32] | Mapping[str, float] | None = None,
    *,
    breath: float = 0.0,
    **options: Any,
) -> UInt8:
    """Draw one picture.

    Args:
        avatar: an `Avatar`, the name of a shipped one, or a path.
        weights: channel names and values, or an array as `Renderer.draw` takes it; None is the face at zero.
        breath: 0 is out, 1 is a calm breath in.
        **options: of `Renderer`: size, camera, background, yaw_deg, pitch_deg, zoom, target, threads.

    Returns:
        (H, W, 4) uint8 sRGB with straight alpha.

    Example:
        save_png(still("mira", {"jawOpen": 0.4}, camera="face", yaw_deg=30), "mira.png")

    """
    renderer = Renderer(avatar, **options)
    try:
        return renderer.draw({} if weights is None else weights, breath=breath)
    finally:
        renderer.close()


def face_values(values: NDArray[np.float32] | Mapping[str, float]) -> Float32:
    """Return ``values`` as (61,) float32 in the order of `rhapsode.rigs.FACE`.

    Raises:
        RigError: a name that a face does not have, or an array of another length.

    """
    made = np.zeros(len(FACE), np.float32)
    if isinstance(values, Mapping):
        for name, value in values.items():
            made[FACE.index(name)] = value
        return made
    given = np.asarray(values, np.float32)
    if given.shape not in ((len(FACE),), (len(BLENDSHAPES),)):
        raise RigError(
            f"a face needs ({len(FACE)},) or ({len(BLENDSHAPES)},) values, got {given.shape}; see rigs.FACE"
        )
    made[: len(given)] = given
    return made


def _background(what: str | Path | None, width: int, height: int) -> UInt8:
    return background(what, width, height)


def _unit(*parts: float) -> NDArray[np.float64]:
    return np.array(parts) / np.linalg.norm(parts)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _compiled() -> bool:
    """Tell whether the rasteriser lies in numba's cache already."""
    cache = getattr(getattr(raster.draw_tiles, "_cache", None), "_impl", None)
    folder = Path(cache.locator.get_cache_path()) if cache is not None else None
    return folder is not None and any(folder.glob("kernels_raster.draw_tiles*.nbc"))
