"""Sinks that are a packet encoder and a UDP address."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from fractions import Fraction
from typing import cast, get_args
from urllib.parse import SplitResult

from rhapsode.errors import SettingError, SinkError
from rhapsode.performance import Float32
from rhapsode.protocols.frame import Encoder, FaceFrame

_BUFFER = 1 << 20


class Datagrams:
    """Sends the packets of every moment to one UDP address.

    Args:
        encoder: makes the packets.
        address: (host, port); the host is looked up at each `open`.
        rate_hz: moments a second, as `Sink.rate_hz`.

    """

    wants_sound = False

    def __init__(
        self, encoder: Encoder, address: tuple[str, int], *, rate_hz: Fraction | None = None
    ) -> None:
        self._encoder, self._address, self.rate_hz = encoder, address, rate_hz
        self._socket: socket.socket | None = None

    async def open(self) -> None:
        """Look the host up and make the socket."""
        host, port = self._address
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except socket.gaierror as error:
            raise SinkError(
                f"the host '{host}' cannot be found ({error.strerror}); check the name and the network"
            ) from error
        family, kind, protocol, _, address = found[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        with contextlib.suppress(PermissionError):  # a broadcast address is allowed where the system lets us
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.connect(address)

    async def show(self, frame: FaceFrame) -> None:
        """Send the packets of ``frame``; what the system has no room for is lost, as on any network."""
        assert self._socket is not None, "open comes first"
        for packet in self._encoder.encode(frame):
            try:
                self._socket.send(packet)
            except BlockingIOError:
                return
            except ConnectionRefusedError as error:
                host, port = self._address
                raise SinkError(f"nobody listens at {host}:{port}; start the receiver") from error

    async def hear(self, samples: Float32) -> None:
        """Do nothing: packets carry no sound."""

    async def flush(self) -> None:
        """Do nothing: packets are out at once."""

    async def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def vmc(address: SplitResult, query: Mapping[str, str]) -> Datagrams:
    """Return a performer for VMC marionettes; ``rig`` names clips, several joined by "+"."""
    from rhapsode.protocols.vmc import VmcEncoder

    return Datagrams(VmcEncoder(query.get("rig", "arkit").split("+")), _place(address, 39539))


def livelink(address: SplitResult, query: Mapping[str, str]) -> Datagrams:
    """Return what Unreal's Live Link takes for the iPhone app Live Link Face."""
    from rhapsode.protocols.livelink import LiveLinkEncoder

    rate = Fraction(60)
    encoder = LiveLinkEncoder(query.get("subject", "Rhapsode"), rate=rate)
    return Datagrams(encoder, _place(address, 11111), rate_hz=rate)


def ifacialmocap(address: SplitResult, query: Mapping[str, str]) -> Datagrams:
    """Return what programs take for the iPhone app iFacialMocap; ``version`` 1 or 2."""
    from rhapsode.protocols.ifacialmocap import IFacialMocapEncoder

    version = query.get("version", "2").removeprefix("v")
    if version not in ("1", "2"):
        raise SettingError(f"version of iFacialMocap must be 1 or 2, got {version!r}; receivers today take 2")
    return Datagrams(IFacialMocapEncoder(int(version)), _place(address, 49983), rate_hz=Fraction(60))


def facegood(address: SplitResult, query: Mapping[str, str]) -> Datagrams:
    """Return what FACEGOOD's Unreal project takes: 116 weights, 30 times a second."""
    from rhapsode.protocols.facegood import FacegoodEncoder

    return Datagrams(FacegoodEncoder(), _place(address, 43014), rate_hz=Fraction(30))


def fglivelink(address: SplitResult, query: Mapping[str, str]) -> Datagrams:
    """Return what the plug-in FgLiveLinkReceiver takes; ``rig`` and ``subject``."""
    from rhapsode.protocols.facegood_livelink import SUBJECT, FgLiveLinkEncoder, Names

    rig = query.get("rig", "arkit")
    if rig not in get_args(Names):
        raise SettingError(
            f"rig must be one of: {', '.join(get_args(Names))}; got '{rig}'; choose one of them"
        )
    encoder = FgLiveLinkEncoder(query.get("subject", SUBJECT), rig=cast(Names, rig))
    return Datagrams(encoder, _place(address, 54321), rate_hz=Fraction(60))


def osc(address: SplitResult, query: Mapping[str, str]) -> Datagrams:
    """Return an OSC sender; ``address`` holds "{channel}", or is that of one message with all values."""
    from rhapsode.protocols.osc import OscEncoder

    path = query.get("address", "/rhapsode/{channel}")
    encoder = OscEncoder(path) if "{channel}" in path else OscEncoder(together=True, address=path)
    return Datagrams(encoder, _place(address, 9000))


def _place(address: SplitResult, port: int) -> tuple[str, int]:
    """Return host and port of a URL; this machine and the usual port where they are left out."""
    try:
        return address.hostname or "127.0.0.1", address.port or port
    except ValueError:
        raise SettingError(
            f"a port must lie in 1 to 65535, got '{address.netloc}'; write {address.scheme}://127.0.0.1:{port}"
        ) from None
