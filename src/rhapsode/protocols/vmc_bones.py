"""Bones by the names of VRM 1.0 and of Unity's HumanBodyBones (which VMC sends)."""

from __future__ import annotations

_SIDED = (
    *("Eye", "UpperLeg", "LowerLeg", "Foot", "Toes", "Shoulder", "UpperArm", "LowerArm", "Hand"),
    *("ThumbMetacarpal", "ThumbProximal", "ThumbDistal"),
    *(
        f"{finger}{part}"
        for finger in ("Index", "Middle", "Ring", "Little")
        for part in ("Proximal", "Intermediate", "Distal")
    ),
)
BONES: tuple[str, ...] = (
    *("hips", "spine", "chest", "upperChest", "neck", "head", "jaw"),
    *(f"{side}{part}" for side in ("left", "right") for part in _SIDED),
)
"""The humanoid bones of VRM 1.0."""

_THUMBS = {"ThumbMetacarpal": "ThumbProximal", "ThumbProximal": "ThumbIntermediate"}


def _unity(bone: str) -> str:
    for new, old in _THUMBS.items():
        if bone.endswith(new):
            bone = bone.removesuffix(new) + old
            break
    return bone[:1].upper() + bone[1:]


_TO_UNITY = {bone: _unity(bone) for bone in BONES}
_TO_VRM = {unity: bone for bone, unity in _TO_UNITY.items()}


def unity_bone(bone: str) -> str | None:
    """Return Unity's name of a VRM 1.0 bone; the thumb's first two bones are named differently.

    >>> unity_bone("leftThumbMetacarpal"), unity_bone("tail")
    ('LeftThumbProximal', None)
    """
    return _TO_UNITY.get(bone)


def vrm_bone(unity: str) -> str | None:
    """Return the VRM 1.0 name of one of Unity's bones.

    >>> vrm_bone("LeftThumbIntermediate"), vrm_bone("LastBone")
    ('leftThumbProximal', None)
    """
    return _TO_VRM.get(unity)
