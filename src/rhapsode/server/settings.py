"""Settings of the server: argument > environment (RHAPSODE_SERVER_...) > default."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServerSettings(BaseSettings):
    """How the server listens and what it allows.

    Args:
        host: address to bind; the default is reachable from this machine only.
        port: TCP port.
        avatar: name of the avatar shown first; empty for the product's default.
        voice: the voice that speaks texts.
        weights: the engine that moves the face.
        max_text: longest text that is spoken at once, characters.
        max_sessions: connections served at once.
        workers: threads that synthesise and animate.

    """

    model_config = SettingsConfigDict(env_prefix="RHAPSODE_SERVER_", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8420
    avatar: str = ""
    voice: str = "hibari"
    weights: str = "live"
    max_text: Annotated[int, Field(ge=1)] = 2000
    max_sessions: Annotated[int, Field(ge=1)] = 64
    workers: Annotated[int, Field(ge=1)] = 4
