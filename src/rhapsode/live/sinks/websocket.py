"""A WebSocket server that gives every moment to whoever connects."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from fractions import Fraction
from urllib.parse import SplitResult

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from rhapsode.errors import SettingError, SinkError
from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.stage_packets import CurvesFrameEncoder
from rhapsode.protocols.websocket_json import JsonEncoder

PORT = 8765

WAITING_BYTES = 1 << 20
"""A client that has so much still to read is let go."""

_LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_TOO_SLOW = 1013


class Broadcast:
    """Listens on ``ws://host:port``; everybody who connects gets every moment from then on.

    Pages of other sites are refused, programs and pages of this machine are not.

    Args:
        address: host and port to listen on; this machine and 8765 where they are left out.
        query: ``format``: "json" (`rhapsode.protocols.websocket_json`) or "binary" (curves packets of
            `rhapsode.protocols.stage_packets`); ``rig``: whose names the JSON has.

    Raises:
        SettingError: the format is not known.
        RigError: the rig is not known.

    """

    rate_hz: Fraction | None = None
    wants_sound = False

    def __init__(self, address: SplitResult, query: Mapping[str, str]) -> None:
        form = query.get("format", "json")
        if form not in ("json", "binary"):
            raise SettingError(f"format of a WebSocket must be json or binary, got '{form}'; choose one")
        self._text = form == "json"
        self._encoder = JsonEncoder(rig=query.get("rig", "arkit")) if self._text else CurvesFrameEncoder()
        self._host = address.hostname or "127.0.0.1"
        self._port = PORT if address.port is None else address.port
        self._server: Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on, also where 0 was asked for."""
        assert self._server is not None, "open comes first"
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def open(self) -> None:
        """Listen."""
        try:
            self._server = await serve(
                _listen,
                self._host,
                self._port,
                origins=[None, _LOCAL],
                max_size=1 << 16,
                compression=None,
                close_timeout=1,
            )
        except OSError as error:
            raise SinkError(
                f"cannot listen on {self._host}:{self._port} ({error.strerror or error}); choose another port"
            ) from error

    async def show(self, frame: FaceFrame) -> None:
        """Give ``frame`` to everybody; who reads too slowly is let go."""
        assert self._server is not None, "open comes first"
        reading = []
        for connection in self._server.connections:
            if connection.transport.get_write_buffer_size() > WAITING_BYTES:
                connection.transport.abort()
            else:
                reading.append(connection)
        if reading:
            for packet in self._encoder.encode(frame):
                broadcast(reading, packet.decode() if self._text else packet)

    async def hear(self, samples: Float32) -> None:
        """Do nothing: moments carry no sound."""

    async def flush(self) -> None:
        """Do nothing: moments are out at once."""

    async def close(self) -> None:
        """Let everybody go."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None


async def _listen(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for _ in connection:
            pass  # nothing that clients say matters here
