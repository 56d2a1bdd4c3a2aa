"""What an engine heard travels with the performance, and is what viseme files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rhapsode as rh
from rhapsode.face.engine_frames import HEARD, VISEMES
from rhapsode.performance import Curves, Performance, Sound


@pytest.fixture(scope="module")
def take() -> Performance:
    t = np.arange(24_000) / 16_000
    y = 0.2 * np.sin(2 * np.pi * 150 * t) * (np.sin(2 * np.pi * 3 * t) > 0)
    return rh.animate(Sound(y.astype(np.float32), 16_000))


def test_a_performance_knows_what_was_heard(take: Performance) -> None:
    assert take.heard is not None
    assert take.heard.names == HEARD
    assert len(take.heard) == len(take.face)
    assert take.heard.values[:, : len(VISEMES)].sum(axis=1) == pytest.approx(1, abs=1e-4)
    part = take.slice_s(0.5, 1.0).resample(60)
    assert part.heard is not None
    assert len(part.heard) == len(part.face)


def test_it_is_kept_without_loss(take: Performance, tmp_path: Path) -> None:
    again = Performance.load(take.save(tmp_path / "take.npz"))
    assert take.heard is not None
    assert again.heard is not None
    assert np.array_equal(again.heard.values, take.heard.values)
    assert again.heard.names == take.heard.names


def test_viseme_files_hold_the_visemes_that_were_heard(take: Performance, tmp_path: Path) -> None:
    again = Performance.load(take.save(tmp_path / "take.npz", rig="oculus"))
    assert take.heard is not None
    assert again.face.names == VISEMES
    assert np.allclose(again.face.values, take.heard.values[:, : len(VISEMES)], atol=1e-6)


def test_without_them_the_face_tells(take: Performance, tmp_path: Path) -> None:
    mute = Performance(Curves(take.face.names, take.face.values), take.sound)
    again = Performance.load(mute.save(tmp_path / "take.npz", rig="oculus"))
    assert again.face.names == VISEMES
    assert again.heard is None
