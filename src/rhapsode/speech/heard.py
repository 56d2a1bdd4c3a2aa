"""Spoken words found in the text again: how much of it has been heard."""

from __future__ import annotations

from collections.abc import Iterable

from rhapsode.performance import Span

_CLOSING = "\"'”’»)]}）］】」』》〉.!?…。！？,;:，、；：—"


def heard(text: str, words: Iterable[Span], until_s: float) -> str:
    """Return the beginning of ``text`` that has been heard at ``until_s``.

    A word counts once half of it has sounded. Works for texts without spaces.

    Args:
        text: what was spoken.
        words: as the voice gave them, in order.
        until_s: on the clock of ``words``.

    >>> spans = [Span("今天", 0.0, 0.4), Span("3.5%，", 0.4, 1.6), Span("好。", 1.6, 2.0)]
    >>> heard("今天 3.5%，好。", spans, 1.1)
    '今天 3.5%，'
    """
    return text[: spoken_to(text, (w for w in words if (w.start_s + w.end_s) / 2 <= until_s))]


def spoken_to(text: str, words: Iterable[Span]) -> int:
    """Return the end in ``text`` of the last of ``words``, which begin with its first word; 0 for none.

    Words that are not found, such as those that SSML replaced, are passed over.
    """
    at = 0
    for word in words:
        begin = text.find(word.text, at)
        if begin < 0:
            bare = word.text.strip(_CLOSING + "“‘（(「『《")
            begin = text.find(bare, at) if bare else -1
            if begin < 0:
                continue
            at = begin + len(bare)
        else:
            at = begin + len(word.text)
        while at < len(text) and text[at] in _CLOSING:
            at += 1
    return at
