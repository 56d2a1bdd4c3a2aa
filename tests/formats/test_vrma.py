"""VRM Animation, read back by three-vrm-animation, by Khronos' validator and by our own reader."""

import json
import struct
from pathlib import Path

import numpy as np
import pygltflib
import pytest

from rhapsode.avatars import load as load_avatar
from rhapsode.avatars import locate
from rhapsode.errors import AvatarError, FormatError
from rhapsode.formats import load, open_writer, save
from rhapsode.formats.vrma import CLIPS, NAME, PRESETS
from rhapsode.performance import Curves, Motion, Performance
from rhapsode.rigs import BLENDSHAPES, FACE, retarget
from rhapsode.rigs.gaze import EYES, set_eyes
from rhapsode.rotations import NECK_SHARE, turn
from tests.avatars.faces import FIVE, figure
from tests.avatars.make import Builder, head, write
from tests.formats.performances import cut, face
from tests.tools.readers import node

HEAD = FACE.index("headYaw")


def take(frames: int = 60, *, moved: bool = False) -> Performance:
    """Return a face whose eyes look together, and a motion of hips and spine."""
    curves = face(frames)
    eyes = curves.values[:, EYES].astype(np.float64)
    curves.values[:, HEAD + 3 :] = 0
    set_eyes(curves.values, eyes[:, [0, 1, 0, 1]])
    motion = None
    if moved:
        angles = np.zeros((frames, 3))
        angles[:, 0] = np.linspace(0, 0.8, frames)
        spine = turn(angles[:, [2, 0, 1]])
        rotations = np.stack([turn(angles), spine], axis=1).astype(np.float32)
        hips = np.linspace([0, 0, 0], [0.3, -0.1, 0.2], frames).astype(np.float32)
        motion = Motion(("hips", "spine"), rotations, hips, curves.rate)
    return Performance(curves, motion=motion)


def whole_body(version: int) -> Builder:
    """Return the small avatar with all bones that VRM asks for."""
    made = head(version=version)
    limbs = [
        f"{side}{part}" for side in ("left", "right") for part in ("UpperLeg", "LowerLeg", "Foot", "Hand")
    ]
    for index, name in enumerate(limbs, len(made.gltf.nodes)):
        made.gltf.nodes.append(pygltflib.Node(name=name, translation=[0.0, -0.1, 0.0]))
        made.gltf.nodes[0].children.append(index)
        if version == 1:
            made.gltf.extensions["VRMC_vrm"]["humanoid"]["humanBones"][name] = {"node": index}
        else:
            made.gltf.extensions["VRM"]["humanoid"]["humanBones"].append({"bone": name, "node": index})
    if version == 1:
        made.gltf.extensions["VRMC_vrm"]["meta"]["licenseUrl"] = "https://vrm.dev/licenses/1.0/"
    return made


def tree_of(path: Path) -> dict:
    data = path.read_bytes()
    return json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])


@pytest.mark.parametrize("options", [{}, {"rig": "face"}, {"avatar": "mira"}])
@pytest.mark.parametrize("size", [1, 17, 1000])
def test_a_face_comes_back_as_it_was(tmp_path, options, size):
    one = take()
    with open_writer(tmp_path / "a.vrma", fps=50, **options) as out:
        for part in cut(one, size):
            out.write(part)
    again = load(tmp_path / "a.vrma")
    assert again.face.rate == 50
    assert again.face.names == FACE.channels
    assert again.motion is None
    np.testing.assert_allclose(again.face.values, one.face.values, atol=2e-6)


def test_thirty_frames_a_second_unless_asked(tmp_path):
    assert load(save(take(), tmp_path / "a.vrma")).face.rate == 30
    odd = load(save(take(), tmp_path / "a.vrma", fps="29.97"))
    assert odd.face.rate.denominator == 1001
    wanted = take().face.resample("29.97").select(CLIPS)
    np.testing.assert_allclose(odd.face.select(CLIPS).values, wanted.values, atol=1e-5)


def test_a_motion_comes_back_without_neck_and_head(tmp_path):
    one = take(moved=True)
    again = load(save(one, tmp_path / "a.vrma", fps=50))
    assert one.motion is not None
    assert again.motion is not None
    assert again.motion.joints == ("hips", "spine")
    np.testing.assert_allclose(again.motion.rotations, one.motion.rotations, atol=1e-6)
    np.testing.assert_allclose(again.motion.translation, one.motion.translation, atol=1e-6)
    np.testing.assert_allclose(again.face.values, one.face.values, atol=2e-6)


