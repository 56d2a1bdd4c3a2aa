"""USD, opened by usd-core: its samples, its skinning against plain numpy, and our own reader."""

import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from rhapsode.avatars import Avatar, locate
from rhapsode.avatars import load as load_avatar
from rhapsode.errors import AvatarError, FormatError, MissingExtraError
from rhapsode.formats import load, open_writer, save
from rhapsode.formats.usd import Joints
from rhapsode.performance import Performance
from rhapsode.rigs import BLENDSHAPES, FACE
from tests.avatars.faces import figure
from tests.avatars.make import head, write
from tests.formats.any_avatar import BUILDERS, boneless, rendered, same, skinned, speech
from tests.formats.performances import avatar_file, cut, face
from tests.formats.test_vrma import take

pxr = pytest.importorskip("pxr", reason="usd-core is missing; run: pip install 'rhapsode[usd]'")
from pxr import Usd, UsdGeom, UsdSkel, UsdValidation  # noqa: E402

HEAD = FACE.index("headYaw")


def opened(path: Path) -> tuple[Usd.Stage, UsdSkel.Animation]:
    stage = Usd.Stage.Open(str(path))
    (prim,) = [prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation)]
    return stage, UsdSkel.Animation(prim)


@pytest.mark.parametrize("kind", [".usda", ".usdc", ".usd"])
@pytest.mark.parametrize("size", [7, 1000])
def test_usd_core_reads_the_weights(tmp_path, kind, size):
    one = take(40, moved=True)
    with open_writer(tmp_path / f"a{kind}", fps=50) as out:
        for part in cut(one, size):
            out.write(part)
    stage, made = opened(tmp_path / f"a{kind}")
    assert (stage.GetTimeCodesPerSecond(), stage.GetEndTimeCode()) == (50, 39)
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert tuple(made.GetBlendShapesAttr().Get()) == BLENDSHAPES
    for frame in (0, 21, 39):
        np.testing.assert_allclose(
            made.GetBlendShapeWeightsAttr().Get(frame), one.face.values[frame, :52], atol=1e-6
        )
    between = np.array(made.GetBlendShapeWeightsAttr().Get(20.5))
    np.testing.assert_allclose(between, one.face.values[20:22, :52].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"avatar": "mira"}])
def test_a_take_comes_back(tmp_path, options):
    one = take(30, moved=True)
    again = load(save(one, tmp_path / "a.usdc", fps=50, **options))
    assert again.face.rate == 50
    np.testing.assert_allclose(again.face.values, one.face.values, atol=2e-6)
    assert again.motion is not None
    assert one.motion is not None
    places = [again.motion.joints.index(joint) for joint in one.motion.joints]
    np.testing.assert_allclose(again.motion.rotations[:, places], one.motion.rotations, atol=1e-6)
    np.testing.assert_allclose(again.motion.translation, one.motion.translation, atol=1e-6)


def deformed(avatar: Avatar, made: UsdSkel.Animation, frame: int) -> list[np.ndarray]:
    """Return the points of every primitive in the world, by the rules of glTF."""
    shapes = dict(
        zip(made.GetBlendShapesAttr().Get(), made.GetBlendShapeWeightsAttr().Get(frame), strict=True)
    )
    turned, nodes = {}, {path: node for node, path in Joints(avatar).paths.items()}
    for joint, rotation in zip(made.GetJointsAttr().Get(), made.GetRotationsAttr().Get(frame), strict=True):
        turned[nodes[joint]] = [*rotation.imaginary, rotation.real]
    return skinned(avatar, shapes, turned)


