"""Marks are taken out of an answer's text and go on at their place between the words."""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipecat.frames.frames import Frame, InterruptionFrame, LLMTextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.dialogue.marks import MarkPiece, MarkReader, Spoken
from rhapsode.dialogue.turns import Piece
from rhapsode.pipecat.frames import AnswerEndFrame, AnswerStartFrame, MarkFrame, PieceFrame


class Marking(FrameProcessor):
    """Turns marked text into plain text and `MarkFrame`; half a mark never goes on.

    Args:
        told: takes the number of a turn and further plain text of its answer, or something else of it.

    """

    def __init__(self, told: Callable[[int, str | Piece], None]) -> None:
        super().__init__(name="Marking")
        self._told = told
        self._reader = MarkReader()
        self._turn: int | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        if isinstance(frame, AnswerStartFrame):
            self._reader, self._turn = MarkReader(), frame.turn
        elif isinstance(frame, PieceFrame):
            self._told(frame.turn, frame.piece)
        elif isinstance(frame, InterruptionFrame):
            self._turn = None
        elif isinstance(frame, LLMTextFrame) and self._turn is not None:
            await self._give(self._reader.push(frame.text))
            return
        elif isinstance(frame, AnswerEndFrame) and self._turn is not None:
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
                await self.push_frame(LLMTextFrame(piece.text))
