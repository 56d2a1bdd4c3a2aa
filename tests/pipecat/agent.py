"""A foreign agent in virtual time: its pipeline, and a transport that plays sound as fast as it sounds."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
from pipecat.clocks.base_clock import BaseClock
from pipecat.frames.frames import Frame, OutputAudioRawFrame, OutputImageRawFrame, StartFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from rhapsode.pipecat import Face
from tests.live.virtual import Inline, play

RATE = 24_000


class LoopClock(BaseClock):
    """The time of the loop; pipelines begin at zero of it."""

    def start(self) -> None:
        pass

    def get_time(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e9)


class Loudspeaker(BaseOutputTransport):
    """Plays at the speed of sound and writes down when; begins ``late_s`` late."""

    def __init__(self, late_s: float = 0.0, rate: int = RATE) -> None:
        params = TransportParams(
            audio_out_enabled=True,
            audio_out_sample_rate=rate,
            video_out_enabled=True,
            video_out_is_live=True,
            video_out_width=128,
            video_out_height=128,
        )
        super().__init__(params)
        self.late_s = late_s
        self.played: list[tuple[float, float]] = []
        self.pictures: list[OutputImageRawFrame] = []
        self.messages: list[Any] = []

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        y = np.frombuffer(frame.audio, np.int16) / 32768
        self.played.append((asyncio.get_running_loop().time(), float(np.abs(y).max(initial=0))))
        await asyncio.sleep(len(y) / frame.num_channels / frame.sample_rate)
        return True

    async def write_video_frame(self, frame: OutputImageRawFrame) -> bool:
        self.pictures.append(frame)
        return True

    async def send_message(self, frame: Any) -> None:
        self.messages.append(frame.message)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if self.late_s and isinstance(frame, OutputAudioRawFrame):
            late, self.late_s = self.late_s, 0.0
            await asyncio.sleep(late)
        await super().process_frame(frame, direction)


class Ear(FrameProcessor):
    """Writes down what passes, with the loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, Frame]] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.seen.append((asyncio.get_running_loop().time(), frame))
        await self.push_frame(frame, direction)

    def all(self, kind: type) -> list[Any]:
        return [frame for _, frame in self.seen if isinstance(frame, kind)]


class Agent:
    """A running pipeline."""

    def __init__(self, parts: Sequence[FrameProcessor]) -> None:
        self.ear, self.out = Ear(), next((p for p in parts if isinstance(p, Loudspeaker)), Loudspeaker())
        parts = parts if self.out in parts else [*parts, self.out]
        self.worker = PipelineWorker(
            Pipeline([*parts, self.ear]),
            params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=RATE),
            clock=LoopClock(),
            cancel_on_idle_timeout=False,
            idle_timeout_secs=None,
            enable_rtvi=False,
            enable_turn_tracking=False,
            check_dangling_tasks=False,
        )

    async def put(self, *frames: Frame) -> None:
        for frame in frames:
            await self.worker.queue_frame(frame)

    def now(self) -> float:
        return asyncio.get_running_loop().time()


def act(
    parts: Callable[[], Sequence[FrameProcessor]],
    story: Callable[[Agent], Awaitable[None]],
    *,
    real: bool = False,
) -> Agent:
    """Run an agent of ``parts`` through ``story``, in virtual time unless it is to be ``real``."""

    async def scene() -> Agent:
        agent = Agent(parts())
        started = asyncio.Event()

        async def on_started(*_: Any) -> None:
            started.set()

        agent.worker.add_event_handler("on_pipeline_started", on_started)
        runner = WorkerRunner(handle_sigint=False, check_dangling_tasks=False)
        await runner.add_workers(agent.worker)
        running = asyncio.ensure_future(runner.run())
        try:
            await started.wait()
            await story(agent)
        finally:
            await runner.cancel("the story is over")
            await running
        return agent

    return asyncio.run(scene()) if real else play(scene())


def face(engine: Any, *to: str, **more: Any) -> Face:
    """Return a face that works without threads."""
    return Face(to, engine=engine, pool=Inline(), **more)
