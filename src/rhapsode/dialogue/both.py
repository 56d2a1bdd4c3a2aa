"""The script first, a language model for the rest, which is told the nearest of what the script knows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from rhapsode.dialogue.aside import ask_aside
from rhapsode.dialogue.fallbacks import fallback, served
from rhapsode.dialogue.marks import spoken
from rhapsode.dialogue.model.prompt import Fact
from rhapsode.dialogue.tools import Found
from rhapsode.dialogue.turns import Piece, Question, Say, Source, Thinker, Turn

NEAREST, LEAST = 4, 0.05
"""So many entries of the script are told to the model at most, and only those that fit at least so well."""

Near = Callable[[Question, int, Sequence[Turn]], Found]
"""Question, number and history -> the nearest entries: id, question, answer, score in [0, 1]."""

_log = logging.getLogger(__name__)


class Grounded(Protocol):
    """A thinker that can be told facts, such as `rhapsode.dialogue.model.ModelThinker`."""

    def answer(
        self, question: Question, history: Sequence[Turn], *, facts: Sequence[Fact] = ()
    ) -> AsyncIterator[Piece]:
        """Yield the answer piece by piece, resting on ``facts`` if they fit."""


class BothThinker:
    """Asks the script; where nothing in it fits, the model; where that fails, says what the script says then.

    Args:
        script: its answers begin with ``Source("script", score=...)``; any other source counts as no answer.
        model: for the rest.
        nearest: finds entries near a question, in a thread; None grounds the model on nothing.
        threshold: score below which an answer of the script does not count; None leaves that to the script.
        most: entries that the model is told.

    """

    def __init__(
        self,
        script: Thinker,
        model: Grounded,
        *,
        nearest: Near | None = None,
        threshold: float | None = None,
        most: int = NEAREST,
    ) -> None:
        self._script, self._model = script, model
        self._nearest, self._most = nearest, most
        self._threshold = threshold

    async def answer(self, question: Question, history: Sequence[Turn]) -> AsyncGenerator[Piece]:
        """Yield the answer of whichever of the two has one; what is no question is the model's."""
        if not question.text:
            async with closing(self._model.answer(question, history)) as only:
                async for piece in only:
                    yield piece
            return
        async with closing(self._script.answer(question, history)) as script:
            lead, source = await _begin(script)
            if source is not None and self._fits(source):
                yield source
                async for piece in _rest(lead, script):
                    yield piece
                return
            lines = source is not None and source.kind != "script"  # the script has words for this case
            reason = "nothing in the script fits"
            facts = await self._facts(question, history)
            async with closing(self._model.answer(question, history, facts=facts)) as model:
                model_lead, begun = await _begin(model)
                if begun is not None and (begun.kind == "model" or not lines):
                    yield begun
                    async for piece in _rest(model_lead, model):
                        yield piece
                    return
                if begun is not None:
                    reason = f"{reason}; {begun.reason}"
            if source is None or not lines:
                yield Source("fallback", reason=reason, language=served(question.language))
                yield Say(fallback(question.language))
                return
            yield replace(source, kind="fallback", reason=reason)
            async for piece in _rest(lead, script):
                yield piece

    async def complete(self, instruction: str, text: str) -> str:
        """Return what the model writes to an instruction, as `rhapsode.dialogue.model.ModelThinker`."""
        return await ask_aside(self._model, instruction, text)

    def greet(self, language: str = "") -> Sequence[Piece]:
        """Return what the script says on first contact; nothing where it greets nobody."""
        return greeting(self._script, language)

    def _fits(self, source: Source) -> bool:
        if source.kind != "script":
            return False
        return self._threshold is None or source.score is None or source.score >= self._threshold

    async def _facts(self, question: Question, history: Sequence[Turn]) -> tuple[Fact, ...]:
        """Return what the script knows near the question; nothing where it cannot be searched."""
        if self._nearest is None:
            return ()
        try:
            entries = await asyncio.to_thread(self._nearest, question, self._most, history)
        except Exception:
            _log.warning("the script could not be searched for facts", exc_info=True)
            return ()
        return tuple(Fact(asked, spoken(answer)) for _, asked, answer, score in entries if score >= LEAST)


def greeting(thinker: object, language: str) -> Sequence[Piece]:
    """Return what a thinker says on first contact, if it has a method ``greet`` for that."""
    greet = getattr(thinker, "greet", None)
    return tuple(greet(language)) if greet is not None else ()


def closing(pieces: AsyncIterator[Piece]) -> Any:
    """Return a context that closes an iterator of pieces, whatever kind it is."""
    return aclosing(pieces if hasattr(pieces, "aclose") else _passed(pieces))


async def _passed(pieces: AsyncIterator[Piece]) -> AsyncGenerator[Piece]:
    async for piece in pieces:
        yield piece


async def _rest(lead: Sequence[Piece], pieces: AsyncIterator[Piece]) -> AsyncGenerator[Piece]:
    for piece in lead:
        yield piece
    async for piece in pieces:
        yield piece


async def _begin(pieces: AsyncIterator[Piece]) -> tuple[list[Piece], Source | None]:
    """Return the first source and what else came up to the first words; None if there is no answer.

    A thinker never raises for what can happen; should one do it all the same, it has no answer.
    """
    lead: list[Piece] = []
    try:
        async for piece in pieces:
            if isinstance(piece, Source):
                return lead, piece
            lead.append(piece)
            if isinstance(piece, Say):
                return lead, Source("fallback", reason="the answer tells no source")
    except Exception as error:
        _log.warning("a thinker failed", exc_info=True)
        return lead, Source("fallback", reason=f"a thinker failed: {error}") if lead else None
    return lead, None
