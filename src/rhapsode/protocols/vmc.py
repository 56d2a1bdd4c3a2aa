"""VMC (Virtual Motion Capture protocol) 2.7 over OSC: a performer's face and bones for a marionette.

A marionette listens on UDP 39539, a performer on 39540. One moment is sent as bundles of

    /VMC/Ext/OK i                  1: a model is there (with three more ints while no face is seen)
    /VMC/Ext/T f                   seconds on the sender's clock
    /VMC/Ext/Root/Pos s f*7        "root", position, rotation x y z w
    /VMC/Ext/Bone/Pos s f*7        a name of Unity's HumanBodyBones, local position and rotation
    /VMC/Ext/Blend/Val s f         weight of a blendshape clip
    /VMC/Ext/Blend/Apply           all clips of this moment have been sent

Rotations on the wire are local, in Unity's left-handed axes (X to the character's right, Y up, Z forward) and
relative to the T-pose: glTF's (x, y, z, w) is sent as (x, -y, -z, w). So a head that turns to the character's
right by yaw y is (0, sin y/2, 0, cos y/2), one that looks down by p is (sin p/2, 0, 0, cos p/2), and one that
tips to its right shoulder by r is (0, 0, -sin r/2, cos r/2).

Source: protocol.vmc.info, and how its reference receiver EVMC4U reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rhapsode.errors import SettingError
from rhapsode.performance import Float32
from rhapsode.protocols.axes import IDENTITY, Vector, across, checked, inverse, times, turn
from rhapsode.protocols.frame import FaceFrame, Quaternion
from rhapsode.protocols.osc import LIMIT, SLOT, Layout, Template, split
from rhapsode.protocols.vmc_bones import unity_bone
from rhapsode.protocols.vmc_reading import VmcDecoder
from rhapsode.rigs import ARKIT, BLENDSHAPES
from rhapsode.rigs.livelink import pascal
from rhapsode.rigs.vrm import ARKIT_TO_VRM0, ARKIT_TO_VRM1, VRM0, VRM0_CLIPS, VRM1
from rhapsode.rotations import NECK_SHARE

__all__ = ["CLIPS", "SAMPLE_RATE_HZ", "VmcDecoder", "VmcEncoder"]

SAMPLE_RATE_HZ = 16_000

CLIPS: dict[str, tuple[str, ...]] = {
    "arkit": BLENDSHAPES,
    "arkit-pascal": tuple(pascal(name) for name in BLENDSHAPES),
    "vrm0": tuple(VRM0_CLIPS[name] for name in VRM0.channels),
    "vrm1": VRM1.channels,
}
"""Clip names as they are sent, by the name of what `VmcEncoder` takes as a rig."""

_WEIGHTS = slice(0, len(ARKIT))
_TO_CLIPS: dict[str, Callable[[Float32], Float32]] = {
    "arkit": lambda row: row,
    "arkit-pascal": lambda row: row,
    "vrm0": ARKIT_TO_VRM0.apply,
    "vrm1": ARKIT_TO_VRM1.apply,
}
_TRACKED: tuple[Layout, ...] = (("/VMC/Ext/OK", (1,)),)
_LOST: tuple[Layout, ...] = (("/VMC/Ext/OK", (1, 3, 0, 0)),)


class VmcEncoder:
    """Sends faces as a VMC performer.

    Args:
        rigs: which clips are sent, in this order: "arkit" (Perfect Sync, camelCase), "arkit-pascal", "vrm0",
            "vrm1". An avatar that has clips of two of them adds both up: choose two only for receivers
            whose avatars differ.
        bones: send head, neck and eyes from the angles, and what `FaceFrame.bones` holds (which wins).
            The neck takes `NECK_SHARE` of the turn of the head, the head the rest.
        offsets: local position of a bone in its parent at rest, metres, glTF's axes, by VRM 1.0 name. Some
            receivers (EVMC4U unless told otherwise) move bones there; without offsets 0, 0, 0 is sent.
        limit: largest datagram in bytes.

    Raises:
        SettingError: a rig or a bone is not known.

    Example:
        >>> from rhapsode.protocols.frame import REST
        >>> [len(packet) < 1500 for packet in VmcEncoder(["vrm1"]).encode(REST)]
        [True]

    """

    def __init__(
        self,
        rigs: Sequence[str] = ("arkit",),
        *,
        bones: bool = True,
        offsets: Mapping[str, Vector] | None = None,
        limit: int = LIMIT,
    ) -> None:
        if unknown := [rig for rig in rigs if rig not in CLIPS]:
            raise SettingError(f"a VMC rig is one of {', '.join(CLIPS)}; got '{unknown[0]}'; choose of those")
        self._rigs, self._bones, self._limit = tuple(dict.fromkeys(rigs)), bones, limit
        self._offsets: dict[str, Vector] = {}
        for bone, (x, y, z) in (offsets or {}).items():
            if unity_bone(bone) is None:
                raise SettingError(f"VMC offsets need VRM 1.0 names, got '{bone}'; spell it as in 'leftEye'")
            self._offsets[bone] = (-x, y, z)
        self._shape: tuple[bool, tuple[str, ...]] | None = None
        self._packets: list[Template] = []

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return the bundles of ``frame``; Apply is in the last one. Weights are clipped to [0, 1].

        Bones that Unity does not have are left out.

        Raises:
            PacketError: a value is NaN or infinite.

        """
        values = checked(frame, "VMC")
        bones = self._rotations(frame)
        shape = (frame.found, tuple(bones))
        if shape != self._shape:
            self._packets = [Template(group) for group in split(self._layouts(*shape), limit=self._limit)]
            self._shape = shape
        row = values[None, _WEIGHTS].clip(0.0, 1.0)
        numbers = np.concatenate(
            [
                np.array([frame.sample_index / SAMPLE_RATE_HZ], np.float32),
                np.array([across(rotation) for rotation in bones.values()], np.float32).reshape(-1),
                *(_TO_CLIPS[rig](row)[0] for rig in self._rigs),
            ]
        )
        made, start = [], 0
        for packet in self._packets:
            made.append(packet.fill(numbers[start : start + packet.slots]))
            start += packet.slots
        return made

    def _rotations(self, frame: FaceFrame) -> dict[str, Quaternion]:
        """Return local rotations by VRM 1.0 bone, glTF's axes."""
        if not self._bones:
            return {}
        head, left, right = frame.angles.reshape(3, 3).tolist()
        neck = turn(*(NECK_SHARE * angle for angle in head))
        # The head takes what the neck leaves, so that both together are exactly the angles.
        made = {
            "neck": neck,
            "head": times(inverse(neck), turn(*head)),
            "leftEye": turn(*left),
            "rightEye": turn(*right),
        }
        # Where a frame holds one of the two, it takes no share of what the angles give the other.
        if "head" in frame.bones:
            made["neck"] = IDENTITY
        elif "neck" in frame.bones:
            made["head"] = turn(*head)
        made.update((bone, turned) for bone, turned in frame.bones.items() if unity_bone(bone) is not None)
        return made

    def _layouts(self, found: bool, bones: tuple[str, ...]) -> list[Layout]:
        """Return the messages of a moment; slots are time, then 4 a bone, then 1 a clip."""
        made = [
            *(_TRACKED if found else _LOST),
            ("/VMC/Ext/T", (SLOT,)),
            ("/VMC/Ext/Root/Pos", ("root", 0.0, 0.0, 0.0, *IDENTITY)),
        ]
        for bone in bones:
            place = self._offsets.get(bone, (0.0, 0.0, 0.0))
            made.append(("/VMC/Ext/Bone/Pos", (unity_bone(bone) or "", *place, SLOT, SLOT, SLOT, SLOT)))
        for rig in self._rigs:
            made += [("/VMC/Ext/Blend/Val", (clip, SLOT)) for clip in CLIPS[rig]]
        return [*made, ("/VMC/Ext/Blend/Apply", ())]
