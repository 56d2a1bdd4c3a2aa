"""Thinkers for tests, and what is left of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from rhapsode.dialogue.turns import Piece, Question, Say, Source, Turn


class Stub:
    """Answers what it was given for a question; remembers what it was asked and whether it was closed."""

    def __init__(self, answers: dict[str, Sequence[Piece]], default: Sequence[Piece] = ()) -> None:
        self.answers, self.default = answers, default
        self.asked: list[Question] = []
        self.told: list[Any] = []
        self.closed = 0

    async def answer(
        self, question: Question, history: Sequence[Turn], *, facts: Sequence[Any] = ()
    ) -> AsyncIterator[Piece]:
        self.asked.append(question)
        self.told.append(facts)
        try:
            for piece in self.answers.get(question.text, self.default):
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                await asyncio.sleep(0)
        finally:
            self.closed += 1


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 20))


def ask(thinker: Any, text: str, language: str = "en", history: Sequence[Turn] = ()) -> list[Piece]:
    async def collected() -> list[Piece]:
        return [piece async for piece in thinker.answer(Question(text, language), history)]

    return run(collected())  # type: ignore[no-any-return]


def text_of(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Say))


def sources(pieces: Sequence[Piece]) -> list[Source]:
    return [piece for piece in pieces if isinstance(piece, Source)]
