"""The turns of bones that come frame by frame, as a motion on the grid of curve frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np

from rhapsode.performance import CURVE_HZ, HOP, Float32, Motion
from rhapsode.protocols.frame import Quaternion
from rhapsode.rotations import IDENTITY, blend

_FINGERS = tuple(
    f"right{finger}{joint}"
    for finger in ("Index", "Middle", "Ring", "Little")
    for joint in ("Proximal", "Intermediate", "Distal")
)

Bones = Mapping[str, Quaternion]


def between(a: Bones, b: Bones, share: float) -> Bones:
    """Return the bones ``share`` of the way from ``a`` to ``b``; those that only one of them has stay."""
    if share <= 0 or not b:
        return a
    if share >= 1 or not a:
        return b
    return {**b, **{bone: blend(a[bone], b.get(bone, a[bone]), share) for bone in a}}


class Pose:
    """Holds the bones of consecutive curve frames until they are taken.

    A file has the same bones from its first motion to its end: those that came with its first second, and
    the fingers that a wave moves where that hand came. A bone that is not there for a while stays as it was.
    """

    def __init__(self) -> None:
        self._joints: tuple[str, ...] = ()
        self._waiting: list[Bones] = []
        self._first: int | None = None  # curve frame of the first that waits
        self._pushed = 0
        self._last: dict[str, Quaternion] = {}

    def push(self, bones: Bones) -> None:
        """Take the bones of the next curve frame, empty where there are none."""
        if bones or self._first is not None or self._joints:
            if self._first is None:
                self._first = self._pushed
            self._waiting.append(bones)
        self._pushed += 1

    def take(self) -> Motion | None:
        """Return what waits; None where no bones came yet."""
        if not self._waiting or self._first is None:
            return None
        if not self._joints:
            self._joints = joints_of(self._waiting)
        rows = np.empty((len(self._waiting), len(self._joints), 4), np.float32)
        for row, bones in zip(rows, self._waiting, strict=True):
            self._last.update(bones)
            row[:] = [self._last.get(joint, IDENTITY) for joint in self._joints]
        start, self._waiting, self._first = self._first, [], None
        still: Float32 = np.zeros((len(rows), 3), np.float32)
        return Motion(self._joints, rows, still, Fraction(CURVE_HZ), Fraction(start * HOP))


def joints_of(frames: Iterable[Bones]) -> tuple[str, ...]:
    """Return the bones of a file that begins with ``frames``."""
    seen = {bone: None for bones in frames for bone in bones}
    if "rightHand" in seen:  # it may wave later
        seen |= dict.fromkeys(_FINGERS)
    return tuple(seen)
