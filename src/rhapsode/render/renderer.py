"""The renderer: an avatar, a camera and a background in; RGBA video frames out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, ChannelMap, default_name, load, load_mapping
from rhapsode.avatars.posing import REACHING
from rhapsode.errors import SettingError
from rhapsode.render import kernels_bin as bins
from rhapsode.render import kernels_corner as corner
from rhapsode.render import kernels_raster as raster
from rhapsode.render.actor import Actor, Body, face_values
from rhapsode.render.camera import Camera, framing, measure
from rhapsode.render.jit import is_kept
from rhapsode.render.lights import KeyShadow, studio
from rhapsode.render.live import LivePass
from rhapsode.render.picture import background as make_background
from rhapsode.render.picture import tone_curve
from rhapsode.render.textures import Textures, pack_textures
from rhapsode.rigs import FACE

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]
UInt8 = NDArray[np.uint8]
Quality = Literal["live", "fine"]

_NEAR_M = 0.02
_MARGIN_M = 0.16
_MOST_THREADS = 8
_LARGEST = 8192


class Renderer:
    """Draws one avatar from one camera, video frame after video frame, without a screen or a GPU.

    The first use on a machine compiles for some seconds; the result is kept in the cache that numba
    chooses (`NUMBA_CACHE_DIR`, beside the package, or the user's cache folder).

    Args:
        avatar: an `Avatar`, the name of a shipped one, or a path; None takes the default one.
        size: width and height in pixels.
        camera: "face", "bust" (also "portrait"), "full", or a `Camera`.
        background: see `rhapsode.render.picture.background`.
        yaw_deg: moves the camera around the character, positive to its left.
        pitch_deg: moves the camera up.
        zoom: greater than 1 comes closer.
        target: (3,) the point in the middle of the picture, metres; None keeps that of the framing.
        threads: drawing threads; None takes one per core, eight at most.
        channels: how the face moves the avatar; None takes `rhapsode.avatars.load_mapping`.
        progress: told what takes long, in words.
        quality: "fine" for files: every picture depends on its values alone. "live" takes about two thirds
            of the time: small triangles are lit at their corners, and shadows follow within three pictures.

    Raises:
        AvatarError: the avatar cannot be loaded.
        SettingError: an unknown quality, an unknown camera, a size out of range, a background that is none.

    Example:
        frame = Renderer("mira", size=(512, 512)).draw(values)  # (512, 512, 4) uint8

    """

    def __init__(
        self,
        avatar: Avatar | str | Path | None = None,
        *,
        size: tuple[int, int] = (512, 512),
        camera: str | Camera = "bust",
        background: str | Path | None = "studio",
        yaw_deg: float = 0.0,
        pitch_deg: float = 0.0,
        zoom: float = 1.0,
        target: Sequence[float] | None = None,
        threads: int | None = None,
        channels: ChannelMap | None = None,
        progress: Callable[[str], None] | None = None,
        quality: Quality = "fine",
    ) -> None:
        if quality not in get_args(Quality):
            raise SettingError(f"quality is 'live' or 'fine', got '{quality}'; choose one of these")
        width, height = size
        if not (1 <= width <= _LARGEST and 1 <= height <= _LARGEST):
            raise SettingError(
                f"size must be 1 to {_LARGEST} pixels each way, got {width}x{height}; try 512x512"
            )
        self.size = (width, height)
        self._behind = make_background(background, width, height)
        self.avatar = avatar if isinstance(avatar, Avatar) else load(avatar or default_name())
        self._channels = load_mapping(self.avatar) if channels is None else channels
        self.anatomy = measure(self.avatar, self._channels)
        base = camera if isinstance(camera, Camera) else framing(self.anatomy, camera, width, height)
        if target is not None:
            shift = np.asarray(target, np.float64) - base.target
            base = Camera(base.position + shift, base.target + shift, base.fov_deg)
        self.camera = base.orbited(yaw_deg, pitch_deg, zoom)
        self._workers = max(1, min(threads or _cores(), _MOST_THREADS))
        self._pool: ThreadPoolExecutor | None = None
        if not is_kept(corner.draw_tiles if quality == "live" else raster.draw_tiles):
            (progress or _log.info)("compiling the renderer for this machine, once (about ten seconds)")
        self._projection = self._project()
        self._tone = tone_curve()
        self._look = studio(self.camera, width, height)
        self._shadow = KeyShadow(self._look[0:3], self.camera.target, min(max(self._reach() * 1.1, 0.2), 1.2))
        textures = pack_textures([row.texture for row in self.avatar.materials if row.texture is not None])
        self._actor = Actor(self.avatar, textures, self._worth_moving(textures), channels=self._channels)
        self._open_to_rims()
        self._live = LivePass(self._actor, self._shadow) if quality == "live" else None
        if self._live is not None:
            self._live.learn(self.draw)

    def _open_to_rims(self) -> None:
        """Find once, on the face at rest, how much of the rim light reaches each vertex.

        Without this, edges inside the mouth and under the hair would glow.
        """
        moved = self._actor.moved
        self._actor.move(np.zeros(len(FACE), np.float32), self._projection, self._share, self._workers)
        faces, opens = [], []
        for direction in (self._look[12:15], self._look[27:30]):
            shadow = KeyShadow(direction, self.camera.target, self._shadow.radius)
            shadow.cast(moved, self._actor.casting, self._share, self._workers)
            faces.append(moved[:, 3:6] @ direction)
            opens.append(moved[:, 7].copy())
        moved[:, 11] = np.where(faces[0] > faces[1], *opens)

    def _project(self) -> NDArray[np.float64]:
        width, height = self.size
        made = np.zeros(16)
        made[:12] = self.camera.view().ravel()
        made[12] = self.camera.focal_pixels(width, height)
        made[13:16] = width / 2, height / 2, _NEAR_M
        return made

    def _reach(self) -> float:
        """Return half the longer edge of the picture at the target, metres."""
        distance = float(np.linalg.norm(self.camera.position - self.camera.target))
        return max(self.size) / 2 / float(self._projection[12]) * distance

    def _worth_moving(self, textures: Textures) -> NDArray[np.bool_]:
        """Tell which triangles this camera can ever see, hands included, or that shade what it sees."""
        actor = Actor(self.avatar, textures, channels=self._channels)
        kept = np.zeros(len(actor.scene.triangles), np.bool_)
        for body in (None, *REACHING):
            rest = np.zeros(len(FACE), np.float32)
            actor.move(rest, self._projection, self._share, self._workers, body=body)
            kept |= self._in_reach(actor)
        return kept

    def _in_reach(self, actor: Actor) -> NDArray[np.bool_]:
        """Tell which triangles of ``actor``, as it stands, are in the picture or near it."""
        view = self._projection[:12].reshape(3, 4)
        seen = actor.moved[:, :3] @ view[:, :3].T + view[:, 3]
        half = np.array(self.size) / 2 / self._projection[12]
        reach = half * np.maximum(-seen[:, 2:], _NEAR_M) + _MARGIN_M
        beyond = np.concatenate([seen[:, :2] < -reach, seen[:, :2] > reach], axis=1)
        corners = np.asarray(beyond[actor.scene.triangles])
        behind = (seen[:, 2] > 0)[actor.scene.triangles].all(axis=1)
        outside = corners.all(axis=1).reshape(-1, 4).any(axis=1)
        return np.asarray(~(outside | behind), np.bool_)

    @property
    def threads(self) -> int:
        """Number of drawing threads."""
        return self._workers

    @property
    def triangles(self) -> int:
        """Number of triangles that each video frame moves."""
        return len(self._actor.scene.triangles)

    def draw(
        self,
        values: Float32 | Mapping[str, float],
        *,
        breath: float = 0.0,
        body: Body | None = None,
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
        actor, share, workers = self._actor, self._share, self._workers
        actor.move(face_values(values), self._projection, share, workers, breath=breath, body=body)
        if self._live is None:
            self._shadow.cast(actor.moved, actor.casting, share, workers)
        else:
            self._live.cast(share, workers)
        drawing = actor.drawing(self._look)
        if self._live is not None:
            drawing = self._live.drawing(drawing)
        count = len(drawing.triangles)
        step = -(-count // workers)

        def cull(n: int) -> None:
            bins.cull(drawing, min(n * step, count), min((n + 1) * step, count), width, height)

        share(cull, workers)
        first, listed = bins.bin_triangles(drawing, width, height)
        if self._live is not None:
            self._live.draw(drawing, first, listed, self._tone, self._behind, picture, share, workers)
            return picture
        stripes = 1 if workers == 1 else workers * 4

        def draw(begin: int) -> None:
            raster.draw_tiles(drawing, begin, stripes, first, listed, self._tone, self._behind, picture)

        share(draw, stripes)
        return picture

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
    avatar: Avatar | str | Path | None = None,
    weights: Float32 | Mapping[str, float] | None = None,
    *,
    breath: float = 0.0,
    **options: Any,
) -> UInt8:
    """Draw one picture.

    Args:
        avatar: an `Avatar`, the name of a shipped one, or a path; None takes the default one.
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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
