"""Mandarin text to symbols (misaki's alphabet), English words and letters within it included."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Container
from functools import cache
from typing import Any

from rhapsode.errors import MissingExtraError
from rhapsode.speech.lines import Line, Reading
from rhapsode.speech.reading.chinese_rules import RULES
from rhapsode.speech.reading.rules import Piece, expand

_HAN = "㐀-䶿一-鿿豈-﫿〇𠀀-𲎯"
_RUN = re.compile(
    rf"(?P<han>[{_HAN}]+)|(?P<latin>[A-Za-zÀ-ɏ]+(?:[.'’&@/_-]?[A-Za-zÀ-ɏ]+)*)|(?P<gap>\s+)|(?P<mark>.)", re.S
)
_LINK = re.compile(r"https?://[!-~]+|www\.[!-~]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_MARKS = {
    "，": ",", "、": ",", "。": ".", "．": ".", "！": "!", "？": "?", "：": ":", "；": ";", "…": "…",
    "—": "—", "～": ",", "（": "(", "）": ")", "(": "(", ")": ")", "“": "“", "”": "”", "《": "“",
    "》": "”", "「": "“", "」": "”", "『": "“", "』": "”", "【": "“", "】": "”", "·": "",
}  # fmt: skip
_OPENING = frozenset("(“")


class ChineseReader:
    """Reads Mandarin sentences; a written word is what jieba takes for one, or what a rule replaced.

    Args:
        vocabulary: the symbols that the voice knows; others are left out.
        english: reads the runs of Latin letters.

    """

    def __init__(self, vocabulary: Container[str], english: Callable[[str], Line]) -> None:
        self._vocabulary, self._english = vocabulary, english

    def read(self, sentence: str) -> Line:
        """Return the symbols of ``sentence``, word by word."""
        text = halved(sentence)
        page = _Page()
        for piece in _linked(text):
            if piece.said is None:
                self._plain(text[piece.begin : piece.end], page)
            else:
                page.begin_word(sentence[piece.begin : piece.end].strip())
                self._runs(piece.said, page, within=True)
        return page.line()

    def _plain(self, text: str, page: _Page) -> None:
        self._runs(text, page, within=False)

    def _runs(self, text: str, page: _Page, *, within: bool) -> None:
        for match in _RUN.finditer(text):
            if match["gap"]:
                page.gap()
            elif match["han"]:
                for word in _words(match["han"]):
                    page.say(self._known(_phones(word)), None if within else word)
            elif match["latin"]:
                line, last = self._letters(match["latin"]), -1
                for reading in line.readings:
                    again = within or reading.word == last
                    page.say(reading.symbols, None if again else line.written[reading.word])
                    last = reading.word
            else:
                page.mark(_MARKS.get(match["mark"], match["mark"]), match["mark"], self._vocabulary)

    def _letters(self, text: str) -> Line:
        """Return a run of Latin letters as English; what is spelled there gets its letters one by one."""
        if text == "A":
            return Line([Reading("ˈA", 0)], [text])
        line = self._english(text)
        symbols = line.symbols
        if len(text) > 1 and text.isupper() and symbols.count("ˈ") + symbols.count("ˌ") >= len(text):
            spelled = (self._letters(letter).symbols for letter in text)
            return Line([Reading(letter.replace("ˌ", "ˈ"), 0) for letter in spelled], [text])
        return line

    def _known(self, symbols: str) -> str:
        return "".join(c for c in symbols if c in self._vocabulary)


class _Page:
    """Gathers readings and written words."""

    def __init__(self) -> None:
        self._readings: list[Reading] = []
        self._written: list[str] = []
        self._opened = ("", "")
        self._gap = True

    def begin_word(self, written: str) -> None:
        """Let the readings that follow belong to a new written word."""
        self._written.append(self._opened[1] + written)
        self._opened = (self._opened[0], "")

    def say(self, symbols: str, written: str | None) -> None:
        """Add a reading, as a new written word or (None) as part of the last one."""
        if written is not None:
            self.begin_word(written)
        self._readings.append(Reading(self._opened[0] + symbols, max(len(self._written) - 1, 0)))
        self._opened = ("", "")
        self._gap = False

    def gap(self) -> None:
        """Note a space: what follows is not written together with what is before."""
        self._gap = True

    def mark(self, symbol: str, written: str, vocabulary: Container[str]) -> None:
        """Add punctuation: to the next word where it opens something, else to the last one."""
        symbol = symbol if symbol in vocabulary else ""
        if symbol in _OPENING or not self._readings:
            self._opened = (self._opened[0] + symbol * (symbol in _OPENING), self._opened[1] + written)
            return
        last = self._readings[-1]
        if not (symbol and last.symbols.endswith(symbol)):
            self._readings[-1] = last._replace(symbols=last.symbols + symbol)
        if not self._gap:
            self._written[-1] += written

    def line(self) -> Line:
        """Return all of it."""
        return Line(self._readings, self._written or [""])


def halved(text: str) -> str:
    """Return ``text`` with full-width letters, digits and signs as ASCII; its length stays the same.

    >>> halved("ＡＰＩ１２％，")
    'API12%，'
    """
    return "".join(
        chr(ord(c) - 0xFEE0) if "！" <= c <= "～" and c not in _MARKS and c != "～" else c for c in text
    ).replace("\u3000", " ")


def spoken(text: str) -> str:
    """Return what is said for ``text``: numbers, dates and signs as words.

    >>> spoken("我用 Python 3.11 写了 2 个 API。")
    '我用 Python三点一一 写了 两 个 API。'
    """
    plain = halved(text)
    return "".join(plain[p.begin : p.end] if p.said is None else p.said for p in _linked(plain))


def _linked(text: str) -> list[Piece]:
    """Return the pieces of ``text``; addresses are pieces that are read as English."""
    pieces: list[Piece] = []
    at = 0
    for match in [*_LINK.finditer(text), None]:
        begin, end = (match.start(), match.end()) if match else (len(text), len(text))
        pieces += [Piece(at + one.begin, at + one.end, one.said) for one in expand(text[at:begin], RULES)]
        if match:
            pieces.append(Piece(begin, end, _address(match[0])))
        at = end
    return pieces


def _address(text: str) -> str:
    said = re.sub(r"^https?://", "", text)
    said = re.sub(r"^www\.", "W W W.", said).rstrip("/.,")
    for sign, word in (
        (".", " dot "),
        ("@", " at "),
        ("/", " slash "),
        ("-", " dash "),
        ("_", " underscore "),
    ):
        said = said.replace(sign, word)
    return re.sub(r"\d", lambda m: f" {m[0]} ", said)


def _phones(word: str) -> str:
    found: str = _reader().word2ipa(word)
    return found.replace("\u032f", "")


def _words(text: str) -> list[str]:
    return [word for word in _jieba().lcut(text) if word]


@cache
def _reader() -> Any:
    try:
        from misaki.zh import ZHG2P
    except ImportError:
        raise MissingExtraError("the reader of Chinese text (misaki)", "voices") from None
    return ZHG2P


@cache
def _jieba() -> Any:
    _reader()
    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba
