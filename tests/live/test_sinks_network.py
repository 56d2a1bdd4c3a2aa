"""Sinks over real sockets: UDP receivers, WebSocket clients, a stand-in for VTube Studio."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from pythonosc.osc_packet import OscPacket
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidStatus

from rhapsode.errors import RigError, SettingError, SinkError
from rhapsode.live.sinks.registry import SCHEMES, open_sink
from rhapsode.live.sinks.sink import masked
from rhapsode.live.sinks.vtubestudio import VTubeStudio
from rhapsode.live.sinks.websocket import Broadcast
from rhapsode.protocols.facegood import FacegoodDecoder
from rhapsode.protocols.facegood_livelink import FgLiveLinkDecoder
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.ifacialmocap import IFacialMocapDecoder
from rhapsode.protocols.livelink import LiveLinkDecoder
from rhapsode.protocols.stage_packets import CurvesPacket, parse
from rhapsode.protocols.vmc import VmcDecoder
from rhapsode.rigs import FACE
from tests.live.fake import JAW


def face(jaw: float = 0.5) -> FaceFrame:
    values = np.zeros(len(FACE), np.float32)
    values[JAW] = jaw
    return FaceFrame(3200, values)


@pytest.mark.parametrize(
    ("scheme", "decoder"),
    [
        ("vmc", VmcDecoder),
        ("livelink", LiveLinkDecoder),
        ("ifacialmocap", IFacialMocapDecoder),
        ("facegood", FacegoodDecoder),
        ("fglivelink", FgLiveLinkDecoder),
    ],
)
def test_packets_arrive_and_are_read_back(scheme: str, decoder: Any):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(20)

        async def send() -> None:
            sink, _ = open_sink(f"{scheme}://127.0.0.1:{receiver.getsockname()[1]}")
            await sink.open()
            await sink.show(face())
            await sink.close()

        asyncio.run(send())
        reading, got = decoder(), None
        while got is None:
            got = reading.decode(receiver.recv(65_536))
    assert got["jawOpen"] == pytest.approx(0.5, abs=0.06)


def test_osc_goes_to_addresses_of_ones_own():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(20)

        async def send() -> None:
            port = receiver.getsockname()[1]
            sink, options = open_sink(
                f"osc://127.0.0.1:{port}?address=/avatar/{{channel}}&rate=25&offset_ms=-20"
            )
            assert options.rate_hz == 25
            assert options.offset_s == -0.02
            await sink.open()
            await sink.show(face())
            await sink.close()

        asyncio.run(send())
        messages = {m.message.address: m.message.params for m in OscPacket(receiver.recv(65_536)).messages}
    assert messages["/avatar/jawOpen"] == [pytest.approx(0.5)]


def test_nobody_listening_is_told_and_a_receiver_that_comes_later_is_found():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def scene() -> None:
        sink, _ = open_sink(f"vmc://127.0.0.1:{port}")
        await sink.open()

        async def insist() -> None:
            for _ in range(50):
                await sink.show(face())
                await asyncio.sleep(0.005)

        with pytest.raises(SinkError, match=f"nobody listens at 127.0.0.1:{port}; start the receiver"):
            await insist()
        await sink.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", port))
            receiver.settimeout(20)
            await sink.open()
            await sink.show(face())
            await sink.close()
            assert receiver.recv(65_536)

    asyncio.run(scene())


def test_a_host_that_does_not_exist_is_told():
    async def scene() -> None:
        sink, _ = open_sink("vmc://no.such.host.invalid:39539")
        with pytest.raises(SinkError, match=r"'no.such.host.invalid' cannot be found"):
            await sink.open()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("smoke://signal", "a sink must be one of: vmc, .*; got 'smoke://signal'"),
        (
            "vmc://127.0.0.1:39539?speed=3",
            "unknown option 'speed' of the sink .* valid: rate, offset_ms, rig",
        ),
        ("vmc://127.0.0.1:99999", "a port must lie in 1 to 65535"),
        ("vmc://127.0.0.1:39539?rig=other", "a VMC rig is one of arkit"),
        ("vmc://127.0.0.1:39539?offset_ms=soon", r"offset_ms must lie in \[-10000, 10000\] milliseconds"),
        ("vmc://127.0.0.1:39539?rate=1000", "rate may be 240 moments a second at most, got 1000"),
        ("vmc://127.0.0.1:39539?rate=0", "frame rate must lie in"),
        ("ifacialmocap://127.0.0.1?version=3", "version of iFacialMocap must be 1 or 2"),
        ("fglivelink://127.0.0.1?rig=flame", "rig must be one of: arkit, metahuman, facegood"),
        ("ws://127.0.0.1:0?format=xml", "format of a WebSocket must be json or binary"),
        ("vts://127.0.0.1?parameters=all", "parameters must be default or arkit"),
        ("osc://127.0.0.1?address=jaw", "OSC"),
    ],
)
def test_wrong_addresses_are_refused_before_anything_starts(url: str, said: str):
    with pytest.raises(SettingError, match=said):
        open_sink(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtmps://a.rtmp.example.org/live2/abcd-efgh", "rtmps://a.rtmp.example.org/live2/***"),
        ("rtmp://127.0.0.1/live", "rtmp://127.0.0.1/live"),
        ("whip://h:8080/whip?token=s3cret&size=256x256", "whip://h:8080/whip?token=***&size=256x256"),
        ("vmc://127.0.0.1:39539?offset_ms=40", "vmc://127.0.0.1:39539?offset_ms=40"),
        ("osc://h?address=/a/{channel}", "osc://h?address=/a/{channel}"),
        ("ws", "ws"),
        ("file:take.mp4", "file:take.mp4"),
    ],
)
def test_keys_and_tokens_are_not_shown(url: str, shown: str):
    assert masked(url) == shown


def test_every_row_of_the_table_has_an_example_of_its_own():
    for row in SCHEMES.values():
        assert urlsplit(row.example).scheme == row.scheme


def test_everybody_who_connects_gets_every_moment_in_json_or_binary():
    async def scene(form: str) -> list[Any]:
        sink = Broadcast(urlsplit("ws://127.0.0.1:0"), {"format": form})
        await sink.open()
        got = []
        async with (
            connect(f"ws://127.0.0.1:{sink.port}") as one,
            connect(f"ws://127.0.0.1:{sink.port}") as two,
        ):
            await asyncio.sleep(0.05)
            await sink.show(face())
            got = [await one.recv(), await two.recv()]
        await sink.close()
        return got

    texts = asyncio.run(scene("json"))
    assert [json.loads(text)["weights"]["jawOpen"] for text in texts] == [pytest.approx(0.5, abs=1e-3)] * 2
    packet = parse(asyncio.run(scene("binary"))[0])
    assert isinstance(packet, CurvesPacket)
    assert packet.values[0, JAW] == pytest.approx(0.5)


def test_pages_of_other_sites_and_taken_ports_are_refused():
    async def scene() -> None:
        sink = Broadcast(urlsplit("ws://127.0.0.1:0"), {})
        await sink.open()
        url = f"ws://127.0.0.1:{sink.port}"
        with pytest.raises(InvalidStatus):
            await connect(url, origin="https://example.org")  # type: ignore[arg-type]
        async with connect(url, origin="http://localhost:5173"):  # type: ignore[arg-type]
            pass
        other = Broadcast(urlsplit(url), {})
        with pytest.raises(SinkError, match=r"cannot listen on 127.0.0.1:.*choose another port"):
            await other.open()
        await sink.close()

    asyncio.run(scene())
    with pytest.raises(RigError):
        Broadcast(urlsplit("ws://"), {"rig": "none"})


class Large:
    """Moments of 32 KiB, so that what the system buffers is soon full."""

    def encode(self, frame: FaceFrame) -> list[bytes]:
        return [bytes(1 << 15)]


def test_a_client_that_reads_nothing_is_let_go_and_others_are_not():
    async def scene() -> tuple[int, bool]:
        sink = Broadcast(urlsplit("ws://127.0.0.1:0"), {"format": "binary"})
        await sink.open()
        url = f"ws://127.0.0.1:{sink.port}"
        async with connect(url, max_queue=1, close_timeout=0.2) as lazy, connect(url) as keen:
            await asyncio.sleep(0.05)
            got = 0
            lazy.transport.pause_reading()
            sink._encoder = Large()  # type: ignore[assignment]
            for _ in range(4_000):
                await sink.show(face())
                got += len(await keen.recv()) > 0
                if len(sink._server.connections) < 2:  # type: ignore[union-attr]
                    break
            alone = len(sink._server.connections) == 1  # type: ignore[union-attr]
        await sink.close()
        return got, alone

    got, alone = asyncio.run(scene())
    assert alone
    assert got > 30


class FakeVtubeStudio:
    """Answers as VTube Studio's plugin API does; ``allow`` says what the person presses."""

    def __init__(self, *, allow: bool = True) -> None:
        self.allow, self.asked = allow, 0
        self.injected: list[dict[str, Any]] = []
        self.created: list[str] = []

    async def talk(self, channel: Any) -> None:
        async for message in channel:
            request = json.loads(message)
            kind, data = request["messageType"], request["data"]
            answer: dict[str, Any] = {}
            if kind == "AuthenticationTokenRequest":
                self.asked += 1
                if not self.allow:
                    kind, answer = "APIError", {"errorID": 50, "message": "User has denied"}
                else:
                    kind, answer = "AuthenticationTokenResponse", {"authenticationToken": "sesame"}
            elif kind == "AuthenticationRequest":
                right = data["authenticationToken"] == "sesame"
                kind, answer = "AuthenticationResponse", {"authenticated": right}
            elif kind == "ParameterCreationRequest":
                self.created.append(data["parameterName"])
                kind, answer = "ParameterCreationResponse", {"parameterName": data["parameterName"]}
            elif kind == "InjectParameterDataRequest":
                self.injected.append({row["id"]: row["value"] for row in data["parameterValues"]})
                kind = "InjectParameterDataResponse"
            head = {"apiName": "VTubeStudioPublicAPI", "apiVersion": "1.0", "requestID": request["requestID"]}
            await channel.send(json.dumps({**head, "messageType": kind, "data": answer}))


