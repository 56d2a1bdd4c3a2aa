"""VTube Studio as a sink: its plugin API over a WebSocket, the token kept for the next time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from urllib.parse import SplitResult

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from rhapsode.errors import PacketError, SettingError, SinkError
from rhapsode.performance import Float32
from rhapsode.places import data_folder
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.vtubestudio import PORT, VtsPlugin

log = logging.getLogger(__name__)

ASK_S = 9.0
"""How long `open` waits for the person to press Allow before it asks again."""

_UNANSWERED = 30
"""Moments that may be unanswered; more are not sent until VTube Studio has caught up."""


class VTubeStudio:
    """Drives the model that VTube Studio shows.

    The first time VTube Studio asks the person whether it may; the token it gives is kept in the user's data
    folder.

    Args:
        address: host and port of the plugin API; this machine and 8001 where they are left out.
        query: ``parameters``: "default" or "arkit", see `VtsPlugin`; ``token``: instead of the kept one.

    Raises:
        SettingError: the parameters are neither.

    """

    rate_hz: Fraction | None = Fraction(60)
    wants_sound = False

    def __init__(self, address: SplitResult, query: Mapping[str, str]) -> None:
        parameters = query.get("parameters", "default")
        if parameters not in ("default", "arkit"):
            raise SettingError(f"parameters must be default or arkit, got '{parameters}'; choose one")
        self._url = f"ws://{address.hostname or '127.0.0.1'}:{address.port or PORT}"
        self._kept = data_folder("vtubestudio") / "token"
        token = query.get("token") or _read(self._kept)
        self._plugin = VtsPlugin(token=token, parameters="arkit" if parameters == "arkit" else "default")
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and wait until VTube Studio lets the plugin in."""
        try:
            self._socket = await connect(self._url, max_size=1 << 20, proxy=None)
            for text in self._plugin.start():
                await self._socket.send(text)
            async with asyncio.timeout(ASK_S):
                while self._plugin.state not in ("ready", "failed"):
                    await self._take(await self._socket.recv())
        except TimeoutError:
            raise SinkError("VTube Studio waits for permission; press Allow in its window") from None
        except (OSError, InvalidHandshake) as error:
            raise SinkError(
                f"VTube Studio does not answer at {self._url}; start it, and 'Start API' in it"
            ) from error
        except WebSocketException as error:
            raise SinkError(f"VTube Studio closed the connection ({error}); connect again") from error
        if self._plugin.problem:
            raise SinkError(self._plugin.problem)
        for warning in self._plugin.warnings:
            log.warning("VTube Studio: %s", warning)
        _keep(self._kept, self._plugin.token)
        self._reader = asyncio.create_task(self._read_on())

    async def show(self, frame: FaceFrame) -> None:
        """Send ``frame``."""
        assert self._socket is not None, "open comes first"
        if self._plugin.problem:
            raise SinkError(self._plugin.problem)
        if self._reader is None or self._reader.done():
            raise SinkError("VTube Studio closed the connection; it is tried again")
        if self._plugin.unanswered >= _UNANSWERED:
            return
        try:
            for text in self._plugin.show(frame, asyncio.get_running_loop().time()):
                await self._socket.send(text)
        except WebSocketException as error:
            raise SinkError(f"VTube Studio closed the connection ({error}); it is tried again") from error

    async def hear(self, samples: Float32) -> None:
        """Do nothing: VTube Studio takes no sound."""

    async def flush(self) -> None:
        """Do nothing: moments are out at once."""

    async def close(self) -> None:
        """Close the connection."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None
        if self._socket is not None:
            with contextlib.suppress(OSError, WebSocketException):
                await self._socket.close()
            self._socket = None

    async def _read_on(self) -> None:
        """Answer VTube Studio, and repeat what it would forget, until the connection ends."""
        assert self._socket is not None
        with contextlib.suppress(WebSocketException, OSError):
            while True:
                now = asyncio.get_running_loop().time()
                wait = None if self._plugin.next_due is None else max(self._plugin.next_due - now, 0.01)
                try:
                    async with asyncio.timeout(wait):
                        await self._take(await self._socket.recv())
                except TimeoutError:
                    for text in self._plugin.due(asyncio.get_running_loop().time()):
                        await self._socket.send(text)

    async def _take(self, message: str | bytes) -> None:
        assert self._socket is not None
        try:
            answers = self._plugin.receive(message)
        except PacketError as error:
            log.warning("VTube Studio: %s", error)
            return
        for text in answers:
            await self._socket.send(text)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except OSError:
        return None


def _keep(path: Path, token: str | None) -> None:
    """Store the token where only the user can read it; without it VTube Studio only asks again."""
    if not token or _read(path) == token:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(token)
    except OSError as error:
        log.warning("the token of VTube Studio cannot be kept: %s", error)
