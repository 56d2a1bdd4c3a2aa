"""The thinker that answers from a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from rhapsode.dialogue.script.index import Hit, Index
from rhapsode.dialogue.script.library import ScriptLibrary
from rhapsode.dialogue.script.model import Entry, Script, match_language
from rhapsode.dialogue.script.speaking import bare, plain
from rhapsode.dialogue.script.wording import DID_YOU_MEAN, FALLBACKS, GREETINGS, YES, listed
from rhapsode.dialogue.turns import Piece, Question, Say, Show, Source, Suggest, Turn

Texts = Mapping[str, Sequence[str]]

_OFFERED = 3
_NEAR = 0.3  # share of the threshold from which an entry is offered as "did you mean"
_REMEMBERED = 8  # assistant turns back in which the topic may lie
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
        hits = await asyncio.to_thread(self._search, index, question, history, 4)
        threshold = self.library.threshold if self._threshold is None else self._threshold
        if hits and (hits[0].exact or hits[0].score >= threshold):
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

    def _search(self, index: Index, question: Question, history: Sequence[Turn], count: int) -> list[Hit]:
        if (meant := _agreed(index.script, question, history)) is not None:
            return [Hit(meant, 1.0, question.text, True)]
        context = talked_about(index.script, history)
        hits = index.search(question.text, language=question.language, context=context, count=count)
        return [hit for hit in hits if any(hit.entry.answers.values())]

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


def _agreed(script: Script, question: Question, history: Sequence[Turn]) -> Entry | None:
    """Return the entry that a "yes" means: the only one that was offered just before."""
    said = next((bare(turn.text) for turn in reversed(history) if turn.role == "assistant"), "")
    if bare(question.text) not in YES or not said:
        return None
    offered = [
        entry
        for entry in script.entries
        if any(lines and said.endswith(bare(lines[0])) for lines in entry.questions.values())
    ]
    return offered[0] if len(offered) == 1 else None


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
