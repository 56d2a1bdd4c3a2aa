"""Voices of this product as a part of a pipeline: text and marks in, sound with words and cues out."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
from pipecat.frames.frames import Frame, InterruptionFrame, LLMTextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.errors import RhapsodeError
from rhapsode.performance import CLOCK_HZ, Span, Words
from rhapsode.pipecat.frames import (
    AnswerEndFrame,
    AnswerStartFrame,
    Cue,
    MarkFrame,
    UnspokenFrame,
    VoiceFrame,
)
from rhapsode.pipecat.planning import Chunker, Planning, Sentence, Silence, Step
from rhapsode.speech.heard import spoken_to
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
        loop, text, at = asyncio.get_running_loop(), sentence.text, 0
        assert self._voice is not None, "an answer is spoken by somebody"
        spoken = await loop.run_in_executor(self._pool, self._voice, text, self._language, sentence.manner)
        while (part := await loop.run_in_executor(self._pool, next, spoken, None)) is not None:
            for note in part.notes:
                if "instead" in note:
                    self._failed(note)
            upto = at + spoken_to(text[at:], part.words.words)
            while upto < len(text) and not text[upto].isalnum():
                upto += 1
            upto = len(text) if upto == at == 0 else upto  # a voice that times no words says all at once
            marks = [(place - at, mark) for place, mark in sentence.marks if at <= place < upto]
            frame = _frame(part if self._begun else without_lead(part), text[at:upto], marks)
            self._begun = True
            self._rate, at = frame.sample_rate, upto
            await self.push_frame(frame)
        return at


def _frame(part: Speech, text: str, marks: list[tuple[int, object]]) -> VoiceFrame:
    """Return ``part`` as a frame, its times counted from its first sample."""
    zero = float(part.sound.start) / CLOCK_HZ
    words = Words(_from(part.words.words, zero), _from(part.words.phones, zero))
    y = part.sound.mono()
    audio = (np.clip(y, -1, 1) * 32767).round().astype(np.int16).tobytes()
    cues = [Cue(_time(words, text, at, len(y) / part.sound.sample_rate), mark) for at, mark in marks]
    return VoiceFrame(audio, part.sound.sample_rate, 1, text=text, words=words, cues=cues)


def _from(spans: tuple[Span, ...], zero: float) -> tuple[Span, ...]:
    return tuple(
        replace(span, start_s=max(span.start_s - zero, 0.0), end_s=max(span.end_s - zero, 0.0))
        for span in spans
    )


def _time(words: Words, text: str, at: int, seconds: float) -> float:
    """Return when the voice reaches character ``at`` of ``text``."""
    if at <= 0:
        return 0.0
    for k, span in enumerate(words.words):
        if spoken_to(text, words.words[: k + 1]) > at:
            return min(max(span.start_s, 0.0), seconds)
    return seconds
