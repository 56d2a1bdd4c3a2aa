"""The animated avatar, read back by pygltflib and trimesh and checked against the specification's rules."""

import json
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pygltflib
import pytest
import trimesh

from rhapsode.avatars import load as load_avatar
from rhapsode.avatars import map_channels, remember
from rhapsode.avatars.avatar import rotation_matrix
from rhapsode.errors import AvatarError, RigError
from rhapsode.formats import open_writer, save
from rhapsode.performance import Curves, Performance
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rotations import NECK_SHARE, turn
from tests.avatars.faces import FIVE, figure
from tests.avatars.make import write
from tests.formats.any_avatar import BUILDERS, rendered, same, skinned, speech
from tests.formats.performances import avatar_file, cut, face, performance

CHANNELS = [name for name in BLENDSHAPES if not name.startswith("eyeLook")]


def numbers(gltf: pygltflib.GLTF2, index: int) -> np.ndarray:
    """Return float32 accessor ``index`` by pygltflib's own means."""
    row = gltf.accessors[index]
    view = gltf.bufferViews[row.bufferView]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[row.type]
    start = (view.byteOffset or 0) + (row.byteOffset or 0)
    assert row.componentType == pygltflib.FLOAT
    return np.frombuffer(gltf.binary_blob(), "<f4", row.count * width, start).reshape(row.count, width)


def channels(gltf: pygltflib.GLTF2) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Return (times, values) by node name and path."""
    (animation,) = gltf.animations
    found = {}
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        assert sampler.interpolation == "LINEAR"
        key = (gltf.nodes[channel.target.node].name, channel.target.path)
        found[key] = (numbers(gltf, sampler.input)[:, 0], numbers(gltf, sampler.output))
    assert len(found) == len(animation.channels), "one channel for each node and path"
    return found


def baked(tmp_path: Path, take: Performance, size: int = 1000, **avatar: object) -> pygltflib.GLTF2:
    source = avatar_file(tmp_path / "tiny.vrm", **avatar)  # type: ignore[arg-type]
    with open_writer(tmp_path / "a.glb", avatar=source) as out:
        for part in cut(take, size):
            out.write(part)
    return pygltflib.GLTF2().load_binary(str(tmp_path / "a.glb"))


def check_container(path: Path) -> None:
    """Check what the specification asks of chunks, buffers, views, accessors and key times."""
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    assert size % 4 == 0
    tree = json.loads(data[20 : 20 + size])
    binary_size, binary_kind = struct.unpack_from("<I4s", data, 20 + size)
    assert binary_kind == b"BIN\0"
    assert binary_size % 4 == 0
    assert 28 + size + binary_size == len(data)
    assert 0 <= binary_size - tree["buffers"][0]["byteLength"] < 4
    assert len(tree["buffers"]) == 1
    ends = []
    for view in tree["bufferViews"]:
        assert view["buffer"] == 0
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= tree["buffers"][0]["byteLength"]
        ends.append((view["byteOffset"], view["byteOffset"] + view["byteLength"]))
    assert all(end <= begin for (_, end), (begin, _) in pairwise(sorted(ends)))
    for row in tree["accessors"]:
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[row["type"]]
        each = {5126: 4, 5123: 2, 5125: 4}[row["componentType"]]
        assert (
            row.get("byteOffset", 0) + row["count"] * width * each
            <= tree["bufferViews"][row["bufferView"]]["byteLength"]
        )
        assert row["count"] >= 1
    for animation in tree["animations"]:
        for sampler in animation["samplers"]:
            keys = tree["accessors"][sampler["input"]]
            view = tree["bufferViews"][keys["bufferView"]]
            times = np.frombuffer(data, "<f4", keys["count"], 28 + size + view["byteOffset"])
            assert keys["min"] == [float(times[0])] == [0.0]
            assert keys["max"] == [float(times[-1])]
            assert (np.diff(times) > 0).all()


@pytest.mark.parametrize("size", [1, 17, 1000])
def test_every_mesh_gets_its_weights_in_its_own_order(tmp_path, size):
    take = performance(60)
    gltf = baked(tmp_path, take, size, names=tuple(CHANNELS))
    check_container(tmp_path / "a.glb")
    assert gltf.animations[0].name == "rhapsode"
    found = channels(gltf)
    for node, mesh in (("face", gltf.meshes[0]), ("brows", gltf.meshes[1])):
        names = mesh.extras["targetNames"]
        times, values = found[node, "weights"]
        np.testing.assert_allclose(times, np.arange(60) / 50, atol=1e-6)
        assert len(values) == 60 * len(names) == 60 * len(mesh.primitives[0].targets)
        weights = values.reshape(60, len(names))
        for column, name in enumerate(names):
            np.testing.assert_allclose(weights[:, column], take.face[name], atol=1e-6)


def test_at_another_rate(tmp_path):
    take, source = performance(60), avatar_file(tmp_path / "tiny.vrm")
    gltf = pygltflib.GLTF2().load_binary(str(save(take, tmp_path / "a.glb", fps="29.97", avatar=source)))
    times, values = channels(gltf)["face", "weights"]
    expected = take.face.resample("29.97")
    np.testing.assert_allclose(times, np.arange(len(expected)) * 1001 / 30000, atol=1e-6)
    np.testing.assert_allclose(values.reshape(len(expected), 52)[:, 17], expected["jawOpen"], atol=1e-6)


def world(gltf: pygltflib.GLTF2, turned: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return world rotations by node name, by a plain walk down the tree."""
    found: dict[str, np.ndarray] = {}

    def walk(index: int, above: np.ndarray) -> None:
        node = gltf.nodes[index]
        local = turned.get(node.name, np.array(node.rotation or [0, 0, 0, 1], np.float64))
        found[node.name] = above @ rotation_matrix(local)
        for child in node.children or []:
            walk(child, found[node.name])

    for root in gltf.scenes[0].nodes:
        walk(root, np.eye(3))
    return found


