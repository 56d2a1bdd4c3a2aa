"""What an answer to "did you mean A or B?" means, and whether a question goes on from the one before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from rhapsode.dialogue.script.answer_words import (
    ASKING_ON,
    BESIDE,
    CHARACTERS,
    NO,
    NTH,
    TAILS,
    WORDS,
    YES,
)
from rhapsode.dialogue.script.lexical import fold
from rhapsode.dialogue.script.model import Entry, Script
from rhapsode.dialogue.script.speaking import bare
from rhapsode.dialogue.turns import Turn

_UNSPACED = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]")
_APART = re.compile(r"[\s,.!?¿¡;:।、。，！？'’\"-]+")  # marks of Hindi's vowels are no letters for a regex
_BEHIND = 20  # letters of an offer after the last question
_LONGEST_REPLY = 8  # words or characters of a reply that names one of what was offered
_LEAST = 4  # letters of a Latin word that names something; characters of Chinese: 2


class Choice(NamedTuple):
    """What an answer to an offer means.

    Args:
        kind: "entry" for one of those that were offered, "no" for none of them.
        entry: which one; None for "no".

    """

    kind: Literal["entry", "no"]
    entry: Entry | None


def offered(script: Script, history: Sequence[Turn]) -> tuple[Entry, ...]:
    """Return the entries that the last turn of the assistant offered, in the order in which it named them."""
    said = next((bare(turn.text) for turn in reversed(history) if turn.role == "assistant"), "")
    found: list[tuple[int, int, Entry]] = []
    for entry in script.entries:
        asked = {bare(lines[0]) for lines in entry.questions.values() if lines}
        places = [(said.find(one), len(one)) for one in asked if one and one in said]
        if places:
            at, length = max(places, key=lambda place: place[1])
            found.append((at, length, entry))
    if not found or max(at + length for at, length, _ in found) < len(said) - _BEHIND:
        return ()  # an offer ends with the last of its questions, or soon after
    return tuple(entry for _, _, entry in sorted(found, key=lambda one: one[:2]))


def chosen(text: str, options: Sequence[Entry], language: str) -> Choice | None:
    """Return what ``text`` chooses among ``options``; None where it is another question.

    "Yes" is the first, which fits best. A word that only one of the options has names it.
    """
    if not options or not bare(text):
        return None
    pointed = _pointed(text, language, len(options))
    if pointed is None:
        return _named(text, options)
    return Choice("no", None) if pointed < 0 else Choice("entry", options[pointed])


def points(text: str, language: str) -> bool:
    """Tell whether ``text`` only points at what was offered ("the second one", "no"), whatever that was."""
    return bool(bare(text)) and _pointed(text, language, 3) is not None


def _pointed(text: str, language: str, count: int) -> int | None:
    """Return which of ``count`` is meant, -1 for none of them; None where the text says more than that."""
    base = language.partition("-")[0].lower()
    for tag in dict.fromkeys((base, *YES)):
        if bare(text) in _bare(YES, tag):
            return 0
        if bare(text) in _bare(NO, tag):
            return -1
    numbers = (_nth(text, tag, count) for tag in dict.fromkeys((base, *NTH)))
    return next((number for number in numbers if number is not None), None)


def _nth(text: str, tag: str, count: int) -> int | None:
    """Return which one of ``count`` is meant by its number, where the text says nothing else."""
    if tag not in NTH:
        return None
    for position, words in ((0, NTH[tag][0]), (1, NTH[tag][1]), (2, NTH[tag][2]), (count - 1, NTH[tag][3])):
        for word in words.split("|"):
            rest = _without(fold(text), fold(word))
            if rest is not None and position < count and not _tells(rest, tag):
                return position
    return None


def _without(text: str, word: str) -> str | None:
    """Return ``text`` without ``word``; None where that is not a word of it."""
    if _UNSPACED.search(word):
        return text.replace(word, " ", 1) if word in text else None
    words, part = _words(text), _words(word)
    for start in range(len(words) - len(part) + 1):
        if words[start : start + len(part)] == part:
            return " ".join(words[:start] + words[start + len(part) :])
    return None


def _words(text: str) -> list[str]:
    return [word for word in _APART.split(fold(text)) if word]


def _tells(text: str, tag: str) -> bool:
    """Tell whether ``text`` holds more than words that may stand beside a number."""
    beside = {part for word in BESIDE.get(tag, "").split("|") for part in _words(word)}
    if _UNSPACED.search(text):
        for word in sorted(beside, key=len, reverse=True):
            text = text.replace(word, "")
        return bool(bare(text))
    return any(word not in beside for word in _words(text))


def _named(text: str, options: Sequence[Entry]) -> Choice | None:
    words = _names(text)
    if not words or len(_words(text)) > _LONGEST_REPLY or len(bare(text)) > 8 * _LONGEST_REPLY:
        return None
    held = [frozenset().union(*(_names(line) for line in _ways(entry))) for entry in options]
    by = [sum(word in own and sum(word in one for one in held) == 1 for word in words) for own in held]
    if sum(map(bool, by)) != 1 or sum(bool(count) for count in by) == 0:
        return None
    known = sum(any(word in own for own in held) for word in words)
    return Choice("entry", options[by.index(max(by))]) if 2 * known >= len(words) else None


def _ways(entry: Entry) -> list[str]:
    return [line for texts in (entry.questions, entry.keywords) for lines in texts.values() for line in lines]


def _names(text: str) -> frozenset[str]:
    """Return what a text may be known by: longer words, pairs of characters."""
    found: set[str] = set()
    for word in _words(text):
        if _UNSPACED.search(word):
            found.update(word[i : i + 2] for i in range(len(word) - 1))
        elif len(word) >= _LEAST and word not in _fillers():
            found.add(word.removesuffix("s"))
    return frozenset(found)


@lru_cache(maxsize=1)
def _fillers() -> frozenset[str]:
    return frozenset(part for words in BESIDE.values() for part in _words(words.replace("|", " ")))


@lru_cache(maxsize=64)
def _bare_words(words: str) -> frozenset[str]:
    return frozenset(map(bare, words.split("|")))


def _bare(table: Mapping[str, str], tag: str) -> frozenset[str]:
    return _bare_words(table[tag]) if tag in table else frozenset()


def asks_on(text: str, language: str) -> str:
    """Return what a question adds to the one before, "on sundays" of "And on Sundays?"; "" if whole."""
    base = language.partition("-")[0].lower()
    for tag in dict.fromkeys((base, "en", "zh")):
        rest = _beyond(fold(text).strip(" ?？!！.。,，"), tag)
        if rest:
            size = len(bare(rest)) if _UNSPACED.search(rest) else len(_words(rest))
            return rest if size <= (CHARACTERS if _UNSPACED.search(rest) else WORDS) else ""
    return ""


def _beyond(text: str, tag: str) -> str:
    """Return ``text`` without the beginning and end by which it asks on; "" where it has neither."""
    rest = text
    for word in sorted(ASKING_ON.get(tag, "").split("|"), key=len, reverse=True):
        first = fold(word)
        if first and (rest.startswith(first) if _UNSPACED.search(first) else re.match(rf"{first}\b", rest)):
            rest = rest[len(first) :].strip(" ,，")
            break
    for tail in sorted(filter(None, TAILS.get(tag, "").split("|")), key=len, reverse=True):
        if rest.endswith(tail):
            rest = rest.removesuffix(tail)
            break
    return rest if rest != text else ""


def before(history: Sequence[Turn], question: str) -> str:
    """Return the last whole question of the person before ``question``; "" where there was none."""
    for turn in reversed(history[-8:]):
        if (
            turn.role == "user"
            and bare(turn.text) != bare(question)
            and not asks_on(turn.text, turn.language)
        ):
            return turn.text
    return ""