def test_what_the_specification_asks_for(tmp_path):
    tree = tree_of(save(take(), tmp_path / "a.vrma"))
    block = tree["extensions"][NAME]
    assert tree["extensionsUsed"] == [NAME]
    assert block["specVersion"] == "1.0"
    bones = {row["node"]: bone for bone, row in block["humanoid"]["humanBones"].items()}
    assert {"hips", "spine", "head", "leftUpperArm", "rightHand", "leftFoot"} <= set(bones.values())
    assert not {"leftEye", "rightEye"} & set(bones.values())
    assert not any("rotation" in tree["nodes"][index] for index in bones)
    assert set(block["expressions"]["preset"]) == set(PRESETS)
    assert not [name for name in block["expressions"]["preset"] if "look" in name]
    paths: dict[str, set[str]] = {}
    for channel in tree["animations"][0]["channels"]:
        target = channel["target"]
        paths.setdefault(bones.get(target["node"], tree["nodes"][target["node"]]["name"]), set()).add(
            target["path"]
        )
    assert paths.pop("lookAt") == {"rotation"}
    assert paths["head"] == paths["neck"] == paths["leftUpperArm"] == {"rotation"}
    assert paths["jawOpen"] == paths["aa"] == {"translation"}


def test_which_expressions_are_written(tmp_path):
    def kinds(**options: object) -> tuple[set, set]:
        block = tree_of(save(take(5), tmp_path / "a.vrma", **options))["extensions"][NAME]["expressions"]
        return set(block["preset"]), set(block["custom"])

    assert kinds() == (set(PRESETS), set())
    assert kinds(rig="face") == (set(), set(CLIPS))
    assert kinds(avatar="mira") == (set(), set(CLIPS))
    assert kinds(avatar=write(tmp_path / "zero.vrm", head(version=0))) == ({"aa", "blink"}, set())
    assert kinds(avatar=write(tmp_path / "none.glb", head(version=None))) == (set(PRESETS), set())
    pascal = head()
    pascal.gltf.extensions["VRMC_vrm"]["expressions"]["custom"] = {
        name[0].upper() + name[1:]: {"morphTargetBinds": [{"node": 11, "index": index, "weight": 1.0}]}
        for index, name in enumerate(BLENDSHAPES)
    }
    _, spelled = kinds(avatar=write(tmp_path / "pascal.vrm", pascal))
    assert spelled == {name[0].upper() + name[1:] for name in CLIPS}
    np.testing.assert_allclose(
        load(tmp_path / "a.vrma").face["jawOpen"], take(5).face.resample(30)["jawOpen"], atol=1e-6
    )


def test_the_gaze_is_that_of_real_eyes_whatever_the_avatar(tmp_path):
    one = take(20)
    for behind in (0.0, 0.1):
        source = write(tmp_path / "a.vrm", figure(FIVE, version=1, eyes_behind=behind))
        again = load(save(one, tmp_path / "a.vrma", fps=50, avatar=source))
        np.testing.assert_allclose(
            again.face.values[:, HEAD + 3 :], one.face.values[:, HEAD + 3 :], atol=1e-5
        )


def test_presets_alone_become_arkit(tmp_path):
    path = save(take(), tmp_path / "a.vrma", fps=50)
    gltf = pygltflib.GLTF2().load_binary(str(path))
    for row in gltf.nodes:
        if row.name in CLIPS:
            row.name = "spare"
    gltf.save_binary(str(tmp_path / "b.vrma"))
    again = load(tmp_path / "b.vrma").face
    felt = retarget(take().face, "vrm1")
    expected = retarget(Curves(felt.names, felt.values), "face")
    np.testing.assert_allclose(again["jawOpen"], expected["jawOpen"], atol=1e-5)
    np.testing.assert_allclose(again["eyeBlinkLeft"], take().face["eyeBlinkLeft"], atol=1e-5)


@pytest.mark.parametrize("avatar", ["mira", "ball", "old"])
def test_three_vrm_animation_plays_it(tmp_path, avatar):
    one = take(50, moved=True)
    made = {"ball": 1, "old": 0}
    source = locate("mira") if avatar == "mira" else write(tmp_path / "a.vrm", whole_body(made[avatar]))
    path = save(one, tmp_path / "a.vrma", fps=50, avatar=source)
    frames = [0, 13, 31, 49]
    got = node("three.mjs", path, json.dumps([frame / 50 for frame in frames]), source)
    assert got["warnings"] == []
    assert got["duration"] == pytest.approx(49 / 50)
    felt = retarget(one.face, "vrm1")
    for frame, now in zip(frames, got["at"], strict=True):
        wanted = one.face if avatar == "mira" else felt
        names = {"mira": CLIPS, "ball": ("aa",), "old": ("aa", "blink")}[avatar]
        assert set(got["customs" if avatar == "mira" else "presets"]) == set(names)
        for name in names:
            assert now["expressions"][name] == pytest.approx(wanted[name][frame], abs=1e-5), name
        # three-vrm keeps VRM 0 bones in the axes of the file, which look towards -Z.
        flip = np.array([-1, 1, -1, 1]) if avatar == "old" else np.ones(4)
        angles = one.face.values[frame, HEAD : HEAD + 3].astype(float)
        for bone, share in (("neck", NECK_SHARE), ("head", 1 - NECK_SHARE)):
            expected = turn(angles[None] * share)[0] * flip
            np.testing.assert_allclose(now["bones"][bone], expected, atol=1e-5)
        assert one.motion is not None
        np.testing.assert_allclose(now["bones"]["spine"], one.motion.rotations[frame, 1] * flip, atol=1e-5)
        if avatar == "mira":
            yaw, pitch = np.degrees(one.face.values[frame, EYES][:2])
            assert now["look"] == pytest.approx([-yaw, pitch], abs=1e-2)


