"""The playout under clocks of the test's own: no sample lost, none stretched, faces with their sound."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.live.items import CurvesItem, SoundItem
from rhapsode.live.playout import CUSHION_S, Playout
from rhapsode.live.timeline import Timeline
from rhapsode.performance import CLOCK_HZ, HOP
from rhapsode.rigs import FACE
from tests.live.fake import JAW

PER_FRAME = 480
HOUR_S = 3600


def curves(start: int, *jaws: float, sound_at: float | None = None) -> CurvesItem:
    values = np.zeros((len(jaws), len(FACE)), np.float32)
    values[:, JAW] = jaws
    return CurvesItem(0, start, values, sound_at)


def sound(start: int, samples: np.ndarray) -> SoundItem:
    return SoundItem(0, start, samples.astype(np.float32), 24_000)


def playing(start: int = 0, at: float = 0.0) -> tuple[Playout, Timeline]:
    timeline = Timeline()
    timeline.anchor(start, at)
    return Playout(timeline), timeline


def test_curve_frames_come_when_they_are_due_and_late_ones_are_dropped():
    playout, _ = playing()
    playout.offer(curves(0, 0.1, 0.2, 0.3, 0.4))
    assert playout.next_due() == 0
    shown = playout.follow(0.0)
    assert shown is not None
    assert shown[0].sample_index == 0
    assert playout.follow(0.019) is None
    late = playout.follow(0.061)
    assert late is not None
    assert late[0]["jawOpen"] == pytest.approx(0.4)
    assert playout.dropped == 2


def test_a_face_between_two_curve_frames_lies_between_them():
    playout, _ = playing()
    playout.offer(curves(0, 0.0, 1.0, 0.0))
    assert playout.face_at(0.01)[0]["jawOpen"] == pytest.approx(0.5)
    assert playout.face_at(0.02)[0]["jawOpen"] == pytest.approx(1.0)
    assert playout.face_at(0.035)[0]["jawOpen"] == pytest.approx(0.25)


def test_sound_that_is_there_plays_whole_with_its_faces():
    playout, _ = playing()
    rng = np.random.default_rng(0)
    y = rng.uniform(-1, 1, 50 * PER_FRAME)
    playout.offer(curves(0, *np.linspace(0, 1, 60)))
    playout.offer(sound(0, y))
    heard, jaws, tick = [], [], 0
    for tick in range(40):
        face, samples = playout.moment(CUSHION_S + tick / 30, 800)
        heard.append(samples)
        jaws.append(face["jawOpen"])
    got = np.concatenate(heard)
    np.testing.assert_array_equal(got[: len(y)], y.astype(np.float32))
    np.testing.assert_allclose(jaws[:30], np.arange(30) / 30 * 50 / 59, atol=1e-3)


def test_under_jitter_and_gaps_the_picture_waits_and_no_sample_is_lost():
    """Sound of a microphone that comes up to 0.4 s late: all of it is heard once, in order."""
    playout, timeline = playing()
    rng = np.random.default_rng(1)
    y = rng.uniform(0.1, 1, 100 * PER_FRAME).astype(np.float32)
    came = np.cumsum(np.full(100, 0.02)) + rng.uniform(0, 0.03, 100)
    came[40:55] = came[55]  # nothing for 0.3 s, then all at once
    came[70:90] = came[90]
    heard, faces, waiting = [], [], 0
    for tick in range(300):
        now = tick / 60
        while waiting < 100 and np.maximum.accumulate(came)[waiting] <= now:
            at = waiting * HOP
            playout.offer(curves(at, waiting / 100))
            playout.offer(sound(at, y[waiting * PER_FRAME : (waiting + 1) * PER_FRAME]))
            waiting += 1
            timeline.observe(waiting * HOP, now)
        face, samples = playout.moment(now, 400)
        heard.append(samples)
        faces.append(face["jawOpen"])
    got = np.concatenate(heard)
    np.testing.assert_array_equal(got[got > 0], y)
    assert np.all(np.diff(faces[:250]) >= -1e-6), "the picture never goes back"


def test_a_sink_that_is_there_before_anything_begins_is_silent_and_then_hears_all():
    timeline = Timeline()
    playout, began = Playout(timeline), 30_000.0  # a machine that has been up for hours
    for tick in range(10):
        assert not playout.moment(began + tick / 50, 480)[1].any()
    timeline.anchor(0, began + 0.2)
    y = np.random.default_rng(0).uniform(0.1, 1, 50 * PER_FRAME).astype(np.float32)
    playout.offer(curves(0, *[0.5] * 50))
    playout.offer(sound(0, y))
    heard = np.concatenate([playout.moment(began + 0.2 + tick / 50, 480)[1] for tick in range(80)])
    np.testing.assert_array_equal(heard[heard > 0], y)


def test_an_interruption_is_silent_at_once_and_closes_the_mouth_softly():
    playout, timeline = playing()
    playout.offer(curves(0, *[0.8] * 100))
    playout.offer(sound(0, np.ones(100 * PER_FRAME)))
    for tick in range(30):
        playout.moment(CUSHION_S + tick / 60, 400)
    now = CUSHION_S + 0.5
    playout.interrupted()
    timeline.anchor(100 * HOP, now)
    playout.offer(curves(100 * HOP, *[0.0] * 100))
    jaws = []
    for tick in range(12):
        face, samples = playout.moment(now + tick / 60, 400)
        assert not samples[0 if tick else 120 :].any()  # but for 5 ms of falling sound
        jaws.append(face["jawOpen"])
    assert jaws[0] == pytest.approx(0.8, abs=0.01)
    assert jaws[-1] == 0
    assert np.all(np.diff(jaws) <= 0)


@pytest.mark.slow
@pytest.mark.parametrize(("mine", "theirs"), [(0.0, 80e-6), (0.0, -80e-6), (50e-6, -80e-6)])
def test_lips_and_sound_stay_together_for_four_hours(mine: float, theirs: float):
    """A microphone with a clock of its own for four hours, into a sink with sound: lips and sound, and delay.

    The microphone's clock is off by ``theirs``, that of the sink by ``mine``; its chunks jitter by 15 ms.
    Every minute is 5 s of speech (whose level tells the second) and silence.
    """
    playout, timeline = playing()
    rng = np.random.default_rng(2)
    chunk, tick, apart, delays = 0, 0, [], []
    step = 0.2  # seconds of sound at a time, so that four hours pass quickly
    frames = round(step * 50)
    while (now := tick * step * (1 + mine)) < 4 * HOUR_S:
        while chunk * step * (1 + theirs) + rng.uniform(0, 0.015) <= now:
            minute, at = divmod(chunk * step, 60.0)
            loud = (0.1 + 0.8 * (minute % 60) / 60) if at < 5 else 0.0
            playout.offer(curves(chunk * frames * HOP, *[loud] * frames))
            playout.offer(sound(chunk * frames * HOP, np.full(frames * PER_FRAME, loud)))
            chunk += 1
            timeline.observe(chunk * frames * HOP, now, follow=0.2)
        face, samples = playout.moment(now, round(step * 24_000))
        tick += 1
        spoken = float(samples[0])
        if spoken and float(face["jawOpen"]):
            apart.append(abs(face["jawOpen"] - spoken))
        delays.append(now - face.sample_index / CLOCK_HZ * (1 + theirs))
    assert max(apart) < 1e-6, "the face is that of the sound that begins with it"
    assert len(apart) > 4 * 60 * 20
    assert np.ptp(delays[100:]) < 0.5, "no delay grows"


def test_the_timeline_follows_a_foreign_clock_for_four_hours_within_ten_milliseconds():
    """What is due when: against a sound card 80 ppm off, seen through a jitter of 15 ms every 20 ms."""
    timeline, rng = Timeline(), np.random.default_rng(3)
    timeline.anchor(0, 0.0075)
    worst = 0.0
    jitter = rng.uniform(0, 0.015, 4 * HOUR_S * 50)
    for k, late in enumerate(jitter):
        true = k * 0.02 * (1 + 80e-6)
        timeline.observe(k * HOP, true + late)
        if k > 500:
            worst = max(worst, abs(timeline.time_of(k * HOP) - true - 0.0075))
    assert worst < 0.010
    assert worst > 0.0001, "jitter is there"
