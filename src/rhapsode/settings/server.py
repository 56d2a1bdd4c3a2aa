"""Settings of the server, the section [server] of the file of settings."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from rhapsode.places import data_folder
from rhapsode.settings.words import kind_of, value_of

PREFIX = "RHAPSODE_SERVER_"


class ServerSettings(BaseModel):
    """How the server listens and what it allows; what is not given comes from RHAPSODE_SERVER_... variables.

    Args:
        host: address to bind; the default is reachable from this machine only.
        port: TCP port.
        avatar: name of the avatar shown first; empty for the product's default.
        voice: the voice that speaks texts.
        weights: the engine that moves the face.
        max_text: longest text that is spoken at once, characters.
        max_sessions: sessions served at once.
        workers: threads that synthesise and animate.
        keep_s: how long a session outlives its last connection, seconds.
        token: what every request must know; made at the start where the host is no loopback. Environment
            (RHAPSODE_SERVER_TOKEN) and flag only.
        embed_origins: pages of other addresses that may embed the stage ("https://example.org").
        allow_sinks: whether clients may send performances to sinks, which reach other hosts and write files,
            and change settings; None for only where the host is a loopback.
        max_sinks: sinks of one session.
        takes: folder of recorded takes; empty for ``takes`` in the user's data folder.
        avatars: folder of avatars that were brought; empty for ``avatars`` in the user's data folder.
        max_take_s: longest take, seconds.
        max_avatars: how many avatars may be brought.
        max_messages_s: messages that a client may send a second, in the long run.
        max_says_minute: performances that a client may ask for in a minute.
        ice_servers: STUN or TURN servers for WebRTC ("stun:example.org:3478"), where clients are far away.

    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8420
    avatar: str = ""
    voice: str = "hibari"
    weights: str = "live"
    max_text: Annotated[int, Field(ge=1)] = 2000
    max_sessions: Annotated[int, Field(ge=1)] = 64
    workers: Annotated[int, Field(ge=1)] = 4
    keep_s: Annotated[float, Field(ge=0)] = 60.0
    token: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9._~-]*$")] = ""
    embed_origins: tuple[str, ...] = ()
    allow_sinks: bool | None = None
    max_sinks: Annotated[int, Field(ge=0)] = 8
    takes: str = ""
    avatars: str = ""
    max_take_s: Annotated[float, Field(gt=0)] = 3600.0
    max_avatars: Annotated[int, Field(ge=0)] = 100
    max_messages_s: Annotated[float, Field(gt=0)] = 150.0
    max_says_minute: Annotated[float, Field(gt=0)] = 60.0
    ice_servers: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_environment(cls, given: Any, info: ValidationInfo) -> Any:
        """Fill in what the environment says; ``context={"environment": {}}`` leaves it out."""
        if not isinstance(given, dict):
            return given
        environment = (info.context or {}).get("environment", os.environ)
        found = {}
        for name in cls.model_fields.keys() - given.keys():
            if text := environment.get(PREFIX + name.upper(), "").strip():
                found[name] = value_of(text, *kind_of(cls, name), what=PREFIX + name.upper())
        return found | given

    @property
    def loopback(self) -> bool:
        """Whether the server can be reached from this machine only."""
        return is_loopback(self.host)

    @property
    def sinks_allowed(self) -> bool:
        """Whether clients may add sinks."""
        return self.loopback if self.allow_sinks is None else self.allow_sinks

    @property
    def takes_folder(self) -> Path:
        """Where takes are kept."""
        return Path(self.takes) if self.takes else data_folder("takes")

    @property
    def avatars_folder(self) -> Path:
        """Where avatars that were brought are kept."""
        return Path(self.avatars) if self.avatars else data_folder("avatars")


def is_loopback(host: str) -> bool:
    """Tell whether ``host``, a name or an address without a port, is reachable from this machine only."""
    if host.lower() in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
