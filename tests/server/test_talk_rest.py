"""Sessions over HTTP and their events, against a real server with a conversation that echoes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.types import Message

from rhapsode.server import sse
from rhapsode.server.settings import ServerSettings
from rhapsode.server.talk_events import KEPT
from tests.server.fake_conversation import FakeTalking
from tests.server.house import House, at_home
from tests.server.serve import serving_app


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")), max_says_minute=1000)
    with serving_app(settings, talking=FakeTalking()) as (address, _):
        yield address


@pytest.fixture
def session(url: str) -> str:
    made = httpx.post(f"{url}/api/sessions")
    assert made.status_code == 201
    return f"{url}/api/sessions/{made.json()['session']}"


def sent_events(
    address: str, count: int, *, after: str | None = None, begun: threading.Event | None = None
) -> list[tuple[str, str, dict[str, Any]]]:
    """Read ``count`` events (id, name, data)."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    headers = {} if after is None else {"Last-Event-ID": after}
    with httpx.stream("GET", f"{address}/events", headers=headers, timeout=10) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        row: dict[str, str] = {}
        for line in reply.iter_lines():
            key, _, value = line.partition(": ")
            if line and key:
                row[key] = value
            elif "data" in row:
                found.append((row.get("id", ""), row["event"], json.loads(row["data"])))
                row = {}
                if begun is not None:
                    begun.set()
                if len(found) == count:
                    return found
    return found


def test_a_question_that_is_waited_for_brings_its_whole_answer(session: str):
    answer = httpx.post(f"{session}/ask", json={"text": "Where?", "wait": True}).json()
    assert answer == {
        "turn": 1,
        "answer": "You said: Where?",
        "meant": "You said: Where?",
        "language": "en",
        "interrupted": False,
        "source": {"kind": "script", "id": "echo", "score": 0.9},
        "shown": [],
        "suggestions": [],
    }
    turns = httpx.get(session).json()["turns"]
    assert [row["role"] for row in turns] == ["user", "assistant"]
    assert httpx.post(f"{session}/forget").json() == {}
    assert httpx.get(session).json()["turns"] == []


def test_an_interruption_ends_the_wait(session: str):
    with ThreadPoolExecutor() as pool:
        asked = {"text": "one two three four five six seven eight nine ten", "wait": True}
        waiting = pool.submit(httpx.post, f"{session}/ask", json=asked)
        while httpx.get(session).json()["state"] != "speaking":
            pass
        httpx.post(f"{session}/interrupt")
        answer = waiting.result().json()
    assert answer["interrupted"]
    assert len(answer["answer"]) < len(answer["meant"])


def test_a_newer_question_ends_the_wait_for_an_older_one(session: str):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(httpx.post, f"{session}/ask", json={"text": "one " * 20, "wait": True})
        while httpx.get(session).json()["state"] != "speaking":
            pass
        assert httpx.post(f"{session}/ask", json={"text": "two"}).json() == {"turn": 2}
        assert waiting.result().json()["interrupted"]


def test_saying_takes_a_turn(session: str):
    assert httpx.post(f"{session}/say", json={"text": "Hello", "language": "en"}).json() == {"turn": 1}


def test_a_session_listens_for_a_language_of_its_own(url: str):
    made = httpx.post(f"{url}/api/sessions", json={"language": "zh"})
    assert (made.status_code, made.json()["talk"]["language"]) == (201, "zh")
    session = f"{url}/api/sessions/{made.json()['session']}"
    changed = httpx.patch(session, json={"language": "auto"})
    assert (changed.status_code, changed.json()["talk"]["language"]) == (200, "auto")
    for body in ({"language": "Klingon!"}, {"tongue": "zh"}):
        assert httpx.patch(session, json=body).status_code == 422
        assert httpx.post(f"{url}/api/sessions", json=body).status_code == 422
    assert httpx.get(session).json()["talk"]["language"] == "auto"


def test_a_session_that_was_ended_is_unknown(session: str):
    assert httpx.delete(session).json() == {}
    for reply in (
        httpx.get(session),
        httpx.delete(session),
        httpx.post(f"{session}/ask", json={"text": "x"}),
        httpx.get(f"{session}/events"),
    ):
        assert reply.status_code == 404
        assert "no session" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 422, "JSON"),
        (b'{"text": 3}', 422, "text"),
        (b'{"text": "x", "voice": "y"}', 422, "voice"),
        (b'{"text": "x", "language": "../etc"}', 422, "language"),
        (b'{"text": " "}', 400, "must hold words"),
        (json.dumps({"text": "x" * 40_000}).encode(), 422, "32000"),
        (json.dumps({"text": "x" * 70_000}).encode(), 413, "65536"),
    ],
)
def test_what_cannot_be_asked_is_told(session: str, body: bytes, status: int, said: str):
    reply = httpx.post(f"{session}/ask", content=body, headers={"content-type": "application/json"})
    assert (reply.status_code, said in reply.text) == (status, True), reply.text


