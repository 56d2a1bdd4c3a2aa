"""Listens for the packets of one protocol on one UDP port and makes faces of them.

Several senders may aim at one port: the first whose packets make a face holds it until it is silent for
`SILENT_S`. What cannot be read is counted and never fatal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

import numpy as np

from rhapsode.errors import PacketError, SinkError
from rhapsode.protocols.frame import Decoder, FaceFrame

log = logging.getLogger(__name__)

SILENT_S = 2.0
"""A sender that is silent for so long gives way to another one, and counts as lost."""

GREET_EVERY_S = 2.0
"""How often a phone is greeted until it sends."""

CANDIDATES = 8
"""Senders of which the first complete face is awaited at the same time, at most."""

_RATE_OVER_S = 1.0
_FARTHEST = 1e4

State = Literal["waiting", "receiving", "lost", "closed"]

Address = tuple[str, int]
Take = Callable[[FaceFrame, float], None]
"""Takes a face and the loop's time at which it came in."""


@dataclass(frozen=True)
class CaptureStatus:
    """What is known of a capture now.

    Args:
        url: as it was asked for.
        state: "waiting" has never seen a face, "lost" has seen one.
        sender: host and port of who is listened to; None for nobody.
        rate_hz: faces in the last second.
        found: whether the tracker sees a face.
        received: faces so far.
        malformed: packets that could not be read.
        ignored: packets of senders that came second.
        error: why the last packet could not be read; None if none failed.

    """

    url: str
    state: State
    sender: str | None
    rate_hz: float
    found: bool
    received: int
    malformed: int
    ignored: int
    error: str | None

    @property
    def text(self) -> str:
        """The same for people, in one line."""
        if self.state == "receiving":
            said = f"receiving {self.rate_hz:.0f} a second from {self.sender}"
            said += "" if self.found else ", which sees no face"
        else:
            said = {"waiting": "waiting for packets", "lost": "lost, waiting", "closed": "closed"}[self.state]
        said += f"; {self.malformed} unreadable ({self.error})" if self.malformed else ""
        return said + (f"; {self.ignored} of other senders left out" if self.ignored else "")


class Receiver(asyncio.DatagramProtocol):
    """Receives faces on one port.

    Args:
        url: what people see.
        decoder: makes a decoder; each sender gets its own.
        listen: host and port to listen on; port 0 takes a free one.
        phone: host and port of who is greeted and alone listened to; None listens to everybody.
        greeting: what is sent to ``phone`` until it sends.

    Attributes:
        port: that it listens on, once it runs.

    """

    def __init__(
        self,
        url: str,
        decoder: Callable[[], Decoder],
        listen: Address,
        *,
        phone: Address | None = None,
        greeting: bytes = b"",
    ) -> None:
        self.url, self.port = url, listen[1]
        self._make, self._host, self._phone, self._greeting = decoder, listen[0], phone, greeting
        self._take: Take | None = None
        self._decoders: dict[Address, Decoder] = {}
        self._holder: Address | None = None
        self._last = -np.inf
        self._found = self._open = True
        self._times: deque[float] = deque(maxlen=1000)
        self._received = self._malformed = self._ignored = 0
        self._error: str | None = None
        self._only: set[str] | None = None

    @property
    def sender(self) -> Address | None:
        """Who is listened to; None before the first face."""
        return self._holder

    @property
    def status(self) -> CaptureStatus:
        """What is known of it now; called within the loop."""
        now = asyncio.get_running_loop().time()
        silent = now - self._last > SILENT_S
        state: State = "waiting" if not self._received else "lost" if silent else "receiving"
        sender = None if self._holder is None or silent else "{}:{}".format(*self._holder)
        return CaptureStatus(
            self.url,
            state if self._open else "closed",
            sender,
            sum(now - at <= _RATE_OVER_S for at in self._times) / _RATE_OVER_S,
            self._found,
            self._received,
            self._malformed,
            self._ignored,
            self._error,
        )

    async def run(self, take: Take) -> None:
        """Give every face to ``take`` until cancelled.

        Raises:
            SinkError: the port is taken, or an address cannot be had.

        """
        loop, self._take = asyncio.get_running_loop(), take
        phone = await self._find_phone()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=(self._host, self.port)
            )
        except OSError as error:
            raise SinkError(
                f"cannot listen on {self._host}:{self.port} ({error.strerror or error}); end what has "
                "this port, or choose another one"
            ) from error
        self.port = int(transport.get_extra_info("sockname")[1])
        try:
            while True:
                if phone and self._greeting and loop.time() - self._last > SILENT_S:
                    with contextlib.suppress(OSError):
                        transport.sendto(self._greeting, phone)
                await asyncio.sleep(GREET_EVERY_S)
        finally:
            self._open = False
            transport.close()

    async def _find_phone(self) -> Address | None:
        if self._phone is None:
            return None
        host, port = self._phone
        with contextlib.suppress(ValueError):
            self._only = {str(ip_address(host))}
            return self._phone
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port)
        except OSError as error:
            raise SinkError(
                f"the phone '{host}' cannot be found ({error.strerror}); write the address that its app shows"
            ) from error
        self._only = {str(row[4][0]) for row in found}
        return str(found[0][4][0]), port

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one packet."""
        now, sender = asyncio.get_running_loop().time(), (addr[0], addr[1])
        if now - self._last > SILENT_S and self._holder is not None:
            self._holder = None
            self._decoders.clear()
        if self._holder not in (None, sender) or (self._only is not None and addr[0] not in self._only):
            self._ignored += 1
            return
        try:
            frame = self._decoder_of(sender).decode(data)
            if frame is None:
                return
            _check(frame)
        except PacketError as error:
            self._malformed += 1
            self._error = str(error)
            return
        if self._holder is None:
            log.info("%s: faces come from %s:%d", self.url, *sender)
            self._holder = sender
        self._last, self._found = now, frame.found
        self._received += 1
        self._times.append(now)
        if self._take is not None:
            self._take(frame, now)

    def error_received(self, exc: Exception) -> None:
        """Do nothing: a greeted phone that does not listen yet is greeted again."""

    def _decoder_of(self, sender: Address) -> Decoder:
        decoder = self._decoders.pop(sender, None) or self._make()
        while len(self._decoders) >= CANDIDATES:
            del self._decoders[next(iter(self._decoders))]
        self._decoders[sender] = decoder
        return decoder


def _check(frame: FaceFrame) -> None:
    """Refuse numbers that no face has, so that nothing behind has to."""
    numbers = [*frame.values.tolist(), *(frame.head_position or ())]
    numbers += [part for rotation in frame.bones.values() for part in rotation]
    if not np.all(np.abs(numbers) < _FARTHEST):
        raise PacketError(f"a face needs numbers below {_FARTHEST:g}, got NaN or more; check what sends it")
