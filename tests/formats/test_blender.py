"""Blender opens our files: shape keys and bones at several times; slow, and skipped without Blender."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rhapsode.avatars.avatar import rotation_matrix
from rhapsode.formats import save
from rhapsode.formats.vrma import CLIPS
from rhapsode.performance import Performance
from rhapsode.rotations import NECK_SHARE, times, turn
from tests.avatars.make import head, write
from tests.formats.test_vrma import HEAD, take
from tests.tools.readers import blender

pytestmark = pytest.mark.slow

FRAMES = [0, 7, 21, 39]


def gltf_axes(quaternion: list[float]) -> np.ndarray:
    """Return a rotation that Blender gives (w first, Z up) as x, y, z, w with Y up."""
    w, x, y, z = quaternion
    return np.array([x, z, -y, w])


def check(path: Path, one: Performance, *, bones: bool = True, shapes: bool = True, late: int = 0) -> None:
    got = blender("blender_read.py", path, int(one.face.rate), json.dumps([frame + late for frame in FRAMES]))
    for frame, now in zip(FRAMES, got["at"], strict=True):
        if shapes:
            # A mesh of several materials is several meshes in USD, each with the shapes that move it.
            assert set(CLIPS) <= {name for keys in now["shapes"].values() for name in keys}
            for name, value in ((n, v) for keys in now["shapes"].values() for n, v in keys.items()):
                if name in CLIPS:
                    assert value == pytest.approx(one.face[name][frame], abs=1e-4), (name, frame)
        if not bones:
            continue
        angles = one.face.values[frame, HEAD : HEAD + 3].astype(float)[None]
        # The world's turn of the head is that of everything above it too.
        wanted = times(turn(angles * NECK_SHARE), turn(angles * (1 - NECK_SHARE)))[0]
        if one.motion is not None:
            hips, spine = one.motion.rotations[frame].astype(float)
            wanted = times(times(hips, spine), wanted)
        turned = rotation_matrix(gltf_axes(now["bones"]["head"]))
        np.testing.assert_allclose(turned, rotation_matrix(wanted), atol=1e-4)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("kind", [".glb", ".fbx", ".usdc"])
def test_blender_plays_the_avatar(tmp_path, kind, moved):
    one = take(40, moved=moved)
    check(save(one, tmp_path / f"a{kind}", fps=50, avatar="mira"), one)


@pytest.mark.parametrize("version", [0, 1, None])
def test_blender_plays_foreign_avatars(tmp_path, version):
    one = take(40)
    source = write(tmp_path / "a.vrm", head(version=version))
    check(save(one, tmp_path / "a.fbx", fps=50, avatar=source), one, bones=version == 1)


def test_blender_plays_the_skeleton_of_a_bvh_file(tmp_path):
    one = take(40, moved=True)
    # Blender's first frame of a BVH file is 1.
    check(save(one, tmp_path / "a.bvh", fps=50), one, shapes=False, late=1)


def test_a_rate_that_is_no_whole_number_keeps_its_time(tmp_path):
    one = take(61)
    path = save(one, tmp_path / "a.fbx", fps="29.97", avatar="mira")
    # Blender's importer makes frames of times by 30, whatever the rate that it sets.
    got = blender("blender_read.py", path, 30, "[0, 20.02]")
    assert got["fps"] == pytest.approx(29.97, abs=1e-3)
    expected = one.face.resample(Fraction(30000, 1001))
    (keys,) = got["at"][1]["shapes"].values()
    assert keys["jawOpen"] == pytest.approx(expected["jawOpen"][20], abs=1e-4)
