"""What clients of NVIDIA Audio2Face-3D want felt: emotions at their seconds, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rhapsode.errors import PacketError
from rhapsode.face.emotion import AUTO, Emotion, Timeline

EMOTION_STRENGTH, PREFERRED_STRENGTH = 0.6, 0.5
"""What Audio2Face-3D takes where a client does not say."""

MAX_KEYS = 10_000
"""Emotions of one stream that are kept."""

PAST_S = 1.0
"""Emotions before the last one that is so long past do not matter any more: no face lags so far behind."""


@dataclass(frozen=True)
class Feeling:
    """How a client wants emotions to be shown.

    Args:
        strength: how strongly an emotion that it names is felt: 1 is as it is named.
        named: whether its own emotions count; otherwise they are estimated from the voice.
        first: what is felt before its first emotion.

    """

    strength: float = EMOTION_STRENGTH * PREFERRED_STRENGTH
    named: bool = True
    first: Emotion = field(default_factory=Emotion)

    def over(self, keys: Mapping[float, Emotion]) -> Timeline | Emotion | str:
        """Return what is to be felt, given emotions and the seconds of the stream they begin at."""
        if not self.strength:
            return Emotion()
        if not self.named or not keys:
            return AUTO
        return Timeline((at, felt * self.strength) for at, felt in {0.0: self.first, **keys}.items())


class Score:
    """The emotions of a stream that still matter, as they come in.

    Args:
        feeling: how they are to be shown.

    """

    def __init__(self, feeling: Feeling) -> None:
        self._feeling = feeling
        self._keys: dict[float, Emotion] = {}

    def add(self, keys: Mapping[float, Emotion], heard_s: float) -> None:
        """Take emotions at their seconds, after ``heard_s`` seconds of sound.

        Raises:
            PacketError: too many lie ahead.

        """
        self._keys.update(keys)
        past = sorted(at for at in self._keys if at <= heard_s - PAST_S)
        for at in past[:-1]:
            del self._keys[at]
        if len(self._keys) > MAX_KEYS:
            raise PacketError(
                f"{MAX_KEYS} emotions may lie ahead, got {len(self._keys)}; send them with their sound"
            )

    def felt(self) -> Timeline | Emotion | str:
        """Return what is to be felt in the stream."""
        return self._feeling.over(self._keys)