@pytest.mark.parametrize("which", ["mira", "tiny", "old", "jaw"])
def test_usd_core_deforms_the_avatar_as_gltf_does(tmp_path, which):
    source = {
        "mira": lambda: locate("mira"),
        "tiny": lambda: avatar_file(tmp_path / "tiny.vrm"),
        "old": lambda: write(tmp_path / "old.vrm", head(version=0)),
        "jaw": lambda: write(
            tmp_path / "jaw.vrm", figure({"smile": {"mouthSmileLeft": 1.0}}, version=1, jaw="jaw")
        ),
    }[which]()
    one = Performance(take(20).face)
    path = save(one, tmp_path / "a.usdc", fps=50, avatar=source)
    stage, made = opened(path)
    if which == "jaw":
        assert any(joint.endswith("/jaw") for joint in made.GetJointsAttr().Get())
    meshes = [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    wanted = {frame: deformed(load_avatar(source), made, frame) for frame in (0, 13)}
    assert UsdSkel.BakeSkinning(UsdSkel.Root(stage.GetDefaultPrim()))
    assert len(meshes) == len(wanted[0])
    for frame, expected in wanted.items():
        for mesh, points in zip(meshes, expected, strict=True):
            np.testing.assert_allclose(mesh.GetPointsAttr().Get(frame), points, atol=2e-5)


@pytest.mark.parametrize("which", BUILDERS)
def test_any_avatar_moves_as_the_renderer_shows_it(tmp_path, which):
    source = write(tmp_path / "a.glb", BUILDERS[which]())
    one = speech()
    path = save(one, tmp_path / "a.usdc", fps=50, avatar=source)
    stage, made = opened(path)
    avatar = load_avatar(source)
    for frame in range(0, len(one.face), 5):
        same(rendered(avatar, one, frame), deformed(avatar, made, frame))
    wanted = {frame: deformed(avatar, made, frame) for frame in (0, 13)}
    meshes = [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]
    assert UsdSkel.BakeSkinning(UsdSkel.Root(stage.GetDefaultPrim()))
    for frame, expected in wanted.items():
        for mesh, points in zip(meshes, expected, strict=True):
            np.testing.assert_allclose(mesh.GetPointsAttr().Get(frame), points, atol=2e-5)


def test_an_avatar_without_any_bone_moves_its_shapes(tmp_path):
    source = write(tmp_path / "a.glb", boneless())
    one = speech(motion=False)
    _, made = opened(save(one, tmp_path / "a.usdc", fps=50, avatar=source))
    weights = [made.GetBlendShapeWeightsAttr().Get(frame) for frame in range(len(one.face))]
    assert np.ptp(weights, axis=0).max() > 0.3


def test_the_checker_of_usd_finds_no_fault(tmp_path):
    path = save(take(5), tmp_path / "a.usdc", avatar="mira")
    stage, _ = opened(path)
    every = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(every).Validate(stage)
    assert [(error.GetName(), error.GetMessage()) for error in found] == []


def test_without_usd_core_it_says_how_to_get_it(tmp_path):
    with (
        patch.dict(sys.modules, {"pxr": None}),
        pytest.raises(MissingExtraError, match=r"pip install 'rhapsode\[usd\]'"),
    ):
        open_writer(tmp_path / "a.usda")
    assert not list(tmp_path.iterdir())
    save(take(5), tmp_path / "a.usda")
    with (
        patch.dict(sys.modules, {"pxr": None}),
        pytest.raises(MissingExtraError, match=r"pip install 'rhapsode\[usd\]'"),
    ):
        load(tmp_path / "a.usda")


def test_other_names_and_damage(tmp_path):
    text = save(take(5), tmp_path / "a.usda").read_text()
    (tmp_path / "b.usda").write_text(text.replace("Left", "_left").replace("jaw", "kinn"))
    again = load(tmp_path / "b.usda").face
    assert not again["jawOpen"].any()
    np.testing.assert_allclose(again["mouthSmileRight"], load(tmp_path / "a.usda").face["mouthSmileRight"])
    cases = {
        "": "is no USD file",
        "#usda 1.0\n": "holds no SkelAnimation",
        text[: len(text) // 2]: "is no USD file",
        text.replace('["eyeBlinkLeft",', '["more", "eyeBlinkLeft",'): "is a damaged animation",
    }
    for number, (content, message) in enumerate(cases.items()):
        (tmp_path / f"{number}.usda").write_text(content)
        with pytest.raises(FormatError, match=message) as raised:
            load(tmp_path / f"{number}.usda")
        assert "\n" not in str(raised.value)


def test_wrong_avatars_and_empty_takes_leave_nothing(tmp_path):
    with pytest.raises(AvatarError):
        save(take(5), tmp_path / "a.usda", avatar="nobody")
    with pytest.raises(FormatError, match="at least one curve frame"):
        save(Performance(face(0)), tmp_path / "a.usda")
    assert not list(tmp_path.iterdir())
