"""Runs a pipeline of Pipecat, fed from two sides, until it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pipecat.frames.frames import Frame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.workers.runner import WorkerRunner

ENDING_S = 5.0
"""How long the pipeline may take to end; then it is left to itself."""


async def run_pipeline(
    parts: Sequence[FrameProcessor], ready: asyncio.Event, *sources: Callable[[], Awaitable[Frame]]
) -> None:
    """Run ``parts`` and feed them what each of ``sources`` gives, until cancelled; nothing times out.

    Args:
        parts: in order.
        ready: set once all of them have begun.
        sources: wait for the next frame each.

    """
    worker = PipelineWorker(
        Pipeline(list(parts)),
        params=PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000),
        cancel_on_idle_timeout=False,
        idle_timeout_secs=None,
        enable_rtvi=False,
        enable_turn_tracking=False,
        check_dangling_tasks=False,
    )
    started = asyncio.Event()

    async def on_started(*_: Any) -> None:
        started.set()

    async def pump(source: Callable[[], Awaitable[Frame]]) -> None:
        while True:
            await worker.queue_frame(await source())

    worker.add_event_handler("on_pipeline_started", on_started)
    runner = WorkerRunner(handle_sigint=False, check_dangling_tasks=False)
    await runner.add_workers(worker)
    running = asyncio.ensure_future(runner.run())
    begun = asyncio.ensure_future(started.wait())
    pumps: list[asyncio.Future[None]] = []
    try:
        await asyncio.wait((running, begun), return_when=asyncio.FIRST_COMPLETED)
        pumps = [asyncio.ensure_future(pump(source)) for source in sources]
        ready.set()
        done, _ = await asyncio.wait((running, *pumps), return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            job.result()
    finally:
        begun.cancel()
        for job in pumps:
            job.cancel()
        await runner.cancel("the conversation ends")
        _, left = await asyncio.wait((running, *pumps), timeout=ENDING_S)
        for job in left:
            job.cancel()
