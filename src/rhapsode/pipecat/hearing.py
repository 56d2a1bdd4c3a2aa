"""A recogniser of this product as a part of a pipeline: pauses in, words with language and emotion out."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from pipecat.frames.frames import CancelFrame, EndFrame, Frame, InterimTranscriptionFrame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.time import time_now_iso8601

from rhapsode.dialogue.turns import Question
from rhapsode.face.emotion import Emotion
from rhapsode.performance import Float32, as_float32
from rhapsode.pipecat.frames import GlimpseFrame, HeardFrame, PauseFrame, TurnEndFrame


class Recognises(Protocol):
    """Finds words; called in a thread, one call at a time a conversation."""

    def __call__(self, samples: Float32, *, final: bool) -> Question:
        """Return the words of ``samples``, (n,) at 16 kHz; quicker and worse where they are not ``final``."""


class Feels(Protocol):
    """Finds the emotion of a person; called in a thread."""

    def voice(self, samples: Float32) -> Any:
        """Return what the voice tells, (n,) at 16 kHz; runs beside the recogniser."""

    def fused(self, question: Question, voice: Any) -> tuple[Emotion | None, float]:
        """Return the emotion that words and voice tell together, and how certain it is."""


class Hearing(FrameProcessor):
    """Recognises every pause as it comes; the newest counts.

    A pause that comes while an older one is recognised waits for it; one that waited and is overtaken is
    left out, unless its turn was over or its sound will not come again. Words while they are spoken are
    looked for only when there is nothing else to do.

    Args:
        recognises: returns what finds words now; called in a thread.
        feels: returns what finds emotions now, None where nobody looks.
        pool: threads.
        partial: told words so far and their language.
        failed: told why something was not recognised.

    """

    def __init__(
        self,
        recognises: Callable[[], Recognises],
        feels: Callable[[], Feels | None],
        pool: Executor,
        *,
        partial: Callable[[str, str], None],
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(name="Hearing")
        self._recognises, self._feels, self._pool = recognises, feels, pool
        self._partial, self._failed = partial, failed
        self._pauses: deque[PauseFrame] = deque()
        self._glimpse: GlimpseFrame | None = None
        self._ended = 0  # the newest pause that a turn ended with
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame; what is recognised follows when it is there."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._task = self.create_task(self._work())
        elif isinstance(frame, PauseFrame):
            self._pauses = deque(p for p in self._pauses if p.segment or p.number <= self._ended)
            self._pauses.append(frame)
            self._glimpse = None
            self._wake.set()
            return
        elif isinstance(frame, GlimpseFrame):
            self._glimpse = frame
            self._wake.set()
            return
        elif isinstance(frame, TurnEndFrame):
            self._ended = frame.number
        elif isinstance(frame, EndFrame | CancelFrame):
            await self._stop()
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Leave nothing running."""
        await super().cleanup()
        await self._stop()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await self.cancel_task(task)

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            if self._pauses:
                await self._recognise(self._pauses.popleft())
            elif (glimpse := self._glimpse) is not None:
                self._glimpse = None
                await self._look(glimpse)
            else:
                await self._wake.wait()

    async def _recognise(self, pause: PauseFrame) -> None:
        question = Question("")
        samples, feels = _samples(pause.audio), self._feels()
        voice = asyncio.ensure_future(self._in_thread(feels.voice, samples)) if feels else None
        try:
            question = await self._in_thread(lambda: self._recognises()(samples, final=True))
            if feels is not None and voice is not None and question.text:
                told = await voice
                emotion, certainty = await self._in_thread(feels.fused, question, told)
                question = replace(question, emotion=emotion, emotion_certainty=certainty)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # whatever a recogniser does, the conversation goes on
            self._failed(f"{error}")
        finally:
            if voice is not None:
                voice.add_done_callback(lambda done: done.cancelled() or done.exception())
                voice.cancel()
        frame = HeardFrame(
            question.text, "", time_now_iso8601(), finalized=True,
            number=pause.number, question=question, segment=pause.segment,
        )  # fmt: skip
        frame.interruptible = False
        await self.push_frame(frame)

    async def _look(self, glimpse: GlimpseFrame) -> None:
        try:
            samples = _samples(glimpse.audio)
            seen = await self._in_thread(lambda: self._recognises()(samples, final=False))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the words will be looked for again at the pause
            self._failed(f"{error}")
            return
        if seen.text and not self._pauses:
            self._partial(seen.text, seen.language)
            await self.push_frame(InterimTranscriptionFrame(seen.text, "", time_now_iso8601()))

    async def _in_thread(self, job: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, job, *args)


def _samples(audio: bytes) -> Float32:
    return as_float32(np.frombuffer(audio, np.int16).astype(np.float32) / 32768)