@pytest.mark.parametrize("turned_bones", [False, True])
@pytest.mark.parametrize(
    ("angle", "axis", "sign"), [("headYaw", 1, -1.0), ("headPitch", 0, 1.0), ("headRoll", 2, 1.0)]
)
def test_the_head_turns_about_the_axes_of_the_avatar(tmp_path, turned_bones, angle, axis, sign):
    curves = Curves(FACE.channels, np.zeros((3, len(FACE)), np.float32))
    curves.values[1, FACE.index(angle)] = 0.5
    gltf = baked(tmp_path, Performance(curves), turned_bones=turned_bones)
    found = channels(gltf)
    rest = world(gltf, {})
    at = {
        node: values[1]
        for (node, path), (times, values) in found.items()
        if path == "rotation" and len(times) == 3
    }
    moved = world(gltf, at)
    for bone, share in (("neck", NECK_SHARE), ("head", 1.0)):
        turn = moved[bone] @ rest[bone].T
        half = sign * 0.5 * share / 2
        expected = np.zeros(4)
        expected[axis], expected[3] = np.sin(half), np.cos(half)
        np.testing.assert_allclose(turn, rotation_matrix(expected), atol=1e-6)
    still = {
        node: values[0]
        for (node, path), (times, values) in found.items()
        if path == "rotation" and len(times) == 3
    }
    np.testing.assert_allclose(world(gltf, still)["head"], rest["head"], atol=1e-6)


def test_quaternions_are_of_length_one_and_take_the_short_way(tmp_path):
    curves = face(400, seed=3)
    curves.values[:, 52:] = np.cumsum(np.full((400, 9), 0.04, np.float32), axis=0)
    for (_, path), (times, values) in channels(baked(tmp_path, Performance(curves))).items():
        if path == "rotation":
            np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-6)
            if len(times) > 1:
                assert ((values[1:] * values[:-1]).sum(axis=1) > 0).all()


def test_eyes_are_turned_by_shapes_or_by_bones_never_both(tmp_path):
    take = performance(30)
    by_shapes = channels(baked(tmp_path, take))
    assert ("leftEye", "rotation") not in by_shapes
    np.testing.assert_allclose(
        by_shapes["face", "weights"][1].reshape(30, 52)[:, 1], take.face["eyeLookDownLeft"], atol=1e-6
    )
    by_none = channels(baked(tmp_path, take, names=("jawOpen", "eyeLookDownLeft")))
    assert ("leftEye", "rotation") not in by_none, "nothing follows these eye bones"
    source = write(tmp_path / "b.glb", figure({**FIVE, "eyeLookDownLeft": {"eyeLookDownLeft": 1.0}}))
    by_bones = pygltflib.GLTF2().load_binary(str(save(take, tmp_path / "b2.glb", avatar=source)))
    moved = channels(by_bones)
    assert ("mixamorig:LeftEye", "rotation") in moved
    assert not moved["eye left", "weights"][1].reshape(30, len(FIVE) + 1)[:, -1].any()


