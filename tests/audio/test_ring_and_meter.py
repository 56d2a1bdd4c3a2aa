"""Ring buffer against a plain list; level meter against known sounds and itself in other cuts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.audio.levels import check_finite, downmix
from rhapsode.audio.meter import FLOOR_DBFS, LevelMeter, dbfs
from rhapsode.audio.ring import RingBuffer
from rhapsode.errors import AudioError
from tests.sounds import chunked, speechlike


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 30), st.lists(st.integers(0, 45), max_size=12), st.integers(1, 3))
def test_the_ring_holds_the_latest_samples(capacity, sizes, channels):
    ring, every, lost = RingBuffer(capacity, channels=channels), np.zeros((0, channels), np.float32), 0
    for size in sizes:
        fresh = (
            np.arange(len(every), len(every) + size, dtype=np.float32)[:, None] + np.arange(channels) / 10
        ).astype(np.float32)
        held = len(ring)
        lost += ring.push(fresh)
        every = np.concatenate([every, fresh])
        assert len(ring) == min(len(every), capacity)
        assert len(ring) <= held + size
    assert (ring.begin, ring.end) == (max(len(every) - capacity, 0), len(every))
    expected = every[ring.begin :].astype(np.float32)
    np.testing.assert_array_equal(
        ring.read(ring.begin, ring.end), expected[:, 0] if channels == 1 else expected
    )
    assert lost <= ring.begin


def test_positions_never_shift():
    ring = RingBuffer(4)
    assert ring.push(np.arange(6, dtype=np.float32)) == 0
    assert ring.push(np.array([6.0], np.float32)) == 1
    assert ring.read(4, 6).tolist() == [4, 5]
    assert ring.latest(2).tolist() == [5, 6]
    assert ring.latest(99).tolist() == [3, 4, 5, 6]


def test_a_ring_that_refuses_loses_nothing():
    ring = RingBuffer(4, policy="refuse")
    ring.push(np.arange(3, dtype=np.float32))
    with pytest.raises(BufferError, match="of 4 samples holds 3, got 2 more; release"):
        ring.push(np.zeros(2, np.float32))
    assert ring.read(0, 3).tolist() == [0, 1, 2]
    ring.release(2)
    ring.push(np.array([3, 4], np.float32))
    assert ring.read(2, 5).tolist() == [2, 3, 4]


@pytest.mark.parametrize(("begin", "end"), [(0, 2), (5, 7), (4, 3), (-1, 3)])
def test_what_is_not_held_is_refused(begin, end):
    ring = RingBuffer(4)
    ring.push(np.arange(6, dtype=np.float32))
    with pytest.raises(IndexError, match="2:6 are held"):
        ring.read(begin, end)


def test_a_full_scale_sine():
    t = np.arange(48_000) / 48_000
    level = LevelMeter(48_000).push(np.sin(2 * np.pi * 1000 * t).astype(np.float32))
    assert level.rms_dbfs == pytest.approx(-3.01, abs=0.05)
    assert level.peak_dbfs == pytest.approx(0, abs=0.01)


def test_silence_reads_the_floor_and_the_peak_falls_at_its_pace():
    meter = LevelMeter(16_000, fall_db_per_s=20)
    assert meter.push(np.zeros(100, np.float32)).rms_dbfs == FLOOR_DBFS
    meter.push(np.ones(1, np.float32))
    assert meter.push(np.zeros(16_000, np.float32)).peak_dbfs == pytest.approx(-20, abs=1e-6)


@pytest.mark.parametrize("size", [1, 7, 160, 961, None])
def test_the_meter_reads_the_same_however_cut(size):
    y = speechlike(0.5)
    whole, cut = LevelMeter(16_000), LevelMeter(16_000)
    whole.push(y)
    for part in chunked(y, size):
        cut.push(part)
    assert cut.level.rms_dbfs == pytest.approx(whole.level.rms_dbfs, abs=1e-9)
    assert cut.level.peak_dbfs == pytest.approx(whole.level.peak_dbfs, abs=1e-9)
    assert LevelMeter(16_000).push(y[:0]).rms_dbfs == FLOOR_DBFS


def test_decibels():
    assert dbfs(1.0) == 0
    assert dbfs(0.0) == FLOOR_DBFS
    assert dbfs(10.0) == pytest.approx(20)


@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_a_mean_of_channels(shape):
    y = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    np.testing.assert_allclose(downmix(y), y.reshape(50, -1).mean(axis=1), atol=1e-6)


def test_finite_samples_pass_even_where_their_squares_overflow():
    check_finite(np.full((10, 2), 3e38, np.float32))
    check_finite(np.zeros(0, np.float32))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_samples_that_are_no_numbers(bad):
    y = np.zeros((100, 2), np.float32)
    y[40, 1] = y[60, 0] = bad
    with pytest.raises(
        AudioError,
        match=r"^the sound: 2 samples are not finite \(NaN or infinite\), the first at sample 40; ",
    ):
        check_finite(y)
    with pytest.raises(
        AudioError, match=r"^the microphone: 2 samples .* the first at 1\.040 s; expected numbers; "
    ):
        check_finite(y, sample_rate=1000, first_sample=1000, what="the microphone")
