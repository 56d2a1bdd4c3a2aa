"""Loading: every way in which glTF stores numbers, VRM 0.x and 1.0, and what cannot be loaded."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as g
import pytest
import trimesh

from rhapsode.avatars import load
from rhapsode.avatars.avatar import rotation_matrix
from rhapsode.avatars.load import quaternion, smooth_normals
from rhapsode.errors import AvatarError
from rhapsode.rigs import BLENDSHAPES
from tests.avatars.make import EYE_HEIGHT, RADIUS, Builder, ball, edited, head, target, write


@pytest.mark.parametrize("extension", ["vrm", "glb", "gltf"])
@pytest.mark.parametrize("sparse", [True, False])
def test_every_container_and_storage_gives_the_same_avatar(
    tmp_path: Path, extension: str, sparse: bool
) -> None:
    avatar = load(write(tmp_path / f"ball.{extension}", head(sparse=sparse)))
    face, body = avatar.primitives
    unit, uv, triangles = ball()
    np.testing.assert_allclose(face.positions, unit * RADIUS + [0, EYE_HEIGHT, 0], atol=1e-6)
    np.testing.assert_allclose(face.uv, uv)
    np.testing.assert_array_equal(face.triangles, triangles)
    np.testing.assert_allclose(face.weights.sum(axis=1), 1.0, atol=1e-6)
    assert (face.joints[face.weights > 0] == 4).all()
    assert avatar.morph_names == BLENDSHAPES
    for index in (0, 17, 51):
        dense = np.zeros_like(face.positions)
        morph = face.morphs[BLENDSHAPES[index]]
        dense[morph.vertices] = morph.offsets
        np.testing.assert_allclose(dense, target(unit, index, 1.0), atol=2e-6)
    assert not body.morphs
    assert avatar.materials[face.material].shading == "skin"
    picture = avatar.materials[face.material].texture
    assert picture is not None
    assert picture.shape == (128, 256, 4)
    assert tuple(picture[56, 116]) == (40, 30, 30, 255)
    assert avatar.materials[face.material].wrap == (True, False)


def test_matches_an_independent_reader(tmp_path: Path) -> None:
    path = write(tmp_path / "ball.glb", head(version=None))
    ours = load(path)
    theirs = trimesh.load(path, process=False)
    meshes = sorted(theirs.geometry.values(), key=lambda m: float(m.vertices[:, 1].mean()))
    for part, mesh in zip(
        sorted(ours.primitives, key=lambda p: float(p.positions[:, 1].mean())), meshes, strict=True
    ):
        np.testing.assert_allclose(part.positions, mesh.vertices, atol=1e-6)
        np.testing.assert_array_equal(part.triangles, mesh.faces)


def test_a_vrm_0_file_is_turned_to_face_forward(tmp_path: Path) -> None:
    new = load(write(tmp_path / "new.vrm", head(version=1)))
    old = load(write(tmp_path / "old.vrm", head(version=0)))
    left = new.rest_world[new.humanoid["leftEye"]][:3, 3]
    np.testing.assert_allclose(old.rest_world[old.humanoid["leftEye"]][:3, 3], left, atol=1e-6)
    assert left[0] > 0
    assert left[2] > 0
    a, b = new.rest_positions(new.primitives[0]), old.rest_positions(old.primitives[0])
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_vrm_expressions_of_both_versions(tmp_path: Path) -> None:
    new = load(write(tmp_path / "new.vrm", head(version=1)))
    assert new.expressions["aa"].binds == ((BLENDSHAPES[0], 0.5),)
    old = load(write(tmp_path / "old.vrm", head(version=0)))
    assert old.expressions["aa"].binds == ((BLENDSHAPES[0], 0.5),)
    assert old.expressions["blink"].binds == ((BLENDSHAPES[1], 1.0),)
    assert old.expressions["blink"].preset


def test_rest_positions_follow_the_skin(tmp_path: Path) -> None:
    avatar = load(write(tmp_path / "ball.vrm", head()))
    face = avatar.primitives[0]
    np.testing.assert_allclose(avatar.rest_positions(face), face.positions, atol=1e-5)


def test_interleaved_and_signed_bytes(tmp_path: Path) -> None:
    made = Builder()
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    normals = np.array([[0, 0, 127, 0]] * 3, np.int8)
    rows = b"".join(p.tobytes() + n.tobytes() for p, n in zip(points, normals, strict=True))
    view = made.view(rows, stride=16)
    made.gltf.accessors = [
        g.Accessor(bufferView=view, componentType=5126, count=3, type="VEC3"),
        g.Accessor(bufferView=view, byteOffset=12, componentType=5120, normalized=True, count=3, type="VEC3"),
    ]
    made.gltf.meshes = [g.Mesh(primitives=[g.Primitive(attributes=g.Attributes(POSITION=0, NORMAL=1))])]
    made.gltf.nodes = [g.Node(mesh=0)]
    avatar = load(write(tmp_path / "t.glb", made), need_morphs=False)
    np.testing.assert_array_equal(avatar.primitives[0].positions, points)
    np.testing.assert_array_equal(avatar.primitives[0].normals, [[0, 0, 1]] * 3)
    np.testing.assert_array_equal(avatar.primitives[0].triangles, [[0, 1, 2]])


def test_a_matrix_node_becomes_translation_rotation_and_scale() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        q = rng.normal(size=4)
        matrix = rotation_matrix(q)
        np.testing.assert_allclose(rotation_matrix(quaternion(matrix)), matrix, atol=1e-9)


def test_normals_of_a_ball_point_outwards() -> None:
    unit, _, triangles = ball()
    made = smooth_normals(unit, triangles.astype(np.int32))
    assert ((made * unit).sum(axis=1) > 0.97).all()


def _message(path: Path) -> str:
    with pytest.raises(AvatarError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_file_and_unknown_name(tmp_path: Path) -> None:
    assert "nothing there" in _message(tmp_path / "no.vrm")
    assert "a folder" in _message(tmp_path)
    with pytest.raises(AvatarError, match="no avatar 'nobody', known are"):
        load("nobody")


@pytest.mark.parametrize("content", [b"", b"hello", b"{}", b'{"asset": 3}', b"\xff\xfe\x00", b"[" * 5000])
def test_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.glb"
    path.write_bytes(content)
    assert "is no glTF or VRM file" in _message(path)


def test_truncated_at_any_place_is_refused(tmp_path: Path) -> None:
    whole = head().glb()
    path = tmp_path / "cut.vrm"
    for size in (4, 11, 19, 30, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert "is cut short, got" in _message(path)


def test_old_binary_version(tmp_path: Path) -> None:
    path = tmp_path / "old.glb"
    path.write_bytes(struct.pack("<4sIIII", b"glTF", 1, 20, 0, 0))
    assert "version 1" in _message(path)


def test_no_morph_targets(tmp_path: Path) -> None:
    path = write(tmp_path / "stone.vrm", head(names=()))
    assert "has no morph targets and no jaw bone, got 2 rigid primitives" in _message(path)
    assert load(path, need_morphs=False).morph_names == ()


def test_nothing_to_draw(tmp_path: Path) -> None:
    assert "holds no triangles" in _message(write(tmp_path / "empty.glb", Builder()))


def test_compressed_meshes_name_their_extension(tmp_path: Path) -> None:
    path = edited(tmp_path / "d.gltf", head(), extensionsRequired=["KHR_draco_mesh_compression"])
    assert "Draco" in _message(path)


def _tree(made: Builder) -> dict[str, Any]:
    return dict(json.loads(made.gltf_json()))


def _saved(path: Path, tree: dict[str, Any]) -> Path:
    path.write_text(json.dumps(tree))
    return path


@pytest.mark.parametrize(
    ("extension", "remedy"),
    [("EXT_meshopt_compression", "leave out -c"), ("KHR_texture_basisu", "PNG, JPEG or WebP")],
)
def test_other_compression_is_refused_with_a_remedy(tmp_path: Path, extension: str, remedy: str) -> None:
    said = _message(edited(tmp_path / "m.gltf", head(), extensionsRequired=[extension]))
    assert extension in said
    assert remedy in said


def test_compression_with_plain_data_beside_it_is_read(tmp_path: Path) -> None:
    tree = _tree(head())
    packed = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    tree["meshes"][0]["primitives"][0]["extensions"] = packed
    assert load(_saved(tmp_path / "both.gltf", tree)).morph_names == BLENDSHAPES
    accessor = tree["accessors"][tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    del accessor["bufferView"]
    assert "Draco" in _message(_saved(tmp_path / "only.gltf", tree))


def test_quantised_vertices_are_read(tmp_path: Path) -> None:
    made = Builder()
    points = np.array([[0, 0, 0], [100, 0, 0], [0, 100, 0]], np.int16)
    offsets = np.array([[0, 0, 0], [0, 0, 50], [0, 0, 0]], np.int16)
    made.gltf.meshes = [
        g.Mesh(
            primitives=[
                g.Primitive(
                    attributes=g.Attributes(POSITION=made.accessor(points)),
                    targets=[{"POSITION": made.accessor(offsets)}],
                )
            ]
        )
    ]
    made.gltf.nodes = [g.Node(mesh=0, scale=[0.01] * 3)]
    avatar = load(write(tmp_path / "q.glb", made))
    np.testing.assert_allclose(avatar.rest_positions(avatar.primitives[0])[1], [1, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(avatar.primitives[0].morphs["morph_0"].offsets, [[0, 0, 50]])


def test_morph_targets_without_names_get_numbers(tmp_path: Path) -> None:
    tree = _tree(head(names=BLENDSHAPES[:3]))
    tree["meshes"][0]["extras"] = {"targetNames": ["jawOpen", "", "jawOpen"]}
    assert load(_saved(tmp_path / "some.gltf", tree)).morph_names == ("jawOpen", "morph_1", "jawOpen_2")
    del tree["meshes"][0]["extras"]
    assert load(_saved(tmp_path / "none.gltf", tree)).morph_names == ("morph_0", "morph_1", "morph_2")
    tree["meshes"].append({**tree["meshes"][0], "name": "Teeth"})
    tree["nodes"].append({"mesh": 2})
    names = load(_saved(tmp_path / "two.gltf", tree)).morph_names
    assert names[3:] == ("Teeth_morph_0", "Teeth_morph_1", "Teeth_morph_2")


def test_names_may_stand_on_any_primitive(tmp_path: Path) -> None:
    tree = _tree(head(names=BLENDSHAPES[:2]))
    part = tree["meshes"][0]["primitives"][0]
    named = {**part, "extras": {"targetNames": ["one", "two"]}}
    tree["meshes"][0] = {"name": "Face", "primitives": [part, named]}
    assert load(_saved(tmp_path / "parts.gltf", tree)).morph_names == ("one", "two")


def test_textures_are_moved_as_the_file_says(tmp_path: Path) -> None:
    tree = _tree(head())
    info = tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    info["extensions"] = {"KHR_texture_transform": {"offset": [0.25, 0.5], "scale": [0.5, 0.25]}}
    moved = load(_saved(tmp_path / "t.gltf", tree)).primitives[0].uv
    _, uv, _ = ball()
    np.testing.assert_allclose(moved, uv * [0.5, 0.25] + [0.25, 0.5], atol=1e-6)


def test_binds_to_nothing_are_left_out(tmp_path: Path) -> None:
    tree = _tree(head())
    binds = tree["extensions"]["VRMC_vrm"]["expressions"]["preset"]["aa"]["morphTargetBinds"]
    binds += [{"node": 999, "index": 0, "weight": 1}, {"node": 0, "index": 0}, {"index": 3}, {"node": 1}]
    assert load(_saved(tmp_path / "b.gltf", tree)).expressions["aa"].binds == ((BLENDSHAPES[0], 0.5),)


def test_damaged_references_never_escape_as_other_errors(tmp_path: Path) -> None:
    """Numbers in the JSON are replaced by wrong ones: the file loads or says what is wrong."""
    tree = json.loads(head(names=BLENDSHAPES[:2]).gltf_json())
    rng = np.random.default_rng(5)
    spots: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, child in items:
            if isinstance(child, int) and not isinstance(child, bool):
                spots.append((value, key))
            walk(child)

    walk(tree)
    path, refused = tmp_path / "damaged.gltf", 0
    for _ in range(120):
        holder, key = spots[rng.integers(len(spots))]
        before = holder[key]
        holder[key] = int(rng.choice([-1, 0, 3, 999, 10**9]))
        path.write_text(json.dumps(tree))
        holder[key] = before
        try:
            load(path)
        except AvatarError:
            refused += 1
    assert refused > 20


def test_toon_and_unlit_materials_of_other_programs(tmp_path: Path) -> None:
    tree = json.loads(head(version=0).gltf_json())
    tree["extensions"]["VRM"]["materialProperties"] = [
        {"name": "face", "shader": "VRM/MToon", "vectorProperties": {"_ShadeColor": [0.5, 0.25, 1.0, 1.0]}},
        {"name": "shirt", "shader": "VRM_USE_GLTFSHADER"},
    ]
    for material in tree["materials"]:
        del material["extras"]
        material["extensions"] = {"KHR_materials_unlit": {}}
    path = tmp_path / "toon.gltf"
    path.write_text(json.dumps(tree))
    face, shirt, _ = load(path).materials
    assert (face.shading, shirt.shading) == ("toon", "unlit")
    np.testing.assert_allclose(face.shade, np.array([0.5, 0.25, 1.0]) ** 2.2, rtol=1e-5)


def test_names_tell_bones_and_materials_where_a_file_declares_none(tmp_path: Path) -> None:
    tree = json.loads(head(version=None).gltf_json())
    for node in tree["nodes"]:
        node["name"] = {"head": "mixamorig:Head", "leftUpperArm": "LeftArm"}.get(node["name"], node["name"])
    for material, name in zip(tree["materials"], ("Wolf3D_Skin", "Outfit_Top"), strict=True):
        material["name"] = name
        del material["extras"]
    path = tmp_path / "plain.gltf"
    path.write_text(json.dumps(tree))
    avatar = load(path)
    assert [row.shading for row in avatar.materials] == ["skin", "cloth", "default"]
    assert avatar.nodes[avatar.humanoid["head"]].name == "mixamorig:Head"
    assert avatar.nodes[avatar.humanoid["leftUpperArm"]].name == "LeftArm"


def test_rest_and_limits_come_from_the_extras(tmp_path: Path) -> None:
    made = head()
    tree = json.loads(made.gltf_json())
    tree["extras"] = {"rhapsode": {"rest": {"mouthSmileLeft": 0.2}, "limits": {"jawOpen": 0.6}}}
    path = tmp_path / "rest.gltf"
    path.write_text(json.dumps(tree))
    avatar = load(path)
    assert (avatar.rest, avatar.limits) == ({"mouthSmileLeft": 0.2}, {"jawOpen": 0.6})