@pytest.mark.parametrize("which", BUILDERS)
def test_any_avatar_moves_as_the_renderer_shows_it(tmp_path, which):
    source = write(tmp_path / "a.glb", BUILDERS[which]())
    avatar, one = load_avatar(source), speech()
    gltf = pygltflib.GLTF2().load_binary(str(save(one, tmp_path / "b.glb", avatar=source)))
    node = {row.name: index for index, row in enumerate(gltf.nodes)}
    found = channels(gltf)
    names = gltf.meshes[0].extras["targetNames"]
    weights = next(values for (_, path), (_, values) in found.items() if path == "weights")
    weights = weights.reshape(len(one.face), -1)
    for frame in range(0, len(one.face), 5):
        turned = {
            node[name]: values[frame] for (name, path), (_, values) in found.items() if path == "rotation"
        }
        shapes = dict(zip(names, weights[frame], strict=True))
        same(rendered(avatar, one, frame), skinned(avatar, shapes, turned))


def test_eyes_that_a_mapping_turns_off_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    source = write(tmp_path / "a.glb", figure(FIVE))
    avatar = load_avatar(source)
    remember(avatar, replace(map_channels(avatar), eyes="none"))
    gltf = pygltflib.GLTF2().load_binary(str(save(speech(), tmp_path / "b.glb", avatar=source)))
    assert not [name for name, _ in channels(gltf) if "Eye" in name]


def test_arms_of_a_t_pose_hang_down(tmp_path):
    gltf = baked(tmp_path, Performance(face(10)))
    found = channels(gltf)
    still = {
        node: values[0]
        for (node, path), (times, values) in found.items()
        if path == "rotation" and len(times) == 1
    }
    assert set(still) == {"leftUpperArm", "leftLowerArm", "rightUpperArm", "rightLowerArm"}
    moved = world(gltf, still)
    nodes = {node.name: node for node in gltf.nodes}
    for side, sign in (("left", 1), ("right", -1)):
        elbow = moved[f"{side}UpperArm"] @ nodes[f"{side}LowerArm"].translation
        assert elbow[1] == pytest.approx(-0.3 * np.sin(np.radians(72)), abs=1e-6)
        assert elbow[0] == pytest.approx(sign * 0.3 * np.cos(np.radians(72)), abs=1e-6)


def test_what_the_avatar_had_stays(tmp_path):
    gltf = baked(tmp_path, performance(5))
    source = pygltflib.GLTF2().load_binary(str(tmp_path / "tiny.vrm"))
    assert gltf.extensions == source.extensions
    assert gltf.extensionsUsed == ["VRMC_vrm"]
    assert [node.name for node in gltf.nodes] == [node.name for node in source.nodes]
    assert gltf.binary_blob().startswith(source.binary_blob()[: source.buffers[0].byteLength])
    again = load_avatar(tmp_path / "a.glb")
    assert again.morph_names == BLENDSHAPES
    assert again.humanoid["head"] == 3


def test_trimesh_reads_the_geometry(tmp_path):
    baked(tmp_path, performance(5))
    scene = trimesh.load(tmp_path / "a.glb")
    assert sorted(len(mesh.vertices) for mesh in scene.geometry.values()) == [4, 4]


def test_targets_that_no_channel_moves_stay_at_rest(tmp_path):
    source = avatar_file(tmp_path / "tiny.vrm", names=("jawOpen", "bellySize"))
    tree = pygltflib.GLTF2().load_binary(str(source))
    tree.meshes[0].weights = [0.0, 0.7]
    tree.save_binary(str(source))
    gltf = pygltflib.GLTF2().load_binary(str(save(performance(8), tmp_path / "a.glb", avatar=source)))
    np.testing.assert_allclose(channels(gltf)["face", "weights"][1].reshape(8, 2)[:, 1], 0.7)


