"""What sinks with a picture share: their options, and a thread that draws."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import SplitResult, parse_qsl

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import SinkError
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import CLOCK_HZ, as_rate
from rhapsode.protocols.frame import REST, FaceFrame

if TYPE_CHECKING:
    from rhapsode.render.renderer import Renderer

READY_S = 8.0
"""How long `Painter.ready` waits for a renderer that is still compiled or loaded."""

NICE = 2
"""How far the drawing threads stand back behind those that make the performance (Linux)."""

VIDEO_HZ = Fraction(30)
"""Video frames a second, unless the URL has a ``rate``."""

_NAMES = ("avatar", "size", "camera", "background")

_T = TypeVar("_T")


def picture_options(address: SplitResult, query: Mapping[str, str], **more: Any) -> WriteOptions:
    """Return the options of a picture as a URL has them; the rest are those of a written file.

    Args:
        address: of the sink; its ``rate`` is how many video frames a second there are.
        query: its own options.
        **more: fields of `WriteOptions`.

    Raises:
        SettingError: a value is out of range.

    """
    asked: dict[str, Any] = {name: query[name] for name in _NAMES if query.get(name)}
    rate = dict(parse_qsl(address.query)).get("rate")
    if rate:
        more["fps"] = as_rate(rate)
    return WriteOptions(**asked, **more)


class Painter:
    """Draws faces in a thread of its own, so that no loop ever waits for a picture.

    The renderer is loaded at the first `ready` and kept until the painter is forgotten.

    Args:
        options: avatar, size, camera and background.

    """

    def __init__(self, options: WriteOptions) -> None:
        self.options = options
        self._worker = ThreadPoolExecutor(1, "rhapsode-video", stand_back)  # its thread goes with the painter
        self._renderer: Future[Renderer] | None = None
        self._picture = np.empty((options.size[1], options.size[0], 4), np.uint8)

    async def ready(self, limit_s: float = READY_S) -> None:
        """Return once pictures come fast.

        Raises:
            SinkError: the renderer takes longer; it goes on meanwhile, ask again.
            AvatarError: the avatar cannot be loaded.
            SettingError: unknown camera or background.

        """
        if self._renderer is None or (self._renderer.done() and self._renderer.exception()):
            self._renderer = self._worker.submit(self._prepare)
        await asyncio.wait([waiting := asyncio.wrap_future(self._renderer)], timeout=limit_s)
        if not waiting.done():
            raise SinkError(
                "the renderer is still being prepared (the first time it is compiled); wait a little"
            )
        waiting.result()

    async def paint(self, frame: FaceFrame, then: Callable[[NDArray[np.uint8]], _T]) -> _T:
        """Draw ``frame`` and return what ``then`` makes of the picture, both in the painter's thread.

        Args:
            frame: what is shown; values that are no numbers count as zero.
            then: takes the picture, (H, W, 4) uint8 sRGB with straight alpha, valid during the call.

        """
        return await self.work(self._paint, frame, then)

    async def work(self, job: Callable[..., _T], *args: Any) -> _T:
        """Run ``job`` in the painter's thread, after all that was asked of it before."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, job, *args)

    def rest(self) -> None:
        """Let the drawing threads go after all that was asked; the next picture starts them again."""
        self._worker.submit(self._rest)

    def _rest(self) -> None:
        renderer = self._renderer
        if renderer is not None and renderer.done() and renderer.exception() is None:
            renderer.result().close()

    def _prepare(self) -> Renderer:
        from rhapsode.render.renderer import Renderer

        options = self.options
        renderer = Renderer(
            options.avatar,
            size=options.size,
            camera=options.camera,
            background=options.background,
            quality="live",
        )
        renderer.draw(REST.values, out=self._picture)
        return renderer

    def _paint(self, frame: FaceFrame, then: Callable[[NDArray[np.uint8]], _T]) -> _T:
        from rhapsode.face.life import breathing

        assert self._renderer is not None, "ready comes first"
        breath = float(breathing(frame.sample_index / CLOCK_HZ))
        values = np.nan_to_num(frame.values, posinf=0.0, neginf=0.0)
        self._renderer.result().draw(values, breath=breath, body=_body(frame), out=self._picture)
        return then(self._picture)


def stand_back() -> None:
    """Let the other threads of the program go first; threads that this one starts do as it does."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _body(frame: FaceFrame) -> dict[str, NDArray[np.float32]] | None:
    """Return the rotations of the bones of ``frame``, None where only a face is given."""
    return {name: np.array(q, np.float32) for name, q in frame.bones.items()} or None
