"""Loudness, pitch, voicing and activity: parity, causality, and what they say about known sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rhapsode.audio.prosody import COLUMNS, LOOK_AHEAD, ProsodyStream, prosody
from rhapsode.errors import AudioError
from rhapsode.performance import HOP, Float32

RATE = 16_000
SPEECH = Path(__file__).parents[2].parent / "shared" / "data" / "speech"


def voice(seconds: float, f0_hz: float = 120.0, *, seed: int = 0, syllables_hz: float = 4.0) -> Float32:
    """Glottal pulses with a drifting pitch through two resonances, in syllables; peak about 0.5."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    f0 = f0_hz * (1 + 0.04 * np.sin(2 * np.pi * 0.7 * t))
    phase = np.cumsum(f0) / RATE
    pulses = np.diff(np.floor(phase), prepend=0.0) + 0.01 * rng.standard_normal(n)
    k = np.arange(400) / RATE
    impulse = np.exp(-k * 250) * (np.sin(2 * np.pi * 500 * k) + np.sin(2 * np.pi * 1500 * k))
    sound = np.convolve(pulses, impulse)[:n] * np.clip(0.05 + np.sin(np.pi * syllables_hz * t) ** 2, 0, 1)
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def noise(seconds: float, db: float, *, brown: bool = False, seed: int = 1) -> Float32:
    raw = np.random.default_rng(seed).standard_normal(int(seconds * RATE) + 64)
    shaped = np.convolve(raw, np.ones(24) / 24, "same") if brown else raw
    shaped = shaped[: int(seconds * RATE)]
    return np.asarray(shaped / shaped.std() * 10 ** (db / 20), np.float32)


def quiet(seconds: float) -> Float32:
    return np.zeros(int(seconds * RATE), np.float32)


def chunks(y: Float32, sizes: list[int]) -> Float32:
    """Push ``y`` in pieces whose sizes repeat ``sizes``."""
    stream, made, at, turn = ProsodyStream(), [], 0, 0
    while at < len(y):
        size = sizes[turn % len(sizes)]
        made.append(stream.push(y[at : at + size]))
        at, turn = at + size, turn + 1
    return np.concatenate([*made, stream.finish()])


