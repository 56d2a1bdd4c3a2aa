"""Avatars of all kinds, animated: played by three.js, checked by Khronos' validator, and read back."""

import json
from pathlib import Path

import numpy as np
import pygltflib
import pytest

from rhapsode.avatars import load as load_avatar
from rhapsode.avatars import locate, map_channels
from rhapsode.errors import FormatError
from rhapsode.formats import load, save
from rhapsode.performance import Performance
from rhapsode.rigs import BLENDSHAPES, FACE, retarget
from tests.avatars.faces import figure
from tests.avatars.make import head, write
from tests.formats.performances import avatar_file
from tests.formats.test_vrma import HEAD, take, whole_body
from tests.tools.readers import node

FRAMES = [0, 13, 31, 49]


def avatar(folder: Path, kind: str) -> Path:
    """Write (or find) an avatar of some kind."""
    if kind == "mira":
        return locate("mira")
    if kind == "turned":
        return avatar_file(folder / "turned.vrm")
    version = {"vrm0": 0, "vrm1": 1}.get(kind)
    made = head(version=None) if version is None else whole_body(version)
    return write(folder / ("a.gltf" if kind == "gltf" else "a.vrm"), made)


KINDS = ["mira", "turned", "vrm0", "vrm1", "glb", "gltf"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_three_plays_the_weights(tmp_path, kind):
    one = take(50)
    path = save(one, tmp_path / "out.glb", fps=50, avatar=avatar(tmp_path, kind))
    got = node("three.mjs", path, json.dumps([frame / 50 for frame in FRAMES]))
    assert got["duration"] == pytest.approx(49 / 50)
    for frame, now in zip(FRAMES, got["at"], strict=True):
        assert now["morphs"]
        for shapes in now["morphs"].values():
            for name, value in shapes.items():
                assert value == pytest.approx(one.face[name][frame], abs=1e-5), (name, frame)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_khronos_validator_finds_nothing_new(tmp_path, kind):
    source = avatar(tmp_path, kind)
    path = save(take(20, moved=True), tmp_path / "out.glb", avatar=source)

    def faults(report: dict) -> list[str]:
        return sorted({row["code"] for row in report["issues"]["messages"] if row["severity"] == 0})

    before = node("validate.mjs", source)
    after = node("validate.mjs", path)
    assert faults(after) == faults(before), after["issues"]["messages"][:5]
    if kind == "mira":
        assert after["issues"]["numErrors"] == after["issues"]["numWarnings"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_take_comes_back(tmp_path, kind):
    one = take(50, moved=True)
    again = load(save(one, tmp_path / "out.glb", fps=50, avatar=avatar(tmp_path, kind)))
    assert again.face.rate == 50
    np.testing.assert_allclose(again.face.values[:, :52], one.face.values[:, :52], atol=1e-6)
    np.testing.assert_allclose(again.face.values[:, HEAD:], one.face.values[:, HEAD:], atol=1e-5)
    assert again.motion is not None
    assert one.motion is not None
    # A plain glTF says nothing of its bones: which is which is guessed, and may not find the hips.
    assert set(again.motion.joints) == {"hips", "spine"} or (kind in ("glb", "gltf"))
    spine = again.motion.joints.index("spine")
    np.testing.assert_allclose(again.motion.rotations[:, spine], one.motion.rotations[:, 1], atol=1e-5)
    if "hips" in again.motion.joints:
        np.testing.assert_allclose(again.motion.translation, one.motion.translation, atol=1e-6)


@pytest.mark.parametrize("behind", [0.0, 0.1])
def test_eyes_that_are_bones_come_back(tmp_path, behind):
    names = [name for name in BLENDSHAPES if not name.startswith("eyeLook")]
    one = take(30)
    made = figure({name: {name: 1.0} for name in names}, eyes_behind=behind)
    source = write(tmp_path / "a.glb", made)
    again = load(save(one, tmp_path / "out.glb", fps=50, avatar=source))
    assert (map_channels(load_avatar(source)).eye_gain == 1) == (behind == 0)
    gaze = [*(n for n, name in enumerate(BLENDSHAPES) if name.startswith("eyeLook")), *range(HEAD, len(FACE))]
    np.testing.assert_allclose(again.face.values[:, gaze], one.face.values[:, gaze], atol=1e-5)
    np.testing.assert_allclose(again.face["jawOpen"], one.face["jawOpen"], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda name: name,
        lambda name: name[0].upper() + name[1:].replace("Left", "_L").replace("Right", "_R"),
        lambda name: f"Face.{name}",
    ],
)
def test_morph_targets_in_other_spellings(tmp_path, change):
    one = take(20)
    gltf = pygltflib.GLTF2().load_binary(str(save(one, tmp_path / "a.glb", fps=50, avatar="mira")))
    for mesh in gltf.meshes:
        if mesh.extras and "targetNames" in mesh.extras:
            mesh.extras["targetNames"] = [change(name) for name in mesh.extras["targetNames"]]
    gltf.extensions, gltf.extensionsUsed = {}, []
    gltf.save_binary(str(tmp_path / "b.glb"))
    again = load(tmp_path / "b.glb").face
    np.testing.assert_allclose(again["jawOpen"], one.face["jawOpen"], atol=1e-6)
    np.testing.assert_allclose(again["eyeBlinkLeft"], one.face["eyeBlinkLeft"], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("rig", "prefix"), [("oculus", "viseme_"), ("vrm1", "")])
def test_other_rigs_become_arkit(tmp_path, rig, prefix):
    one = take(20)
    made = save(one, tmp_path / "a.glb", fps=50, avatar="mira")
    wanted = retarget(one.face, rig)
    gltf = pygltflib.GLTF2().load_binary(str(made))
    (mesh,) = [mesh for mesh in gltf.meshes if mesh.extras and "targetNames" in mesh.extras]
    names = list(wanted.names)[:52]
    mesh.extras["targetNames"] = [prefix + name for name in names] + [
        f"other{k}" for k in range(52 - len(names))
    ]
    weights = np.zeros((20, 52), "<f4")
    weights[:, : len(names)] = wanted.values[:, : len(names)]
    animation = gltf.animations[0]
    (channel,) = [row for row in animation.channels if row.target.path == "weights"]
    view = gltf.bufferViews[gltf.accessors[animation.samplers[channel.sampler].output].bufferView]
    blob = bytearray(gltf.binary_blob())
    blob[view.byteOffset : view.byteOffset + view.byteLength] = weights.tobytes()
    gltf.set_binary_blob(bytes(blob))
    gltf.extensions, gltf.extensionsUsed = {}, []
    gltf.save_binary(str(tmp_path / "b.glb"))
    again = load(tmp_path / "b.glb").face
    expected = retarget(wanted, "face")
    arkit = [k for k, name in enumerate(FACE.channels[:52]) if not name.startswith("eyeLook")]
    np.testing.assert_allclose(again.values[:, arkit], expected.values[:, arkit], atol=1e-5)


def test_unknown_targets_and_files_without_animation(tmp_path):
    source = write(tmp_path / "a.glb", head(names=("cheese", "bread", "wine"), version=None))
    with pytest.raises(FormatError, match=r"holds no animation, expected one of a face or a body"):
        load(source)
    save(take(5), tmp_path / "out.glb", avatar=source)
    with pytest.raises(FormatError, match=r"no known rig, got cheese, bread, wine; expected names such as"):
        load(tmp_path / "out.glb")


def test_every_cut_is_refused(tmp_path):
    source = avatar_file(tmp_path / "tiny.vrm")
    data = save(Performance(take(5).face), tmp_path / "a.glb", avatar=source).read_bytes()
    for length in (0, 1, 11, 100, len(data) // 2, len(data) - 1):
        (tmp_path / "b.glb").write_bytes(data[:length])
        with pytest.raises(FormatError) as raised:
            load(tmp_path / "b.glb")
        assert "\n" not in str(raised.value)
