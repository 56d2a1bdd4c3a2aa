"""The face as a video generator of LiveKit Agents: sound in, pictures and their sound out."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import numpy as np
from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarOptions, VideoGenerator
from numpy.typing import NDArray

from livekit import rtc
from rhapsode.errors import RhapsodeError, SinkError
from rhapsode.face.direction import Direction
from rhapsode.formats.options import WriteOptions
from rhapsode.live.engine import SAMPLE_RATE, Engine, ProductEngine
from rhapsode.live.sinks.picture import Painter
from rhapsode.livekit.hops import Hops
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP, Float32, as_float32
from rhapsode.protocols.frame import FaceFrame

_log = logging.getLogger(__name__)

LEAD_S = 0.05
"""How far sound must be ahead of its time for a picture to be drawn: sound never waits for pictures."""

PATIENCE_S = 0.02
"""How long late sound is waited for before the face goes on without it."""


class Paints(Protocol):
    """Draws faces, see `rhapsode.live.sinks.picture.Painter`."""

    async def ready(self) -> None:
        """Return once pictures come fast; raise `SinkError` where that takes longer."""

    async def paint(self, frame: FaceFrame, then: Callable[[NDArray[np.uint8]], Any]) -> Any:
        """Draw ``frame`` and return what ``then`` makes of the picture, (H, W, 4) uint8."""

    def rest(self) -> None:
        """Let the threads go."""


class FaceVideo(VideoGenerator):
    """Pictures at a steady rate, each before the sound that belongs to it; a living face where none is.

    Whoever takes the frames sets the pace, as `AvatarRunner` does. Sound is passed through at 24 kHz, mono,
    as much later as the face looks ahead (0.1 s with the weights "live"). A picture that cannot be drawn, or
    not in time, is left out: sound goes on.

    Args:
        avatar: name or path; None takes the default one.
        size: pixels.
        fps: pictures a second.
        camera: "face", "bust" or "full".
        background: "#rrggbb", a colour name, or path of a picture.
        direction: how to play.
        engine: moves the face; the product's own where None.
        painter: draws; the product's own renderer where None.

    Raises:
        SettingError: a value is out of range.

    """

    def __init__(
        self,
        avatar: str | None = None,
        *,
        size: tuple[int, int] = (512, 512),
        fps: int = 25,
        camera: str = "bust",
        background: str = "studio",
        direction: Direction | None = None,
        engine: Engine | None = None,
        painter: Paints | None = None,
    ) -> None:
        options = WriteOptions(avatar=avatar, size=size, camera=camera, background=background, fps=fps)  # type: ignore[arg-type]
        self._size, self._fps = options.size, fps
        self._painter: Paints = painter or Painter(options)
        self._engine, self._direction = engine or ProductEngine(), direction or Direction(emotion="")
        self._hops: Hops | None = None
        self._early: list[rtc.AudioFrame | AudioSegmentEnd] = []
        self._news = asyncio.Event()
        self._generation = 0

    @property
    def options(self) -> AvatarOptions:
        """What an `AvatarRunner` is to be told."""
        return AvatarOptions(
            video_width=self._size[0],
            video_height=self._size[1],
            video_fps=self._fps,
            audio_sample_rate=SAMPLE_RATE,
            audio_channels=1,
        )

    async def prepare(self) -> None:
        """Load the face and the renderer, so that the first pictures are in time.

        Raises:
            WeightsError: the face cannot be loaded.
            AvatarError: the avatar cannot be.
            SettingError: unknown camera or background.

        """
        if self._hops is None:
            face = await asyncio.to_thread(self._engine.face, self._direction)
            hops = Hops(face)
            for item in self._early:
                _give(hops, item)
            self._early, self._hops = [], hops
        while True:
            try:
                return await self._painter.ready()
            except SinkError:
                _log.info("the renderer is compiled, which it is only once")

    async def push_audio(self, frame: rtc.AudioFrame | AudioSegmentEnd) -> None:
        """Take sound of any rate, or the end of a segment."""
        if self._hops is None:
            self._early.append(frame)
        else:
            _give(self._hops, frame)
        self._news.set()

    def clear_buffer(self) -> None:
        """Fall silent now and close the mouth."""
        self._early.clear()
        self._generation += 1
        self._news.set()
        if self._hops is not None:
            self._hops.interrupt()

    def aclose(self) -> None:
        """Let the drawing threads go."""
        self._painter.rest()

    async def __aiter__(self) -> AsyncIterator[rtc.VideoFrame | rtc.AudioFrame | AudioSegmentEnd]:
        """Yield frames for ever."""
        await self.prepare()
        assert self._hops is not None, "prepare makes it"
        made, pictures, last = 0, 0, None
        loop, begun, given_s = asyncio.get_running_loop(), 0.0, 0.0
        while True:
            if self._hops.starved:
                await self._wait()
            generation, hop = self._generation, self._hops.next()
            before = hop.values if last is None else last
            while pictures * CURVE_HZ <= made * self._fps:
                if given_s and loop.time() - begun > given_s - LEAD_S:
                    pictures += 1
                    continue
                late = made - pictures * CURVE_HZ / self._fps
                values = hop.values + (before - hop.values) * np.float32(late)
                if (
                    picture := await self._paint(values, made)
                ) is not None and generation == self._generation:
                    yield picture
                pictures += 1
            made, last = made + 1, hop.values
            if generation != self._generation:
                continue
            if len(hop.sound):
                begun = max(begun, loop.time() - given_s) if given_s else loop.time()  # it may have run dry
                given_s += len(hop.sound) / SAMPLE_RATE
                yield _sound(hop.sound)
            else:
                given_s = 0.0
            if hop.ends and generation == self._generation:
                yield AudioSegmentEnd()

    async def _wait(self) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _paint(self, values: Float32, hop: int) -> rtc.VideoFrame | None:
        try:
            picture = await self._painter.paint(FaceFrame(hop * HOP % (3600 * CLOCK_HZ), values), _bytes)
        except RhapsodeError as error:
            _log.warning("a picture is left out: %s", error)
            return None
        return rtc.VideoFrame(*self._size, rtc.VideoBufferType.RGBA, picture)


def _bytes(picture: NDArray[np.uint8]) -> bytes:
    return np.ascontiguousarray(picture).tobytes()


def _give(hops: Hops, item: rtc.AudioFrame | AudioSegmentEnd) -> None:
    if isinstance(item, rtc.AudioFrame):
        y = np.frombuffer(item.data, np.int16).astype(np.float32) / 32768
        hops.push(as_float32(y.reshape(-1, item.num_channels)), item.sample_rate)
    else:
        hops.end()


def _sound(y: Float32) -> rtc.AudioFrame:
    data = np.clip(np.round(y * 32768), -32768, 32767).astype(np.int16).tobytes()
    return rtc.AudioFrame(data, SAMPLE_RATE, 1, len(y))
