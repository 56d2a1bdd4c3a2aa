"""A real RTMP server (pyrtmp) that keeps what is published to it, for tests and benchmarks."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

_level = logging.getLogger().level
_handlers = list(logging.getLogger().handlers)
import pyrtmp.rtmp  # noqa: E402  it sets up logging for the whole program
from pyrtmp.flv import FLVMediaType, FLVWriter  # noqa: E402

logging.getLogger().setLevel(_level)
logging.getLogger().handlers[:] = _handlers
for _name in ("pyrtmp.rtmp", "pyrtmp.messages.command"):
    logging.getLogger(_name).setLevel(logging.ERROR)


@dataclass
class Published:
    """One stream: (kind, timestamp in ms, payload, arrival in seconds) of every tag."""

    app: str = ""
    name: str = ""
    metadata: bytes = b""
    tags: list[tuple[int, int, bytes, float]] = field(default_factory=list)
    ended: bool = False
    writer: Any = None

    def times(self, kind: int) -> list[int]:
        """Timestamps of the tags of a kind that hold pictures or sound, not setup."""
        return [t for k, t, payload, _ in self.tags if k == kind and payload[1] != 0]

    def flv(self) -> bytes:
        """The stream as a file."""
        writer = FLVWriter()
        made = writer.write_header()
        for kind, timestamp, payload, _ in self.tags:
            made += writer.write(timestamp, payload, FLVMediaType(kind))
        return made


class Server:
    """Listens on ``port`` of this machine; ``refuse`` answers every publish with an error."""

    def __init__(self, *, refuse: bool = False, silent: bool = False) -> None:
        self.refuse, self.silent = refuse, silent
        self.streams: list[Published] = []
        self.port = 0
        self._server: Any = None

    async def start(self, port: int = 0) -> None:
        controller = _Controller(self)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: pyrtmp.rtmp.RTMPProtocol(controller=controller), "127.0.0.1", port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def url(self, key: str = "face") -> str:
        return f"rtmp://127.0.0.1:{self.port}/live/{key}"

    async def stop(self) -> None:
        """Vanish: everybody is cut off."""
        self._server.close()
        for stream in self.streams:
            if stream.writer is not None:
                stream.writer.transport.abort()
        await asyncio.sleep(0)


class _Controller(pyrtmp.rtmp.SimpleRTMPController):  # type: ignore[misc]
    def __init__(self, server: Server) -> None:
        self.server = server

    async def on_nc_connect(self, session: Any, message: Any) -> None:
        if self.server.silent:
            return
        session.state = Published(app=str(message.command_object["app"]), writer=session.writer)
        await super().on_nc_connect(session, message)

    async def on_ns_publish(self, session: Any, message: Any) -> None:
        session.state.name = message.publishing_name
        if self.server.refuse:
            from pyrtmp.messages import Chunk

            from rhapsode.protocols.amf import encode_amf

            about = {"level": "error", "code": "NetStream.Publish.BadName", "description": "no"}
            payload = encode_amf("onStatus", 0.0, None, about)
            session.write_chunk_to_stream(
                Chunk(
                    chunk_id=3,
                    chunk_type=0,
                    timestamp=0,
                    msg_length=len(payload),
                    msg_type_id=20,
                    msg_stream_id=1,
                    payload=payload,
                )
            )
            await session.drain()
            return
        self.server.streams.append(session.state)
        await super().on_ns_publish(session, message)

    async def on_metadata(self, session: Any, message: Any) -> None:
        session.state.metadata = message.payload if hasattr(message, "payload") else b""

    async def on_video_message(self, session: Any, message: Any) -> None:
        session.state.tags.append((9, message.timestamp, message.payload, time.monotonic()))

    async def on_audio_message(self, session: Any, message: Any) -> None:
        session.state.tags.append((8, message.timestamp, message.payload, time.monotonic()))

    async def cleanup(self, session: Any) -> None:
        if isinstance(session.state, Published):
            session.state.ended = True
