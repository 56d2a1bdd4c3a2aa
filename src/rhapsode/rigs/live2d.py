"""Live2D's standard parameters and VTube Studio's inputs, with their ranges, and their maps.

A Live2D model is drawn as it is seen: the parameters ``X`` grow towards the right of the picture, which is
the character's left, ``Y`` upwards, and ``Z`` as the head tips to the right of the picture. ``L`` and ``R``
are the character's own, and brows are angry below 0 (Live2D's standard parameter list). Models may have other
ranges than the standard ones: read them from the model and give them to `fit_ranges`. What a face does not
say stays at rest: ``ParamCheek`` (a blush) and ``ParamBreath``.

These parameters are no weights (their rest is not always 0), so `rhapsode.rigs.retarget` does not know them:
use `rhapsode.rigs.convert` with `FACE_TO_LIVE2D`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhapsode.errors import RigError
from rhapsode.performance import Float32
from rhapsode.rigs.affine import linear_map
from rhapsode.rigs.arkit import FACE
from rhapsode.rigs.rig import Rig


@dataclass(frozen=True)
class Parameter:
    """A parameter with a range of its own.

    Args:
        name: its id.
        low: lowest value.
        high: highest value.
        rest: value at rest.

    Raises:
        RigError: the values are not in order.

    """

    name: str
    low: float = -1.0
    high: float = 1.0
    rest: float = 0.0

    def __post_init__(self) -> None:
        if not self.low <= self.rest <= self.high or self.low == self.high:
            raise RigError(
                f"parameter '{self.name}' needs low <= rest <= high and low < high, "
                f"got {self.low}, {self.rest}, {self.high}"
            )


LIVE2D_PARAMETERS: tuple[Parameter, ...] = (
    *(Parameter(f"ParamAngle{axis}", -30, 30) for axis in "XYZ"),
    *(Parameter("ParamEyeLOpen", 0, 1, 1), Parameter("ParamEyeLSmile", 0, 1)),
    *(Parameter("ParamEyeROpen", 0, 1, 1), Parameter("ParamEyeRSmile", 0, 1)),
    *(Parameter("ParamEyeBallX"), Parameter("ParamEyeBallY")),
    *(Parameter(f"ParamBrow{side}{what}") for what in ("Y", "X", "Angle", "Form") for side in "LR"),
    *(Parameter("ParamMouthForm"), Parameter("ParamMouthOpenY", 0, 1), Parameter("ParamCheek", 0, 1)),
    *(Parameter(f"ParamBodyAngle{axis}", -10, 10) for axis in "XYZ"),
    Parameter("ParamBreath", 0, 1),
)
"""The standard parameters of Cubism 3 and later."""

VTS_PARAMETERS: tuple[Parameter, ...] = (
    *(Parameter("FaceAngleX", -30, 30), Parameter("FaceAngleY", -30, 30), Parameter("FaceAngleZ", -90, 90)),
    *(Parameter("FacePositionX", -15, 15), Parameter("FacePositionY", -15, 15)),
    *(Parameter("FacePositionZ", -10, 10), Parameter("MouthOpen", 0, 1), Parameter("MouthSmile", 0, 1, 0.5)),
    *(Parameter("MouthX"), Parameter("Brows", 0, 1, 0.5)),
    *(Parameter("BrowLeftY", 0, 1, 0.5), Parameter("BrowRightY", 0, 1, 0.5)),
    *(Parameter("EyeOpenLeft", 0, 1, 1), Parameter("EyeOpenRight", 0, 1, 1)),
    *(Parameter(f"Eye{side}{axis}") for side in ("Left", "Right") for axis in "XY"),
    *(Parameter("CheekPuff", 0, 1), Parameter("TongueOut", 0, 1), Parameter("FaceAngry", 0, 1)),
)
"""VTube Studio's inputs that a face drives."""

_UNITS = "values in each parameter's own range"
LIVE2D = Rig("live2d", tuple(p.name for p in LIVE2D_PARAMETERS), f"Cubism standard parameters, {_UNITS}")
VTS = Rig("vts", tuple(p.name for p in VTS_PARAMETERS), f"VTube Studio's default inputs, {_UNITS}")

