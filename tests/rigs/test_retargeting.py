from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from rhapsode.errors import RigError
from rhapsode.performance import Curves
from rhapsode.rigs import ANGLES, ARKIT, FACE, retarget, rig_named, rig_of, rigs

RNG = np.random.default_rng(5)
TAKE = Curves(FACE.channels, RNG.random((30, 61), np.float32), Fraction(50), Fraction(123))


@pytest.mark.parametrize("name", rigs())
def test_a_face_goes_to_every_rig_at_its_own_time(name: str) -> None:
    made = retarget(TAKE, name)
    assert made.names == rigs()[name].channels
    assert (made.rate, made.start, len(made)) == (TAKE.rate, TAKE.start, len(TAKE))


@pytest.mark.parametrize("source", rigs())
@pytest.mark.parametrize("target", rigs())
def test_every_rig_goes_to_every_rig(source: str, target: str) -> None:
    made = retarget(retarget(TAKE, source), target)
    assert made.names == rigs()[target].channels
    assert np.isfinite(made.values).all()


def test_the_same_rig_is_the_same_values() -> None:
    for name in rigs():
        once = retarget(TAKE, name)
        np.testing.assert_array_equal(retarget(once, name).values, once.values)


def test_channels_are_found_by_name_in_any_order() -> None:
    shuffled = TAKE.select(tuple(RNG.permutation(FACE.channels).tolist()))
    np.testing.assert_array_equal(retarget(shuffled, "livelink").values, retarget(TAKE, "livelink").values)


def test_angles_are_dropped_or_kept_on_request() -> None:
    assert retarget(TAKE, "arkit").names == ARKIT.channels
    kept = retarget(TAKE, "vrm1", angles=True)
    assert kept.names == rigs()["vrm1"].channels + ANGLES
    np.testing.assert_array_equal(kept["headYaw"], TAKE["headYaw"])
    again = retarget(retarget(TAKE, "livelink"), "oculus", angles=True)
    np.testing.assert_allclose(again["rightEyePitch"], TAKE["rightEyePitch"], atol=1e-6)
    with pytest.raises(RigError, match="needs curves with head and eye angles, got rig 'arkit'"):
        retarget(retarget(TAKE, "arkit"), "vrm1", angles=True)


def test_angles_are_still_where_a_rig_without_them_goes_to_one_with() -> None:
    made = retarget(retarget(TAKE, "arkit"), "face")
    assert not made.select(ANGLES).values.any()
    np.testing.assert_array_equal(made["jawOpen"], TAKE["jawOpen"])


def test_some_of_the_angles_are_completed() -> None:
    some = TAKE.select((*ARKIT.channels, "headYaw"))
    assert rig_of(some.names) is FACE
    made = retarget(some, "face")
    assert made["headYaw"].any()
    assert not made["headRoll"].any()


def test_unknown_rigs_and_channels_are_named() -> None:
    with pytest.raises(
        RigError, match=r"a rig must be one of: arkit, face, facegood, livelink, .*; got 'maya'"
    ):
        retarget(TAKE, "maya")
    with pytest.raises(RigError, match="got 'x'"):
        rig_named("x")
    lacking = TAKE.select((*ARKIT.channels[:-1], "tongueIn"), fill=0)
    with pytest.raises(
        RigError, match=r"nearest is 'arkit' with 52, got 52 \(missing: tongueOut; unknown: tongueIn\)"
    ):
        retarget(lacking, "vrm1")


def test_arkit_and_vrm_agree_on_the_side() -> None:
    face = Curves(ARKIT.channels, np.zeros((1, 52), np.float32))
    face.values[0, ARKIT.index("eyeLookOutLeft")] = 1
    face.values[0, ARKIT.index("eyeLookInRight")] = 1
    made = retarget(face, "vrm1")
    assert made["lookLeft"][0] == 1
    assert made["lookRight"][0] == 0
    assert retarget(made, "facegood")["eye_lookLeft_r"][0] == 1
