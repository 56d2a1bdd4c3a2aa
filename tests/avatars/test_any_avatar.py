"""Avatars of every making speak: vowels are told apart, lips close, and the mouth opens as the lips do."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.avatars import Avatar, load, map_channels
from rhapsode.avatars.avatar import rotation_matrix
from rhapsode.avatars.coverage import KEY_FACES, key_faces
from rhapsode.avatars.mouth import ATOMS, Mouth
from rhapsode.errors import AvatarError
from rhapsode.performance import Float32
from rhapsode.render.skeleton import turn
from rhapsode.rigs import ARKIT, BLENDSHAPES, FACE
from rhapsode.rigs.lips import lip_gap
from rhapsode.rigs.projection import ShapeProjection
from rhapsode.rigs.rig import Rig
from rhapsode.rigs.visemes import SMILE as SMILING
from rhapsode.rotations import turn as turned
from tests.avatars.faces import FIVE, MMD, RPM, SMILE, VRCHAT, VROID, Measure, figure
from tests.avatars.make import Builder, head, write

_MTH = "Face.M_F00_000_00_Fcl_MTH_"
VRM_0 = {"a": "A", "i": "I", "u": "U", "e": "E", "o": "O"}
VRM_1 = {"aa": "A", "ih": "I", "ou": "U", "ee": "E", "oh": "O"}
UNNAMED = {f"s{n}": shape for n, shape in enumerate(FIVE.values())}

MADE: dict[str, tuple[Builder, str]] = {
    "five vowels": (figure(FIVE), "vowels"),
    "mmd": (figure(MMD), "vowels"),
    "vroid": (figure(VROID), "vowels"),
    "vrm 0": (figure(UNNAMED, version=0, presets=dict(zip(VRM_0, UNNAMED, strict=True))), "vowels"),
    "vrm 1": (figure(UNNAMED, version=1, presets=dict(zip(VRM_1, UNNAMED, strict=True))), "vowels"),
    "ready player me": (figure(RPM), "visemes"),
    "vrchat": (figure(VRCHAT), "visemes"),
    "jaw bone": (figure({}, jaw="Jaw_M"), "opening"),
    "declared jaw": (figure({"smile": SMILE}, version=1, jaw="b17"), "opening"),
    "one shape": (figure({"mouth_open": {"jawOpen": 1.0}}), "opening"),
}
SPEAKING = [name for name, (_, kind) in MADE.items() if kind != "opening"]


def made(folder: Path, name: str) -> Avatar:
    builder, _ = MADE[name]
    return load(write(folder / ("a.vrm" if builder.gltf.extensions else "a.glb"), builder))


def speech(*keys: str, steps: int = 8) -> Float32:
    """Return (T, 61) curves that go from key face to key face."""
    table = dict(zip(KEY_FACES, key_faces(), strict=True))
    rows = [table[key] for key in keys]
    shares = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    return np.concatenate([a + shares * (b - a) for a, b in pairwise(rows)])


MAMA = speech(*("rest", "P B M", "A", "P B M", "A", "rest", "I", "U", "P B M", "O", "E", "F V", "A", "rest"))


@pytest.mark.parametrize("name", MADE)
def test_the_mouth_opens_with_the_lips_and_closes_on_p_b_m(tmp_path: Path, name: str) -> None:
    avatar = made(tmp_path, name)
    assert map_channels(avatar).mouth.kind == MADE[name][1]
    measure = Measure(avatar)
    opened = np.array([measure.mouth(row)[1] for row in MAMA]) * 1000
    gap = lip_gap(MAMA[:, :52])
    assert np.corrcoef(opened, gap)[0, 1] > 0.93
    assert opened.max() > 10
    rest = measure.mouth({})[1] * 1000
    for closed in ("P B M", "rest", "blink"):
        assert measure.mouth(KEY_FACES[closed])[1] * 1000 == pytest.approx(rest, abs=0.05)
    assert opened.min() > 0


@pytest.mark.parametrize("name", SPEAKING)
def test_vowels_are_told_apart(tmp_path: Path, name: str) -> None:
    measure = Measure(made(tmp_path, name))
    size = {key: np.array(measure.mouth(KEY_FACES[key])) * 1000 for key in KEY_FACES}
    vowels = ("A", "I", "U", "E", "O")
    for n, one in enumerate(vowels):
        for other in vowels[n + 1 :]:
            assert np.abs(size[one] - size[other]).max() > 2, (one, other)
    assert size["U"][0] < size["O"][0] + 2 < size["A"][0]
    assert size["I"][0] > size["E"][0] > size["A"][0]
    assert size["A"][1] > size["E"][1] > size["I"][1]


def test_a_negative_mouth_close_stands_in_for_lips_that_cannot_close(tmp_path: Path) -> None:
    some = (
        "jawOpen",
        "mouthFunnel",
        "mouthPucker",
        "mouthStretchLeft",
        "mouthLowerDownLeft",
        "mouthUpperUpLeft",
    )
    channels = map_channels(load(write(tmp_path / "a.glb", figure({n: {n: 1.0} for n in some}))))
    assert channels.mouth.kind == "channels"
    assert channels.stood_in["mouthClose"] == (("jawOpen", -1.0),)
    face = np.zeros((2, 52), np.float32)
    face[:, BLENDSHAPES.index("jawOpen")] = 0.3
    face[1, BLENDSHAPES.index("mouthClose")] = 0.3
    np.testing.assert_allclose(channels.morph_weights(face)[:, 0], [0.3, 0.0], atol=1e-6)


def test_a_jaw_bone_joins_the_lips_that_lack_only_a_jaw(tmp_path: Path) -> None:
    lips = ("mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthLowerDownLeft", "mouthUpperUpLeft")
    channels = map_channels(load(write(tmp_path / "a.glb", figure({n: {n: 1.0} for n in lips}, jaw="jaw"))))
    assert channels.mouth.kind == "channels"
    assert channels.jaw is not None
    assert channels.report()["stood_in"]["jawOpen"] == "jaw bone"
    face = np.zeros((3, 61), np.float32)
    face[:, FACE.index("jawOpen")] = 0.5
    face[1, FACE.index("mouthClose")] = 0.5
    face[2, FACE.index("jawLeft")] = 1.0
    yaw, pitch, roll = channels.bone_angles(face)["jaw"].T
    np.testing.assert_allclose(pitch, np.array([0.5, 0.0, 0.5]) * channels.jaw.open_rad, atol=1e-6)
    assert yaw[0] == 0
    assert yaw[2] < 0, "the character's left is a negative yaw"
    assert not roll.any()


@pytest.mark.parametrize("moves", ["hair", "nothing"])
def test_a_lock_of_hair_declared_as_the_jaw_is_no_jaw(tmp_path: Path, moves: str) -> None:
    path = write(tmp_path / "a.vrm", figure({"x": SMILE}, version=0, jaw="jaw", jaw_moves=moves))
    channels = map_channels(load(path))
    assert channels.jaw is None
    report = channels.report()
    assert report["mouth"] == "none"
    assert report["speech"]["score"] == 0
    assert "nothing opens the mouth" in report["help"][0]


def test_a_jaw_turns_by_what_the_face_measures(tmp_path: Path) -> None:
    jaw = map_channels(made(tmp_path, "jaw bone")).jaw
    assert jaw is not None
    assert 8 < np.degrees(jaw.open_rad) < 25
    assert 0 < jaw.side_rad < jaw.open_rad


def test_an_avatar_that_cannot_move_is_refused_unless_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "stone.vrm", figure({}, version=0, jaw="jaw", jaw_moves="hair"))
    with pytest.raises(AvatarError, match="no morph targets and no jaw bone"):
        load(path)
    assert map_channels(load(path, need_morphs=False)).missing


def test_eyes_turn_by_bones_only_if_something_follows_them(tmp_path: Path) -> None:
    with_eyes = map_channels(load(write(tmp_path / "a.glb", figure(FIVE))))
    assert with_eyes.eyes == "bones"
    face = np.zeros((1, 61), np.float32)
    face[0, FACE.index("leftEyeYaw")] = 0.2
    assert with_eyes.bone_angles(face)["leftEye"][0, 0] == pytest.approx(0.2)
    blind = map_channels(load(write(tmp_path / "b.vrm", head(names=("A", "I")))))
    assert blind.eyes == "none"
    assert blind.report()["gaze_and_lids"]["looks"] == 0


def test_drawn_eyes_turn_less_than_real_ones(tmp_path: Path) -> None:
    real = map_channels(load(write(tmp_path / "near.glb", figure(FIVE))))
    drawn = map_channels(load(write(tmp_path / "deep.glb", figure(FIVE, eyes_behind=0.1))))
    assert real.eye_gain == 1.0
    assert drawn.eye_gain < 0.5
    face = np.full((1, 61), 0.2, np.float32)
    assert drawn.bone_angles(face)["rightEye"][0, 1] == pytest.approx(0.2 * drawn.eye_gain)


def test_eyes_without_angles_turn_by_their_weights(tmp_path: Path) -> None:
    channels = map_channels(load(write(tmp_path / "a.glb", figure(FIVE))))
    face = np.zeros((2, 61), np.float32)
    face[:, [BLENDSHAPES.index("eyeLookInLeft"), BLENDSHAPES.index("eyeLookOutRight")]] = 0.5
    face[1, FACE.index("leftEyeYaw")] = 0.1
    turns = channels.bone_angles(face)
    np.testing.assert_allclose(turns["leftEye"][:, 0], [0.3, 0.1], atol=1e-6)
    np.testing.assert_allclose(turns["rightEye"][:, 0], [0.3, 0.0], atol=1e-6)
    assert not face[0, 52:].any()


def test_quaternions_equal_the_rotation_matrices_of_the_renderer() -> None:
    for angles in np.random.default_rng(2).uniform(-1, 1, (20, 3)):
        np.testing.assert_allclose(rotation_matrix(turned(angles)), turn(*angles), atol=1e-12)


@pytest.mark.parametrize("kind", ["vowels", "visemes"])
def test_the_mixture_is_the_projection_of_the_rigs(kind: Any) -> None:
    """The rigs' projection stops after 200 steps; it was .013 away at most over 3,000 random mouths."""
    atoms = ATOMS[kind]
    slow = ShapeProjection(ARKIT, Rig("shapes", tuple(atoms), "test"), atoms, None, (*SMILING, "tongueOut"))
    face = np.random.default_rng(4).uniform(0, 0.6, (300, 52)).astype(np.float32)
    face[:, BLENDSHAPES.index("mouthClose")] = 0
    face[:, BLENDSHAPES.index("jawOpen")] += 0.2
    wide = lip_gap(face) > 0.4
    ours = Mouth(kind, dict.fromkeys(atoms, ()), gain=1.0).weights(face)
    np.testing.assert_allclose(ours[wide], slow.apply(face)[wide], atol=0.03)
    assert ours.min() >= 0
    assert ours.sum(axis=1).max() < 1.01


