"""The lines of the film: which, cut from what, one after another with air between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from recipes.film_titles import Caption

from rhapsode.evaluate.conditions import Condition, clean, speech_power
from rhapsode.performance import CLOCK_HZ, Float32, as_float32
from rhapsode.train.teacher.corpus import Utterance

AIR_S = 0.3
"""Silence, or noise alone, before and after each line."""

RAMP_S = 0.08
LEVEL, PEAK = 0.1, 0.95


@dataclass(frozen=True)
class Part:
    """One line of a shot.

    Args:
        voice: who says it.
        text: the whole of an utterance of the test split, or its first or second half.
        title: the caption.
        note: under the caption.
        heard: how it arrives.
        emotion: what is felt, see `Direction`.

    """

    voice: str
    text: str
    title: str
    note: str = "a voice that no training heard"
    heard: Condition = clean
    emotion: str = "neutral"


def cut(utterance: Utterance, text: str) -> tuple[float, float]:
    """Return where an utterance says ``text``, all of it or its first or last sentence, in seconds."""
    phones = utterance.phones
    begin, end = phones[0].start, phones[-1].end
    if len(text) < len(utterance.text):
        first = utterance.text.startswith(text)
        share = len(text) / len(utterance.text)
        near = begin + (end - begin) * (share if first else 1 - share)
        rests = [(a.end, b.start) for a, b in pairwise(phones)]
        rest = max(rests, key=lambda r: r[1] - r[0] - 0.15 * abs((r[0] + r[1]) / 2 - near))
        begin, end = (begin, rest[0]) if first else (rest[1], end)
    return max(begin - 0.04, 0.0), min(end + 0.12, utterance.seconds)


def find(told: Sequence[Utterance], part: Part) -> Float32:
    """Return the (N,) sound of a line at 16 kHz and at the film's level."""
    said = [u for u in told if u.voice == part.voice and part.text in u.text]
    if not said:
        raise SystemExit(
            f"no utterance of the test split by {part.voice} says {part.text!r}; "
            "make the corpus longer with recipes/corpus, or choose another line in recipes/film.py"
        )
    best = min(said, key=lambda u: len(u.text))
    begin, end = cut(best, part.text)
    y = best.sound()[round(begin * CLOCK_HZ) : round(end * CLOCK_HZ)]
    return as_float32(y * min(LEVEL / speech_power(y), PEAK / float(np.abs(y).max())))


def lay(parts: Sequence[Part], sounds: Sequence[Float32], fps: int) -> tuple[Float32, list[Caption]]:
    """Put the lines of a shot one after another, with air around each.

    Args:
        parts: what is said.
        sounds: (N,) of each, at 16 kHz.
        fps: video frames a second; the whole is as long as a whole number of them, within a sample.

    Returns:
        the (M,) sound and the captions.

    """
    air, ramp = round(AIR_S * CLOCK_HZ), round(RAMP_S * CLOCK_HZ)
    made: list[Float32] = []
    captions, at = [], 0
    for k, (part, y) in enumerate(zip(parts, sounds, strict=True)):
        end = at + len(y) + 2 * air
        if k == len(parts) - 1:
            end = round(math.ceil(end / CLOCK_HZ * fps) * CLOCK_HZ / fps)
        heard = part.heard(as_float32(np.pad(y, (air, end - at - air - len(y))))).copy()
        slope = np.linspace(0, 1, ramp, dtype=np.float32)
        heard[:ramp] *= slope
        heard[-ramp:] *= slope[::-1]
        made.append(heard)
        captions.append(Caption(part.title, part.note, at / CLOCK_HZ, end / CLOCK_HZ))
        at = end
    return as_float32(np.clip(np.concatenate(made), -1, 1)), captions
