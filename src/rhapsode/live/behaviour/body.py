"""The body: from what behaviour says of it to turns of humanoid bones.

The bones are VRM 1.0's, relative to the T-pose (palms down), in glTF's axes: X to the character's left, Y up,
Z forward. The arms always stand with them: whoever is given bones lets the arms of the T-pose be.
"""

from __future__ import annotations

from math import cos, sin

from rhapsode.live.behaviour.parts import AT, Float64
from rhapsode.protocols.frame import Quaternion
from rhapsode.rotations import IDENTITY, blend, product

_TRUNK = {"spine": 0.4, "chest": 0.35, "upperChest": 0.25}
"""How the trunk's turns are shared out."""

_SHRUG = 0.34
"""How far the shoulders go up, radians."""

_FINGERS = [
    (f"{finger}{joint}", bend)
    for finger in ("Index", "Middle", "Ring", "Little")
    for joint, bend in (("Proximal", 0.22), ("Intermediate", 0.3), ("Distal", 0.2))
]
"""How fingers at ease are bent, radians: as the page shows them."""


def about(axis: str, angle: float) -> Quaternion:
    """Return the turn by ``angle`` radians about "x", "y" or "z"."""
    half = 0.5 * angle
    s, w = sin(half), cos(half)
    return (s if axis == "x" else 0.0, s if axis == "y" else 0.0, s if axis == "z" else 0.0, w)


def times(*turns: Quaternion) -> Quaternion:
    """Return the product of ``turns``: the last turns first."""
    made = turns[0]
    for turn in turns[1:]:
        made = product(made, turn)
    return made


def back(turn: Quaternion) -> Quaternion:
    """Return the turn back of a unit quaternion."""
    x, y, z, w = turn
    return (-x, -y, -z, w)


def _upper(side: float) -> Quaternion:
    return times(about("x", 0.1), about("z", -1.22 * side))


def _lower(side: float) -> Quaternion:
    return times(about("y", -0.2 * side), about("z", -0.06 * side))


def _hand(side: float) -> Quaternion:
    return times(about("y", -0.08 * side), about("z", -0.05 * side))


_EASE = {
    f"{name}{part}": turn(side)
    for name, side in (("left", 1.0), ("right", -1.0))
    for part, turn in (("UpperArm", _upper), ("LowerArm", _lower), ("Hand", _hand))
}
"""Arms at ease, as the page lets them hang."""

_RAISED = times(about("z", 0.9), about("y", 0.42), about("x", -0.9))
"""Right upper arm of a wave: out and forward, turned about itself so that the elbow bends upwards."""

_FOREARM = times(about("z", -0.1), about("y", 1.4), about("z", -1.52))
"""Right forearm of a wave in the axes of the trunk: upright, the palm to the viewer."""

_PALMS_UPPER = {side: times(about("z", -1.27 * side), about("x", -0.7)) for side in (1.0, -1.0)}
"""Upper arms of open palms, turned outwards."""

_PALMS_LOWER = {
    side: times(back(_PALMS_UPPER[side]), about("y", -1.2 * side), about("z", -0.16 * side), about("x", -2.2))
    for side in (1.0, -1.0)
}
"""Forearms of open palms: forward and out, the palms up."""


def pose(parts: Float64) -> dict[str, Quaternion]:
    """Return the bones of a body that does ``parts``, a row of `rhapsode.live.behaviour.parts.PARTS`."""
    lean, turn, sway, left, right, palms, wave, swing, hand = parts[AT["lean"] :].tolist()
    made: dict[str, Quaternion] = {}
    for bone, share in _TRUNK.items():
        made[bone] = times(about("y", -turn * share), about("x", lean * share), about("z", sway * share))
    for name, side, drawn in (("left", 1.0, left), ("right", -1.0, right)):
        up = _SHRUG * drawn
        made[f"{name}Shoulder"] = about("z", (up - 0.04) * side)
        upper = blend(_EASE[f"{name}UpperArm"], _PALMS_UPPER[side], palms)
        # Shoulders that go up leave the arms hanging.
        made[f"{name}UpperArm"] = times(about("z", -1.05 * up * side), upper)
        made[f"{name}LowerArm"] = blend(_EASE[f"{name}LowerArm"], _PALMS_LOWER[side], palms)
        made[f"{name}Hand"] = blend(_EASE[f"{name}Hand"], IDENTITY, palms)
    if wave > 1e-4 or wave < -1e-4:
        _wave(made, wave, swing, hand)
    return made


def _wave(made: dict[str, Quaternion], amount: float, swing: float, hand: float) -> None:
    """Raise the right arm by ``amount``, with its forearm and hand to the side."""
    forearm = times(back(_RAISED), about("z", -swing), _FOREARM)
    made["rightUpperArm"] = blend(made["rightUpperArm"], _RAISED, amount)
    made["rightLowerArm"] = blend(made["rightLowerArm"], forearm, amount)
    made["rightHand"] = blend(made["rightHand"], about("y", hand), amount)
    for finger, bend in _FINGERS:
        made[f"right{finger}"] = about("z", bend * (1.0 - 0.85 * amount))
