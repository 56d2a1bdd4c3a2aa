"""Raw sound from a pipe or over a WebSocket: signed 16-bit samples, little-endian, one channel."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from typing import Protocol

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

from rhapsode.errors import SettingError, SinkError
from rhapsode.live.ear import Process
from rhapsode.live.session import Session

log = logging.getLogger(__name__)

CHUNK_S = 0.02
AHEAD_S = 0.2
"""How much faster than it is spoken a pipe is read at most: a file sent through one plays at its pace."""

TAIL_S = 0.2
"""Silence behind the end of a pipe, so that the face gets to its last sound."""

RATES = (8_000, 384_000)
"""Lowest and highest sample rate that is believed, Hz."""


class Pipe(Protocol):
    """What is read from."""

    def read(self, size: int, /) -> bytes | None:
        """Return up to ``size`` bytes, none at the end; may block."""


class PcmPipe:
    """Reads a pipe such as standard input to its end.

    Args:
        pipe: blocking, binary; without a buffer of its own, since a read may be left under way at the end.
        sample_rate: Hz.
        process: cleans the sound, see `rhapsode.live.ear.Process`.

    Raises:
        SettingError: the rate is not believable.

    """

    def __init__(self, pipe: Pipe, sample_rate: int, *, process: Process | None = None) -> None:
        self._pipe, self._rate, self._process = pipe, _checked(sample_rate), process

    async def run(self, session: Session) -> None:
        """Bring the sound as fast as it comes, never faster than it is spoken."""
        loop = asyncio.get_running_loop()
        session.listen(self._rate, process=self._process)
        begun, read, rest = loop.time(), 0, b""
        while data := await _read(self._pipe, 2 * round(self._rate * CHUNK_S)):
            data = rest + data
            whole = len(data) - len(data) % 2
            rest = data[whole:]
            read += whole // 2
            session.hear(samples_of(data[:whole]))
            await asyncio.sleep(max(read / self._rate - AHEAD_S - (loop.time() - begun), 0))
        if rest:
            log.warning("the sound ended within a sample: one byte is left out")
        await asyncio.sleep(max(read / self._rate - (loop.time() - begun), 0))
        session.hear(np.zeros(round(self._rate * TAIL_S), np.float32))
        await asyncio.sleep(TAIL_S)
        session.deafen()


class PcmServer:
    """Listens for one WebSocket client that sends sound as binary messages.

    Args:
        host: to listen on.
        port: to listen on; 0 takes a free one.
        sample_rate: of the sound, Hz.
        process: cleans the sound, see `rhapsode.live.ear.Process`.

    Raises:
        SettingError: the rate is not believable.

    Attributes:
        port: that it listens on, once it runs.

    """

    def __init__(self, host: str, port: int, sample_rate: int, *, process: Process | None = None) -> None:
        self.port = port
        self._host, self._rate, self._process = host, _checked(sample_rate), process
        self._session: Session | None = None
        self._taken = False

    async def run(self, session: Session) -> None:
        """Serve one client after the other until cancelled."""
        self._session = session
        try:
            server = await serve(self._take, self._host, self.port, max_size=1 << 20, compression=None)
        except OSError as error:
            raise SinkError(
                f"cannot listen on {self._host}:{self.port} ({error.strerror or error}); choose another port"
            ) from error
        async with server:
            self.port = int(next(iter(server.sockets)).getsockname()[1])
            await server.serve_forever()

    async def _take(self, connection: ServerConnection) -> None:
        assert self._session is not None
        if self._taken:
            await connection.close(1013, "somebody speaks already; try later")
            return
        self._taken = True
        self._session.listen(self._rate, process=self._process)
        try:
            async for message in connection:
                if isinstance(message, str):
                    await connection.close(1003, "sound is sent as binary messages, got a text")
                elif len(message) % 2:
                    await connection.close(1007, f"16-bit sound has an even length, got {len(message)} bytes")
                else:
                    self._session.hear(samples_of(message))
        finally:
            self._taken = False
            self._session.deafen()


async def _read(pipe: Pipe, size: int) -> bytes:
    """Read in a thread that nobody waits for at the end: a pipe may stay silent for ever."""
    loop = asyncio.get_running_loop()
    come: asyncio.Future[bytes] = loop.create_future()

    def tell(data: bytes) -> None:
        if not come.done():
            come.set_result(data)

    def read() -> None:
        try:
            data = pipe.read(size) or b""
        except (OSError, ValueError) as error:
            log.warning("the sound broke off: %s", error)
            data = b""
        with suppress(RuntimeError):  # the loop is over
            loop.call_soon_threadsafe(tell, data)

    threading.Thread(target=read, name="rhapsode-pcm", daemon=True).start()
    return await come


def samples_of(data: bytes) -> np.ndarray:
    """Return signed 16-bit little-endian samples as (n,) float32 in [-1, 1)."""
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768.0


def _checked(rate: int) -> int:
    if not RATES[0] <= rate <= RATES[1]:
        raise SettingError(f"a sample rate must lie in {RATES[0]} to {RATES[1]} Hz, got {rate}; try 48000")
    return rate
