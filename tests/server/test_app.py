"""The application over real HTTP and WebSocket, served by uvicorn on a free port."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import websockets
from typer.testing import CliRunner

from rhapsode.avatars import names
from rhapsode.errors import AvatarError, SettingError
from rhapsode.protocols.stage_packets import CurvesPacket, Packet, SoundPacket, parse
from rhapsode.server.app import STATIC, create_app
from rhapsode.server.run import bind
from rhapsode.server.settings import ServerSettings
from tests.avatars.make import head, write
from tests.live.fake import FakeEngine
from tests.server.serve import serving, wait_for_no_sessions

Item = dict[str, Any] | Packet


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    avatar = write(tmp_path_factory.mktemp("avatar") / "ball.vrm", head())
    folder = tmp_path_factory.mktemp("data")
    settings = ServerSettings(
        port=0,
        max_sessions=3,
        max_text=200,
        avatar=str(avatar),
        keep_s=0,
        takes=str(folder / "takes"),
        avatars=str(folder / "avatars"),
    )
    with serving(settings) as address:
        yield address


def talk(url: str, *messages: Any, until: Callable[[list[Item]], bool], **options: Any) -> list[Item]:
    """Connect, send, and collect what comes until a condition is met or the server ends it."""

    async def run() -> list[Item]:
        got: list[Item] = []
        async with websockets.connect(url.replace("http", "ws") + "/ws", **options) as channel:
            with suppress(websockets.ConnectionClosedError):  # perhaps before all is sent
                for message in messages:
                    await channel.send(message if isinstance(message, str | bytes) else json.dumps(message))
                async with asyncio.timeout(20):
                    async for data in channel:
                        got.append(parse(data) if isinstance(data, bytes) else json.loads(data))
                        if until(got):
                            return got
        return [*got, {"type": "closed", "code": channel.close_code}]

    return asyncio.run(run())


def told(kind: str) -> Callable[[list[Item]], bool]:
    return lambda got: isinstance(got[-1], dict) and got[-1]["type"] == kind


def never(got: list[Item]) -> bool:
    return False


def test_what_the_page_needs_is_there(url: str):
    assert httpx.get(url + "/api/health").json()["status"] == "ok"
    avatars = httpx.get(url + "/api/avatars").json()
    assert avatars["default"] == "ball"
    assert [row["name"] for row in avatars["avatars"]] == ["ball", *names()]
    file = httpx.get(url + avatars["avatars"][0]["url"])
    assert file.content[:4] == b"glTF"
    assert file.headers["content-type"] == "model/gltf-binary"
    samples = httpx.get(url + "/api/samples").json()
    assert 3 <= len(samples) <= 6
    for sample in samples:
        assert httpx.get(f"{url}/samples/{sample['name']}.flac").content[:4] == b"fLaC"
        assert sample["words"][-1][2] <= sample["duration_s"]
        assert set(sample["title"]) == {"en", "zh"}
    assert "natural" in httpx.get(url + "/api/styles").json()
    assert "joy" in httpx.get(url + "/api/emotions").json()


@pytest.mark.parametrize(
    "path", ["/avatars/nobody.vrm", "/avatars/..%2Fapp.vrm", "/samples/..%2Findex.flac", "/x", "/..%2Fapp.py"]
)
def test_what_is_not_there_is_not_there(url: str, path: str):
    assert httpx.get(url + path).status_code == 404


def test_the_page_loads_nothing_from_elsewhere(url: str):
    page = httpx.get(url + "/api/health")
    assert page.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.skipif(not (STATIC / "index.html").exists(), reason="the page is not built")
def test_the_built_page_refers_to_files_that_exist(url: str):
    page = httpx.get(url + "/")
    assert page.headers["cache-control"] == "no-cache"
    refers = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert any(name.endswith(".js") for name in refers)
    for name in refers:
        assert not re.match(r"(https?:)?//", name), f"{name} is not of this server"
        answer = httpx.get(f"{url}/{name.lstrip('./')}")
        assert answer.status_code == 200, name
        if "assets/" in name:
            assert "immutable" in answer.headers["cache-control"]
    built = sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file())
    assert built < 1_500_000


def test_a_line_is_spoken_and_life_goes_on(url: str):
    def lively(got: list[Item]) -> bool:
        return any(i["type"] == "idle" for i in got if isinstance(i, dict)) and isinstance(
            got[-1], CurvesPacket
        )

    got = talk(url, {"type": "say", "text": "one two"}, until=lively)
    assert [i["type"] for i in got if isinstance(i, dict)][:2] == ["ready", "begin"]
    assert sum(len(i.samples) for i in got if isinstance(i, SoundPacket)) == 9600


def test_a_sample_recording_plays(url: str):
    name = httpx.get(url + "/api/samples").json()[0]["name"]
    got = talk(url, {"type": "sample", "name": name}, until=told("end"))
    assert any(isinstance(item, SoundPacket) for item in got)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "say", "text": ""},
        {"type": "say", "text": "a" * 201},
        {"type": "sample", "name": "none"},
        {"type": "hello", "style": "none"},
    ],
)
def test_a_wish_that_cannot_be_met_is_told_and_the_session_goes_on(url: str, message: dict[str, str]):
    got = talk(url, message, {"type": "say", "text": "still here"}, until=told("end"))
    (error,) = [i for i in got if isinstance(i, dict) and i["type"] == "error"]
    assert error["fatal"] is False


@pytest.mark.parametrize("message", ["no json", b"\x00\x01", {"type": "fly"}, "x" * 40_000])
def test_what_is_no_message_is_told_and_the_connection_closes(url: str, message: Any):
    got = talk(url, message, until=never)
    assert got[-1] == {"type": "closed", "code": 1007}
    (error,) = [i for i in got if isinstance(i, dict) and i["type"] == "error"]
    assert error["fatal"] is True
    assert httpx.get(url + "/api/health").status_code == 200


def test_a_huge_message_is_cut_off(url: str):
    assert talk(url, "x" * 2_000_000, until=never)[-1] == {"type": "closed", "code": 1009}


def test_a_fault_of_ours_is_told_without_its_details(url: str):
    got = talk(url, {"type": "say", "text": "crash"}, until=never)
    assert got[-1] == {"type": "closed", "code": 1011}
    (error,) = [i for i in got if isinstance(i, dict) and i["type"] == "error"]
    assert error == {
        "type": "error",
        "message": "the server failed (ZeroDivisionError); its log says more",
        "fatal": True,
    }


def test_pages_of_other_sites_may_not_connect(url: str):
    with pytest.raises(websockets.InvalidStatus):
        talk(url, until=never, origin="https://elsewhere.example")
    got = talk(url, until=told("ready"), origin=url)
    assert got


@pytest.mark.slow
def test_connections_are_limited(url: str):
    async def run() -> dict[str, Any]:
        address = url.replace("http", "ws") + "/ws"
        async with websockets.connect(address) as a, websockets.connect(address) as b:
            await asyncio.gather(a.recv(), b.recv())
            async with websockets.connect(address) as c, websockets.connect(address) as d:
                answers = [json.loads(await channel.recv()) for channel in (c, d)]
        refused: dict[str, Any] = next(a for a in answers if a["type"] == "error")
        return refused

    wait_for_no_sessions(url)
    assert "serves 3 sessions at once" in asyncio.run(run())["message"]


@pytest.mark.parametrize("politely", [True, False])
def test_a_client_that_leaves_mid_speech_leaves_nothing_behind(url: str, politely: bool):
    async def run() -> None:
        for _ in range(5):
            address = url.replace("http", "ws") + "/ws"
            # No limit to what waits unread: a client that closes goes on reading until it is answered.
            channel = await websockets.connect(address, max_queue=None)
            await channel.send(json.dumps({"type": "say", "text": "word " * 39}))
            while not isinstance(await channel.recv(), bytes):
                pass
            if politely:
                await channel.close()
            else:
                channel.transport.abort()

    asyncio.run(run())
    wait_for_no_sessions(url)


def test_a_port_in_use_is_said_clearly():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingError, match=f"port {port} of 127.0.0.1 is in use"):
            bind(ServerSettings(port=port))


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(SettingError, match=r"cannot listen on '256\.1\.1\.1'"):
        bind(ServerSettings(host="256.1.1.1", port=0))
    with pytest.raises(AvatarError, match="no avatar 'nobody'"):
        create_app(ServerSettings(avatar="nobody"), engine=FakeEngine())


def test_the_verb_ends_with_2_when_the_port_is_in_use():
    from rhapsode.cli import app

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = CliRunner().invoke(app, ["serve", "--port", str(other.getsockname()[1])])
    assert isinstance(result.exception, SettingError)
    result = CliRunner().invoke(app, ["serve", "--port", "99999"])
    assert isinstance(result.exception, SettingError)
    assert "server.port must be at most 65535, got 99999" in str(result.exception)


def test_the_verb_prints_the_token_beyond_this_machine(monkeypatch: pytest.MonkeyPatch):
    from rhapsode.cli import app

    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: None)
    result = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0", "--port", "0", "--token", "mine"])
    assert result.exit_code == 0
    assert "/?token=mine" in result.stderr
    result = CliRunner().invoke(app, ["serve", "--port", "0"])
    assert "token" not in result.stderr
    result = CliRunner().invoke(app, ["serve", "--port", "0", "--token", "no spaces"])
    assert isinstance(result.exception, SettingError)
