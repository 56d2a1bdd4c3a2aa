"""Contacts in time: edges between curve frames, and which closures have an apex at all."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.evaluate.contacts import Stretch, apex_error, frames_within, hold, touches, windows, within
from rhapsode.train.teacher import TimedPhone


def test_edges_lie_between_curve_frames() -> None:
    gap = np.array([0.5, 0.5, 0.3, -0.1, 0.1, 0.5], np.float32)
    (found,) = touches(gap, 0.1)
    assert found.start == pytest.approx(0.05)
    assert found.end == pytest.approx(0.08)
    assert found.middle == pytest.approx(0.065)


def test_what_is_closed_at_the_ends_ends_there() -> None:
    gap = np.array([0, 0, 1, 1, 0, 0], np.float32)
    first, last = touches(gap, 0.5)
    assert first.start == 0
    assert last.end == pytest.approx(0.1)
    assert touches(np.ones(5, np.float32), 0.5) == []


def test_curve_frames_of_a_stretch_lie_inside_it() -> None:
    assert frames_within(0.019, 0.061, 10) == slice(1, 4)
    assert frames_within(0.02, 0.06, 10) == slice(1, 4)
    assert frames_within(0.021, 0.039, 10) == slice(2, 2)
    assert frames_within(-1, 9, 10) == slice(0, 10)


def test_without_a_curve_frame_the_middle_counts() -> None:
    curve = np.arange(10, dtype=np.float32)
    assert within(curve, 0.021, 0.039)[0] == pytest.approx(1.5)
    assert list(within(curve, 0.02, 0.04)) == [1, 2]


def test_a_closure_has_an_apex_where_nothing_else_closes() -> None:
    lone = [TimedPhone("a", 0.2, 0.5), TimedPhone("b", 0.5, 0.6), TimedPhone("a", 0.6, 0.9)]
    place = windows(lone)[1]
    assert windows(lone)[0] is windows(lone)[2] is None
    assert place is not None
    held, searched = place
    assert held == hold(lone[1])
    assert searched.start == pytest.approx(held.middle - 0.15)
    assert searched.end == pytest.approx(held.middle + 0.15)


def test_beside_a_pause_or_another_closure_there_is_none() -> None:
    first = [TimedPhone("b", 0.5, 0.6), TimedPhone("a", 0.6, 0.9)]
    pause = [TimedPhone("a", 0.1, 0.3), *first]
    double = [TimedPhone("a", 0.2, 0.5), TimedPhone("m", 0.5, 0.56), TimedPhone("p", 0.56, 0.62)]
    double.append(TimedPhone("a", 0.62, 0.9))
    assert windows(first) == [None, None]
    assert windows(pause) == [None, None, None]
    assert windows(double) == [None, None, None, None]


def test_two_closures_share_the_time_between_them() -> None:
    phones = [TimedPhone("a", 0.0, 0.3), TimedPhone("b", 0.3, 0.4), TimedPhone("i", 0.4, 0.5)]
    phones += [TimedPhone("b", 0.5, 0.6), TimedPhone("a", 0.6, 0.9)]
    one, other = windows(phones)[1], windows(phones)[3]
    assert one is not None
    assert other is not None
    assert one[1].end == other[1].start == pytest.approx(0.5 * (one[0].middle + other[0].middle))


def test_the_nearest_closure_in_reach_is_the_phones_own() -> None:
    held, searched = Stretch(0.5, 0.54), Stretch(0.37, 0.67)
    made = [Stretch(0.38, 0.42), Stretch(0.55, 0.57), Stretch(0.8, 0.9)]
    assert apex_error(made, held, searched) == pytest.approx(0.04)
    assert apex_error(made[2:], held, searched) is None
