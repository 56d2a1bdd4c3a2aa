"""Live Link Face: ARKit's names in PascalCase, in the two orders that its packets and its files have."""

from __future__ import annotations

from rhapsode.rigs.arkit import ANGLES, FACE
from rhapsode.rigs.maps import renaming
from rhapsode.rigs.rig import Rig


def pascal(name: str) -> str:
    """Return an ARKit name as Live Link Face and Perfect Sync write it.

    >>> pascal("jawOpen")
    'JawOpen'
    """
    return name[:1].upper() + name[1:]


_SWAPPED = {
    "jawLeft": "jawRight",
    "jawRight": "jawLeft",
    "mouthLeft": "mouthRight",
    "mouthRight": "mouthLeft",
}

_ANGLES = tuple(pascal(name) for name in ANGLES)

LIVELINK_UDP = Rig(
    "livelink-udp",
    tuple(pascal(name) for name in FACE.channels),
    "Live Link Face packets, version 6 (Unreal EARFaceBlendShape order)",
    _ANGLES,
)
LIVELINK_CSV = Rig(
    "livelink",
    tuple(pascal(_SWAPPED.get(name, name)) for name in FACE.channels),
    "Live Link Face CSV columns behind Timecode and BlendShapeCount (right before left for jaw and mouth)",
    _ANGLES,
)

FACE_TO_LIVELINK_UDP = renaming(FACE, LIVELINK_UDP, {name: pascal(name) for name in FACE.channels})
FACE_TO_LIVELINK_CSV = renaming(FACE, LIVELINK_CSV, {name: pascal(name) for name in FACE.channels})
LIVELINK_UDP_TO_FACE = renaming(LIVELINK_UDP, FACE, {pascal(name): name for name in FACE.channels})
LIVELINK_CSV_TO_FACE = renaming(LIVELINK_CSV, FACE, {pascal(name): name for name in FACE.channels})
