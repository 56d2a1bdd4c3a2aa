"""WHIP against an endpoint with a real peer (aiortc)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from rhapsode.errors import SinkError
from rhapsode.live.sinks.registry import open_sink
from tests.live.test_sinks_video import SMALL, on_off, perform

aiortc = pytest.importorskip("aiortc", reason="pip install 'rhapsode[webrtc]'")

ANSWERS = {201: "Created", 200: "OK", 401: "Unauthorized", 404: "Not Found", 307: "Temporary Redirect"}


class Endpoint:
    """Answers offers; ``token`` is asked for, ``moved`` sends on once, ``status`` is what offers get."""

    def __init__(self, *, token: str = "", moved: bool = False, status: int = 201) -> None:
        self.token, self.moved, self.status = token, moved, status
        self.requests: list[tuple[str, str, str]] = []
        self.frames: dict[str, list[Any]] = {"video": [], "audio": []}
        self.peers: list[Any] = []
        self.port = 0
        self._server: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for peer in self.peers:
            await peer.close()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split(" ")
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        self.requests.append((method, path, headers.get("content-type", "")))
        status, location, answer = 200, "", ""
        if self.token and headers.get("authorization") != f"bearer {self.token}":
            status = 401
        elif method == "POST" and self.moved:
            self.moved, status, location = False, 307, "/elsewhere"
        elif method == "POST":
            status = self.status
            if status == 201:
                location, answer = "/resource/1", await self._answer(body)
        lines = [
            f"HTTP/1.1 {status} {ANSWERS[status]}",
            f"Content-Length: {len(answer)}",
            "Connection: close",
        ]
        if location:
            lines.append(f"Location: {location}")
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + answer).encode())
        await writer.drain()
        writer.close()

    async def _answer(self, offer: str) -> str:
        peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.peers.append(peer)
        peer.on("track", lambda track: self._tasks.append(asyncio.create_task(self._take(track))))
        await peer.setRemoteDescription(aiortc.RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return str(peer.localDescription.sdp)

    async def _take(self, track: Any) -> None:
        try:
            while True:
                self.frames[track.kind].append(await track.recv())
        except aiortc.mediastreams.MediaStreamError:
            pass


def streamed(scene: Callable[[Endpoint, Any], Awaitable[None]], query: str = "", **options: Any) -> Endpoint:
    async def run() -> Endpoint:
        endpoint = Endpoint(**options)
        await endpoint.start()
        sink: Any = open_sink(f"whip://127.0.0.1:{endpoint.port}/whip?{SMALL}{query}")[0]
        await sink._painter.ready(120)
        try:
            await scene(endpoint, sink)
        finally:
            await sink.close()
            await endpoint.stop()
        return endpoint

    return asyncio.run(run())


async def paced(sink: Any, frames: int) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for k in range(frames):
        await asyncio.sleep(max(begun + k / 30 - loop.time(), 0))
        await _moment(sink, k)


async def _moment(sink: Any, k: int) -> None:
    from tests.live.test_sinks_video import frame

    on = on_off(k)
    await sink.show(frame(0.9 * on, k * 533))
    await sink.hear((np.sin(np.arange(800) * 0.3) * 0.5 * on).astype(np.float32))


@pytest.mark.slow
def test_a_peer_gets_pictures_and_sound():
    async def scene(endpoint: Endpoint, sink: Any) -> None:
        await sink.open()
        await paced(sink, 90)
        await asyncio.sleep(0.3)

    endpoint = streamed(scene, "&token=secret", token="secret", moved=True)
    assert [request[:2] for request in endpoint.requests] == [
        ("POST", "/whip"),
        ("POST", "/elsewhere"),
        ("DELETE", "/resource/1"),
    ]
    assert endpoint.requests[0][2] == "application/sdp"
    video, audio = endpoint.frames["video"], endpoint.frames["audio"]
    assert len(video) >= 60
    assert (video[0].width, video[0].height) == (96, 96)
    steps = np.diff([picture.pts * float(picture.time_base) for picture in video])
    np.testing.assert_allclose(steps / (1 / 30), np.round(steps * 30), atol=0.02)
    sound = np.concatenate([block.to_ndarray().ravel() for block in audio]) / 32768
    assert np.abs(sound).max() > 0.3
    assert (np.diff([block.pts for block in audio]) > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"token": "other"}, "401 Unauthorized"),
        ({"status": 404}, "404 Not Found"),
        ({"status": 200}, "200 OK"),
    ],
)
def test_a_server_that_refuses_says_so(options: dict[str, Any], words: str):
    async def scene(endpoint: Endpoint, sink: Any) -> None:
        with pytest.raises(SinkError, match=words):
            await sink.open()

    streamed(scene, "&token=wrong", **options)


@pytest.mark.slow
def test_a_peer_that_goes_away_is_noticed():
    async def scene(endpoint: Endpoint, sink: Any) -> None:
        await sink.open()
        await perform(sink, 5)
        await endpoint.peers[0].close()
        await asyncio.sleep(0.5)
        with pytest.raises(SinkError, match="media connection is"):
            await asyncio.wait_for(perform(sink, 1000), 30)

    streamed(scene)


@pytest.mark.slow
def test_nobody_there():
    async def scene(endpoint: Endpoint, sink: Any) -> None:
        await endpoint.stop()
        with pytest.raises(SinkError, match="no WHIP server answers"):
            await sink.open()

    streamed(scene)
