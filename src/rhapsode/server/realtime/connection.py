"""The WebSocket ``/v1/realtime``: from the first event to the last."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from rhapsode.errors import RhapsodeError
from rhapsode.server.access import Bucket
from rhapsode.server.client import BURST_S, TooManyError
from rhapsode.server.connection import FAILED, LATER, REFUSED
from rhapsode.server.place import Backstage, Place
from rhapsode.server.realtime.outbox import Outbox, SlowReaderError
from rhapsode.server.realtime.session import RealtimeSession
from rhapsode.server.realtime.update import RealtimeError
from rhapsode.server.sessions import FullError, Sessions, UnknownSessionError
from rhapsode.speech import voices

log = logging.getLogger(__name__)

PROTOCOLS = ("realtime",)
"""Subprotocols that browsers ask for."""


async def serve(socket: WebSocket, sessions: Sessions, backstage: Backstage) -> None:
    """Serve one client until either side ends it; never raises what a client can cause."""
    wanted = socket.scope.get("subprotocols", [])
    await socket.accept(next((name for name in wanted if name in PROTOCOLS), None))
    beta = "realtime=v1" in socket.headers.get("openai-beta", "") or "openai-beta.realtime-v1" in wanted
    try:
        known = socket.query_params.get("session")
        place = sessions.find(known) if known else sessions.create()
        with sessions.held(place):
            await _converse(socket, place, backstage, beta=beta)
    except (WebSocketDisconnect, ConnectionError):
        log.debug("a client of the Realtime API left")
    except Exception as error:
        await _refuse(socket, error)


async def _converse(socket: WebSocket, place: Place, backstage: Backstage, *, beta: bool) -> None:
    outbox = Outbox(socket.send_text, beta=beta)
    await place.talk.open()
    await place.session.ready.wait()
    session = RealtimeSession(
        place,
        outbox,
        model=socket.query_params.get("model", "rhapsode")[:100],
        voices=tuple(voices()),
        beta=beta,
        requests=backstage.settings.max_says_minute,
    )
    jobs = [
        asyncio.ensure_future(job)
        for job in (
            _listen(socket, session, backstage.settings.max_messages_s),
            outbox.run(),
            session.feed.run(),
            _ended(place),
        )
    ]
    try:
        done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            job.result()
    finally:
        session.close()
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def _listen(socket: WebSocket, session: RealtimeSession, rate: float) -> None:
    """Do what the client asks for, until it is gone."""
    bucket, loop = Bucket(rate, BURST_S * rate), asyncio.get_running_loop()
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        if bucket.take(loop.time()):
            raise TooManyError(f"a client may send {rate:g} events a second, got more; send larger pieces")
        if (text := message.get("text")) is None:
            session.complain(RealtimeError("events are JSON text, got a binary message", code="invalid_json"))
        else:
            await session.take(text)


async def _ended(place: Place) -> None:
    """Return once the session is over."""
    ring = place.talk.ring
    while not ring.closed:
        await ring.wait(ring.last, 3600.0)
    raise UnknownSessionError("the session ended")


async def _refuse(socket: WebSocket, error: Exception) -> None:
    """Say why the connection ends, where there is somebody left to hear it."""
    code, message = FAILED, str(error)
    if isinstance(error, FullError):
        code = LATER
    elif isinstance(error, TooManyError | UnknownSessionError | SlowReaderError):
        code = REFUSED
    elif not isinstance(error, RhapsodeError):
        log.error("a Realtime session failed", exc_info=error)
        message = f"the server failed ({type(error).__name__}); its log says more"
    row: dict[str, Any] = {"type": "server_error", "code": "session_ended", "message": message}
    event = {"type": "error", "event_id": "event_last", "error": {**row, "param": None, "event_id": None}}
    try:
        async with asyncio.timeout(1.0):
            if socket.application_state is WebSocketState.CONNECTED:
                await socket.send_text(json.dumps(event, ensure_ascii=False))
                await socket.close(code, message[:100])
    except (WebSocketDisconnect, ConnectionError, RuntimeError, TimeoutError):
        log.debug("the client left before it heard: %s", message)
