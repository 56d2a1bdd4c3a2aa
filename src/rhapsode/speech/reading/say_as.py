"""What SSML's say-as asks for, as text that the readers read so."""

from __future__ import annotations

import re

KINDS = (
    *("characters", "spell-out", "verbatim", "digits", "telephone"),
    *("number", "cardinal", "ordinal", "date", "time"),
)
"""Values of ``interpret-as`` that are known."""


def said_as(text: str, kind: str, form: str, language: str) -> str:
    """Return ``text`` such that it is read as ``kind``, one of `KINDS`.

    Args:
        text: what stands in the element.
        kind: how it is meant.
        form: the ``format`` attribute: the order of "y", "m" and "d" in a date.
        language: BCP 47 tag of the text; empty is told by its script.

    >>> said_as("abc1", "characters", "", ""), said_as("5/3/2024", "date", "dmy", "")
    ('A B C 1', '2024-03-05')
    """
    if kind in ("characters", "spell-out", "verbatim"):
        return " ".join(c.upper() for c in text if not c.isspace())
    if kind in ("digits", "telephone"):
        return re.sub(r"(?<=\d)(?=\d)", " ", text)
    if kind == "date":
        return _date(text, form or "ymd")
    if kind == "ordinal" and text.isdecimal():
        return f"第{text}" if language.startswith("zh") else text + _suffix(int(text))
    return text


def _date(text: str, form: str) -> str:
    parts = re.findall(r"\d+", text)
    order = [c for c in form.lower() if c in "ymd"]
    if len(parts) != 3 or sorted(order) != ["d", "m", "y"]:
        return text
    named = dict(zip(order, parts, strict=True))
    if len(parts[0]) == 4 and order[0] != "y":
        named = dict(zip("ymd", parts, strict=True))
    year = named["y"] if len(named["y"]) == 4 else f"20{named['y'].zfill(2)}"
    return f"{year}-{int(named['m']):02d}-{int(named['d']):02d}"


def _suffix(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
