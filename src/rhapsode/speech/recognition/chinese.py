"""Chinese in simplified characters.

Whisper writes Mandarin in traditional or simplified characters as its data had it, sentence by sentence. The
tokens that hold a traditional character are not allowed, so that it writes the simplified one: what it heard
is the same and the words keep their order. Rare characters are written as several tokens, none of which is
one: what comes through that way is converted by OpenCC.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

SIMPLIFIED = "以下是普通话的句子。"
"""Said to come before, so that Mandarin comes with punctuation and mostly in simplified characters."""

TRADITIONAL_TAGS = ("zh-hant", "zh-tw", "zh-hk", "zh-mo", "yue")
"""Beginnings of language tags, in lower case, whose writing is left as it is."""


def is_traditional(letter: str) -> bool:
    """Tell whether ``letter`` is a Chinese character that simplified writing does not have.

    That is, one of Big5 (Taiwan) that GB 2312 (mainland China) lacks.
    """
    return letter > "⺀" and not _in(letter, "gb2312") and _in(letter, "big5")


def traditional_tokens(count: int, decode: Callable[[list[int]], str]) -> tuple[int, ...]:
    """Return the tokens, of the first ``count``, whose text holds a traditional character."""
    return tuple(token for token in range(count) if any(is_traditional(c) for c in decode([token])))


def simplified(text: str) -> str:
    """Return ``text`` with its traditional characters written as simplified ones.

    Text without any, or with Japanese kana, stays as it is; so does all text where opencc (of the extra
    ``converse``) is not installed.
    """
    if not any(map(is_traditional, text)) or any("\u3040" <= letter <= "\u30ff" for letter in text):
        return text
    converter = _converter()
    return text if converter is None else str(converter.convert(text))


@lru_cache(maxsize=1)
def _converter() -> Any:
    try:
        from opencc import OpenCC  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        return None
    return OpenCC("t2s")


_MARKS = str.maketrans({",": "，", "?": "？", "!": "！", ";": "；", ":": "：", ".": "。"})


def punctuated(text: str) -> str:
    """Return ``text`` with full-width marks behind Chinese characters, and no spaces between those."""
    marked = re.sub(r"(?<=[\u2e80-\uffef])[,?!;:.]", lambda mark: mark[0].translate(_MARKS), text)
    return re.sub(r"(?<=[\u2e80-\uffef])\s+(?=[\u2e80-\uffef])", "", marked)


def _in(letter: str, encoding: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