def test_khronos_validator_finds_no_fault(tmp_path):
    for options in ({}, {"avatar": "mira"}):
        report = node("validate.mjs", save(take(moved=True), tmp_path / "a.vrma", **options))
        assert (report["issues"]["numErrors"], report["issues"]["numWarnings"]) == (0, 0)


def foreign(tmp_path: Path) -> Path:
    """Write a file as others do: turned rest poses, a cubic spline, one expression, keys off the grid."""
    gltf = pygltflib.GLTF2().load_binary(str(save(take(20), tmp_path / "own.vrma")))
    nodes = {row.name: index for index, row in enumerate(gltf.nodes)}
    half = [0.0, 0.0, 0.70710678, 0.70710678]
    gltf.nodes[nodes["neck"]].rotation = half
    times = np.array([0.0, 0.5, 1.25], "<f4")
    # The head turns about its own X, which is the world's Y once the neck is turned by 90 degrees about Z.
    turns = np.array([[0, 0, 0, 1], [np.sin(0.1), 0, 0, np.cos(0.1)], [0, 0, 0, 1]], "<f4")
    jaw = np.zeros((3, 3, 3), "<f4")
    jaw[:, 1, 0] = [0, 0.5, 1]
    blob = times.tobytes() + turns.tobytes() + jaw.tobytes()
    gltf.set_binary_blob(blob)
    gltf.buffers = [pygltflib.Buffer(byteLength=len(blob))]
    gltf.bufferViews = [
        pygltflib.BufferView(buffer=0, byteOffset=begin, byteLength=end - begin)
        for begin, end in ((0, 12), (12, 60), (60, len(blob)))
    ]
    gltf.accessors = [
        pygltflib.Accessor(bufferView=0, componentType=5126, count=3, type="SCALAR", min=[0.0], max=[1.25]),
        pygltflib.Accessor(bufferView=1, componentType=5126, count=3, type="VEC4"),
        pygltflib.Accessor(bufferView=2, componentType=5126, count=9, type="VEC3"),
    ]
    animation = gltf.animations[0]
    animation.samplers = [
        pygltflib.AnimationSampler(input=0, output=1, interpolation="LINEAR"),
        pygltflib.AnimationSampler(input=0, output=2, interpolation="CUBICSPLINE"),
    ]
    animation.channels = [
        pygltflib.AnimationChannel(sampler=0, target={"node": nodes["head"], "path": "rotation"}),
        pygltflib.AnimationChannel(sampler=1, target={"node": nodes["jawOpen"], "path": "translation"}),
    ]
    gltf.extensions[NAME]["expressions"] = {"custom": {"JawOpen": {"node": nodes["jawOpen"]}}}
    gltf.save_binary(str(tmp_path / "foreign.vrma"))
    return tmp_path / "foreign.vrma"


def test_a_foreign_file_with_turned_bones_and_splines(tmp_path):
    again = load(foreign(tmp_path)).face
    at = round(0.5 * float(again.rate))
    assert again["jawOpen"][at] == pytest.approx(0.5, abs=1e-5)
    way = (at // 2) / at
    assert again["jawOpen"][at // 2] == pytest.approx(0.5 * (3 * way**2 - 2 * way**3), abs=1e-5)
    assert again["headYaw"][at] == pytest.approx(-0.2, abs=1e-4)
    assert again["headPitch"][at] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no glTF or VRM file, got an empty file"),
        (b"glTF" + bytes(3), "is cut short"),
        (b'{"asset": {"version": "2.0"}}', f"got a glTF without {NAME}, expected one"),
        (b'{"asset": {"version": "2.0"}, "extensions": {"VRMC_vrm_animation": {}}}', "holds no animation"),
        (
            b'{"asset": {"version": "2.0"}, "extensions": {"VRMC_vrm_animation": {"humanoid": 3}}}',
            "holds a damaged animation",
        ),
        (
            b'{"asset": {"version": "2.0"}, "extensions": {"VRMC_vrm_animation": {}}, "animations": [{}]}',
            "holds a damaged animation",
        ),
    ],
)
def test_files_that_are_none(tmp_path, content, message):
    (tmp_path / "a.vrma").write_bytes(content)
    with pytest.raises(FormatError, match=message) as raised:
        load(tmp_path / "a.vrma")
    assert "\n" not in str(raised.value)


def test_every_cut_is_refused(tmp_path):
    data = save(take(5), tmp_path / "a.vrma").read_bytes()
    for length in (1, 11, 100, len(data) // 2, len(data) - 1):
        (tmp_path / "b.vrma").write_bytes(data[:length])
        with pytest.raises(FormatError):
            load(tmp_path / "b.vrma")


def test_wrong_avatars_and_empty_takes_leave_nothing(tmp_path):
    with pytest.raises(AvatarError):
        save(take(5), tmp_path / "a.vrma", avatar="nobody")
    with pytest.raises(FormatError, match="needs at least one curve frame"):
        save(Performance(face(0)), tmp_path / "a.vrma")
    assert not list(tmp_path.iterdir())
    assert load_avatar("mira").expressions["aa"].preset