_DEGREES = "57.29578"
_FORM = (
    "{half}*mouthSmileLeft + {half}*mouthSmileRight - {half}*mouthFrownLeft - {half}*mouthFrownRight"
    " + {part}*mouthStretchLeft + {part}*mouthStretchRight - {most}*mouthPucker - {some}*mouthFunnel"
)
_BROW = "{up}*browInnerUp + {up}*browOuterUp{side} - {down}*browDown{side}"
_FULL_FORM = _FORM.format(half=0.5, part=0.15, most=0.6, some=0.3)
_HALF_FORM = _FORM.format(half=0.25, part=0.075, most=0.3, some=0.15)
_OPEN = "1.4*jawOpen - 1.4*mouthClose"
_EYE_X = {"Left": "eyeLookOutLeft - eyeLookInLeft", "Right": "eyeLookInRight - eyeLookOutRight"}
_SIDES = {"L": "Left", "R": "Right"}

FACE_TO_LIVE2D = linear_map(
    FACE,
    LIVE2D,
    {
        "ParamAngleX": f"-{_DEGREES}*headYaw",
        "ParamAngleY": f"-{_DEGREES}*headPitch",
        "ParamAngleZ": f"-{_DEGREES}*headRoll",
        **{f"ParamEye{s}Open": f"1 - eyeBlink{side}" for s, side in _SIDES.items()},
        **{f"ParamEye{s}Smile": f"0.7*cheekSquint{side} + 0.4*eyeSquint{side}" for s, side in _SIDES.items()},
        "ParamEyeBallX": "0.5*eyeLookOutLeft - 0.5*eyeLookInLeft + 0.5*eyeLookInRight - 0.5*eyeLookOutRight",
        "ParamEyeBallY": "0.5*eyeLookUpLeft + 0.5*eyeLookUpRight"
        " - 0.5*eyeLookDownLeft - 0.5*eyeLookDownRight",
        **{f"ParamBrow{s}Y": _BROW.format(up=0.6, down=1, side=side) for s, side in _SIDES.items()},
        **{f"ParamBrow{s}X": f"-0.6*browDown{side}" for s, side in _SIDES.items()},
        **{f"ParamBrow{s}Angle": f"0.7*browInnerUp - 0.7*browDown{side}" for s, side in _SIDES.items()},
        **{f"ParamBrow{s}Form": f"-0.7*browDown{side}" for s, side in _SIDES.items()},
        "ParamMouthForm": _FULL_FORM,
        "ParamMouthOpenY": _OPEN,
        "ParamBodyAngleX": "-19*headYaw",
        "ParamBodyAngleY": "-19*headPitch",
        "ParamBodyAngleZ": "-19*headRoll",
    },
    ranges={p.name: (p.low, p.high) for p in LIVE2D_PARAMETERS},
    rest={p.name: p.rest for p in LIVE2D_PARAMETERS},
)
"""The mouth opens in full at a jaw of 0.71, which is what loud speech reaches."""

_FORWARD_EYES = {f"Eye{side}X": text for side, text in _EYE_X.items()} | {
    f"Eye{side}Y": f"eyeLookUp{side} - eyeLookDown{side}" for side in _SIDES.values()
}

FACE_TO_VTS = linear_map(
    FACE,
    VTS,
    {
        "FaceAngleX": f"-{_DEGREES}*headYaw",
        "FaceAngleY": f"-{_DEGREES}*headPitch",
        "FaceAngleZ": f"-{_DEGREES}*headRoll",
        "MouthOpen": _OPEN,
        "MouthSmile": f"0.5 + {_HALF_FORM}",
        "MouthX": "mouthLeft - mouthRight",
        "Brows": "0.5 + 0.3*browInnerUp + 0.15*browOuterUpLeft + 0.15*browOuterUpRight"
        " - 0.25*browDownLeft - 0.25*browDownRight",
        **{f"Brow{side}Y": f"0.5 + {_BROW.format(up=0.3, down=0.5, side=side)}" for side in _SIDES.values()},
        **{f"EyeOpen{side}": f"1 - eyeBlink{side}" for side in _SIDES.values()},
        **_FORWARD_EYES,
        "CheekPuff": "cheekPuff",
        "TongueOut": "tongueOut",
        "FaceAngry": "0.4*browDownLeft + 0.4*browDownRight + 0.4*noseSneerLeft + 0.4*noseSneerRight - 0.2",
    },
    ranges={p.name: (p.low, p.high) for p in VTS_PARAMETERS},
    rest={p.name: p.rest for p in VTS_PARAMETERS},
)
"""Positions of the face stay 0: a packet carries them beside the channels."""

