"""BVH, read back by the `bvh` package and by our own reader, and files as others write them."""

from fractions import Fraction
from pathlib import Path

import bvh
import numpy as np
import pytest

from rhapsode.avatars.avatar import rotation_matrix
from rhapsode.errors import AvatarError, FormatError
from rhapsode.formats import load, open_writer, save
from rhapsode.formats.joint_names import bones_of
from rhapsode.performance import Motion, Performance
from rhapsode.rigs import FACE
from rhapsode.rotations import turn
from tests.avatars.make import head, write
from tests.formats.performances import cut, face
from tests.formats.test_vrma import take

HEAD = FACE.index("headYaw")
TURNS = {
    "X": lambda a: np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]),
    "Y": lambda a: np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]),
    "Z": lambda a: np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]),
}


def read(path: Path) -> bvh.Bvh:
    return bvh.Bvh(path.read_text())


def matrix(file: bvh.Bvh, frame: int, joint: str) -> np.ndarray:
    """Return the rotation of a joint by the plain rule: the channels in order, the first one outermost."""
    made = np.eye(3)
    for channel in file.joint_channels(joint):
        if channel.endswith("rotation"):
            made = made @ TURNS[channel[0]](np.radians(file.frame_joint_channel(frame, joint, channel)))
    return made


@pytest.mark.parametrize("size", [1, 17, 1000])
def test_the_bvh_package_reads_what_was_meant(tmp_path, size):
    one = take(60, moved=True)
    with open_writer(tmp_path / "a.bvh", fps=50) as out:
        for part in cut(one, size):
            out.write(part)
    file = read(tmp_path / "a.bvh")
    assert file.nframes == 60
    assert file.frame_time == pytest.approx(0.02)
    names = file.get_joints_names()
    assert names[0] == "hips"
    assert {"spine", "neck", "head", "leftEye", "rightEye", "leftUpperArm", "rightFoot"} <= set(names)
    assert file.joint_parent("leftEye").name == "head"
    assert one.motion is not None
    for frame in (0, 13, 59):
        hips, spine = one.motion.rotations[frame]
        np.testing.assert_allclose(matrix(file, frame, "hips"), rotation_matrix(hips), atol=1e-6)
        np.testing.assert_allclose(matrix(file, frame, "spine"), rotation_matrix(spine), atol=1e-6)
        angles = one.face.values[frame, HEAD:].astype(float)
        for joint, share, first in (
            ("neck", 0.42, 0),
            ("head", 0.58, 0),
            ("leftEye", 1, 3),
            ("rightEye", 1, 6),
        ):
            expected = rotation_matrix(turn(angles[None, first : first + 3] * share)[0])
            np.testing.assert_allclose(matrix(file, frame, joint), expected, atol=1e-6)
        place = [file.frame_joint_channel(frame, "hips", f"{axis}position") for axis in "XYZ"]
        offset = np.array(file.joint_offset("hips"))
        np.testing.assert_allclose((place - offset) / 100, one.motion.translation[frame], atol=1e-6)


def test_a_take_comes_back(tmp_path):
    one = take(60, moved=True)
    again = load(save(one, tmp_path / "a.bvh", fps=50))
    assert again.face.rate == 50
    np.testing.assert_allclose(again.face.values[:, HEAD:], one.face.values[:, HEAD:], atol=1e-5)
    looks = [k for k, name in enumerate(FACE.channels) if name.startswith("eyeLook")]
    np.testing.assert_allclose(again.face.values[:, looks], one.face.values[:, looks], atol=1e-5)
    assert again.motion is not None
    assert one.motion is not None
    spine = again.motion.joints.index("spine")
    np.testing.assert_allclose(again.motion.rotations[:, spine], one.motion.rotations[:, 1], atol=1e-6)
    np.testing.assert_allclose(again.motion.translation, one.motion.translation, atol=1e-6)


def test_without_a_motion_the_arms_hang_down(tmp_path):
    file = read(save(Performance(face(30)), tmp_path / "a.bvh"))
    assert file.nframes == 18
    assert file.frame_time == pytest.approx(1 / 30)
    along = matrix(file, 3, "leftUpperArm") @ np.array(file.joint_offset("leftLowerArm"))
    assert along[1] < -0.9 * np.linalg.norm(along)
    along = matrix(file, 3, "rightUpperArm") @ np.array(file.joint_offset("rightLowerArm"))
    assert along[1] < -0.9 * np.linalg.norm(along)


@pytest.mark.parametrize("version", [0, 1])
def test_an_avatar_gives_its_proportions(tmp_path, version):
    source = write(tmp_path / "a.vrm", head(version=version))
    file = read(save(take(10), tmp_path / "a.bvh", avatar=source))
    assert file.joint_offset("hips") == pytest.approx((0, 90, 0))
    assert file.joint_offset("leftUpperArm") == pytest.approx((15, 12, 0), abs=1e-4)
    assert file.joint_offset("head") == pytest.approx((0, 8, 0), abs=1e-4)
    # It has no shoulders: they are where the chest is.
    assert file.joint_offset("leftShoulder") == pytest.approx((0, 0, 0), abs=1e-4)


