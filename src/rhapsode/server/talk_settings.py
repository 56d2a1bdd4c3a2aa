"""The settings of conversations over HTTP: looked at by all, changed where the server allows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, HTTPException, Request

from rhapsode.errors import SettingError
from rhapsode.server.place import Backstage
from rhapsode.settings import Settings
from rhapsode.settings.words import hide_logins

_T = TypeVar("_T")


def talk_settings() -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/api/settings")
    async def look(request: Request) -> dict[str, Any]:
        backstage = _backstage(request)
        loaded = await _on_disk(backstage, lambda: _files(request).load())
        return await _on_disk(backstage, lambda: _shown(loaded, editable=_editable(request)))

    @router.patch("/api/settings")
    async def change(request: Request, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        backstage = _backstage(request)
        if not _editable(request):
            raise HTTPException(
                403, "only a stage on 127.0.0.1 lets its settings be changed from its own page"
            )
        try:
            loaded = await _on_disk(backstage, lambda: _files(request).save(body))
        except SettingError as error:
            raise HTTPException(422, str(error)) from None
        backstage.talking.apply(loaded.settings)
        return await _on_disk(backstage, lambda: _shown(loaded, editable=True))

    return router


def _shown(loaded: Any, *, editable: bool) -> dict[str, Any]:
    return {
        "settings": hide_logins(loaded.settings.model_dump(mode="json")),
        "schema": Settings.model_json_schema(),
        "presets": [{"name": preset.name, "about": preset.about} for preset in _module().presets()],
        "file": str(loaded.file),
        "origins": dict(loaded.origins),
        "editable": editable,
    }


def _editable(request: Request) -> bool:
    """Tell whether who asks may change the file: the settings name programs' addresses and folders."""
    return bool(request.scope["state"]["own_page"]) and _backstage(request).settings.sinks_allowed


def _files(request: Request) -> Any:
    """Return what reads and writes the file of settings: the sources that the server was started with."""
    return request.app.state.store or _module()


def _module() -> Any:
    """Return the module that reads and writes the file of settings.

    Raises:
        HTTPException: this installation has none.

    """
    try:
        return import_module("rhapsode.settings.load")
    except ImportError:
        raise HTTPException(501, "this installation keeps no file of settings") from None


def _backstage(request: Request) -> Backstage:
    backstage: Backstage = request.app.state.backstage
    return backstage


async def _on_disk(backstage: Backstage, job: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(backstage.disk, job)
