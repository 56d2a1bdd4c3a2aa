"""The body of behaviour on skeletons: arms at ease, raised, and in whatever pose a file has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhapsode.avatars import load
from rhapsode.live.behaviour.body import pose
from rhapsode.live.behaviour.parts import row
from rhapsode.live.items import CurvesItem
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.vmc import VmcEncoder
from rhapsode.render.renderer import Renderer
from rhapsode.render.skeleton import Matrix, Skeleton
from tests.avatars.make import head, write

Vector = np.ndarray[tuple[int], np.dtype[np.float64]]


def arms(
    path: Path, parts: dict[str, float], *, hanging: bool = False, version: int = 1
) -> dict[str, Vector]:
    """Return the directions of the upper arms of an avatar that does ``parts``."""
    made = head(version=version)
    if hanging:
        for node in made.gltf.nodes:
            if node.name in ("leftLowerArm", "rightLowerArm"):
                node.translation = [0.18 * np.sign(node.translation[0]), -0.18, 0.0]
    avatar = load(write(path / "a.vrm", made))
    skeleton = Skeleton(avatar)
    body = {bone: np.array(turn, np.float32) for bone, turn in pose(row(**parts)).items()}
    world: Matrix = skeleton.world(skeleton.rotations(body=body))
    found = {}
    for side in ("left", "right"):
        upper, lower = (world[avatar.humanoid[f"{side}{b}"]][:3, 3] for b in ("UpperArm", "LowerArm"))
        found[side] = (lower - upper) / np.linalg.norm(lower - upper)
    return found


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("hanging", [False, True])
def test_arms_at_ease_hang_whatever_pose_the_file_has_them_in(tmp_path: Path, hanging: bool, version: int):
    found = arms(tmp_path, {}, hanging=hanging, version=version)
    for side, sign in (("left", 1), ("right", -1)):
        assert found[side][1] < -0.85
        assert 0.2 < found[side][0] * sign < 0.5


def test_a_wave_raises_the_right_arm_only(tmp_path: Path):
    ease, wave = arms(tmp_path, {}), arms(tmp_path, {"wave": 1.0})
    np.testing.assert_allclose(wave["left"], ease["left"], atol=1e-6)
    assert wave["right"][1] > ease["right"][1] + 0.15
    assert wave["right"][2] > 0.2, "forward"


def test_where_only_some_bones_are_given_the_arms_hang(tmp_path: Path):
    avatar = load(write(tmp_path / "a.vrm", head()))
    skeleton = Skeleton(avatar)
    spine = {"spine": np.array([0, 0, 0, 1], np.float32)}
    world = skeleton.world(skeleton.rotations(body=spine))
    upper, lower = (world[avatar.humanoid[f"left{b}"]][:3, 3] for b in ("UpperArm", "LowerArm"))
    assert lower[1] < upper[1] - 0.2


def test_vmc_sends_the_bones_of_behaviour():
    item = CurvesItem(0, 0, np.zeros((1, 61), np.float32), bones=pose(row(wave=1.0)))
    sent = b"".join(VmcEncoder().encode(FaceFrame(0, item.values[0], bones=item.bones)))
    for bone in (b"RightUpperArm", b"RightIndexProximal", b"Spine", b"LeftShoulder"):
        assert bone in sent


@pytest.mark.slow
def test_a_waving_hand_is_in_a_picture_that_shows_no_hands_at_rest():
    renderer = Renderer("mira", size=(160, 120), camera="bust", zoom=0.7, background="transparent", threads=1)
    seen = []
    for wave in (0.0, 1.0):
        body = {bone: np.array(turn, np.float32) for bone, turn in pose(row(wave=wave)).items()}
        seen.append(renderer.draw(np.zeros(61, np.float32), body=body)[..., 3] > 128)
    beside_the_neck = slice(50, 85), slice(5, 40)
    assert seen[1][beside_the_neck].sum() > seen[0][beside_the_neck].sum() + 200
