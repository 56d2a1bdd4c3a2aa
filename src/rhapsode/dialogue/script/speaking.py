"""How an answer of a script is spoken: its marks in front; and how texts are compared."""

from __future__ import annotations

import re
import unicodedata

from rhapsode.dialogue.marks import Spoken, read_marks, spoken


def with_marks(text: str, *, emotion: str, gesture: str) -> str:
    """Return ``text`` with marks of ``emotion`` ("joy:0.4") and ``gesture`` in front.

    A text that begins with a mark of its own keeps only that.
    """
    pieces = read_marks(text)
    if pieces and not isinstance(pieces[0], Spoken):
        return text
    feelings = re.sub(r"\s", "", emotion)
    marks = "".join(f"[{word}]" for word in (feelings, gesture) if word)
    return f"{marks} {text}" if marks else text


def plain(text: str) -> str:
    """Return what a voice says of ``text``."""
    return spoken(text)


def bare(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case: two that are equal were said alike."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())
