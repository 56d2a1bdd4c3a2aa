"""A thinker of some languages that serves listeners of any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace

from rhapsode.dialogue.both import closing, greeting
from rhapsode.dialogue.translate import Translations, same_language
from rhapsode.dialogue.turns import Piece, Question, Say, Show, Source, Suggest, Thinker, Turn


class TranslatedThinker:
    """Translates what another thinker says to the listener's language, if need be the question to its own.

    Where a translation fails, the text stays as it is, and the source tells its language.

    Args:
        thinker: asked first with the question as it is: its search may know more languages than it speaks.
        translations: of marked text.
        languages: returns the BCP 47 tags that the thinker answers in.

    """

    def __init__(
        self, thinker: Thinker, translations: Translations, languages: Callable[[], Sequence[str]]
    ) -> None:
        self._thinker, self._translations, self._languages = thinker, translations, languages

    async def answer(self, question: Question, history: Sequence[Turn]) -> AsyncGenerator[Piece]:
        """Yield the answer in the question's language."""
        known = tuple(self._languages())
        foreign = bool(known) and not any(same_language(question.language, tag) for tag in known)
        async with closing(self._thinker.answer(question, history)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Source):
                    if foreign and piece.kind != "script":
                        other = await self._question(question, known[0])
                        if other is not None:
                            break
                    async for told in self._told(piece, pieces, question.language, question.language):
                        yield told
                    return
                yield piece
            else:
                return
        async with closing(self._thinker.answer(other, history)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Source):
                    async for told in self._told(piece, pieces, other.language, question.language):
                        yield told
                    return
                yield piece

    def greet(self, language: str = "") -> Sequence[Piece]:
        """Return what the thinker says on first contact, in a language of its own."""
        return greeting(self._thinker, language)

    async def _question(self, question: Question, target: str) -> Question | None:
        told = await self._translations.translate(question.text, source=question.language, target=target)
        return None if told is None else replace(question, text=told, language=target)

    async def _told(
        self, source: Source, pieces: AsyncIterator[Piece], asked: str, wanted: str
    ) -> AsyncGenerator[Piece]:
        """Yield an answer in language ``wanted``, translated as a whole if it is in another one."""
        spoken = source.language or asked
        if same_language(spoken, wanted):
            yield replace(source, language="")
            async for piece in pieces:
                yield piece
            return
        rest = [piece async for piece in pieces]
        text = "".join(piece.text for piece in rest if isinstance(piece, Say))
        told = await self._translations.translate(text, source=spoken, target=wanted)
        yield replace(source, language=spoken if told is None else "")
        if text:
            yield Say(text if told is None else told)
        for piece in rest:
            if isinstance(piece, Suggest):
                yield await self._suggested(piece, spoken, wanted)
            elif isinstance(piece, Show):
                title = await self._translations.translate(piece.title, source=spoken, target=wanted)
                yield piece if title is None else Show(title, piece.url)
            elif not isinstance(piece, Say):
                yield piece

    async def _suggested(self, piece: Suggest, spoken: str, wanted: str) -> Suggest:
        work = (self._translations.translate(text, source=spoken, target=wanted) for text in piece.questions)
        told = await asyncio.gather(*work)
        return Suggest(tuple(new or old for new, old in zip(told, piece.questions, strict=True)))
