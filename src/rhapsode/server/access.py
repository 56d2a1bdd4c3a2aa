"""Who may ask: the token, the page's origin, the host's name, sizes and rates. Pure ASGI."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from rhapsode.server.settings import ServerSettings, is_loopback

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "rhapsode_token"

KEY_PROTOCOL = "openai-insecure-api-key."
"""How browsers that speak the Realtime API give a key: as a subprotocol."""

MAX_BODY_BYTES = 64 * 1024
MAX_UPLOAD_BYTES = 64 * 1024 * 1024
"""What the body of a request may hold: of most, and of one that brings an avatar."""

_SAFE = ("GET", "HEAD", "OPTIONS")


def make_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(18)


class Bucket:
    """Allows so many things a second in the long run, and a burst of them at once.

    Args:
        rate: a second.
        burst: at once.

    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, float("-inf")

    def left(self, now: float) -> float:
        """Return how many may be taken at once at ``now``, in seconds."""
        return min(self._burst, self._left + self._rate * max(now - self._at, 0.0))

    def take(self, now: float) -> float:
        """Take one at ``now``, in seconds; return 0, or after how many seconds one will be there."""
        self._left, self._at = self.left(now), now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0


class Access:
    """Lets through what is allowed, tells the rest why not, and stamps the answers' headers.

    Args:
        app: asked for what is allowed.
        settings: the host, the pages that may embed the stage.
        token: what every request must know; empty for none.

    """

    def __init__(self, app: App, settings: ServerSettings, token: str) -> None:
        self._app, self._settings, self._token = app, settings, token
        self._policy = policy(settings.embed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        scope.setdefault("state", {})["own_page"] = own_page(headers)
        stamped = self._stamped(scope, send, origin)
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and self._embeds(origin):
            await JSONResponse({}, 204)(scope, receive, stamped)
            return
        refused = self._refused(scope, headers)
        if refused is None:
            refused = _too_big(scope, headers)
        if refused is None:
            await self._app(scope, receive, stamped)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refused[1][:120]})
        else:
            await JSONResponse({"detail": refused[1]}, refused[0])(scope, receive, stamped)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Return status and reason where the request is not allowed."""
        origin = headers.get("origin")
        asks_more = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if asks_more and not (own_page(headers) or self._embeds(origin)):
            return 403, f"this page comes from another address ({origin}); allow it with embed_origins"
        if self._token:
            given = _tokens(scope, headers)
            if not any(secrets.compare_digest(one.encode(), self._token.encode()) for one in given):
                return 401, "the server needs its token: open the address that it printed, with ?token=..."
        elif self._settings.loopback and not is_loopback(_host_name(headers)):
            # A page elsewhere whose name was pointed at this machine would otherwise pass as our own.
            return 403, "the server answers to localhost and 127.0.0.1; give it a --token to use other names"
        return None

    def _embeds(self, origin: str | None) -> bool:
        return origin is not None and origin in self._settings.embed_origins

    def _stamped(self, scope: Scope, send: Send, origin: str | None) -> Send:
        """Return ``send`` with our headers on the answer."""

        async def stamp(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"  # the address may hold the token
                hashed = scope["path"].startswith("/assets/") and message["status"] == 200
                headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
                if self._settings.embed_origins:
                    headers.add_vary_header("Origin")
                if origin is not None and self._embeds(origin):
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Allow-Methods"] = "GET, POST, PATCH, DELETE"
                    headers["Access-Control-Allow-Headers"] = "authorization, content-type"
                if self._token and self._token in _query_tokens(scope) and message["status"] < 400:
                    cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Lax; Path=/"
                    headers.append("Set-Cookie", cookie)
            await send(message)

        return stamp


def policy(embed_origins: tuple[str, ...] = ()) -> str:
    """Return the content security policy: nothing from anywhere else, wasm and workers of our own."""
    ancestors = " ".join(("'self'", *embed_origins))
    return (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; "
        "img-src 'self' blob: data:; media-src 'self' blob: data: mediastream:; font-src 'self' data:; "
        "connect-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
        f"base-uri 'self'; form-action 'self'; frame-ancestors {ancestors}"
    )


def own_page(headers: Mapping[str, str]) -> bool:
    """Tell whether the page that asks came from this server; programs send no origin."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _host_name(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _tokens(scope: Scope, headers: Headers) -> list[str]:
    """Return the tokens that a request brings."""
    found = _query_tokens(scope)
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        found.append(value.strip())
    for name in headers.get("sec-websocket-protocol", "").split(","):
        if name.strip().startswith(KEY_PROTOCOL):
            found.append(name.strip().removeprefix(KEY_PROTOCOL))
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return found
    return [*found, cookies[COOKIE].value] if COOKIE in cookies else found


def _query_tokens(scope: Scope) -> list[str]:
    return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])


def _too_big(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    """Return status and reason where a request's body is longer than it may be, or does not say how long."""
    if scope["type"] != "http" or scope["method"] in _SAFE:
        return None
    limit = MAX_UPLOAD_BYTES if scope["path"] == "/api/avatars" else MAX_BODY_BYTES
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        return 411, "a request with a body must say its length; send Content-Length"
    if int(length) > limit:
        return 413, f"the body of this request may hold {limit} bytes, got {length}; send less"
    return None
