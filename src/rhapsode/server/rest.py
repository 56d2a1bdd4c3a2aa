"""What the page asks for over HTTP besides its session: avatars, takes, tables."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask

from rhapsode.errors import InputError, RhapsodeError
from rhapsode.face.emotion import EMOTIONS
from rhapsode.face.shaping import styles
from rhapsode.formats.registry import FORMATS, format_of
from rhapsode.live.sinks.registry import SCHEMES
from rhapsode.server.access import MAX_UPLOAD_BYTES
from rhapsode.server.doctor import Check, check_handshake, check_origin, examine
from rhapsode.server.place import Backstage
from rhapsode.server.samples import find_sample, samples
from rhapsode.server.wardrobe import Wardrobe, input_message

MAX_EXPORTS = 4
"""Exports that may be under way at once; more are asked to come back."""

_T = TypeVar("_T")


class Rename(BaseModel):
    """The new name of a take."""

    model_config = ConfigDict(extra="forbid")

    name: str


def rest(wardrobe: Wardrobe) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    _tables(router)
    _avatars(router, wardrobe)
    _takes(router, wardrobe)
    return router


def _tables(router: APIRouter) -> None:
    @router.get("/api/doctor")
    async def doctor(request: Request) -> dict[str, Any]:
        backstage = _backstage(request)
        checks = await _slowly(request, lambda: _examined(backstage))
        host, port = request.scope.get("server") or ("127.0.0.1", backstage.settings.port)
        own = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        checks.append(await check_handshake(own, request.app.state.token))
        secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        checks.append(check_origin(request.url.hostname or "", secure=secure))
        return {"checks": [asdict(check) for check in checks]}

    @router.get("/api/samples")
    async def list_samples() -> list[dict[str, Any]]:
        return [sample.as_json() for sample in samples()]

    @router.get("/samples/{name}.flac")
    async def sample_file(name: str) -> FileResponse:
        try:
            return FileResponse(find_sample(name).path, media_type="audio/flac")
        except InputError as error:
            raise HTTPException(404, str(error)) from None

    @router.get("/api/styles")
    async def list_styles() -> list[str]:
        return list(styles())

    @router.get("/api/emotions")
    async def list_emotions() -> list[str]:
        return list(EMOTIONS)

    @router.get("/api/formats")
    async def list_formats() -> list[dict[str, Any]]:
        return [
            {
                "extension": extension,
                "name": row.name,
                "description": row.description,
                "reads": row.reader is not None,
                "writes": row.writer is not None,
            }
            for extension, row in FORMATS.items()
        ]

    @router.get("/api/sinks/schemes")
    async def list_schemes(request: Request) -> list[dict[str, Any]]:
        allowed = _backstage(request).settings.sinks_allowed
        return [
            {"scheme": row.scheme, "example": row.example, "name": row.name, **_available(row.needs, allowed)}
            for row in SCHEMES.values()
        ]


def _available(needs: tuple[str, str] | None, allowed: bool) -> dict[str, Any]:
    """Return whether a sink can be added, and why not."""
    reason = None
    if not allowed:
        reason = "only a stage on 127.0.0.1 allows sinks, or one started with --allow-sinks"
    elif needs is not None and find_spec(needs[0]) is None:
        reason = f"{needs[0]} is not installed; get it with: pip install 'rhapsode[{needs[1]}]'"
    return {"available": reason is None, "reason": reason}


def _avatars(router: APIRouter, wardrobe: Wardrobe) -> None:
    @router.get("/api/avatars")
    async def list_avatars() -> dict[str, Any]:
        rows = [{"name": row.name, "url": row.url, "brought": row.brought} for row in wardrobe.rows()]
        return {"avatars": rows, "default": rows[0]["name"] if rows else None}

    @router.get("/avatars/{name}")
    async def avatar_file(name: str) -> FileResponse:
        try:
            return FileResponse(wardrobe.find(name).path, media_type="model/gltf-binary")
        except InputError as error:
            raise HTTPException(404, str(error)) from None

    @router.get("/api/avatars/{name}/report")
    async def avatar_report(name: str, request: Request) -> dict[str, Any]:
        return await _slowly(request, lambda: wardrobe.report(name))

    @router.post("/api/avatars")
    async def bring_avatar(
        request: Request, name: Annotated[str, Query(max_length=200)] = "avatar"
    ) -> dict[str, Any]:
        disk = _backstage(request).disk
        part = await _in(disk, wardrobe.begin)
        try:
            size = 0
            with part.open("wb") as out:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > MAX_UPLOAD_BYTES:
                        raise HTTPException(
                            413, f"an avatar may hold {MAX_UPLOAD_BYTES >> 20} MiB; make it smaller"
                        )
                    out.write(chunk)
            row, report = await _slowly(request, lambda: wardrobe.keep(part, name))
        except InputError as error:
            raise HTTPException(400, input_message(error, part)) from None
        finally:
            part.unlink(missing_ok=True)
        return {"name": row.name, "url": row.url, "report": report}


def _takes(router: APIRouter, wardrobe: Wardrobe) -> None:
    @router.get("/api/takes")
    async def list_takes(request: Request) -> list[dict[str, Any]]:
        takes = _backstage(request).takes
        return [asdict(facts) for facts in await _in(_backstage(request).disk, takes.all)]

    @router.patch("/api/takes/{take}")
    async def rename_take(take: str, body: Rename, request: Request) -> dict[str, Any]:
        takes = _backstage(request).takes
        return asdict(await _in(_backstage(request).disk, lambda: takes.rename(take, body.name)))

    @router.delete("/api/takes/{take}")
    async def delete_take(take: str, request: Request) -> dict[str, Any]:
        takes = _backstage(request).takes
        await _in(_backstage(request).disk, lambda: takes.delete(take))
        return {}

    @router.get("/api/takes/{take}/curves")
    async def take_curves(
        take: str,
        request: Request,
        names: Annotated[str, Query(max_length=2000)] = "jawOpen",
        points: int = 400,
    ) -> dict[str, Any]:
        takes, wanted = _backstage(request).takes, tuple(name for name in names.split(",") if name)
        return await _in(_backstage(request).disk, lambda: takes.curves(take, wanted, points))

    @router.get("/api/takes/{take}/export")
    async def export_take(
        take: str,
        request: Request,
        extension: Annotated[str, Query(alias="format", pattern=r"^\.?[A-Za-z0-9]{1,10}$")],
        start_s: float = 0.0,
        end_s: float | None = None,
        avatar: Annotated[str, Query(max_length=200)] = "",
    ) -> FileResponse:
        backstage = _backstage(request)
        facts = await _in(backstage.disk, lambda: backstage.takes.facts(take))
        extension = f".{extension.lstrip('.').lower()}"
        format_of(f"take{extension}")
        chosen = wardrobe.find(avatar).path if avatar else None
        folder = Path(tempfile.mkdtemp(prefix="rhapsode-export-"))
        path = folder / f"take{extension}"

        def write() -> None:
            backstage.takes.export(take, path, start_s=start_s, end_s=end_s, avatar=chosen)

        try:
            await _slowly(request, write)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in facts.name).strip("-") or take
        clean = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        return FileResponse(
            path, media_type="application/octet-stream", filename=f"{name}{extension}", background=clean
        )


def _examined(backstage: Backstage) -> list[Check]:
    return examine(backstage.settings, backstage.engine, talk=backstage.talking.settings)


def _backstage(request: Request) -> Backstage:
    backstage: Backstage = request.app.state.backstage
    return backstage


async def _in(pool: Any, job: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(pool, job)


async def _slowly(request: Request, job: Callable[[], _T]) -> _T:
    """Do a long job in the pool of such jobs; refuse where many wait for it already."""
    state = request.app.state
    if state.slow_jobs >= MAX_EXPORTS:
        raise HTTPException(503, f"{MAX_EXPORTS} long jobs are under way; try again in a moment")
    state.slow_jobs += 1
    try:
        return await _in(_backstage(request).slow, job)
    finally:
        state.slow_jobs -= 1


def status_of(error: RhapsodeError) -> int:
    """Return the HTTP status that tells of ``error``."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return status
    if isinstance(error, InputError):
        return 404 if str(error).startswith("no ") else 400
    return 500
