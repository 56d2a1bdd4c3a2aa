"""The Python client against a real server, with a conversation that echoes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from rhapsode.client import AsyncClient, Client, ClientError, Event
from rhapsode.client.asynchronous import Chunk
from rhapsode.performance import Float32
from rhapsode.protocols.stage_packets import CurvesPacket, SoundPacket
from rhapsode.rigs import FACE
from rhapsode.server.settings import ServerSettings
from tests.live.fake import level
from tests.server.fake_conversation import FakeTalking
from tests.server.serve import serving_app


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = ServerSettings(
        port=0, takes=str(tmp_path_factory.mktemp("takes")), token="secret", max_says_minute=600
    )
    with serving_app(settings, talking=FakeTalking()) as (address, _):
        yield address


@pytest.fixture
def client(url: str) -> Client:
    return Client(url, token="secret")


def test_a_question_is_answered(client: Client):
    with client.session() as session:
        answer = session.ask("Where?", language="en")
        assert (answer.text, answer.turn, answer.interrupted) == ("You said: Where?", 1, False)
        assert answer.source["kind"] == "script"
        assert [row["role"] for row in session.look()["turns"]] == ["user", "assistant"]
        session.forget()
        assert session.look()["turns"] == []
        with Client(client._client._http.url, token="secret").session(session.id) as same:
            assert same.id == session.id
    with pytest.raises(ClientError, match="no session") as caught:
        session.look()
    assert caught.value.status == 404


def test_a_session_knows_whom_it_talks_with(client: Client):
    with client.session(person="visitor 7 & 8") as session:
        assert session.look()["person"] == "visitor 7 & 8"


def test_a_session_listens_for_a_language_of_its_own(client: Client):
    with client.session(language="zh") as session:
        assert session.look()["talk"]["language"] == "zh"
        session.listen_for("")
        assert session.look()["talk"]["language"] == ""
        with client.session(session.id, language="ja"):
            assert session.look()["talk"]["language"] == "ja"
        with pytest.raises(ClientError, match="language"):
            session.listen_for("no language")


def test_nothing_is_missed_from_the_call_on(client: Client):
    with client.session() as session:
        events = session.events()
        assert session.ask("one two", wait=False).turn == 1
        names = []
        for event in events:
            names += [event.name] if event.name != "history" else []
            if event.name == "answered":
                break
        assert names[0] == "asked"
        assert event.data["text"] == "You said: one two"


def test_curves_and_sound_of_what_is_said(client: Client):
    with client.session() as session:
        assert session.watch() == FACE.channels
        coming = session.performance()
        assert session.say("zebra") == 1
        sound: list[SoundPacket] = []
        curves: list[CurvesPacket] = []
        for news in coming:
            if isinstance(news, SoundPacket):
                sound.append(news)
            elif isinstance(news, CurvesPacket):
                curves.append(news)
            elif isinstance(news, Event) and news.name == "answered":
                break
        y = np.concatenate([packet.samples for packet in sound])
        np.testing.assert_allclose(y, level("zebra"), atol=1e-4)
        spoken = [packet for packet in curves if packet.generation == sound[0].generation]
        jaw = np.concatenate([packet.values[:, FACE.index("jawOpen")] for packet in spoken])
        assert jaw.max() == pytest.approx(level("zebra"))


def test_an_interruption_from_another_thread(client: Client):
    with client.session() as session:
        events = session.events()
        session.ask("one two three four five six seven eight nine", wait=False)
        for event in events:
            if event.name == "speaking_started":
                threading.Thread(target=session.interrupt).start()
            if event.name == "answered":
                assert event.data["interrupted"]
                break


def chunks_of(y: Float32, whole: NDArray[np.int16]) -> dict[str, Chunk]:
    return {"float": y, "int16": whole, "bytes": whole.tobytes()}


@pytest.mark.parametrize("kind", ["float", "int16", "bytes"])
def test_a_microphone_is_heard(client: Client, kind: str):
    y = np.full(8000, 0.3, np.float32)
    whole = (y * 32767).astype(np.int16)
    chunk: Chunk = chunks_of(y, whole)[kind]
    with client.session() as session:
        events = session.events()
        session.listen([chunk], sample_rate=16_000)
        asked = next(event for event in events if event.name == "asked")
        assert asked.data["text"] == "speech of 0.5 seconds"


def test_the_same_for_asyncio(url: str):
    async def microphone() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield (np.full(1600, 0.3) * 32767).astype("<i2").tobytes()

    async def scene() -> list[str]:
        client = AsyncClient(url, token="secret")
        assert (await client.health())["status"] == "ok"
        async with client.session() as session:
            events = session.events()
            await session.watch()
            answer, _ = await asyncio.gather(session.ask("Where?"), session.watch())
            assert answer.text == "You said: Where?"
            await session.listen(microphone())
            found = []
            async for event in events:
                found += [event.name] if event.name != "history" else []
                if event.name == "asked" and event.data["spoken"]:
                    break
            return found

    names = asyncio.run(scene())
    assert names[0] == "asked"
    assert names.count("asked") == 2
    wait_for_no_sessions_with(url)


def wait_for_no_sessions_with(url: str) -> None:
    client = Client(url, token="secret")
    pause = threading.Event()
    for _ in range(500):
        if client.health()["sessions"] == 0:
            return
        pause.wait(0.02)
    raise AssertionError("sessions outlived their client")


def test_iterators_end_with_their_session(client: Client):
    with client.session() as session:
        events = session.events()
        with Client(client._client._http.url, token="secret").session(session.id) as other:
            other._session._own = True
        with pytest.raises(ClientError, match="session ended"):
            list(events)


def test_what_a_server_refuses_is_told(url: str, client: Client):
    with pytest.raises(ClientError, match="token") as caught, Client(url).session():
        pass
    assert caught.value.status == 401
    with pytest.raises(ClientError, match="no session 'none'"), client.session("none"):
        pass
    with client.session() as session, pytest.raises(ClientError, match="must hold words"):
        session.ask(" ")
    with pytest.raises(ClientError, match="rhapsode serve"), Client("http://127.0.0.1:9").session():
        pass
    with pytest.raises(ClientError, match="looks like http"):
        Client("stage.example.org")
