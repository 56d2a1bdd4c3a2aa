"""One connection from its first message to its end, whatever carries it."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from rhapsode.errors import RhapsodeError
from rhapsode.server.client import Client, TooManyError
from rhapsode.server.messages import Hello, MessageError, parse_message
from rhapsode.server.place import Backstage
from rhapsode.server.sessions import FullError, Sessions, UnknownSessionError
from rhapsode.server.viewer import Channel, SlowClientError, Speaker, Viewer

log = logging.getLogger(__name__)

FIRST_S = 1.0
"""How long the first message is waited for, which may name a session; who says nothing gets a new one."""

HELLO_S = 30.0
"""How long the hello of a client is waited for that announced one: a busy page may be slow to say it."""

BAD_MESSAGE, REFUSED, FAILED, LATER = 1007, 1008, 1011, 1013
"""Why a connection is closed, as WebSockets number it."""


@dataclass(frozen=True)
class Welcome:
    """What is known of a client before it says anything.

    Args:
        session: id of the session to go on with.
        follow: id of the session to look at, or "latest".
        trusted: whether the page is the server's own, or a program.
        person: whoever talks, as the embedding program knows them, for what is kept; empty for nobody.
        hello: whether it is certain to begin with a hello.

    """

    session: str | None = None
    follow: str | None = None
    trusted: bool = True
    person: str = ""
    hello: bool = False


class SocketChannel:
    """A WebSocket that was accepted."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes | None:
        """Return the next message; None once the other side is gone."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data or b""

    async def send(self, data: str | bytes, *, live: bool = False) -> None:
        """Send a message; waits while the connection is full."""
        if isinstance(data, str):
            await self._socket.send_text(data)
        else:
            await self._socket.send_bytes(data)

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection, where it is not over already."""
        if self._socket.application_state is WebSocketState.CONNECTED:
            await self._socket.close(code, reason)


async def converse(
    channel: Channel,
    sessions: Sessions,
    backstage: Backstage,
    welcome: Welcome,
    *,
    speaker: Speaker | None = None,
) -> None:
    """Serve one connection until either side ends it; never raises what a client can cause.

    Args:
        channel: the connection.
        sessions: of the server.
        backstage: what all sessions share.
        welcome: what is known of the client.
        speaker: plays the sound; None where the client plays packets of sound.

    """
    viewer = Viewer(channel, speaker)
    client = Client(viewer, backstage, trusted=welcome.trusted)
    listening = asyncio.ensure_future(_listen(channel, sessions, client, welcome))
    sending = asyncio.ensure_future(viewer.run())
    try:
        waited = [listening, sending, client.over]
        done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        # A client that is gone explains every other end.
        ended = listening if listening in done else next(iter(done))
        await _close(channel, ended.exception())
    finally:
        client.close()
        sessions.leave(client)
        for task in (listening, sending, client.over):
            task.cancel()
        await asyncio.gather(listening, sending, client.over, return_exceptions=True)


async def _listen(channel: Channel, sessions: Sessions, client: Client, welcome: Welcome) -> None:
    """Find out which session is wanted, then do what is asked for, until the client is gone."""
    coming: asyncio.Future[str | bytes | None] = asyncio.ensure_future(channel.receive())
    try:
        data: str | bytes | None = None
        known = welcome.session is not None or welcome.follow is not None
        if not known:
            done, _ = await asyncio.wait([coming], timeout=HELLO_S if welcome.hello else FIRST_S)
            if done and (data := coming.result()) is None:
                return
        first = parse_message(data) if isinstance(data, str) else None
        wanted, follow = welcome.session, welcome.follow
        if isinstance(first, Hello):
            wanted, follow = first.session or wanted, first.follow or follow
        if follow is not None:
            client.follows = follow
            sessions.follow(client, follow)
        else:
            sessions.enter(client, wanted)
            if welcome.person and client.place is not None:
                client.place.person = welcome.person
        if data is not None:
            await client.take(data)
            coming = asyncio.ensure_future(channel.receive())
        while (data := await coming) is not None:
            await client.take(data)
            coming = asyncio.ensure_future(channel.receive())
    finally:
        if not coming.done():
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _close(channel: Channel, error: BaseException | None) -> None:
    """Say why the connection ends, where there is somebody left to hear it."""
    if error is None or isinstance(error, WebSocketDisconnect | ConnectionError):
        return
    message, code = str(error), FAILED
    if isinstance(error, MessageError):
        code = BAD_MESSAGE
    elif isinstance(error, FullError):
        code = LATER
    elif isinstance(error, TooManyError | UnknownSessionError | SlowClientError):
        code = REFUSED
    elif not isinstance(error, RhapsodeError):
        log.error("a session failed", exc_info=error)
        message = f"the server failed ({type(error).__name__}); its log says more"
    try:
        async with asyncio.timeout(1.0):
            await channel.send(_fatal(message))
            await channel.close(code, message[:100])
    except (WebSocketDisconnect, ConnectionError, RuntimeError, TimeoutError):
        log.debug("the client left before it heard: %s", message)


def _fatal(message: str) -> str:
    return json.dumps({"type": "error", "message": message, "fatal": True}, ensure_ascii=False)
