"""Polly without Amazon: what its service answers, as a server, and as a stand-in for Amazon's package."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import numpy as np

RATE = 16_000
WORD_S, LEAD_S, TAIL_S = 0.4, 0.1, 0.2
VISEMES = ["sil", "p", "t", "S", "T", "f", "k", "i", "r", "s", "u", "@", "a", "e", "E", "o", "O"]


def spoken_text(asked: dict[str, Any]) -> str:
    return re.sub(r"<[^>]*>", "", asked["Text"])


def sound(text: str) -> bytes:
    """Return the sound of a text, 16-bit at 16 kHz."""
    count = len(text.split())
    y = np.zeros(round((LEAD_S + count * WORD_S + TAIL_S) * RATE), np.int16)
    y[round(LEAD_S * RATE) : round((LEAD_S + count * WORD_S) * RATE)] = 6000
    return y.tobytes()


def marks(text: str, ssml: str = "", *, later_ms: int = 0) -> str:
    """Return the speech marks of a text: a letter a viseme; places are those in ``ssml``."""
    rows: list[dict[str, Any]] = []
    begin = max((ssml or text).find(text), 0)
    rows.append(
        {"time": 0, "type": "sentence", "start": begin, "end": begin + len(text.encode()), "value": text}
    )
    at = begin
    for k, word in enumerate(text.split()):
        bare = word.rstrip(".,!?")
        at = (ssml or text).index(word, at)
        start = LEAD_S + k * WORD_S
        place = {"start": at, "end": at + len(bare)}
        rows.append({"time": round(1000 * start), "type": "word", **place, "value": bare})
        for n, letter in enumerate(bare):
            time = round(1000 * (start + n / len(bare) * WORD_S))
            rows.append({"time": time, "type": "viseme", "value": VISEMES[1 + ord(letter) % 16]})
    end = LEAD_S + len(text.split()) * WORD_S
    rows.append({"time": round(1000 * end), "type": "viseme", "value": "sil"})
    rows.sort(key=lambda row: row["time"])
    return "".join(json.dumps({**row, "time": row["time"] + later_ms}) + "\n" for row in rows)


def answer(asked: dict[str, Any]) -> bytes:
    """Return the body that answers a request."""
    text = spoken_text(asked)
    if asked["OutputFormat"] == "json":
        assert asked["SpeechMarkTypes"] == ["sentence", "word", "viseme"]
        return marks(text, asked["Text"]).encode()
    assert (asked["OutputFormat"], asked["SampleRate"]) == ("pcm", "16000")
    return sound(text)


class FaultError(Exception):
    """Any fault of Amazon's package."""


class RefusedError(FaultError):
    """A request is refused."""


class Body:
    """The body of an answer, which comes bit by bit."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aenter__(self) -> Body:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read(self) -> bytes:
        return self._content

    async def iter_chunks(self, size: int) -> AsyncIterator[bytes]:
        for first in range(0, len(self._content), size):
            await asyncio.sleep(0.002)
            yield self._content[first : first + size]


class Client:
    """What the package makes of `answer`, with the delays that a test sets."""

    sound_s, marks_s = 0.05, 0.04
    """How long sound and marks take."""

    refuses: Callable[[dict[str, Any]], bool] = staticmethod(lambda asked: False)
    asked: list[dict[str, Any]]

    def __init__(self) -> None:
        Client.asked = []

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def synthesize_speech(self, **asked: Any) -> dict[str, Body]:
        self.asked.append(asked)
        await asyncio.sleep(self.marks_s if asked["OutputFormat"] == "json" else self.sound_s)
        if self.refuses(asked):
            raise RefusedError("An error occurred (EngineNotSupportedException)")
        return {"AudioStream": Body(answer(asked))}


@contextmanager
def installed() -> Iterator[type[Client]]:
    """Put this in the place of Amazon's package."""
    names = ("aiobotocore", "aiobotocore.session", "botocore", "botocore.exceptions")
    users = ("pipecat.services.aws.tts", "rhapsode.pipecat.polly")
    before = {name: sys.modules.pop(name, None) for name in (*names, *users)}
    for name in names:
        sys.modules[name] = ModuleType(name)

    class Session:
        def create_client(self, service: str, **_: Any) -> Client:
            assert service == "polly"
            return Client()

    sys.modules["aiobotocore"].session = sys.modules[names[1]]  # type: ignore[attr-defined]
    sys.modules[names[1]].get_session = Session  # type: ignore[attr-defined]
    sys.modules[names[3]].BotoCoreError, sys.modules[names[3]].ClientError = FaultError, RefusedError  # type: ignore[attr-defined]
    try:
        yield Client
    finally:
        Client.sound_s, Client.marks_s, Client.refuses = 0.05, 0.04, staticmethod(lambda asked: False)
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@contextmanager
def served() -> Iterator[str]:
    """Serve `answer` as Polly does; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if self.path == "/v1/speech" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
