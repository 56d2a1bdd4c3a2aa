"""A connection that publishes to an RTMP server: connect, publish, send, and notice when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, unquote

from rhapsode.errors import PacketError, SettingError, SinkError
from rhapsode.protocols import rtmp
from rhapsode.protocols.rtmp import Message

PORTS = {"rtmp": 1935, "rtmps": 443}

ANSWER_S = 4.0
"""A server that takes longer to answer, or to take what it is sent, counts as gone."""

CLOSE_S = 1.0
"""How long what is under way may take to go out at the end."""

_HIGH = 1 << 16
_WRONG = ("_error", "NetStream.Publish.BadName", "NetStream.Publish.Denied", "NetConnection.Connect.Rejected")


class Connection:
    """Publishes one stream.

    Args:
        address: "rtmp://host[:port]/app[/more]/key[?query]"; the last part of the path names the stream.

    Raises:
        SettingError: the address names no host, no application or no stream.

    """

    def __init__(self, address: SplitResult) -> None:
        app, _, key = address.path.strip("/").rpartition("/")
        try:
            port = address.port or PORTS[address.scheme]
        except ValueError:
            port = 0
        if not (address.hostname and app and key and port):
            raise SettingError(
                f"an RTMP address must be like {address.scheme}://host/app/key, "
                f"got path '/{app}/...' at host '{address.hostname or ''}'; give all three parts"
            )
        self._host, self._port, self._tls = address.hostname, port, address.scheme == "rtmps"
        self._app = unquote(app)
        host = f"[{self._host}]" if ":" in self._host else self._host
        place = host if port == PORTS[address.scheme] else f"{host}:{port}"
        self._url = f"{address.scheme}://{place}/{self._app}"
        self._key = unquote(key) + (f"?{address.query}" if address.query else "")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._chunks = rtmp.ChunkWriter()
        self._reading: asyncio.Task[None] | None = None
        self._answers: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._lost: str | None = None
        self._stream = 0

    @property
    def where(self) -> str:
        """The server, without the key, which is a secret."""
        return self._url

    async def open(self) -> int:
        """Connect and begin to publish; return the number of the message stream.

        Raises:
            SinkError: there is no server, or it refuses the stream.

        """
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._connect()
                return await self._publish()
        except TimeoutError:
            await self.close()
            raise SinkError(f"{self._url} did not answer within {ANSWER_S:g} s; check the address") from None
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError, PacketError) as error:
            await self.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise SinkError(
                f"no RTMP server answers at {self._url} ({reason}); check address and port"
            ) from None
        except BaseException:
            await self.close()
            raise

    async def send(self, messages: list[Message]) -> None:
        """Send ``messages``.

        Raises:
            SinkError: the server is gone or takes nothing.

        """
        if self._lost is not None or self._streams is None:
            raise SinkError(f"{self._url}: {self._lost or 'not connected'}; it is connected again")
        writer = self._streams[1]
        writer.writelines([self._chunks.write(message) for message in messages])
        try:
            async with asyncio.timeout(ANSWER_S):
                await writer.drain()
        except TimeoutError:
            raise SinkError(f"{self._url} took nothing for {ANSWER_S:g} s; check the network") from None
        except OSError as error:
            raise SinkError(f"{self._url} is gone ({error.strerror or error}); check the server") from None

    async def close(self) -> None:
        """End the stream and the connection; never raises."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
        streams, self._streams = self._streams, None
        if streams is None:
            return
        writer = streams[1]
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            if self._stream and self._lost is None:
                for name, argument in (("FCUnpublish", self._key), ("deleteStream", float(self._stream))):
                    writer.write(self._chunks.write(rtmp.command(name, 0, None, argument)))
            async with asyncio.timeout(CLOSE_S):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        writer.transport.abort()

    async def _connect(self) -> None:
        tls = ssl.create_default_context() if self._tls else None
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=tls)
        self._streams = reader, writer
        writer.transport.set_write_buffer_limits(high=_HIGH)
        raw: socket.socket | None = writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # what is sent but never acknowledged
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(ANSWER_S * 1000))
        writer.write(rtmp.hello())
        version, theirs = (await reader.readexactly(1))[0], await reader.readexactly(rtmp.HANDSHAKE)
        if version != 3:
            raise PacketError(f"it speaks version {version}, expected 3")
        writer.write(theirs)
        await reader.readexactly(rtmp.HANDSHAKE)

    async def _publish(self) -> int:
        assert self._streams is not None
        writer = self._streams[1]
        self._reading = asyncio.create_task(self._read())
        about = {"app": self._app, "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; Rhapsode)"}
        writer.write(self._chunks.begin())
        writer.write(self._chunks.write(rtmp.command("connect", 1, {**about, "tcUrl": self._url})))
        await self._answer(1)
        for number, name, key in ((2, "releaseStream", self._key), (3, "FCPublish", self._key)):
            writer.write(self._chunks.write(rtmp.command(name, number, None, key)))
        writer.write(self._chunks.write(rtmp.command("createStream", 4, None)))
        made = await self._answer(4)
        if not made or not isinstance(made[-1], float):
            raise PacketError("it gave the stream no number")
        self._stream = int(made[-1])
        begin = rtmp.command("publish", 5, None, self._key, "live", stream=self._stream)
        writer.write(self._chunks.write(begin))
        while True:
            name, *rest = await self._next()
            if name == "onStatus" and _code(rest) == "NetStream.Publish.Start":
                return self._stream

    async def _answer(self, number: int) -> list[Any]:
        """Return what the server says to the command ``number``."""
        while True:
            name, *rest = await self._next()
            if name == "_result" and rest and rest[0] == number:
                return rest[1:]

    async def _next(self) -> list[Any]:
        """Return the next command; refusals raise."""
        values = await self._answers.get()
        if not values:
            raise ConnectionResetError(self._lost or "it closed the connection")
        transaction = values[1] if len(values) > 1 else 0
        code = _code(values)
        optional = transaction in (2, 3)  # releaseStream and FCPublish: many servers do not know them
        if not optional and (values[0] == "_error" or code in _WRONG):
            raise SinkError(f"{self._url} refuses the stream ({code or 'no reason given'}); check its key")
        return values

    async def _read(self) -> None:
        """Take what the server says until it closes."""
        assert self._streams is not None
        reader, writer = self._streams
        chunks = rtmp.ChunkReader()
        try:
            while data := await reader.read(1 << 16):
                for message in chunks.feed(data):
                    if message.kind == rtmp.COMMAND:
                        self._heed(message.values)
                    elif message.kind == rtmp.CONTROL and (reply := rtmp.pong(message.payload)):
                        writer.write(self._chunks.write(reply))
            self._lost = self._lost or "the server closed the connection"
        except (OSError, PacketError) as error:
            self._lost = str(error)
        self._answers.put_nowait([])

    def _heed(self, values: list[Any]) -> None:
        if not values:
            return
        code = _code(values)
        if self._stream and (code in _WRONG or code == "NetStream.Unpublish.Success"):
            self._lost = f"the server ended the stream ({code})"
        self._answers.put_nowait(values)


def _code(values: list[Any]) -> str:
    """Return the "code" of a command's information object, empty without one."""
    return next((str(row["code"]) for row in values if isinstance(row, dict) and "code" in row), "")
