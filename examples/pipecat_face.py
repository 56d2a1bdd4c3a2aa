"""A small agent of Pipecat with our script, our voice and a face; no network, no key.

python examples/pipecat_face.py "When do you open?" --to file:///home/me/answer.json
python examples/pipecat_face.py "When do you open?" --to ws://127.0.0.1:8765 --to speaker://
"""

from __future__ import annotations

import argparse
import asyncio

from pipecat.frames.frames import EndFrame, LLMContextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.workers.runner import WorkerRunner

from rhapsode.pipecat import Face, ThinkerService, VoiceService

LISTENING_S = 10.0
"""How long the face is shown; there is no transport here that would tell when the answer is over."""


async def answer(question: str, to: list[str], *, seconds: float = LISTENING_S) -> None:
    """Answer ``question`` aloud on the sinks ``to``."""
    parts = [ThinkerService("museum"), VoiceService("hibari"), Face(to=to)]
    worker = PipelineWorker(Pipeline(parts), enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    async def ask() -> None:
        context = LLMContext([{"role": "user", "content": question}])
        await worker.queue_frame(LLMContextFrame(context))
        await asyncio.sleep(seconds)
        await worker.queue_frame(EndFrame())

    await asyncio.gather(runner.run(), ask())


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description="An agent of Pipecat with a face")
    reader.add_argument("question")
    reader.add_argument("--to", action="append", default=[], help="a sink, as of rhapsode stream --to")
    asked = reader.parse_args()
    asyncio.run(answer(asked.question, asked.to or ["ws://127.0.0.1:8765"]))