def test_events_come_as_they_happen_and_can_be_gone_on_with(session: str):
    begun = threading.Event()
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(sent_events, session, 4, begun=begun)
        assert begun.wait(10)
        httpx.post(f"{session}/ask", json={"text": "Where?", "wait": True})
        (first, *rest) = reading.result()
    assert first == ("", "history", {"turns": [], "state": "idle"})
    assert [(row[0], row[1]) for row in rest] == [("1", "asked"), ("2", "state_changed"), ("3", "answering")]
    assert rest[0][2]["text"] == "Where?"
    again = sent_events(session, 3, after="3")
    assert [(row[0], row[2]["text"]) for row in again] == [("4", "You"), ("5", " said:"), ("6", " Where?")]


def test_who_is_gone_is_waited_for_no_longer(tmp_path: Path):
    settings = ServerSettings(port=0, takes=str(tmp_path))
    with serving_app(settings, talking=FakeTalking()) as (url, app):
        session = httpx.post(f"{url}/api/sessions").json()["session"]
        place = app.state.sessions.find(session)
        body = {"text": "word " * 100, "wait": True}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/api/sessions/{session}/ask", json=body, timeout=0.3)
        pause = threading.Event()
        for _ in range(300):
            if not place.held:
                break
            pause.wait(0.02)
        assert not place.held
        assert httpx.get(f"{url}/api/sessions/{session}").json()["state"] == "speaking"


def test_a_stream_ends_with_its_session(session: str):
    begun = threading.Event()
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(sent_events, session, 100, begun=begun)
        assert begun.wait(10)
        httpx.delete(session)
        assert [row[1] for row in reading.result()] == ["history"]


def test_sessions_are_for_those_who_know_the_token_and_for_own_pages(tmp_path: Path):
    settings = ServerSettings(port=0, takes=str(tmp_path), token="secret", max_says_minute=2)
    with serving_app(settings, talking=FakeTalking()) as (url, _):
        known = {"Authorization": "Bearer secret"}
        assert httpx.post(f"{url}/api/sessions").status_code == 401
        foreign = {**known, "Origin": "https://example.org"}
        assert httpx.post(f"{url}/api/sessions", headers=foreign).status_code == 403
        made = [httpx.post(f"{url}/api/sessions", headers=known) for _ in range(3)]
        assert [reply.status_code for reply in made] == [201, 201, 429]
        session = f"{url}/api/sessions/{made[0].json()['session']}"
        assert httpx.get(f"{session}/events").status_code == 401
        said = [httpx.post(f"{session}/say", headers=known, json={"text": "x"}) for _ in range(3)]
        assert [reply.status_code for reply in said] == [200, 200, 429]


def test_without_conversations_texts_are_spoken_and_questions_refused(tmp_path: Path):
    with serving_app(ServerSettings(port=0, takes=str(tmp_path))) as (url, _):
        session = f"{url}/api/sessions/{httpx.post(f'{url}/api/sessions').json()['session']}"
        assert httpx.post(f"{session}/say", json={"text": "x"}).json() == {"turn": None}
        reply = httpx.post(f"{session}/ask", json={"text": "x"})
        assert (reply.status_code, reply.json()) == (
            501,
            {"detail": "this engine comes without conversations"},
        )


def test_sessions_without_a_connection_end_in_time(tmp_path: Path):
    async def scene(house: House) -> tuple[int, int, int]:
        place = house.sessions.create()
        await asyncio.sleep(50)
        with house.sessions.held(place):
            await asyncio.sleep(100)
            held = len(house.sessions)
        await asyncio.sleep(50)
        kept = len(house.sessions)
        await asyncio.sleep(20)
        return held, kept, len(house.sessions)

    assert at_home(scene, tmp_path) == (1, 1, 0)


def test_who_reads_events_too_slowly_is_let_go_and_who_missed_some_is_told(tmp_path: Path):
    async def scene(house: House) -> tuple[list[str], bool, int]:
        place = house.sessions.create()
        got: list[str] = []
        reading = asyncio.Event()
        reading.set()

        async def send(message: Message) -> None:
            got.append(cast(bytes, message.get("body", b"")).decode())
            await reading.wait()

        stream = asyncio.ensure_future(sse.EventStream(house.sessions, place, 0)({}, _never, send))
        await asyncio.sleep(0.1)
        reading.clear()
        for k in range(KEPT + 10):
            place.talk.ring.add("asked", {"turn": k})
        await asyncio.sleep(1.0)
        reading.set()
        await asyncio.sleep(1.0)
        reading.clear()
        place.talk.ring.add("asked", {"turn": 0})
        await asyncio.sleep(sse.STUCK_S + 1)
        done, held = stream.done(), place.held
        reading.set()
        await asyncio.gather(stream, return_exceptions=True)
        return got, done, held

    got, done, held = at_home(scene, tmp_path)
    assert (done, held) == (True, 0)
    assert any('event: missed\ndata: {"from": 1, "to": 10}' in part for part in got)


async def _never() -> Message:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


def test_a_quiet_stream_is_kept_alive(tmp_path: Path):
    async def scene(house: House) -> list[str]:
        got: list[str] = []

        async def send(message: Message) -> None:
            got.append(cast(bytes, message.get("body", b"")).decode())

        stream = asyncio.ensure_future(
            sse.EventStream(house.sessions, house.sessions.create(), None)({}, _never, send)
        )
        await asyncio.sleep(2 * sse.QUIET_S + 1)
        stream.cancel()
        return got

    assert at_home(scene, tmp_path)[-2:] == [": still here\n\n"] * 2
