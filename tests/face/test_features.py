"""Log-mel and LPC image: the stream equals the whole, windows lie where they are said to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.face.features import (
    AHEAD,
    HOP_LENGTH,
    LogMelStream,
    LpcImageStream,
    log_mel,
    lpc_image,
    mel_filters,
)
from rhapsode.face.features_lpc import HALF, ORDER, SUB_HOP, SUB_LENGTH, linear_prediction
from rhapsode.performance import Float32, as_float32

CHUNKS = (1, 7, 160, 961)


def sound(count: int, seed: int = 0) -> Float32:
    rng = np.random.default_rng(seed)
    swell = 0.5 - 0.5 * np.cos(np.arange(count) / 900)
    return as_float32(rng.standard_normal(count) * 0.1 * swell)


def cut(y: Float32, sizes: Iterator[int]) -> Iterator[Float32]:
    at = 0
    while at < len(y):
        size = next(sizes)
        yield y[at : at + size]
        at += size


def streamed(stream: LogMelStream | LpcImageStream, y: Float32, sizes: Iterator[int]) -> Float32:
    return np.concatenate([*(stream.push(chunk) for chunk in cut(y, sizes)), stream.finish()])


def forever(size: int) -> Iterator[int]:
    while True:
        yield size


def random_sizes(seed: int) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    while True:
        yield int(rng.integers(0, 1500))


@pytest.mark.parametrize("chunk", CHUNKS)
def test_log_mel_streamed_equals_whole(chunk: int) -> None:
    y = sound(9_999)
    assert np.array_equal(streamed(LogMelStream(), y, forever(chunk)), log_mel(y))


@pytest.mark.parametrize("chunk", CHUNKS)
def test_lpc_image_streamed_equals_whole(chunk: int) -> None:
    y = sound(12_345)
    assert np.array_equal(streamed(LpcImageStream(), y, forever(chunk)), lpc_image(y))


@settings(max_examples=20, deadline=None)
@given(count=st.integers(0, 9000), seed=st.integers(0, 99), rate=st.sampled_from([25, 29.97, 30, 50, 60]))
def test_random_chunks_and_rates(count: int, seed: int, rate: float) -> None:
    y = sound(count, seed)
    assert np.array_equal(streamed(LogMelStream(), y, random_sizes(seed)), log_mel(y))
    whole = lpc_image(y, rate=rate)
    assert np.array_equal(streamed(LpcImageStream(rate=rate), y, random_sizes(seed)), whole)
    assert whole.shape[1:] == (32, 64)


@pytest.mark.parametrize(("count", "frames"), [(0, 0), (1, 1), (160, 1), (161, 2), (16_000, 100)])
def test_log_mel_covers_the_sound(count: int, frames: int) -> None:
    assert log_mel(sound(count)).shape == (frames, 80)


@pytest.mark.parametrize(("count", "frames"), [(0, 0), (1, 1), (533, 1), (534, 2), (16_000, 30)])
def test_lpc_image_covers_the_sound(count: int, frames: int) -> None:
    assert len(lpc_image(sound(count))) == frames


def first_change(feature: Callable[[Float32], Float32], sample: int) -> int:
    """Return the first feature frame that changes when everything from ``sample`` on does."""
    y = sound(16_000)
    other = y.copy()
    other[sample:] = 0.3
    changed = np.abs(feature(y) - feature(other)).reshape(len(feature(y)), -1).max(axis=1) > 0
    return int(np.flatnonzero(changed)[0])


@pytest.mark.parametrize("sample", [3200, 3201, 3333])
def test_log_mel_sees_exactly_to_its_declared_end(sample: int) -> None:
    assert first_change(log_mel, sample) == (sample - AHEAD) // HOP_LENGTH + 1


def test_lpc_image_sees_exactly_half_a_window_ahead() -> None:
    for sample in (8000, 8001, 9000):
        frame = first_change(lpc_image, sample)
        assert 16_000 * frame // 30 + HALF > sample
        assert 16_000 * (frame - 1) // 30 + HALF <= sample + 1  # the Hann window's last weight is 0


def test_log_mel_of_a_tone_peaks_in_its_band_at_0_db() -> None:
    t = np.arange(16_000) / 16_000
    for hz in (200, 1000, 4000):
        bands = log_mel(as_float32(np.sin(2 * np.pi * hz * t)))[50]
        centre = mel_filters().argmax(axis=1)[round(hz / 31.25)]
        assert abs(int(bands.argmax()) - centre) <= 1
        assert -3 < bands.max() < 1


def test_digital_silence_is_the_floor() -> None:
    assert log_mel(np.zeros(800, np.float32)) == pytest.approx(-180)
    image = lpc_image(np.zeros(800, np.float32))
    assert (image[:, 0] == 1).all()
    assert (image[:, 1:] == 0).all()


def test_every_mel_filter_holds_a_bin() -> None:
    assert mel_filters().sum(axis=0).min() > 0.5


def test_linear_prediction_solves_the_normal_equations() -> None:
    """Worst difference from a dense solve over 20 noisy windows: 1e-6."""
    windows = np.random.default_rng(3).standard_normal((20, SUB_LENGTH)) * np.hanning(SUB_LENGTH)
    for window, made in zip(windows, linear_prediction(windows), strict=True):
        lags = np.correlate(window, window, "full")[SUB_LENGTH - 1 :][: ORDER + 1]
        lags[0] *= 1 + 1e-9
        matrix = lags[np.abs(np.subtract.outer(np.arange(ORDER), np.arange(ORDER)))]
        solved = np.linalg.solve(matrix, -lags[1:])
        assert made == pytest.approx(np.concatenate([[1], solved])[:ORDER], abs=1e-5)


def test_lpc_sub_frames_lie_128_samples_apart() -> None:
    y = sound(16_000)
    image = lpc_image(y)[15]
    begin = 8000 - HALF + 40 * SUB_HOP
    window = y[begin : begin + SUB_LENGTH] * np.hanning(SUB_LENGTH)
    assert image[:, 40] == pytest.approx(linear_prediction(window[None])[0], abs=1e-6)
