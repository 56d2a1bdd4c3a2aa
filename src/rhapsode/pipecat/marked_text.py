"""Marks between the words of a voice that is a service of Pipecat: each is kept at its letter.

Such a service takes text by the sentence, and passes other frames on when all of the answer is spoken.
"""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSSpeakFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.tts_service import TTSService

from rhapsode.dialogue.marks import MarkPiece, Spoken, read_marks
from rhapsode.pipecat.frames import MarkFrame


class MarkedText(TTSService):
    """Keeps marks, those that come as frames and those in the text, for whoever speaks a sentence.

    Stands before the class of a voice, which asks `pieces` in its `run_tts`.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._marks: deque[tuple[int, MarkPiece]] = deque()
        self._letters = self._voiced = 0  # of the answer: all so far, and those that are spoken
        self._ending = self._aside = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame; marks wait for their sentence."""
        if direction != FrameDirection.DOWNSTREAM:
            await super().process_frame(frame, direction)
            return
        if isinstance(frame, MarkFrame):
            self._marks.append((self._letters, frame.mark))  # type: ignore[arg-type]
            return
        if isinstance(frame, LLMFullResponseStartFrame | InterruptionFrame):
            self._marks.clear()
            self._letters = self._voiced = 0
        elif isinstance(frame, LLMTextFrame) and not frame.skip_tts:
            self._letters += _letters(frame.text)
        elif isinstance(frame, LLMFullResponseEndFrame):
            await self._end(frame, direction)
            return
        self._aside = isinstance(frame, TTSSpeakFrame)
        await super().process_frame(frame, direction)
        self._aside = False

    def pieces(self, text: str) -> list[MarkPiece]:
        """Return a sentence with its marks; what comes behind the last word of an answer is part of it."""
        found = read_marks(text)
        if self._aside:
            return found
        made: list[MarkPiece] = []
        for piece in found:
            if not isinstance(piece, Spoken):
                made.append(piece)
                continue
            rest = piece.text
            upto = self._voiced + _letters(rest)
            while self._marks and self._marks[0][0] < upto:
                place, mark = self._marks.popleft()
                cut = _place(rest, place - self._voiced)
                self._voiced += _letters(rest[:cut])
                made += [Spoken(rest[:cut]), mark] if cut else [mark]
                rest = rest[cut:]
            self._voiced = upto
            made.append(Spoken(rest))
        if self._ending and self._voiced >= self._letters:
            made += [mark for _, mark in self._marks]
            self._marks.clear()
        return made

    async def _end(self, frame: LLMFullResponseEndFrame, direction: FrameDirection) -> None:
        """Speak the rest of an answer, and let its last marks be part of it."""
        if self._voiced >= self._letters:
            await self._loose(direction)
        self._ending = True
        try:
            await super().process_frame(frame, direction)
        finally:
            self._ending = False
        await self._loose(direction)

    async def _loose(self, direction: FrameDirection) -> None:
        """Pass on marks that no sentence took."""
        while self._marks:
            await super().process_frame(MarkFrame(self._marks.popleft()[1]), direction)


class KeptMarks(MarkedText):
    """Before the class of any voice: marks go on with their sentence, in front of its sound or behind it."""

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Yield ``text`` spoken by the class behind, with its marks."""
        plain = ""
        before: list[MarkPiece] = []
        behind: list[MarkPiece] = []
        for piece in self.pieces(text):
            if not isinstance(piece, Spoken):
                behind.append(piece)
                continue
            plain += piece.text
            if _letters(piece.text):
                before, behind = before + behind, []
        for mark in before:
            yield MarkFrame(mark)
        if plain.strip() or not behind:
            given = text if plain.strip() == text.strip() else plain
            async with aclosing(super().run_tts(given, context_id)) as frames:
                async for frame in frames:
                    yield frame
        for mark in behind:
            yield MarkFrame(mark)


def plain_and_marks(pieces: list[MarkPiece]) -> tuple[str, list[tuple[int, object]]]:
    """Return the text that is spoken, and what happens at which of its characters."""
    text, marks = "", []
    for piece in pieces:
        if isinstance(piece, Spoken):
            text += piece.text
        else:
            marks.append((len(text), piece))
    lead = len(text) - len(text.lstrip())
    return text.strip(), [(max(place - lead, 0), mark) for place, mark in marks]


def _letters(text: str) -> int:
    return sum(letter.isalnum() for letter in text)


def _place(text: str, letters: int) -> int:
    """Return the index of letter number ``letters`` in ``text``."""
    for k, letter in enumerate(text):
        if letter.isalnum():
            if letters <= 0:
                return k
            letters -= 1
    return len(text)
