"""A language model that is a service of Pipecat between questions and answers of this product."""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.dialogue.turns import Source
from rhapsode.pipecat.frames import AnswerEndFrame, AnswerStartFrame, PieceFrame, QuestionFrame, SayFrame


class Contexts(FrameProcessor):
    """Stands before the service: a question becomes a context; a failure becomes a spoken line.

    Args:
        persona: returns the system message; empty for none.
        fallback: a spoken line for a language.
        failed: told why there was no answer.

    """

    def __init__(
        self,
        persona: Callable[[], str],
        fallback: Callable[[str], str],
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(name="Contexts")
        self._persona, self._fallback, self._failed = persona, fallback, failed
        self._asked: QuestionFrame | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        if isinstance(frame, QuestionFrame):
            self._asked = frame
            await self.push_frame(frame)
            await self.push_frame(LLMContextFrame(LLMContext(_messages(self._persona(), frame))))
            return
        if isinstance(frame, SayFrame):
            await self._say(frame.turn, frame.language, frame.text)
            return
        if isinstance(frame, InterruptionFrame | LLMFullResponseEndFrame):
            self._asked = None
        elif isinstance(frame, ErrorFrame) and self._asked is not None:
            asked, self._asked = self._asked, None
            self._failed(frame.error)
            await self.push_frame(PieceFrame(asked.turn, Source("fallback", reason=frame.error)))
            language = asked.question.language
            await self._say(asked.turn, language, self._fallback(language))
        await self.push_frame(frame, direction)

    async def _say(self, turn: int, language: str, text: str) -> None:
        await self.push_frame(AnswerStartFrame(turn=turn, language=language))
        await self.push_frame(LLMTextFrame(text))
        await self.push_frame(AnswerEndFrame(turn=turn))


class Answers(FrameProcessor):
    """Stands behind the service: what it says becomes the answer to the question."""

    def __init__(self) -> None:
        super().__init__(name="Answers")
        self._asked: QuestionFrame | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        if isinstance(frame, QuestionFrame):
            self._asked = frame
            return
        asked = self._asked
        if isinstance(frame, AnswerStartFrame | AnswerEndFrame):
            pass  # ours already
        elif isinstance(frame, LLMFullResponseStartFrame):
            if asked is not None:
                await self.push_frame(PieceFrame(asked.turn, Source("model")))
                await self.push_frame(AnswerStartFrame(turn=asked.turn, language=asked.question.language))
            return
        elif isinstance(frame, LLMFullResponseEndFrame):
            if asked is not None:
                await self.push_frame(AnswerEndFrame(turn=asked.turn))
            return
        await self.push_frame(frame, direction)


def _messages(persona: str, asked: QuestionFrame) -> list[Any]:
    messages = [{"role": "system", "content": persona}] if persona else []
    messages += [{"role": turn.role, "content": turn.text} for turn in asked.history]
    return [*messages, {"role": "user", "content": asked.question.text}]
