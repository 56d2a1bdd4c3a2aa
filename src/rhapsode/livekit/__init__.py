"""A face for agents of LiveKit (extra ``livekit``).

    avatar = AvatarSession(avatar="mira")          # in the entry point of an agent, one line
    await avatar.start(session, room=ctx.room)     # before session.start

- `AvatarSession`: publishes face and voice from the agent's own process.
- `FaceVideo`: the `VideoGenerator` behind it, for an `AvatarRunner` of your own.
- `serve`: the same in a process or machine of its own, which an agent sends its sound to.
- `worker_options`: a worker that is dispatched to rooms: ``python -m rhapsode.livekit start``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rhapsode.errors import MissingExtraError

if TYPE_CHECKING:
    from rhapsode.livekit.avatar import AvatarSession, serve
    from rhapsode.livekit.video import FaceVideo
    from rhapsode.livekit.worker import worker_options

_WHERE = {"AvatarSession": "avatar", "serve": "avatar", "FaceVideo": "video", "worker_options": "worker"}

__all__ = ["AvatarSession", "FaceVideo", "serve", "worker_options"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module '{__name__}' has no '{name}'; it has {', '.join(__all__)}")
    try:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "livekit":
            raise MissingExtraError("LiveKit Agents", "livekit") from error
        raise
