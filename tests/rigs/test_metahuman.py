"""MetaHuman: the weights of the published table, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.rigs import ANGLES, ARKIT, BLENDSHAPES, FACE
from rhapsode.rigs.metahuman import ARKIT_CURVES, FACE_TO_METAHUMAN, METAHUMAN, METAHUMAN_TO_FACE, PREFIX

TABLE = """
eyeBlinkLeft: eyeBlinkL
eyeLookInLeft: eyeLookRightL
eyeLookOutLeft: eyeLookLeftL
eyeLookInRight: eyeLookLeftR
eyeLookOutRight: eyeLookRightR
eyeLookUpRight: eyeLookUpR
eyeSquintRight: eyeSquintInnerR
eyeWideLeft: eyeWidenL
jawForward: jawFwd
jawOpen: jawOpen
mouthFunnel: mouthFunnelUL mouthFunnelUR mouthFunnelDL mouthFunnelDR
mouthPucker: mouthLipsPurseUL mouthLipsPurseUR mouthLipsPurseDL mouthLipsPurseDR mouthLipsTowardsUL=.412
 mouthLipsTowardsUR=.412 mouthLipsTowardsDL=.412 mouthLipsTowardsDR=.412 mouthFunnelUL=.752
 mouthFunnelUR=.752 mouthFunnelDL=.752 mouthFunnelDR=.752
mouthSmileLeft: mouthCornerPullL
mouthFrownRight: mouthCornerDepressR
mouthDimpleLeft: mouthDimpleL
mouthStretchRight: mouthStretchR
mouthRollLower: mouthLowerLipRollInL mouthLowerLipRollInR mouthUpperLipRollInL=.5 mouthUpperLipRollInR=.5
mouthRollUpper: mouthUpperLipRollInL mouthUpperLipRollInR
mouthShrugLower: jawChinRaiseDL jawChinRaiseDR
mouthShrugUpper: jawChinRaiseUL jawChinRaiseUR
mouthPressLeft: mouthPressUL mouthPressDL
mouthLowerDownRight: mouthLowerLipDepressR
mouthUpperUpLeft: mouthUpperLipRaiseL
browDownLeft: browDownL
browInnerUp: browRaiseInL browRaiseInR browLateralL browLateralR
browOuterUpRight: browRaiseInR browRaiseOuterR
cheekPuff: mouthCheekBlowL mouthCheekBlowR mouthLipsBlowL mouthLipsBlowR
cheekSquintLeft: eyeCheekRaiseL
noseSneerRight: noseWrinkleR
tongueOut: tongueOut
"""
PUBLISHED = {
    line.split(":")[0]: {
        PREFIX + word.split("=")[0]: float(word.split("=")[1]) if "=" in word else 1.0
        for word in line.split(":")[1].split()
    }
    for line in TABLE.replace("\n ", " ").strip().splitlines()
}


@pytest.mark.parametrize("channel", PUBLISHED)
def test_the_weights_are_the_published_ones(channel: str) -> None:
    one = np.zeros((1, len(FACE)), np.float32)
    one[0, FACE.index(channel)] = 1
    made = FACE_TO_METAHUMAN.apply(one)[0]
    got = {METAHUMAN.channels[k]: round(float(made[k]), 4) for k in np.flatnonzero(made)}
    assert got == PUBLISHED[channel]


def test_every_channel_drives_and_sides_mirror() -> None:
    assert set(ARKIT_CURVES) == set(BLENDSHAPES)
    swap = str.maketrans("LR", "RL")
    for channel in ARKIT.channels:
        if channel.endswith("Left") and "Look" not in channel and channel not in ("jawLeft", "mouthLeft"):
            left = {name[:-2] + name[-2:].translate(swap): w for name, w in ARKIT_CURVES[channel].items()}
            assert left == ARKIT_CURVES[channel.removesuffix("Left") + "Right"]
    assert all(name.startswith(PREFIX) for name in METAHUMAN.channels[:-9])
    assert METAHUMAN.channels[-9:] == METAHUMAN.angles


def test_there_and_back_is_exact_below_saturation() -> None:
    values = np.random.default_rng(1).uniform(0, 0.4, (200, 61)).astype(np.float32)
    values[:, -len(ANGLES) :] -= 0.2
    np.testing.assert_allclose(METAHUMAN_TO_FACE.apply(FACE_TO_METAHUMAN.apply(values)), values, atol=1e-5)
    singles = np.eye(52, 61, dtype=np.float32)
    np.testing.assert_allclose(METAHUMAN_TO_FACE.apply(FACE_TO_METAHUMAN.apply(singles)), singles, atol=1e-5)


def test_saturated_faces_stay_in_range_both_ways() -> None:
    values = np.ones((1, 61), np.float32)
    there = FACE_TO_METAHUMAN.apply(values)
    assert there.max() == 1
    back = METAHUMAN_TO_FACE.apply(there)
    assert back.min() >= 0
    # The three round the mouth share curves: what is lost to clipping stays under 0.6.
    np.testing.assert_allclose(back, values, atol=0.6)
