"""A worker of LiveKit that is the face of agents in other processes: dispatched to a room by its name.

python -m rhapsode.livekit start        # LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET as ever
"""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any

from livekit.agents import AutoSubscribe, JobContext, JobRequest, WorkerOptions

from rhapsode.errors import RhapsodeError, SettingError
from rhapsode.livekit.avatar import serve
from rhapsode.livekit.video import FaceVideo

_log = logging.getLogger(__name__)

NAME = "rhapsode-face"
"""Under which the worker is dispatched, and the identity that it joins a room with."""

OPTIONS = ("avatar", "size", "fps", "camera", "background")
"""Of `FaceVideo`, which a job's metadata may hold too."""


def worker_options(*, agent_name: str = NAME, **options: Any) -> WorkerOptions:
    """Return what LiveKit's ``cli.run_app`` runs.

    Args:
        agent_name: under which it is dispatched; the identity of the face.
        **options: of `FaceVideo`, for jobs that say nothing else.

    Raises:
        SettingError: an option is not known, or out of range.

    """
    FaceVideo(**_checked(options))
    return WorkerOptions(
        entrypoint_fnc=partial(entrypoint, options=options),
        request_fnc=partial(accept, identity=agent_name),
        agent_name=agent_name,
    )


async def accept(request: JobRequest, *, identity: str = NAME) -> None:
    """Take a job; the agent sends its sound to ``identity``."""
    await request.accept(identity=identity, name=identity)


async def entrypoint(ctx: JobContext, *, options: dict[str, Any] | None = None) -> None:
    """Be the face of the agent in the job's room until it leaves.

    Args:
        ctx: its metadata may be a JSON object: "sender" is the agent's identity (the first agent in the room
            where it names none), the rest are `OPTIONS`.
        options: of `FaceVideo`, where the metadata says nothing else.

    """
    try:
        told = _told(ctx.job.metadata)
        sender = told.pop("sender", None)
        video = FaceVideo(**_checked({**(options or {}), **told}))
        await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        await serve(ctx.room, video, sender=sender)
    except RhapsodeError as error:
        _log.error("no face for room '%s': %s", ctx.room.name, error)
        ctx.shutdown(reason=str(error))
        return
    ctx.shutdown(reason="the agent has left")


def _told(metadata: str) -> dict[str, Any]:
    if not metadata:
        return {}
    try:
        told = json.loads(metadata)
    except json.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise SettingError(
            f"a job's metadata must be a JSON object, got {metadata[:80]!r}; "
            'write {"avatar": "mira", "sender": "agent-1"}'
        )
    if isinstance(told.get("size"), list):
        told["size"] = tuple(told["size"])
    return told


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in OPTIONS:
            raise SettingError(f"unknown option '{name}' of a face; valid: {', '.join(OPTIONS)}, sender")
    return options