def test_angles_do_not_jump_by_a_full_turn(tmp_path):
    steps = np.zeros((100, 3))
    steps[:, 0] = np.linspace(0, 4 * np.pi, 100)
    rotations, nowhere = turn(steps)[:, None].astype(np.float32), np.zeros((100, 3), np.float32)
    motion = Motion(("hips",), rotations, nowhere, Fraction(50))
    one = take(100)
    file = read(save(Performance(one.face, motion=motion), tmp_path / "a.bvh", fps=50))
    about = np.array([file.frame_joint_channel(frame, "hips", "Yrotation") for frame in range(100)])
    np.testing.assert_allclose(about - about[0], -np.degrees(steps[:, 0]), atol=1e-3)


MIXAMO = """HIERARCHY
ROOT mixamorig:Hips
{
 OFFSET 0.0 0.0 0.0
 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
 JOINT mixamorig:Spine
 {
  OFFSET 0 10 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  JOINT extra
  {
   OFFSET 0 10 0
   CHANNELS 3 Zrotation Xrotation Yrotation
   JOINT mixamorig:Head
   {
    OFFSET 0 30 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
     OFFSET 0 20 0
    }
   }
  }
 }
 JOINT mixamorig:LeftUpLeg
 {
  OFFSET 10 0 0
  CHANNELS 3 Zrotation Xrotation Yrotation
  End Site
  {
   OFFSET 0 -95 0
  }
 }
}
MOTION
Frames: 2
Frame Time: 0.033333
0 95 0 0 0 0  0 0 0  0 0 0  0 0 0   0 0 0
5 105 0 0 0 0  0 0 0  0 0 30  0 0 -90  0 45 0
"""


def test_a_foreign_skeleton(tmp_path):
    (tmp_path / "a.bvh").write_text(MIXAMO, encoding="utf-8")
    again = load(tmp_path / "a.bvh")
    assert again.face.rate == 30
    assert again.motion is not None
    assert set(again.motion.joints) == {"hips", "spine", "leftUpperLeg"}
    moved = np.array([[0, 0, 0], [0.05, 0.1, 0]], np.float32)
    np.testing.assert_allclose(again.motion.translation, moved, atol=1e-6)
    # The joint without a bone turns by 30 degrees, the head by -90: -60 about Y is +60 of yaw.
    assert again.face["headYaw"][1] == pytest.approx(np.radians(60), abs=1e-5)
    leg = again.motion.rotations[1, again.motion.joints.index("leftUpperLeg")]
    half = np.pi / 8
    np.testing.assert_allclose(leg, np.array([np.sin(half), 0, 0, np.cos(half)]), atol=1e-6)


@pytest.mark.parametrize(
    "pairs",
    [
        "Hips=hips LeftHip=leftUpperLeg LeftKnee=leftLowerLeg LeftAnkle=leftFoot",
        "Hips=hips LeftCollar=leftShoulder LeftShoulder=leftUpperArm LeftElbow=leftLowerArm",
        "hip=hips lCollar=leftShoulder lShldr=leftUpperArm rForearm=rightLowerArm",
        "pelvis=hips upper_arm.L=leftUpperArm forearm.R=rightLowerArm thigh_l=leftUpperLeg",
        "Hips=hips LeftHandIndex1=leftIndexProximal HandThumb1.L=leftThumbMetacarpal RightToeBase=rightToes",
    ],
)
def test_joints_by_the_names_of_many_skeletons(pairs):
    named = [pair.split("=") for pair in pairs.split()]
    found = bones_of([(name, index - 1) for index, (name, _) in enumerate(named)])
    assert {named[index][0]: bone for bone, index in found.items()} == dict(named)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[:200], "a text without HIERARCHY and MOTION"),
        (lambda t: t[: len(t) - 20], "expected 2 frames of 18"),
        (lambda t: t.replace("Frames: 2", "Frames: 3"), "expected 3 frames of 18"),
        (lambda t: t.replace("0.033333", "0"), "the frame time 0"),
        (lambda t: t.replace("95 0 0", "95 x 0"), "a number that is none"),
        (lambda t: t.replace("95 0 0", "95 nan 0"), "not finite"),
        (lambda t: t.replace("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation"), "CHANNELS Wrotation"),
        (lambda t: t.replace("}\nMOTION", "MOTION"), "that is not closed"),
        (lambda t: t.replace("}\nMOTION", "}}\nMOTION"), "a HIERARCHY with"),
        (lambda t: t.replace("mixamorig:", "bone").replace("Left", "q"), "joints named boneHips, boneSpine"),
        (lambda t: "", "a text without HIERARCHY"),
    ],
)
def test_files_that_are_none(tmp_path, change, message):
    (tmp_path / "a.bvh").write_text(change(MIXAMO), encoding="utf-8")
    with pytest.raises(FormatError, match=message) as raised:
        load(tmp_path / "a.bvh")
    assert "\n" not in str(raised.value)


def test_bytes_wrong_avatars_and_empty_takes(tmp_path):
    (tmp_path / "b.bvh").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="bytes that are no text"):
        load(tmp_path / "b.bvh")
    (tmp_path / "b.bvh").unlink()
    with pytest.raises(AvatarError):
        save(take(5), tmp_path / "a.bvh", avatar="nobody")
    with pytest.raises(FormatError, match="needs at least one frame"):
        save(Performance(face(0)), tmp_path / "a.bvh")
    assert not list(tmp_path.iterdir())
