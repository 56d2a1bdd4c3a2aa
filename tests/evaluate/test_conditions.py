"""What a condition does to a sound: the level asked for, the band asked for, and nothing to its time."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.evaluate.conditions import (
    CONDITIONS,
    babble,
    conditions,
    in_noise,
    opus,
    speech_power,
    telephone,
)
from rhapsode.performance import Float32, as_float32


def voice(seconds: float = 1.5, seed: int = 0) -> Float32:
    """Return syllables of a buzz with formants, as a rough voice."""
    t = np.arange(int(seconds * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 140 * k * t + k * seed) / k for k in range(1, 24))
    swell = np.clip(np.sin(2 * np.pi * 3 * t + seed), 0, 1)
    return as_float32(0.1 * buzz * swell)


def shift(made: Float32, y: Float32) -> int:
    """Return by how many samples ``made`` comes after ``y``."""
    fit = np.correlate(made.astype(np.float64), y.astype(np.float64)[200:-200], "valid")
    return int(np.argmax(fit)) - 200


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_keeps_length_and_time(name: str) -> None:
    y = voice()
    made = conditions([voice(1, 1), voice(1.2, 2)])[name](y)
    assert made.shape == y.shape
    assert made.dtype == np.float32
    assert abs(shift(made, y)) <= 1


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_same_sound_is_heard_the_same_way_each_time(name: str) -> None:
    y = voice(0.7)
    one, other = (conditions([voice(1, 1)])[name](y) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("name", CONDITIONS)
def test_silence_stays_finite(name: str) -> None:
    made = conditions([voice(1, 1)])[name](np.zeros(8000, np.float32))
    assert np.isfinite(made).all()
    assert np.abs(made).max() < 1e-3


@pytest.mark.parametrize("snr_db", [20, 0])
def test_noise_has_the_level_asked_for(snr_db: int) -> None:
    y = voice()
    noise = in_noise(y, snr_db) - y
    assert 20 * np.log10(speech_power(y) / noise.std()) == pytest.approx(snr_db, abs=0.1)


def test_babble_has_the_level_asked_for() -> None:
    y = voice()
    others = babble([voice(1, 1), voice(1.3, 2)], snr_db=10)(y) - y
    assert 20 * np.log10(speech_power(y) / others.std()) == pytest.approx(10, abs=0.3)


def test_a_telephone_has_a_narrow_band() -> None:
    y = as_float32(np.random.default_rng(0).standard_normal(32_000) * 0.1)
    power = np.abs(np.fft.rfft(telephone(y))) ** 2
    hz = np.linspace(0, 8000, len(power))
    inside = power[(hz > 500) & (hz < 3000)].mean()
    assert power[hz > 4300].mean() < 1e-3 * inside
    assert power[(hz > 10) & (hz < 120)].mean() < 0.02 * inside


def test_opus_changes_the_sound_but_not_its_shape() -> None:
    y = voice()
    made = opus(y)
    assert not np.allclose(made, y, atol=1e-3)
    assert np.corrcoef(made, y)[0, 1] > 0.7


def test_without_voices_nobody_babbles() -> None:
    assert "babble" not in conditions([])
