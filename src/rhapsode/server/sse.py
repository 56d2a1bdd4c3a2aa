"""Server-sent events of a session's conversation (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import json

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rhapsode.server.place import Place
from rhapsode.server.sessions import Sessions
from rhapsode.server.talk_events import Told

QUIET_S = 15.0
"""After so long without an event a comment keeps the connection alive."""

STUCK_S = 20.0
"""A client that takes nothing for so long is let go."""


class EventStream(Response):
    """Tells all events of a session until it ends, the client goes, or reads too slowly.

    Args:
        sessions: keeps the session alive meanwhile.
        place: of the session.
        seen: id of the last event that the client knows; None for what happens from now on.

    """

    media_type = "text/event-stream"

    def __init__(self, sessions: Sessions, place: Place, seen: int | None) -> None:
        super().__init__()
        self._sessions, self._place, self._first = sessions, place, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        del self.headers["content-length"]
        with self._sessions.held(self._place):
            gone = asyncio.ensure_future(_gone(receive))
            telling = asyncio.ensure_future(self._tell(send))
            try:
                await asyncio.wait((gone, telling), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (gone, telling):
                    task.cancel()
                await asyncio.gather(gone, telling, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        ring = self._place.talk.ring
        seen = ring.last if self._first is None or self._first > ring.last else self._first
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        greeting = "retry: 1000\n\n"
        if seen == ring.last:
            greeting += _event("history", json.dumps(self._place.talk.history(), ensure_ascii=False))
        await _send(send, greeting)
        while True:
            await ring.wait(seen, QUIET_S)
            told = ring.after(seen)
            if told and told[0].id > seen + 1:
                missed = {"from": seen + 1, "to": told[0].id - 1}
                await _send(send, _event("missed", json.dumps(missed)))
            for one in told:
                await _send(send, _written(one))
                seen = one.id
            if not told and ring.closed:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            if not told:
                await _send(send, ": still here\n\n")


def last_seen(header: str | None, after: int | None) -> int | None:
    """Return the id of the last event that a client knows; None for a client that knows none."""
    if header is not None and header.strip().isdecimal():
        return int(header)
    return None if after is None else max(after, 0)


def _written(told: Told) -> str:
    return f"id: {told.id}\n" + _event(told.name, json.dumps(told.data, ensure_ascii=False))


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"


async def _send(send: Send, text: str) -> None:
    async with asyncio.timeout(STUCK_S):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
