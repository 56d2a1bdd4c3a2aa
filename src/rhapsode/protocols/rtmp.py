"""RTMP, the side that publishes: handshake, chunks and commands as bytes.

Adobe's RTMP specification 1.0; what is sent uses whole chunk headers (type 0) only, which every
server reads.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rhapsode.errors import PacketError
from rhapsode.protocols.amf import decode_amf, encode_amf

HANDSHAKE = 1536
"""Bytes of C1, S1, C2 and S2."""

CHUNK = 4096
"""Bytes of a chunk that `ChunkWriter` makes, after `ChunkWriter.begin`."""

SET_CHUNK, ABORT, ACKNOWLEDGE, CONTROL, WINDOW, BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20
_PING, _PONG = 6, 7
_LONG = 0xFFFFFF


@dataclass(frozen=True)
class Message:
    """One RTMP message.

    Args:
        kind: message type id.
        payload: its bytes.
        timestamp: milliseconds.
        stream: message stream id; 0 is the connection itself.

    """

    kind: int
    payload: bytes
    timestamp: int = 0
    stream: int = 0

    @property
    def values(self) -> list[Any]:
        """The AMF0 values of a command.

        Raises:
            PacketError: it holds none.

        """
        return decode_amf(self.payload)


def hello() -> bytes:
    """Return C0 and C1: version 3, no time, no digest."""
    return b"\x03" + bytes(8) + os.urandom(HANDSHAKE - 8)


def command(name: str, number: int, *arguments: Any, stream: int = 0) -> Message:
    """Return the command ``name`` with its transaction ``number``."""
    return Message(COMMAND, encode_amf(name, float(number), *arguments), stream=stream)


def pong(control: bytes) -> Message | None:
    """Return the answer to a user control message, None where it asks for none."""
    if len(control) >= 6 and struct.unpack_from(">H", control)[0] == _PING:
        return Message(CONTROL, struct.pack(">H", _PONG) + control[2:6])
    return None


class ChunkWriter:
    """Cuts messages into chunks."""

    def __init__(self) -> None:
        self._size = 128

    def begin(self) -> bytes:
        """Return the message after which chunks are `CHUNK` bytes long."""
        made = self.write(Message(SET_CHUNK, struct.pack(">I", CHUNK)))
        self._size = CHUNK
        return made

    def write(self, message: Message) -> bytes:
        """Return the chunks of ``message``."""
        channel = {AUDIO: 4, VIDEO: 6, DATA: 4, COMMAND: 3}.get(message.kind, 2)
        time = message.timestamp & 0xFFFFFFFF
        late = struct.pack(">I", time) if time >= _LONG else b""
        parts = [
            bytes([channel]),
            min(time, _LONG).to_bytes(3, "big"),
            len(message.payload).to_bytes(3, "big"),
            bytes([message.kind]),
            struct.pack("<I", message.stream),
            late,
            message.payload[: self._size],
        ]
        for at in range(self._size, len(message.payload), self._size):
            parts += [bytes([0xC0 | channel]), late, message.payload[at : at + self._size]]
        return b"".join(parts)


@dataclass
class _Channel:
    """What the last chunk header of a chunk stream said, and what came of its message."""

    timestamp: int = 0
    delta: int = 0
    length: int = 0
    kind: int = 0
    stream: int = 0
    extended: bool = False
    payload: bytearray | None = None


class ChunkReader:
    """Puts messages together from the bytes of a connection, however they are cut."""

    def __init__(self) -> None:
        self._size = 128
        self._waiting = b""
        self._channels: dict[int, _Channel] = {}

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that ``data`` completes.

        Raises:
            PacketError: the bytes are no chunks.

        """
        self._waiting += data
        while (taken := self._chunk(self._waiting)) is not None:
            used, message = taken
            self._waiting = self._waiting[used:]
            if message is None:
                continue
            if message.kind == SET_CHUNK and len(message.payload) >= 4:
                self._size = struct.unpack_from(">I", message.payload)[0] & 0x7FFFFFFF or 1
            yield message

    def _chunk(self, data: bytes) -> tuple[int, Message | None] | None:
        """Return how many bytes the first chunk takes and what it completes; None where bytes are missing."""
        if not data:
            return None
        form, number, at = data[0] >> 6, data[0] & 0x3F, 1
        if number < 2:
            extra = number + 1
            if len(data) < 1 + extra:
                return None
            number, at = int.from_bytes(data[1 : 1 + extra], "little") + 64, 1 + extra
        size = (11, 7, 3, 0)[form]
        if len(data) < at + size:
            return None
        channel = self._channels.get(number, _Channel())
        if form == 3 and number not in self._channels:
            raise PacketError(f"an RTMP chunk goes on with stream {number}, which never began; connect again")
        header, at = data[at : at + size], at + size
        time = int.from_bytes(header[:3], "big") if form < 3 else 0
        extended = time == _LONG if form < 3 else channel.extended
        length = int.from_bytes(header[3:6], "big") if form < 2 else channel.length
        if extended:
            if len(data) < at + 4:
                return None
            if form < 3:
                time = int.from_bytes(data[at : at + 4], "big")
            at += 4
        begun = channel.payload if channel.payload is not None and form == 3 else bytearray()
        take = min(self._size, length - len(begun))
        if len(data) < at + take:
            return None
        fresh = channel.payload is None or form < 3
        channel.extended, channel.length = extended, length
        if form < 2:
            channel.kind = header[6]
        if form == 0:
            channel.stream = struct.unpack_from("<I", header, 7)[0]
            channel.timestamp, channel.delta = time, 0
        elif form < 3:
            channel.delta = time
        if fresh and form:
            channel.timestamp = (channel.timestamp + channel.delta) & 0xFFFFFFFF
        begun += data[at : at + take]
        self._channels[number] = channel
        if len(begun) < length:
            channel.payload = begun
            return at + take, None
        channel.payload = None
        return at + take, Message(channel.kind, bytes(begun), channel.timestamp, channel.stream)


class FlvSplitter:
    """A file to write FLV into, which gives its tags as messages; for a muxer that does not seek."""

    def __init__(self, stream: int = 1) -> None:
        self.stream = stream
        self._waiting = b""
        self._begun = False

    def write(self, data: bytes) -> int:
        """Take bytes of the file."""
        self._waiting += bytes(data)
        return len(data)

    def take(self) -> list[Message]:
        """Return the messages that are complete; the metadata becomes what servers want of it."""
        made = []
        if not self._begun and len(self._waiting) >= 13:
            self._waiting, self._begun = self._waiting[13:], True
        while self._begun and len(self._waiting) >= 11:
            kind, size = self._waiting[0] & 0x1F, int.from_bytes(self._waiting[1:4], "big")
            if len(self._waiting) < 11 + size + 4:
                break
            time = int.from_bytes(self._waiting[4:7], "big") | self._waiting[7] << 24
            payload = self._waiting[11 : 11 + size]
            if kind == DATA:
                payload = encode_amf("@setDataFrame") + payload
            made.append(Message(kind, payload, time, self.stream))
            self._waiting = self._waiting[11 + size + 4 :]
        return made
