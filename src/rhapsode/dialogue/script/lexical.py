"""How many rare words two texts share: what embeddings lose of names and numbers."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]+")  # Chinese, Japanese, Korean
_VOICED = str.maketrans("dbgvzqcx", "tpkfskks")
_SHORTEST_SOUND = 4


def tokens(text: str) -> frozenset[str]:
    """Return what is counted of a text: words, pieces of four letters, characters and pairs of them.

    The pieces forgive a misspelt or inflected word, the pairs stand for words of Chinese and Japanese.
    """
    found: set[str] = set()
    for word in _WORD.findall(fold(text)):
        for part in _UNSPACED.findall(word):
            found.update(part)
            found.update(part[i : i + 2] for i in range(len(part) - 1))
        for part in filter(None, _UNSPACED.split(word)):
            found.add(f"={part}")
            edged = f"^{part}$"
            found.update(edged[i : i + 4] for i in range(len(edged) - 3))
    return frozenset(found)


def fold(text: str) -> str:
    """Return ``text`` in lower case, full-width letters and accents made plain."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def sound(text: str) -> str:
    """Return the consonants of Latin text without what a recogniser confuses: "camp ellen" is "kmpln"."""
    letters = "".join(c for c in fold(text) if "a" <= c <= "z")
    for pair, one in (
        ("ce", "se"),
        ("ci", "si"),
        ("cy", "sy"),
        ("ph", "f"),
        ("ck", "k"),
        ("qu", "k"),
        ("wh", "w"),
        ("th", "t"),
        ("sh", "s"),
        ("tch", "k"),
    ):
        letters = letters.replace(pair, one)
    kept = re.sub(r"[aeiouyhw]", "", letters).translate(_VOICED)
    return re.sub(r"(.)\1+", r"\1", kept)


class Lexicon:
    """Weighs words by how few entries hold them, and compares a question with texts by them.

    Args:
        texts: (n,) texts to compare with.
        owners: (n,) number of the entry that each belongs to.

    """

    def __init__(self, texts: Sequence[str], owners: Sequence[int]) -> None:
        self._texts = [tokens(text) for text in texts]
        own: dict[int, set[str]] = {}
        for owner, held in zip(owners, self._texts, strict=True):
            own.setdefault(owner, set()).update(held)
        self._entries = len(own)
        self._holders = Counter(token for held in own.values() for token in held)
        self._norms = [self._mass(held) for held in self._texts]
        self._names = self._sounding(texts, owners)

    def _sounding(self, texts: Sequence[str], owners: Sequence[int]) -> list[frozenset[str]]:
        """Return the sounds of each text's rare words: those that one entry alone uses."""
        return [
            frozenset(
                code
                for word in _WORD.findall(fold(text))
                if self._holders[f"={word}"] == 1 and len(code := sound(word)) >= _SHORTEST_SOUND
            )
            for text in texts
        ]

    def weight(self, token: str) -> float:
        """Return how much a token tells; one that no entry holds tells most."""
        return math.log((self._entries + 1) / (self._holders.get(token, 0) + 0.5))

    def _mass(self, held: Iterable[str]) -> float:
        return sum(self.weight(token) for token in held)

    def scores(self, text: str) -> list[float]:
        """Return for each text how much of its and the question's weight is shared, in [0, 1]."""
        asked = tokens(text)
        whole = self._mass(asked)
        weights = {token: self.weight(token) for token in asked}
        heard = sound(text)
        found = []
        for held, norm, names in zip(self._texts, self._norms, self._names, strict=True):
            shared = sum(weights[token] for token in asked & held)
            score = shared / math.sqrt(max(whole * norm, 1e-9)) if shared > 0 else 0.0
            if names and any(name in heard for name in names):
                score = max(score, 0.5)
            found.append(min(score, 1.0))
        return found
