"""What a script's words sound like: questions as a recogniser may have misheard them.

A recogniser writes what sounds alike ("又会" for "优惠", "toy lets" for "toilets"), and hasty fingers what
looks alike. Words that the script does not know are written here as the word of the script that they sound
like; Chinese needs pypinyin, which comes with the extra ``voices``, and is left alone without. As right
words sound like others too, what is found this way must fit nearly letter by letter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.util import find_spec

from rhapsode.dialogue.script.lexical import fold, sound

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_LATIN = re.compile(r"[a-z0-9']+")
_LONGEST, _SHORTEST = 4, 2  # characters of Chinese that are compared at once
_WORDS = 3  # of Latin script that may be one word misheard
_SHORTEST_WORD, _SHORTEST_CODE = 3, 2
_SOUNDS, _LOOKS, _LOOKS_LONG, _LONG = 0.6, 0.84, 0.8, 7  # least likeness of letters, and from which length
_BLURRED = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"))


class Mishearing:
    """The words of a script by their sound.

    Args:
        texts: of the script.
        common: of everyday speech, whose words are taken as they are.

    """

    def __init__(self, texts: Sequence[str], common: Sequence[str] = ()) -> None:
        self._spans: dict[tuple[str, ...], Counter[str]] = {}
        self._written: set[str] = set()
        if find_spec("pypinyin") is not None:
            for text in texts:
                self._learn(text)
        words = Counter(word for text in texts for word in _LATIN.findall(fold(text)))
        self._words = {word for word in words if len(word) >= _SHORTEST_WORD and word.isalpha()}
        self._codes: dict[str, list[str]] = {}
        for word in sorted(self._words):
            self._codes.setdefault(sound(word), []).append(word)
        self._known = set(words) | {word for text in common for word in _LATIN.findall(fold(text))}

    def meant(self, question: str) -> str:
        """Return ``question`` with what the script does not know written as what it sounds like."""
        if self._spans and _HAN.search(question):
            return _HAN.sub(lambda run: self._characters(run[0]), question)
        return self._latin(question) if self._words else question

    def _learn(self, text: str) -> None:
        for run in _HAN.findall(text):
            syllables = _syllables(run)
            for start, end in _windows(len(run)):
                self._written.add(run[start:end])
                self._spans.setdefault(syllables[start:end], Counter())[run[start:end]] += 1

    def _characters(self, run: str) -> str:
        syllables = _syllables(run)
        taken: set[int] = set()
        meant = list(run)
        for start, end in _windows(len(run)):
            own = run[start:end]
            alike = self._spans.get(syllables[start:end])
            if alike is None or own in self._written or taken & set(range(start, end)):
                continue
            meant[start:end] = alike.most_common(1)[0][0]
            taken |= set(range(start, end))
        return "".join(meant)

    def _latin(self, question: str) -> str:
        words = _LATIN.findall(fold(question))
        found = []
        for length in range(_WORDS, 0, -1):
            for start in range(len(words) - length + 1):
                part = words[start : start + length]
                if any(word.isalpha() and word not in self._known for word in part):
                    found += [(like, start, length, word) for like, word in self._alike(part)]
        taken: set[int] = set()
        for _, start, length, word in sorted(found, key=lambda one: (-one[0], one[1])):
            if not taken & set(range(start, start + length)):
                words[start : start + length] = [word, *[""] * (length - 1)]
                taken |= set(range(start, start + length))
        return " ".join(filter(None, words)) if taken else question

    def _alike(self, part: Sequence[str]) -> Iterator[tuple[float, str]]:
        """Yield words of the script that ``part`` may be, with the likeness of their letters."""
        whole = "".join(part)
        code = sound(whole)
        for word in self._codes.get(code, ()) if len(code) >= _SHORTEST_CODE else ():
            if (like := _likeness(whole, word)) >= _SOUNDS:
                yield like, word
        if len(part) > 1 or len(whole) < 5:
            return
        least = _LOOKS_LONG if len(whole) >= _LONG else _LOOKS
        for word in self._words:
            near = word[0] == whole[0] and abs(len(word) - len(whole)) <= 2
            if near and (like := _likeness(whole, word)) >= least:
                yield like, word


def _windows(length: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the pieces of a run of characters, the longest first."""
    for size in range(min(_LONGEST, length), _SHORTEST - 1, -1):
        for start in range(length - size + 1):
            yield start, start + size


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


@lru_cache(maxsize=2048)
def _syllables(run: str) -> tuple[str, ...]:
    """Return the sound of each character, without tones and what dialects do not tell apart."""
    from pypinyin import lazy_pinyin

    return tuple(map(_blurred, lazy_pinyin(run)))


@lru_cache(maxsize=1024)
def _blurred(syllable: str) -> str:
    for sharp, blurred in _BLURRED:
        syllable = syllable.replace(sharp, blurred)
    return syllable
