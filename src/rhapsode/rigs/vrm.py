"""VRM expression presets, versions 0 and 1, and their maps to and from ARKit.

Left and right are the character's own. VRM adds up the expressions that are on, so the maps from ARKit give
``blink`` what both eyes share and the one-eyed presets only the rest. Moods are given from ARKit only where
several of their signs agree, so that speech alone does not switch them on; ``relaxed`` and ``neutral`` have
no sign of their own and stay 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from rhapsode.errors import RigError
from rhapsode.performance import Float32
from rhapsode.rigs.arkit import ARKIT
from rhapsode.rigs.maps import ChannelMap, Term, check_width, linear, renaming
from rhapsode.rigs.projection import ShapeProjection
from rhapsode.rigs.rig import Rig
from rhapsode.rigs.visemes import OCULUS_SHAPES, SMILE

VRM1 = Rig(
    "vrm1",
    (
        *("happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh"),
        *("blink", "blinkLeft", "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight", "neutral"),
    ),
    "VRMC_vrm 1.0, expressions.preset",
)
VRM0 = Rig(
    "vrm0",
    (
        *("joy", "angry", "sorrow", "fun", "a", "i", "u", "e", "o", "blink", "blink_l", "blink_r"),
        *("lookup", "lookdown", "lookleft", "lookright", "neutral"),
    ),
    "VRM 0.x, blendShapeMaster presetName (without 'unknown', which names no expression)",
)

VRM0_TO_VRM1: dict[str, str] = {
    "joy": "happy",
    "angry": "angry",
    "sorrow": "sad",
    "fun": "relaxed",
    "neutral": "neutral",
    "a": "aa",
    "i": "ih",
    "u": "ou",
    "e": "ee",
    "o": "oh",
    "blink": "blink",
    "blink_l": "blinkLeft",
    "blink_r": "blinkRight",
    "lookup": "lookUp",
    "lookdown": "lookDown",
    "lookleft": "lookLeft",
    "lookright": "lookRight",
}
"""VRM 1 name by VRM 0 name; VRM 1's ``surprised`` has no VRM 0 preset."""

VRM1_TO_VRM0: dict[str, str] = {new: old for old, new in VRM0_TO_VRM1.items()}
"""VRM 0 name by VRM 1 name."""

VRM0_CLIPS: dict[str, str] = {
    **{
        name: name.capitalize()
        for name in ("joy", "angry", "sorrow", "fun", "a", "i", "u", "e", "o", "neutral")
    },
    "blink": "Blink",
    "blink_l": "Blink_L",
    "blink_r": "Blink_R",
    "lookup": "LookUp",
    "lookdown": "LookDown",
    "lookleft": "LookLeft",
    "lookright": "LookRight",
}
"""How VRM 0 clips are spelled on the wire (VMC protocol), by preset name."""


def _both(name: str, weight: float) -> dict[str, float]:
    return {f"{name}Left": weight, f"{name}Right": weight}


VOWELS: dict[str, Mapping[str, float]] = {
    vrm: OCULUS_SHAPES[oculus]
    for vrm, oculus in {"aa": "aa", "ih": "ih", "ou": "ou", "ee": "E", "oh": "oh"}.items()
}
"""ARKit weights of the five mouth presets in full."""

