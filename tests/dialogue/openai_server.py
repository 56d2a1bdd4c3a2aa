"""A stand-in for a server of language models: real HTTP and server-sent events, on a port of its own.

    with OpenAIServer() as server:
        server.replies("Hello ", "there.")          # the next answers, in order; the last one stays
        Think(base_url=server.base_url, model="small")

How it behaves is set by `Reply`; what it was asked stands in `OpenAIServer.requests`; `wait_gone` tells that
a client closed its request before the answer was over.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

Behaviour = Literal[
    "normal",  # the pieces, then the end
    "slow",  # no first piece until released
    "stall",  # the pieces, then nothing until released
    "garbage",  # 200 with what is no event of the protocol
    "html",  # 200 with a page
    "cut",  # the pieces, then the connection is closed
    "short",  # the pieces, then an orderly end without a reason
    "refuse",  # `status` with `message`
    "endless",  # the last piece again and again
    "silent",  # only events without text until released
]


@dataclass(frozen=True)
class Reply:
    """How one request is answered.

    Args:
        pieces: of the text.
        behaviour: see `Behaviour`.
        calls: tools to be called: name and arguments as JSON.
        status: of a refusal.
        message: of a refusal.
        finish: reason that the model ends with.

    """

    pieces: Sequence[str] = ("Hello", " there", ".")
    behaviour: Behaviour = "normal"
    calls: Sequence[tuple[str, str]] = ()
    status: int = 500
    message: str = "out of order"
    finish: str = "stop"


@dataclass
class OpenAIServer:
    """Serves until it is left.

    Names of ``headers`` are in lower case.

    Args:
        models: that it tells; None for a server that tells none (404).
        key: that requests must bring; empty for any.

    """

    models: Sequence[str] | None = ("small", "large")
    key: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Reply] | None = None

    def __enter__(self) -> OpenAIServer:
        self._replies: list[Reply] = [Reply()]
        self._released = threading.Event()
        self._gone = threading.Event()
        self.waiting = threading.Event()
        server = self

        class Handler(_Handler):
            owner = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def reply(self, *replies: Reply) -> None:
        """Answer the next requests so; the last one stays for all that follow."""
        self._replies = list(replies)

    def replies(self, *pieces: str) -> None:
        """Answer every request with these pieces."""
        self.reply(Reply(pieces))

    def release(self) -> None:
        """Let slow answers go on."""
        self._released.set()

    def wait_gone(self, timeout_s: float = 5.0) -> bool:
        """Wait until a client has closed a request that was not over."""
        return self._gone.wait(timeout_s)

    def next_reply(self, body: dict[str, Any]) -> Reply:
        if self.answer is not None:
            return self.answer(body)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def hold(self, handler: _Handler, beat: bytes = b"") -> bool:
        """Wait to be released; False once the client is gone."""
        self.waiting.set()
        while not self._released.wait(0.01):
            if handler.client_gone() or (beat and not handler.send(beat)):
                self._gone.set()
                return False
        return True

    def went(self) -> None:
        self._gone.set()


class _Handler(BaseHTTPRequestHandler):
    owner: OpenAIServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def client_gone(self) -> bool:
        import select
        import socket

        if not select.select([self.connection], [], [], 0)[0]:
            return False
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def send(self, data: bytes) -> bool:
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        except OSError:
            return False
        return True

    def do_GET(self) -> None:
        models = self.owner.models
        if not self._allowed():
            return
        if self.path != "/v1/models" or models is None:
            self._json(404, {"error": {"message": "not found"}})
            return
        self._json(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.owner.requests.append(body)
        self.owner.headers.append({name.lower(): value for name, value in self.headers.items()})
        if not self._allowed():
            return
        if self.path != "/v1/chat/completions":
            self._json(404, {"error": {"message": "not found"}})
            return
        reply = self.owner.next_reply(body)
        if reply.behaviour == "refuse":
            self._json(reply.status, {"error": {"message": reply.message}})
        else:
            self._stream(body, reply)

    def _allowed(self) -> bool:
        key = self.owner.key
        if key and self.headers.get("Authorization") != f"Bearer {key}":
            told = self.headers.get("Authorization", "")
            self._json(401, {"error": {"message": f"Incorrect API key provided: {told}"}})
            return False
        return True

    def _json(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, body: dict[str, Any], reply: Reply) -> None:
        self.send_response(200)
        kind = "text/html" if reply.behaviour == "html" else "text/event-stream"
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self._events(body, reply):
            self.send(b"")
        else:
            self.close_connection = True

    def _events(self, body: dict[str, Any], reply: Reply) -> bool:
        """Send the answer; False where the connection is to be closed without an end."""

        def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
            return f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode()

        how = reply.behaviour
        if how == "garbage":
            return self.send(b'data: {"choices": [{"delta": {"content": "He\n\ndata: <<<>>>\n\ndata: 12\n\n')
        if how == "html":
            return self.send(b"<html><body>Welcome to the router</body></html>")
        if not self.send(event({"role": "assistant", "content": ""})):
            self.owner.went()
            return False
        if how in ("slow", "silent"):
            beat = event({"content": ""}) if how == "silent" else b""
            if not self.owner.hold(self, beat):
                return False
        for piece in reply.pieces:
            if not self.send(event({"content": piece})):
                self.owner.went()
                return False
        if how == "stall" and not self.owner.hold(self):
            return False
        while how == "endless":
            if self.client_gone() or not self.send(event({"content": reply.pieces[-1]})):
                self.owner.went()
                return False
        if how == "cut":
            return False
        if how == "short":
            return self.send(b"data: [DONE]\n\n")
        for index, (name, arguments) in enumerate(reply.calls):
            half = len(arguments) // 2
            start = {"index": index, "id": f"call_{index}", "type": "function"}
            first = {**start, "function": {"name": name, "arguments": arguments[:half]}}
            self.send(event({"tool_calls": [first]}))
            self.send(event({"tool_calls": [{"index": index, "function": {"arguments": arguments[half:]}}]}))
        self.send(event({}, "tool_calls" if reply.calls else reply.finish))
        return self.send(b"data: [DONE]\n\n")
