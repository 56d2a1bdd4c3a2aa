"""What was kept of conversations over HTTP: read, searched, exported, deleted where the server allows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request, Response

from rhapsode.dialogue.log.export import MEDIA, Format, export
from rhapsode.errors import InputError
from rhapsode.server.place import Backstage

_T = TypeVar("_T")
Limit = Annotated[int, Query(ge=1, le=500)]
Days = Annotated[int, Query(ge=1, le=3650)]


def conversations_rest() -> APIRouter:
    """Return the routes.

    All are refused to pages of other sites, and beyond 127.0.0.1 unless sinks are allowed: who may talk may
    not read what others said.
    """
    router = APIRouter(prefix="/api/conversations")
    _reading(router)
    _one(router)
    return router


def _reading(router: APIRouter) -> None:
    @router.get("")
    async def look(
        request: Request, limit: Limit = 50, before: str = "", search: str = "", person: str = ""
    ) -> dict[str, Any]:
        remember = _backstage(request).talking.memory.remember
        kept = {"keeps": remember.conversations, "sound": remember.sound, "days": remember.days}
        empty: dict[str, Any] = {"conversations": [], "next": None, "total": 0}
        found = await _read(
            request,
            lambda database: _log().conversations(
                database, limit=limit, before=before, search=search, person=person
            ),
            empty,
        )
        return {**found, **kept}

    @router.get("/unanswered")
    async def unanswered(request: Request, limit: Limit = 100, days: Days = 90) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        found = await _read(
            request, lambda database: _log().unanswered(database, limit=limit, days=days), rows
        )
        return {"days": days, "questions": found}

    @router.get("/latency")
    async def latency(
        request: Request, days: Days = 30, asked: Literal["all", "spoken", "written"] = "all"
    ) -> dict[str, Any]:
        empty: dict[str, Any] = {"days": days, "stages": [], "turns": []}
        return await _read(
            request, lambda database: _measuring().latency(database, days=days, asked=asked), empty
        )

    @router.delete("")
    async def forget_person(request: Request, person: str = "") -> dict[str, int]:
        if not person:
            raise InputError("name whose conversations are to be deleted: ?person=...")
        return {"deleted": await _forget(request, person=person)}


def _one(router: APIRouter) -> None:
    @router.get("/{key}")
    async def look(key: str, request: Request) -> dict[str, Any]:
        return await _found(request, key)

    @router.delete("/{key}")
    async def forget(key: str, request: Request) -> dict[str, int]:
        if (count := await _forget(request, conversation=key)) == 0:
            raise _unknown(key)
        return {"deleted": count}

    @router.get("/{key}/export")
    async def document(
        key: str, request: Request, format_name: Annotated[Format, Query(alias="format")] = "json"
    ) -> Response:
        text = export(await _found(request, key), format_name)
        headers = {"Content-Disposition": f'attachment; filename="conversation-{key[:8]}.{format_name}"'}
        return Response(text.encode("utf-8"), media_type=MEDIA[format_name], headers=headers)

    @router.get("/{key}/sound/{turn}")
    async def sound(
        key: str, turn: int, request: Request, role: Literal["user", "assistant"] = "user"
    ) -> Response:
        found = await _read(request, lambda database: _log().sound(database, key, turn, role), None)
        if found is None:
            raise _unknown(key)
        return Response(found, media_type="audio/flac")


async def _found(request: Request, key: str) -> dict[str, Any]:
    found: dict[str, Any] | None = await _read(
        request, lambda database: _log().conversation(database, key), None
    )
    if found is None:
        raise _unknown(key)
    return found


async def _forget(request: Request, *, conversation: str = "", person: str = "") -> int:
    def work(database: Any) -> int:
        from rhapsode.dialogue.log.removing import forget

        return forget(database, conversation=conversation, person=person)

    return await _read(request, work, 0)


def _log() -> ModuleType:
    """Return what reads; imported in the thread that asks."""
    from rhapsode.dialogue.log import reading

    return reading


def _measuring() -> ModuleType:
    from rhapsode.dialogue.log import measuring

    return measuring


def _unknown(key: str) -> HTTPException:
    return HTTPException(404, f"no conversation '{key[:40]}'; it was deleted, or has another number")


async def _read(request: Request, job: Callable[[Any], _T], otherwise: _T) -> _T:
    """Return what ``job`` makes of the database, in a thread; ``otherwise`` where there is none.

    Raises:
        HTTPException: who asks may not read.

    """
    backstage = _backstage(request)
    if not (request.scope["state"]["own_page"] and backstage.settings.sinks_allowed):
        raise HTTPException(
            403,
            "what was kept of conversations is shown on 127.0.0.1 only; start the server with --allow-sinks, "
            "or use: rhapsode conversations",
        )
    memory = backstage.talking.memory

    def work() -> _T:
        database = memory.database()
        return otherwise if database is None else job(database)

    return await asyncio.get_running_loop().run_in_executor(backstage.disk, work)


def _backstage(request: Request) -> Backstage:
    backstage: Backstage = request.app.state.backstage
    return backstage