_RADIANS = "0.0174532925"

LIVE2D_TO_FACE = linear_map(
    LIVE2D,
    FACE,
    {
        **{
            f"head{name}": f"-{_RADIANS}*ParamAngle{axis}"
            for name, axis in {"Yaw": "X", "Pitch": "Y", "Roll": "Z"}.items()
        },
        **{f"eyeBlink{side}": f"1 - ParamEye{s}Open" for s, side in _SIDES.items()},
        **{f"cheekSquint{side}": f"ParamEye{s}Smile" for s, side in _SIDES.items()},
        **{f"eyeSquint{side}": f"0.75*ParamEye{s}Smile" for s, side in _SIDES.items()},
        **dict.fromkeys(("eyeLookOutLeft", "eyeLookInRight"), "ParamEyeBallX"),
        **dict.fromkeys(("eyeLookInLeft", "eyeLookOutRight"), "-1*ParamEyeBallX"),
        **dict.fromkeys(("eyeLookUpLeft", "eyeLookUpRight"), "ParamEyeBallY"),
        **dict.fromkeys(("eyeLookDownLeft", "eyeLookDownRight"), "-1*ParamEyeBallY"),
        "browInnerUp": "0.41666667*ParamBrowLY + 0.41666667*ParamBrowRY",
        **{f"browOuterUp{side}": f"0.8333333*ParamBrow{s}Y" for s, side in _SIDES.items()},
        **{f"browDown{side}": f"-1*ParamBrow{s}Y" for s, side in _SIDES.items()},
        **dict.fromkeys(("mouthSmileLeft", "mouthSmileRight"), "ParamMouthForm"),
        **dict.fromkeys(("mouthFrownLeft", "mouthFrownRight"), "-0.5*ParamMouthForm"),
        "mouthPucker": "-0.8333333*ParamMouthForm",
        "jawOpen": "0.71428571*ParamMouthOpenY",
    },
)
"""A face that gives the same parameters again, as far as they stay in range; the rest of the face stays 0."""


def cubism2(name: str) -> str:
    """Return a parameter's id as Cubism 2 spells it.

    Example:
        >>> cubism2("ParamMouthOpenY"), cubism2("ParamEyeLOpen")
        ('PARAM_MOUTH_OPEN_Y', 'PARAM_EYE_L_OPEN')

    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


CUBISM2_NAMES: dict[str, str] = {cubism2(name): name for name in LIVE2D.channels}
"""Standard id by its spelling of Cubism 2."""


def fit_ranges(values: Float32, parameters: Sequence[Parameter]) -> Float32:
    """Return values of the standard parameters stretched to a model's own ranges.

    Rest goes to rest and each end to its end, so that a full smile stays a full smile.

    Args:
        values: (T, len(LIVE2D)) float32 in the standard ranges.
        parameters: the model's own, in the order of `LIVE2D`.

    Raises:
        RigError: the parameters are not those of `LIVE2D` in its order.

    """
    names = tuple(p.name for p in parameters)
    if names != LIVE2D.channels:
        raise RigError(
            f"a model's parameters must be the {len(LIVE2D)} of rig 'live2d' in its order, got {len(names)} "
            f"beginning with {', '.join(names[:3])}; leave absent ones as they are in LIVE2D_PARAMETERS"
        )
    ours, theirs = (
        np.array([(p.low, p.rest, p.high) for p in table], np.float32).T
        for table in (LIVE2D_PARAMETERS, parameters)
    )
    away = values - ours[1]
    reach, room = (
        np.where(away < 0, ours[1] - ours[0], ours[2] - ours[1]),
        np.where(away < 0, theirs[1] - theirs[0], theirs[2] - theirs[1]),
    )
    return np.asarray(theirs[1] + away / np.maximum(reach, 1e-6) * room, np.float32)