def test_a_gltf_with_files_beside_it_becomes_one_file(tmp_path):
    source = avatar_file(tmp_path / "tiny.glb")
    data = source.read_bytes()
    size = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + size])
    (tmp_path / "my data.bin").write_bytes(data[28 + size :])
    (tmp_path / "skin.png").write_bytes(b"\x89PNG fake")
    tree["buffers"][0]["uri"] = "my%20data.bin"
    tree["images"] = [{"uri": "skin.png"}, {"uri": "data:image/jpeg;base64,AAECAw=="}]
    (tmp_path / "tiny.gltf").write_text(json.dumps(tree))
    save(performance(5), tmp_path / "a.glb", avatar=tmp_path / "tiny.gltf")
    check_container(tmp_path / "a.glb")
    gltf = pygltflib.GLTF2().load_binary(str(tmp_path / "a.glb"))
    pictures = []
    for image in gltf.images:
        assert image.uri is None
        view = gltf.bufferViews[image.bufferView]
        pictures.append(
            (image.mimeType, gltf.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength])
        )
    assert pictures == [("image/png", b"\x89PNG fake"), ("image/jpeg", b"\0\1\2\3")]
    (tmp_path / "skin.png").unlink()
    with pytest.raises(AvatarError, match=r"needs 'skin\.png' beside it, got No such file"):
        save(performance(5), tmp_path / "b.glb", avatar=tmp_path / "tiny.gltf")
    assert not (tmp_path / "b.glb").exists()


def test_an_animated_node_gives_up_its_matrix(tmp_path):
    source = avatar_file(tmp_path / "tiny.vrm", turned_bones=False)
    gltf = pygltflib.GLTF2().load_binary(str(source))
    head = gltf.nodes[3]
    head.translation, head.matrix = None, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0.1, 0, 1]
    gltf.save_binary(str(source))
    made = pygltflib.GLTF2().load_binary(str(save(performance(5), tmp_path / "a.glb", avatar=source)))
    assert made.nodes[3].matrix is None
    np.testing.assert_allclose(made.nodes[3].translation, [0, 0.1, 0], atol=1e-6)


def test_one_curve_frame_and_none(tmp_path):
    one = channels(baked(tmp_path, Performance(face(1))))
    assert len(one["face", "weights"][0]) == 1
    check_container(tmp_path / "a.glb")
    save(Performance(face(0)), tmp_path / "none.glb", avatar=tmp_path / "tiny.vrm")
    assert not pygltflib.GLTF2().load_binary(str(tmp_path / "none.glb")).animations


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no avatar 'nobody', known are"),
        (b"words", "is no glTF or VRM file"),
        ("box", "has no morph targets"),
    ],
)
def test_avatars_that_cannot_be_used_stop_before_any_work(tmp_path, content, message):
    path = tmp_path / "box.glb"
    if content == "box":
        path.write_bytes(trimesh.creation.box().export(file_type="glb"))
    elif content is not None:
        path.write_bytes(content)
    before = list(tmp_path.iterdir())
    with pytest.raises(AvatarError, match=message):
        open_writer(tmp_path / "a.glb", avatar=path if content else "nobody")
    assert list(tmp_path.iterdir()) == before


@pytest.mark.parametrize("size", [7, 1000])
def test_a_motion_turns_the_bones_and_the_head_angles_come_on_top(tmp_path, size):
    take = performance(40, start=3200)
    assert take.motion is not None
    gltf = baked(tmp_path, take, size)
    check_container(tmp_path / "a.glb")
    found = channels(gltf)
    assert ("leftUpperArm", "rotation") not in found
    np.testing.assert_allclose(found["hips", "translation"][1], np.tile([0, 1, 0], (40, 1)), atol=1e-6)
    at = 17
    given = dict(zip(take.motion.joints, take.motion.rotations[at], strict=True))
    rest = world(gltf, {})
    turned = {node: values[at] for (node, path), (_, values) in found.items() if path == "rotation"}
    moved = world(gltf, turned)
    hips, spine = (rotation_matrix(given[bone]) for bone in ("hips", "spine"))
    np.testing.assert_allclose(moved["hips"] @ rest["hips"].T, hips, atol=1e-5)
    np.testing.assert_allclose(moved["spine"] @ rest["spine"].T, hips @ spine, atol=1e-5)
    yaw, pitch, roll = take.face.values[at, 52:55]
    around = [
        rotation_matrix(turn(np.array([[yaw, pitch, roll]]) * s)[0]) for s in (NECK_SHARE, 1 - NECK_SHARE)
    ]
    head = hips @ spine @ around[0] @ rotation_matrix(given["head"]) @ around[1]
    np.testing.assert_allclose(moved["head"] @ rest["head"].T, head, atol=1e-5)


def test_a_joint_that_is_no_bone_is_refused(tmp_path):
    take = performance(10)
    assert take.motion is not None
    wrong = replace(take, motion=replace(take.motion, joints=("hips", "tail", "head")))
    with pytest.raises(RigError, match="a motion turns VRM humanoid bones, got 'tail'"):
        save(wrong, tmp_path / "a.glb")
    assert not list(tmp_path.iterdir())
