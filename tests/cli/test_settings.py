"""``rhapsode settings``."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rhapsode.cli import app
from rhapsode.settings.fields import fields


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the file of settings is made."""
    for name in [name for name in os.environ if name.startswith("RHAPSODE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "rhapsode.toml"


def settings(*arguments: str):
    return CliRunner().invoke(app, ["settings", *arguments])


def done(*arguments: str) -> str:
    result = settings(*arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def test_a_new_file_holds_every_setting_as_a_comment_that_is_true(own: Path):
    assert done("init").strip() == str(own) == done("path").strip()
    text = own.read_text("utf-8")
    assert not any(tomllib.loads(text).values())
    lines = [line.removeprefix("# ") if " = " in line else line for line in text.splitlines()]
    held = tomllib.loads("\n".join(line for line in lines if not line.startswith("# preset")))
    held.pop("preset")
    found = {f"{section}.{name}": value for section, inner in held.items() for name, value in inner.items()}
    assert set(found) == set(fields()) - {"server.token"}
    assert found["think.temperature"] == 0.7
    done("check")
    assert "exists already" in str(settings("init").exception)


def test_a_setting_is_changed_shown_and_explained(own: Path):
    pytest.importorskip("tomlkit")
    done("set", "think.kind", "both")
    done("set", "hear.languages", "en,zh")
    done("set", "speak.voices", "en=hibari")
    done("set", "remember.days", "none")
    done("set", "server.port", "9000")
    done("set", "preset", "offline-zh")
    held = tomllib.loads(own.read_text())
    assert held["think"] == {}  # what the preset says has left the file
    assert held["speak"] == {"voices": {"en": "hibari"}}
    rows = json.loads(done("show", "--json"))
    assert rows["preset"] == "offline-zh"
    assert rows["settings"]["server.port"] == {"value": 9000, "origin": "file"}
    assert rows["settings"]["remember.days"] == {"value": None, "origin": "file"}
    assert rows["settings"]["hear.languages"] == {"value": ["zh", "en"], "origin": "preset"}
    assert "speaking rate" in done("show", "speak.rate")
    assert "preset offline-zh" in done("show", "hear")


def test_the_environment_is_named_and_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RHAPSODE_SERVER_TOKEN", "sk-1")
    monkeypatch.setenv("RHAPSODE_REMEMBER_URL", "postgresql://me:sk-2@host/db")
    text = done("show") + done("show", "--json") + done("show", "server.token")
    assert "RHAPSODE_REMEMBER_URL" in text
    assert "sk-" not in text


def test_presets_are_listed():
    assert "RHAPSODE" not in done("presets")
    assert {row["name"] for row in json.loads(done("presets", "--json"))["presets"]} >= {"ollama", "vendor"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["set", "think.kind", "x"], "think.kind must be 'script', 'model' or 'both', got 'x'"),
        (["set", "think", "x"], "set needs one setting, got 'think'"),
        (["set", "think.kid", "x"], "did you mean 'kind'?"),
        (["set", "server.token", "x"], "RHAPSODE_SERVER_TOKEN"),
        (["set", "preset", "olama"], "did you mean 'ollama'?"),
        (["set", "speak.rate", "2", "--settings", "none/rhapsode.toml"], "no folder is at 'none'"),
        (["show", "thnk"], "did you mean 'think'?"),
        (["check", "none.toml"], "no file of settings is at"),
        (["check"], "no file of settings is at"),
        (["init", "--preset", "x"], "--preset: preset must be one of"),
    ],
)
def test_what_cannot_be_is_refused(own: Path, arguments: list[str], said: str):
    pytest.importorskip("tomlkit")
    result = settings(*arguments)
    assert said in str(result.exception)
    assert not own.exists()
