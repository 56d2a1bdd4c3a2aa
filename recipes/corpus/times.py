"""Phone times from duration frames: spans in seconds, IPA, stress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FRAME_S = 0.025

IPA = {
    "A": "eɪ",
    "I": "aɪ",
    "O": "oʊ",
    "Q": "əʊ",
    "W": "aʊ",
    "Y": "ɔɪ",
    "S": "s",
    "T": "ɾ",
    "ʤ": "dʒ",
    "ʧ": "tʃ",
    "ʣ": "dz",
    "ʥ": "dʑ",
    "ʦ": "ts",
    "ʨ": "tɕ",
    "ꭧ": "tʂ",
    "ᵊ": "ə",
    "ᵻ": "ɪ",
}
"""IPA of the symbols that are not IPA themselves; S is the long s of espeak's Italian."""

MARKS = "ːʰʲ\u0303ᵝ"
"""Marks that belong to the phone before them."""

STRESS = {"ˈ": 1.0, "ˌ": 0.5}
SILENT = frozenset(' ;:,.!?—…"()“”ˈˌ↓→↗↘')


class Span(NamedTuple):
    """One phone: IPA with its marks, seconds, and stress (1 primary, .5 secondary, 0 none)."""

    phone: str
    start: float
    end: float
    stress: float


def spans(symbols: str, frames: Sequence[int], shift: float = 0.0) -> list[Span]:
    """Return the phones of an utterance.

    A phone starts where the space before it starts, if there is one, else at its own start or at that of
    its stress mark; it lasts until the next phone, unless punctuation stands between the two.

    Args:
        symbols: what was spoken, one symbol a character.
        frames: (len(symbols) + 2,) durations in frames of 25 ms, the silence before and behind included.
        shift: seconds to add to every time; the durations lag the sound, so it is negative.

    """
    edges = np.maximum(np.cumsum(frames) * FRAME_S + shift, 0.0)
    places = [k for k, symbol in enumerate(symbols) if symbol not in SILENT and symbol not in MARKS]
    found = []
    for place, following in zip(places, [*places[1:], len(symbols)], strict=True):
        marks = symbols[place + 1 : following]
        marks = marks[: len(marks) - len(marks.lstrip(MARKS))]
        between = symbols[place + 1 + len(marks) : following]
        joined = following < len(symbols) and not between.strip("".join(STRESS) + " →↗↘↓")
        last = _lead(symbols, following) if joined else place + 1 + len(marks)
        phone = IPA.get(symbols[place], symbols[place]) + marks
        stress = STRESS.get(symbols[place - 1], 0.0) if place else 0.0
        found.append(Span(phone, float(edges[_lead(symbols, place)]), float(edges[last]), stress))
    return found


def _lead(symbols: str, place: int) -> int:
    """Return the position whose start is the start of the phone at ``place``."""
    while place > 0 and symbols[place - 1] in "ˈˌ":
        place -= 1
    while place > 0 and symbols[place - 1] == " ":
        place -= 1
    return place
