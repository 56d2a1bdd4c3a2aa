"""One client of NVIDIA Audio2Face-3D: its messages, waiting within bounds, and the way back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from rhapsode.errors import PacketError
from rhapsode.protocols.audio2face import End, Header, Part, read_request
from rhapsode.protocols.audio2face_answer import failure

IDLE_S = 30.0
"""So long a client may say nothing, or take nothing of what it asked for."""

WAITING_BYTES = 32 * 1024 * 1024
"""What is kept of a client that sends faster than it takes answers; then it has to wait."""


REFUSE_S = 0.2
"""So long a client that is refused is listened to."""

_END = b"\x1a\x00"
"""An end of audio, as it travels."""


class RefusedError(Exception):
    """A stream that cannot be served.

    Args:
        code: name of a gRPC status code.
        reason: told to the client.

    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Line:
    """One client: what it sends, and the way back.

    Args:
        requests: its messages.
        write: sends one answer; returns when there is room for the next.
        idle_s: see `IDLE_S`.

    """

    def __init__(
        self, requests: AsyncIterator[bytes], write: Callable[[bytes], Awaitable[None]], idle_s: float
    ) -> None:
        self._write, self._idle_s = write, idle_s
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._over = self._stuck = False
        self._moved = asyncio.Condition()
        self._reading = asyncio.create_task(self._fill(requests))

    async def read(self) -> Header | Part | End:
        """Return the next request; `End` too where the client just closes its side.

        Raises:
            PacketError: it is malformed.
            RefusedError: the client says nothing.

        """
        try:
            async with asyncio.timeout(self._idle_s), self._moved:
                await self._moved.wait_for(lambda: self._waiting or self._over)
                if not self._waiting:
                    return End()
                data = self._waiting.popleft()
                self._bytes -= len(data)
                self._moved.notify_all()
        except TimeoutError:
            raise RefusedError(
                "DEADLINE_EXCEEDED",
                f"nothing came for {self._idle_s:g} s; send sound, or end_of_audio when it is over",
            ) from None
        return read_request(data)

    async def header(self) -> Header:
        """Return the first request.

        Raises:
            PacketError: it is no header.
            RefusedError: the client says nothing.

        """
        first = await self.read()
        if isinstance(first, Header):
            return first
        got = "sound" if isinstance(first, Part) else "the end"
        raise PacketError(f"a stream begins with audio_stream_header, got {got}; send the header first")

    async def write(self, answers: list[bytes]) -> None:
        """Send ``answers``.

        Raises:
            RefusedError: the client does not take them.

        """
        for answer in answers:
            try:
                self._stuck = True
                async with asyncio.timeout(self._idle_s):
                    await self._write(answer)
                self._stuck = False
            except TimeoutError:
                raise RefusedError(
                    "DEADLINE_EXCEEDED",
                    f"nobody took the answers for {self._idle_s:g} s; read them while you send",
                ) from None

    async def refuse(self, reason: str) -> None:
        """Tell the client why it is not served, and take a little of what it goes on sending.

        A client whose message is on its way when the stream is closed may see that message's failure
        instead of the reason.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(REFUSE_S):
                if not self._stuck:  # behind an answer that was cut short nothing can be sent
                    await self._write(failure(reason))
                last = b""
                while last != _END:
                    async with self._moved:
                        await self._moved.wait_for(lambda: self._waiting or self._over)
                        if not self._waiting:
                            return
                        last = self._waiting.popleft()
                        self._bytes -= len(last)
                        self._moved.notify_all()

    async def close(self) -> None:
        """Read nothing more."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _fill(self, requests: AsyncIterator[bytes]) -> None:
        try:
            async for data in requests:
                async with self._moved:
                    self._waiting.append(data)
                    self._bytes += len(data)
                    self._moved.notify_all()
                    await self._moved.wait_for(lambda: self._bytes <= WAITING_BYTES)
        finally:
            self._over = True
            with suppress(RuntimeError):  # the loop is gone
                async with self._moved:
                    self._moved.notify_all()
