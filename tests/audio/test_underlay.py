"""A background all the time: no gap, no click, low under the voice, the same at every place."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.audio.bed import Bed, seamless
from rhapsode.audio.underlay import HOLD_S, SWELL_DB, Underlay
from rhapsode.performance import Float32
from tests.audio.test_bed import RATE, db, noise

TICK = 800
AT = 30_000.0
"""A machine that has been up for hours."""


def bed(*, level: float = -20, seconds: float = 5) -> Bed:
    return Bed(seamless(noise(seconds), RATE), RATE, db=level, always=True)


def smooth(seconds: float) -> Bed:
    """A background whose steps from sample to sample are small, so that a click stands out."""
    t = np.arange(round(seconds * RATE)) / RATE
    return Bed(seamless(np.sin(2 * np.pi * 110 * t).astype(np.float32), RATE), RATE, db=-20, always=True)


def laid(underlay: Underlay, voice: Float32, of: Bed | None, *, at: float = AT, tick: int = TICK) -> Float32:
    return np.concatenate(
        [underlay.mix(voice[k : k + tick], at + k / RATE, of) for k in range(0, len(voice), tick)]
    )


def silence(seconds: float) -> Float32:
    return np.zeros(round(seconds * RATE), np.float32)


def test_it_goes_on_while_nobody_speaks_and_gives_way_to_the_voice():
    voice = np.concatenate([silence(4), noise(4, level=0.1), silence(4)])
    under = laid(Underlay(RATE), voice, one := bed()) - voice
    before, during, after = (db(under[k * RATE : (k + 1) * RATE]) for k in (2, 6, 11))
    assert before - during == pytest.approx(SWELL_DB, abs=1.5)
    assert after == pytest.approx(before, abs=1.5)
    assert during == pytest.approx(20 * np.log10(one.level), abs=1)


def test_it_gives_way_without_a_step_and_stays_low_in_short_pauses():
    voice = silence(6)
    voice[2 * RATE : 3 * RATE] = voice[round(3.5 * RATE) : 4 * RATE] = 0.1
    assert HOLD_S > 0.5
    under = laid(Underlay(RATE), voice, smooth(5)) - voice
    assert np.abs(np.diff(under)).max() < 1.1 * 2 * np.pi * 110 / RATE * np.abs(under).max()
    assert db(under[round(3.2 * RATE) : round(3.5 * RATE)]) == pytest.approx(
        db(under[int(2.7 * RATE) : 3 * RATE]), abs=1
    )


def test_a_voice_that_comes_soon_is_given_way_to_already():
    underlay, quiet = Underlay(RATE), silence(3)
    loud = laid(underlay, quiet, one := bed())[-RATE // 4 :]
    low = np.concatenate([underlay.mix(silence(0.05), AT + 3 + k / 20, one, soon=True) for k in range(20)])[
        -RATE // 4 :
    ]
    assert db(loud) - db(low) == pytest.approx(SWELL_DB, abs=1.5)


def test_it_comes_goes_and_changes_with_a_fade():
    underlay, quiet, one, other = Underlay(RATE), silence(1), smooth(5), smooth(7)
    heard = np.concatenate(
        [laid(underlay, quiet, now, at=AT + k) for k, now in enumerate([None, one, None, None, one, other])]
    )
    assert not heard[:RATE].any()
    assert not heard[3 * RATE : 4 * RATE].any()
    assert np.abs(np.diff(heard)).max() < 1.5 * 2 * np.pi * 110 / RATE * np.abs(heard).max()
    assert db(heard[int(5.6 * RATE) :]) > -40


def test_the_loop_has_no_seam_however_often_it_turns():
    heard = laid(Underlay(RATE), silence(20), smooth(2.7))[RATE:]
    assert np.abs(np.diff(heard)).max() < 1.1 * 2 * np.pi * 110 / RATE * np.abs(heard).max()


def test_every_place_hears_the_same_at_the_same_time_whatever_its_ticks():
    one = bed()
    first = laid(Underlay(RATE), silence(4), one)
    late = laid(Underlay(RATE), silence(2), one, at=AT + 2, tick=480)
    assert np.allclose(first[3 * RATE :], late[RATE : 2 * RATE], atol=0.02 * np.abs(first).max())


def test_a_place_that_comes_back_later_goes_on_where_the_others_are_without_a_click():
    underlay, one = Underlay(RATE), smooth(5)
    before = laid(underlay, silence(2), one)
    after = laid(underlay, silence(2), one, at=AT + 60)
    whole = np.concatenate([before, after])
    assert np.abs(np.diff(whole)).max() < 1.5 * 2 * np.pi * 110 / RATE * np.abs(whole).max()
    other = laid(Underlay(RATE), silence(2), one, at=AT + 60)
    assert np.allclose(after[RATE:], other[RATE:], atol=0.02 * np.abs(other).max())


def test_it_never_clips():
    voice = np.clip(noise(3, level=0.6), -1, 1)
    assert np.abs(laid(Underlay(RATE), voice, bed(level=0))).max() < 1
