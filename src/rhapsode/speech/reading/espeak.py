"""Spanish, French, Hindi, Italian and Portuguese text to symbols, by the espeak-ng that the user installed.

espeak-ng is GPL: it runs in a process of its own (`rhapsode.speech.aside`), and only for a voice of such a
language.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Container
from ctypes.util import find_library
from functools import cache
from importlib.util import find_spec

from rhapsode.errors import SpeechError
from rhapsode.speech.alignment import written_words
from rhapsode.speech.aside.child import Child
from rhapsode.speech.lines import Line, Reading

DIALECTS = {"es": "es", "fr": "fr", "hi": "hi", "it": "it", "pt": "pt-br"}
"""espeak-ng's name of each language that Kokoro voices read with it."""

_SYMBOLS = {
    "a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "ɔ^ɪ": "Y", "d^z": "ʣ", "d^ʒ": "ʤ",
    "t^s": "ʦ", "t^ʃ": "ʧ", "s^s": "S",
}  # fmt: skip
_PUNCTUATION = {"¿": "", "¡": "", "।": ".", "॥": ".", "«": "“", "»": "”"}
_KEPT = ',.;:!?…—“”()"'
_SPLIT = re.compile(r"^([^\w]*)(.*?)([^\w]*)$", re.S)


def installed() -> bool:
    """Tell whether espeak-ng is there, as the package espeakng-loader or as a program."""
    return bool(find_spec("espeakng_loader") or shutil.which("espeak-ng") or find_library("espeak-ng"))


@cache
def espeak() -> Child:
    """Return the one process of espeak-ng, started on its first request."""
    return Child("espeak_child.py", what="espeak-ng")


class EspeakReader:
    """Reads sentences of one of `DIALECTS`.

    Args:
        language: key of `DIALECTS`.
        vocabulary: the symbols that the voice knows; others are left out.

    Raises:
        SpeechError: espeak-ng is not installed.

    """

    def __init__(self, language: str, vocabulary: Container[str]) -> None:
        if not installed():
            raise SpeechError(
                f"Kokoro voices read '{language}' with espeak-ng, which is not installed (it is GPL, so you "
                "install it yourself); pip install espeakng-loader, or install the program espeak-ng"
            )
        self._dialect, self._vocabulary = DIALECTS[language], vocabulary

    def read(self, sentence: str) -> Line:
        """Return the symbols of ``sentence``, word by word."""
        written = written_words(unicodedata.normalize("NFC", sentence))
        parts = [match.groups() for word in written if (match := _SPLIT.match(word))]
        readings: list[Reading] = []
        clause: list[int] = []
        for k, (_, _, behind) in enumerate(parts):
            clause.append(k)
            if behind.strip("\"'”’»)]") or k == len(parts) - 1:
                readings += self._clause(parts, clause)
                clause = []
        return Line(readings, written)

    def _clause(self, parts: list[tuple[str, ...]], places: list[int]) -> list[Reading]:
        """Return the readings of the words ``places``, which espeak-ng reads together."""
        spoken = [k for k in places if parts[k][1]]
        words = [parts[k][1] for k in spoken]
        together, *alone = self._ask([" ".join(words), *words])
        runs = together.split()
        if len(runs) != len(words):
            runs = _shared(runs, [max(len(one.split()), 1) for one in alone])
        said = dict(zip(spoken, runs, strict=True))
        return [
            Reading(self._marks(parts[k][0]) + said.get(k, "") + self._marks(parts[k][2]), k) for k in places
        ]

    def _ask(self, texts: list[str]) -> list[str]:
        answer, _ = espeak().ask(do="phones", voice=self._dialect, texts=texts)
        return [self._known(str(text)) for text in answer["phones"]]

    def _known(self, found: str) -> str:
        found = re.sub(r"\([a-z-]+\)", "", found)
        for tied, single in _SYMBOLS.items():
            found = found.replace(tied, single)
        found = unicodedata.normalize("NFD", found).replace("^", "").replace("-", "").replace("c\u0327", "ç")
        return "".join(c for c in found if c in self._vocabulary)

    def _marks(self, text: str) -> str:
        text = "".join(_PUNCTUATION.get(c, c) for c in text)
        return "".join(c for c in text if c in _KEPT and c in self._vocabulary)


def _shared(runs: list[str], expected: list[int]) -> list[str]:
    """Join ``runs`` to as many as ``expected`` has; each gets about as many as its word alone has."""
    total, begin, done, shared = sum(expected), 0, 0, []
    for count in expected:
        done += count
        end = round(done * len(runs) / total)
        shared.append(" ".join(runs[begin:end]))
        begin = end
    return shared
