"""BVH in: the motion of a skeleton, whose neck, head and eyes become the angles of a face."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import FormatError
from rhapsode.formats.body import head_angles
from rhapsode.formats.joint_names import bones_of
from rhapsode.performance import Curves, Motion, Performance, as_rate
from rhapsode.rigs import FACE
from rhapsode.rigs.gaze import set_eyes
from rhapsode.rotations import angles_of, smooth_signs, times

Float64 = NDArray[np.float64]

_HEAD = ("neck", "head", "leftEye", "rightEye")
_COMMON = (24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
_ADULT_M = 1.7


@dataclass
class Joint:
    """One joint: its place relative to its parent in the file's unit, its channels and where they begin."""

    name: str
    parent: int
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    channels: tuple[str, ...] = ()
    first: int = 0
    ends: list[tuple[float, ...]] = field(default_factory=list)


def read(path: Path) -> Performance:
    """Read a BVH file: a motion of VRM humanoid bones, and a still face with head and eye angles.

    Joints are found by the names that common skeletons have (Mixamo, CMU, Biovision, MotionBuilder, ours);
    the rest pose is taken for a T-pose that looks towards +Z. Lengths count as metres, centimetres or, where
    neither fits a human, in parts of an adult's height.

    Raises:
        FormatError: it is no BVH text, is cut off, or has no joint that is known.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(path, "bytes that are no text", "a BVH file") from error
    head, found, rest = text.partition("MOTION")
    if not head.lstrip().upper().startswith("HIERARCHY") or not found:
        raise _wrong(path, "a text without HIERARCHY and MOTION", "both")
    joints = _joints(path, head)
    rate, rows = _frames(path, rest, sum(len(joint.channels) for joint in joints))
    bones = bones_of([(joint.name, joint.parent) for joint in joints])
    if not bones:
        names = ", ".join(joint.name for joint in joints[:4])
        raise _wrong(path, f"joints named {names}", "names such as Hips, Spine, Head")
    return _performance(path, joints, bones, rate, rows)


def _performance(
    path: Path, joints: list[Joint], bones: dict[str, int], rate: Fraction, rows: Float64
) -> Performance:
    known = set(bones.values())
    turned: dict[str, Float64] = {}
    for bone, index in bones.items():
        made, at = _rotations(joints[index], rows), joints[index].parent
        while at >= 0 and at not in known:
            # What joints in between do, which have no bone of their own, comes first.
            made, at = times(_rotations(joints[at], rows), made), joints[at].parent
        turned[bone] = made
    still = np.tile([0.0, 0.0, 0.0, 1.0], (len(rows), 1))
    face = np.zeros((len(rows), len(FACE)), np.float32)
    first = FACE.index("headYaw")
    head = times(turned.get("neck", still), turned.get("head", still))
    face[:, first : first + 3] = head_angles(head, neck="neck" in bones)
    if "leftEye" in turned or "rightEye" in turned:
        eyes = [angles_of(turned.get(f"{side}Eye", still))[:, :2] for side in ("left", "right")]
        set_eyes(face, np.concatenate(eyes, axis=1))
    names = tuple(bone for bone in turned if bone not in _HEAD)
    motion = None
    if names:
        rotations = np.stack([smooth_signs(turned[bone]) for bone in names], axis=1)
        motion = Motion(names, rotations, _hips(joints, rows).astype(np.float32), rate)
    return Performance(Curves(FACE.channels, face, rate), motion=motion, meta={"source": path.name})


def _rotations(joint: Joint, rows: Float64) -> Float64:
    """Return the quaternions of a joint, (n, 4): its rotation channels in order, the first one outermost."""
    made = np.tile([0.0, 0.0, 0.0, 1.0], (len(rows), 1))
    for column, channel in enumerate(joint.channels, joint.first):
        if channel.endswith("rotation"):
            half = np.radians(rows[:, column]) / 2
            step = np.zeros((len(rows), 4))
            step[:, "XYZ".index(channel[0])], step[:, 3] = np.sin(half), np.cos(half)
            made = times(made, step)
    return made


def _hips(joints: list[Joint], rows: Float64) -> Float64:
    """Return how far the root is from its place at rest, (n, 3) metres."""
    places = np.zeros((len(joints), 3))
    points = []
    for index, joint in enumerate(joints):
        places[index] = np.array(joint.offset) * (joint.parent >= 0)
        places[index] += places[joint.parent] if joint.parent >= 0 else 0.0
        points += [places[index], *(places[index] + np.array(end) for end in joint.ends)]
    low, high = np.array(points)[:, 1].min(), np.array(points)[:, 1].max()
    unit, root = _unit(float(high - low)), joints[0]
    moved = np.zeros((len(rows), 3))
    # Where the file does not say how high the root is at rest, its feet stand on the ground.
    rest = np.array(root.offset) if any(root.offset) else np.array([0.0, -low, 0.0])
    for column, channel in enumerate(root.channels, root.first):
        if channel.endswith("position"):
            axis = "XYZ".index(channel[0])
            moved[:, axis] = (rows[:, column] - rest[axis]) * unit
    return moved


def _unit(height: float) -> float:
    """Return the metres of the unit in which a skeleton is ``height`` high."""
    if height < 3:
        return 1.0
    return 0.01 if 100 <= height <= 300 else _ADULT_M / height


def _joints(path: Path, text: str) -> list[Joint]:
    words = text.split()
    joints: list[Joint] = []
    stack: list[int] = []
    at, first, end = 1, 0, False
    try:
        while at < len(words):
            word = words[at].upper()
            if word in ("ROOT", "JOINT"):
                stop = words.index("{", at)
                if word == "ROOT" and joints:
                    raise ValueError("a second ROOT")
                joints.append(Joint(" ".join(words[at + 1 : stop]), stack[-1] if stack else -1))
                stack.append(len(joints) - 1)
                at = stop + 1
            elif word == "END":
                end, at = True, words.index("{", at) + 1
            elif word == "OFFSET":
                offset = tuple(float(part) for part in words[at + 1 : at + 4])
                if len(offset) < 3 or not np.isfinite(offset).all():
                    raise ValueError(f"OFFSET {offset}")
                if end:
                    joints[stack[-1]].ends.append(offset)
                else:
                    joints[stack[-1]].offset = offset
                at += 4
            elif word == "CHANNELS":
                count = int(words[at + 1])
                named = tuple(words[at + 2 : at + 2 + count])
                if len(named) < count or not all(re.fullmatch("[XYZ](rotation|position)", n) for n in named):
                    raise ValueError(f"CHANNELS {' '.join(named)}")
                joints[stack[-1]].channels, joints[stack[-1]].first = named, first
                first, at = first + count, at + 2 + count
            elif word == "}":
                end = bool(not end and stack.pop() < 0)
                at += 1
            else:
                raise ValueError(f"'{words[at][:24]}'")
    except (ValueError, IndexError) as error:
        raise _wrong(path, f"a HIERARCHY with {error}", "joints with OFFSET and CHANNELS") from error
    if not joints or stack:
        raise _wrong(path, "a HIERARCHY that is not closed", "a brace for each joint")
    return joints


def _frames(path: Path, text: str, width: int) -> tuple[Fraction, Float64]:
    head = re.match(r"\s*Frames:\s*(\d+)\s+Frame Time:\s*([0-9.eE+-]+)", text)
    if head is None:
        raise _wrong(path, "a MOTION without 'Frames:' and 'Frame Time:'", "both")
    count = int(head[1])
    try:
        numbers = np.array(text[head.end() :].split(), np.float64)
    except ValueError as error:
        raise _wrong(path, f"a number that is none ({error})", "numbers") from error
    if not count or numbers.size != count * width:
        raise _wrong(
            path, f"{numbers.size} numbers", f"{count} frames of {width} channels; it may be cut off"
        )
    if not np.isfinite(numbers).all():
        raise _wrong(path, "a number that is not finite", "numbers")
    return _rate(path, head[2]), numbers.reshape(count, width)


def _rate(path: Path, text: str) -> Fraction:
    """Return the frame rate of a frame time as it is written: the likeliest within its last digit."""
    try:
        step = float(text)
    except ValueError:
        step = 0.0
    if not 1e-4 < step < 100:
        raise _wrong(path, f"the frame time {text}", "seconds, such as 0.033333")
    digits = len(text.partition(".")[2]) if "e" not in text.lower() else 6
    known = [Fraction(n) for n in _COMMON] + [Fraction(n * 1000, 1001) for n in _COMMON if n % 6 == 0]
    near = [rate for rate in known if abs(float(1 / rate) - step) <= 0.6 * 10.0**-digits]
    return near[0] if near else as_rate(round(1 / step, 4))


def _wrong(path: Path, got: str, expected: str) -> FormatError:
    return FormatError(f"'{path}' is no BVH file: got {got}, expected {expected}; export it again as BVH")
