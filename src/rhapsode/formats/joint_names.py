"""VRM humanoid bones by the names that skeletons of motion capture give their joints."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rhapsode.formats.stand_in import BONES

_MIDDLE: dict[str, tuple[str, ...]] = {
    "hips": ("hips", "hip", "pelvis"),
    "spine": ("spine", "spine0", "lowerback", "abdomen", "torso"),
    "chest": ("chest", "spine1", "chest1"),
    "upperChest": ("upperchest", "spine2", "chest2"),
    "neck": ("neck", "neck0", "neck1"),
    "head": ("head",),
    "jaw": ("jaw",),
}
_SIDED: dict[str, tuple[str, ...]] = {
    "Eye": ("eye",),
    "Shoulder": ("shoulder", "collar", "clavicle", "clav"),
    "UpperArm": ("upperarm", "arm", "uparm", "shldr"),
    "LowerArm": ("lowerarm", "forearm", "elbow", "lowarm"),
    "Hand": ("hand", "wrist"),
    "UpperLeg": ("upperleg", "upleg", "thigh", "hip"),
    "LowerLeg": ("lowerleg", "leg", "shin", "knee", "calf", "lowleg"),
    "Foot": ("foot", "ankle"),
    "Toes": ("toes", "toebase", "toe", "ball"),
}
_FINGERS = {"thumb": "Thumb", "index": "Index", "middle": "Middle", "mid": "Middle", "ring": "Ring"} | {
    "little": "Little",
    "pinky": "Little",
}
_JOINTS = {"Thumb": ("Metacarpal", "Proximal", "Distal")}
_SIDE = re.compile(r"^(left|right)|^([lr])(?=[_. :A-Z])|[_. ]([lr])$|[_. ]?(left|right)$", re.IGNORECASE)


def bones_of(joints: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Return the joint of each humanoid bone, parents first, and only where the joint lies below its parent.

    Args:
        joints: name and parent of each joint, parents first.

    """
    names = [_plain(name) for name, _ in joints]
    # The Biovision way: a collar, and a shoulder that is the upper arm.
    shoulder_is_arm = any(name.endswith("collar") for name in names)
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        bone = _bone(name, shoulder_is_arm)
        if bone is not None and bone not in found:
            found[bone] = index
    if found and "hips" not in found:
        found["hips"] = next(index for index, (_, parent) in enumerate(joints) if parent < 0)
    return {bone: found[bone] for bone in BONES if bone in found}


def _plain(name: str) -> str:
    """Return ``name`` without a prefix, in lower case, its side in front: 'leftarm' for 'mixamorig:Arm.L'."""
    tail = re.split(r"[:|]", name)[-1]
    match = _SIDE.search(tail)
    side = ""
    if match:
        letter = next(group for group in match.groups() if group)[0].lower()
        side = "left" if letter == "l" else "right"
        tail = tail[: match.start()] + tail[match.end() :]
    return side + re.sub(r"[^a-z0-9]", "", tail.lower())


def _bone(name: str, shoulder_is_arm: bool) -> str | None:
    for side in ("left", "right"):
        if name.startswith(side):
            return _sided(name.removeprefix(side), side, shoulder_is_arm)
    return next((bone for bone, names in _MIDDLE.items() if name in names), None)


def _sided(part: str, side: str, shoulder_is_arm: bool) -> str | None:
    if shoulder_is_arm and part == "shoulder":
        return f"{side}UpperArm"
    finger = re.fullmatch(
        r"(?:hand)?(thumb|index|middle|mid|ring|little|pinky)(?:finger)?([1-3]|[a-z]+)", part
    )
    if finger:
        name = _FINGERS[finger[1]]
        order = _JOINTS.get(name, ("Proximal", "Intermediate", "Distal"))
        if finger[2] in "123":
            return f"{side}{name}{order[int(finger[2]) - 1]}"
        return next((f"{side}{name}{joint}" for joint in order if joint.lower() == finger[2]), None)
    return next((side + bone for bone, names in _SIDED.items() if part in names), None)
