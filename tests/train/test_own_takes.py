"""Takes are checked against their sound, moved where that is asked, and parted by their names."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from rhapsode.errors import FormatError, InputError, SettingError
from rhapsode.performance import CLOCK_HZ, Curves, as_float32
from rhapsode.train.own.columns import choose
from rhapsode.train.own.rig import OwnRig, make_rig
from rhapsode.train.own.sync import Sync, likely_rates
from rhapsode.train.own.takes import OwnTake, RawTake, fit, split
from tests.train.own_data import NAMES, curves_of, voice

RIG: OwnRig = make_rig(NAMES, None, name="mine", top=1.0)


def raw(seconds: float = 20.0, *, late_s: float = 0.0, stretch: float = 1.0, fps: float = 50.0) -> RawTake:
    y, loud = voice(seconds)
    values = curves_of(loud, fps, late_s=late_s, stretch=stretch)
    return RawTake("a", y, Curves(NAMES, values, Fraction(fps)))


def take(name: str, count: int = 100) -> OwnTake:
    still = np.zeros((count, 4), np.float32)
    return OwnTake(name, np.zeros(count * 320, np.float32), still, still[0], Sync())


@pytest.mark.parametrize("late_s", [-0.3, 0.0, 0.2])
def test_a_shift_is_found_and_taken_back(late_s: float) -> None:
    found = fit(raw(late_s=late_s), RIG, fix_sync=False)
    assert found.sync.late_s == pytest.approx(late_s, abs=0.03)
    assert found.sync.is_off == (late_s != 0)
    assert any("--fix-sync" in note for note in found.notes) == (late_s != 0)
    fixed = fit(raw(late_s=late_s), RIG, fix_sync=True)
    straight = fit(raw(), RIG, fix_sync=True)
    inside = slice(50, -50)
    assert fixed.unit[inside, 0] == pytest.approx(straight.unit[inside, 0], abs=0.25)
    assert np.corrcoef(fixed.unit[inside, 0], straight.unit[inside, 0])[0, 1] > 0.98


def test_a_drift_is_found() -> None:
    found = fit(raw(60.0, stretch=1.003), RIG, fix_sync=False)
    assert found.sync.drift == pytest.approx(-0.003, abs=0.0007)
    assert "ms a minute" in str(found.sync)


def test_a_wrong_rate_is_named() -> None:
    one = raw()
    with pytest.raises(FormatError, match=r"1000 frames at 25 .* 40.00 s, .* 20.00 s; .* fit at 50"):
        fit(replace(one, curves=replace(one.curves, rate=Fraction(25))), RIG, fix_sync=False)
    assert likely_rates(3000, 100.0)[0] == 30
    assert likely_rates(1234, 0.0) == ()


def test_curves_of_another_sound_are_refused() -> None:
    one = raw()
    other = as_float32(np.random.default_rng(5).uniform(size=(310, 4)))
    with pytest.raises(FormatError, match="pair the right files"):
        fit(replace(one, curves=Curves(NAMES, other, Fraction(50))), RIG, fix_sync=False)


def test_values_out_of_range_and_missing_channels_are_named() -> None:
    one = raw()
    loud = replace(one.curves, values=one.curves.values * 100)
    with pytest.raises(FormatError, match="range"):
        fit(replace(one, curves=loud), RIG, fix_sync=False)
    with pytest.raises(FormatError, match="lacks 1 channels of the rig: lips_R"):
        fit(replace(one, curves=one.curves.select(NAMES[:3])), RIG, fix_sync=False)


def test_a_face_that_does_not_rest_is_brought_to_rest() -> None:
    one = raw()
    lifted = replace(one.curves, values=one.curves.values * 0.5 + as_float32([0.2, 0.1, 0, 0]))
    made = fit(replace(one, curves=lifted), RIG, fix_sync=False)
    assert made.rest == pytest.approx([0.2, 0.1, 0, 0], abs=0.02)
    assert np.abs(made.unit[:20]).max() < 0.02
    assert any("its rest" in note for note in made.notes)
    assert not fit(one, RIG, fix_sync=False).rest.any()


def test_a_symmetric_rig_learns_both_sides_alike() -> None:
    made = fit(raw(), replace(RIG, symmetric=True), fix_sync=False)
    assert made.unit[:, 2] == pytest.approx(made.unit[:, 3])
    assert made.unit[:, 2].max() > 0.3


def test_the_split_depends_on_names_only() -> None:
    takes = [take(f"t{k}") for k in range(20)]
    first, again = split(takes), split(takes[::-1])
    names = {one.name for one in first.held}
    assert names == {one.name for one in again.held}
    assert len(names) == 3
    assert not names & {one.name for one in first.learn}
    assert [one.name for one in split(takes, ["t5"]).held] == ["t5"]
    assert len(split(takes[:2]).held) == 1


def test_a_single_take_is_cut() -> None:
    parted = split([take("only", 200)])
    assert (len(parted.learn[0].unit), len(parted.held[0].unit)) == (170, 30)
    assert len(parted.held[0].y) == 30 * 320
    with pytest.raises(SettingError, match="no take to learn"):
        split([take("only")], ["only"])
    with pytest.raises(SettingError, match="there are: a, b"):
        split([take("a"), take("b")], ["c"])


def test_columns_are_what_moves_and_what_it_means() -> None:
    made = choose(RIG, [fit(raw(), RIG, fix_sync=False)])
    assert made.own == NAMES
    assert made.arkit == ()
    assert made.moves["jawOpen"] == ("jawOpen",)
    assert made.moves["lips_L"] == ()
    both = make_rig(("a", "b"), {"channels": {n: {"arkit": {"jawOpen": 0.5}} for n in "ab"}}, name="m", top=1)
    unit = np.random.default_rng(0).uniform(size=(50, 2)).astype(np.float32)
    summed = choose(both, [replace(take("x", 50), unit=unit)])
    assert summed.keys == ("a", "b", "jawOpen")
    assert summed.labels(unit)[:, 2] == pytest.approx(0.5 * unit.max(axis=1))


def test_constant_curves_are_refused() -> None:
    with pytest.raises(InputError, match="no channel moves"):
        choose(RIG, [take("still")])
    assert CLOCK_HZ == 16_000
