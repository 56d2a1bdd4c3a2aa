"""Parameters of Live2D models by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rhapsode.avatars.live2d import read_live2d
from rhapsode.errors import AvatarError
from rhapsode.rigs.live2d import LIVE2D_PARAMETERS


def _write(path: Path, tree: Any) -> Path:
    path.write_text(json.dumps(tree))
    return path


def _titles(*names: str) -> dict[str, Any]:
    return {"Version": 3, "Parameters": [{"Id": name, "GroupId": "", "Name": name} for name in names]}


def test_standard_names_of_both_generations(tmp_path: Path) -> None:
    new = read_live2d(_write(tmp_path / "new.cdi3.json", _titles(*(row.name for row in LIVE2D_PARAMETERS))))
    assert new.plays == {row.name: row.name for row in LIVE2D_PARAMETERS}
    assert not new.missing
    old = read_live2d(
        _write(tmp_path / "old.cdi3.json", _titles("PARAM_MOUTH_OPEN_Y", "PARAM_ANGLE_X", "Tail"))
    )
    assert old.plays == {"ParamAngleX": "PARAM_ANGLE_X", "ParamMouthOpenY": "PARAM_MOUTH_OPEN_Y"}
    assert old.names[-1] == "Tail"
    assert "ParamEyeLOpen" in old.missing


def test_a_model_names_its_lids_and_lips(tmp_path: Path) -> None:
    _write(tmp_path / "hero.cdi3.json", _titles("ParamAngleX", "LidL", "LidR", "Talk"))
    groups = [
        {"Target": "Parameter", "Name": "LipSync", "Ids": ["Talk"]},
        {"Target": "Parameter", "Name": "EyeBlink", "Ids": ["LidL", "LidR"]},
    ]
    tree = {
        "Version": 3,
        "FileReferences": {"Moc": "hero.moc3", "DisplayInfo": "hero.cdi3.json"},
        "Groups": groups,
    }
    plays = read_live2d(_write(tmp_path / "hero.model3.json", tree)).plays
    assert plays == {
        "ParamAngleX": "ParamAngleX",
        "ParamEyeLOpen": "LidL",
        "ParamEyeROpen": "LidR",
        "ParamMouthOpenY": "Talk",
    }
    del tree["FileReferences"]["DisplayInfo"]  # type: ignore[attr-defined]
    assert read_live2d(_write(tmp_path / "bare.model3.json", tree)).names == ("Talk", "LidL", "LidR")


@pytest.mark.parametrize("content", ["", "[]", "{}", "\x00", '{"Parameters": 3}'])
def test_something_else(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.cdi3.json"
    path.write_text(content)
    with pytest.raises(AvatarError, match=r"model3\.json or \.cdi3\.json"):
        read_live2d(path)


def test_files_that_are_not_together(tmp_path: Path) -> None:
    tree = {"FileReferences": {"DisplayInfo": "gone.cdi3.json"}}
    with pytest.raises(AvatarError, match="keep a Live2D model's files together"):
        read_live2d(_write(tmp_path / "a.model3.json", tree))
