"""The sentences of a script that questions are compared with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rhapsode.dialogue.script.lexical import tokens
from rhapsode.dialogue.script.model import Entry, Script
from rhapsode.dialogue.script.speaking import bare, plain

EVERY = -1
"""Owner of a row that stands for all entries."""

_SENTENCE = re.compile(r"[^.?!。？！；;]+[.?!。？！；;]*")
_LEAST_TOKENS = 6  # of a sentence that may stand for the whole: two words, four characters


@dataclass(frozen=True)
class Row:
    """A sentence of a script.

    Args:
        owner: number of its entry, or `EVERY`.
        tag: its language.
        text: the sentence.

    """

    owner: int
    tag: str
    text: str


def variants(script: Script) -> list[Row]:
    """Return the ways of asking, and the examples of intents that entries answer."""
    rows = []
    for number, entry in enumerate(script.all_entries()):
        for texts in (entry.questions, script.intents.get(entry.intent, {})):
            rows += [Row(number, tag, text) for tag, lines in texts.items() for text in lines]
    return rows


def answers(entries: Sequence[Entry]) -> list[Row]:
    """Return the first answer of each entry in each language, as it is spoken."""
    first = (
        (i, tag, lines[0]) for i, entry in enumerate(entries) for tag, lines in entry.answers.items() if lines
    )
    return [Row(i, tag, plain(text)) for i, tag, text in first]


def refusals(script: Script) -> list[Row]:
    """Return what is not answered: by one entry, or by any."""
    owned = [(EVERY, script.unlike), *((i, entry.unlike) for i, entry in enumerate(script.all_entries()))]
    return [Row(i, tag, text) for i, texts in owned for tag, lines in texts.items() for text in lines]


def spelt(entries: Sequence[Entry]) -> dict[str, list[tuple[int, str]]]:
    """Return variants and keywords, bare, with numbers of the entries that they stand for."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, entry in enumerate(entries):
        for texts in (*entry.keywords.values(), *entry.questions.values()):
            for text in texts:
                found.setdefault(bare(text), []).append((number, text))
    found.pop("", None)
    return found


def parts(asked: str) -> list[str]:
    """Return what is looked for: the whole, and the last sentence where there are several."""
    sentences = [part for part in _SENTENCE.findall(asked) if bare(part)]
    last = sentences[-1].strip() if len(sentences) > 1 else ""
    return [asked, last] if len(tokens(last)) >= _LEAST_TOKENS else [asked]
