"""The HTTP and WebSocket application: the built stage, avatars, takes, sample recordings, sessions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import ValidationError

from rhapsode import __version__
from rhapsode.errors import InputError, MissingExtraError, RhapsodeError
from rhapsode.live.engine import Engine, ProductEngine
from rhapsode.server.access import Access, make_token
from rhapsode.server.backgrounds import backgrounds
from rhapsode.server.connection import SocketChannel, Welcome, converse
from rhapsode.server.conversations import conversations_rest
from rhapsode.server.place import Backstage
from rhapsode.server.rest import rest, status_of
from rhapsode.server.sessions import Sessions
from rhapsode.server.settings import ServerSettings
from rhapsode.server.settings_watch import follow_file
from rhapsode.server.takes import Takes
from rhapsode.server.talk_rest import talk_rest
from rhapsode.server.talk_settings import talk_settings
from rhapsode.server.talk_tables import talk_tables
from rhapsode.server.talking import Talking
from rhapsode.server.wardrobe import Wardrobe
from rhapsode.settings.load import Store

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"


def create_app(
    settings: ServerSettings | None = None,
    *,
    engine: Engine | None = None,
    talking: Talking | None = None,
    store: Store | None = None,
) -> FastAPI:
    """Return the application; ``app.state.token`` is what every request must know, empty for nothing.

    Args:
        settings: how to listen and what to allow.
        engine: speaks and animates; tests bring their own.
        talking: makes conversations; None for the product's own with its default settings, or for none
            where ``engine`` is not the product's.
        store: where the settings of conversations are read and saved while the server runs; None for the
            file that is found.

    Raises:
        AvatarError: the avatar of the settings does not exist.

    """
    settings = settings or ServerSettings()
    wardrobe = Wardrobe(settings.avatar, settings.avatars_folder, limit=settings.max_avatars)
    chosen = engine or ProductEngine(settings.voice)
    if talking is None:
        off = "" if isinstance(chosen, ProductEngine) else "this engine comes without conversations"
        talking = Talking(off=off)
    conversations = talking

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (
            ThreadPoolExecutor(settings.workers, thread_name_prefix="rhapsode") as pool,
            ThreadPoolExecutor(2, thread_name_prefix="rhapsode-disk") as disk,
            ThreadPoolExecutor(1, thread_name_prefix="rhapsode-slow") as slow,
        ):
            takes = Takes(settings.takes_folder)
            backstage = Backstage(settings, chosen, pool, disk, slow, takes, conversations)
            app.state.backstage, app.state.sessions = backstage, Sessions(backstage)
            app.state.slow_jobs, app.state.peers = 0, None
            conversations.memory.start()
            if isinstance(chosen, ProductEngine):
                pool.submit(_warm_up, chosen)
                slow.submit(conversations.warm_up)
            following = asyncio.ensure_future(_follow(store, conversations, disk))
            yield
            following.cancel()
            if app.state.peers is not None:
                await app.state.peers.close()
            await app.state.sessions.close()
        conversations.close()

    app = FastAPI(title="Rhapsode", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.settings, app.state.engine, app.state.store = settings, chosen, store
    app.state.token = settings.token or ("" if settings.loopback else make_token())
    app.add_middleware(Access, settings=settings, token=app.state.token)

    @app.exception_handler(RhapsodeError)
    async def _told(request: Request, error: RhapsodeError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_of(error))

    @app.exception_handler(RequestValidationError)
    async def _misread(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return JSONResponse({"detail": f"{where}: {first['msg']}"}, 422)

    @app.get("/api/health")
    async def health() -> dict[str, Any]:
        sessions = app.state.sessions
        kept = len(sessions) - sessions.watched
        return {"status": "ok", "version": __version__, "sessions": sessions.watched, "kept": kept}

    @app.websocket("/ws")
    async def stage(
        socket: WebSocket,
        session: str | None = None,
        follow: str | None = None,
        person: str = "",
        hello: bool = False,
    ) -> None:
        await socket.accept()
        welcome = Welcome(session, follow, socket.scope["state"]["own_page"], person, hello)
        await converse(SocketChannel(socket), app.state.sessions, app.state.backstage, welcome)

    @app.websocket("/v1/realtime")
    async def realtime(socket: WebSocket) -> None:
        from rhapsode.server.realtime.connection import serve

        await serve(socket, app.state.sessions, app.state.backstage)

    @app.post("/api/rtc")
    async def rtc(request: Request) -> dict[str, str]:
        return await _answer(app, request)

    app.include_router(rest(wardrobe))
    app.include_router(backgrounds())
    app.include_router(talk_rest())
    app.include_router(talk_tables())
    app.include_router(talk_settings())
    app.include_router(conversations_rest())
    app.mount("/", StaticFiles(directory=STATIC, html=True, check_dir=False), name="stage")
    return app


async def _answer(app: FastAPI, request: Request) -> dict[str, str]:
    """Answer an offer of WebRTC."""
    try:
        from rhapsode.server.rtc import Offer, Peers
    except ImportError:
        raise HTTPException(501, str(MissingExtraError("aiortc", "webrtc"))) from None
    try:
        offer = Offer.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(f"an offer needs sdp and type: {first['loc']}: {first['msg']}") from None
    if app.state.peers is None:
        app.state.peers = Peers(app.state.sessions, app.state.backstage)
    peers: Peers = app.state.peers
    return await peers.answer(offer, trusted=request.scope["state"]["own_page"])


async def _follow(store: Store | None, talking: Talking, pool: ThreadPoolExecutor) -> None:
    """Let conversations go by the file of settings as it is edited."""
    if store is not None:
        await follow_file(store, lambda settings: talking.apply(settings), pool)


def _warm_up(engine: ProductEngine) -> None:
    try:
        engine.warm_up()
    except RhapsodeError as error:
        log.error("the engine is not ready: %s", error)
