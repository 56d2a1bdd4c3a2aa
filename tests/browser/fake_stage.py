"""A stage server for tests of the page alone: it speaks protocol 3 with made-up curves and tones.

It keeps what clients said in `FakeStage.said`, drops connections on demand, and serves the built page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint

from rhapsode.settings.sections import Settings
from tests.browser.fake_client import Client
from tests.browser.fake_rest import add_rest
from tests.browser.fake_session import FakeSession
from tests.browser.fake_settings import add_settings
from tests.browser.fake_talk import FakeTalk

STATIC = Path(__file__).parents[2] / "src" / "rhapsode" / "server" / "static"
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' blob: data:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'self'"
)


class FakeStage:
    """The server's memory, which tests may look into."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.heard: list[bytes] = []
        self.sessions: dict[str, FakeSession] = {}
        self.clients: set[Client] = set()
        self.takes: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.uploaded: dict[str, bytes] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.address = ""
        self.old = False  # True: speak protocol 1
        self.talks = self.editable = True
        self.settings = Settings()
        self.changes: list[dict[str, Any]] = []
        self.forget()

    def forget(self) -> None:
        """Be as new, but for the connections."""
        for kept in (self.said, self.heard, self.takes, self.asked, self.changes):
            kept.clear()
        self.talks = self.editable = True
        self.settings = Settings()
        self.uploaded.clear()
        self.add_take("A first take")
        self.add_take("Morning, second reading")

    def new(self) -> FakeSession:
        session = FakeSession(f"session-{len(self.sessions) + 1}")
        self.sessions[session.name] = session
        return session

    def add_take(self, name: str) -> None:
        number = len(self.takes) + 1
        text = "The morning came in through the big blue windows."
        self.takes.append({"id": f"t{number}", "name": name, "seconds": 3.6 + number, "has_sound": True,
                           "created": f"2026-03-0{number}T09:30:00Z", "text": text})  # fmt: skip

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of a type that clients have sent."""
        return [message for message in self.said if message["type"] == kind]

    def drop(self) -> None:
        """Cut all connections, as a network does."""
        assert self.loop
        for client in list(self.clients):
            asyncio.run_coroutine_threadsafe(client.socket.close(1012), self.loop).result(5)

    def play(self, scene: Callable[[FakeTalk], Coroutine[Any, Any, None]]) -> None:
        """Let a scene happen in the conversations of all clients."""
        assert self.loop
        for client in list(self.clients):
            asyncio.run_coroutine_threadsafe(scene(client.talk), self.loop).result(10)

    def tell(self, event: str, **fields: Any) -> None:
        """Tell all clients an event of their conversation."""
        self.play(lambda talk: talk.tell(event, **fields))

    def answer(self, text: str, *, emotion: str | None = None) -> None:
        """Have all clients' spoken question answered."""

        async def scene(talk: FakeTalk) -> None:
            talk.client.start(talk.answer(text, spoken=True, emotion=emotion))

        self.play(scene)

    def app(self) -> FastAPI:
        """Return the application."""
        app = FastAPI(docs_url=None, redoc_url=None)

        @app.middleware("http")
        async def guard(request: Request, answer: RequestResponseEndpoint) -> Response:
            response = await answer(request)
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response

        @app.websocket("/ws")
        async def stage(socket: WebSocket) -> None:
            self.loop = asyncio.get_running_loop()
            await Client(self, socket).serve()

        add_rest(app, self)
        add_settings(app, self)
        app.mount("/", StaticFiles(directory=STATIC, html=True), name="stage")
        return app
