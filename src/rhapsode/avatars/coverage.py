"""What an avatar's face can do, told in words and numbers, and what would help it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rhapsode.avatars.mapping import LOOK, ChannelMap
from rhapsode.avatars.spelling import key
from rhapsode.performance import Float32
from rhapsode.rigs import BLENDSHAPES, FACE

KEY_FACES: Mapping[str, Mapping[str, float]] = {
    "rest": {},
    "A": {"jawOpen": 0.42, "mouthLowerDownLeft": 0.12, "mouthLowerDownRight": 0.12},
    "I": {
        **dict.fromkeys(("mouthStretchLeft", "mouthStretchRight"), 0.35),
        **dict.fromkeys(("mouthSmileLeft", "mouthSmileRight"), 0.25),
        **dict.fromkeys(("mouthUpperUpLeft", "mouthUpperUpRight"), 0.15),
        "jawOpen": 0.14,
    },
    "U": {"mouthPucker": 0.6, "mouthFunnel": 0.3, "jawOpen": 0.1},
    "E": {
        **dict.fromkeys(("mouthStretchLeft", "mouthStretchRight"), 0.25),
        **dict.fromkeys(("mouthDimpleLeft", "mouthDimpleRight"), 0.15),
        "jawOpen": 0.28,
    },
    "O": {"mouthFunnel": 0.5, "mouthPucker": 0.3, "jawOpen": 0.32},
    "P B M": {
        **dict.fromkeys(("mouthPressLeft", "mouthPressRight"), 0.35),
        "mouthRollLower": 0.2,
        "jawOpen": 0.15,
        "mouthClose": 0.19,
    },
    "F V": {
        **dict.fromkeys(("mouthUpperUpLeft", "mouthUpperUpRight"), 0.2),
        "mouthRollLower": 0.4,
        "mouthShrugLower": 0.25,
        "jawOpen": 0.08,
    },
    "smile": {
        **dict.fromkeys(("mouthSmileLeft", "mouthSmileRight"), 0.7),
        **dict.fromkeys(("cheekSquintLeft", "cheekSquintRight"), 0.4),
    },
    "blink": dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), 1.0),
}
"""Faces that show what an avatar can do: vowels, lips closed, teeth on the lip, a smile, a blink."""

_APART = 0.08
_JAW_UNIT = 2.0  # a jaw turned fully counts as much as this much of a morph target

Row = dict[str, Any]


def key_faces() -> Float32:
    """Return `KEY_FACES` as (F, 61) float32 of `rhapsode.rigs.FACE`."""
    made = np.zeros((len(KEY_FACES), len(FACE)), np.float32)
    for row, face in zip(made, KEY_FACES.values(), strict=True):
        for name, value in face.items():
            row[FACE.index(name)] = value
    return made


def coverage(channels: ChannelMap) -> Row:
    """Return what ``channels`` cover as a JSON document.

    Keys: found and missing (channel names), stood_in (channel to what stands in for it), mouth (what speaks),
    eyes (what turns them), speech, gaze_and_lids, brows, head (each with a score from 0 to 1 and its parts),
    help (sentences), origin ("found" or "file").
    """
    stands = _stand_ins(channels)
    own = ["jawOpen"] if key(stands.get("jawOpen", "")).endswith("jawopen") else []
    speech, eyes, brows, head = _speech(channels), _eyes(channels, stands), _brows(channels), _head(channels)
    return {
        "found": [name for name in BLENDSHAPES if name in channels.found or name in own],
        "stood_in": {name: words for name, words in stands.items() if name not in own},
        "missing": list(channels.missing),
        "mouth": channels.mouth.kind,
        "shapes": list(channels.mouth.shapes),
        "jaw": channels.jaw is not None,
        "eyes": channels.eyes,
        "speech": _scored(speech),
        "gaze_and_lids": _scored(eyes),
        "brows": _scored(brows),
        "head": _scored(head),
        "help": _help(channels, speech, eyes, brows, head),
        "origin": channels.origin,
    }


def _stand_ins(channels: ChannelMap) -> dict[str, str]:
    """Return what stands in for each channel that has no shape of its own, in words."""
    made: dict[str, str] = {}
    for name in BLENDSHAPES:
        if name in channels.stood_in:
            pairs = channels.stood_in[name]
            less = all(gain < 0 for _, gain in pairs)
            made[name] = ("less " if less else "") + ", ".join(morph for morph, _ in pairs)
        elif name in channels.mouth.channels:
            less = channels.mouth.kind == "opening" and name == "mouthClose"
            made[name] = ("less " if less else "") + _mouth_words(channels)
        elif channels.jaw and name in ("jawOpen", "jawLeft", "jawRight", "mouthClose"):
            if name not in channels.found:
                made[name] = "less jaw bone" if name == "mouthClose" else "jaw bone"
        elif channels.eyes == "bones" and name in LOOK:
            made[name] = "eye bones"
    return made


def _mouth_words(channels: ChannelMap) -> str:
    if channels.mouth.kind == "opening":
        pairs = channels.mouth.shapes.get("open", ())
        return ", ".join(morph for morph, _ in pairs) or "jaw bone"
    return f"the {channels.mouth.kind} {' '.join(channels.mouth.shapes)}"


def _state(channels: ChannelMap) -> Float32:
    """Return what every key face does to the avatar, (F, M + 1): morph target weights and the jaw."""
    faces = key_faces()
    jaw = channels.bone_angles(faces).get("jaw")
    turn = (
        jaw[:, 1:2] / channels.jaw.open_rad if jaw is not None and channels.jaw else np.zeros((len(faces), 1))
    )
    return np.concatenate([channels.morph_weights(faces), np.asarray(turn * _JAW_UNIT, np.float32)], axis=1)


def _speech(channels: ChannelMap) -> dict[str, float]:
    """Return how well the mouth opens, closes, rounds, spreads and bites: 0, .5 or 1 each."""
    shown = dict(zip(KEY_FACES, _state(channels), strict=True))

    def apart(one: str, other: str) -> float:
        return float(np.abs(shown[one] - shown[other]).max())

    opens = apart("A", "rest") > _APART
    lips = {"mouthClose", "mouthPressLeft", "mouthRollLower"} & set(channels.found)
    meets = "PP" in channels.mouth.shapes or "mouthClose" in channels.found
    shuts = meets or _less_open(channels)
    bites = "FF" in channels.mouth.shapes or {"mouthRollLower", "mouthShrugLower"} & set(channels.found)
    rounds = min(apart("U", "A"), apart("O", "A"), apart("U", "rest")) > _APART
    spreads = min(apart("I", "A"), apart("I", "U")) > _APART and channels.mouth.kind != "opening"
    lip_rounds = {"mouthPucker", "mouthFunnel"} & {*channels.found, *channels.stood_in}
    by_shapes = channels.mouth.kind in ("visemes", "vowels")
    return {
        "opens": float(opens),
        "closes": (1.0 if meets or lips else 0.5) if opens and shuts else 0.0,
        "rounds": float(rounds and bool(lip_rounds or by_shapes)),
        "spreads": float(spreads),
        "bites": float(bool(bites)),
    }


def _less_open(channels: ChannelMap) -> bool:
    """Tell whether the lips of p, b and m are less open than jawOpen alone would leave them."""
    faces = key_faces()[[list(KEY_FACES).index("P B M")] * 2]
    for name in ("mouthClose", "mouthPressLeft", "mouthPressRight", "mouthRollLower"):
        faces[0, FACE.index(name)] = 0.0
    jaw = channels.bone_angles(faces).get("jaw")
    turn = 0.0 if jaw is None else float(jaw[0, 1] - jaw[1, 1])
    made = channels.morph_weights(faces)
    return turn > 1e-3 or float((made[0] - made[1]).max(initial=0.0)) > 0.02


def _eyes(channels: ChannelMap, stands: Mapping[str, str]) -> dict[str, float]:
    have = {*channels.found, *channels.stood_in}
    lids = [channels.drives(f"eyeBlink{side}") for side in ("Left", "Right")]
    each = bool(lids[0]) and bool(lids[1])
    same = each and set(lids[0]) == set(lids[1])
    gaze = sum(name in have or name in stands for name in LOOK) / len(LOOK)
    return {
        "blinks": (0.5 if same else 1.0) if each else 0.0,
        "looks": gaze if channels.eyes != "none" else 0.0,
        "widens": float({"eyeWideLeft", "eyeWideRight"} <= have),
        "squints": float({"eyeSquintLeft", "eyeSquintRight"} <= have),
    }


def _brows(channels: ChannelMap) -> dict[str, float]:
    def how(*names: str) -> float:
        return float(
            np.mean([1.0 if n in channels.found else 0.5 if n in channels.stood_in else 0.0 for n in names])
        )

    return {
        "lowers": how("browDownLeft", "browDownRight"),
        "worries": how("browInnerUp"),
        "raises": how("browOuterUpLeft", "browOuterUpRight"),
    }


def _head(channels: ChannelMap) -> dict[str, float]:
    return {bone: float(bone in channels.bones) for bone in ("head", "neck")}


def _scored(parts: Mapping[str, float]) -> Row:
    return {
        "score": round(float(np.mean(list(parts.values()))), 2),
        **{k: round(v, 2) for k, v in parts.items()},
    }


_ADVICE: Mapping[str, str] = {
    "opens": "nothing opens the mouth: add a shape jawOpen, the vowel A, or a jaw bone",
    "closes": "lips do not quite meet on p, b and m: add mouthClose and mouthPress, or a viseme PP",
    "rounds": "o and u look like a: add mouthPucker and mouthFunnel, or the vowels U and O",
    "spreads": "i and e look like a: add mouthStretch or mouthSmile, or the vowels I and E",
    "bites": "no teeth on the lip for f and v: add mouthRollLower, or a viseme FF",
    "blinks": "the eyes do not blink: add eyeBlinkLeft and eyeBlinkRight",
    "looks": "the eyes do not turn: add eye bones, or the eight eyeLook shapes",
    "lowers": "brows cannot frown: add browDownLeft and browDownRight",
    "worries": "brows cannot worry: add browInnerUp",
    "raises": "brows cannot rise: add browOuterUpLeft and browOuterUpRight",
    "head": "no head bone was found: name one 'head', or declare it in the VRM",
    "neck": "no neck bone was found: the head alone takes every turn",
}


def _help(channels: ChannelMap, *groups: Mapping[str, float]) -> list[str]:
    """Return what would help, the most audible first."""
    weak = [part for group in groups for part, score in group.items() if score < 0.5]
    half = [part for part in ("closes",) for group in groups if group.get(part) == 0.5]
    made = [_ADVICE[part] for part in (*weak, *half) if part in _ADVICE]
    hollow = [name for name in channels.missing if name in channels.empty]
    hollow += [name for name in ("jawOpen",) if name in channels.empty and name not in hollow]
    if hollow:
        made.insert(0, f"these shapes are in the file but move nothing: {', '.join(hollow)}")
    unnamed = sum(name.rpartition("morph_")[2].isdigit() for name in channels.morphs if "morph_" in name)
    if unnamed and not channels.found and channels.origin == "found":
        made.insert(
            0, f"{unnamed} shapes have no name in the file: tell what they are with 'rhapsode avatars map'"
        )
    return made
