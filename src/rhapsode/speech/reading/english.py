"""English text to symbols, by hibari's rules and lexicon (misaki's alphabet)."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from hibari.g2p.normalize import normalize as hibari_rules

from rhapsode.speech.alignment import align_words, written_words
from rhapsode.speech.lines import Line, Reading
from rhapsode.speech.reading.english_rules import spoken


class EnglishReader:
    """Reads English sentences; keeps which written word each run of symbols reads.

    Args:
        g2p: a ``hibari.g2p.G2P``.
        vocabulary: the symbols that the voice knows; others are left out.

    """

    def __init__(self, g2p: Any, vocabulary: Container[str]) -> None:
        self._g2p, self._vocabulary = g2p, vocabulary

    def read(self, sentence: str) -> Line:
        """Return the symbols of ``sentence``, word by word."""
        written = written_words(sentence)
        texts, symbols = [""], [""]
        for token in self._g2p.phonemize_tokens(self._g2p.tokenize(normalize(sentence))):
            texts[-1] += token.text
            symbols[-1] += "".join(c for c in token.phonemes or "" if c in self._vocabulary)
            if token.whitespace:
                texts.append("")
                symbols.append("")
        homes = align_words(written, texts, normalize)
        return Line([Reading(said, home) for said, home in zip(symbols, homes, strict=True)], written)


def normalize(text: str) -> str:
    """Return ``text`` with numbers, dates, units and abbreviations as words, as far as rules say so."""
    return str(hibari_rules(spoken(text)))
