"""A thinker of this product as a part of a pipeline: questions in, marked text out."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from concurrent.futures import Executor
from contextlib import aclosing

from pipecat.frames.frames import Frame, LLMTextFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.dialogue.turns import Piece, Say, Source, Thinker
from rhapsode.errors import RhapsodeError
from rhapsode.pipecat.frames import AnswerEndFrame, AnswerStartFrame, PieceFrame, QuestionFrame, SayFrame

LONGEST_ANSWER = 20_000
"""Characters; a thinker that says more is cut off."""


class Thinking(FrameProcessor):
    """Answers `QuestionFrame`, and passes the text of `SayFrame` on as an answer.

    Args:
        thinker: returns who answers now; called in a thread.
        fallback: a spoken line for a language, should the thinker fail against its promise.
        pool: threads.
        failed: told why.

    """

    def __init__(
        self,
        thinker: Callable[[], Thinker],
        fallback: Callable[[str], str],
        pool: Executor,
        failed: Callable[[str], None],
    ) -> None:
        super().__init__(name="Thinking")
        self._pool = pool
        self._thinker, self._fallback, self._failed = thinker, fallback, failed

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame; an interruption ends the work on an answer."""
        await super().process_frame(frame, direction)
        if isinstance(frame, SayFrame):
            await self.push_frame(AnswerStartFrame(turn=frame.turn, language=frame.language))
            await self.push_frame(LLMTextFrame(frame.text))
            await self.push_frame(AnswerEndFrame(turn=frame.turn))
        elif isinstance(frame, QuestionFrame):
            await self._answer(frame)
        else:
            await self.push_frame(frame, direction)

    async def _answer(self, asked: QuestionFrame) -> None:
        turn, language = asked.turn, asked.question.language
        started, length = False, 0
        try:
            loop = asyncio.get_running_loop()
            thinker = await loop.run_in_executor(self._pool, self._thinker)
            pieces = _pieces(thinker, asked)
            async with aclosing(pieces) as answer:  # type: ignore[type-var]
                async for piece in answer:
                    if isinstance(piece, Source | Say) and not started:
                        spoken = piece.language if isinstance(piece, Source) else ""
                        await self.push_frame(AnswerStartFrame(turn=turn, language=spoken or language))
                        started = True
                    if isinstance(piece, Say):
                        length += len(piece.text)
                        await self.push_frame(LLMTextFrame(piece.text))
                    else:
                        await self.push_frame(PieceFrame(turn, piece))
                    if length > LONGEST_ANSWER:
                        break
        except asyncio.CancelledError:
            raise
        except Exception as error:  # whatever a thinker does, the conversation goes on
            known = isinstance(error, RhapsodeError)
            self._failed(
                str(error) if known else f"no answer could be found: {error or type(error).__name__}"
            )
            if not started:
                await self.push_frame(AnswerStartFrame(turn=turn, language=language))
            started = True
            if not length:
                await self.push_frame(PieceFrame(turn, Source("fallback", reason=str(error))))
                await self.push_frame(LLMTextFrame(self._fallback(language)))
        if not started:
            await self.push_frame(AnswerStartFrame(turn=turn, language=language))
        await self.push_frame(AnswerEndFrame(turn=turn))


def _pieces(thinker: Thinker, asked: QuestionFrame) -> AsyncIterator[Piece]:
    """Return the answer; the greeting of a thinker that has one, where nobody has said anything yet."""
    greet = getattr(thinker, "greet", None)
    if asked.question.text or asked.history or greet is None:
        return thinker.answer(asked.question, asked.history)
    return _each(greet(asked.question.language))


async def _each(pieces: Iterable[Piece]) -> AsyncGenerator[Piece]:
    for piece in pieces:
        yield piece
