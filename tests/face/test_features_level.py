"""The running level: causal, blind to gain, quiet in steady noise."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.face.features import log_mel
from rhapsode.face.features_level import HEADROOM_DB, WIDTH, EngineFeatures, RunningLevel, level_free
from rhapsode.performance import Float32, as_float32


def burst(seed: int = 0) -> Float32:
    """Half a second of room noise at -60 dB, half a second of loud noise at -20 dB, the room again."""
    rng = np.random.default_rng(seed)
    level = np.repeat([1e-3, 0.1, 1e-3], 8000)
    return as_float32(rng.standard_normal(24_000) * level)


@pytest.mark.parametrize("gain_db", [-40, -12, 12])
def test_gain_cancels(gain_db: float) -> None:
    """Worst difference: 2e-5, from the floor that every band's power has."""
    y = burst()
    plain = level_free(log_mel(y), RunningLevel())
    changed = level_free(log_mel(as_float32(y * 10 ** (gain_db / 20))), RunningLevel())
    assert np.abs(plain - changed).max() < 1e-3


def test_steady_noise_lies_below_the_level() -> None:
    level = RunningLevel()
    rng = np.random.default_rng(2)
    steps = [level.step(-50 + e)[0] for e in rng.standard_normal(500)]
    assert np.mean(steps) == pytest.approx(-HEADROOM_DB, abs=4)


def test_peak_rises_in_50_ms_and_floor_falls_in_100_ms() -> None:
    level = RunningLevel()
    for _ in range(50):
        level.step(-60)
    for _ in range(5):
        over, _, _ = level.step(-20)
    assert over < 10
    for _ in range(10):
        level.step(-70)
    assert level.floor_db == pytest.approx(-70, abs=2)


def test_digital_silence_changes_nothing() -> None:
    level = RunningLevel()
    for energy in (-60.0, -20.0, -25.0):
        level.step(energy)
    before = level.floor_db, level.peak_db
    for _ in range(1000):
        assert level.step(-180.0)[:2] == (-70.0, -10.0)
    assert (level.floor_db, level.peak_db) == before


def test_rows_cover_the_sound_and_what_is_ahead() -> None:
    for count in (0, 1, 320, 321, 5000):
        features = EngineFeatures()
        rows = [features.push(burst()[:count]), features.finish(ahead=1)]
        assert np.concatenate(rows).shape == (-(-count // 320) + 1, WIDTH)
