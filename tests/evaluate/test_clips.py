"""Filmed clips whose sound is apart from the picture, on a mouth that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhapsode.evaluate.cost import speech_like
from rhapsode.evaluate.material import VIDEO, FilmedTake, Material, filmed
from rhapsode.evaluate.takes import followed
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT
from tests.evaluate.faces import still

FPS, SECONDS = 29.97, 4.0
APART_MS = (90, -60)
"""How much later than the picture each clip's sound comes."""


def jaw(at: np.ndarray) -> np.ndarray:
    """Return how far a mouth is open at so many seconds."""
    return np.asarray(0.2 + 0.1 * np.sin(9 * at) + 0.06 * np.sin(14.3 * at + 1) + 0.03 * np.sin(3.1 * at))


def mouth(y: Float32) -> Float32:
    frames = still(y)
    frames[:, ARKIT.index("jawOpen")] = jaw(np.arange(len(frames)) / 50)
    return frames


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Clips as the recipe writes them: heads held differently, a face lost for two video frames."""
    folder = tmp_path / VIDEO
    folder.mkdir()
    for k, apart in enumerate(APART_MS):
        true = jaw(np.arange(int(SECONDS * FPS)) / FPS + apart / 1000)
        opening = 0.3 * true
        opening[10 : 12 if k == 0 else 10] = np.nan
        chin = -true
        np.savez(folder / f"clip_{k}.npz", opening=opening, jaw=true + k, chin=chin, fps=FPS)
        soundfile.write(folder / f"clip_{k}.flac", speech_like(SECONDS), 16_000)
    return tmp_path


def test_each_clip_is_moved_by_its_own_lag(data: Path) -> None:
    clips = filmed(data)[VIDEO]
    found = followed(clips, mouth)
    assert [found[f"lag_ms_clip_{k}"] for k in range(2)] == pytest.approx(APART_MS, abs=10)
    assert found["opening_correlation_at_lag"] > 0.98
    assert found["jaw_correlation_at_lag"] == pytest.approx(1, abs=0.01)
    assert found["chin_correlation_speech_at_lag"] == pytest.approx(-1, abs=0.01)
    assert found["jaw_correlation"] < 0.8


def test_energy_lags_are_not_the_faces_own(data: Path) -> None:
    clips = filmed(data)[VIDEO]
    found = followed(clips, mouth)
    assert found["opening_correlation_at_energy_lag"] < found["opening_correlation_at_lag"]


def test_a_quick_run_keeps_every_clip(data: Path) -> None:
    clips: list[FilmedTake] = filmed(data)[VIDEO] * 3
    assert len(Material({}, {VIDEO: clips}).some().takes[VIDEO]) == 6


def test_no_clips_no_table(tmp_path: Path) -> None:
    assert VIDEO not in filmed(tmp_path)


def test_another_mouth_does_not_follow(data: Path) -> None:
    def other(y: Float32) -> Float32:
        frames = still(y)
        frames[:, ARKIT.index("jawOpen")] = 0.2 + 0.1 * np.sin(21.7 * np.arange(len(frames)) / 50)
        return frames

    assert followed(filmed(data)[VIDEO], other)["opening_correlation_at_lag"] < 0.5
