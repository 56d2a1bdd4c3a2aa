"""The HTTP and WebSocket application: the built stage, avatars, sample recordings, sessions."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.websockets import WebSocketDisconnect, WebSocketState

from rhapsode import __version__
from rhapsode.avatars import default_name, locate, names
from rhapsode.errors import InputError, RhapsodeError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import EMOTIONS
from rhapsode.face.shaping import styles
from rhapsode.live.engine import Engine, ProductEngine
from rhapsode.live.session import Session
from rhapsode.server.client import Client
from rhapsode.server.messages import MessageError, parse_message
from rhapsode.server.samples import find_sample, samples
from rhapsode.server.settings import ServerSettings

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"

POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' blob: data:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'self'"
)
"""What the page may load: nothing from anywhere else."""

_REFUSED, _TOO_MANY, _BAD_MESSAGE, _FAILED = 1008, 1013, 1007, 1011


def create_app(settings: ServerSettings | None = None, *, engine: Engine | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: how to listen and what to allow.
        engine: speaks and animates; tests bring their own.

    Raises:
        AvatarError: the avatar of the settings does not exist.

    """
    settings = settings or ServerSettings()
    avatars = _avatars(settings.avatar)
    chosen = engine or ProductEngine(settings.voice)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ThreadPoolExecutor(settings.workers, thread_name_prefix="rhapsode") as pool:
            app.state.pool, app.state.sessions = pool, set()
            if isinstance(chosen, ProductEngine):
                pool.submit(_warm_up, chosen)
            yield

    app = FastAPI(title="Rhapsode", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.settings, app.state.engine = settings, chosen

    @app.middleware("http")
    async def _headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        hashed = request.url.path.startswith("/assets/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response

    @app.get("/api/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "version": __version__, "sessions": len(app.state.sessions)}

    @app.get("/api/avatars")
    async def list_avatars() -> dict[str, Any]:
        rows = [{"name": name, "url": f"/avatars/{name}.vrm"} for name in avatars]
        return {"avatars": rows, "default": next(iter(avatars), None)}

    @app.get("/avatars/{name}.vrm")
    async def avatar_file(name: str) -> FileResponse:
        if name not in avatars:
            raise HTTPException(404, f"no avatar '{name}', known are: {', '.join(avatars) or 'none'}")
        return FileResponse(avatars[name], media_type="model/gltf-binary")

    @app.get("/api/samples")
    async def list_samples() -> list[dict[str, Any]]:
        return [sample.as_json() for sample in samples()]

    @app.get("/samples/{name}.flac")
    async def sample_file(name: str) -> FileResponse:
        try:
            return FileResponse(find_sample(name).path, media_type="audio/flac")
        except InputError as error:
            raise HTTPException(404, str(error)) from None

    @app.get("/api/styles")
    async def list_styles() -> list[str]:
        return list(styles())

    @app.get("/api/emotions")
    async def list_emotions() -> list[str]:
        return list(EMOTIONS)

    @app.websocket("/ws")
    async def stage(socket: WebSocket) -> None:
        await _serve(socket, app, settings)

    app.mount("/", StaticFiles(directory=STATIC, html=True, check_dir=False), name="stage")
    return app


def _avatars(first: str) -> dict[str, Path]:
    """Return the files by name, the one shown first in front."""
    shipped = {name: locate(name) for name in names()}
    if not first:
        first = default_name()
        if first not in shipped:
            return shipped
    path = locate(first)
    return {path.stem: path} | {name: file for name, file in shipped.items() if name != path.stem}


def _warm_up(engine: ProductEngine) -> None:
    try:
        engine.warm_up()
    except RhapsodeError as error:
        log.error("the engine is not ready: %s", error)


def _same_origin(socket: WebSocket) -> bool:
    """Tell whether the page that connects came from this server; programs send no origin."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")


async def _serve(socket: WebSocket, app: FastAPI, settings: ServerSettings) -> None:
    """Serve one connection until either side ends it."""
    if not _same_origin(socket):
        await socket.close(_REFUSED, "this page comes from another address")
        return
    await socket.accept()

    async def send(message: dict[str, Any] | bytes) -> None:
        if isinstance(message, bytes):
            await socket.send_bytes(message)
        else:
            await socket.send_text(json.dumps(message, ensure_ascii=False))

    if len(app.state.sessions) >= settings.max_sessions:
        text = f"the stage serves {settings.max_sessions} connections at once and all are taken; try later"
        await send({"type": "error", "message": text, "fatal": True})
        await socket.close(_TOO_MANY, "all connections are taken")
        return
    direction = Direction(settings.weights, emotion="")
    session = Session(app.state.engine, app.state.pool, direction=direction, max_text=settings.max_text)
    client = Client(session, app.state.engine, send)
    app.state.sessions.add(session)
    jobs = (session.run(), client.run(), _listen(socket, client, send))
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await _close(socket, send, next(iter(done)).exception())
    finally:
        app.state.sessions.discard(session)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: WebSocket, client: Client, send: Callable[..., Awaitable[None]]) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") is None:
            raise MessageError("the stage takes text messages in JSON, got a binary one; see the protocol")
        request = parse_message(message["text"])
        try:
            await client.handle(request)
        except InputError as error:
            await send({"type": "error", "message": str(error), "fatal": False})


async def _close(
    socket: WebSocket, send: Callable[..., Awaitable[None]], error: BaseException | None
) -> None:
    """Say why the connection ends, where there is somebody left to hear it."""
    if error is None or isinstance(error, WebSocketDisconnect):
        return
    code, message = _BAD_MESSAGE, str(error)
    if not isinstance(error, MessageError):
        code = _FAILED
        if not isinstance(error, RhapsodeError):
            log.error("a session failed", exc_info=error)
            message = f"the server failed ({type(error).__name__}); its log says more"
    if socket.client_state is WebSocketState.CONNECTED:
        try:
            await send({"type": "error", "message": message, "fatal": True})
            await socket.close(code)
        except (WebSocketDisconnect, RuntimeError):
            log.debug("the client left before it heard: %s", message)
