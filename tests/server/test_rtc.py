"""WebRTC against a real aiortc peer over this machine's network."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import pytest

from rhapsode.performance import Float32
from rhapsode.protocols.stage_packets import CurvesPacket, Packet, SoundPacket, parse
from rhapsode.server.settings import ServerSettings
from tests.live.fake import JAW, level
from tests.server.house import tone
from tests.server.serve import serving_app

aiortc = pytest.importorskip("aiortc", reason="the extra webrtc is not installed")

_T = TypeVar("_T")
SAY = {"type": "say", "text": "zulu " * 8}  # 1.6 s


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    settings = ServerSettings(port=0, keep_s=30, takes=str(tmp_path_factory.mktemp("takes")))
    with serving_app(settings) as served:
        yield served


class Peer:
    """A client made with aiortc."""

    def __init__(self, *, sound: bool, curves: bool = False) -> None:
        self.pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.stage = self.pc.createDataChannel("stage")
        self.got: list[dict[str, Any] | Packet] = []
        self.loose: list[Packet] = []
        self.heard: list[tuple[int, Float32]] = []  # RTP time, samples of 48 kHz
        self.stage.on("message", self._arrived)
        if curves:
            loose = self.pc.createDataChannel("curves", ordered=False, maxRetransmits=0)
            loose.on("message", lambda data: self.loose.append(parse(data)))
        if sound:
            self.pc.addTransceiver("audio", direction="recvonly")
            self.pc.on("track", lambda track: setattr(self, "job", asyncio.ensure_future(self._hear(track))))

    def _arrived(self, data: str | bytes) -> None:
        self.got.append(json.loads(data) if isinstance(data, str) else parse(data))

    async def _hear(self, track: Any) -> None:
        with suppress(aiortc.mediastreams.MediaStreamError):
            while True:
                frame = await track.recv()
                y = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
                self.heard.append((frame.pts, y.astype(np.float32) / 32767))

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.got if isinstance(one, dict) and one["type"] == kind]

    def say(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self.stage.send(json.dumps(message))

    async def join(self, url: str, **more: str) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        offer = {"sdp": self.pc.localDescription.sdp, "type": "offer", **more}
        async with httpx.AsyncClient() as client:
            answer = await client.post(url + "/api/rtc", json=offer)
        assert answer.status_code == 200, answer.text
        await self.pc.setRemoteDescription(aiortc.RTCSessionDescription(**answer.json()))
        await self.until(lambda: self.stage.readyState == "open")
        self.say({"type": "hello"})
        await self.until(lambda: self.told("ready"))

    async def until(self, met: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not met():
                await asyncio.sleep(0.02)


def with_peer(scene: Callable[[Peer], Awaitable[_T]], url: str, *, more: Any = None, **options: bool) -> _T:
    async def run() -> _T:
        peer = Peer(**options)
        try:
            await peer.join(url, **(more or {}))
            return await scene(peer)
        finally:
            await peer.pc.close()

    return asyncio.run(run())


def no_peers_left(app: Any) -> None:
    async def wait() -> None:
        async with asyncio.timeout(10):
            while len(app.state.peers) or app.state.sessions.watched:
                await asyncio.sleep(0.05)

    asyncio.run(wait())


@pytest.mark.slow
def test_the_sound_is_a_track_on_the_clock_of_the_curves(
    house: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
):
    url, app = house
    receiver = aiortc.rtcrtpreceiver.RTCRtpReceiver
    handle, seen = receiver._handle_rtp_packet, []

    async def look(self: Any, packet: Any, *args: Any, **options: Any) -> None:
        seen.append(packet.timestamp)
        await handle(self, packet, *args, **options)

    monkeypatch.setattr(receiver, "_handle_rtp_packet", look)

    async def scene(peer: Peer) -> None:
        peer.say(SAY)
        await peer.until(lambda: peer.told("end"))
        await asyncio.sleep(2.2)

    peers: list[Peer] = []

    async def keep(peer: Peer) -> None:
        peers.append(peer)
        await scene(peer)

    with_peer(keep, url, sound=True)
    (peer,) = peers
    assert peer.told("ready")[0]["sound"] == "track"
    assert not any(isinstance(one, SoundPacket) for one in peer.got)
    start = peer.told("begin")[0]["start"]
    jaw = np.concatenate([c.values[:, JAW] for c in peer.got if isinstance(c, CurvesPacket)])
    assert (jaw > 0.6).sum() == 80
    # Opus in one piece: no packet is missing, and the speech is as long as it was.
    times = [at for at, _ in peer.heard]
    assert set(np.diff(times)) == {960}
    y = np.concatenate([piece for _, piece in peer.heard])
    loud = np.flatnonzero(np.abs(y) > 0.2)
    assert 1.3 * 48_000 < loud[-1] - loud[0] < 1.75 * 48_000
    # Where the track messages say that the speech begins, it begins.
    told = [one for one in peer.told("track") if one["rtp"] is not None]
    assert len(told) >= 4
    heard_at = seen[0] + int(loud[0])  # aiortc's own times begin at zero
    for one in told:
        expected = one["rtp"] + (start - one["sample"]) * 3
        if one["sample"] >= start:
            assert (heard_at - expected) / 48 == pytest.approx(0, abs=1)  # ms; 0.04 at worst
    no_peers_left(app)


def test_without_a_track_sound_comes_as_packets(house: tuple[str, Any]):
    url, app = house

    async def scene(peer: Peer) -> list[dict[str, Any] | Packet]:
        peer.say(SAY)
        await peer.until(lambda: peer.told("end"))
        return peer.got

    got = with_peer(scene, url, sound=False)
    y = np.concatenate([one.samples for one in got if isinstance(one, SoundPacket)])
    np.testing.assert_allclose(y, level("zulu"), atol=1e-4)
    assert len(y) == 8 * 4800
    no_peers_left(app)


def test_a_microphone_and_its_curves_go_over_the_channels(house: tuple[str, Any]):
    url, app = house

    async def scene(peer: Peer) -> float:
        peer.say({"type": "mic", "on": True, "sample_rate": 16_000})
        await peer.until(lambda: peer.told("listen"))
        for _ in range(50):
            peer.stage.send(bytes(SoundPacket(0, 0, tone(0.02), 16_000)))
            await asyncio.sleep(0.02)
        await peer.until(lambda: peer.told("level"))
        return max(float(one.values[:, JAW].max()) for one in peer.loose if isinstance(one, CurvesPacket))

    assert with_peer(scene, url, sound=False, curves=True) == pytest.approx(0.5, abs=0.07)
    no_peers_left(app)


def test_a_session_moves_from_one_peer_to_the_next(house: tuple[str, Any]):
    url, app = house

    async def first(peer: Peer) -> str:
        return str(peer.told("ready")[0]["session"])

    async def second(peer: Peer) -> dict[str, Any]:
        return peer.told("ready")[0]

    name = with_peer(first, url, sound=False)
    ready = with_peer(second, url, sound=False, more={"session": name})
    assert (ready["session"], ready["resumed"]) == (name, True)
    no_peers_left(app)


def test_what_is_no_message_ends_the_channel_with_a_sentence(house: tuple[str, Any]):
    url, app = house

    async def scene(peer: Peer) -> dict[str, Any]:
        peer.stage.send(b"\x00" * 100)
        await peer.until(lambda: peer.told("error"))
        await peer.until(lambda: peer.stage.readyState == "closed")
        return peer.told("error")[0]

    error = with_peer(scene, url, sound=True)
    assert error["fatal"] is True
    assert "must be a packet of sound" in error["message"]
    no_peers_left(app)


@pytest.mark.parametrize(
    "body", ["", "{}", '{"sdp": "x", "type": "answer"}', '{"sdp": "no sdp", "type": "offer"}', "[]"]
)
def test_an_offer_that_is_none_is_refused(house: tuple[str, Any], body: str):
    url, _ = house
    answer = httpx.post(url + "/api/rtc", content=body)
    assert answer.status_code == 400
    assert "offer" in answer.json()["detail"]


def test_without_the_extra_the_answer_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "aiortc", None)
    monkeypatch.delitem(sys.modules, "rhapsode.server.rtc", raising=False)
    with serving_app(ServerSettings(port=0, takes=str(tmp_path))) as (url, _):
        answer = httpx.post(url + "/api/rtc", json={"sdp": "", "type": "offer"})
    assert answer.status_code == 501
    assert "pip install 'rhapsode[webrtc]'" in answer.json()["detail"]


def test_a_peer_that_vanishes_is_noticed(house: tuple[str, Any], monkeypatch: pytest.MonkeyPatch):
    url, app = house
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.1)
    monkeypatch.setattr("aioice.stun.RETRY_RTO", 0.02)

    async def scene(peer: Peer) -> None:
        for protocol in peer.pc.sctp.transport.transport._connection._protocols:
            protocol.transport.abort()  # the network is gone without a word
        async with asyncio.timeout(15), httpx.AsyncClient() as client:
            while (await client.get(url + "/api/health")).json()["sessions"]:
                await asyncio.sleep(0.1)

    with_peer(scene, url, sound=True)
    no_peers_left(app)


def test_an_offer_that_nobody_follows_up_is_given_up(house: tuple[str, Any], monkeypatch: pytest.MonkeyPatch):
    url, app = house
    monkeypatch.setattr("rhapsode.server.rtc.OPEN_S", 0.3)

    async def offer() -> dict[str, str]:
        peer = Peer(sound=True)
        await peer.pc.setLocalDescription(await peer.pc.createOffer())
        made = {"sdp": peer.pc.localDescription.sdp, "type": "offer"}
        await peer.pc.close()
        return made

    assert httpx.post(url + "/api/rtc", json=asyncio.run(offer())).status_code == 200
    assert len(app.state.peers) == 1
    no_peers_left(app)
