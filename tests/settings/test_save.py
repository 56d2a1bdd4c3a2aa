"""Changing the file of settings without losing what others wrote there."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.settings import saving
from rhapsode.settings.load import Store, load, save

tomlkit = pytest.importorskip("tomlkit")

MINE = """\
# of the desk
preset = "offline-zh"  # for Wei

[think]
model = "qwen3"
kind = "both"   # script first

[speak.voices]
en = "hibari"
"""


@pytest.fixture
def file(here: Path) -> Path:
    path = here / "rhapsode.toml"
    path.write_text(MINE)
    return path


def test_comments_and_order_stay(file: Path):
    loaded = save({"think": {"kind": "script"}, "speak": {"rate": 1.5}})
    assert (loaded.settings.think.kind, loaded.settings.speak.rate) == ("script", 1.5)
    text = file.read_text()
    assert text.startswith(MINE.split("kind")[0])
    assert 'kind = "script"   # script first\n' in text
    assert load() == loaded
    assert loaded.origins["speak.rate"] == "file"


def test_a_new_file_is_the_users_own(tmp_path: Path):
    loaded = save({"hear": {"languages": ["en", "zh"]}, "remember": {"days": None}})
    assert loaded.file == tmp_path / "data" / "rhapsode.toml"
    assert loaded.file.read_text() == '[hear]\nlanguages = ["en", "zh"]\n\n[remember]\ndays = "none"\n'
    assert load().settings.remember.days is None


def test_what_is_none_by_itself_leaves_the_file(file: Path):
    save({"think": {"threshold": 0.5}})
    assert load().settings.think.threshold == 0.5
    save({"think": {"threshold": None}})
    assert file.read_text() == MINE


def test_a_preset_holds_once_it_is_chosen(file: Path):
    loaded = save({"preset": "ollama"})
    assert (loaded.preset, loaded.settings.think.model, loaded.origins["think.kind"]) == (
        "ollama",
        "",
        "preset",
    )
    assert 'preset = "ollama"  # for Wei' in file.read_text()
    assert "hibari" in file.read_text()
    assert save({"preset": "", "think": {"kind": "model"}}).preset == ""
    assert "preset" not in file.read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "a change must name settings, got none"),
        ({"thnk": {}}, "no section is called 'thnk'; did you mean 'think'?"),
        ({"think": 3}, "think must hold settings, got 3"),
        ({"think": {"kind": "x"}}, "think.kind must be 'script', 'model' or 'both', got 'x'"),
        ({"think": {"modle": "x"}}, "no setting is called 'think.modle'; did you mean 'model'?"),
        ({"think": {"api_key": "x"}}, "no setting is called 'think.api_key'"),
        ({"think": {"options": {"api_key": "x"}}}, "must not hold a secret"),
        ({"remember": {"url": "postgresql://me:x@host/db"}}, "RHAPSODE_REMEMBER_URL"),
        ({"preset": "x"}, "preset must be one of"),
        ({"server": {"port": 1}}, "server cannot be changed while it runs"),
        ({"speak": {"rate": 1.5}, "hear": {"turn": "x"}}, "hear.turn must be"),
    ],
)
def test_a_change_that_cannot_be_leaves_the_file(file: Path, change: dict, said: str):
    with pytest.raises(SettingError) as caught:
        save(change)
    assert said in str(caught.value)
    assert file.read_text() == MINE
    assert os.listdir(file.parent) == ["rhapsode.toml"]


def test_settings_of_the_server_are_changed_where_that_is_allowed(file: Path):
    assert save({"server": {"port": "9000"}}, server=True).server.port == 9000
    assert "port = 9000\n" in file.read_text()
    with pytest.raises(SettingError, match="RHAPSODE_SERVER_TOKEN"):
        save({"server": {"token": "x"}}, server=True)


@pytest.mark.parametrize("broken", ["[think\n", '[think]\nkind = "x"\n', "[thnk]\n"])
def test_a_broken_file_stays_as_it_is(file: Path, broken: str):
    file.write_text(broken)
    with pytest.raises(SettingError):
        save({"speak": {"rate": 1.5}})
    assert file.read_text() == broken


def test_what_goes_before_the_file_cannot_be_changed_there(file: Path):
    store = Store(environment={"RHAPSODE_THINK_KIND": "both"}, flags={"speak": {"rate": 1}})
    with pytest.raises(
        SettingError, match="the environment variable RHAPSODE_THINK_KIND goes before the file"
    ):
        store.save({"think": {"kind": "script"}})
    with pytest.raises(SettingError, match=r"speak\.rate cannot be changed .* a flag goes before"):
        store.save({"speak": {"rate": 2}})
    assert file.read_text() == MINE


def test_what_an_editor_wrote_meanwhile_is_not_lost(file: Path, monkeypatch: pytest.MonkeyPatch):
    changed, edits = saving._changed, [MINE.replace("qwen3", "llama3.2")]

    def meanwhile(*arguments: object) -> str:
        text = changed(*arguments)  # type: ignore[arg-type]
        if edits:
            file.write_text(edits.pop())
        return text

    monkeypatch.setattr(saving, "_changed", meanwhile)
    loaded = save({"speak": {"rate": 1.5}})
    assert (loaded.settings.think.model, loaded.settings.speak.rate) == ("llama3.2", 1.5)


def test_a_file_that_never_rests_is_given_up(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saving, "_replaced", lambda *_: False)
    with pytest.raises(SettingError, match="is changed by another program all the time"):
        save({"speak": {"rate": 1.5}})


def test_many_who_change_at_once_all_succeed(file: Path):
    values = {"rate": 1.5, "pitch": 2, "volume": -3, "background_db": -20}
    threads = [threading.Thread(target=save, args=({"speak": {k: v}},)) for k, v in values.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    speak = load().settings.speak
    assert {name: getattr(speak, name) for name in values} == values


def test_a_link_stays_a_link_and_the_mode_stays(file: Path, tmp_path: Path):
    real = tmp_path / "real.toml"
    file.rename(real)
    real.chmod(0o640)
    file.symlink_to(real)
    save({"speak": {"rate": 1.5}})
    assert file.is_symlink()
    assert "rate = 1.5" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(SettingError, match=r"cannot be (written|read)"):
        save({"speak": {"rate": 1.5}})


def test_without_tomlkit_the_extra_is_named(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[converse\]"):
        save({"speak": {"rate": 1.5}})
    assert load().settings.think.model == "qwen3"
