"""Sessions over HTTP: created, spoken to, asked, interrupted, ended; their events as a stream."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from rhapsode.conversation.events import Answered, Answering, Asked, Event, Shown
from rhapsode.errors import RhapsodeError
from rhapsode.server.access import Bucket
from rhapsode.server.messages import Language, Tongue
from rhapsode.server.place import Place
from rhapsode.server.sessions import Sessions
from rhapsode.server.sse import EventStream, last_seen

WAIT_S = 120.0
"""How long the whole answer to a question is waited for."""

LOOK_S = 1.0
"""How often it is looked whether who waits is still there."""


class TooFastError(RhapsodeError):
    """More is asked for than may be."""

    status = 429


class TooLongError(RhapsodeError):
    """An answer is not over in time."""

    status = 504


class Words(BaseModel):
    """What to say or to answer."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=32_000)]
    language: Language = ""


class Question(Words):
    """A question, and whether its whole answer is waited for."""

    wait: bool = False


class Listening(BaseModel):
    """What language a session listens for."""

    model_config = ConfigDict(extra="forbid")

    language: Tongue = ""


def talk_rest() -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/sessions")

    @router.post("", status_code=201)
    async def create(request: Request, person: str = "", body: Listening | None = None) -> dict[str, Any]:
        state = request.app.state
        if not hasattr(state, "new_sessions"):
            most = state.settings.max_says_minute
            state.new_sessions = Bucket(most / 60, most)
        _not_too_fast(state.new_sessions, "sessions")
        place = _sessions(request).create()
        place.person = person
        if body is not None:
            place.talk.language = body.language
        return _facts(place)

    @router.get("/{session}")
    async def look(session: str, request: Request) -> dict[str, Any]:
        return _facts(_sessions(request).find(session))

    @router.patch("/{session}")
    async def change(session: str, body: Listening, request: Request) -> dict[str, Any]:
        place = _sessions(request).find(session)
        place.talk.language = body.language
        return _facts(place)

    @router.delete("/{session}")
    async def end(session: str, request: Request) -> dict[str, Any]:
        sessions = _sessions(request)
        sessions.drop(sessions.find(session))
        return {}

    @router.post("/{session}/say")
    async def say(session: str, body: Words, request: Request) -> dict[str, Any]:
        sessions = _sessions(request)
        with sessions.held(sessions.find(session)) as place:
            _not_too_fast(place.wishes, "performances")
            if not place.talk.available:
                place.session.say(body.text)
                return {"turn": None}
            return {"turn": (await place.talk.open()).say(body.text, language=body.language)}

    @router.post("/{session}/ask")
    async def ask(session: str, body: Question, request: Request) -> dict[str, Any]:
        sessions = _sessions(request)
        with sessions.held(sessions.find(session)) as place:
            _not_too_fast(place.wishes, "performances")
            conversation = await place.talk.open()
            if not body.wait:
                return {"turn": conversation.ask(body.text, language=body.language)}
            with Awaited(place) as awaited:
                awaited.turn = conversation.ask(body.text, language=body.language)
                return await awaited.answer(request)

    @router.post("/{session}/interrupt")
    async def interrupt(session: str, request: Request) -> dict[str, Any]:
        sessions = _sessions(request)
        with sessions.held(sessions.find(session)) as place:
            place.talk.interrupt()
        return {}

    @router.post("/{session}/forget")
    async def forget(session: str, request: Request) -> dict[str, Any]:
        sessions = _sessions(request)
        with sessions.held(sessions.find(session)) as place:
            place.talk.forget()
        return {}

    @router.get("/{session}/events")
    async def events(session: str, request: Request, after: int | None = None) -> Response:
        sessions = _sessions(request)
        seen = last_seen(request.headers.get("last-event-id"), after)
        return EventStream(sessions, sessions.find(session), seen)

    return router


class Awaited:
    """Gathers the answer to one turn.

    Args:
        place: where it is asked.

    Attributes:
        turn: that is waited for; what comes before it is known is kept.

    """

    def __init__(self, place: Place) -> None:
        self._place, self._news = place, asyncio.Event()
        self._happened: list[Event] = []
        self._stop = place.talk.watch(self._take)
        self.turn = 0

    def __enter__(self) -> Awaited:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    async def answer(self, request: Request) -> dict[str, Any]:
        """Return the answer once it is over or was interrupted.

        Raises:
            TooLongError: that takes too long, or nobody waits any more.
            RhapsodeError: the conversation is over.

        """
        try:
            async with asyncio.timeout(WAIT_S):
                while (over := self._over()) is None:
                    self._news.clear()
                    try:
                        async with asyncio.timeout(LOOK_S):
                            await self._news.wait()
                    except TimeoutError:
                        if await request.is_disconnected():
                            raise TooLongError("nobody waits for the answer any more") from None
                    if self._place.talk.conversation is None:
                        raise RhapsodeError("the conversation ended before the answer did; ask again")
        except TimeoutError:
            raise TooLongError(
                f"the answer to turn {self.turn} is not over after {WAIT_S:g} s; "
                "ask without wait and listen to the events"
            ) from None
        return {"turn": self.turn, **over}

    def _take(self, event: Event) -> None:
        self._happened.append(event)
        self._news.set()

    def _over(self) -> dict[str, Any] | None:
        """Return the answer; None while it is not over."""
        source: dict[str, Any] = {"kind": "", "id": "", "score": None}
        shown: list[dict[str, Any]] = []
        suggestions: list[str] = []
        for event in self._happened:
            if isinstance(event, Asked) and event.turn > self.turn:
                return _answered("", "", "", True, source, shown, suggestions)
            if getattr(event, "turn", None) != self.turn:
                continue
            if isinstance(event, Answering):
                source = {"kind": event.kind, "id": event.id, "score": event.score}
            elif isinstance(event, Shown):
                suggestions += event.suggestions
                if event.url:
                    shown.append({"title": event.title, "url": event.url})
            elif isinstance(event, Answered):
                parts = (event.text, event.meant, event.language, event.interrupted)
                return _answered(*parts, source, shown, suggestions)
        return None


def _answered(
    text: str,
    meant: str,
    language: str,
    interrupted: bool,
    source: dict[str, Any],
    shown: list[dict[str, Any]],
    suggestions: list[str],
) -> dict[str, Any]:
    return {
        "answer": text,
        "meant": meant,
        "language": language,
        "interrupted": interrupted,
        "source": source,
        "shown": shown,
        "suggestions": suggestions,
    }


def _facts(place: Place) -> dict[str, Any]:
    return {
        "session": place.session.id,
        "person": place.person,
        "watchers": len(place.watchers),
        "talk": place.talk.facts,
        **place.talk.history(),
    }


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


def _not_too_fast(bucket: Bucket, what: str) -> None:
    if wait := bucket.take(asyncio.get_running_loop().time()):
        raise TooFastError(f"too many {what} within a minute; try again in {wait:.0f} s")
