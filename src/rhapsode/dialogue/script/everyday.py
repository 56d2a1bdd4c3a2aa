"""What people ask anywhere: questions that a script answers only if one of its entries is about them.

A question beside a script's subject ("can I smoke in the yard?") lies near some entry all the same. Where it
lies much nearer to one of these everyday questions than the entry does, the entry is not what it means: the
idea of a garbage model in keyword spotting (Rose & Paul 1990, "A hidden Markov model based keyword
recognition system"). An everyday question that an entry answers lies near that entry and so tells nothing
against it.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from rhapsode.dialogue.embedding import Float32

_TABLE = Path(__file__).with_name("everyday.csv")


@lru_cache(maxsize=1)
def everyday() -> tuple[tuple[str, str], ...]:
    """Return everyday questions with their languages: (tag, text)."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple((tag, text) for row in csv.DictReader(file) for tag, text in row.items())


_ANSWERED = 0.95  # share of the everyday questions that an entry is not about


class Everyday:
    """Tells how much speaks against an entry.

    Args:
        places: (m, d) of unit length: the everyday questions in the space of a script.
        variants: (n, d) of unit length: the script's ways of asking.
        owners: (n,) numbers of their entries.
        entries: how many there are.

    """

    def __init__(self, places: Float32, variants: Float32, owners: np.ndarray, entries: int) -> None:
        self._places = places
        self._near = np.full((entries, len(places)), -1.0, np.float32)
        np.maximum.at(self._near, owners, variants @ places.T)
        self._foreign = self._near < np.quantile(self._near, _ANSWERED, axis=1, keepdims=True)

    def against(self, at: Float32) -> tuple[Float32, Float32]:
        """Return per entry how like everyday questions a question at ``at`` (d,) is.

        Returns:
            (entries,) the most by which it is more like one of them than the entry is, and (entries,) how
            like it is the nearest that the entry is not about.

        """
        like = self._places @ at
        more = (like - self._near).max(axis=1)
        foreign = np.where(self._foreign, like, -1.0).max(axis=1)
        return np.asarray(more, np.float32), np.asarray(foreign, np.float32)
