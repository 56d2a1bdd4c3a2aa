"""Voices of this product as a part of a pipeline: text and marks in, sound with words and cues out."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Protocol

import numpy as np
from pipecat.frames.frames import Frame, InterruptionFrame, LLMTextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.dialogue.marks import Emphasis, Feel, Pause, Prosody
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
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.voice import Speech

AHEAD_S = 30.0
"""How much speech is made ahead of the listener at most."""

LONGEST_PAUSE_S = 10.0
"""No mark makes a longer pause."""

_EMPHASIS = {
    "none": PLAIN,
    "reduced": Manner(volume=-2.0, rate=1.05),
    "moderate": Manner(volume=1.5, rate=0.95),
    "strong": Manner(volume=3.0, rate=0.9, pitch=1.0),
}


class Chunker(Protocol):
    """Cuts text that comes in pieces into what can be spoken at once."""

    def push(self, text: str) -> list[str]:
        """Take further text; return what is complete."""

    def flush(self) -> list[str]:
        """Return what is left."""


Speaks = Callable[[str, str, Manner], Iterator[Speech]]
"""Text, language and manner to speech, piece by piece; called in a thread; raises `RhapsodeError`."""


class Voicing(FrameProcessor):
    """Speaks answers, sentence by sentence, in threads of a pool.

    Args:
        speaks: returns the voices to be tried for an answer, in order.
        chunker: makes a cutter of text for a language.
        pool: threads.
        ahead: how much speech waits to be heard, seconds.
        failed: told why a voice could not speak.

    """

    def __init__(
        self,
        speaks: Callable[[], Sequence[Speaks]],
        chunker: Callable[[str], Chunker],
        pool: Executor,
        *,
        ahead: Callable[[], float],
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(name="Voicing")
        self._speaks, self._new_chunker, self._pool = speaks, chunker, pool
        self._ahead, self._failed = ahead, failed
        self._voices: Sequence[Speaks] = ()
        self._chunker: Chunker | None = None
        self._language = "en"
        self._raw, self._read = "", 0
        self._marks: list[tuple[int, object]] = []
        self._manner = self._feeling = PLAIN
        self._rate = 24_000

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame; an interruption drops what is not spoken yet."""
        await super().process_frame(frame, direction)
        if isinstance(frame, AnswerStartFrame):
            self._start(frame)
        elif isinstance(frame, InterruptionFrame):
            self._chunker = None
        elif self._chunker is not None:
            if isinstance(frame, LLMTextFrame):
                self._raw += frame.text
                await self._speak_all(self._chunker.push(frame.text))
                return
            if isinstance(frame, MarkFrame):
                await self._mark(frame.mark)
                return
            if isinstance(frame, AnswerEndFrame):
                await self._flush()
                self._chunker = None
        await self.push_frame(frame, direction)

    def _start(self, frame: AnswerStartFrame) -> None:
        self._chunker = self._new_chunker(frame.language)
        self._language, self._voices = frame.language, tuple(self._speaks())
        self._raw, self._read, self._marks = "", 0, []
        self._manner = self._feeling = PLAIN

    async def _mark(self, mark: object) -> None:
        if isinstance(mark, Pause):
            await self._flush()
            silence = np.zeros(round(min(mark.seconds, LONGEST_PAUSE_S) * self._rate), np.int16)
            await self.push_frame(VoiceFrame(silence.tobytes(), self._rate, 1))
        elif isinstance(mark, Prosody):
            await self._flush()
            self._manner = Manner(mark.rate, mark.pitch, mark.volume)
        elif isinstance(mark, Emphasis):
            await self._flush()
            self._manner = _EMPHASIS[mark.level]
        else:
            self._marks.append((len(self._raw), mark))

    async def _flush(self) -> None:
        assert self._chunker is not None
        await self._speak_all(self._chunker.flush())
        for _, mark in self._marks:
            self._note(mark)
            await self.push_frame(MarkFrame(mark))
        self._marks = []

    async def _speak_all(self, sentences: list[str]) -> None:
        for sentence in sentences:
            if sentence.strip():
                await self._speak(sentence.strip())

    async def _speak(self, sentence: str) -> None:
        found = self._raw.find(sentence, self._read)
        begin = found if found >= 0 else self._read
        self._read = begin + len(sentence)
        marks = [(max(at - begin, 0), mark) for at, mark in self._marks if at < self._read]
        self._marks = [(at, mark) for at, mark in self._marks if at >= self._read]
        for at, mark in marks:
            if at == 0:
                self._note(mark)
        while self._ahead() > AHEAD_S:
            await asyncio.sleep(0.1)
        said = await self._say(sentence, marks)
        for at, mark in marks:
            if at > 0:
                self._note(mark)
        if not said:
            for _, mark in marks:
                await self.push_frame(MarkFrame(mark))
            await self.push_frame(UnspokenFrame(sentence))

    def _note(self, mark: object) -> None:
        """Let the voice sound as it feels."""
        if isinstance(mark, Feel):
            self._feeling = Manner(emotion=mark.emotion)

    async def _say(self, sentence: str, marks: list[tuple[int, object]]) -> bool:
        """Speak with the first voice that can; return False where none could say anything."""
        loop = asyncio.get_running_loop()
        manner = self._feeling.then(self._manner)
        for speaks in self._voices:
            done = at = 0
            try:
                spoken = await loop.run_in_executor(self._pool, speaks, sentence, self._language, manner)
                while (part := await loop.run_in_executor(self._pool, next, spoken, None)) is not None:
                    upto = reached(sentence, at, part.words) if not done or at < len(sentence) else at
                    here = [(place - at, mark) for place, mark in marks if at <= place < upto]
                    frame = _frame(part, sentence[at:upto], here)
                    self._rate, at, done = frame.sample_rate, upto, done + 1
                    await self.push_frame(frame)
            except RhapsodeError as error:
                self._failed(str(error))
            except Exception as error:  # whatever a voice does, the conversation goes on
                self._failed(f"a voice failed: {error}; the next one stands in")
            if done:
                return True
        return False


