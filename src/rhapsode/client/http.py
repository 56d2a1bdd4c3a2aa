"""Requests to a server, in a thread each, with nothing but the standard library."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from rhapsode.errors import RhapsodeError

GONE = 404
"""Status of what is not there any more."""

WAIT_S = 150.0
"""How long an answer of the server is waited for."""


class ClientError(RhapsodeError):
    """A server refused something, or is not there.

    Args:
        message: of the server.
        status: of HTTP; 0 where there is none.

    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Http:
    """Asks one server.

    Args:
        url: as "http://127.0.0.1:8420".
        token: of the server; empty for none.

    Raises:
        ClientError: the address is none.

    """

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClientError(f"an address of a stage looks like http://127.0.0.1:8420, got '{url}'")
        self.url = url.rstrip("/")
        self.own = _is_loopback(parts.hostname)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        handlers = (ProxyHandler({}),) if self.own else ()
        self._opener: OpenerDirector = build_opener(*handlers)

    @property
    def socket_url(self) -> str:
        """Where the WebSocket is."""
        return f"{self.url.replace('http', 'ws', 1)}/ws?hello=1"

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the server answers.

        Raises:
            ClientError: it refuses, or is not there.

        """
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        kind = {} if data is None else {"Content-Type": "application/json"}
        request = Request(f"{self.url}{path}", data, {**self.headers, **kind}, method=method)
        try:
            with self._opener.open(request, timeout=WAIT_S) as reply:
                return json.load(reply)
        except HTTPError as error:
            raise ClientError(_detail(error), error.code) from None
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise ClientError(
                f"no stage answers at {self.url} ({reason}); start one with 'rhapsode serve'"
            ) from None


def _detail(error: HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"the server answers {error.code} {error.reason}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
