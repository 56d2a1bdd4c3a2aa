"""The rotations of a whole body in a file: the motion of a performance with the turns of head and eyes.

The head and eye angles of the face come on top of what the motion does with neck, head and eyes. Without a
motion the arms of a T-pose are lowered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars import Avatar, ChannelMap
from rhapsode.avatars.posing import head_shares, in_frame, lowered_arms, parent_frame
from rhapsode.errors import RigError
from rhapsode.formats.spill import Spill
from rhapsode.formats.stand_in import BONES
from rhapsode.performance import CLOCK_HZ, Float32, Motion
from rhapsode.rigs import FACE
from rhapsode.rotations import NECK_SHARE, angles_of, smooth_signs, times, turn, unit

Float64 = NDArray[np.float64]

_HEAD = [FACE.index(name) for name in ("headYaw", "headPitch", "headRoll")]


class MotionTrack:
    """Keeps a motion that comes in parts on the disk, and gives it at any times.

    Args:
        folder: where the file lives.

    Attributes:
        joints: humanoid bones of the motion; empty before its first part.

    """

    def __init__(self, folder: Path) -> None:
        self._rows = Spill(folder)
        self.joints: tuple[str, ...] = ()
        self._rate = Fraction(1)
        self._start = 0.0

    def append(self, motion: Motion | None) -> None:
        """Take the next consecutive part.

        Raises:
            RigError: a joint is no VRM humanoid bone, or a number is not finite.

        """
        if motion is None or not len(motion):
            return
        if not self.joints:
            unknown = [joint for joint in motion.joints if joint not in BONES]
            if unknown:
                raise RigError(
                    f"a motion turns VRM humanoid bones, got '{unknown[0]}'; use names such as hips, head"
                )
            self.joints, self._rate = motion.joints, motion.rate
            self._start = float(motion.start / CLOCK_HZ)
        flat = motion.rotations.reshape(len(motion), -1)
        rows = np.concatenate([flat, motion.translation], axis=1).astype(np.float32)
        if not np.isfinite(rows).all():
            raise RigError("a motion holds a number that is not finite; a file holds numbers only: repair it")
        self._rows.append(rows)

    def rotations(self, joint: str, times_s: Float64) -> Float64:
        """Return the quaternions of ``joint``, (n, 4), at rising ``times_s``; the ends are held.

        Between two frames they lie on the straight line between their quaternions, made of length 1.
        """
        column = self.joints.index(joint)
        a, b, part = self._between(times_s, slice(4 * column, 4 * column + 4))
        a, b = (np.where(np.abs(q).max(axis=1, keepdims=True) > 0, q, [0.0, 0.0, 0.0, 1.0]) for q in (a, b))
        a, b = (q / np.linalg.norm(q, axis=1, keepdims=True) for q in (a, b))
        b = b * np.where((a * b).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
        mixed = a * (1 - part) + b * part
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))

    def hips(self, times_s: Float64) -> Float64:
        """Return how far the hips are from their place at rest, (n, 3) metres, at rising ``times_s``."""
        a, b, part = self._between(times_s, slice(-3, None))
        return a * (1 - part) + b * part

    def _between(self, times_s: Float64, columns: slice) -> tuple[Float64, Float64, Float64]:
        """Return the rows before and after ``times_s``, and how far between them each time lies, (n, 1)."""
        place = np.clip((times_s - self._start) * float(self._rate), 0, self._rows.rows - 1)
        first, last = (int(place[0]), int(np.ceil(place[-1]))) if len(place) else (0, 0)
        rows = self._rows.read(first, last + 1)[:, columns].astype(np.float64)
        left = np.floor(place).astype(int) - first
        right = np.minimum(left + 1, last - first)
        return rows[left], rows[right], (place - first - left)[:, None]

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()


class BodyTurns:
    """Local rotations of every bone of an avatar that moves.

    Neck and head share the head angles, jaw and eyes turn as the mapping of the avatar says, and all that on
    top of the motion: what the renderer shows.

    Args:
        avatar: whose bones turn; those that it lacks are left out.
        motion: of the body.
        channels: how the face moves the avatar; None for a body without a face, whose eyes turn as they are.

    Attributes:
        nodes: node index by bone.
        still: local rotations by node of the bones that stand still in a pose of their own.

    """

    def __init__(self, avatar: Avatar, motion: MotionTrack, channels: ChannelMap | None = None) -> None:
        self._avatar, self._motion = avatar, motion
        self._channels = _plain_eyes(avatar) if channels is None else channels
        bones = {**avatar.humanoid, **self._channels.nodes}
        joints = [bone for bone in motion.joints if bone in bones]
        if self._channels.eyes != "bones":
            joints = [bone for bone in joints if not bone.endswith("Eye")]
        self._shares = head_shares(bones)
        self.nodes = {bone: bones[bone] for bone in (*joints, *self._shares, *self._channels.nodes)}
        arms = {} if motion.joints else lowered_arms(avatar, bones)
        self.still = {bones[bone]: self._local(bones[bone], turn(np.array(arms[bone]))) for bone in arms}
        self.moves_hips = "hips" in joints

    def rotations(self, bone: str, faces: Iterable[Float32], rate: float) -> Iterator[Float32]:
        """Yield local quaternions x, y, z, w, (n, 4) float32, for blocks of faces (n, 61) at ``rate``."""
        last: Float32 | None = None
        done = 0
        for face in faces:
            turned = np.broadcast_to([0.0, 0.0, 0.0, 1.0], (len(face), 4)).astype(np.float64)
            if bone in self._motion.joints:
                turned = self._motion.rotations(bone, (done + np.arange(len(face))) / rate)
            angles = self._angles(bone, face)
            if angles is not None:
                turned = times(turned, turn(angles))
            made = smooth_signs(self._local(self.nodes[bone], turned), last)
            last, done = made[-1], done + len(face)
            yield made

    def _angles(self, bone: str, face: Float32) -> Float64 | None:
        """Return the yaw, pitch and roll (n, 3) that a face (n, 61) turns ``bone`` by, if it does."""
        if bone in self._shares:
            return face[:, _HEAD].astype(np.float64) * self._shares[bone]
        if bone in self._channels.nodes:
            return self._channels.bone_angles(face)[bone].astype(np.float64)
        return None

    def _local(self, node: int, turned: Float64) -> Float64:
        """Return local rotations of ``node`` from turns in the avatar's axes, on top of its rest."""
        rest = unit(self._avatar.nodes[node].rotation)
        return in_frame(turned, parent_frame(self._avatar, node), rest)

    def hips(self, counts: Iterable[int], rate: float) -> Iterator[Float32]:
        """Yield the local translation of the hips, (n, 3) float32 metres, for blocks of n frames."""
        node = self._avatar.nodes[self._avatar.humanoid["hips"]]
        world = np.eye(3) if node.parent < 0 else self._avatar.rest_world[node.parent][:3, :3]
        back, done = np.linalg.inv(world), 0
        for count in counts:
            moved = self._motion.hips((done + np.arange(count)) / rate)
            done += count
            yield (node.translation + moved @ back.T).astype(np.float32)


def head_angles(head: Float64, *, neck: bool) -> Float64:
    """Return the yaw, pitch and roll (n, 3) whose turn, shared by neck and head, is ``head``.

    Args:
        head: (n, 4) quaternions, the turn of the head against the chest in the avatar's axes.
        neck: whether a neck takes its share (`rhapsode.rotations.NECK_SHARE`).

    """
    wanted = angles_of(head)
    if not neck:
        return wanted
    found = wanted.copy()
    for _ in range(40):
        left = wanted - angles_of(times(turn(found * NECK_SHARE), turn(found * (1 - NECK_SHARE))))
        found += (left + np.pi) % (2 * np.pi) - np.pi
    # A head that looks backwards, as no neck can, has no such angles: its own are the nearest.
    settled = (np.abs(left) < 1e-6).all(axis=1, keepdims=True) & (np.abs(found) < np.pi).all(
        axis=1, keepdims=True
    )
    return np.where(settled, found, wanted)


def _plain_eyes(body: Avatar) -> ChannelMap:
    """Return a mapping that only turns the eyes of ``body``, if it has both."""
    both = all(bone in body.humanoid for bone in ("leftEye", "rightEye"))
    return ChannelMap((), {}, {}, eyes="bones" if both else "none", bones=body.humanoid)