def test_vtube_studio_is_asked_once_fed_and_kept_awake(tmp_path, monkeypatch):
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path))
    studio = FakeVtubeStudio()

    async def scene() -> None:
        async with serve(studio.talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            for _ in range(2):
                sink = VTubeStudio(urlsplit(f"vts://127.0.0.1:{port}"), {})
                await sink.open()
                await sink.show(face(0.8))
                await asyncio.sleep(0.05)
                await sink.close()
            sink = VTubeStudio(urlsplit(f"vts://127.0.0.1:{port}"), {"parameters": "arkit"})
            await sink.open()
            await sink.show(face(0.8))
            await asyncio.sleep(1.0)  # nothing new: the last moment is repeated
            await sink.close()

    asyncio.run(scene())
    assert studio.asked == 1, "the token is kept"
    assert (tmp_path / "vtubestudio" / "token").stat().st_mode & 0o077 == 0
    assert studio.injected[0]["MouthOpen"] > 0.5
    assert len(studio.injected) >= 4, "kept awake"
    assert len(studio.created) == 52


def test_vtube_studio_that_says_no_or_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path))

    async def scene() -> None:
        async with serve(FakeVtubeStudio(allow=False).talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            sink = VTubeStudio(urlsplit(f"vts://127.0.0.1:{port}"), {})
            with pytest.raises(SinkError, match="press Allow"):
                await sink.open()
            await sink.close()
        sink = VTubeStudio(urlsplit(f"vts://127.0.0.1:{port}"), {})
        with pytest.raises(SinkError, match="does not answer"):
            await sink.open()

    asyncio.run(scene())


def test_vtube_studio_that_goes_away_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path))

    async def scene() -> None:
        async with serve(FakeVtubeStudio().talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            sink = VTubeStudio(urlsplit(f"vts://127.0.0.1:{port}"), {})
            await sink.open()
            await sink.show(face())
        await asyncio.sleep(0.1)
        with pytest.raises(SinkError, match="closed the connection"):
            await sink.show(face())
        await sink.close()

    asyncio.run(scene())
