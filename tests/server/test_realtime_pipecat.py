"""The Realtime service of Pipecat against a real server: questions, sound, and functions of its program."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")
pytest.importorskip("pipecat")

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    LLMFullResponseEndFrame,
    LLMRunFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner

from rhapsode.server.settings import ServerSettings
from rhapsode.settings import Settings, Think
from tests.server.fake_conversation import FakeTalking
from tests.server.serve import serving_app


class Listener(FrameProcessor):
    """Keeps what the service says, until it has said it twice."""

    def __init__(self) -> None:
        super().__init__()
        self.texts, self.sound, self.ends = "", 0, 0
        self.errors: list[str] = []
        self.over = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            self.texts += frame.text
        elif isinstance(frame, TTSAudioRawFrame):
            self.sound += len(frame.audio)
        elif isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        elif isinstance(frame, LLMFullResponseEndFrame):
            self.ends += 1
            if self.ends == 2:
                self.over.set()
        await self.push_frame(frame, direction)


async def play(url: str) -> tuple[Listener, list[Any]]:
    """Let a stock agent ask, be called, and answer what came of it."""
    called: list[Any] = []

    async def lamp(params: Any) -> None:
        called.append(params.arguments)
        await params.result_callback("it is on")

    service = OpenAIRealtimeLLMService(api_key="x", base_url=f"{url.replace('http', 'ws')}/v1/realtime")
    service.register_function("lamp", lamp)
    schema = FunctionSchema("lamp", "Turn a lamp on.", {"value": {"type": "string"}}, ["value"])
    asked = [{"role": "user", "content": "please call lamp hall"}]
    pair = LLMContextAggregatorPair(LLMContext(asked, ToolsSchema([schema])))
    listener = Listener()
    worker = PipelineWorker(
        Pipeline([pair.user(), service, listener, pair.assistant()]),
        idle_timeout_secs=None,
        enable_rtvi=False,
    )
    await worker.queue_frames([LLMRunFrame()])
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.ensure_future(runner.run())
    try:
        async with asyncio.timeout(20):
            await listener.over.wait()
    finally:
        await runner.cancel("it is over")
        await asyncio.wait([running], timeout=5)
    return listener, called


def test_an_agent_of_pipecat_is_answered_and_called(tmp_path: Path):
    settings = ServerSettings(port=0, takes=str(tmp_path / "takes"))
    with serving_app(settings, talking=FakeTalking(Settings(think=Think(kind="model")))) as (url, _):
        listener, called = asyncio.run(play(url))
    assert called == [{"value": "hall"}]
    assert listener.texts == 'One moment.lamp says "it is on".'
    assert listener.sound == 2 * 7 * 4800
    assert listener.errors == []
