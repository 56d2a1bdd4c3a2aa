"""The silence that voices begin with: nobody who has asked wants to wait for it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from rhapsode.performance import CLOCK_HZ
from rhapsode.speech.voice import Speech

KEPT_S = 0.05
"""Sound kept before the first audible sample."""

_AUDIBLE = 10 ** (-60 / 20)


def without_lead(speech: Speech) -> Speech:
    """Return ``speech`` from `KEPT_S` before its first audible sample on; words stay where they are heard."""
    sound = speech.sound
    heard = np.flatnonzero(np.abs(sound.samples).max(axis=1, initial=0.0) > _AUDIBLE)
    cut = max(int(heard[0]) - round(KEPT_S * sound.sample_rate), 0) if len(heard) else 0
    start = sound.start + Fraction(cut * CLOCK_HZ, sound.sample_rate)
    return replace(speech, sound=replace(sound, samples=sound.samples[cut:], start=start))
