"""A server's sessions in virtual time, with connections that are lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rhapsode.performance import Float32
from rhapsode.protocols.stage_packets import CurvesPacket, Packet, SoundPacket, parse
from rhapsode.server.connection import Welcome, converse
from rhapsode.server.place import Backstage
from rhapsode.server.sessions import Sessions
from rhapsode.server.settings import ServerSettings
from rhapsode.server.takes import Takes
from rhapsode.server.talking import Talking
from tests.live.fake import JAW, FakeEngine
from tests.live.virtual import Inline, play

_T = TypeVar("_T")


class Wire:
    """The client's end of a connection."""

    def __init__(self) -> None:
        self.got: list[tuple[float, dict[str, Any] | Packet]] = []
        self.closed: int | None = None
        self.reading = asyncio.Event()
        self.reading.set()
        self._coming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None

    async def receive(self) -> str | bytes | None:
        return await self._coming.get()

    async def send(self, data: str | bytes, *, live: bool = False) -> None:
        await self.reading.wait()
        self.got.append((now(), json.loads(data) if isinstance(data, str) else parse(data)))

    async def close(self, code: int, reason: str = "") -> None:
        self.closed = code

    def say(self, *messages: dict[str, Any] | str | bytes) -> None:
        for message in messages:
            self._coming.put_nowait(message if isinstance(message, str | bytes) else json.dumps(message))

    def leave(self) -> None:
        self._coming.put_nowait(None)

    def hear(self, y: Float32, rate: int = 16_000) -> None:
        self.say(bytes(SoundPacket(0, 0, y, rate)))

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [one for _, one in self.got if isinstance(one, dict) and one["type"] == kind]

    @property
    def errors(self) -> list[str]:
        return [one["message"] for one in self.told("error")]

    @property
    def session(self) -> str:
        return str(self.told("ready")[-1]["session"])

    def curves(self) -> list[CurvesPacket]:
        return [one for _, one in self.got if isinstance(one, CurvesPacket)]

    def sound(self, generation: int) -> Float32:
        parts = [p.samples for _, p in self.got if isinstance(p, SoundPacket) and p.generation == generation]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def sound_came(self, generation: int) -> bool:
        return len(self.sound(generation)) > 0

    def jaw(self, generation: int) -> Float32:
        parts = [c.values[:, JAW] for c in self.curves() if c.generation == generation]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    async def until(self, met: Callable[[], object]) -> None:
        limit = now() + 600
        while not met() and now() < limit:
            await asyncio.sleep(0.005)
        seen = [one["type"] if isinstance(one, dict) else type(one).__name__ for _, one in self.got]
        assert met(), f"it did not happen; came: {seen[-12:]}, errors: {self.errors}"


class House:
    """All that a server has, without HTTP."""

    def __init__(self, folder: Path, *, talking: Talking | None = None, **settings: Any) -> None:
        self.engine = FakeEngine()
        self.settings = ServerSettings(takes=str(folder), **settings)
        pool = Inline()
        self.takes = Takes(self.settings.takes_folder)
        talking = talking or Talking(off="nobody converses here; ask elsewhere")
        self.backstage = Backstage(self.settings, self.engine, pool, pool, pool, self.takes, talking)
        self.sessions = Sessions(self.backstage)
        self.wires: list[Wire] = []

    def connect(self, *first: dict[str, Any], **welcome: Any) -> Wire:
        wire = Wire()
        wire.say(*(first or ({"type": "hello"},)))
        job = converse(wire, self.sessions, self.backstage, Welcome(**welcome))
        wire.task = asyncio.ensure_future(job)
        self.wires.append(wire)
        return wire

    async def end(self) -> None:
        """End all connections, then all sessions."""
        for wire in self.wires:
            wire.reading.set()
            wire.leave()
        await asyncio.gather(*(wire.task for wire in self.wires if wire.task))
        await self.sessions.close()

    async def ready(self, *first: dict[str, Any], **welcome: Any) -> Wire:
        wire = self.connect(*first, **welcome)
        await wire.until(lambda: bool(wire.told("ready")))
        return wire


def now() -> float:
    return asyncio.get_running_loop().time()


def at_home(scene: Callable[[House], Awaitable[_T]], folder: Path, **settings: Any) -> _T:
    """Play a scene with a house of its own, and end everything after it."""

    async def run() -> _T:
        house = House(folder, **settings)
        try:
            return await scene(house)
        finally:
            await house.end()

    return play(run())


def tone(seconds: float, level: float = 0.5, rate: int = 16_000) -> Float32:
    return np.full(round(seconds * rate), level, np.float32)
