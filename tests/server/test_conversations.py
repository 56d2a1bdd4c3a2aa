"""What a server keeps of its conversations, and how that is read and deleted over HTTP."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from rhapsode.dialogue.log import reading
from rhapsode.dialogue.log.database import open_database
from rhapsode.server.settings import ServerSettings
from rhapsode.settings import Remember, Settings
from tests.dialogue.logged import keep, lost, suggested, turn, url_of
from tests.server.fake_conversation import FakeTalking
from tests.server.house import House, at_home
from tests.server.serve import serving_app
from tests.server.test_talk import ASK, TALK_MIC, speak_into, told


def keeping(path: Path, *, sound: bool = False) -> FakeTalking:
    return FakeTalking(Settings(remember=Remember(conversations=True, sound=sound, url=url_of(path))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    settings = ServerSettings(port=0, takes=str(folder / "takes"), max_says_minute=1000)
    with serving_app(settings, talking=keeping(folder / "log.sqlite3", sound=True)) as (address, _):
        yield address


def until_kept(url: str, count: int, **query: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        rows: list[dict[str, Any]] = httpx.get(f"{url}/api/conversations", params=query).json()[
            "conversations"
        ]
        if sum(row["turns"] for row in rows) >= count:
            return rows
        time.sleep(0.05)
    raise AssertionError("nothing was kept")


def test_what_is_asked_over_http_is_kept_read_and_deleted(url: str):
    first = httpx.get(f"{url}/api/conversations").json()
    assert first == {
        "conversations": [],
        "next": None,
        "total": 0,
        "keeps": True,
        "sound": True,
        "days": 30,
    }
    made = httpx.post(f"{url}/api/sessions", params={"person": "visitor 7"}).json()["session"]
    for text in ("Where?", "When?"):
        httpx.post(f"{url}/api/sessions/{made}/ask", json={"text": text, "wait": True})
    row = until_kept(url, 2)[0]
    assert (row["person"], row["session"], row["first"]) == ("visitor 7", made, "Where?")
    address = f"{url}/api/conversations/{row['id']}"
    deadline = time.monotonic() + 30
    while "assistant" not in (read := httpx.get(address).json())["turns"][1]["sounds"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [one["answer"] for one in read["turns"]] == ["You said: Where?", "You said: When?"]
    assert read["turns"][0]["stages_ms"] == {"think": 10.0, "speak": 50.0, "total": 60.0}
    flac = httpx.get(f"{address}/sound/2", params={"role": "assistant"})
    assert flac.headers["content-type"] == "audio/flac"
    assert len(soundfile.read(io.BytesIO(flac.content))[0]) > 1000
    assert httpx.get(f"{address}/sound/2").status_code == 404
    written = httpx.get(f"{address}/export", params={"format": "txt"})
    assert "Person (joy:0.4): When?" in written.text
    assert written.headers["content-disposition"].endswith('.txt"')
    assert httpx.get(f"{address}/export", params={"format": "doc"}).status_code == 422
    assert httpx.get(f"{url}/api/conversations/latency").json()["stages"][0]["p50"] == 60.0
    assert httpx.get(f"{url}/api/conversations/unanswered").json() == {"days": 90, "questions": []}
    assert httpx.delete(f"{url}/api/conversations").status_code == 400
    assert httpx.delete(f"{url}/api/conversations", params={"person": "x"}).json() == {"deleted": 0}
    assert httpx.delete(address).json() == {"deleted": 1}
    assert httpx.delete(address).status_code == 404
    assert httpx.get(address).json()["detail"].startswith("no conversation")


def test_pages_search_and_questions_without_an_answer(url: str, folder: Path):
    for k in range(3):
        keep(url_of(folder / "log.sqlite3"), *turn(1, f"Page {k}"), *lost(2), *suggested(3), person="p")
    page = httpx.get(f"{url}/api/conversations", params={"limit": 2, "person": "p"}).json()
    rest = httpx.get(
        f"{url}/api/conversations", params={"limit": 2, "person": "p", "before": page["next"]}
    ).json()
    assert [row["first"] for row in page["conversations"] + rest["conversations"]] == [
        "Page 2",
        "Page 1",
        "Page 0",
    ]
    assert httpx.get(f"{url}/api/conversations", params={"before": "x"}).status_code == 400
    assert httpx.get(f"{url}/api/conversations", params={"search": "page 1"}).json()["total"] == 1
    questions = httpx.get(f"{url}/api/conversations/unanswered").json()["questions"]
    assert {row["question"]: row["count"] for row in questions} == {"Why?": 3, "Cost?": 3}
    assert httpx.delete(f"{url}/api/conversations", params={"person": "p"}).json() == {"deleted": 3}


def test_nothing_is_kept_nor_made_without_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    settings = ServerSettings(port=0, takes=str(tmp_path / "takes"))
    with serving_app(settings, talking=FakeTalking()) as (url, _):
        made = httpx.post(f"{url}/api/sessions").json()["session"]
        httpx.post(f"{url}/api/sessions/{made}/ask", json={"text": "Where?", "wait": True})
        listed = httpx.get(f"{url}/api/conversations").json()
        assert (listed["conversations"], listed["keeps"]) == ([], False)
        assert httpx.get(f"{url}/api/conversations/abc").status_code == 404
        assert httpx.get(f"{url}/api/conversations/latency").json()["turns"] == []
    assert not list(tmp_path.rglob("*.sqlite3*"))


def test_others_may_not_read(tmp_path: Path):
    path = tmp_path / "log.sqlite3"
    keep(url_of(path), *turn(1))
    settings = ServerSettings(port=0, takes=str(tmp_path / "takes"), allow_sinks=False)
    with serving_app(settings, talking=keeping(path)) as (url, _):
        for place in ("", "/unanswered", "/latency", "/abc"):
            answer = httpx.get(f"{url}/api/conversations{place}")
            assert answer.status_code == 403
            assert "--allow-sinks" in answer.json()["detail"]
    with serving_app(ServerSettings(port=0, takes=str(tmp_path)), talking=keeping(path)) as (url, _):
        other = {"Origin": "https://example.org"}
        assert httpx.get(f"{url}/api/conversations", headers=other).status_code == 403
        assert httpx.get(f"{url}/api/conversations").status_code == 200


def test_what_a_person_says_is_kept_as_sound(tmp_path: Path):
    path = tmp_path / "log.sqlite3"

    async def scene(house: House) -> float:
        wire = await house.ready(person="ada")
        wire.say(TALK_MIC)
        await wire.until(lambda: told(wire, "state_changed"))
        await speak_into(wire, 2, level=0.0)
        await speak_into(wire, 1)
        await speak_into(wire, 1, level=0.0)
        await wire.until(lambda: told(wire, "speaking_started"))
        await asyncio.sleep(0.25)
        wire.say({"type": "stop"})
        await wire.until(lambda: told(wire, "answered"))
        at = {one["event"]: when for when, one in wire.got if isinstance(one, dict) and "event" in one}
        return at["answered"] - at["speaking_started"]

    talking = keeping(path, sound=True)
    spoke_s = at_home(scene, tmp_path / "takes", talking=talking)
    talking.memory.close()
    database = open_database(url_of(path))
    row = reading.conversations(database)["conversations"][0]
    assert (row["person"], row["sound"], row["interrupted"]) == ("ada", True, 1)
    sounds = reading.conversation(database, row["id"])["turns"][0]["sounds"]
    assert sounds["user"] == pytest.approx(1.6, abs=0.1)  # 0.3 s before it and behind it
    assert sounds["assistant"] == pytest.approx(spoke_s, abs=0.1)
    assert 0.2 < spoke_s < 1.0  # of 1.4 s


def test_settings_that_change_hold_at_once(tmp_path: Path):
    path = tmp_path / "log.sqlite3"
    talking = keeping(path)

    async def ask(house: House, wire: Any, count: int) -> None:
        wire.say(ASK)
        await wire.until(lambda: len(told(wire, "answered")) == count)

    async def scene(house: House) -> None:
        wire = await house.ready()
        await ask(house, wire, 1)
        kept = talking.settings
        talking.apply(Settings())
        await ask(house, wire, 2)
        talking.apply(kept)
        await ask(house, wire, 3)

    at_home(scene, tmp_path / "takes", talking=talking)
    talking.memory.close()
    deadline = time.monotonic() + 10
    database = open_database(url_of(path))
    while len(rows := reading.conversations(database)["conversations"]) < 2:
        assert time.monotonic() < deadline
    numbers = [one["number"] for row in rows for one in reading.conversation(database, row["id"])["turns"]]
    assert numbers == [3, 1]


@pytest.mark.slow
def test_a_database_that_cannot_be_written_is_told_and_harms_nobody(tmp_path: Path):
    path = tmp_path / "log.sqlite3"
    path.write_bytes(b"this is no database" * 100)
    talking = keeping(path)

    async def scene(house: House) -> None:
        wire = await house.ready()
        wire.say(ASK)
        await wire.until(lambda: told(wire, "answered"))
        wire.say(ASK)
        await wire.until(lambda: len(told(wire, "answered")) == 2)
        for _ in range(3000):
            if told(wire, "fault"):
                break
            await asyncio.sleep(0.01)
            time.sleep(0.01)  # the thread that writes knows no virtual time
        assert [one["part"] for one in told(wire, "fault")] == ["remember"]
        assert "file is not a database" in told(wire, "fault")[0]["message"]

    at_home(scene, tmp_path / "takes", talking=talking)
    talking.memory._writer.close(0)  # type: ignore[union-attr]
    talking.memory.close()
