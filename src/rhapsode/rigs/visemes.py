"""Viseme sets and what each viseme looks like on ARKit's channels.

No standard says what a viseme weighs on ARKit. The table of the Oculus set is this product's own; the other
sets are written as mixtures of it. From ARKit back, `ShapeProjection` finds the nearest mixture, with what
is left as silence; visemes that look alike (DD, kk, nn) cannot be told apart well from a face alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from rhapsode.errors import RigError
from rhapsode.rigs.arkit import ARKIT
from rhapsode.rigs.maps import ChannelMap, linear
from rhapsode.rigs.projection import ShapeProjection
from rhapsode.rigs.rig import Rig

OCULUS = Rig(
    "oculus",
    ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"),
    "Oculus LipSync, OpenXR and Ready Player Me (avatars also spell I, O, U)",
)
AZURE = Rig("azure", tuple(f"viseme_{k}" for k in range(22)), "Azure AI Speech, viseme ids 0 to 21")
POLLY = Rig(
    "polly",
    ("sil", "p", "t", "S", "T", "f", "k", "i", "r", "s", "u", "@", "a", "e", "E", "o", "O"),
    "Amazon Polly speech marks, en-US",
)
RHUBARB = Rig("rhubarb", ("A", "B", "C", "D", "E", "F", "G", "H", "X"), "Rhubarb Lip Sync, extended set")

REST: dict[str, str] = {"oculus": "sil", "azure": "viseme_0", "polly": "sil", "rhubarb": "X"}
"""The viseme of silence in each set."""

OTHER_SPELLINGS: dict[str, dict[str, str]] = {
    "oculus": {"I": "ih", "O": "oh", "U": "ou", "e": "E", "A": "aa"},
    "azure": {str(k): f"viseme_{k}" for k in range(22)},
    "polly": {"l": "t", "J": "i", "B": "p"},
    "rhubarb": {},
}
"""What else is met in files for the same visemes, by set."""

SMILE = ("mouthSmileLeft", "mouthSmileRight")
"""Left out when visemes are looked for in a face: a smile is no vowel."""

Shape = Mapping[str, float]


def _both(name: str, weight: float) -> dict[str, float]:
    return {f"{name}Left": weight, f"{name}Right": weight}


OCULUS_SHAPES: dict[str, Shape] = {
    "sil": {},
    "PP": {**_both("mouthPress", 0.5), "mouthRollLower": 0.3, "mouthRollUpper": 0.22},
    "FF": {"mouthShrugLower": 0.35, **_both("mouthUpperUp", 0.3), "mouthRollLower": 0.45, "jawOpen": 0.07},
    "TH": {"tongueOut": 0.4, "jawOpen": 0.14, **_both("mouthUpperUp", 0.15), **_both("mouthLowerDown", 0.18)},
    "DD": {"jawOpen": 0.2, **_both("mouthUpperUp", 0.14), **_both("mouthLowerDown", 0.12)},
    "kk": {"jawOpen": 0.3, **_both("mouthLowerDown", 0.12), **_both("mouthStretch", 0.06)},
    "CH": {"mouthFunnel": 0.6, "mouthPucker": 0.35, "jawOpen": 0.14, **_both("mouthUpperUp", 0.08)},
    "SS": {
        "jawOpen": 0.07,
        **_both("mouthStretch", 0.3),
        **_both("mouthUpperUp", 0.26),
        **_both("mouthLowerDown", 0.28),
        **_both("mouthDimple", 0.1),
    },
    "nn": {"jawOpen": 0.18, **_both("mouthLowerDown", 0.16)},
    "RR": {"mouthPucker": 0.45, "mouthFunnel": 0.28, "jawOpen": 0.18, "mouthShrugUpper": 0.2},
    "aa": {"jawOpen": 0.6, **_both("mouthLowerDown", 0.15), **_both("mouthUpperUp", 0.08)},
    "E": {
        "jawOpen": 0.4,
        **_both("mouthStretch", 0.28),
        **_both("mouthDimple", 0.18),
        **_both("mouthSmile", 0.08),
    },
    "ih": {
        "jawOpen": 0.18,
        **_both("mouthStretch", 0.4),
        **_both("mouthSmile", 0.28),
        **_both("mouthUpperUp", 0.15),
    },
    "oh": {"mouthFunnel": 0.65, "mouthPucker": 0.35, "jawOpen": 0.42},
    "ou": {"mouthPucker": 0.85, "mouthFunnel": 0.4, "jawOpen": 0.12},
}
"""ARKit weights of each Oculus viseme in full."""

_AZURE_MIX: dict[str, Shape] = {
    "0": {"sil": 1.0},
    "1": {"aa": 0.6, "E": 0.3},
    "2": {"aa": 1.0},
    "3": {"oh": 0.8, "aa": 0.2},
    "4": {"E": 0.8, "ih": 0.1},
    "5": {"RR": 0.6, "E": 0.4},
    "6": {"ih": 1.0},
    "7": {"ou": 1.0},
    "8": {"oh": 0.7, "ou": 0.3},
    "9": {"aa": 0.6, "ou": 0.4},
    "10": {"oh": 0.6, "ih": 0.4},
    "11": {"aa": 0.6, "ih": 0.4},
    "12": {"kk": 0.6},
    "13": {"RR": 1.0},
    "14": {"nn": 0.8, "aa": 0.1},
    "15": {"SS": 1.0},
    "16": {"CH": 1.0},
    "17": {"TH": 1.0},
    "18": {"FF": 1.0},
    "19": {"DD": 1.0},
    "20": {"kk": 1.0},
    "21": {"PP": 1.0},
}
_POLLY_MIX: dict[str, Shape] = {
    "sil": {"sil": 1.0},
    "p": {"PP": 1.0},
    "t": {"DD": 1.0},
    "S": {"CH": 1.0},
    "T": {"TH": 1.0},
    "f": {"FF": 1.0},
    "k": {"kk": 1.0},
    "i": {"ih": 1.0},
    "r": {"RR": 1.0},
    "s": {"SS": 1.0},
    "u": {"ou": 1.0},
    "@": {"E": 0.4, "aa": 0.3},
    "a": {"aa": 1.0},
    "e": {"E": 0.6, "ih": 0.4},
    "E": {"E": 1.0},
    "o": {"oh": 0.6, "ou": 0.4},
    "O": {"oh": 0.8, "aa": 0.2},
}
_RHUBARB_MIX: dict[str, Shape] = {
    "A": {"PP": 1.0},
    "B": {"SS": 0.5, "ih": 0.4},
    "C": {"E": 0.9, "aa": 0.1},
    "D": {"aa": 1.0},
    "E": {"oh": 0.7, "E": 0.3},
    "F": {"ou": 1.0},
    "G": {"FF": 1.0},
    "H": {"nn": 0.6, "aa": 0.4},
    "X": {"sil": 1.0},
}


def _mixed(mix: Mapping[str, Shape], prefix: str = "") -> dict[str, Shape]:
    made: dict[str, Shape] = {}
    for viseme, parts in mix.items():
        total: dict[str, float] = {}
        for part, share in parts.items():
            for channel, weight in OCULUS_SHAPES[part].items():
                total[channel] = total.get(channel, 0.0) + share * weight
        made[prefix + viseme] = total
    return made


VISEME_SETS: dict[str, Rig] = {rig.name: rig for rig in (OCULUS, AZURE, POLLY, RHUBARB)}
"""The viseme sets by name."""

SHAPES: dict[str, dict[str, Shape]] = {
    "oculus": OCULUS_SHAPES,
    "azure": _mixed(_AZURE_MIX, "viseme_"),
    "polly": _mixed(_POLLY_MIX),
    "rhubarb": _mixed(_RHUBARB_MIX),
}
"""ARKit weights of every viseme in full, by set."""

_NOT_FROM_FACES = frozenset(("viseme_9", "viseme_10", "viseme_11", "viseme_12"))
"""Azure's diphthongs, which are movements, and h, which has no mouth of its own."""


def _still(name: str) -> dict[str, Shape]:
    return {viseme: shape for viseme, shape in SHAPES[name].items() if viseme not in _NOT_FROM_FACES}


VISEMES_TO_ARKIT: dict[str, ChannelMap] = {
    name: linear(rig, ARKIT, SHAPES[name]) for name, rig in VISEME_SETS.items()
}
ARKIT_TO_VISEMES: dict[str, ShapeProjection] = {
    name: ShapeProjection(ARKIT, rig, _still(name), REST[name], SMILE) for name, rig in VISEME_SETS.items()
}


def viseme_set(name: str) -> Rig:
    """Return the viseme set called ``name``.

    Raises:
        RigError: there is none of that name; the message lists the known.

    """
    if name not in VISEME_SETS:
        raise RigError(
            f"a viseme set must be one of: {', '.join(VISEME_SETS)}; got '{name}'; choose one of them"
        )
    return VISEME_SETS[name]