_LOOKS: dict[str, tuple[str, str]] = {
    "lookUp": ("eyeLookUpLeft", "eyeLookUpRight"),
    "lookDown": ("eyeLookDownLeft", "eyeLookDownRight"),
    "lookLeft": ("eyeLookOutLeft", "eyeLookInRight"),
    "lookRight": ("eyeLookInLeft", "eyeLookOutRight"),
}
_FACES: dict[str, Mapping[str, float]] = {
    **VOWELS,
    "happy": {**_both("mouthSmile", 0.8), **_both("cheekSquint", 0.5), **_both("eyeSquint", 0.2)},
    "angry": {**_both("browDown", 0.8), **_both("noseSneer", 0.3), **_both("mouthPress", 0.3)},
    "sad": {"browInnerUp": 0.7, **_both("mouthFrown", 0.6)},
    "relaxed": {**_both("mouthSmile", 0.35), **_both("eyeSquint", 0.15)},
    "surprised": {"browInnerUp": 0.7, **_both("browOuterUp", 0.7), **_both("eyeWide", 0.7), "jawOpen": 0.2},
    "blink": _both("eyeBlink", 1.0),
    "blinkLeft": {"eyeBlinkLeft": 1.0},
    "blinkRight": {"eyeBlinkRight": 1.0},
    **{look: dict.fromkeys(eyes, 1.0) for look, eyes in _LOOKS.items()},
}
_MOODS: dict[str, Mapping[str, float]] = {
    "happy": {**_both("mouthSmile", 1.2), **_both("cheekSquint", 1.6)},
    "angry": {**_both("browDown", 1.1), **_both("noseSneer", 2.5)},
    "sad": {"browInnerUp": 1.3, **_both("mouthFrown", 1.5)},
    "surprised": {"browInnerUp": 1.2, **_both("browOuterUp", 1.2), **_both("eyeWide", 1.3)},
}

_EYES_AND_MOODS = ChannelMap(
    ARKIT,
    VRM1,
    (
        Term("blink", _both("eyeBlink", 1.0), "min"),
        Term("blinkLeft", {"eyeBlinkLeft": 1.0, "eyeBlinkRight": -1.0}),
        Term("blinkRight", {"eyeBlinkRight": 1.0, "eyeBlinkLeft": -1.0}),
        *(Term(look, dict.fromkeys(eyes, 0.5)) for look, eyes in _LOOKS.items()),
        *(Term(mood, signs, "min") for mood, signs in _MOODS.items()),
    ),
)
_MOUTH = ShapeProjection(ARKIT, VRM1, VOWELS, ignored=SMILE)


class _ArkitToVrm1:
    """Eyes and moods by terms, the mouth as the nearest mixture of the five vowels and rest."""

    source = ARKIT
    target = VRM1

    def apply(self, values: Float32) -> Float32:
        """Return (T, 18) float32 in [0, 1] for (T, 52) float32."""
        check_width(values, ARKIT)
        return _EYES_AND_MOODS.apply(values) + _MOUTH.apply(values)


class _ArkitToVrm0:
    """As VRM 1, under the names of VRM 0; ``surprised`` is dropped."""

    source = ARKIT
    target = VRM0

    def apply(self, values: Float32) -> Float32:
        """Return (T, 17) float32 in [0, 1] for (T, 52) float32."""
        return VRM1_TO_VRM0_MAP.apply(ARKIT_TO_VRM1.apply(values))


VRM1_TO_ARKIT = linear(VRM1, ARKIT, _FACES)
VRM0_TO_ARKIT = linear(
    VRM0, ARKIT, {VRM1_TO_VRM0[new]: face for new, face in _FACES.items() if new in VRM1_TO_VRM0}
)
VRM0_TO_VRM1_MAP = renaming(VRM0, VRM1, VRM0_TO_VRM1)
VRM1_TO_VRM0_MAP = renaming(VRM1, VRM0, VRM1_TO_VRM0)
ARKIT_TO_VRM1 = _ArkitToVrm1()
ARKIT_TO_VRM0 = _ArkitToVrm0()


def vrm_name(name: str, version: int) -> str:
    """Return the preset ``name`` of either version (or its VMC spelling) as version 0 or 1 spells it.

    Raises:
        RigError: no preset has that name, or the version has none for it (``surprised`` in VRM 0).

    Example:
        >>> vrm_name("joy", 1), vrm_name("blinkLeft", 0), vrm_name("Fun", 1)
        ('happy', 'blink_l', 'relaxed')

    """
    assert version in (0, 1), "VRM has versions 0 and 1"
    clips = {clip: preset for preset, clip in VRM0_CLIPS.items()}
    old = VRM1_TO_VRM0.get(name) or clips.get(name) or (name if name in VRM0_TO_VRM1 else None)
    made = old if version == 0 else (name if name in VRM1.channels else VRM0_TO_VRM1.get(old or ""))
    if made is None:
        raise RigError(
            f"VRM {version} has no preset for '{name}'; its presets: "
            f"{', '.join((VRM0 if version == 0 else VRM1).channels)}"
        )
    return made
