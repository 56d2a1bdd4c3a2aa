"""Slicing and exact resampling: streamed equals whole, times stay true, joins give back the whole."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.errors import RigError, SettingError
from rhapsode.performance import (
    CLOCK_HZ,
    CurveResampler,
    Curves,
    Motion,
    Performance,
    Sound,
    Span,
    Words,
    as_rate,
    join,
)

RATES = st.sampled_from(
    [Fraction(n) for n in (1, 24, 25, 30, 48, 50, 60, 90, 100, 120)] + [as_rate(29.97), as_rate("23.976")]
)


def curves(
    frames: int, *, rate: Fraction = Fraction(50), start: Fraction = Fraction(0), seed: int = 0
) -> Curves:
    values = np.random.default_rng(seed).uniform(0, 1, (frames, 3)).astype(np.float32)
    return Curves(("a", "b", "c"), values, rate, start)


@pytest.mark.parametrize(
    ("given_rate", "exact"),
    [
        (50, Fraction(50)),
        ("60", Fraction(60)),
        (29.97, Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (Fraction(30000, 1001), Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_rates_are_exact(given_rate, exact):
    assert as_rate(given_rate) == exact


@pytest.mark.parametrize("wrong", [0, -1, "fast", float("nan"), float("inf"), 10_001, None, "1/0"])
def test_rates_that_cannot_be(wrong):
    with pytest.raises(
        SettingError, match=r"frame rate must lie in \(0, 10000\] frames per second, got .*; try 30, 50 or 60"
    ):
        as_rate(wrong)


@settings(max_examples=120, deadline=None)
@given(st.integers(1, 80), RATES, RATES, st.integers(0, 100_000), st.data())
def test_streamed_resampling_equals_whole_to_the_bit(frames, old, new, start, data):
    whole = curves(frames, rate=old, start=Fraction(start, 3))
    cuts = sorted(data.draw(st.lists(st.integers(0, frames), max_size=6)))
    stream, made = CurveResampler(new), []
    for begin, end in zip([0, *cuts], [*cuts, frames], strict=True):
        made.append(stream.push(whole.frames(begin, end)))
    made.append(stream.finish())
    got, expected = join([part for part in made if part is not None]), whole.resample(new)
    np.testing.assert_array_equal(got.values, expected.values)
    assert (got.rate, got.start) == (expected.rate, expected.start) == (new, whole.start)
    assert len(expected) == math.ceil(frames * new / old)
    position = 0
    for part in made:
        assert part is not None
        assert part.start == whole.start + position * CLOCK_HZ / new
        position += len(part)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), RATES, RATES)
def test_resampling_is_linear_interpolation_on_the_true_times(frames, old, new):
    whole = curves(frames, rate=old)
    got = whole.resample(new)
    for column in range(3):
        expected = np.interp(got.times_s, whole.times_s, whole.values[:, column].astype(np.float64))
        np.testing.assert_allclose(got.values[:, column], expected, atol=2e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 6))
def test_there_and_back_over_a_multiple_is_exact(frames, factor):
    whole = curves(frames)
    np.testing.assert_array_equal(whole.resample(50 * factor).values[::factor], whole.values)


def test_the_same_rate_changes_nothing():
    whole = curves(33, start=Fraction(7))
    np.testing.assert_array_equal(whole.resample(50).values, whole.values)


def test_a_long_stream_does_not_drift():
    stream, frames = CurveResampler("29.97"), 50 * 60
    made = 0
    for minute in range(180):
        part = curves(frames, start=Fraction(minute * 60 * CLOCK_HZ))
        resampled = stream.push(part)
        assert resampled is not None
        made += len(resampled)
    tail = stream.finish()
    assert tail is not None
    assert made + len(tail) == math.ceil(180 * 60 * Fraction(30000, 1001))


def test_an_empty_stream():
    stream = CurveResampler(60)
    assert stream.finish() is None
    stream = CurveResampler(60)
    empty = stream.push(curves(0))
    assert empty is not None
    assert len(empty) == 0
    tail = stream.finish()
    assert tail is not None
    assert len(tail) == 0
    assert len(curves(0).resample(60)) == 0


@pytest.mark.parametrize(
    ("begin", "end"), [(0.1, 0.2), (0.06, 0.12), (0.3, 0.7), (1 / 3, 2 / 3), (0.29, 0.58), (0.0, 9.0)]
)
@pytest.mark.parametrize("rate", [50, 30, 60, 100])
def test_a_slice_takes_the_ticks_at_its_begin_and_not_at_its_end(begin, end, rate):
    whole = curves(100, rate=Fraction(rate))
    part = whole.slice_s(begin, end)
    inside = [k for k in range(100) if begin - 1e-9 <= k / rate < end - 1e-9]
    np.testing.assert_array_equal(part.values, whole.values[inside])
    assert part.start == Fraction(inside[0] * CLOCK_HZ, rate)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.integers(0, 50_000), st.lists(st.floats(0, 6), min_size=1, max_size=6))
def test_neighbouring_slices_join_to_the_whole(frames, start, cuts):
    first = Fraction(start)
    motion = Motion(
        ("hips",),
        np.zeros((frames, 1, 4), np.float32),
        np.arange(frames * 3, dtype=np.float32).reshape(-1, 3),
        Fraction(50),
        first,
    )
    sound = Sound(np.arange(frames * 441, dtype=np.float32), 22_050, first)
    whole = Performance(
        curves(frames, start=first), sound, motion=motion, emotion=curves(frames, start=first, seed=1)
    )
    edges = [-1.0, *sorted(cuts), 100.0]
    parts = [whole.slice_s(begin, end) for begin, end in pairwise(edges)]
    np.testing.assert_array_equal(join([part.face for part in parts]).values, whole.face.values)
    np.testing.assert_array_equal(
        np.concatenate([part.sound.samples for part in parts if part.sound]), sound.samples
    )
    np.testing.assert_array_equal(
        np.concatenate([part.motion.translation for part in parts if part.motion]), motion.translation
    )
    for part in parts:
        if len(part.face):
            index = int((part.face.start - first) / 320)
            np.testing.assert_array_equal(part.face.values[0], whole.face.values[index])
        if part.sound is not None and len(part.sound.samples):
            assert part.sound.samples[0, 0] == (part.sound.start - first) * 22_050 / CLOCK_HZ


def test_words_that_overlap_a_slice_belong_to_it():
    spoken = Words((Span("a", 0.0, 0.5), Span("b", 0.5, 1.0), Span("c", 1.0, 1.5)))
    assert [word.text for word in spoken.slice_s(0.6, 1.0).words] == ["b"]
    assert [word.text for word in spoken.slice_s(0.4, 1.1).words] == ["a", "b", "c"]


def test_frames_beyond_the_end_are_none():
    whole = curves(10)
    assert len(whole.frames(20)) == 0
    assert len(whole.frames(8, 99)) == 2
    assert whole.frames(4, 6).start == 4 * 320


def test_channels():
    whole = curves(4)
    assert "b" in whole
    np.testing.assert_array_equal(whole.select(("c", "a")).values, whole.values[:, [2, 0]])
    np.testing.assert_array_equal(whole.select(("a", "z"), fill=0.5)["z"], np.full(4, 0.5, np.float32))
    with pytest.raises(RigError, match=r"1 channels are missing \(z\); pass fill=0 to accept"):
        whole.select(("a", "z"))
    with pytest.raises(RigError, match="no channel 'z' among 3"):
        whole["z"]
    with pytest.raises(RigError, match=r"curves need values of shape \(T, 3\) for 3 names, got \(4, 2\)"):
        Curves(("a", "b", "c"), np.zeros((4, 2), np.float32))


def test_clock_positions_and_times():
    part = curves(5, rate=Fraction(30), start=Fraction(1600))
    assert [part.sample_index(k) for k in range(3)] == [1600, 2133, 2667]
    np.testing.assert_allclose(part.times_s, 0.1 + np.arange(5) / 30)
    assert part.duration_s == pytest.approx(5 / 30)


def test_sound_and_performance_durations():
    sound = Sound(np.zeros((24_000, 2), np.float32), 48_000)
    assert sound.duration_s == 0.5
    assert sound.mono().shape == (24_000,)
    assert Performance(curves(10), sound).duration_s == 0.5
    assert Performance(curves(100), sound).duration_s == 2.0
    resampled = Performance(curves(10), emotion=curves(10)).resample(100)
    assert resampled.emotion is not None
    assert len(resampled.face) == len(resampled.emotion) == 20
