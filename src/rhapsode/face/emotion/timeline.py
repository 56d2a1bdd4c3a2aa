"""Emotions over time, as written down beforehand."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from rhapsode.errors import SettingError
from rhapsode.face.emotion.vector import Emotion

AUTO = "auto"
"""The word for an emotion that is estimated from the voice."""


@dataclass(frozen=True)
class Timeline:
    """Emotions, each from its time until the next one's; before the first there is none.

    Args:
        keys: (seconds, emotion) in any order; an emotion may be text such as "joy:0.6".

    Raises:
        SettingError: a time is negative or no number, or is given twice; or an emotion cannot be read.

    Example:
        >>> Timeline([(0, "joy:0.6"), (2.5, "surprise"), (4, "neutral")]).at(3.0)
        Emotion('amazement:1')

    """

    keys: tuple[tuple[float, Emotion], ...]

    def __init__(self, keys: Iterable[tuple[float, Emotion | str]]) -> None:
        read: dict[float, Emotion] = {}
        for time_s, felt in keys:
            if not math.isfinite(time_s) or time_s < 0:
                raise SettingError(f"an emotion's time must be 0 or more seconds, got {time_s!r}")
            if float(time_s) in read:
                raise SettingError(
                    f"two emotions begin at {time_s:g} s; give one, or mix them: joy:0.6,fear:0.2"
                )
            read[float(time_s)] = Emotion.parse(felt) if isinstance(felt, str) else felt
        object.__setattr__(self, "keys", tuple(sorted(read.items(), key=lambda key: key[0])))

    def at(self, time_s: float) -> Emotion:
        """Return the emotion at ``time_s``."""
        place = bisect_right(self.keys, time_s + 1e-9, key=lambda key: key[0])
        return self.keys[place - 1][1] if place else Emotion()


Feelings = Emotion | Timeline | str
"""What a stage can be given: an emotion, emotions over time, "joy:0.6", or "auto"."""


def read_feelings(felt: Feelings) -> Emotion | Timeline | str:
    """Return ``felt`` with texts read; "auto" stays.

    Raises:
        SettingError: the text is neither "auto" nor an emotion, or ``felt`` is something else.

    """
    if isinstance(felt, str):
        return AUTO if felt.strip().lower() == AUTO else Emotion.parse(felt)
    if isinstance(felt, (Emotion, Timeline)):
        return felt
    raise SettingError(
        f"an emotion must be an Emotion, a Timeline, 'auto' or a text such as joy:0.6, got {felt!r}"
    )
