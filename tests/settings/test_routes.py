"""The real file of settings behind GET and PATCH /api/settings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from rhapsode.server.settings_watch import follow_file
from rhapsode.settings import Settings
from rhapsode.settings.load import Store
from rhapsode.settings.server import ServerSettings
from tests.server.fake_conversation import FakeTalking
from tests.server.serve import serving_app


def test_the_stage_looks_at_settings_and_changes_them(here: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("tomlkit")
    monkeypatch.setenv("RHAPSODE_REMEMBER_URL", "postgresql://me:sk-1@host/db")
    file, talking = here / "rhapsode.toml", FakeTalking()
    file.write_text("# mine\n[think]\nkind = 'script'\n")
    store = Store(preset="offline-zh", flags={"speak": {"rate": 1.5}})
    settings = ServerSettings(port=0, takes=str(here / "takes"))
    with serving_app(settings, talking=talking, store=store) as (url, _):
        shown = httpx.get(f"{url}/api/settings")
        assert "sk-1" not in shown.text
        held = shown.json()
        assert held["settings"]["remember"]["url"] == "postgresql://***@host/db"
        assert {held["origins"][f"{key}"] for key in ("hear.language", "think.kind", "speak.rate")} == {
            "preset",
            "file",
            "flag",
        }
        assert (held["file"], held["editable"]) == (str(file), True)
        assert {row["name"] for row in held["presets"]} >= {"offline-en", "offline-zh", "ollama", "vendor"}
        changed = httpx.patch(f"{url}/api/settings", json={"think": {"kind": "both"}}).json()
        assert changed["settings"]["think"]["kind"] == talking.settings.think.kind == "both"
        assert file.read_text() == '# mine\n[think]\nkind = "both"\n'
        refused = httpx.patch(f"{url}/api/settings", json={"speak": {"rate": 1.0}})
        assert (refused.status_code, "a flag goes before" in refused.json()["detail"]) == (422, True)
        refused = httpx.patch(f"{url}/api/settings", json={"server": {"host": "0.0.0.0"}})
        assert (refused.status_code, file.read_text()) == (422, '# mine\n[think]\nkind = "both"\n')
        file.write_text("[think\n")
        assert httpx.get(f"{url}/api/settings").status_code == 400
        assert httpx.patch(f"{url}/api/settings", json={"think": {"kind": "model"}}).status_code == 422
        assert file.read_text() == "[think\n"


def test_a_file_that_is_edited_holds_and_a_broken_one_does_not(here: Path, caplog: pytest.LogCaptureFixture):
    file, applied = here / "rhapsode.toml", list[Settings]()
    file.write_text("[speak]\nrate = 1.1\n")

    async def until(done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():
                await asyncio.sleep(0.01)

    async def scene() -> None:
        with ThreadPoolExecutor(1) as pool:
            watching = asyncio.ensure_future(follow_file(Store(), applied.append, pool, every_s=0.01))
            await asyncio.sleep(0.1)
            assert applied == []
            file.write_text("[speak]\nrate = 1.25\n")
            await until(lambda: len(applied) == 1)
            file.write_text("[speak\n")
            await until(lambda: "stay as they were" in caplog.text)
            file.unlink()
            await until(lambda: len(applied) == 2)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(scene())
    assert [settings.speak.rate for settings in applied] == [1.25, 1.0]
