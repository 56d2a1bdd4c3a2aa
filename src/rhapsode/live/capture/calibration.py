"""What is done to a captured face before it is mixed: its neutral pose, its strength, its sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame, Quaternion
from rhapsode.rigs import ANGLES, BLENDSHAPES, FACE

NEUTRAL_S = 1.0
"""How long a neutral pose is averaged."""

FEWEST = 5
"""Faces of which a neutral pose is made, at least."""

MOST_NEUTRAL = 0.7
"""A neutral weight above it counts as this much, so that something is left to move."""

_WEIGHTS = len(BLENDSHAPES)
_KEPT = np.array([name.startswith(("eyeBlink", "eyeLook")) for name in BLENDSHAPES])


def _other_side(name: str) -> str:
    if name.startswith(("leftEye", "rightEye")):
        return (
            name.replace("left", "right", 1) if name.startswith("left") else name.replace("right", "left", 1)
        )
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


_SWAPPED = np.array([FACE.index(_other_side(name)) for name in FACE.channels])
_SIGNS = np.array(
    [-1.0 if name in ANGLES and name.endswith(("Yaw", "Roll")) else 1.0 for name in FACE.channels], np.float32
)


def mirrored(frame: FaceFrame) -> FaceFrame:
    """Return ``frame`` as a mirror shows it: left and right swapped, turns to the side reversed."""
    bones: dict[str, Quaternion] = {}
    for bone, (x, y, z, w) in frame.bones.items():
        other = bone
        for side, opposite in (("left", "right"), ("right", "left")):
            if bone.startswith(side):
                other = opposite + bone.removeprefix(side)
        bones[other] = (x, -y, -z, w)
    place = frame.head_position
    return replace(
        frame,
        values=frame.values[_SWAPPED] * _SIGNS,
        bones=bones,
        head_position=None if place is None else (-place[0], place[1], place[2]),
    )


def strengthened(values: Float32, gain: float) -> Float32:
    """Return (61,) values with weights ``gain`` times as strong; eyelids, gaze and angles stay."""
    made = values.copy()
    weights = made[:_WEIGHTS]
    weights[~_KEPT] = (weights[~_KEPT] * np.float32(gain)).clip(0.0, 1.0)
    return made


class Neutral:
    """The pose of a face that does nothing, which counts as rest from then on.

    Attributes:
        values: (61,) the pose; zeros before one was taken.

    """

    def __init__(self) -> None:
        self.values: Float32 = np.zeros(len(FACE), np.float32)
        self._faces: list[Float32] | None = None
        self._until = 0.0

    @property
    def wanted(self) -> bool:
        """Whether one is being taken."""
        return self._faces is not None

    def take(self) -> None:
        """Take the average of the next second of faces."""
        self._faces, self._until = [], np.inf

    def forget(self) -> None:
        """Take faces as they come again."""
        self.values, self._faces = np.zeros(len(FACE), np.float32), None

    def hear(self, values: Float32, now: float) -> bool:
        """Take notice of a raw face at ``now``; return True where a neutral pose is complete with it."""
        if self._faces is None:
            return False
        if not self._faces:
            self._until = now + NEUTRAL_S
        self._faces.append(values)
        if now < self._until or len(self._faces) < FEWEST:
            return False
        pose: Float32 = np.stack(self._faces).mean(axis=0, dtype=np.float64).astype(np.float32)
        pose[:_WEIGHTS] = pose[:_WEIGHTS].clip(0.0, MOST_NEUTRAL)
        self.values, self._faces = pose, None
        return True

    def apply(self, values: Float32) -> Float32:
        """Return (61,) values in which the neutral pose is rest, and a weight of 1 is 1 still."""
        made = values.copy()
        made -= self.values
        rest = self.values[:_WEIGHTS]
        made[:_WEIGHTS] = (made[:_WEIGHTS] / (1 - rest)).clip(0.0, 1.0)
        return made


def body_bones(bones: Mapping[str, Quaternion]) -> dict[str, Quaternion]:
    """Return the bones below the neck: those of the face are angles, which are mixed."""
    return {bone: turned for bone, turned in bones.items() if bone not in _FACE_BONES}


_FACE_BONES = frozenset({"neck", "head", "jaw", "leftEye", "rightEye"})
