"""A session over WebRTC: data channels for messages, an Opus track for the sound; needs the extra webrtc.

The client makes the channels: "stage" (ordered, reliable) carries what the WebSocket carries; "curves"
(unordered, never sent again), if there is one, carries curves that a microphone makes, which are better lost
than late. Where the offer asks for sound, it goes out on a track, 20 ms at a time on the session's clock, and
"track" messages say which clock sample goes out at which RTP time.
"""

from __future__ import annotations

import asyncio
import logging
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame
from pydantic import BaseModel, ConfigDict, Field

from rhapsode.errors import InputError
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import CurvesItem, Item, SoundItem
from rhapsode.live.playout import Playout
from rhapsode.live.timeline import Timeline
from rhapsode.performance import Float32
from rhapsode.server.connection import Welcome, converse
from rhapsode.server.place import Backstage
from rhapsode.server.sessions import Sessions
from rhapsode.server.viewer import Viewer

log = logging.getLogger(__name__)

OPEN_S = 30.0
"""A connection whose channel is not there after so long is given up."""

FULL_BYTES = 256 * 1024
"""More than this never waits in a channel; who reads slower holds up the sending, as with a WebSocket."""

LATE_S = 1.0
"""A track that is asked for sound so much later than due goes on from there."""

TRACK_EVERY = 25
"""Pieces of sound between two messages about the track (0.5 s)."""

_PIECE = SAMPLE_RATE // 50
_OPUS_HZ, _OPUS_PIECE = 48_000, 960
_WAITING = 2000


class Offer(BaseModel):
    """What a client offers."""

    model_config = ConfigDict(extra="forbid")

    sdp: str = Field(max_length=60_000)
    type: str = Field(pattern="^offer$")
    session: str | None = Field(default=None, max_length=80)
    follow: str | None = Field(default=None, max_length=80)
    hello: bool = False


class SoundTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc is optional, so its types are not known
    """The sound of a session without gaps; a `rhapsode.server.viewer.Speaker`."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._playout: Playout | None = None
        self._begun: float | None = None
        self._count = 0
        self._generation = 0
        self.sender: Any = None
        self.viewer: Viewer | None = None

    def turn_to(self, timeline: Timeline) -> None:
        """Play what follows on ``timeline``."""
        self._playout = Playout(timeline)

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        self._generation = item.generation
        if self._playout is not None and isinstance(item, CurvesItem | SoundItem):
            self._playout.offer(item)

    def interrupted(self, generation: int) -> None:
        """Forget what is not heard yet."""
        self._generation = generation
        if self._playout is not None:
            self._playout.interrupted()

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms when they are due."""
        if self.readyState != "live":
            raise MediaStreamError
        now = asyncio.get_running_loop().time()
        if self._begun is None or now - (self._begun + self._count / 50) > LATE_S:
            self._begun = now - self._count / 50
        due = self._begun + self._count / 50
        await asyncio.sleep(max(due - now, 0.0))
        heard: Float32 = np.zeros(_PIECE, np.float32)
        if self._playout is not None:
            face, heard = self._playout.moment(due, _PIECE)
            if self._count % TRACK_EVERY == 0 and self.viewer is not None:
                self.viewer.tell(self._moment(face.sample_index))
        whole = np.rint(np.clip(heard, -1, 1) * 32767).astype(np.int16)
        frame = AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._count * _PIECE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        self._count += 1
        return frame

    def _moment(self, sample: int) -> dict[str, Any]:
        return {"type": "track", "generation": self._generation, "sample": sample, "rtp": self._rtp()}

    def _rtp(self) -> int | None:
        """Return the RTP time of the piece that is being made; None before the first packet.

        aiortc begins at a random time that it does not tell; the last packet and their number do.
        """
        last = getattr(self.sender, "_RTCRtpSender__rtp_timestamp", 0)
        packets = getattr(self.sender, "_RTCRtpSender__packet_count", 0)
        encoder = getattr(self.sender, "_RTCRtpSender__encoder", None)
        first = getattr(encoder, "first_packet_pts", None)
        if not packets or first is None:
            return None
        origin = int(last) - (int(packets) - 1) * _OPUS_PIECE
        return (origin + self._count * _OPUS_PIECE - int(first)) % (1 << 32)


