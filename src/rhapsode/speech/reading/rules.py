"""Written forms replaced by what is said, with their places in the text kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]
"""A pattern and what is said for a match; None leaves the match to later rules."""


class Piece(NamedTuple):
    """A stretch ``text[begin:end]`` and what is said for it; None says it as written."""

    begin: int
    end: int
    said: str | None


def expand(text: str, rules: Sequence[Rule]) -> list[Piece]:
    r"""Return ``text`` in consecutive pieces, replaced where a rule applies; earlier rules go first.

    A group called ``it`` in a pattern marks what is replaced; without it that is the whole match.

    >>> expand("at 5%", [(re.compile(r"(\d+)%"), lambda m: m[1] + " percent")])
    [Piece(begin=0, end=3, said=None), Piece(begin=3, end=5, said='5 percent')]
    """
    taken: list[Piece] = []
    for pattern, say in rules:
        for match in pattern.finditer(text):
            begin, end = match.span("it") if "it" in pattern.groupindex else match.span()
            if begin == end or any(begin < one.end and one.begin < end for one in taken):
                continue
            said = say(match)
            if said is not None:
                taken.append(Piece(begin, end, said))
    pieces, at = [], 0
    for one in sorted(taken):
        if one.begin > at:
            pieces.append(Piece(at, one.begin, None))
        pieces.append(one)
        at = one.end
    if at < len(text):
        pieces.append(Piece(at, len(text), None))
    return pieces
