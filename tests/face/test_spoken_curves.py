"""Curves of a voice stand in the engine's place where they are known, and join it softly where they end."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.spoken_curves import FADE, LIDS_S, FacedWords, SpokenCurves
from rhapsode.face.stream import FaceStream
from rhapsode.performance import CLOCK_HZ, Curves, Float32, Words
from rhapsode.rigs import ARKIT, FACE

JAW, BLINK = ARKIT.index("jawOpen"), ARKIT.index("eyeBlinkLeft")
OPEN = np.zeros((200, 52), np.float32)
OPEN[:, JAW] = 0.3
LIVING = np.zeros((200, 61), np.float32)
LIVING[:, BLINK] = 0.2


def curves(values: Float32, *names: str, start_s: float = 0.0, rate: int = 60) -> Curves:
    held = np.asarray(values, np.float32).reshape(-1, len(names))
    return Curves(names, held, Fraction(rate), Fraction(start_s) * CLOCK_HZ)


def steady(value: float, start_s: float, end_s: float, *names: str) -> Curves:
    names = names or ("jawOpen",)
    count = round((end_s - start_s) * 60) + 1
    return curves(np.full((count, len(names)), value, np.float32), *names, start_s=start_s)


def jaw(stage: SpokenCurves, count: int = 200, weights: Float32 = OPEN) -> Float32:
    return stage.push(weights[:count])[:, JAW]


def test_nothing_known_changes_nothing():
    stage = SpokenCurves()
    assert stage.push(OPEN) is OPEN
    assert stage.finish(LIVING) is LIVING


def test_curves_are_used_as_they_are_from_their_first_frame_on_and_joined_outside():
    stage = SpokenCurves()
    ramp = np.linspace(0.5, 0.9, 61, dtype=np.float32)
    stage.tell(curves(ramp, "jawOpen", start_s=1.0), 1.0)
    made = jaw(stage)
    inside = np.arange(50, 101)
    np.testing.assert_allclose(made[inside], np.interp(inside / 50, 1 + np.arange(61) / 60, ramp), atol=1e-6)
    np.testing.assert_array_equal(made[:44], np.float32(0.3))
    np.testing.assert_array_equal(made[102 + FADE :], np.float32(0.3))
    assert np.abs(np.diff(made)).max() < 0.2, "0.6 lower within 0.1 s, without a jump"
    assert (np.diff(made[43:51]) >= 0).all()


def test_channels_that_are_not_given_stay_the_engines():
    stage = SpokenCurves()
    stage.tell(steady(0.7, 0.0, 2.0, "mouthPucker", "nobodyKnowsThis"), 0.0)
    made = stage.push(OPEN[:60])
    np.testing.assert_allclose(made[:, JAW], 0.3)
    assert made[30, ARKIT.index("mouthPucker")] == pytest.approx(0.7)


def test_what_is_told_too_late_counts_from_then_on_without_a_jump():
    stage = SpokenCurves()
    before = jaw(stage, 50)
    stage.tell(steady(0.9, 0.0, 3.0), 0.0)
    made = np.concatenate([before, jaw(stage, 50)])
    assert np.abs(np.diff(made)).max() < 0.25
    np.testing.assert_allclose(made[50 + FADE :], 0.9, atol=1e-6)


def test_pieces_that_overlap_by_a_row_are_one():
    whole, parts = SpokenCurves(), SpokenCurves()
    y = 0.5 + 0.4 * np.sin(np.arange(181) / 9).astype(np.float32)
    whole.tell(curves(y, "jawOpen"), 0.0)
    wanted = whole.push(OPEN[:150])
    made = []
    for k in range(10):
        first, last = 18 * k, 18 * k + 18
        piece = y[max(first - 1, 0) : last + 2]
        parts.tell(curves(piece, "jawOpen", start_s=max(first - 1, 0) / 60), first / 60)
        made.append(parts.push(OPEN[15 * k : 15 * k + 15]))
    np.testing.assert_allclose(np.concatenate(made), wanted, atol=2e-6)


def test_two_stretches_close_to_each_other_leave_the_engine_out():
    stage = SpokenCurves()
    stage.tell(steady(0.8, 0.0, 1.0), 0.0)
    stage.tell(steady(0.9, 1.1, 2.0), 1.1)
    made = jaw(stage, 100)
    assert made[10:].min() >= 0.8 - 1e-6


def test_what_is_told_anew_replaces_what_was_told_and_an_interruption_forgets_it():
    stage = SpokenCurves()
    stage.tell(steady(0.9, 0.0, 3.0), 0.0)
    first = jaw(stage, 50)
    stage.tell(None, 1.0)
    made = np.concatenate([first, jaw(stage, 50)])
    assert np.abs(np.diff(made)).max() < 0.3
    np.testing.assert_array_equal(made[52 + FADE :], np.float32(0.3))
    stage.tell(steady(0.1, 2.2, 3.0), 2.2)
    assert jaw(stage, 30)[-1] == pytest.approx(0.1)


def test_lids_and_rolls_are_the_voices_too_until_they_have_not_moved_for_long():
    names = ("eyeBlinkLeft", "eyeBlinkRight", "headRoll")
    values = np.zeros((60 * 12, 3), np.float32)
    values[:, 2] = 0.1
    values[30:36, :2] = 0.9
    stage = SpokenCurves()
    stage.tell(curves(values, *names), 0.0)
    stage.push(np.zeros((500, 52), np.float32))
    face = np.full((500, 61), 0.2, np.float32)
    made = stage.finish(face)
    assert made[28, BLINK] == pytest.approx(0.9)
    assert made[100, BLINK] == pytest.approx(0.0, abs=1e-6)
    assert made[round((0.6 + LIDS_S) * 50) + 5, BLINK] == pytest.approx(0.2)
    assert made[100, FACE.index("headRoll")] == pytest.approx(0.1)
    assert made[100, FACE.index("headYaw")] == pytest.approx(0.2)


@pytest.mark.parametrize("size", [1, 7, 961])
def test_a_stream_is_the_same_for_every_cut_of_its_sound(size: int):
    rng = np.random.default_rng(3)
    y = (0.2 * rng.standard_normal(24_000 if size > 100 else 2400 * size)).astype(np.float32)
    given = curves(rng.uniform(0, 1, (40, 2)).astype(np.float32), "jawOpen", "headRoll", start_s=0.05)

    def made(step: int) -> Float32:
        face = FaceStream(24_000, direction=Direction(seed=4))
        face.words(FacedWords(face=given), begin_s=0.05, end_s=1.0)
        parts = [face.push(y[k : k + step]).values for k in range(0, len(y), step)]
        return np.concatenate([*parts, face.finish().values])

    np.testing.assert_allclose(made(size), made(len(y)), atol=3e-5)


def test_the_whole_face_shows_them_behind_shaping_and_life():
    values = np.random.default_rng(1).uniform(0.0, 1.0, (51, 52)).astype(np.float32)
    given = Curves(ARKIT.channels, values, Fraction(50))
    face = FaceStream(16_000, direction=Direction(life=Life.off()))
    face.words(FacedWords(face=given), begin_s=0.0, end_s=1.0)
    made = np.concatenate([face.push(np.zeros(16_000, np.float32)).values, face.finish().values])
    np.testing.assert_allclose(made[FADE:50, :52], values[FADE:50], atol=1e-6)
    face.words(Words(), begin_s=1.0, end_s=1.0)
