"""A session with what belongs to it: who watches, its sinks, its take; it outlives its connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol

from rhapsode.errors import InputError, RhapsodeError
from rhapsode.face.direction import Direction
from rhapsode.live.engine import Engine
from rhapsode.live.session import Session
from rhapsode.performance import CURVE_HZ
from rhapsode.server.access import Bucket
from rhapsode.server.outputs import Outputs
from rhapsode.server.recording import Roll, TakeWriter
from rhapsode.server.remembering import Keeping
from rhapsode.server.settings import ServerSettings
from rhapsode.server.takes import TakeFacts, Takes, checked_name
from rhapsode.server.talk import Talk
from rhapsode.server.talking import Talking
from rhapsode.server.viewer import Viewer

TICK_S = 0.2
"""How often sinks are looked at; readings are told every fifth time."""


@dataclass(frozen=True)
class Backstage:
    """What all sessions share.

    Args:
        settings: of the server.
        engine: speaks and animates.
        pool: threads for the steps of sessions.
        disk: threads that read and write takes.
        slow: threads for what takes long and nobody waits for in real time.
        takes: the folder of takes.
        talking: makes conversations.

    """

    settings: ServerSettings
    engine: Engine
    pool: Executor
    disk: Executor
    slow: Executor
    takes: Takes
    talking: Talking = field(default_factory=Talking)


class Watcher(Protocol):
    """Somebody who watches a place."""

    viewer: Viewer

    def fail(self, error: BaseException) -> None:
        """Hear that the session cannot go on."""


@dataclass
class _Recording:
    id: str
    name: str
    writer: TakeWriter


class Place:
    """Runs a session and tells those who watch it how it goes.

    Args:
        backstage: what all sessions share.
        listed: whether others may follow it as the newest session.
        failed: called once it cannot go on, after those who watch it.

    Attributes:
        session: what is run.
        outputs: its sinks.
        watchers: who watches it.
        owner: whose microphone moves the face or is heard by the conversation; None where none is on.
        talk: its conversation.
        person: whoever it talks with, as the embedding program knows them; empty for nobody.
        wishes: how many performances may be asked for by those who are not connected.
        held: how many keep it alive without a connection.

    """

    def __init__(
        self, backstage: Backstage, *, listed: bool = True, failed: Callable[[Place], None] | None = None
    ) -> None:
        settings = backstage.settings
        self._on_failed = failed
        direction = Direction(settings.weights, emotion="")
        self._backstage, self.listed = backstage, listed
        self.session = Session(
            backstage.engine, backstage.pool, direction=direction, max_text=settings.max_text
        )
        self.outputs = Outputs(
            self.session, backstage.pool, allowed=settings.sinks_allowed, limit=settings.max_sinks
        )
        self.watchers: set[Watcher] = set()
        self.owner: Watcher | None = None
        self.talk = Talk(self.session, backstage.talking, backstage.slow, self.tell)
        self.person = ""
        self._keeping = Keeping(backstage.talking.memory, self.session, self.talk, lambda: self.person)
        self.wishes = Bucket(settings.max_says_minute / 60, settings.max_says_minute)
        self.held = 0
        self._recording: _Recording | None = None
        self._told_sinks: list[tuple[Any, ...]] = []
        self._writing = asyncio.Lock()
        self.count = 1
        self._tasks = [asyncio.ensure_future(job) for job in (self.session.run(), self._tick())]
        for task in self._tasks:
            task.add_done_callback(self._failed)

    def tell(self, message: dict[str, Any]) -> None:
        """Tell everybody who watches."""
        for watcher in self.watchers:
            watcher.viewer.tell(message)

    def greet(self, watcher: Watcher) -> None:
        """Tell somebody new what he would otherwise hear with the next change."""
        if len(self.outputs):
            watcher.viewer.tell({"type": "sinks", "sinks": self.outputs.rows()})
        if self._recording is not None:
            watcher.viewer.tell(self._recording_row())
        if (greeting := self.talk.greeting()) is not None:
            watcher.viewer.tell(greeting)

    def deafen(self) -> None:
        """Turn the microphone off, whoever hears it."""
        self.owner = None
        self.session.deafen()
        self.talk.deafen()

    def tell_sinks(self) -> None:
        """Tell everybody how the sinks are."""
        rows = self.outputs.rows()
        self._told_sinks = [_shown(row) for row in rows]
        self.tell({"type": "sinks", "sinks": rows})

    async def record(self, name: str) -> None:
        """Begin a take.

        Raises:
            InputError: one is under way, or the folder of takes cannot be used.

        """
        if self._recording is not None:
            raise InputError("a take is being recorded already; end it first")
        shown = checked_name(name) if name.strip() else ""
        loop = asyncio.get_running_loop()
        key, out = await loop.run_in_executor(self._backstage.disk, self._backstage.takes.begin)
        if self._recording is not None:
            out.abort()
            raise InputError("a take is being recorded already; end it first")
        roll = Roll(self.session.timeline, loop.time())
        self._recording = _Recording(key, shown, TakeWriter(out, self._backstage.disk, roll))
        self.session.attach(roll)
        self.tell(self._recording_row())

    async def end_record(self) -> None:
        """End the take, if one is under way, and keep it."""
        async with self._writing:
            recording, self._recording = self._recording, None
            if recording is None:
                return
            error = None
            roll = recording.writer.roll
            self.session.detach(roll)
            try:
                await recording.writer.write(asyncio.get_running_loop().time())
                if roll.frames:
                    await recording.writer.close()
                    await asyncio.get_running_loop().run_in_executor(
                        self._backstage.disk, self._backstage.takes.describe, _facts(recording)
                    )
                else:
                    recording.writer.abort()
                    error = "the take was too short to keep; record for longer"
            except (OSError, RhapsodeError) as problem:
                recording.writer.abort()
                error = f"the take could not be written: {problem}"
        done = {"type": "recording", "on": False, "id": None if error else recording.id}
        self.tell({**done, "seconds": roll.seconds, "error": error})

    async def close(self) -> None:
        """End everything; a take under way is kept."""
        await self.talk.close()
        self._keeping.close()
        await self.end_record()
        await self.outputs.close()
        for task in self._tasks:
            task.remove_done_callback(self._failed)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            for watcher in list(self.watchers):
                watcher.fail(error)
            if self._on_failed is not None:
                self._on_failed(self)

    async def _tick(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(TICK_S)
            turn += 1
            if len(self.outputs) and [_shown(row) for row in self.outputs.rows()] != self._told_sinks:
                self.tell_sinks()
            if turn % 5:
                continue
            if len(self.outputs):
                self.tell_sinks()
            await self._write()
            for watcher in self.watchers:
                watcher.viewer.tell(self._metrics(watcher.viewer))

    async def _write(self) -> None:
        """Write what the take has so far."""
        async with self._writing:
            if (recording := self._recording) is None:
                return
            try:
                await recording.writer.write(asyncio.get_running_loop().time())
            except (OSError, RhapsodeError) as problem:
                self._recording = None
                self.session.detach(recording.writer.roll)
                recording.writer.abort()
                error = f"the take could not be written: {problem}"
                seconds = recording.writer.roll.seconds
                self.tell({"type": "recording", "on": False, "id": None, "seconds": seconds, "error": error})
                return
        if recording.writer.roll.seconds >= self._backstage.settings.max_take_s:
            await self.end_record()
        elif self._recording is recording:
            self.tell(self._recording_row())

    def _recording_row(self) -> dict[str, Any]:
        assert self._recording is not None
        seconds = round(self._recording.writer.roll.seconds, 2)
        row = {"type": "recording", "on": True, "id": self._recording.id}
        return {**row, "seconds": seconds, "error": None}

    def _metrics(self, viewer: Viewer) -> dict[str, Any]:
        work = self.session.work_ms.spread
        return {
            "type": "metrics",
            "engine_ms": _rounded(work),
            "chunk_to_packet_ms": _rounded(viewer.packet_ms.spread),
            "ahead_ms": viewer.ahead_ms,
            "queued": viewer.waiting,
            "dropped": viewer.dropped,
            "sessions": self.count,
            "real_time_factor": None if work is None else round(work[0] * CURVE_HZ / 1000, 4),
        }


def _facts(recording: _Recording) -> TakeFacts:
    roll = recording.writer.roll
    text = " / ".join(roll.texts)[:2000]
    name = recording.name or text[:60] or f"Take {time.strftime('%Y-%m-%d %H:%M:%S')}"
    return TakeFacts(recording.id, name, roll.seconds, time.time(), roll.audible, text)


def _shown(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["id"], row["state"], row["error"], row["offset_ms"]


def _rounded(spread: tuple[float, float] | None) -> list[float] | None:
    return None if spread is None else [round(value, 2) for value in spread]
