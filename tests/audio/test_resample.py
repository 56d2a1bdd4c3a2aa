"""Resampling: whole equals streamed to the bit, exact lengths, no shift in time, no images."""

import math

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.audio.resample import QUALITIES, Quality, Resampler, resample, worst_lag_s
from rhapsode.errors import SettingError
from tests.sounds import chunked

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 48_000, 96_000, 192_000)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def streamed(
    y: np.ndarray, source: int, target: int, size: int | None, quality: Quality = "live"
) -> np.ndarray:
    stream = Resampler(source, target, quality)
    return np.concatenate([*(stream.push(part) for part in chunked(y, size)), stream.finish()])


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("size", [1, 7, 160, 961, None])
def test_streamed_equals_whole_to_the_bit(source, size):
    y = noise(2_003 if size == 1 else 20_011)
    np.testing.assert_array_equal(streamed(y, source, 16_000, size), resample(y, source, 16_000))


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("target", [16_000, 48_000])
def test_every_quality_streams_to_the_bit(quality, target):
    y = noise(30_011)
    np.testing.assert_array_equal(
        streamed(y, 44_100, target, None, quality), resample(y, 44_100, target, quality)
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 3000),
    st.sampled_from(RATES),
    st.sampled_from((8_000, 16_000, 24_000)),
    st.sampled_from(QUALITIES),
)
def test_the_length_is_exact(samples, source, target, quality):
    assert len(resample(noise(samples), source, target, quality)) == math.ceil(samples * target / source)


@pytest.mark.parametrize("quality", ["HQ", "VHQ"])
def test_soxr_is_what_soxr_gives_for_a_whole_file(quality):
    y = noise(44_137)
    ours, theirs = resample(y, 44_100, 16_000, quality), soxr.resample(y, 44_100, 16_000, quality)
    assert 0 <= len(ours) - len(theirs) <= 1
    np.testing.assert_array_equal(ours[: len(theirs)], theirs)


@pytest.mark.parametrize("source", [22_050, 44_100, 48_000, 96_000])
def test_the_live_filter_agrees_with_soxr_below_6_khz(source):
    t = np.arange(source) / source
    y = sum(np.sin(2 * np.pi * f * t + f) for f in (90, 440, 1700, 3900, 6000)).astype(np.float32)
    ours, best = resample(y, source, 16_000), soxr.resample(y, source, 16_000, "VHQ")
    # Measured worst case 5e-4 of a sum of five full-scale tones, away from the ends.
    np.testing.assert_allclose(ours[400:15_600], best[400:15_600], atol=2e-3)


@pytest.mark.parametrize("source", [24_000, 44_100, 48_000, 96_000])
def test_what_16_khz_cannot_hold_is_gone(source):
    t = np.arange(source) / source
    for f in (8_400, 9_500, 11_000):
        left = resample(np.sin(2 * np.pi * f * t).astype(np.float32), source, 16_000)[200:-200]
        assert 20 * np.log10(np.sqrt(np.mean(left**2)) + 1e-12) < -80


@pytest.mark.parametrize("source", [8_000, 44_100, 48_000])
def test_a_constant_stays_itself(source):
    np.testing.assert_allclose(
        resample(np.full(source, 0.25, np.float32), source, 16_000)[200:-200], 0.25, atol=1e-6
    )


@pytest.mark.parametrize("source", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("quality", QUALITIES)
def test_the_output_never_falls_behind_more_than_the_lag(source, quality):
    stream = Resampler(source, 16_000, quality)
    step, given_samples, out, worst = max(source // 500, 1), 0, 0, 0.0
    for _ in range(400):
        out += len(stream.push(np.zeros(step, np.float32)))
        given_samples += step
        worst = max(worst, given_samples / source - out / 16_000)
    assert worst <= stream.lag_s + 1e-9
    assert stream.lag_samples == math.ceil(stream.lag_s * 16_000 - 1e-9)


def test_the_documented_lags():
    assert worst_lag_s(48_000, 16_000) == pytest.approx(0.002)
    assert worst_lag_s(44_100, 16_000) == pytest.approx(0.002, abs=5e-5)
    expected = {"QQ": 0, "LQ": 20, "MQ": 38, "HQ": 37, "VHQ": 77}
    assert {q: round(1000 * worst_lag_s(48_000, 16_000, q)) for q in expected} == expected  # type: ignore[arg-type]
    assert worst_lag_s(16_000, 16_000) == 0


@pytest.mark.parametrize("source", [44_100, 48_000])
def test_the_future_beyond_the_lag_changes_nothing(source):
    y, k = noise(source), source // 2
    changed = np.concatenate([y[:k], -5 * y[k:]])
    safe = math.floor((k / source - worst_lag_s(source, 16_000)) * 16_000)
    np.testing.assert_array_equal(
        resample(y, source, 16_000)[:safe], resample(changed, source, 16_000)[:safe]
    )


def test_equal_rates_pass_through_untouched():
    y = noise(1234)
    np.testing.assert_array_equal(streamed(y, 16_000, 16_000, 7), y)


@pytest.mark.parametrize("size", [1, 7, 961])
def test_channels_are_averaged_the_same_however_cut(size):
    y = np.random.default_rng(1).standard_normal((5_000, 8)).astype(np.float32)
    parts = [y[i : i + size] for i in range(0, len(y), size)]
    stream = Resampler(96_000, 16_000)
    got = np.concatenate([*(stream.push(part) for part in parts), stream.finish()])
    np.testing.assert_array_equal(got, resample(y, 96_000, 16_000))
    np.testing.assert_allclose(got, resample(y.mean(axis=1), 96_000, 16_000), atol=1e-6)


@pytest.mark.parametrize(("source", "target"), [(0, 16_000), (-1, 16_000), (44_100.5, 16_000), (48_000, 0)])
def test_rates_are_checked(source, target):
    with pytest.raises(SettingError, match=r"positive whole number of Hz, got .*; try 48000"):
        Resampler(source, target)


def test_the_quality_is_checked():
    with pytest.raises(SettingError, match="must be one of live, QQ, LQ, MQ, HQ, VHQ, got 'best'"):
        Resampler(48_000, 16_000, "best")  # type: ignore[arg-type]
