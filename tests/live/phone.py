"""Stand-ins for phones and trackers: packets from real sockets at a pace, some late, some lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from rhapsode.live.capture.capture import Capture
from rhapsode.live.runner import SinkRunner
from rhapsode.live.session import Session
from rhapsode.performance import Float32
from rhapsode.protocols.frame import Encoder, FaceFrame
from rhapsode.rigs import FACE
from tests.live.fake import FakeEngine
from tests.live.virtual import Inline, play

Pose = Callable[[float], FaceFrame]


def now() -> float:
    return asyncio.get_running_loop().time()


def face(**channels: float) -> FaceFrame:
    values = np.zeros(len(FACE), np.float32)
    for name, value in channels.items():
        values[FACE.index(name)] = value
    return FaceFrame(0, values)


class Phone:
    """Sends faces to a port of this machine; remembers when it sent which."""

    def __init__(self, encoder: Encoder, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self._encoder, self._place = encoder, ("127.0.0.1", port)
        self.sent: list[tuple[float, FaceFrame]] = []

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def send(self, frame: FaceFrame) -> None:
        self.sent.append((now(), frame))
        for packet in self._encoder.encode(replace(frame, sample_index=round(16_000 * now()))):
            self.socket.sendto(packet, self._place)

    async def perform(
        self,
        pose: Pose,
        seconds: float,
        *,
        rate: float = 60.0,
        jitter_s: float = 0.0,
        lose: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Send ``pose`` of each moment of its clock; packets come up to ``jitter_s`` late, in order."""
        rng, begun = np.random.default_rng(seed), now()
        for k in range(round(seconds * rate)):
            at = begun + k / rate
            late = max(at + rng.uniform(0, jitter_s) - now(), 0.0) if jitter_s else max(at - now(), 0.0)
            await asyncio.sleep(late)
            if rng.random() >= lose:
                self.send(pose(at))


class Shown:
    """A sink that remembers when it showed what."""

    rate_hz: Fraction | None = None
    wants_sound = False

    def __init__(self) -> None:
        self.frames: list[tuple[float, FaceFrame]] = []

    async def open(self) -> None: ...

    async def show(self, frame: FaceFrame) -> None:
        self.frames.append((now(), frame))

    async def hear(self, samples: Float32) -> None: ...

    async def flush(self) -> None: ...

    async def close(self) -> None: ...

    def of(self, channel: str) -> np.ndarray:
        return np.array([frame[channel] for _, frame in self.frames])

    @property
    def times(self) -> np.ndarray:
        return np.array([at for at, _ in self.frames])


class Studio:
    """A session with a sink and a capture, in virtual time over real sockets."""

    def __init__(self, capture: Capture, engine: FakeEngine | None = None, rate: int | None = None) -> None:
        self.capture, self.sink = capture, Shown()
        self.sink.rate_hz = None if rate is None else Fraction(rate)
        self.session = Session(engine or FakeEngine(), Inline())
        self.runner = SinkRunner("shown://", self.sink, self.session.timeline)
        self.session.attach(self.runner)
        jobs = (self.session.run(), self.runner.run(), capture.run(self.session))
        self.tasks = [asyncio.ensure_future(job) for job in jobs]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        for done in await asyncio.gather(*self.tasks, return_exceptions=True):
            if not isinstance(done, asyncio.CancelledError) and isinstance(done, BaseException):
                raise done


def film(
    capture: Capture,
    scene: Callable[[Studio], Coroutine[Any, Any, None]],
    engine: FakeEngine | None = None,
    *,
    rate: int | None = None,
) -> Studio:
    """Play ``scene`` with a session whose capture listens already."""

    async def run() -> Studio:
        studio = Studio(capture, engine, rate)
        await asyncio.sleep(0.1)
        try:
            await scene(studio)
        finally:
            await studio.close()
        return studio

    return play(run())
