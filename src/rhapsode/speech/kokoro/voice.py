"""The voices "kokoro:NAME": English, Mandarin, Japanese, Spanish, French, Hindi, Italian and Portuguese.

A voice has its own language and speaks the others with its accent; English words inside Chinese and Japanese
sentences are read as English.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import SpeechError
from rhapsode.performance import Float32
from rhapsode.speech.kokoro.network import MAX_SYMBOLS, network, vocabulary, weights_sha256
from rhapsode.speech.kokoro.styles import LANGUAGES, manifest, style
from rhapsode.speech.language import script_language
from rhapsode.speech.lines import Line, LineVoice, Reading, clauses, cut, pieces, size, speakable
from rhapsode.speech.manner import Delivery
from rhapsode.speech.reading import espeak, japanese
from rhapsode.speech.sentences import split_sentences

FIRST_SYMBOLS = 60
"""A first sentence longer than this is begun with its first clause, for a sooner first sound."""

_LEAST_CLAUSE = 14


class Reader(Protocol):
    """Turns a sentence into a line."""

    def read(self, sentence: str) -> Line:
        """Return the symbols of ``sentence``, word by word."""


class KokoroVoice(LineVoice):
    """A voice of the Kokoro family; see `rhapsode.speech.voice.Voice` for the contract.

    Args:
        style_name: of its style table, such as "zf_xiaoxiao".

    Raises:
        MissingExtraError: the network is not installed.
        SpeechError: the style table is not at hand and cannot be fetched.

    """

    def __init__(self, style_name: str) -> None:
        self.name = f"kokoro:{style_name}"
        self.language = LANGUAGES[style_name[0]][0]
        self._table = style(style_name)
        self.version = f"{weights_sha256()} {manifest()['sha256'][style_name]}"
        self._network = network()

    @property
    def languages(self) -> tuple[str, ...]:  # type: ignore[override]
        """What it can speak here, its own language first."""
        return (self.language, *(tag for tag in spoken_languages() if tag[:2] != self.language[:2]))

    def _check(self, text: str, language: str) -> tuple[str, ...]:
        for tag in {self._language(sentence, language) for sentence in split_sentences(text)}:
            reader(tag)
        return ()

    def _language(self, sentence: str, language: str) -> str:
        """Return the key of the reader of ``sentence``."""
        found = script_language(sentence, language or self.language)
        british = (language or self.language) == "en-GB" or (found == "en" and self.language == "en-GB")
        return "en-GB" if found == "en" and british else found

    def _lines(self, text: str, language: str) -> Iterator[Line]:
        first = True
        for sentence in split_sentences(text):
            read = reader(self._language(sentence, language)).read
            for piece in pieces(sentence.strip()):
                whole = read(piece)
                runs = list(cut(whole.readings, MAX_SYMBOLS))
                if first and runs:
                    runs[:1] = _first(runs[0])
                for readings in runs:
                    if speakable(readings):
                        yield Line(readings, whole.written)
                        first = False

    def _synthesise(
        self, symbols: str, delivery: Delivery, rng: np.random.Generator
    ) -> tuple[Float32, NDArray[np.float32]]:
        return self._network.run(symbols, self._table, delivery)


def load(name: str) -> KokoroVoice:
    """Return the voice called ``name``, "kokoro:..."; the table of voices calls this once."""
    return KokoroVoice(name.partition(":")[2])


def spoken_languages() -> tuple[str, ...]:
    """Return the languages that can be read here: some need what the user installs."""
    found = ["en-US", "zh-CN"]
    found += ["ja-JP"] if japanese.installed() else []
    found += ["es-ES", "fr-FR", "hi-IN", "it-IT", "pt-BR"] if espeak.installed() else []
    return tuple(found)


_READERS: dict[str, Reader] = {}
_MAKING = threading.RLock()


def reader(language: str) -> Reader:
    """Return the reader of a language: a primary subtag, or "en-GB".

    Raises:
        SpeechError: no reader knows the language, or what it needs is not installed.

    """
    with _MAKING:
        if language not in _READERS:
            _READERS[language] = _make_reader(language)
        return _READERS[language]


def _make_reader(language: str) -> Reader:
    known = frozenset(vocabulary())
    if language in ("en", "en-GB"):
        from hibari.g2p import G2P

        from rhapsode.speech.reading.english import EnglishReader

        return EnglishReader(G2P(british=language == "en-GB"), known)
    if language == "zh":
        from rhapsode.speech.reading.chinese import ChineseReader

        return ChineseReader(known, reader("en").read)
    if language == "ja":
        return japanese.JapaneseReader(known, reader("en").read)
    if language in espeak.DIALECTS:
        return espeak.EspeakReader(language, known)
    raise SpeechError(
        f"Kokoro voices speak en, zh, ja, es, fr, hi, it and pt, got a text in '{language}'; "
        f"name a voice of that language, such as 'espeak:{re.sub('[^a-z]', '', language.lower()) or 'de'}'"
    )


def _first(readings: list[Reading]) -> list[list[Reading]]:
    """Return a long first line in two: its first clause of some length, and the rest."""
    if size(readings) <= FIRST_SYMBOLS:
        return [readings]
    begun: list[Reading] = []
    for clause in clauses(readings):
        begun += clause
        if size(begun) >= _LEAST_CLAUSE:
            break
    rest = readings[len(begun) :]
    return [begun, rest] if rest and speakable(rest) else [readings]
