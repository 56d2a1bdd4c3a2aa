"""The virtual camera: programs that ask for a webcam see the avatar (extra ``camera``).

pyvirtualcam is under the GPL 2; it is no part of this product, who wants it installs it knowingly.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import SplitResult

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import MissingExtraError, SinkError
from rhapsode.live.sinks.picture import VIDEO_HZ, Painter, picture_options
from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame

REMEDY = (
    "Linux: sudo modprobe v4l2loopback exclusive_caps=1 (package v4l2loopback-dkms); "
    "Windows and macOS: install OBS, whose camera is used"
)


class VirtualCamera:
    """Shows pictures on a virtual camera; it has no sound.

    Args:
        address: unused.
        query: avatar, size, camera and background; ``device``: which one, as "/dev/video2".

    Raises:
        MissingExtraError: pyvirtualcam is not installed.
        SettingError: an option is none.

    """

    wants_sound = False

    def __init__(self, address: SplitResult, query: Mapping[str, str]) -> None:
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MissingExtraError("pyvirtualcam (GPL)", "camera") from error
        self._module: Any = pyvirtualcam
        self._device = query.get("device") or None
        options = picture_options(address, query)
        self.rate_hz: Fraction | None = options.fps or VIDEO_HZ
        self._painter = Painter(options)
        self._camera: Any = None

    async def open(self) -> None:
        """Prepare the renderer and take the camera."""
        await self._painter.ready()
        self._camera = await self._painter.work(self._take)

    async def show(self, frame: FaceFrame) -> None:
        """Show ``frame``."""
        await self._painter.paint(frame, self._send)

    async def hear(self, samples: Float32) -> None:
        """Do nothing: a camera has no sound."""

    async def flush(self) -> None:
        """Do nothing: pictures are out at once."""

    async def close(self) -> None:
        """Give the camera back."""
        camera, self._camera = self._camera, None
        if camera is not None:
            await self._painter.work(camera.close)
        self._painter.rest()

    def _take(self) -> Any:
        width, height = self._painter.options.size
        rate = float(self.rate_hz or VIDEO_HZ)
        form = self._module.PixelFormat.RGB
        try:
            return self._module.Camera(width, height, rate, fmt=form, device=self._device, print_fps=False)
        except (RuntimeError, OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise SinkError(f"no virtual camera can be used ({reason}). {REMEDY}") from error

    def _send(self, picture: NDArray[np.uint8]) -> None:
        assert self._camera is not None, "open comes first"
        try:
            self._camera.send(np.ascontiguousarray(picture[..., :3]))
        except (RuntimeError, OSError, ValueError) as error:
            raise SinkError(f"the virtual camera was taken away ({error}). {REMEDY}") from error
