"""One connection to `tests.browser.fake_stage`: what it asks for, and what is played to it."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from tests.browser.fake_curves import (
    CLOCK_HZ,
    HEADER,
    HOP,
    NAMES,
    SAMPLE_RATE,
    curves_packet,
    face_at,
    sound_packet,
)
from tests.browser.fake_session import FakeSession
from tests.browser.fake_talk import FakeTalk, facts

if TYPE_CHECKING:
    from tests.browser.fake_stage import FakeStage

Then = Callable[[], Awaitable[None]]


class Client:
    """One connection: reads what is asked for, and plays it."""

    def __init__(self, stage: FakeStage, socket: WebSocket) -> None:
        self.stage, self.socket = stage, socket
        self.session: FakeSession | None = None
        self.listening = self.dead = False
        self.anchor = (0, time.monotonic())
        self.job: asyncio.Task[None] | None = None
        self.talk, self.hearing = FakeTalk(self), False

    async def send(self, **message: Any) -> None:
        await self.socket.send_text(json.dumps(message))

    async def serve(self) -> None:
        await self.socket.accept()
        self.stage.clients.add(self)
        ticking = asyncio.create_task(self.each_second())
        try:
            patience_s = 30.0 if "hello" in self.socket.query_params else 1.0
            first = await asyncio.wait_for(self.socket.receive_text(), patience_s)
        except TimeoutError:
            first = '{"type": "hello"}'
        try:
            hello = json.loads(first)
            self.stage.said.append(hello)
            await self.greet(hello)
            self.job = asyncio.create_task(self.idle())
            while True:
                await self.take(await self.socket.receive())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.dead = True
            self.stage.clients.discard(self)
            for task in (ticking, self.job):
                if task:
                    task.cancel()

    async def greet(self, hello: dict[str, Any]) -> None:
        name = str(hello.get("session") or "")
        resumed = name in self.stage.sessions
        self.session = (
            self.stage.sessions.setdefault(name, FakeSession(name)) if resumed else self.stage.new()
        )
        self.anchor = (self.session.clock, time.monotonic())
        if self.stage.old:
            await self.send(
                type="ready", protocol=1, generation=0, clock_hz=CLOCK_HZ, curve_hz=50,
                sample_rate=SAMPLE_RATE, names=NAMES,
            )  # fmt: skip
            return
        await self.send(
            type="ready", protocol=3, generation=self.session.generation, clock_hz=CLOCK_HZ, curve_hz=50,
            sample_rate=SAMPLE_RATE, names=NAMES, session=self.session.name, resumed=resumed,
            talk=facts(self.stage.talks),
        )  # fmt: skip
        self.talk.history, self.talk.turn = self.session.history, len(self.session.history)
        if self.session.history:
            await self.talk.tell("history", turns=self.session.history)
        if self.session.sinks:
            await self.send(type="sinks", sinks=self.session.sinks)

    async def take(self, event: MutableMapping[str, Any]) -> None:
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        assert self.session
        if event.get("bytes") is not None:
            self.stage.heard.append(event["bytes"])
            await self.hear(event["bytes"])
            return
        message = json.loads(event["text"])
        self.stage.said.append(message)
        kind = message["type"]
        if kind in ("say", "sample", "take"):
            self.start(self.speak(message.get("text", "A line of the take"), kind))
        elif kind == "ask":
            await self.talk.cut()
            self.start(self.talk.answer(message["text"]))
        elif kind == "stop":
            self.start(self.idle(announce=True))
            await self.talk.cut()
        elif kind == "mic" and message["on"] and message.get("to") == "talk":
            self.hearing = True
            await self.talk.tell("history", turns=self.session.history, state="idle")
        elif kind == "mic" and message["on"]:
            self.start(self.listen())
        elif kind == "mic" and self.hearing:
            self.hearing = False
        elif kind == "mic":
            self.listening = False
            self.start(self.idle(announce=True))
        elif kind == "forget":
            self.session.history.clear()
        elif kind == "ping":
            await self.send(type="pong", t=message["t"])
        elif kind.startswith("sink_"):
            await self.change_sinks(kind, message)
        elif kind == "record":
            self.session.recording = time.monotonic() if message["on"] else None
            if not message["on"]:
                self.stage.add_take(message.get("name") or "Take")
            await self.tell_recording()

    def start(self, work: Any) -> None:
        """Do ``work`` in place of what is done now."""
        assert self.session
        if self.job:
            self.job.cancel()
        self.session.generation += 1
        self.session.clock = max(self.session.clock, self.now())
        self.job = asyncio.create_task(work)

    def now(self) -> int:
        sample, at = self.anchor
        return sample + round((time.monotonic() - at) * 50) * HOP

    async def idle(self, announce: bool = False) -> None:
        session = self.session
        assert session
        if announce:
            await self.send(type="idle", generation=session.generation, start=session.clock)
        while True:
            while session.clock < self.now() + 0.4 * CLOCK_HZ:
                values = face_at(session.clock, 10)
                await self.socket.send_bytes(curves_packet(session.generation, session.clock, values))
                session.clock += 10 * HOP
            await asyncio.sleep(0.1)

    async def speak(self, text: str, kind: str, began: Then | None = None, ended: Then | None = None) -> None:
        session = self.session
        assert session
        generation, start = session.generation, session.clock
        frames = max(100, 6 * len(text))
        names = {"say": "text"}
        await self.send(type="begin", generation=generation, start=start, sample_rate=SAMPLE_RATE, text=text,
                        kind=names.get(kind, kind))  # fmt: skip
        words = text.split()
        step = frames * HOP // max(len(words), 1)
        rows = [[word, start + k * step, start + (k + 1) * step] for k, word in enumerate(words)]
        await self.send(type="words", generation=generation, words=rows)
        tone = np.sin(2 * np.pi * 220 * np.arange(frames * 480) / SAMPLE_RATE).astype(np.float32) * 0.1
        for first in range(0, frames, 25):
            count = min(25, frames - first)
            at = start + first * HOP
            await self.socket.send_bytes(curves_packet(generation, at, face_at(at, count, 0.6)))
            await self.socket.send_bytes(
                sound_packet(generation, at, tone[first * 480 : (first + count) * 480])
            )
            await asyncio.sleep(0)
        session.clock = start + frames * HOP
        await self.send(type="end", generation=generation, sample=session.clock)
        self.anchor = (start, time.monotonic())
        if began is not None:
            await began()
        if ended is not None:
            # It is over when it has been heard.
            await asyncio.sleep(frames / 50 + 0.2)
            await ended()
        await self.send(type="idle", generation=generation, start=session.clock)
        await self.idle()

    async def listen(self) -> None:
        assert self.session
        self.listening = True
        await self.send(type="listen", generation=self.session.generation, start=self.session.clock)
        await asyncio.Event().wait()

    async def hear(self, packet: bytes) -> None:
        """Move the mouth as loud as the microphone is."""
        session = self.session
        if not self.listening or session is None:
            return
        _, _, _, _, _, _, count, rate = HEADER.unpack_from(packet)
        samples = np.frombuffer(packet, "<i2", offset=HEADER.size) / 32768
        rms = float(np.sqrt(np.mean(samples**2))) if count else 0.0
        frames = round(count / rate * 50) or 1
        values = face_at(session.clock, frames)
        values[:, NAMES.index("jawOpen")] = min(1.0, 4 * rms)
        await self.socket.send_bytes(curves_packet(session.generation, session.clock, values))
        session.clock += frames * HOP
        level = 20 * math.log10(max(rms, 1e-5))
        await self.send(type="level", rms_db=level, activity=float(rms > 0.01))

    async def change_sinks(self, kind: str, message: dict[str, Any]) -> None:
        assert self.session
        trouble = self.session.change_sinks(kind, message)
        if trouble:
            await self.send(type="error", message=trouble, fatal=False)
        else:
            await self.send(type="sinks", sinks=self.session.sinks)

    async def tell_recording(self) -> None:
        assert self.session
        since = self.session.recording
        on = since is not None
        await self.send(type="recording", on=on, id="t9" if on else None, error=None,
                        seconds=time.monotonic() - since if since else 0.0)  # fmt: skip

    async def each_second(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await asyncio.sleep(1.0)
                if self.session is None or self.stage.old:
                    continue
                await self.send(type="metrics", engine_ms=[4.1, 7.9], chunk_to_packet_ms=[46.0, 61.0],
                                ahead_ms=390.0, queued=2, dropped=0, sessions=len(self.stage.clients),
                                real_time_factor=0.08)  # fmt: skip
                for row in self.session.sinks:
                    row["sent"] += 60 if row["state"] == "open" else 0
                if self.session.sinks:
                    await self.send(type="sinks", sinks=self.session.sinks)
                if self.session.recording is not None:
                    await self.tell_recording()