def reached(sentence: str, at: int, words: Words) -> int:
    """Return the character of ``sentence`` behind the last of ``words``, searched from ``at`` on.

    The marks behind the word belong to it; where no word is found again, the words are the whole sentence.
    """
    place = at
    for span in words.words:
        found = sentence.find(span.text.strip(), place)
        place = found + len(span.text.strip()) if found >= 0 else place
    if place == at:
        return len(sentence)
    while place < len(sentence) and not sentence[place].isalnum():
        place += 1
    return place


def _frame(part: Speech, text: str, marks: list[tuple[int, object]]) -> VoiceFrame:
    """Return ``part`` as a frame, its times counted from its first sample."""
    zero = float(part.sound.start) / CLOCK_HZ
    words = Words(_from(part.words.words, zero), _from(part.words.phones, zero))
    y = part.sound.mono()
    audio = (np.clip(y, -1, 1) * 32767).round().astype(np.int16).tobytes()
    cues = [Cue(_time(words, text, at, len(y) / part.sound.sample_rate), mark) for at, mark in marks]
    return VoiceFrame(audio, part.sound.sample_rate, 1, text=text, words=words, cues=cues)


def _from(spans: tuple[Span, ...], zero: float) -> tuple[Span, ...]:
    return tuple(replace(span, start_s=span.start_s - zero, end_s=span.end_s - zero) for span in spans)


def _time(words: Words, text: str, at: int, seconds: float) -> float:
    """Return when the voice reaches character ``at`` of ``text``."""
    if at <= 0:
        return 0.0
    place = 0
    for span in words.words:
        found = text.find(span.text, place)
        place = found if found >= 0 else place
        if place >= at:
            return min(max(span.start_s, 0.0), seconds)
        place += len(span.text)
    return seconds
