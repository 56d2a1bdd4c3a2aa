"""The mapping as a file: written, read back, edited, kept and dropped; and what is said of a wrong one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]
from typer.testing import CliRunner

from rhapsode.avatars import (
    Avatar,
    forget,
    load,
    load_mapping,
    map_channels,
    read_mapping,
    remember,
    write_mapping,
)
from rhapsode.cli.avatars import app
from rhapsode.errors import AvatarError
from rhapsode.rigs import FACE
from tests.avatars.faces import FIVE, MMD, RPM, SMILE, figure
from tests.avatars.make import Builder, head, write


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RHAPSODE_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def hero(tmp_path: Path) -> Avatar:
    return load(write(tmp_path / "hero.glb", figure(MMD)))


_ODD = {"A: #1": FIVE["A"], "yes": SMILE, '"quoted"': SMILE, "null": SMILE, "mouthOpen": FIVE["A"]}
_BUILDERS: dict[str, Callable[[], Builder]] = {
    "mmd": lambda: figure(MMD),
    "rpm": lambda: figure(RPM),
    "jaw": lambda: figure({"口 角:上げ": SMILE}, jaw="Jaw_M"),
    "all": head,
    "odd names": lambda: figure(_ODD),
}


@pytest.mark.parametrize("which", _BUILDERS)
def test_round_trip(tmp_path: Path, which: str) -> None:
    builder = _BUILDERS[which]()
    avatar = load(write(tmp_path / ("a.vrm" if which == "all" else "a.glb"), builder))
    found = map_channels(avatar)
    again = read_mapping(write_mapping(found, avatar, tmp_path / "a.yaml"), avatar)
    assert again.origin == "file"
    assert (again.mouth, again.eyes, again.bones) == (found.mouth, found.eyes, found.bones)
    values = np.random.default_rng(1).uniform(0, 0.7, (40, 61)).astype(np.float32)
    np.testing.assert_allclose(again.morph_weights(values), found.morph_weights(values), atol=1e-4)
    for bone, rows in found.bone_angles(values).items():
        np.testing.assert_allclose(again.bone_angles(values)[bone], rows, atol=1e-4)


def test_an_edited_file_is_used_until_it_is_forgotten(tmp_path: Path, hero: Avatar, data_home: Path) -> None:
    path = write_mapping(map_channels(hero), hero, tmp_path / "hero.yaml")
    tree = yaml.safe_load(path.read_text())
    tree["channels"]["cheekPuff"] = {"にやり": 0.5}
    tree["mouth"]["gain"] = 1.0
    path.write_text(yaml.safe_dump(tree, allow_unicode=True))
    remember(hero, read_mapping(path, hero))
    assert [file.name for file in (data_home / "rhapsode" / "avatars").iterdir()] == [f"{hero.sha256}.yaml"]
    used = load_mapping(load(tmp_path / "hero.glb"))
    assert (used.origin, used.found["cheekPuff"], used.mouth.gain) == ("file", (("にやり", 0.5),), 1.0)
    face = np.zeros(61, np.float32)
    face[FACE.index("cheekPuff")] = 1.0
    assert used.morph_weights(face)[used.morphs.index("にやり")] == 0.5
    assert forget(hero)
    assert not forget(hero)
    assert load_mapping(hero).origin == "found"


def test_the_renderer_uses_what_was_remembered(tmp_path: Path, hero: Avatar) -> None:
    from tests.avatars.faces import Measure

    path = tmp_path / "m.yaml"
    path.write_text("mouth: {kind: opening, shapes: {open: お}}\n")
    before = Measure(hero).mouth({"jawOpen": 0.4})
    remember(hero, read_mapping(path, hero))
    after = Measure(hero).mouth({"jawOpen": 0.4})
    assert after[0] < before[0] - 0.001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected the keys"),
        ("[1, 2]", "got list, expected the keys"),
        ("{", "it is no YAML"),
        ("chanels: {}", "a mapping has no 'chanels'; nearest: channels"),
        ("channels: {jawOpn: {あ: 1}}", "a face has no 'jawOpn'; nearest: jawOpen"),
        (
            "channels: {jawOpen: {まばた: 1}}",
            "plays 'まばた', which the avatar does not have; nearest: まばたき",
        ),
        ("channels: {jawOpen: {あ: much}}", "the gain of 'あ' must be a number from -10 to 10, got 'much'"),
        ("channels: {jawOpen: {あ: .nan}}", "must be a number"),
        ("channels: {jawOpen: {あ: true}}", "must be a number"),
        ("channels: {jawOpen: 3}", "must name morph targets with gains, got 3"),
        ("channels: 3", "'channels' must hold a table, got int"),
        ("eyes: ears", "eyes must be one of morphs, bones, none, got 'ears'"),
        ("mouth: {kind: words}", "kind must be one of channels, visemes, vowels, opening, none"),
        ("mouth: {kind: vowels, shapes: {ah: あ}}", "a mouth of vowels has no 'ah'; nearest: oh, ih, aa"),
        ("mouth: {kind: vowels}", "needs shapes; known are aa, ih, ou, ee, oh"),
        ("mouth: {kind: opening, gain: -1}", "the mouth's gain must be a number from 0 to 10"),
        ("jaw: {bone: mixamorig:Hed}", "which the avatar does not have; nearest: mixamorig:Head"),
        ("jaw: {bone: mixamorig:Head, open_deg: 400}", "open_deg must be a number from 0 to 90"),
        ("jaw: {bon: x}", "a jaw has no 'bon'; nearest: bone"),
    ],
)
def test_messages(tmp_path: Path, hero: Avatar, text: str, said: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(AvatarError) as caught:
        read_mapping(path, hero)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_eyes_that_have_no_bones(tmp_path: Path) -> None:
    blind = load(write(tmp_path / "b.glb", figure(FIVE, eyes=False)))
    (tmp_path / "m.yaml").write_text("eyes: bones")
    with pytest.raises(AvatarError, match="no two eye bones move anything"):
        read_mapping(tmp_path / "m.yaml", blind)


def test_a_remembered_file_that_no_longer_fits_says_how_to_drop_it(hero: Avatar, data_home: Path) -> None:
    folder = data_home / "rhapsode" / "avatars"
    folder.mkdir(parents=True)
    (folder / f"{hero.sha256}.yaml").write_text("eyes: ears")
    with pytest.raises(AvatarError, match="--forget"):
        load_mapping(hero)


def test_files_that_cannot_be_read_or_written(tmp_path: Path, hero: Avatar) -> None:
    with pytest.raises(AvatarError, match="cannot read mapping"):
        read_mapping(tmp_path / "none.yaml", hero)
    with pytest.raises(AvatarError, match="cannot write mapping"):
        write_mapping(map_channels(hero), hero, tmp_path / "no" / "a.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(AvatarError, match="no YAML"):
        read_mapping(tmp_path / "bytes.yaml", hero)


def test_command_line(tmp_path: Path, hero: Avatar) -> None:
    run, file, out = CliRunner(), str(tmp_path / "hero.glb"), tmp_path / "hero.map.yaml"
    report = json.loads(run.invoke(app, ["inspect", file, "--json"], catch_exceptions=False).stdout)
    assert report["sha256"] == hero.sha256
    assert report["mouth"] == "vowels"
    assert run.invoke(app, ["map", file, "-o", str(out)], catch_exceptions=False).exit_code == 0
    assert isinstance(run.invoke(app, ["map", file, "-o", str(out)]).exception, AvatarError)
    assert run.invoke(app, ["map", file, "-o", str(out), "--force"]).exit_code == 0
    assert run.invoke(app, ["map", file], catch_exceptions=False).stdout == out.read_text()
    assert run.invoke(app, ["map", file, "--use", str(out)], catch_exceptions=False).exit_code == 0
    assert json.loads(run.invoke(app, ["inspect", file, "--json"]).stdout)["origin"] == "file"
    assert run.invoke(app, ["map", file, "--forget"], catch_exceptions=False).exit_code == 0
    assert json.loads(run.invoke(app, ["inspect", file, "--json"]).stdout)["origin"] == "found"
    table = run.invoke(app, ["inspect", file], catch_exceptions=False)
    assert table.exit_code == 0


def test_a_contact_sheet(tmp_path: Path, hero: Avatar) -> None:
    from PIL import Image

    file, picture = str(tmp_path / "hero.glb"), tmp_path / "sheet.png"
    done = CliRunner().invoke(app, ["inspect", file, "--picture", str(picture)], catch_exceptions=False)
    assert done.exit_code == 0
    with Image.open(picture) as sheet:
        pixels = np.asarray(sheet.convert("RGB"), np.int16)
    rest, opened, closed = pixels[:256, :256], pixels[:256, 256:512], pixels[284:540, 256:512]
    assert np.abs(rest - opened).max() > 60
    assert np.abs(rest - closed).max() < 30
    assert isinstance(CliRunner().invoke(app, ["inspect", file, "--picture", "a.jpg"]).exception, AvatarError)
