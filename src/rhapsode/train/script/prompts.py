"""The recording script: what is said, in which manner, and which sounds that covers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from rhapsode.errors import SettingError
from rhapsode.train.script import arpabet, pinyin

KINDS = ("isolated", "word", "sentence")
"""What a prompt is, from the smallest."""

MANNERS = ("normal", "exaggerated")
"""How a prompt is said; each prompt once in each."""

LANGUAGES = {"en": "English", "zh": "Mandarin"}
"""The languages that have a script."""

Kind = Literal["isolated", "word", "sentence"]

_SECONDS_A_UNIT = {
    "en": {"isolated": 0.30, "word": 0.16, "sentence": 0.085},
    "zh": {"isolated": 0.75, "word": 0.45, "sentence": 0.25},
}
_EDGES_S = {"isolated": 1.0, "word": 0.9, "sentence": 1.0}
_EXAGGERATION = 1.5


@dataclass(frozen=True)
class Prompt:
    """One text of the script.

    Args:
        id: unique over all languages, `en-word-003`.
        language: `en` or `zh`.
        kind: one of `KINDS`.
        text: what the speaker reads.
        says: how it sounds: ARPAbet with stress, words divided by ``/`` (English); pinyin syllables with
            the tone as a digit (Mandarin).
        hint: what the speaker should know, such as the sound that is meant.

    """

    id: str
    language: str
    kind: Kind
    text: str
    says: str
    hint: str = ""

    @property
    def phones(self) -> tuple[str, ...]:
        """Its sounds in order: ARPAbet phones, or initials and finals (an initial that is none left out)."""
        if self.language == "zh":
            return tuple(part for one in pinyin.syllables(self.says) for part in one[:2] if part)
        return arpabet.phones_of(self.says)

    @property
    def reading(self) -> str:
        """How it is pronounced, for the reader: pinyin with tone marks; nothing for English."""
        return pinyin.marked(self.says) if self.language == "zh" else ""


@dataclass(frozen=True)
class Item:
    """A prompt in one manner: one take."""

    prompt: Prompt
    manner: str

    @property
    def id(self) -> str:
        """Unique: the prompt's id and the manner; also the name of the take's files."""
        return f"{self.prompt.id}-{self.manner}"

    @property
    def expected_s(self) -> float:
        """How long saying it takes, pauses at both ends included, in seconds: an estimate."""
        one = self.prompt
        units = len(one.says.split()) if one.language == "zh" else len(one.phones)
        said = units * _SECONDS_A_UNIT[one.language][one.kind]
        return _EDGES_S[one.kind] + said * (_EXAGGERATION if self.manner == "exaggerated" else 1.0)


@lru_cache
def prompts(language: str) -> tuple[Prompt, ...]:
    """Return the texts of a language: isolated sounds, then words, then sentences.

    Raises:
        SettingError: there is no script in that language.

    """
    if language not in LANGUAGES:
        raise SettingError(f"there is no script in language '{language}'; known are {', '.join(LANGUAGES)}")
    table = json.loads(files(__package__).joinpath(f"prompts_{language}.json").read_text(encoding="utf-8"))
    return tuple(Prompt(language=language, **row) for row in table)


def script(
    language: str, *, manners: Iterable[str] = MANNERS, minutes: float | None = None, overhead_s: float = 2.5
) -> tuple[Item, ...]:
    """Return what to record, in order: every kind in one manner, then in the other.

    Args:
        language: `en` or `zh`.
        manners: some of `MANNERS`.
        minutes: keep what fits into this time, chosen for coverage: first items that bring sounds not yet
            heard in their kind and manner, then the rest in turn. None keeps everything.
        overhead_s: seconds that count-in and keys add to each item.

    Raises:
        SettingError: the language or a manner is unknown, or nothing fits.

    """
    wanted = list(manners)
    for manner in wanted:
        if manner not in MANNERS:
            raise SettingError(f"a manner must be one of {', '.join(MANNERS)}, got '{manner}'")
    items = tuple(Item(one, manner) for manner in MANNERS if manner in wanted for one in prompts(language))
    return items if minutes is None else _fitting(items, minutes * 60, overhead_s)


def units(item: Item) -> frozenset[tuple[str, str, str]]:
    """Return the (manner, kind, sound) that an item covers; the stress of a vowel is not counted."""
    bare = (phone.rstrip("012") for phone in item.prompt.phones)
    return frozenset((item.manner, item.prompt.kind, phone) for phone in bare)


def duration_s(items: Iterable[Item], *, overhead_s: float = 2.5) -> float:
    """Return how long recording ``items`` takes, in seconds: an estimate."""
    return sum(item.expected_s + overhead_s for item in items)


def _fitting(items: Sequence[Item], budget_s: float, overhead_s: float) -> tuple[Item, ...]:
    chosen: set[int] = set()
    heard: set[tuple[str, str, str]] = set()
    covers = [units(item) for item in items]
    costs = [item.expected_s + overhead_s for item in items]
    while True:
        left = [k for k in range(len(items)) if k not in chosen and costs[k] <= budget_s]
        if not left:
            break
        # Sentences teach most a second once every sound has been heard; they also come last in the script.
        best = max(left, key=lambda k: (len(covers[k] - heard) / costs[k], items[k].expected_s, -k))
        chosen.add(best)
        heard |= covers[best]
        budget_s -= costs[best]
    if not chosen:
        raise SettingError(
            f"no prompt fits into {budget_s / 60:g} minutes; allow at least {min(costs) / 60:.1f}"
        )
    return tuple(item for k, item in enumerate(items) if k in chosen)
