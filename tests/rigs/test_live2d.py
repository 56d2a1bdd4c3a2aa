"""Live2D and VTube Studio: ids, ranges, directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhapsode.errors import RigError
from rhapsode.performance import Curves, Float32
from rhapsode.rigs import FACE, convert
from rhapsode.rigs.live2d import (
    CUBISM2_NAMES,
    FACE_TO_LIVE2D,
    FACE_TO_VTS,
    LIVE2D,
    LIVE2D_PARAMETERS,
    LIVE2D_TO_FACE,
    VTS,
    VTS_PARAMETERS,
    Parameter,
    cubism2,
    fit_ranges,
)


def face(**channels: float) -> Float32:
    values = np.zeros((1, len(FACE)), np.float32)
    for name, value in channels.items():
        values[0, FACE.index(name)] = value
    return values


def live2d(**channels: float) -> dict[str, float]:
    made = FACE_TO_LIVE2D.apply(face(**channels))[0]
    return {p.name: float(v) for p, v in zip(LIVE2D_PARAMETERS, made, strict=True) if abs(v - p.rest) > 1e-6}


def vts(**channels: float) -> dict[str, float]:
    made = FACE_TO_VTS.apply(face(**channels))[0]
    return {p.name: float(v) for p, v in zip(VTS_PARAMETERS, made, strict=True) if abs(v - p.rest) > 1e-6}


def test_a_face_at_rest_is_a_model_at_rest() -> None:
    assert live2d() == {}
    assert vts() == {}
    rest = np.array([[p.rest for p in LIVE2D_PARAMETERS]], np.float32)
    assert not LIVE2D_TO_FACE.apply(rest).any()


def test_directions_are_those_of_the_picture() -> None:
    right = live2d(headYaw=0.2)
    assert right["ParamAngleX"] == pytest.approx(-np.degrees(0.2), rel=1e-4)
    assert set(right) == {"ParamAngleX", "ParamBodyAngleX"}
    assert live2d(headPitch=0.2)["ParamAngleY"] < 0
    assert live2d(headRoll=0.2)["ParamAngleZ"] < 0
    assert live2d(eyeLookOutLeft=0.6, eyeLookInRight=0.6) == {"ParamEyeBallX": pytest.approx(0.6)}
    assert live2d(eyeLookUpLeft=0.6, eyeLookUpRight=0.6) == {"ParamEyeBallY": pytest.approx(0.6)}
    assert vts(eyeLookOutLeft=1) == {"EyeLeftX": 1}
    assert vts(mouthLeft=1) == {"MouthX": 1}


def test_mouth_eyes_and_brows() -> None:
    assert live2d(jawOpen=0.5) == {"ParamMouthOpenY": pytest.approx(0.7)}
    assert live2d(jawOpen=0.5, mouthClose=0.5) == {}
    assert live2d(jawOpen=1) == {"ParamMouthOpenY": 1}
    assert live2d(mouthSmileLeft=1, mouthSmileRight=1) == {"ParamMouthForm": 1}
    assert live2d(mouthFrownLeft=1, mouthFrownRight=1) == {"ParamMouthForm": -1}
    assert live2d(eyeBlinkLeft=1) == {"ParamEyeLOpen": 0}
    angry = live2d(browDownRight=1)
    assert set(angry) == {"ParamBrowRY", "ParamBrowRX", "ParamBrowRAngle", "ParamBrowRForm"}
    assert max(angry.values()) < -0.5
    assert live2d(browInnerUp=1)["ParamBrowLAngle"] > 0.5, "the inner end goes up"
    assert vts(mouthSmileLeft=1, mouthSmileRight=1) == {"MouthSmile": 1}
    assert vts(eyeBlinkRight=1) == {"EyeOpenRight": 0}
    assert vts(tongueOut=1, cheekPuff=1) == {"TongueOut": 1, "CheekPuff": 1}


@given(st.lists(st.floats(-4, 4, width=32), min_size=61, max_size=61))
def test_nothing_leaves_its_range(values: list[float]) -> None:
    for rig_map, table in ((FACE_TO_LIVE2D, LIVE2D_PARAMETERS), (FACE_TO_VTS, VTS_PARAMETERS)):
        made = rig_map.apply(np.array([values], np.float32))[0]
        for parameter, value in zip(table, made, strict=True):
            assert parameter.low <= value <= parameter.high


def test_parameters_come_back_as_they_went() -> None:
    rng = np.random.default_rng(3)
    low, high = np.array([(p.low, p.high) for p in LIVE2D_PARAMETERS], np.float32).T
    given_values = rng.uniform(low, high, (300, len(LIVE2D))).astype(np.float32)
    # Both brows at one height: what the inner brow does is shared by both.
    given_values[:, LIVE2D.index("ParamBrowRY")] = given_values[:, LIVE2D.index("ParamBrowLY")]
    back = FACE_TO_LIVE2D.apply(LIVE2D_TO_FACE.apply(given_values))
    kept = [
        LIVE2D.index(name)
        for name in LIVE2D.channels
        if "Body" not in name and name[-1] in "XYZnm" and name[:10] not in ("ParamBrowL", "ParamBrowR")
    ]
    kept += [LIVE2D.index(f"ParamBrow{side}Y") for side in "LR"]
    kept = [k for k in kept if LIVE2D.channels[k] != "ParamBreath"]
    np.testing.assert_allclose(back[:, kept], given_values[:, kept], atol=2e-3)


def test_spelling_of_cubism_2() -> None:
    assert cubism2("ParamAngleX") == "PARAM_ANGLE_X"
    assert cubism2("ParamBrowLForm") == "PARAM_BROW_L_FORM"
    assert CUBISM2_NAMES["PARAM_MOUTH_OPEN_Y"] == "ParamMouthOpenY"
    assert len(CUBISM2_NAMES) == len(LIVE2D)


def test_a_models_own_ranges() -> None:
    wide = [
        Parameter(p.name, 0, 2, 1.2)
        if p.name == "ParamEyeLOpen"
        else Parameter(p.name, p.low * 2, p.high * 2, p.rest)
        for p in LIVE2D_PARAMETERS
    ]
    made = fit_ranges(FACE_TO_LIVE2D.apply(face(eyeBlinkLeft=1, mouthSmileLeft=1, headYaw=0.2)), wide)[0]
    assert made[LIVE2D.index("ParamEyeLOpen")] == 0
    assert made[LIVE2D.index("ParamMouthForm")] == pytest.approx(1)
    assert made[LIVE2D.index("ParamAngleX")] == pytest.approx(-2 * np.degrees(0.2), rel=1e-4)
    assert fit_ranges(FACE_TO_LIVE2D.apply(face()), wide)[0, LIVE2D.index("ParamEyeLOpen")] == pytest.approx(
        1.2
    )
    with pytest.raises(RigError, match="must be the 24 of rig 'live2d' in its order, got 1"):
        fit_ranges(FACE_TO_LIVE2D.apply(face()), wide[:1])
    with pytest.raises(RigError, match="needs low <= rest <= high"):
        Parameter("ParamX", 0, 1, 2)


def test_curves_reach_it_by_name() -> None:
    made = convert(Curves(FACE.channels[::-1], face(jawOpen=0.5)[:, ::-1]), FACE_TO_LIVE2D)
    assert made["ParamMouthOpenY"][0] == pytest.approx(0.7)
    assert len(VTS) == 21