@pytest.mark.parametrize("name", ["five vowels", "ready player me", "jaw bone"])
def test_many_frames_equal_one_by_one(tmp_path: Path, name: str) -> None:
    channels = map_channels(made(tmp_path, name))
    whole, turns = channels.morph_weights(MAMA), channels.bone_rotations(MAMA)
    for index in (0, 17, 60):
        np.testing.assert_array_equal(whole[index], channels.morph_weights(MAMA[index]))
        for bone, rows in channels.bone_rotations(MAMA[index : index + 1]).items():
            np.testing.assert_array_equal(turns[bone][index], rows[0])
    assert whole.dtype == np.float32


def test_shapes_that_move_nothing_are_no_shapes(tmp_path: Path) -> None:
    hollow: dict[str, dict[str, float]] = {name: {} for name in BLENDSHAPES}
    channels = map_channels(load(write(tmp_path / "a.glb", figure({**hollow, **FIVE}))))
    assert channels.mouth.kind == "vowels"
    assert "jawOpen" in channels.empty
    assert "move nothing" in channels.report()["help"][0]


def test_one_name_in_two_namespaces_plays_both(tmp_path: Path) -> None:
    names = ("face_bs.jawOpen", "teeth_bs.jawOpen", "Fcl_ALL_Joy", "Fcl_MTH_Joy")
    channels = map_channels(load(write(tmp_path / "a.glb", head(names=names, version=None))))
    assert channels.mouth.shapes["open"] == (("face_bs.jawOpen", 1.0), ("teeth_bs.jawOpen", 1.0))
    assert channels.stood_in["mouthSmileLeft"] == (("Fcl_MTH_Joy", 0.25),)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["five vowels", "ready player me", "jaw bone"])