class PeerChannel:
    """The data channels of a peer as one `rhapsode.server.viewer.Channel`."""

    def __init__(self, stage: Any) -> None:
        self._stage = stage
        self.curves: Any = None
        self._coming: asyncio.Queue[str | bytes | None] = asyncio.Queue(_WAITING)
        stage.on("message", self._arrived)
        stage.on("close", self.gone)

    def gone(self) -> None:
        """Take notice that the other side is gone."""
        if self._coming.full():
            self._coming.get_nowait()
        self._coming.put_nowait(None)

    async def receive(self) -> str | bytes | None:
        """Return the next message; None once the other side is gone."""
        return await self._coming.get()

    async def send(self, data: str | bytes, *, live: bool = False) -> None:
        """Send a message; waits while the channel is full, unless it is better lost than late."""
        if live and self.curves is not None and self.curves.readyState == "open":
            if self.curves.bufferedAmount < FULL_BYTES:
                self.curves.send(data)
            return
        while self._stage.readyState == "open" and self._stage.bufferedAmount > FULL_BYTES:
            await asyncio.sleep(0.01)
        if self._stage.readyState != "open":
            raise ConnectionResetError("the data channel is closed")
        self._stage.send(data)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the channel, once what was sent is out."""
        while self._stage.readyState == "open" and self._stage.bufferedAmount:
            await asyncio.sleep(0.01)
        self._stage.close()

    def _arrived(self, data: str | bytes) -> None:
        if self._coming.full():
            self.gone()  # it sends faster than anybody may
        else:
            self._coming.put_nowait(data)


class Peers:
    """All WebRTC connections of a server.

    Args:
        sessions: of the server.
        backstage: what all sessions share.

    """

    def __init__(self, sessions: Sessions, backstage: Backstage) -> None:
        self._sessions, self._backstage = sessions, backstage
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    async def answer(self, offer: Offer, *, trusted: bool) -> dict[str, str]:
        """Return the answer to ``offer``; the connection is served from now on.

        Raises:
            InputError: the offer cannot be read, or there are too many.

        """
        limit = 2 * self._backstage.settings.max_sessions
        if len(self._tasks) >= limit:
            raise InputError(f"the stage takes {limit} WebRTC connections at once; try later")
        servers = [RTCIceServer(urls=url) for url in self._backstage.settings.ice_servers]
        peer = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        track = SoundTrack()
        opened: asyncio.Future[PeerChannel] = asyncio.get_running_loop().create_future()
        ended = asyncio.Event()
        _wire(peer, opened, ended)
        try:
            await peer.setRemoteDescription(RTCSessionDescription(offer.sdp, offer.type))
            if peer.sctp is None:
                raise ValueError("it has no data channel; make one called stage before the offer")
            heard = any(one.kind == "audio" for one in peer.getTransceivers())
            if heard:
                track.sender = peer.addTrack(track)
            await peer.setLocalDescription(await peer.createAnswer())
        except Exception as error:  # aiortc raises what its parser happens on: ValueError, KeyError, ...
            await peer.close()
            raise InputError(f"the WebRTC offer cannot be answered: {error!s:.200}") from error
        welcome = Welcome(offer.session, offer.follow, trusted, hello=offer.hello)
        task = asyncio.ensure_future(self._serve(peer, opened, ended, track if heard else None, welcome))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return {"sdp": peer.localDescription.sdp, "type": peer.localDescription.type}

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(
        self,
        peer: Any,
        opened: asyncio.Future[PeerChannel],
        ended: asyncio.Event,
        track: SoundTrack | None,
        welcome: Welcome,
    ) -> None:
        waiting = asyncio.ensure_future(ended.wait())
        try:
            first: list[asyncio.Future[Any]] = [opened, waiting]
            await asyncio.wait(first, timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
            if not opened.done():
                log.info("a WebRTC connection did not come about within %g s", OPEN_S)
                return
            await converse(opened.result(), self._sessions, self._backstage, welcome, speaker=track)
        finally:
            waiting.cancel()
            opened.cancel()
            if track is not None:
                track.stop()
                track.viewer = track.sender = None
            await peer.close()


def _wire(peer: Any, opened: asyncio.Future[PeerChannel], ended: asyncio.Event) -> None:
    """Have ``opened`` hold the channel once it is there, and everybody hear when the connection is lost."""
    early: dict[str, Any] = {}

    def channel_came(channel: Any) -> None:
        if channel.label == "stage" and not opened.done():
            opened.set_result(PeerChannel(channel))
        elif channel.label == "curves":
            early["curves"] = channel
        if opened.done() and not opened.cancelled():
            opened.result().curves = early.get("curves")

    def state_changed() -> None:
        if peer.connectionState in ("failed", "closed", "disconnected"):
            ended.set()
            if opened.done() and not opened.cancelled():
                opened.result().gone()

    peer.on("datachannel", channel_came)
    peer.on("connectionstatechange", state_changed)
