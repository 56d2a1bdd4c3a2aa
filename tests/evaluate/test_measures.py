"""The measures, on curves whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.evaluate.measures import (
    channel_correlations,
    correlation,
    jitter,
    lagged,
    moving_mean,
    pooled_correlation,
)
from rhapsode.performance import Float32, as_float32


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


@pytest.mark.parametrize("late_s", [-0.14, -0.013, 0.0, 0.004, 0.037, 0.2])
def test_lag_is_found_between_curve_frames(late_s: float) -> None:
    t = as_float32(np.arange(600) / 50)

    def curve(at: Float32) -> Float32:
        return as_float32(np.sin(9 * at) + 0.5 * np.sin(14.3 * at + 1) + 0.7 * np.sin(3.1 * at))

    found = lagged([curve(as_float32(t - late_s))], [curve(t)])
    assert found.late_s == pytest.approx(late_s, abs=1e-3)
    assert found.best == pytest.approx(1, abs=3e-3)
    assert found.plain == pytest.approx(correlation(curve(as_float32(t - late_s)), curve(t)), abs=1e-6)


def test_lag_never_leaves_its_own_curve() -> None:
    pairs = [wave()[:100], wave()[100:200]], [wave()[3:103], wave()[103:203]]
    assert lagged(*pairs).late_s == pytest.approx(0.06, abs=0.01)


def test_what_stands_still_has_no_lag() -> None:
    found = lagged([np.ones(50, np.float32)], [wave()[:50]])
    assert np.isnan(found.plain)
    assert np.isnan(found.late_s)
    assert np.isnan(lagged([], []).plain)


def test_a_moving_mean_keeps_its_place() -> None:
    curve = np.zeros(21, np.float32)
    curve[10] = 15
    assert moving_mean(curve, 15).tolist() == [0] * 3 + [1] * 15 + [0] * 3
    assert moving_mean(np.ones(4, np.float32), 15).tolist() == [1] * 4


def test_jitter_tells_smooth_from_rough() -> None:
    rough = as_float32(np.random.default_rng(1).standard_normal(400))
    assert jitter(as_float32(np.sin(np.arange(400) / 20))) < 0.1
    assert jitter(rough) > 1
