"""A source that is heard only while a button is held: FACEGOOD's Unreal project sends its mouse button so."""

from __future__ import annotations

import asyncio
import logging

from rhapsode.errors import PacketError, SinkError
from rhapsode.live.session import Session
from rhapsode.live.sources.source import Source
from rhapsode.performance import Float32
from rhapsode.protocols.facegood import decode_button

log = logging.getLogger(__name__)

PORT = 43_015


class PushToTalk:
    """Runs another source and lets its sound through while the button is down.

    Args:
        source: brings the sound, such as a microphone.
        host: to listen on for the button's messages.
        port: to listen on.

    Attributes:
        pressed: whether the button is down.

    """

    def __init__(self, source: Source, host: str = "127.0.0.1", port: int = PORT) -> None:
        self._source, self._host, self.port = source, host, port
        self.pressed = False

    async def run(self, session: Session) -> None:
        """Bring the sound of the source until it ends.

        Raises:
            SinkError: the port is taken.
            RhapsodeError: what the source raises.

        """
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Button(self), (self._host, self.port)
            )
        except OSError as error:
            raise SinkError(
                f"cannot listen on {self._host}:{self.port} ({error.strerror or error}); choose another port"
            ) from error
        self.port = int(transport.get_extra_info("sockname")[1])
        session.hears = self._pass
        try:
            await self._source.run(session)
        finally:
            session.hears = None
            transport.close()

    def _pass(self, chunk: Float32) -> Float32:
        return chunk if self.pressed else chunk * 0


class _Button(asyncio.DatagramProtocol):
    def __init__(self, talk: PushToTalk) -> None:
        self._talk = talk

    def datagram_received(self, data: bytes, addr: object) -> None:
        try:
            self._talk.pressed = decode_button(data)
        except PacketError as error:
            log.warning("%s", error)
