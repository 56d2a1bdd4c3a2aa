"""The silence before a speech is left out; what is heard keeps its time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rhapsode.performance import CLOCK_HZ, Sound, Span, Words
from rhapsode.speech.lead import KEPT_S, without_lead
from rhapsode.speech.voice import Speech

RATE = 24_000


def _speech(silence_s: float, start: int = 0) -> Speech:
    voice = 0.3 * np.sin(np.arange(RATE) / 20, dtype=np.float64).astype(np.float32)
    samples = np.concatenate([np.zeros(round(silence_s * RATE), np.float32), voice])
    return Speech(Sound(samples, RATE, Fraction(start)), Words((Span("ah", silence_s, silence_s + 1.0),)))


def test_silence_is_cut_and_the_clock_goes_on() -> None:
    short = without_lead(_speech(0.4, start=CLOCK_HZ))
    assert short.sound.start == CLOCK_HZ + Fraction(
        (round(0.4 * RATE) + 1 - round(KEPT_S * RATE)) * CLOCK_HZ, RATE
    )
    assert abs(short.sound.duration_s - 1.05) < 1e-3
    assert short.words.words[0].start_s == 0.4


def test_what_begins_at_once_stays_whole() -> None:
    speech = _speech(0.02)
    assert np.array_equal(without_lead(speech).sound.samples, speech.sound.samples)


def test_pure_silence_stays_whole() -> None:
    silent = Speech(Sound(np.zeros(2400, np.float32), RATE), Words())
    assert len(without_lead(silent).sound.samples) == 2400
