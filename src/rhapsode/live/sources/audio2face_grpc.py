"""The door that clients of NVIDIA Audio2Face-3D knock at: gRPC, its limits and its refusals.

What is done with a client's stream is somebody else's matter: the server hands out a `Line` to read requests
from and to write answers to (extra ``audio2face``).
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhapsode.errors import InputError, MissingExtraError, SettingError, SinkError
from rhapsode.live.sources.audio2face_line import IDLE_S, Line, RefusedError
from rhapsode.protocols.audio2face import MAX_MESSAGE
from rhapsode.protocols.audio2face_schema import HEALTH, METHOD, SERVING, message

log = logging.getLogger(__name__)

PORT = 52_000
"""Where Audio2Face-3D listens by default."""


@dataclass(frozen=True)
class Door:
    """Where to listen and whom to let in.

    Args:
        host: address to listen on.
        port: TCP port; 0 takes a free one.
        token: what clients must send as metadata ``authorization: Bearer ...``; empty for none.
        certificate: PEM file for TLS.
        key: PEM file of its private key.
        client_ca: PEM file; only clients with a certificate of this authority come in.

    Raises:
        SettingError: the files do not fit together.

    """

    host: str = "127.0.0.1"
    port: int = PORT
    token: str = ""
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise SettingError("TLS needs a certificate and its key, got one of them; give both")
        if self.client_ca is not None and self.certificate is None:
            raise SettingError("clients' certificates need TLS, got no certificate; give one with its key")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine gets in."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def check_reach(self) -> None:
        """Check that strangers are kept out where others than this machine get in.

        Raises:
            SettingError: nothing keeps them out.

        """
        if not (self.is_loopback or self.token or self.client_ca):
            raise SettingError(
                f"listening on {self.host} lets other machines in: it needs a token or an authority for "
                "clients' certificates, got neither; give --token (or --cert, --key and --client-ca), "
                "or listen on 127.0.0.1"
            )

    @property
    def address(self) -> str:
        """HOST:PORT as gRPC wants it."""
        host = self.host.strip("[]")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class Audio2FaceServer:
    """Listens, checks who comes, and has each stream served.

    Args:
        door: where, and whom to let in.
        serve: serves one stream; what it raises of `InputError` and `RefusedError` is told to the client.
        max_streams: at once; more are refused.
        idle_s: see `IDLE_S`.

    Raises:
        MissingExtraError: grpcio or protobuf is not installed.

    Attributes:
        port: that it listens on, once started.
        streams: served now.

    """

    def __init__(
        self,
        door: Door,
        serve: Callable[[Line], Awaitable[None]],
        *,
        max_streams: int = 10,
        idle_s: float = IDLE_S,
    ) -> None:
        self._grpc = _grpc()
        message("AudioStream")
        self._door, self._serve, self._idle_s = door, serve, idle_s
        self._max_streams = max_streams
        self._server: Any = None
        self.port = door.port
        self.streams = 0

    async def start(self) -> None:
        """Listen.

        Raises:
            SinkError: the port is taken, or the address is not of this machine.
            SettingError: a file for TLS cannot be read.

        """
        grpc = self._grpc
        credentials = self._credentials()
        self._server = grpc.aio.server(
            options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 4 * MAX_MESSAGE)]
        )
        stream = grpc.stream_stream_rpc_method_handler(self._process)
        health = grpc.unary_unary_rpc_method_handler(_health)
        for (service, method), handler in ((METHOD, stream), (HEALTH, health)):
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {method: handler}),)
            )
        address = self._door.address
        try:
            port = (
                self._server.add_insecure_port(address)
                if credentials is None
                else self._server.add_secure_port(address, credentials)
            )
        except RuntimeError:
            port = 0
        if not port:
            raise SinkError(f"cannot listen on {address}; choose another port or an address of this machine")
        self.port = int(port)
        await self._server.start()

    async def stop(self) -> None:
        """Hang up on everybody and listen no more."""
        if self._server is not None:
            await self._server.stop(None)

    async def wait(self) -> None:
        """Return once it listens no more."""
        await self._server.wait_for_termination()

    def _credentials(self) -> Any:
        if self._door.certificate is None or self._door.key is None:
            return None
        pair = (_read(self._door.key), _read(self._door.certificate))
        ca = self._door.client_ca
        return self._grpc.ssl_server_credentials(
            [pair], _read(ca) if ca else None, require_client_auth=ca is not None
        )

    async def _process(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """Serve one client from its first message to its last answer."""
        line = Line(requests, context.write, self._idle_s)
        try:
            code, reason = await self._served(line, context)
            if code:
                log.warning("a stream of Audio2Face is refused: %s", reason)
                await line.refuse(reason)
                await context.abort(getattr(self._grpc.StatusCode, code), reason)
        finally:
            await line.close()

    async def _served(self, line: Line, context: Any) -> tuple[str, str]:
        """Serve one client; return gRPC's status code and the reason where that cannot be done."""
        try:
            self._check(context)
            self.streams += 1
            try:
                await self._serve(line)
            finally:
                self.streams -= 1
        except RefusedError as refused:
            return refused.code, str(refused)
        except InputError as error:
            return "INVALID_ARGUMENT", str(error)
        except Exception:
            log.exception("a stream of Audio2Face broke off")
            return "INTERNAL", "a fault of the server; its log says more"
        return "", ""

    def _check(self, context: Any) -> None:
        if self._door.token:
            given = dict(context.invocation_metadata() or ()).get("authorization", "")
            kind, _, token = str(given).partition(" ")
            same = secrets.compare_digest(token.strip().encode(), self._door.token.encode())
            if kind.lower() != "bearer" or not same:
                raise RefusedError(
                    "UNAUTHENTICATED",
                    "this server needs its token; send it as metadata 'authorization: Bearer TOKEN'",
                )
        if self.streams >= self._max_streams:
            raise RefusedError(
                "RESOURCE_EXHAUSTED",
                f"{self._max_streams} streams are served at once and all are taken; try again later",
            )


async def _health(request: bytes, context: Any) -> bytes:
    return bytes(message("HealthResponse")(status=SERVING).SerializeToString())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"'{path}' cannot be read ({error.strerror}); expected a PEM file") from error


def _grpc() -> Any:
    try:
        import grpc
        import grpc.aio
    except ImportError:
        raise MissingExtraError("grpcio", "audio2face") from None
    return grpc
