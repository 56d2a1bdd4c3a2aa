"""Takes of real faces, rest and cost, on faces whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhapsode.evaluate.cost import delay, real_time_factor, speech_like
from rhapsode.evaluate.faces import energy_mouth, face_of, raw_face, weights_of
from rhapsode.evaluate.material import FilmedTake
from rhapsode.evaluate.rest import gain_change, nobody, resting
from rhapsode.evaluate.takes import followed
from rhapsode.face.direction import Direction
from rhapsode.face.engines import load_engine
from rhapsode.performance import Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import lip_gap
from tests.evaluate.faces import still

SECONDS, FPS = 6.0, 25.0


def jaw(at: np.ndarray) -> np.ndarray:
    """Return how far a mouth is open at so many seconds."""
    return np.asarray(0.2 + 0.1 * np.sin(9 * at) + 0.06 * np.sin(14.3 * at + 1) + 0.03 * np.sin(3.1 * at))


def mouth(y: Float32, late_s: float = 0.0, scale: float = 1.0) -> Float32:
    frames = still(y)
    frames[:, ARKIT.index("jawOpen")] = scale * jaw(np.arange(len(frames)) / 50 - late_s)
    return frames


@pytest.fixture
def take(tmp_path: Path) -> FilmedTake:
    path = tmp_path / "take.wav"
    soundfile.write(path, speech_like(SECONDS), 16_000)
    true = jaw(np.arange(int(SECONDS * FPS)) / FPS)
    return FilmedTake(path, true, 0.3 * true, FPS)


def test_the_same_movement_follows_fully(take: FilmedTake) -> None:
    found = followed([take, take], mouth)
    assert found["takes"] == 2
    assert found["jaw_correlation"] == pytest.approx(1, abs=1e-4)
    assert found["opening_correlation"] == pytest.approx(1, abs=1e-3)
    assert found["jaw_lag_ms"] == pytest.approx(0, abs=1)
    assert found["jaw_reach"] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("late_ms", [-30, 40, 55])
def test_a_late_movement_is_that_late(take: FilmedTake, late_ms: int) -> None:
    found = followed([take], lambda y: mouth(y, late_ms / 1000, 0.5))
    assert found["jaw_lag_ms"] == pytest.approx(late_ms, abs=2)
    assert found["jaw_correlation"] < found["jaw_correlation_at_lag"]
    assert found["jaw_reach"] == pytest.approx(0.5, abs=0.03)


def test_a_face_follows_what_it_heard(take: FilmedTake) -> None:
    heard: list[float] = []

    def listening(y: Float32) -> Float32:
        heard.append(float(np.abs(y).max()))
        return mouth(y)

    followed([take], listening)
    followed([take], listening, condition=lambda y: y * np.float32(2))
    assert heard[1] == pytest.approx(2 * heard[0], rel=1e-5)


def test_rest_is_measured_in_every_sound() -> None:
    found = resting(lambda y: still(y, jawOpen=0.2), duration_s=1)
    assert set(found) == set(nobody(1))
    for measured in found.values():
        assert measured["jaw_mean"] == measured["jaw_max"] == pytest.approx(0.2)
        assert measured["jitter_mm"] == 0


def test_levels_of_white_noise_are_what_they_say() -> None:
    assert 20 * np.log10(nobody()["white_-40"].std()) == pytest.approx(-40, abs=0.1)
    assert not nobody(1)["silence"].any()


def test_a_face_that_goes_by_level_changes_with_it() -> None:
    def by_level(y: Float32) -> Float32:
        return still(y, jawOpen=float(np.abs(y).max()))

    found = gain_change(by_level, as_float32([0.1] * 640))
    assert found["-20_db"] == pytest.approx(0.09, abs=1e-4)


def test_the_energy_mouth_opens_with_the_sound_and_rests_without() -> None:
    y = np.concatenate([np.zeros(16_000, np.float32), speech_like(1.0), np.zeros(16_000, np.float32)])
    gap = lip_gap(energy_mouth(y))
    assert gap[:49].max() < 0.1
    assert gap[60:98].max() > 0.5
    assert gap[110:].max() < 0.1


def test_answers_may_be_weights_or_hold_them() -> None:
    class Answer:
        weights = np.ones((2, 52), np.float32)

    assert weights_of(Answer()).shape == weights_of(np.ones((2, 52), np.float32)).shape == (2, 52)


def test_shaped_and_raw_faces_have_a_curve_frame_per_20_ms() -> None:
    y = speech_like(0.51)
    assert face_of(Direction())(y).shape == raw_face(load_engine())(y).shape == (26, 52)


def test_the_way_of_cutting_changes_nothing() -> None:
    y = speech_like(1.0)
    whole = face_of(Direction(), chunk=len(y))(y)
    assert np.allclose(face_of(Direction(), chunk=700)(y), whole, atol=1e-5)


def test_cost_is_a_sum_of_what_is_measured() -> None:
    found = delay(Direction(), duration_s=0.4)
    assert found["look_ahead_ms"] >= 20
    assert found["in_all_p95_ms"] == pytest.approx(found["look_ahead_ms"] + 20 + found["chunk_p95_ms"])
    assert found["work_p50_ms"] <= found["work_p95_ms"]
    assert real_time_factor(mouth, duration_s=0.5) > 0
