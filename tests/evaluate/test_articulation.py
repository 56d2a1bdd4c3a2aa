"""The measure of articulation: right where the teacher's own face is judged, wrong where faces are wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from rhapsode.evaluate.articulation import articulation
from rhapsode.evaluate.conditions import in_noise
from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.train.teacher import TimedPhone, teach

PHONES = (
    TimedPhone("m", 0.3, 0.42),
    TimedPhone("a", 0.42, 0.62),
    TimedPhone("f", 0.62, 0.74),
    TimedPhone("u", 0.74, 0.94),
    TimedPhone("t", 0.94, 1.04),
    TimedPhone("i", 1.04, 1.24),
    TimedPhone("p", 1.24, 1.36),
    TimedPhone("æ", 1.36, 1.6),
)
SECONDS = 2.2


@dataclass(frozen=True)
class Spoken:
    """What `articulation` asks of an utterance."""

    phones: tuple[TimedPhone, ...] = PHONES

    def sound(self) -> Float32:
        return as_float32(np.random.default_rng(0).standard_normal(int(SECONDS * 16_000)) * 0.1)


def taught(y: Float32) -> Float32:
    return teach(PHONES, len(y) / 16_000, rate_hz=CURVE_HZ)


def test_the_teacher_makes_every_phone() -> None:
    found = articulation([Spoken()], taught)
    assert found["bilabials"] == 2
    assert found["closed"] == found["precision"] == found["bitten"] == 1
    assert found["vowels_closed"] == 0
    assert found["rounded"] > 3 * found["spread"]
    assert found["gap_correlation"] > 0.98
    assert found["pause_jaw"] == pytest.approx(0, abs=0.01)


def test_a_mouth_that_stays_open_closes_nothing() -> None:
    def gaping(y: Float32) -> Float32:
        frames = np.zeros((-(-len(y) // 320), 52), np.float32)
        frames[:, ARKIT.index("jawOpen")] = 0.3 + 1e-3 * np.arange(len(frames)) / len(frames)
        return frames

    found = articulation([Spoken()], gaping)
    assert found["closed"] == found["bitten"] == found["vowels_closed"] == 0
    assert found["rounded"] == found["spread"] == 0
    assert found["pause_jaw"] > 0.2


def test_a_closure_in_a_vowel_is_false() -> None:
    def pressed(y: Float32) -> Float32:
        frames = taught(y)
        frames[56:59] = 0
        return frames

    found = articulation([Spoken()], pressed)
    assert found["vowels_closed"] == pytest.approx(1 / 4)
    assert found["precision"] == pytest.approx(2 / 3)


def test_noise_has_the_level_asked_for() -> None:
    y = Spoken().sound()
    noise = in_noise(y, 20) - y
    assert 20 * np.log10(y.std() / noise.std()) == pytest.approx(20, abs=0.5)
