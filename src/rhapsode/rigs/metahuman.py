"""MetaHuman's facial curves, ``CTRL_expressions_*``, and their maps to and from the face rig.

Left and right are the character's own; MetaHuman's ``eyeLookLeftR`` is the right eye that looks to the
character's left. Only the curves that ARKit can drive are listed. The nine angles keep the names that Live
Link Face gives them, which MetaHuman's animation blueprint reads. The weights follow Unreal's own pose asset
for ARKit, except ``mouthClose``, for which only the curves are known: the lips come together in full and
purse by half.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from rhapsode.performance import Float32
from rhapsode.rigs.arkit import ANGLES, BLENDSHAPES, FACE
from rhapsode.rigs.livelink import pascal
from rhapsode.rigs.maps import check_width, linear
from rhapsode.rigs.rig import Rig

PREFIX = "CTRL_expressions_"

_SIDES = {"Left": "L", "Right": "R"}
_QUARTERS = ("UL", "UR", "DL", "DR")
_SAME_SIDE: dict[str, tuple[str, ...]] = {
    "eyeBlink": ("eyeBlink",),
    "eyeLookDown": ("eyeLookDown",),
    "eyeLookUp": ("eyeLookUp",),
    "eyeSquint": ("eyeSquintInner",),
    "eyeWide": ("eyeWiden",),
    "mouthSmile": ("mouthCornerPull",),
    "mouthFrown": ("mouthCornerDepress",),
    "mouthDimple": ("mouthDimple",),
    "mouthStretch": ("mouthStretch",),
    "mouthPress": ("mouthPressU", "mouthPressD"),
    "mouthLowerDown": ("mouthLowerLipDepress",),
    "mouthUpperUp": ("mouthUpperLipRaise",),
    "browDown": ("browDown",),
    "browOuterUp": ("browRaiseIn", "browRaiseOuter"),
    "cheekSquint": ("eyeCheekRaise",),
    "noseSneer": ("noseWrinkle",),
}
_BOTH_SIDES: dict[str, dict[str, float]] = {
    "mouthRollLower": {"mouthLowerLipRollIn": 1.0, "mouthUpperLipRollIn": 0.5},
    "mouthRollUpper": {"mouthUpperLipRollIn": 1.0},
    "mouthShrugLower": {"jawChinRaiseD": 1.0},
    "mouthShrugUpper": {"jawChinRaiseU": 1.0},
    "browInnerUp": {"browRaiseIn": 1.0, "browLateral": 1.0},
    "cheekPuff": {"mouthCheekBlow": 1.0, "mouthLipsBlow": 1.0},
}
_ROUND_THE_MOUTH: dict[str, dict[str, float]] = {
    "mouthFunnel": {"mouthFunnel": 1.0},
    "mouthPucker": {"mouthLipsPurse": 1.0, "mouthLipsTowards": 0.412, "mouthFunnel": 0.752},
    "mouthClose": {"mouthLipsTowards": 1.0, "mouthLipsPurse": 0.5},
}
_CENTRE = {
    "eyeLookInLeft": "eyeLookRightL",
    "eyeLookOutLeft": "eyeLookLeftL",
    "eyeLookInRight": "eyeLookLeftR",
    "eyeLookOutRight": "eyeLookRightR",
    "jawForward": "jawFwd",
    **{name: name for name in ("jawLeft", "jawRight", "jawOpen", "mouthLeft", "mouthRight", "tongueOut")},
}


def _curves(channel: str) -> dict[str, float]:
    """Return the weight by MetaHuman curve, without its prefix, of one ARKit channel."""
    for side, short in _SIDES.items():
        if channel.removesuffix(side) in _SAME_SIDE and channel.endswith(side):
            return {f"{name}{short}": 1.0 for name in _SAME_SIDE[channel.removesuffix(side)]}
    for table, ends in ((_BOTH_SIDES, tuple(_SIDES.values())), (_ROUND_THE_MOUTH, _QUARTERS)):
        if channel in table:
            return {f"{name}{end}": w for name, w in table[channel].items() for end in ends}
    return {_CENTRE[channel]: 1.0}


ARKIT_CURVES: Mapping[str, Mapping[str, float]] = {
    channel: {PREFIX + name: weight for name, weight in _curves(channel).items()} for channel in BLENDSHAPES
}
"""Weight by MetaHuman curve, by ARKit channel."""

_ANGLES = tuple(pascal(name) for name in ANGLES)

METAHUMAN = Rig(
    "metahuman",
    (*dict.fromkeys(name for curves in ARKIT_CURVES.values() for name in curves), *_ANGLES),
    "Unreal MetaHuman facial curves that ARKit drives, and Live Link's nine angles",
    _ANGLES,
)

FACE_TO_METAHUMAN = linear(
    FACE, METAHUMAN, {**ARKIT_CURVES, **{name: {pascal(name): 1.0} for name in ANGLES}}
)
"""Sums are clipped to 1: a full pucker with a full funnel is one on the funnel's curves."""


class _MetahumanToFace:
    """The ARKit weights whose curves are nearest in the sense of least squares, clipped to [0, 1].

    Going there and back gives every frame again whose curves stay within 1 before they are clipped.
    """

    source = METAHUMAN
    target = FACE

    def apply(self, values: Float32) -> Float32:
        """Return (T, 61) float32 for (T, curves and angles) float32."""
        check_width(values, METAHUMAN)
        made = values @ self._inverse
        weights = made[:, : len(BLENDSHAPES)]
        np.clip(weights, 0.0, 1.0, out=weights)
        return made

    @cached_property
    def _inverse(self) -> Float32:
        forward = np.zeros((len(FACE), len(METAHUMAN)))
        for channel, curves in ARKIT_CURVES.items():
            for name, weight in curves.items():
                forward[FACE.index(channel), METAHUMAN.index(name)] = weight
        for name in ANGLES:
            forward[FACE.index(name), METAHUMAN.index(pascal(name))] = 1.0
        return np.asarray(np.linalg.pinv(forward), np.float32)


METAHUMAN_TO_FACE = _MetahumanToFace()
