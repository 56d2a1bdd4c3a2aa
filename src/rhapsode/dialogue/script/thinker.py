"""The thinker that answers from a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from random import Random
from typing import NamedTuple

from rhapsode.dialogue.script.answer_words import ANOTHER
from rhapsode.dialogue.script.choosing import Choice, asks_on, before, chosen, offered, points
from rhapsode.dialogue.script.index import Hit, Index
from rhapsode.dialogue.script.library import ScriptLibrary
from rhapsode.dialogue.script.model import Entry, Script, match_language
from rhapsode.dialogue.script.speaking import bare, plain
from rhapsode.dialogue.script.wording import DID_YOU_MEAN, FALLBACKS, GREETINGS, listed
from rhapsode.dialogue.turns import Piece, Question, Say, Show, Source, Suggest, Turn

Texts = Mapping[str, Sequence[str]]

_OFFERED = 3
_NEAR = 0.3  # share of the threshold from which an entry is offered as "did you mean"
_REMEMBERED = 8  # assistant turns back in which the topic may lie
_JOINED = 8  # entries among which a question that goes on is looked for
_ENDS = " ?？!！.。"
_HEARD = 6  # letters of an interrupted answer by which it is known


class Near(NamedTuple):
    """An entry near a question, as a fact for a language model.

    Args:
        id: of the entry.
        question: the first way of asking for it.
        answer: its first answer, without marks.
        score: how well it fits, in [0, 1].

    """

    id: str
    question: str
    answer: str
    score: float


class ScriptThinker:
    """Answers from a script; what a conversation was about is read from its history, so nothing leaks.

    Args:
        library: the script.
        threshold: how well an entry must fit, in [0, 1]; None for the script's own.
        seed: of the choice among answers.

    """

    def __init__(
        self, library: ScriptLibrary, *, threshold: float | None = None, seed: int | None = None
    ) -> None:
        self.library = library
        self._threshold = threshold
        self._random = Random(seed)

    async def answer(self, question: Question, history: Sequence[Turn] = ()) -> AsyncIterator[Piece]:
        """Yield the answer of the entry that fits, or a fallback that offers what nearly fits."""
        index = self.library.index
        choice = chosen(question.text, offered(index.script, history), question.language)
        hits = await asyncio.to_thread(self._search, index, question, history, 4, choice)
        threshold = self._least
        if choice is not None and choice.kind == "no" and not hits:
            pieces = self._refused(index.script, question, history)
        elif hits and (hits[0].exact or hits[0].score >= threshold):
            pieces = self._found(index.script, hits[0], question, history)
        else:
            near = [hit for hit in hits if hit.score >= threshold * _NEAR]
            pieces = self._missed(index.script, near, hits, question, history)
        for piece in pieces:
            yield piece

    def greet(self, language: str = "") -> tuple[Piece, ...]:
        """Return what is said on first contact."""
        script = self.library.script
        tag, text = self._said(script.greetings, GREETINGS, language, script, ())
        return Source("script", id="greeting", score=1.0, language=_differs(tag, language)), Say(text)

    def nearest(self, question: Question | str, k: int = 4, history: Sequence[Turn] = ()) -> list[Near]:
        """Return the ``k`` entries nearest to a question, best first; about 20 ms."""
        asked = Question(question, language="") if isinstance(question, str) else question
        index = self.library.index
        near = []
        for hit in self._search(index, asked, history, k):
            tag = _speakable(hit.entry.answers, asked.language, index.script)
            asking = hit.entry.questions.get(tag, (hit.variant,))[0]
            near.append(Near(hit.entry.id, asking, plain(hit.entry.answers[tag][0]), hit.score))
        return near

    @property
    def _least(self) -> float:
        return self.library.threshold if self._threshold is None else self._threshold

    def _search(
        self,
        index: Index,
        question: Question,
        history: Sequence[Turn],
        count: int,
        choice: Choice | None = None,
    ) -> list[Hit]:
        context = talked_about(index.script, history)
        language = question.language
        if choice is not None and choice.entry is not None:
            return [Hit(choice.entry, 1.0, question.text, True)]
        hits = index.search(question.text, language=language, context=context, count=count)
        if choice is not None or points(question.text, language):  # unless the script itself answers that
            return [hit for hit in hits[:1] if hit.exact]
        hits = [hit for hit in hits if any(hit.entry.answers.values())]
        if hits and hits[0].exact:
            return hits
        return self._going_on(index, question, history, context)[:count] or hits

    def _going_on(
        self, index: Index, question: Question, history: Sequence[Turn], context: Collection[str]
    ) -> list[Hit]:
        """Return what fits a question that goes on from the one before; [] where it is whole or nothing does.

        "And for students?" after "How much is a ticket?" means what fits both "how much is a ticket for
        students" and "students": the geometric mean of the two scores.
        """
        added = asks_on(question.text, question.language)
        asked = before(history, question.text) if added else ""
        if not asked:
            return []

        def found(text: str, count: int) -> list[Hit]:
            return index.search(text, language=question.language, context=context, count=count, spelt=False)

        alone = {hit.entry.id: hit.score for hit in found(added, len(index.entries))}
        hits = [
            hit._replace(score=(hit.score * alone.get(hit.entry.id, 0.0)) ** 0.5)
            for hit in found(f"{asked.rstrip(_ENDS)} {added}", _JOINED)
            if any(hit.entry.answers.values())
        ]
        hits.sort(key=lambda hit: -hit.score)
        return hits if hits and hits[0].score >= self._least else []

    def _found(self, script: Script, hit: Hit, question: Question, history: Sequence[Turn]) -> list[Piece]:
        entry = hit.entry
        tag = _speakable(entry.answers, question.language, script)
        text = self._fresh(entry.answers[tag], history)
        pieces: list[Piece] = [
            Source("script", id=entry.id, score=hit.score, language=_differs(tag, question.language))
        ]
        for link in entry.links:
            title = link.title.get(
                match_language(tag, tuple(link.title)) or next(iter(link.title), ""), link.url
            )
            pieces.append(Show(title, link.url))
        pieces.append(Say(entry.marked(text)))
        by_id = script.by_id()
        offered = [by_id[name] for name in entry.suggestions if name in by_id]
        if questions := _asked(offered, tag):
            pieces.append(Suggest(questions))
        return pieces

    def _missed(
        self,
        script: Script,
        near: Sequence[Hit],
        hits: Sequence[Hit],
        question: Question,
        history: Sequence[Turn],
    ) -> list[Piece]:
        best = f"best is {hits[0].entry.id!r} at {hits[0].score:.2f}" if hits else "nothing was asked"
        score = hits[0].score if hits else None
        topics = [hit.entry for hit in near if hit.entry in script.entries]
        tag = _speakable(script.fallbacks or FALLBACKS, question.language, script)
        if questions := _asked(topics, tag):
            tag, text = self._said(script.did_you_mean, DID_YOU_MEAN, question.language, script, history)
            text = text.replace("{questions}", listed(questions, tag))
        else:
            tag, text = self._said(script.fallbacks, FALLBACKS, question.language, script, history)
        source = Source(
            "fallback",
            score=score,
            reason=f"nothing in the script fits: {best}",
            language=_differs(tag, question.language),
        )
        return [source, Say(text), *([Suggest(questions)] if questions else [])]

    def _refused(self, script: Script, question: Question, history: Sequence[Turn]) -> list[Piece]:
        """Return what is said to somebody who meant none of what was offered."""
        tag, text = self._said({}, ANOTHER, question.language, script, history)
        reason = "none of what was offered is meant"
        return [Source("fallback", reason=reason, language=_differs(tag, question.language)), Say(text)]

    def _said(
        self, own: Texts, usual: Texts, language: str, script: Script, history: Sequence[Turn]
    ) -> tuple[str, str]:
        """Return language and text of one of the script's own sentences, or of the product's.

        The product's stand in where the script has none at all.
        """
        texts = own if any(own.values()) else usual
        tag = _speakable(texts, language, script)
        return tag, self._fresh(texts[tag], history)

    def _fresh(self, texts: Sequence[str], history: Sequence[Turn]) -> str:
        """Return one of ``texts``: not yet said if there is one, else what was said longest ago."""
        last = {
            text: max((i for i, turn in enumerate(history) if _is(turn, text)), default=-1) for text in texts
        }
        oldest = min(last.values())
        return self._random.choice([text for text, when in last.items() if when == oldest])


def _is(turn: Turn, text: str) -> bool:
    """Tell whether ``turn`` is ``text`` being said, perhaps not to its end."""
    if turn.role != "assistant":
        return False
    heard, whole = bare(turn.text), bare(plain(text))
    return heard == whole or (turn.interrupted and len(heard) >= _HEARD and whole.startswith(heard))


def talked_about(script: Script, history: Sequence[Turn]) -> frozenset[str]:
    """Return the ids of the entries that the talk is about.

    That is the entry that was answered last, and, while the talk follows one entry with those that come
    ``after`` it, all of them. Small talk and fallbacks in between change nothing.
    """
    topics: set[str] = set()
    turns = [turn for turn in history if turn.role == "assistant"][-_REMEMBERED:]
    for turn in reversed(turns):
        found = [
            entry
            for entry in script.entries
            if any(_is(turn, t) for ts in entry.answers.values() for t in ts)
        ]
        topics.update(entry.id for entry in found)
        if any(not entry.after for entry in found):
            break
    return frozenset(topics)


def _speakable(texts: Texts, language: str, script: Script) -> str:
    """Return the language of ``texts`` to speak: the listener's, else the script's first, else any."""
    known = tuple(tag for tag, lines in texts.items() if lines)
    return (
        next(filter(None, (match_language(tag, known) for tag in (language, *script.languages))), "")
        or known[0]
    )


def _asked(entries: Sequence[Entry], tag: str) -> tuple[str, ...]:
    """Return how up to three entries are asked for, in ``tag`` where they can be."""
    questions = []
    for entry in entries:
        own = match_language(tag, tuple(entry.questions)) or next(iter(entry.questions), "")
        if own and entry.questions[own]:
            questions.append(entry.questions[own][0])
    return tuple(dict.fromkeys(questions))[:_OFFERED]


def _differs(tag: str, language: str) -> str:
    """Return ``tag`` where it is another language than the question's, else ""."""
    return "" if match_language(language, (tag,)) else tag