def test_real_speech_opens_and_closes_the_mouth(tmp_path: Path, name: str) -> None:
    import rhapsode

    made_up = rhapsode.animate(text="Mama, papa, bobby. You do see a blue moon over the open sea.")
    curves = made_up.face.select(FACE.channels).values
    measure = Measure(made(tmp_path, name))
    opened = np.array([measure.mouth(row)[1] for row in curves]) * 1000
    gap = lip_gap(curves[:, :52])
    assert np.corrcoef(opened, gap)[0, 1] > 0.85
    closed = gap < 0.1
    assert closed.sum() > 20
    assert opened[closed].max() < 2.5
    assert np.percentile(opened, 95) > 8


def test_a_baked_file_turns_the_jaw_as_the_renderer_does(tmp_path: Path) -> None:
    from rhapsode.formats.glb import GlbWriter
    from rhapsode.formats.options import WriteOptions
    from rhapsode.performance import Curves, Performance

    path = write(tmp_path / "jaw.glb", figure({}, jaw="Jaw_M"))
    jaw = map_channels(load(path)).jaw
    assert jaw is not None
    writer = GlbWriter(tmp_path / "out.glb", WriteOptions(avatar=str(path)))
    writer.write(Performance(face=Curves(FACE.channels, MAMA, rate=Fraction(50))))
    writer.close()
    tree, blob = _parts((tmp_path / "out.glb").read_bytes())
    animation = tree["animations"][0]
    sampler = next(row["sampler"] for row in animation["channels"] if row["target"]["node"] == jaw.node)
    accessor = tree["accessors"][animation["samplers"][sampler]["output"]]
    view = tree["bufferViews"][accessor["bufferView"]]
    first = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    turns = np.frombuffer(blob, "<f4", accessor["count"] * 4, first).reshape(-1, 4)
    opened = 2 * np.arcsin(np.linalg.norm(turns[:, :3], axis=1))
    np.testing.assert_allclose(opened, map_channels(load(path)).bone_angles(MAMA)["jaw"][:, 1], atol=1e-4)
    assert opened.max() > 0.1


def _parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    import struct

    (size,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + size]), data[28 + size :]
