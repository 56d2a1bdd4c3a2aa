"""A body to write motion on where no avatar is given: the VRM 1.0 humanoid bones in a T-pose.

Metres, Y up, looking towards +Z, the character's own left at +X; every bone has the axes of the world. Places
are those of an adult of 1.7 m, rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from rhapsode.avatars import Avatar, Node

_MIDDLE: dict[str, tuple[str, tuple[float, float, float]]] = {
    "hips": ("", (0.0, 0.97, 0.0)),
    "spine": ("hips", (0.0, 0.11, 0.0)),
    "chest": ("spine", (0.0, 0.11, 0.0)),
    "upperChest": ("chest", (0.0, 0.12, 0.0)),
    "neck": ("upperChest", (0.0, 0.17, 0.0)),
    "head": ("neck", (0.0, 0.07, 0.02)),
    "jaw": ("head", (0.0, 0.0, 0.09)),
}
_LEFT: dict[str, tuple[str, tuple[float, float, float]]] = {
    "Eye": ("head", (0.03, 0.08, 0.09)),
    "Shoulder": ("upperChest", (0.06, 0.13, 0.0)),
    "UpperArm": ("Shoulder", (0.11, 0.0, 0.0)),
    "LowerArm": ("UpperArm", (0.27, 0.0, 0.0)),
    "Hand": ("LowerArm", (0.24, 0.0, 0.0)),
    "ThumbMetacarpal": ("Hand", (0.03, -0.01, 0.03)),
    "ThumbProximal": ("ThumbMetacarpal", (0.03, 0.0, 0.02)),
    "ThumbDistal": ("ThumbProximal", (0.03, 0.0, 0.02)),
    **{
        name: place
        for finger, side in (("Index", 0.03), ("Middle", 0.01), ("Ring", -0.01), ("Little", -0.03))
        for name, place in {
            f"{finger}Proximal": ("Hand", (0.09, 0.0, side)),
            f"{finger}Intermediate": (f"{finger}Proximal", (0.03, 0.0, 0.0)),
            f"{finger}Distal": (f"{finger}Intermediate", (0.025, 0.0, 0.0)),
        }.items()
    },
    "UpperLeg": ("hips", (0.1, -0.04, 0.0)),
    "LowerLeg": ("UpperLeg", (0.0, -0.42, 0.0)),
    "Foot": ("LowerLeg", (0.0, -0.42, 0.0)),
    "Toes": ("Foot", (0.0, -0.06, 0.13)),
}


def _sided(side: str, sign: float) -> dict[str, tuple[str, tuple[float, float, float]]]:
    return {
        side + name: (parent if parent in _MIDDLE else side + parent, (sign * x, y, z))
        for name, (parent, (x, y, z)) in _LEFT.items()
    }


BONES: dict[str, tuple[str, tuple[float, float, float]]] = {
    **_MIDDLE,
    **_sided("left", 1.0),
    **_sided("right", -1.0),
}
"""Parent and place relative to it, in metres, of every humanoid bone; parents come first."""

_DETAIL = ("jaw", "Thumb", "Index", "Middle", "Ring", "Little", "Toes")


def bones_for(moved: Iterable[str]) -> tuple[str, ...]:
    """Return the bones that a file needs: the body's, and of jaw, fingers and toes those that move.

    Args:
        moved: humanoid bones that a motion turns.

    """
    needed: set[str] = {bone for bone in BONES if not any(part in bone for part in _DETAIL)}
    for bone in moved:
        while bone and bone not in needed:
            needed.add(bone)
            bone = BONES[bone][0]
    return tuple(bone for bone in BONES if bone in needed)


def stand_in(bones: Iterable[str], places: Mapping[str, tuple[float, float, float]] | None = None) -> Avatar:
    """Return a body that has nothing to draw.

    Args:
        bones: each with its parents, parents first.
        places: of the bones relative to their parents, in metres; None takes those of `BONES`.

    """
    order = {bone: index for index, bone in enumerate(bones)}
    given = places or {bone: BONES[bone][1] for bone in order}
    nodes = tuple(
        Node(
            bone,
            order.get(BONES[bone][0], -1),
            np.array(given[bone], np.float32),
            np.array((0, 0, 0, 1), np.float32),
            np.ones(3, np.float32),
        )
        for bone in order
    )
    return skeleton(nodes, order)


def skeleton(nodes: tuple[Node, ...], humanoid: dict[str, int]) -> Avatar:
    """Return an avatar that is only ``nodes``, some of which are bones by their VRM 1.0 names."""
    return Avatar("skeleton", nodes, (), (), (), humanoid, {}, {}, {}, {}, {}, "")
