"""The whole chain: any cut gives the same face, and the future beyond the look-ahead changes nothing."""

from functools import cache

import numpy as np
import pytest

import rhapsode as rh
from rhapsode.errors import SettingError
from rhapsode.performance import HOP, Float32, join
from rhapsode.rigs import FACE
from tests.sounds import chunked, speechlike

RATES = (16_000, 48_000, 44_100)


@cache
def whole(sample_rate: int) -> Float32:
    return rh.animate(rh.Sound(speechlike(2.5, sample_rate=sample_rate), sample_rate), seed=3).face.values


def streamed(chunks: list[Float32], sample_rate: int, **settings) -> Float32:
    face = rh.FaceStream(sample_rate, direction=rh.Direction(seed=3, **settings))
    return join([*(face.push(chunk) for chunk in chunks), face.finish()]).values


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("size", [7, 160, 961, None])
def test_streamed_equals_whole(sample_rate, size):
    y = speechlike(2.5, sample_rate=sample_rate)
    # Measured worst case 4e-7: resampling sums in another order for other lengths.
    np.testing.assert_allclose(streamed(chunked(y, size), sample_rate), whole(sample_rate), atol=1e-5)


def test_single_samples_equal_whole():
    y = speechlike(0.3)
    np.testing.assert_allclose(streamed(chunked(y, 1), 16_000), streamed([y], 16_000), atol=1e-5)


@pytest.mark.parametrize("samples", [1, 160, 319, 320, 321, 640, 16_000, 16_001])
def test_a_sound_has_one_curve_frame_for_every_hop_begun(samples):
    assert len(streamed([speechlike(2)[:samples]], 16_000)) == -(-samples // HOP)


def test_the_future_beyond_the_look_ahead_changes_nothing():
    y, other = speechlike(2), speechlike(2, seed=9)
    face = rh.FaceStream(16_000)
    assert face.look_ahead_samples <= 640
    for k in (20, 47, 73):
        horizon = HOP * k + face.look_ahead_samples
        changed = np.concatenate([y[:horizon], 3 * other[horizon:]])
        same, now = streamed([y], 16_000)[: k + 1], streamed([changed], 16_000)[: k + 1]
        np.testing.assert_array_equal(same, now)


def test_curve_frames_carry_their_sample_index():
    frames = list(rh.stream(chunked(speechlike(0.5, sample_rate=48_000), 960), sample_rate=48_000))
    assert [frame.sample_index for frame in frames] == [HOP * k for k in range(25)]
    assert frames[10]["jawOpen"] == frames[10].values[FACE.index("jawOpen")]
    assert frames[10].time_s == pytest.approx(0.2)


def test_a_curve_frame_comes_as_soon_as_its_look_ahead_is_there():
    y, face = speechlike(1), rh.FaceStream(16_000)
    made = 0
    for k, chunk in enumerate(chunked(y, HOP), start=1):
        made += len(face.push(chunk))
        heard = k * HOP
        assert made >= (heard - face.look_ahead_samples) // HOP + (heard >= face.look_ahead_samples)


def test_the_same_seed_gives_the_same_face_and_another_another():
    y = speechlike(3)
    assert np.array_equal(
        rh.animate(rh.Sound(y, 16_000), seed=1).face.values,
        rh.animate(rh.Sound(y, 16_000), seed=1).face.values,
    )
    assert not np.array_equal(
        rh.animate(rh.Sound(y, 16_000), seed=1).face.values,
        rh.animate(rh.Sound(y, 16_000), seed=2).face.values,
    )


def test_silence_is_a_resting_living_face():
    face = rh.animate(rh.Sound(np.zeros(16_000 * 12, np.float32), 16_000)).face
    assert face["jawOpen"].mean() <= 0.03
    assert face["eyeBlinkLeft"].max() > 0.8, "it blinks"
    assert np.abs(np.diff(face["headYaw"])).max() > 0, "it moves"


def test_steady_noise_at_minus_50_dbfs_keeps_the_mouth_at_rest():
    noise = 10 ** (-50 / 20) * np.random.default_rng(0).standard_normal(16_000 * 8).astype(np.float32)
    assert rh.animate(rh.Sound(noise, 16_000)).face["jawOpen"].mean() <= 0.03


def test_loudness_does_not_change_the_mouth():
    y = speechlike(4)
    loud, quiet = (rh.animate(rh.Sound(gain * y, 16_000), seed=0).face["jawOpen"] for gain in (1.0, 0.05))
    assert np.corrcoef(loud[50:], quiet[50:])[0, 1] > 0.95
    assert 0.6 < quiet[50:].std() / loud[50:].std() < 1.6


def test_values_stay_in_range():
    values = rh.animate(rh.Sound(speechlike(6, seed=4), 16_000), style="cartoon", strength=2).face
    weights = values.values[:, :52]
    assert np.isfinite(values.values).all()
    assert weights.min() >= 0
    assert weights.max() <= 1


def test_samples_that_are_no_numbers_are_refused():
    y = speechlike(1)
    y[4000] = np.nan
    with pytest.raises(rh.AudioError, match="finite"):
        rh.animate(rh.Sound(y, 16_000))


def test_settings_are_checked():
    with pytest.raises(rh.SettingError, match="style must be one of"):
        rh.Direction(style="angry")
    with pytest.raises(rh.SettingError, match="strength must lie"):
        rh.Direction(strength=3)


def test_a_performer_changes_the_mouth():
    sound = rh.Sound(speechlike(2), 16_000)
    one, other = (rh.animate(sound, performer=name) for name in ("articulated", "grid"))
    assert abs(one.face["jawOpen"] - other.face["jawOpen"]).max() > 0.005
    with pytest.raises(SettingError, match="engine style must be one of natural"):
        rh.animate(sound, performer="nobody")
