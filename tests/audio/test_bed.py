"""A background under a voice: no seam, no click, no clipping, at its level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhapsode.audio.bed import FADE_S, Bed, limited, seamless
from rhapsode.errors import AudioError, SettingError
from rhapsode.performance import Float32
from rhapsode.server.samples import find_sample

RATE = 24_000


def noise(seconds: float, *, level: float = 0.1) -> Float32:
    y = np.random.default_rng(3).normal(0, level, round(seconds * RATE))
    return np.asarray(np.convolve(y, np.ones(16) / 4, "same"), np.float32)


def db(y: Float32) -> float:
    return float(10 * np.log10(np.mean(np.square(y)) + 1e-12))


def laid(bed: Bed, voice: Float32, *, step: int = 2400, of: int = 1) -> Float32:
    parts = range(0, len(voice), step)
    return np.concatenate(
        [bed.mix(voice[k : k + step], k, of=of, last=k + step >= len(voice)) for k in parts]
    )


def test_a_loop_has_no_seam_and_no_hole():
    t = np.arange(3 * RATE) / RATE
    rising = (np.sin(2 * np.pi * 220 * t) * (0.2 + 0.1 * t)).astype(np.float32)
    loop = seamless(rising, RATE)
    twice = np.concatenate([loop, loop])
    assert np.abs(np.diff(twice)).max() < 1.3 * np.abs(np.diff(rising)).max()
    even = seamless(noise(8), RATE)
    parts = [db(np.concatenate([even, even])[k : k + RATE // 2]) for k in range(0, 2 * len(even), RATE // 2)]
    assert max(parts) - min(parts) < 1.5


def test_it_lies_at_its_level_under_the_voice():
    voice = noise(12, level=0.2)
    bed = Bed(seamless(noise(5, level=0.01), RATE), RATE, db=-20)
    under = laid(bed, voice) - voice
    assert db(under[8 * RATE : 11 * RATE]) - db(voice) == pytest.approx(-20, abs=1.5)


def test_it_comes_and_goes_softly_and_runs_on_between():
    silent = np.zeros(2 * RATE, np.float32)
    bed = Bed(seamless(noise(5), RATE), RATE, db=-6)
    first = laid(bed, silent, of=1)
    assert np.abs(first[:50]).max() < 1e-4
    assert np.abs(first[-20:]).max() < 1e-3 * np.abs(first).max() * 20
    again = laid(bed, silent, of=2)
    assert np.abs(again[:50]).max() < 1e-4
    middle = slice(round(FADE_S * RATE), RATE)
    assert np.allclose(first[middle], again[middle], atol=1e-6), "the place decides what is heard"


def test_the_same_is_heard_however_the_sound_is_cut():
    silent = np.zeros(2 * RATE, np.float32)
    made = [laid(Bed(seamless(noise(5), RATE), RATE), silent, step=step)[:RATE] for step in (480, 2400)]
    assert np.abs(made[0] - made[1]).max() < 1e-6


def test_it_never_clips():
    voice = np.clip(noise(3, level=0.6), -1, 1)
    out = laid(Bed(seamless(noise(3), RATE), RATE, db=0), voice)
    assert np.abs(out).max() < 1
    soft = noise(1, level=0.1)
    assert np.array_equal(limited(soft), soft)


def test_a_file_is_read():
    bed = Bed.from_file(find_sample("moon").path, RATE, db=-12)
    assert db(laid(bed, np.zeros(4 * RATE, np.float32))) == pytest.approx(-34, abs=3)


def test_what_cannot_be_a_background_is_refused(tmp_path: Path):
    with pytest.raises(AudioError, match=r"none\.wav"):
        Bed.from_file(tmp_path / "none.wav", RATE)
    with pytest.raises(AudioError, match=r"1 s at the least, got 0\.10 s"):
        Bed(noise(0.1), RATE)
    with pytest.raises(AudioError, match="use another file"):
        Bed(np.zeros(3 * RATE, np.float32), RATE)
    with pytest.raises(SettingError, match=r"\[-60, 0\] decibels, got 3"):
        Bed(noise(3), RATE, db=3)
