"""The measures, on curves whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.evaluate.closure import BILABIALS, VOWELS, extremes, opening
from rhapsode.evaluate.measures import (
    channel_correlations,
    correlation,
    jitter,
    lag,
    leak,
    pooled_correlation,
    spread,
)
from rhapsode.performance import Float32, Span, as_float32
from rhapsode.rigs import ARKIT


def wave(count: int = 400) -> Float32:
    return as_float32(np.convolve(np.random.default_rng(0).standard_normal(count + 20), np.ones(21), "valid"))


def test_correlation_ignores_gain_and_offset() -> None:
    assert correlation(wave(), 3 * wave() - 1) == pytest.approx(1)
    assert correlation(wave(), -wave()) == pytest.approx(-1)
    assert np.isnan(correlation(wave(), np.zeros(400, np.float32)))


def test_channels_that_stand_still_are_left_out() -> None:
    still = np.stack([wave(), np.ones(400, np.float32)], axis=1)
    assert channel_correlations(still, still, ("a", "b")) == {"a": pytest.approx(1)}


def test_pooled_correlation_cuts_to_the_shorter() -> None:
    assert pooled_correlation([(wave(), wave()[:100]), (wave()[:50], wave())]) == pytest.approx(1)


@pytest.mark.parametrize("frames", [-7, 0, 3])
def test_lag_is_found(frames: int) -> None:
    assert lag(np.roll(wave(), frames), wave(), most=10) == frames


def test_jitter_tells_smooth_from_rough() -> None:
    rough = as_float32(np.random.default_rng(1).standard_normal(400))
    assert jitter(as_float32(np.sin(np.arange(400) / 20))) < 0.1
    assert jitter(rough) > 1


def test_spread_and_leak() -> None:
    assert spread(as_float32(np.linspace(0, 1, 101)))["p95"] == pytest.approx(0.95)
    assert leak(as_float32([1, 0, 0.5]), settle=1) == {"mean": pytest.approx(0.25), "max": pytest.approx(0.5)}


def test_opening_counts_jaw_and_lips_less_what_closes() -> None:
    frames = np.zeros((2, 52), np.float32)
    frames[:, ARKIT.index("jawOpen")] = 0.4
    frames[1, ARKIT.index("mouthClose")] = 0.5
    assert opening(frames).tolist() == pytest.approx([0.4, 0])


def test_extremes_give_a_vowel_its_middle_and_a_consonant_its_neighbours() -> None:
    curve = as_float32([5, 0, 1, 2, 3, 0, 5])
    phones = [Span("p", 0.02, 0.1)]
    assert extremes(curve, phones, BILABIALS, lowest=False).tolist() == [5]
    phones = [Span("ɑ", 0.02, 0.1)]
    assert extremes(curve, phones, VOWELS, lowest=True).tolist() == [1]
