"""The track: one clock, no gap, curves before their sound, however the sound is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.face.direction import Direction
from rhapsode.live.items import CurvesItem, SoundItem
from rhapsode.live.track import PER_FRAME, SETTLE_FRAMES, TAIL_FRAMES, Made, Track
from rhapsode.performance import HOP, Span, Words
from tests.live.fake import JAW, LOOK_AHEAD, FakeFace


def new_track(start: int = 0) -> Track:
    return Track(FakeFace(Direction()), start)


def check_order(packets: Made, first_curve: int, first_sound: int) -> None:
    covered, heard = first_curve, first_sound
    for packet in packets:
        if isinstance(packet, CurvesItem):
            assert packet.start == covered, "curve frames follow each other without a gap"
            covered += len(packet.values) * HOP
        else:
            assert packet.start == heard, "sound follows without a gap"
            heard += len(packet.samples) * HOP // PER_FRAME
            assert heard <= covered, "sound never goes before its curves"


def sound_of(packets: Made) -> np.ndarray:
    return np.concatenate([p.samples for p in packets if isinstance(p, SoundItem)])


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=8), st.integers(0, 20))
def test_any_cut_gives_the_same_sound_with_its_curves_first(sizes: list[int], idled: int):
    y = np.random.default_rng(0).uniform(-1, 1, sum(sizes)).astype(np.float32)
    track = new_track()
    before = track.idle(idled, 1)
    start, shown = track.given, track.shown
    packets, at = [], 0
    for size in sizes:
        packets += track.speak(y[at : at + size], 1)
        at += size
    last, end = track.end(1)
    packets += last
    check_order(before, 0, 0)
    check_order(packets, shown, start)
    assert start == idled * HOP
    assert end == start + -(-len(y) * 2 // 3)
    got = sound_of(packets)
    np.testing.assert_array_equal(got[: len(y)], y)
    assert not got[len(y) :].any()
    assert len(got) % PER_FRAME == 0
    assert track.shown == start + len(got) // PER_FRAME * HOP + (TAIL_FRAMES - LOOK_AHEAD) * HOP


def test_curves_belong_to_their_sound():
    track = new_track(640)
    y = np.zeros(20 * PER_FRAME, np.float32)
    y[7 * PER_FRAME] = 0.5
    packets = track.speak(y, 1) + track.end(1)[0]
    curves = [p for p in packets if isinstance(p, CurvesItem)]
    jaw = np.concatenate([p.values for p in curves])[:, JAW]
    assert curves[0].start == 640
    assert np.flatnonzero(jaw).tolist() == [7]


def test_an_interruption_drops_sound_and_mouth_and_the_clock_goes_on():
    track = new_track()
    track.speak(np.ones(50 * PER_FRAME, np.float32), 1)
    list(track.interrupt())
    at = track.shown
    assert at == (50 + SETTLE_FRAMES - LOOK_AHEAD) * HOP
    idle = track.idle(10, 2)
    check_order(idle, at, track.given)
    assert not np.concatenate([p.values for p in idle if isinstance(p, CurvesItem)])[:, JAW].any()
    start = track.given
    packets = track.speak(np.ones(9600, np.float32), 3) + track.end(3)[0]
    assert next(p for p in packets if isinstance(p, SoundItem)).start == start
    assert len(sound_of(packets)) == 9600


def test_idling_inside_a_speech_is_a_fault_of_ours():
    track = new_track()
    track.speak(np.ones(100, np.float32), 1)
    with pytest.raises(AssertionError):
        track.idle(1, 1)


def test_phones_reach_the_face_on_its_own_clock_and_are_forgotten_with_their_sound():
    face = FakeFace(Direction())
    track = Track(face, 3200)
    track.idle(10, 1)
    track.skip(100)
    words = Words((), (Span("m", 0.1, 0.2),))
    track.words(Words((Span("mum", 0.1, 0.2),)), track.given, 0.5)
    assert not face.told, "words without phones say nothing to a mouth"
    track.words(words, track.given, 0.5)
    told, begin_s, end_s = face.told[0]
    assert (begin_s, end_s) == pytest.approx((0.2, 0.7))
    assert told.phones[0].start_s == pytest.approx(0.3)
    track.speak(np.zeros(4800, np.float32), 1)
    for _ in track.interrupt():
        pass
    assert face.told[1][0] == Words()
    assert face.told[1][1:] == pytest.approx((0.4, 0.4))
    for _ in track.interrupt():
        pass
    assert len(face.told) == 2
