"""What was heard."""

from __future__ import annotations

import math
from dataclasses import dataclass

SPACELESS = ("zh", "ja", "yue", "th", "lo", "my", "bo", "km")
"""Languages that put no space between sentences."""


@dataclass(frozen=True)
class HeardWord:
    """A word and when it was said.

    Args:
        text: as written, with its punctuation.
        start_s: its first moment, seconds from the first sample.
        end_s: its last.
        certainty: in [0, 1].

    """

    text: str
    start_s: float
    end_s: float
    certainty: float


@dataclass(frozen=True)
class Heard:
    """The words of a sound.

    Args:
        text: the words, with punctuation; empty where nobody spoke.
        language: BCP 47 tag of the language that was spoken.
        language_certainty: share of it among the languages that could be chosen, in [0, 1].
        certainty: geometric mean of the probabilities of the text's tokens, in [0, 1]; 0 without words.
        words: where they were asked for.

    """

    text: str
    language: str
    language_certainty: float
    certainty: float
    words: tuple[HeardWord, ...] = ()


def joined(parts: list[Heard]) -> Heard:
    """Return what was heard in consecutive parts, at least one, as a whole."""
    spoken = [part for part in parts if part.text]
    if len(spoken) <= 1:
        return spoken[0] if spoken else parts[0]
    main = max(spoken, key=lambda part: len(part.text))
    text = ("" if main.language.split("-")[0] in SPACELESS else " ").join(part.text for part in spoken)
    letters = sum(len(part.text) for part in spoken)
    mean_log = sum(len(part.text) * math.log(max(part.certainty, 1e-6)) for part in spoken) / letters
    words = tuple(word for part in spoken for word in part.words)
    return Heard(text, main.language, main.language_certainty, math.exp(mean_log), words)
