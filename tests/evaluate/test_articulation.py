"""The measure of articulation: right where the teacher's own face is judged, wrong where faces are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.evaluate.articulation import REST_GAP, articulation, closing_times
from rhapsode.performance import Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, lip_gap
from rhapsode.train.teacher import TimedPhone
from tests.evaluate.faces import PHONES, Line, late, still, taught


def test_the_teacher_makes_every_phone() -> None:
    found = articulation([Line()], None)
    assert found["bilabials"] == 3
    assert found["closed"] == found["precision"] == found["bitten"] == 1
    assert found["vowels_closed"] == found["open_vowels_closed"] == 0
    assert found["rounded"] > 3 * found["spread"]
    assert found["gap_correlation"] == found["gap_correlation_speech"] == pytest.approx(1)
    assert found["peak_retention"] == pytest.approx(1)
    assert found["pause_jaw"] == pytest.approx(0, abs=0.01)
    assert found["closed_in_150_ms"] == 1
    assert found["apexes"] == 2  # the first m comes out of a pause: it has no apex
    assert found["apex_error_ms"] < 5


@pytest.mark.parametrize("by_ms", [-40, -10, 13, 40, 80])
def test_a_face_that_is_late_is_that_late(by_ms: int) -> None:
    found = articulation([Line()], lambda y: late(y, by_ms / 1000))
    assert found["apexes"] == 2
    assert found["apex_late_ms"] == pytest.approx(by_ms, abs=5)
    assert found["apex_error_p95_ms"] == pytest.approx(abs(by_ms), abs=10)  # the teacher: 9
    assert found["lag_ms"] == pytest.approx(by_ms, abs=3)
    assert found["gap_correlation_at_lag"] > 0.98
    assert found["gap_correlation"] < found["gap_correlation_at_lag"]


def test_a_mouth_that_stays_open_closes_nothing() -> None:
    def gaping(y: Float32) -> Float32:
        frames = still(y, jawOpen=0.3)
        frames[:, ARKIT.index("jawOpen")] += 1e-3 * np.arange(len(frames)) / len(frames)
        return frames

    found = articulation([Line()], gaping)
    assert found["closed"] == found["bitten"] == found["vowels_closed"] == 0
    assert found["rounded"] == found["spread"] == found["closed_in_150_ms"] == found["apexes"] == 0
    assert np.isnan(found["apex_error_ms"])
    assert np.isinf(found["closing_p50_ms"])
    assert found["pause_jaw"] > 0.2


def test_a_closure_in_a_vowel_is_false() -> None:
    def pressed(y: Float32) -> Float32:
        frames = taught(y)
        frames[56:59] = 0
        return frames

    found = articulation([Line()], pressed)
    assert found["vowels_closed"] == found["open_vowels_closed"] == pytest.approx(1 / 5)
    assert found["precision"] == pytest.approx(3 / 4)


def test_only_the_middle_half_of_a_vowel_counts() -> None:
    phones = (TimedPhone("t", 0.3, 0.4), TimedPhone("a", 0.4, 0.494), TimedPhone("t", 0.494, 0.6))
    line = Line(phones, 1.0)

    def shut_at(frame: int) -> dict[str, float]:
        def face(y: Float32) -> Float32:
            frames = still(y, jawOpen=0.3)
            frames[frame] = 0
            return frames

        return articulation([line], face)

    # the middle half is .4235 to .4705 s: of the curve frames at .42, .44, .46 and .48 s two lie in it
    assert [shut_at(frame)["vowels_closed"] for frame in (21, 22, 23, 24)] == [0, 1, 1, 0]


def test_a_vowel_between_two_curve_frames_is_judged_in_its_middle() -> None:
    phones = (TimedPhone("t", 0.3, 0.402), TimedPhone("ə", 0.402, 0.418), TimedPhone("t", 0.418, 0.6))

    def narrowing(y: Float32) -> Float32:
        frames = still(y, jawOpen=0.3)
        frames[21] = 0
        return frames

    found = articulation([Line(phones, 1.0)], narrowing)
    assert found["vowels"] == 1
    assert found["vowels_closed"] == 0  # half-way from open to shut is open


def test_half_a_movement_keeps_less_than_its_peaks() -> None:
    found = articulation([Line()], lambda y: taught(y) * np.float32(0.5))
    assert 0.4 < found["peak_retention"] < 0.7
    assert found["gap_correlation"] > 0.9


def test_a_restless_mouth_shows_jitter() -> None:
    def restless(y: Float32) -> Float32:
        frames = taught(y)
        frames[::2, ARKIT.index("jawOpen")] += np.float32(0.01)
        return frames

    assert articulation([Line()], taught)["rest_jitter_mm"] == pytest.approx(0, abs=1e-3)
    assert articulation([Line()], restless)["rest_jitter_mm"] == pytest.approx(0.3259, abs=0.01)


def test_a_mouth_that_opens_with_the_loudness_goes_with_it() -> None:
    def swelling() -> Float32:
        y = Line().sound()
        return as_float32(y * (0.1 + np.abs(np.sin(np.arange(len(y)) / 16_000 * 2))))

    class Swelling(Line):
        def sound(self) -> Float32:
            return swelling()

    def by_level(y: Float32) -> Float32:
        frames = still(y)
        power = np.pad(y.astype(np.float64), (0, -len(y) % 320)).reshape(-1, 320).std(axis=1)
        frames[:, ARKIT.index("jawOpen")] = 0.3 * power / power.max()
        return frames

    def against_it(y: Float32) -> Float32:
        return as_float32(0.3 - by_level(y))

    assert articulation([Swelling()], by_level)["loudness_motion"] > 0.8
    assert articulation([Swelling()], against_it)["loudness_motion"] < -0.8


def test_closing_is_timed_from_the_end_of_speech() -> None:
    phones = (TimedPhone("a", 0.1, 0.5), TimedPhone("a", 1.5, 1.7))
    gap = np.full(150, 1.0, np.float32)
    gap[31:60] = 0  # closed from .60 s, open again at 1.2 s
    gap[60:86] = 1.0
    gap[100:] = 0
    first, second = closing_times(gap, phones)
    assert first == pytest.approx(0.1 + 0.02 * (1 - REST_GAP), abs=1e-3)
    assert second == pytest.approx(0.28 + 0.02 * (1 - REST_GAP), abs=1e-3)


def test_a_blink_of_the_lips_is_not_closing() -> None:
    gap = np.full(100, 1.0, np.float32)
    gap[30:32] = 0
    assert closing_times(gap, (TimedPhone("a", 0.1, 0.5),)) == [float("inf")]


def test_a_face_is_judged_by_what_it_heard() -> None:
    heard: list[float] = []

    def listening(y: Float32) -> Float32:
        heard.append(float(np.abs(y).max()))
        return taught(y)

    articulation([Line()], listening, condition=lambda y: y * np.float32(3))
    articulation([Line()], listening, snr_db=0)
    articulation([Line()], listening)
    assert heard[0] == pytest.approx(3 * heard[2], rel=1e-5)
    assert heard[1] > heard[2]


def test_the_teacher_keeps_its_phones_closed_and_its_vowels_open() -> None:
    gap = lip_gap(taught(Line().sound()))
    hold = gap[[round(50 * (phone.start + phone.end) / 2) for phone in PHONES if phone.phone in "pbm"]]
    assert (hold < CLOSED_GAP).all()
