"""WHIP: the avatar as a WebRTC stream to a media server (RFC 9725), with sound (extra ``webrtc``)."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import av
import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import MissingExtraError, SettingError, SinkError
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.sinks.picture import VIDEO_HZ, Painter, picture_options
from rhapsode.performance import Float32
from rhapsode.protocols.frame import REST, FaceFrame

ANSWER_S = 2.5
"""A server that takes longer to answer a request counts as gone."""

CONNECT_S = 2.5
"""How long the way for the media may take to be found."""

_RENDER_S = 4.0
_LATE_PICTURES, _LATE_SOUND = 2, SAMPLE_RATE // 2
_SOUND_BLOCK = SAMPLE_RATE // 50
_MOVED = (301, 302, 307, 308)


class Whip:
    """Streams pictures and sound to ``whip://host[:port]/path``, which is HTTP; ``tls=1`` makes it HTTPS.

    No third party is asked for addresses (STUN): the server must be one that can be reached.

    Args:
        address: of the endpoint.
        query: avatar, size, camera and background; ``token``: the bearer token; ``tls``: 1 or 0.

    Raises:
        MissingExtraError: aiortc is not installed.
        SettingError: the address or an option is none.

    """

    wants_sound = True

    def __init__(self, address: SplitResult, query: Mapping[str, str]) -> None:
        try:
            import aiortc
        except ImportError as error:
            raise MissingExtraError("aiortc", "webrtc") from error
        self._aiortc: Any = aiortc
        if query.get("tls", "0") not in ("0", "1"):
            raise SettingError(f"tls must be 0 (http) or 1 (https), got '{query['tls']}'; choose one")
        if not address.hostname:
            raise SettingError("a WHIP address must be like whip://host:8080/whip, got no host; name it")
        scheme = "https" if query.get("tls") == "1" else "http"
        self._url = f"{scheme}://{address.netloc.rpartition('@')[2]}{address.path or '/'}"
        self._token = query.get("token", "")
        options = picture_options(address, query)
        self.rate_hz: Fraction | None = options.fps or VIDEO_HZ
        self._painter = Painter(options)
        self._peer: Any = None
        self._resource: str | None = None
        self._pictures: _Track | None = None
        self._sound: _Track | None = None
        self._frame = REST
        self._heard = 0
        self._waiting = np.zeros(0, np.float32)

    async def open(self) -> None:
        """Prepare the renderer, offer the stream, wait until it flows."""
        await self._painter.ready(_RENDER_S)
        rtc = self._aiortc
        self._peer = peer = rtc.RTCPeerConnection(rtc.RTCConfiguration(iceServers=[]))
        self._heard, self._waiting = 0, np.zeros(0, np.float32)
        self._pictures, self._sound = (
            _Track("video", _LATE_PICTURES),
            _Track("audio", _LATE_SOUND // _SOUND_BLOCK),
        )
        for track in (self._pictures, self._sound):
            peer.addTransceiver(track.made(rtc.MediaStreamTrack), direction="sendonly")
        connected = asyncio.Event()
        peer.on(
            "connectionstatechange", lambda: connected.set() if peer.connectionState != "connecting" else None
        )
        await peer.setLocalDescription(await peer.createOffer())
        answer = await asyncio.to_thread(self._offer, peer.localDescription.sdp)
        try:
            await peer.setRemoteDescription(rtc.RTCSessionDescription(answer, "answer"))
        except Exception as error:  # aiortc raises what its parser happens to raise
            raise SinkError(
                f"{self._url} answered with no usable SDP ({error}); is it a WHIP endpoint?"
            ) from error
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                await connected.wait()
        if peer.connectionState != "connected":
            raise SinkError(
                f"{self._url} took the offer but no media gets through ({peer.connectionState}); "
                "open its UDP ports"
            )

    async def show(self, frame: FaceFrame) -> None:
        """Keep ``frame`` for the sound that begins with it."""
        self._frame = frame

    async def hear(self, samples: Float32) -> None:
        """Hand the picture of this moment and its sound to the encoders."""
        peer, pictures, sound = self._peer, self._pictures, self._sound
        if peer is None or pictures is None or sound is None or peer.connectionState != "connected":
            state = "closed" if peer is None else peer.connectionState
            raise SinkError(f"{self._url}: the media connection is {state}; it is made again")
        picture = await self._painter.paint(self._frame, _yuv)
        picture.pts, picture.time_base = self._heard, Fraction(1, SAMPLE_RATE)
        pictures.put(picture)
        begun = self._heard - len(self._waiting)
        self._heard += len(samples)
        clean = np.nan_to_num(samples, posinf=0.0, neginf=0.0).clip(-1.0, 1.0)
        self._waiting = np.concatenate([self._waiting, clean])
        while len(self._waiting) >= _SOUND_BLOCK:
            sound.put(_sound_frame(self._waiting[:_SOUND_BLOCK], begun))
            self._waiting, begun = self._waiting[_SOUND_BLOCK:], begun + _SOUND_BLOCK

    async def flush(self) -> None:
        """Do nothing: what waits is heard within some milliseconds."""

    async def close(self) -> None:
        """Take the stream back and close the connection."""
        peer, self._peer = self._peer, None
        resource, self._resource = self._resource, None
        for track in (self._pictures, self._sound):
            if track is not None:
                track.end()
        if peer is not None:
            await peer.close()
        if resource is not None:
            with contextlib.suppress(SinkError):
                await asyncio.to_thread(self._request, "DELETE", resource)
        self._painter.rest()

    def _offer(self, sdp: str) -> str:
        reply = self._request("POST", self._url, sdp)
        if reply.status != 201:
            raise SinkError(
                f"{self._url} answered {reply.status} {reply.reason} to the offer, expected 201; "
                "check the path and the token"
            )
        self._resource = urljoin(reply.url, reply.location) if reply.location else None
        return reply.body

    def _request(self, method: str, url: str, sdp: str | None = None) -> _Reply:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if sdp is not None:
            headers["Content-Type"] = "application/sdp"
        for _ in range(4):
            reply = _asked(method, url, sdp, headers)
            if reply.status not in _MOVED or not reply.location:
                return reply
            url, before = urljoin(url, reply.location), url
            if urlsplit(url).netloc != urlsplit(before).netloc:
                headers.pop("Authorization", None)  # a token is for the server that it was given for
        raise SinkError(f"{self._url} sends from place to place; check the address")


@dataclass(frozen=True)
class _Reply:
    status: int
    reason: str
    location: str
    body: str
    url: str


def _asked(method: str, url: str, body: str | None, headers: Mapping[str, str]) -> _Reply:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=ANSWER_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection.request(method, path, None if body is None else body.encode(), dict(headers))
        got = connection.getresponse()
        text = got.read(1 << 20).decode("utf-8", "replace")
        return _Reply(got.status, got.reason, got.getheader("Location", ""), text, url)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SinkError(f"no WHIP server answers at {url} ({reason}); check address and port") from None
    finally:
        connection.close()


class _Track:
    """Frames that wait for an encoder of aiortc; the oldest go where it is too slow."""

    def __init__(self, kind: str, most: int) -> None:
        self.kind = kind
        self._waiting: deque[Any] = deque(maxlen=most)
        self._news = asyncio.Event()
        self._ended = False

    def put(self, frame: Any) -> None:
        self._waiting.append(frame)
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def next(self) -> Any:
        """Return the next frame, None at the end."""
        while not self._waiting and not self._ended:
            self._news.clear()
            await self._news.wait()
        return None if self._ended else self._waiting.popleft()

    def made(self, base: Any) -> Any:
        """Return it as a MediaStreamTrack of aiortc, which is imported on use."""
        from aiortc.mediastreams import MediaStreamError

        async def recv(this: Any) -> Any:
            frame = await self.next()
            if frame is None:
                this.stop()
                raise MediaStreamError
            return frame

        members: dict[str, str | Callable[..., Any]] = {"kind": self.kind, "recv": recv}
        return type(f"{self.kind.title()}Track", (base,), members)()


def _yuv(picture: NDArray[np.uint8]) -> Any:
    frame: Any = av.VideoFrame.from_ndarray(picture, format="rgba")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")


def _sound_frame(samples: Float32, pts: int) -> Any:
    whole = np.round(samples * 32767).astype(np.int16)
    frame: Any = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, pts, Fraction(1, SAMPLE_RATE)
    return frame
