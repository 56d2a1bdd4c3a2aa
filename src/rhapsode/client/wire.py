"""The WebSocket of a session: one connection, as many readers as there are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import websockets
from websockets.asyncio.client import ClientConnection

from rhapsode.client.http import ClientError, Http
from rhapsode.client.shapes import Event
from rhapsode.errors import PacketError
from rhapsode.protocols.stage_packets import Packet, parse

KEPT = 5000
"""What waits for a reader at most; the oldest is left out."""

READY_S = 30.0
"""How long the server is waited for."""

_T = TypeVar("_T")

News = Event | Packet


class Wire:
    """Reads a session as long as it is open.

    Args:
        http: of the server.
        session: its id.

    Attributes:
        names: of the 61 channels of the face, once it is open.

    """

    def __init__(self, http: Http, session: str) -> None:
        self._http, self._session = http, session
        self._exits = AsyncExitStack()
        self._channel: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._readers: WeakSet[asyncio.Queue[News | None]] = WeakSet()
        self._opening = asyncio.Lock()
        self._error: ClientError | None = None
        self.names: tuple[str, ...] = ()

    async def open(self) -> None:
        """Connect, if that is not done yet.

        Raises:
            ClientError: the server refuses.

        """
        async with self._opening:
            if self._channel is not None:
                return
            connecting = websockets.connect(
                self._http.socket_url,
                additional_headers=self._http.headers,
                proxy=None if self._http.own else True,
                max_size=None,
            )
            try:
                async with asyncio.timeout(READY_S):
                    channel = await self._exits.enter_async_context(connecting)
                    await channel.send(json.dumps({"type": "hello", "session": self._session}))
                    ready = json.loads(await channel.recv())
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                await self._exits.aclose()
                raise ClientError(f"{self._http.url} does not let a session be watched: {error}") from None
            if ready.get("type") != "ready" or ready.get("session") != self._session:
                await self._exits.aclose()
                raise ClientError(ready.get("message") or f"the session {self._session} is over")
            self.names = tuple(ready["names"])
            self._channel = channel
            self._reading = asyncio.ensure_future(self._read(channel))

    async def send(self, data: dict[str, Any] | bytes) -> None:
        """Send a message of the stage's protocol.

        Raises:
            ClientError: the connection is over.

        """
        await self.open()
        assert self._channel is not None
        try:
            await self._channel.send(data if isinstance(data, bytes) else json.dumps(data))
        except websockets.ConnectionClosed:
            raise self._error or ClientError("the connection is over; open a new session") from None

    def news(self, wanted: Callable[[News], _T | None]) -> AsyncIterator[_T]:
        """Return what ``wanted`` makes of all that comes from now on; None leaves it out.

        The iterator raises `ClientError` where the server ended the connection for a reason.
        """
        return _Reader(self, wanted)

    def join(self, queue: asyncio.Queue[News | None]) -> None:
        """Put all that comes from now on into ``queue`` too, as long as somebody has it; None is the end."""
        self._readers.add(queue)
        if self.over:
            queue.put_nowait(None)

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self._reading is not None and self._reading.done()

    @property
    def error(self) -> ClientError | None:
        """Why nothing more comes; None where the connection was closed as it should be."""
        return self._error

    async def close(self) -> None:
        """Disconnect."""
        await self._exits.aclose()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, channel: ClientConnection) -> None:
        try:
            async for data in channel:
                if isinstance(data, bytes):
                    with suppress(PacketError):  # of a kind that this version does not know
                        self._tell(parse(data))
                    continue
                message = json.loads(data)
                kind = message.pop("type")
                if kind == "talk":
                    self._tell(Event(message.pop("event"), message))
                elif kind == "error" and message.get("fatal"):
                    self._error = ClientError(str(message["message"]))
                elif kind == "error":
                    self._tell(Event("error", message))
        except websockets.ConnectionClosed as error:
            self._error = self._error or ClientError(f"the connection broke: {error}")
        finally:
            self._tell(None)

    def _tell(self, item: News | None) -> None:
        for queue in self._readers:
            if queue.qsize() >= KEPT:
                queue.get_nowait()
            queue.put_nowait(item)


class _Reader(AsyncIterator[_T], Generic[_T]):
    """Reads what comes from its making on."""

    def __init__(self, wire: Wire, wanted: Callable[[News], _T | None]) -> None:
        self._wire, self._wanted = wire, wanted
        self._queue: asyncio.Queue[News | None] = asyncio.Queue()
        wire.join(self._queue)

    async def __anext__(self) -> _T:
        await self._wire.open()
        while (item := await self._queue.get()) is not None:
            if (made := self._wanted(item)) is not None:
                return made
        self._queue.put_nowait(None)
        if self._wire.error is not None:
            raise self._wire.error
        raise StopAsyncIteration
