"""Voices of this product as a part of a pipeline: text and marks in, sound with words and cues out."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import numpy as np
from pipecat.frames.frames import Frame, InterruptionFrame, LLMTextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.errors import RhapsodeError
from rhapsode.pipecat.delivery import Delivery
from rhapsode.pipecat.frames import (
    AnswerEndFrame,
    AnswerStartFrame,
    MarkFrame,
    UnspokenFrame,
    VoiceFrame,
)
from rhapsode.pipecat.planning import Chunker, Planning, Sentence, Silence, Step
from rhapsode.speech.lead import without_lead
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech

AHEAD_S = 30.0
"""How much speech is made ahead of the listener at most."""

Speaks = Callable[[str, str, Manner], Iterator[Speech]]
"""Text, language and manner to speech, piece by piece; called in a thread; raises `RhapsodeError`."""


class Voicing(FrameProcessor):
    """Speaks answers, sentence by sentence, in threads of a pool.

    Args:
        speaks: returns what speaks now.
        chunker: makes a cutter of text for a language.
        pool: threads.
        ahead: how much speech waits to be heard, seconds.
        failed: told why a voice could not speak.

    """

    def __init__(
        self,
        speaks: Callable[[], Speaks],
        chunker: Callable[[str], Chunker],
        pool: Executor,
        *,
        ahead: Callable[[], float],
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(name="Voicing")
        self._speaks, self._chunker, self._pool = speaks, chunker, pool
        self._ahead, self._failed = ahead, failed
        self._planning: Planning | None = None
        self._voice: Speaks | None = None
        self._language = "en"
        self._rate = 24_000
        self._begun = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame; an interruption drops what is not spoken yet."""
        await super().process_frame(frame, direction)
        if isinstance(frame, AnswerStartFrame):
            self._planning = Planning(self._chunker(frame.language))
            self._language, self._voice, self._begun = frame.language, self._speaks(), False
        elif isinstance(frame, InterruptionFrame):
            self._planning = None
        elif (planning := self._planning) is not None:
            if isinstance(frame, LLMTextFrame):
                await self._do(planning.text(frame.text))
                return
            if isinstance(frame, MarkFrame):
                await self._do(planning.mark(frame.mark))
                return
            if isinstance(frame, AnswerEndFrame):
                await self._do(planning.end())
                self._planning = None
        await self.push_frame(frame, direction)

    async def _do(self, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, Sentence):
                await self._say(step)
            elif isinstance(step, Silence):
                silence = np.zeros(round(step.seconds * self._rate), np.int16)
                await self.push_frame(VoiceFrame(silence.tobytes(), self._rate, 1))
            else:
                await self.push_frame(MarkFrame(step.mark))

    async def _say(self, sentence: Sentence) -> None:
        """Speak; what cannot be spoken is passed on as text."""
        while self._ahead() > AHEAD_S:
            await asyncio.sleep(0.1)
        at = 0
        try:
            at = await self._speak(sentence)
        except RhapsodeError as error:
            self._failed(str(error))
        except Exception as error:  # whatever a voice does, the conversation goes on
            self._failed(f"a voice failed: {error or type(error).__name__}; the text is shown instead")
        if at == 0:
            for _, mark in sentence.marks:
                await self.push_frame(MarkFrame(mark))
            await self.push_frame(UnspokenFrame(sentence.text))

    async def _speak(self, sentence: Sentence) -> int:
        """Return how much of the text was spoken."""
        loop, delivery = asyncio.get_running_loop(), Delivery(sentence)
        assert self._voice is not None, "an answer is spoken by somebody"
        spoken = await loop.run_in_executor(
            self._pool, self._voice, sentence.text, self._language, sentence.manner
        )
        while (part := await loop.run_in_executor(self._pool, next, spoken, None)) is not None:
            for note in part.notes:
                if "instead" in note:
                    self._failed(note)
            frame = delivery.frame(part if self._begun else without_lead(part))
            self._begun = True
            self._rate = frame.sample_rate
            await self.push_frame(frame)
        return delivery.at
