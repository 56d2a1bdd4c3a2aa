"""Marks are taken out of an answer's text and go on at their place between the words."""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.dialogue.marks import MarkPiece, MarkReader, Spoken
from rhapsode.dialogue.turns import Piece
from rhapsode.pipecat.frames import AnswerStartFrame, MarkFrame, PieceFrame


class Marking(FrameProcessor):
    """Turns marked text into plain text and `MarkFrame`; half a mark never goes on.

    Stands behind any language model.

    Args:
        told: takes the number of a turn and further plain text of its answer, or something else of it; the
            answers of models of others have the number 0.

    """

    def __init__(self, told: Callable[[int, str | Piece], None] | None = None) -> None:
        super().__init__(name="Marking")
        self._told = told or (lambda turn, piece: None)
        self._reader = MarkReader()
        self._turn: int | None = None
        self._silent = False  # whether the text is not to be spoken

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMFullResponseStartFrame):
            self._reader = MarkReader()
            self._turn = frame.turn if isinstance(frame, AnswerStartFrame) else 0
        elif isinstance(frame, PieceFrame):
            self._told(frame.turn, frame.piece)
        elif isinstance(frame, InterruptionFrame):
            self._turn = None
        elif isinstance(frame, LLMTextFrame) and self._turn is not None:
            self._silent = bool(frame.skip_tts)
            await self._give(self._reader.push(frame.text))
            return
        elif isinstance(frame, LLMFullResponseEndFrame) and self._turn is not None:
            await self._give(self._reader.flush())
            self._turn = None
        await self.push_frame(frame, direction)

    async def _give(self, pieces: Iterable[MarkPiece]) -> None:
        for piece in pieces:
            if not isinstance(piece, Spoken):
                await self.push_frame(MarkFrame(piece))
            elif piece.text:
                if self._turn is not None:
                    self._told(self._turn, piece.text)
                text = LLMTextFrame(piece.text)
                text.skip_tts = self._silent
                await self.push_frame(text)
