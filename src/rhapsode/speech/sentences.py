"""Text in sentences, also while it still streams in, so that a voice can begin before the text is complete.

chunker = Sentences()
for token in answer:
    for sentence in chunker.push(token): voice.stream(sentence)
for sentence in chunker.flush(): ...
"""

from __future__ import annotations

import re

LONGEST = 300
"""Characters without the end of a sentence after which a text is cut at a clause or between words."""

FIRST_CLAUSE = 5
"""Least weight of a first clause that is spoken on its own; a letter weighs 1/2, a Han character 1."""

_WIDE_END = "。！？｡।॥؟"
_CLOSING = "\"'”’»)]}）］】」』》〉"
_QUOTES = {"“": "”", "「": "」", "『": "』", "《": "》", "（": "）", "(": ")", "[": "]", "«": "»"}
_CLAUSE = ",;:，、；：—–"
_WIDE_CLAUSE = "，、；：—"
_ALWAYS_INSIDE = "mr mrs ms mx dr prof st sra srta dra mme mlle sig dott e.g i.e eg ie cf vs"
_OFTEN_LAST = (
    "sr jr etc no nos vol fig approx dept est inc ltd co corp gen col sgt capt lt rev hon gov sen rep pres "
    "mt ave blvd rd jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun a.m p.m u.s "
    "u.k u.n ph.d b.c a.d ud uds m avv ing dt exmo p pp ed eds al tel ext min max"
)
_NEVER_LAST = frozenset(_ALWAYS_INSIDE.split())
_ABBREVIATIONS = _NEVER_LAST | frozenset(_OFTEN_LAST.split())
_WORD_BEFORE = re.compile(r"[^\s(\[{\"'“‘«]+$")
_MARK_RUN = re.compile(rf"[.!?…{_WIDE_END}]+[{re.escape(_CLOSING)}]*")


class Sentences:
    """Cuts a text that comes piece by piece into sentences.

    What it returns, joined, is the text that it was given, but for marks and spaces that stand alone: each
    piece holds something to say. The first piece may be a clause, so that the first sound comes sooner.

    Args:
        first_clause: whether the first piece may be a clause.

    Example:
        >>> chunker = Sentences()
        >>> chunker.push("It is 3.1"), chunker.push("4, Dr. Wu. Right? Y"), chunker.flush()
        ([], ['It is 3.14, Dr. Wu. ', 'Right? '], ['Y'])

    """

    def __init__(self, *, first_clause: bool = True) -> None:
        self._text = ""
        self._early = first_clause

    def push(self, text: str) -> list[str]:
        """Take more text; return the sentences that are known to be complete."""
        self._text += text
        return self._take(last=False)

    def flush(self) -> list[str]:
        """Return what is left; the next text begins anew, without an early clause."""
        found = self._take(last=True)
        if _has_words(self._text):
            found.append(self._text)
        self._text, self._early = "", False
        return found

    def _take(self, *, last: bool) -> list[str]:
        found: list[str] = []
        self._text = self._text.lstrip()
        while (end := self._end(last=last)) is not None:
            piece, self._text = self._text[:end], self._text[end:]
            if _has_words(piece):
                found.append(piece)
                self._early = False
            elif found:
                found[-1] += piece
        return found

    def _end(self, *, last: bool) -> int | None:
        """Return where the first piece of the buffer ends, if that is known."""
        end = _sentence_end(self._text, last=last)
        if self._early:
            clause = _clause_end(self._text[:end])
            if clause is not None:
                return clause
        if end is None and len(self._text) > LONGEST:
            return _cut(self._text)
        if end is not None and end > LONGEST:
            return _cut(self._text[:end])
        return end


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a whole ``text``; joined, they are the text.

    >>> split_sentences("He paid $3.50, e.g. to Mr. Xi. “Really?” 是的。好！")
    ['He paid $3.50, e.g. to Mr. Xi. ', '“Really?” ', '是的。', '好！']
    """
    chunker = Sentences(first_clause=False)
    return chunker.push(text) + chunker.flush()


def _sentence_end(text: str, *, last: bool) -> int | None:
    """Return the end of the first sentence with the white space behind it; None where it is not known yet."""
    newline = text.find("\n", len(text) - len(text.lstrip()))
    for match in _MARK_RUN.finditer(text):
        if 0 <= newline < match.start():
            break
        end = match.end()
        wide = any(c in _WIDE_END for c in match[0])
        if wide and _open_quote(text[:end]) and not last:
            continue
        behind = text[end : end + 1]
        if not behind:
            return end if wide or last else None
        if not wide and not behind.isspace() and not _is_wide(behind):
            continue
        rest = text[end:].lstrip(" \t")
        if not wide and not rest and not last:
            return None
        if wide or _ends(text[: match.start()], match[0], rest):
            return len(text) - len(text[end:].lstrip())
    if newline >= 0:
        return len(text) - len(text[newline:].lstrip())
    return None


def _ends(before: str, mark: str, rest: str) -> bool:
    """Tell whether a Latin mark between ``before`` and ``rest`` ends a sentence."""
    following = rest.lstrip("\"'“‘«([¿¡")[:1]
    bare = mark.rstrip(_CLOSING)
    if bare[-1] in "!?":
        return not following.islower()
    if following.islower() or (bare != "." and following[:1] in ",;"):
        return False
    if bare != ".":
        return True
    found = _WORD_BEFORE.search(before)
    word = found[0] if found else ""
    plain = word.lower()
    if plain in _NEVER_LAST or (len(word) == 1 and word.isupper() and word != "I"):
        return False
    if plain.isdigit() and not before[: len(before) - len(word)].strip():
        return False
    return not (plain in _ABBREVIATIONS and not rest[:1].isupper())


def _clause_end(text: str) -> int | None:
    """Return the end of a first clause worth speaking on its own, if there is one."""
    weight = 0.0
    for k, c in enumerate(text[:-1]):
        weight += 1.0 if _is_wide(c) else 0.5 if c.isalnum() else 0.0
        if c in _CLAUSE and weight >= FIRST_CLAUSE and (c in _WIDE_CLAUSE or text[k + 1].isspace()):
            rest = text[k + 1 :]
            if _open_quote(text[: k + 1]):
                continue
            return len(text) - len(rest.lstrip(" "))
    return None


def _cut(text: str) -> int:
    """Return where a too long text is cut: behind a clause, else between words, else anywhere."""
    head = text[:LONGEST]
    clause = max(head.rfind(mark) for mark in _CLAUSE)
    space = head.rfind(" ")
    if clause > LONGEST // 3:
        end = clause + 1
    elif space > LONGEST // 3:
        end = space + 1
    else:
        return LONGEST
    return end + len(text[end:]) - len(text[end:].lstrip(" "))


def _open_quote(text: str) -> bool:
    return any(text.count(one) > text.count(other) for one, other in _QUOTES.items())


def _has_words(text: str) -> bool:
    return any(c.isalnum() for c in text)


def _is_wide(c: str) -> bool:
    return "\u2e80" <= c <= "\ud7ff" or "\uf900" <= c <= "\ufaff" or "\uff00" <= c <= "\uffef"
