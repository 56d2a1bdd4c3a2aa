"""Emotions as a vector: ten names, their aliases, how strongly each is felt."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import SettingError

EMOTIONS: tuple[str, ...] = (
    *("amazement", "anger", "cheekiness", "disgust", "fear"),
    *("grief", "joy", "outofbreath", "pain", "sadness"),
)
"""The ten names, in the order of NVIDIA Audio2Face."""

BIG_SIX: Mapping[str, str] = MappingProxyType(
    {
        "anger": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happiness": "joy",
        "sadness": "sadness",
        "surprise": "amazement",
    }
)
"""Ekman's six, as EmotionML's vocabulary "big6" spells them, to the names here."""

_WORDS = (
    "happy joy, angry anger, sad sadness, surprised amazement, amazed amazement, astonishment amazement, "
    "afraid fear, scared fear, disgusted disgust, cheeky cheekiness, out-of-breath outofbreath, "
    "out_of_breath outofbreath, breathless outofbreath, crying grief"
)

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **{word: name for word, name in BIG_SIX.items() if word != name},
        **dict(pair.split() for pair in _WORDS.split(", ")),
    }
)
"""Other words for the ten."""

NEUTRAL_WORDS = frozenset({"", "neutral", "none"})
"""What stands for no emotion."""

TOGETHER = 1.3
"""The most that all levels add up to: beyond it they are scaled down alike."""


def canonical(word: str) -> str:
    """Return the name among `EMOTIONS` that ``word`` means; upper and lower case do not matter.

    Raises:
        SettingError: no emotion has that name; the message names near ones.

    """
    name = word.strip().lower()
    name = ALIASES.get(name, name)
    if name in EMOTIONS:
        return name
    near = get_close_matches(name, [*EMOTIONS, *ALIASES], n=2)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise SettingError(
        f"no emotion is called {word.strip()!r}; {hint}known are "
        f"{', '.join((*EMOTIONS, 'happiness', 'surprise'))}"
    )


class Emotion(Mapping[str, float]):
    """How strongly each emotion is felt: a frozen mapping of names to levels in [0, 1].

    Emotions that are not felt are absent. Names may be aliases ("happiness"), and are kept as one of
    `EMOTIONS`; a name given twice counts with its higher level.

    Args:
        levels: names and levels.
        named: the same as keywords.

    Raises:
        SettingError: a name is unknown, or a level is no number in [0, 1].

    Example:
        >>> Emotion(joy=0.6) + Emotion(surprise=0.2)
        Emotion('joy:0.6,amazement:0.2')
        >>> Emotion.parse("joy:0.6,surprise:0.2")["amazement"]
        0.2

    """

    __slots__ = ("_levels",)

    def __init__(self, levels: Mapping[str, float] | None = None, **named: float) -> None:
        kept: dict[str, float] = {}
        for word, level in {**(levels or {}), **named}.items():
            name = canonical(word)
            number = isinstance(level, (int, float, np.floating)) and not isinstance(level, bool)
            if not number or not math.isfinite(level) or not 0.0 <= level <= 1.0:
                raise SettingError(f"emotion '{word}' must have a level in [0, 1], got {level!r}; 1 is full")
            if level:
                kept[name] = max(float(level), kept.get(name, 0.0))
        self._levels = kept

    @classmethod
    def parse(cls, text: str) -> Emotion:
        """Read ``joy:0.6,surprise:0.2``; a name alone counts fully, "neutral" is no emotion.

        Raises:
            SettingError: the text is not of that form, or as in the constructor.

        """
        if text.strip().lower() in NEUTRAL_WORDS:
            return cls()
        levels: dict[str, float] = {}
        for item in text.split(","):
            word, colon, amount = item.partition(":")
            if not word.strip():
                raise SettingError(
                    f"an emotion must be NAME:LEVEL, got {item.strip()!r} in {text!r}; "
                    "try joy:0.6,surprise:0.2"
                )
            name = canonical(word)
            if name in levels:
                raise SettingError(f"emotion '{name}' is given twice in {text!r}; give it once")
            try:
                levels[name] = float(amount) if colon else 1.0
            except ValueError:
                raise SettingError(
                    f"emotion '{name}' needs a number from 0 to 1 as its level, got {amount.strip()!r}; "
                    f"try {name}:0.6"
                ) from None
        return cls(levels)

    def __getitem__(self, name: str) -> float:
        return self._levels[ALIASES.get(name, name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)

    def __hash__(self) -> int:
        return hash(frozenset(self._levels.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    def __reduce__(self) -> tuple[type[Emotion], tuple[dict[str, float]]]:
        return Emotion, (self._levels,)

    def __str__(self) -> str:
        return ",".join(f"{name}:{level:g}" for name, level in self._levels.items()) or "neutral"

    def __repr__(self) -> str:
        return f"Emotion({str(self)!r})"

    def __add__(self, other: Emotion) -> Emotion:
        """Feel both at once; each level stays at most 1."""
        names = dict.fromkeys((*self, *other))
        return Emotion({name: min(self.get(name, 0.0) + other.get(name, 0.0), 1.0) for name in names})

    def __mul__(self, factor: float) -> Emotion:
        """Feel it more or less strongly; each level stays at most 1."""
        return Emotion({name: min(level * factor, 1.0) for name, level in self._levels.items()})

    __rmul__ = __mul__

    def vector(self) -> NDArray[np.float64]:
        """Return (10,) the levels in the order of `EMOTIONS`, all together at most `TOGETHER`."""
        levels = np.array([self._levels.get(name, 0.0) for name in EMOTIONS])
        return np.asarray(levels * min(1.0, TOGETHER / max(float(levels.sum()), 1e-9)))