@pytest.mark.parametrize("count", [0, 1, 319, 320, 321, 640, 5000])
def test_a_row_for_every_started_hop(count: int) -> None:
    made = prosody(np.full(count, 0.1, np.float32))
    assert made.shape == (-(-count // HOP), len(COLUMNS))
    assert made.dtype == np.float32


@pytest.mark.parametrize("sizes", [[1], [7], [160], [320], [961], [13, 2000, 1, 320, 0, 777]])
def test_chunks_equal_whole(sizes: list[int]) -> None:
    y = np.concatenate([quiet(0.2), voice(0.8 if sizes == [1] else 2.0), noise(0.4, -40)])
    np.testing.assert_allclose(chunks(y, sizes), prosody(y), atol=1e-5)


def test_the_future_beyond_the_look_ahead_does_not_matter() -> None:
    y = np.concatenate([voice(1.0), noise(1.0, -30)])
    for cut in (RATE // 2, RATE // 2 + 77):
        changed = y.copy()
        changed[cut:] = noise(2.0, -10, seed=5)[cut:]
        safe = (cut - LOOK_AHEAD) // HOP + 1
        np.testing.assert_array_equal(prosody(changed)[:safe], prosody(y)[:safe])
        assert np.any(prosody(changed)[safe : safe + 2] != prosody(y)[safe : safe + 2])


def test_a_push_gives_what_the_look_ahead_allows() -> None:
    assert len(ProsodyStream().push(np.zeros(5 * HOP + LOOK_AHEAD, np.float32))) == 6


@pytest.mark.parametrize("f0_hz", [75.0, 110.0, 160.0, 220.0, 300.0, 400.0])
def test_pitch_of_pulses(f0_hz: float) -> None:
    made = prosody(voice(2.0, f0_hz))
    strong = made[:, 2] > 0.6
    t = np.arange(len(made)) * HOP / RATE
    true = f0_hz * (1 + 0.04 * np.sin(2 * np.pi * 0.7 * t))
    assert strong.mean() > 0.6
    error = np.abs(made[strong, 1] / true[strong] - 1)
    assert np.mean(error < 0.03) > 0.95


def test_noise_has_no_pitch() -> None:
    made = prosody(np.concatenate([quiet(0.5), noise(3, -20)]))
    assert made[30:, 2].mean() < 0.05


def test_level_is_the_mean_square() -> None:
    t = np.arange(RATE) / RATE
    made = prosody((0.5 * np.sin(2 * np.pi * 200 * t)).astype(np.float32))
    np.testing.assert_allclose(made[5:-5, 0], 20 * np.log10(0.5 / np.sqrt(2)), atol=0.1)
    assert prosody(quiet(0.1))[0, 0] == pytest.approx(-100)


@pytest.mark.parametrize("gain_db", [0, -15, -34])
def test_activity_does_not_depend_on_level(gain_db: float) -> None:
    y = np.concatenate([quiet(0.6), voice(2), quiet(0.8), voice(1, 200), quiet(0.6)])
    base = prosody(y + noise(5, -75))[:, 3] > 0.5
    made = prosody((y + noise(5, -75)) * np.float32(10 ** (gain_db / 20)))[:, 3] > 0.5
    assert np.mean(made != base) < 0.03
    assert base[32:128].mean() > 0.97
    assert not base[5:28].any()


@pytest.mark.parametrize(
    ("db", "brown", "settle_s"), [(-50, False, 0.1), (-30, True, 0.4), (-20, False, 0.4)]
)
def test_steady_noise_is_not_speech(db: float, brown: bool, settle_s: float) -> None:
    activity = prosody(noise(8, db, brown=brown))[:, 3]
    assert np.mean(activity[int(settle_s * 50) :] > 0.2) < 0.01


def test_noise_that_starts_late_is_soon_given_up() -> None:
    activity = prosody(np.concatenate([quiet(2), noise(6, -40, brown=True)]))[:, 3]
    assert activity[200:].max() < 0.3


def test_speech_in_noise_is_found() -> None:
    y = np.concatenate([quiet(1.5), voice(2), quiet(1.5)])
    y = y * np.float32(10 ** (-14 / 20)) + noise(5, -45)
    activity = prosody(y)[:, 3] > 0.5
    assert activity[78:172].mean() > 0.8  # the gaps between syllables lie below the noise
    assert activity[185:].mean() < 0.02


def test_speech_at_the_first_sample_is_found() -> None:
    assert prosody(voice(1.0))[3:45, 3].mean() > 0.95


def test_activity_ends_soon_after_speech() -> None:
    made = prosody(np.concatenate([quiet(0.5), voice(1.125), quiet(1)]) + noise(2.625, -70))
    assert made[int(1.625 * 50) + 7 :, 3].max() == 0.0


def test_a_click_is_not_speech() -> None:
    y = noise(2, -70)
    y[RATE] += 0.5
    assert prosody(y)[:, 3].max() <= 0.7


@pytest.mark.parametrize(
    "bad", [np.zeros((10, 2), np.float32), np.array([0.0, np.nan]), np.array([np.inf, 0.0])]
)
def test_bad_sound_is_refused(bad: NDArray[np.float64]) -> None:
    with pytest.raises(AudioError, match="needs"):
        ProsodyStream().push(bad.astype(np.float32))


def test_a_finished_stream_takes_no_more() -> None:
    stream = ProsodyStream()
    stream.finish()
    assert len(stream.finish()) == 0
    with pytest.raises(AudioError, match="finished"):
        stream.push(quiet(0.1))


@pytest.mark.skipif(not SPEECH.is_dir(), reason="the speech recordings are not beside this checkout")
def test_real_speech() -> None:
    import soundfile

    for path in sorted(SPEECH.glob("*.flac")):
        y, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE
        made = prosody(y[: 6 * RATE])
        assert 0.4 < made[:, 3].mean() < 0.98
        voiced = made[made[:, 2] > 0.5, 1]
        assert 70 < np.median(voiced) < 330
        softer = prosody(y[: 6 * RATE] * np.float32(0.1))
        assert np.mean((softer[:, 3] > 0.5) != (made[:, 3] > 0.5)) < 0.05
