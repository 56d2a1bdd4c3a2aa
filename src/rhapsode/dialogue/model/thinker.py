"""Answers from a language model, with a spoken line where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import monotonic

from rhapsode.dialogue.fallbacks import Kind as LineKind
from rhapsode.dialogue.fallbacks import fallback, served
from rhapsode.dialogue.model.breaker import Breaker
from rhapsode.dialogue.model.connection import Connection
from rhapsode.dialogue.model.failures import ModelFailure
from rhapsode.dialogue.model.prompt import Fact, Message, called, messages_for
from rhapsode.dialogue.model.speakable import Speakable
from rhapsode.dialogue.tools import Tools
from rhapsode.dialogue.turns import Call, Offer, Piece, Question, Say, Source, Tool, Turn
from rhapsode.settings.sections import Think

ROUNDS = 4
"""How often a model may call tools in one answer."""

_REGRET = "[sorry] "
_UNSPOKEN_LONGEST = 200_000


class ModelThinker:
    """Answers through a server that speaks OpenAI's chat completions; see docs/language-models.md.

    Used by one event loop at a time, by any number of conversations there.

    Args:
        settings: address, model, persona, limits.
        tools: that the model may call; None for none.
        key: of the server; None reads RHAPSODE_THINK_API_KEY, then OPENAI_API_KEY.
        persona: who speaks, where the settings do not say.
        clock: seconds, monotonic, for the rests between trials of a server that fails.

    Raises:
        SettingError: the address is no address, or the options hold what is not theirs.
        MissingExtraError: the package openai is not installed.

    """

    def __init__(
        self,
        settings: Think,
        *,
        tools: Tools | None = None,
        key: str | None = None,
        persona: str = "",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._tools = tools or Tools()
        self._persona = settings.persona or persona
        self._connection = Connection(settings, key=key)
        self._breaker = Breaker(clock)
        self._apologies = 0

    async def answer(
        self, question: Question, history: Sequence[Turn], *, facts: Sequence[Fact] = ()
    ) -> AsyncGenerator[Piece]:
        """Yield the answer as it comes; closing the iterator closes the request.

        Args:
            question: what was asked.
            history: earlier turns, as far as they were heard.
            facts: that the answer is to rest on.

        """
        messages = messages_for(
            question,
            history,
            persona=self._persona,
            longest=self._settings.history,
            facts=facts,
        )
        text, said = Speakable(), False
        try:
            offer = question.offer or Offer()
            async with aclosing(self._guarded(messages, text, offer)) as stream:
                async for piece in stream:
                    if not said:
                        yield Source("model", id=self._connection.model)
                        said = True
                    yield Say(piece) if isinstance(piece, str) else piece
        except ModelFailure as failure:
            line, language = self._line(failure, question.language, said)
            yield Source("fallback", id=self._connection.model, reason=failure.reason, language=language)
            yield Say(text.break_off(line) if said else line)

    def _line(self, failure: ModelFailure, language: str, said: bool) -> tuple[str, str]:
        """Return what is said instead, and its language."""
        self._apologies += 1
        kind: LineKind = "cut" if said else "slow" if failure.kind == "slow" else "trouble"
        spoken = served(language)
        same = spoken == language.partition("-")[0].lower()
        return _REGRET + fallback(language, kind, nth=self._apologies - 1), language if same else spoken

    async def _guarded(
        self, messages: list[Message], text: Speakable, offer: Offer
    ) -> AsyncGenerator[str | Call]:
        """Yield speakable text, at last calls of what is offered; who keeps failing is not asked."""
        wait_s = self._breaker.wait_s()
        if wait_s:
            address = self._connection.address
            raise ModelFailure("unreachable", f"{address} keeps failing; it is tried again in {wait_s:.0f} s")
        told = False
        try:
            async with aclosing(self._rounds(messages, text, offer)) as stream:
                async for piece in stream:
                    if not told:
                        self._breaker.worked()
                        told = True
                    yield piece
            told = True
        except ModelFailure as failure:
            if failure.server_at_fault:
                self._breaker.failed()
            elif not told:
                self._breaker.worked()
            told = True
            raise
        finally:
            if not told:
                self._breaker.dropped()

    async def _rounds(
        self, messages: list[Message], text: Speakable, offer: Offer
    ) -> AsyncGenerator[str | Call]:
        """Yield speakable text over as many requests as the calls of tools make.

        Calls of what is offered are the end; calls of the own tools beside them are left out.
        """
        theirs: tuple[Call, ...] = ()
        for turn in range(ROUNDS + 1):
            calls: tuple[Call, ...] = ()
            start = text.length
            words = ""
            tools = self._all(offer, own=turn < ROUNDS)
            choice = offer.choice if not turn and offer.choice != "none" else "auto"
            request = self._connection.stream(messages, tools=tools, choice=choice)
            async with aclosing(self._timed(request, text)) as stream:
                async for item in stream:
                    if isinstance(item, tuple):
                        calls = item
                    elif ready := text.push(item):
                        yield ready
                    words += item if isinstance(item, str) and len(words) < _UNSPOKEN_LONGEST else ""
                    self._check_length(text, start)
            theirs = tuple(call for call in calls if any(call.name == tool.name for tool in offer.tools))
            if theirs or not calls or turn == ROUNDS:
                break
            if text.begun and (gap := text.push(" ")):
                yield gap
            messages.extend(await self._called(words, calls))
        left = text.finish()
        if not text.begun and not theirs:
            raise ModelFailure("empty", f"{self._connection.address} gave an answer without words")
        if left:
            yield left
        for call in theirs:
            yield call

    def _all(self, offer: Offer, *, own: bool) -> tuple[Tool, ...]:
        """Return what the model may call: what is offered, and the own tools of other names."""
        if offer.choice == "none":
            return ()
        taken = {tool.name for tool in offer.tools}
        ours = tuple(tool for tool in self._tools.described if tool.name not in taken) if own else ()
        return (*ours, *offer.tools)

    def _check_length(self, text: Speakable, start: int) -> None:
        """Stop a model that finds no end; the request's limit counts tokens, some four characters each."""
        longest = 12 * self._settings.max_tokens + 400 if text.begun else _UNSPOKEN_LONGEST
        if text.length - start > longest:
            raise ModelFailure("endless", f"the answer of {self._connection.address} found no end")

    async def _timed(
        self, stream: AsyncGenerator[str | tuple[Call, ...]], text: Speakable
    ) -> AsyncGenerator[str | tuple[Call, ...]]:
        """Pass a stream on; the first spoken word has ``first_s``, every further piece ``stall_s``."""
        loop = asyncio.get_running_loop()
        limit_s, length = self._settings.first_s, text.length
        deadline = loop.time() + limit_s
        async with aclosing(stream):
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        item = await anext(stream)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    what = "no word" if limit_s == self._settings.first_s else "no further word"
                    address = self._connection.address
                    raise ModelFailure("slow", f"{what} from {address} within {limit_s:g} s") from None
                yield item
                if text.begun and text.length > length and isinstance(item, str) and item.strip():
                    limit_s = self._settings.stall_s
                    deadline = loop.time() + limit_s

    async def _called(self, words: str, calls: Sequence[Call]) -> list[Message]:
        """Call tools, all at once; return the messages that tell the model of it."""
        results = await asyncio.gather(*(self._tools.call(call.name, call.arguments) for call in calls))
        done = [replace(call, result=result) for call, result in zip(calls, results, strict=True)]
        return called(words, done)

    async def complete(self, instruction: str, text: str, *, within_s: float | None = None) -> str:
        """Return the model's whole answer to one instruction, without history, persona or tools.

        Args:
            instruction: what is to be done.
            text: with what.
            within_s: how long that may take; None for ``first_s``.

        Raises:
            ModelFailure: there is no answer.

        """
        wait_s = self._breaker.wait_s()
        if wait_s:
            address = self._connection.address
            raise ModelFailure("unreachable", f"{address} keeps failing; it is tried again in {wait_s:.0f} s")
        told: list[Message] = [{"role": "system", "content": instruction}, {"role": "user", "content": text}]
        try:
            answer = await self._connection.complete(told, within_s=within_s or self._settings.first_s)
        except ModelFailure as failure:
            if failure.server_at_fault:
                self._breaker.failed()
            else:
                self._breaker.worked()
            raise
        except BaseException:
            self._breaker.dropped()
            raise
        self._breaker.worked()
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connection.aclose()
