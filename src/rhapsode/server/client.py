"""One connected client: its requests become calls of its session, the session's items become messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from rhapsode.errors import RhapsodeError
from rhapsode.face.direction import Direction
from rhapsode.live.asked import Speech
from rhapsode.live.engine import SAMPLE_RATE, Engine
from rhapsode.live.items import (
    BeginItem,
    CurvesItem,
    EndItem,
    FaultItem,
    IdleItem,
    Item,
    ListenItem,
    SoundItem,
    WordsItem,
)
from rhapsode.live.session import SPEECH_AHEAD_S, Session
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Words
from rhapsode.protocols.stage_packets import CurvesPacket, SoundPacket
from rhapsode.server.messages import PROTOCOL, ClientMessage, Hello, Sample, Say, live_controls
from rhapsode.server.samples import find_sample

Send = Callable[[dict[str, Any] | bytes], Awaitable[None]]

LIFE_KEPT = 200
"""Curve frames of life that wait for a client at most (4 s); older ones are left out."""

SOUND_KEPT_S = 3 * SPEECH_AHEAD_S
"""Sound that waits for a client at most; who reads slower than that is let go."""


STUCK_S = 20.0
"""A client that takes nothing for so long is let go."""


class SlowClientError(RhapsodeError):
    """A client does not read what it is sent; the connection cannot go on."""


class Client:
    """Stands between a connection and a session.

    Args:
        session: of the client.
        engine: plays the samples.
        send: sends one message; may wait as long as the connection needs.

    """

    def __init__(self, session: Session, engine: Engine, send: Send) -> None:
        self._session, self._engine, self._send = session, engine, send
        self._waiting: deque[Item] = deque()
        self._sound_s = 0.0
        self._news = asyncio.Event()
        self._listening = False

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        self._waiting.append(item)
        if isinstance(item, SoundItem):
            self._sound_s += len(item.samples) / item.sample_rate
        elif isinstance(item, CurvesItem) and not self._sound_s:
            self._leave_out_old_life()
        self._news.set()

    def interrupted(self, generation: int) -> None:
        """Forget what is older than ``generation`` and not sent yet."""
        self._waiting = deque(item for item in self._waiting if item.generation >= generation)
        self._sound_s = sum(len(i.samples) / i.sample_rate for i in self._waiting if isinstance(i, SoundItem))

    async def handle(self, message: ClientMessage) -> None:
        """Do what a client asks for.

        Raises:
            InputError: it cannot be done; the session goes on.

        """
        if isinstance(message, Hello):
            self._session.direct(direction_of(message, self._session.direction.weights))
        elif isinstance(message, Say):
            self._session.say(message.text)
        elif isinstance(message, Sample):
            sample = find_sample(message.name)
            self._session.perform(Speech(sample.text, "sample", lambda: self._engine.play(sample.path)))
        else:
            self._session.interrupt()

    async def run(self) -> None:
        """Send until cancelled.

        Raises:
            SlowClientError: the client does not read.

        """
        await self._session.ready.wait()
        await self._send(
            {
                "type": "ready",
                "protocol": PROTOCOL,
                "generation": self._session.generation,
                "clock_hz": CLOCK_HZ,
                "curve_hz": CURVE_HZ,
                "sample_rate": SAMPLE_RATE,
                "names": list(self._engine.names),
            }
        )
        self._session.attach(self)
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._waiting:
                    await self._send_one(self._waiting.popleft())
        finally:
            self._session.detach(self)

    async def _send_one(self, item: Item) -> None:
        if isinstance(item, SoundItem):
            if self._sound_s > SOUND_KEPT_S:
                raise SlowClientError(
                    f"{self._sound_s:.0f} s of sound wait to be read, at most {SOUND_KEPT_S:.0f} may; "
                    "read faster and connect again"
                )
            self._sound_s = max(self._sound_s - len(item.samples) / item.sample_rate, 0.0)
        if isinstance(item, ListenItem):
            self._listening = True
        elif isinstance(item, BeginItem | IdleItem):
            self._listening = False
        for message in self._messages(item):
            try:
                async with asyncio.timeout(STUCK_S):
                    await self._send(message)
            except TimeoutError:
                raise SlowClientError(
                    f"the client took nothing for {STUCK_S:.0f} s; read on and connect again"
                ) from None

    def _messages(self, item: Item) -> Iterator[dict[str, Any] | bytes]:
        """Yield what a client is told of ``item``."""
        if isinstance(item, CurvesItem):
            yield bytes(CurvesPacket(item.generation, item.start, item.values))
        elif isinstance(item, SoundItem):
            if not self._listening:  # nobody wants to hear his own microphone
                yield bytes(SoundPacket(item.generation, item.start, item.samples, item.sample_rate))
        else:
            yield told(item)

    def _leave_out_old_life(self) -> None:
        kept = sum(len(item.values) for item in self._waiting if isinstance(item, CurvesItem))
        while kept > LIFE_KEPT:
            old = next(item for item in self._waiting if isinstance(item, CurvesItem))
            self._waiting.remove(old)
            kept -= len(old.values)


def told(item: BeginItem | WordsItem | EndItem | IdleItem | ListenItem | FaultItem) -> dict[str, Any]:
    """Return the text message of an item."""
    if isinstance(item, FaultItem):
        return {"type": "error", "message": item.message, "fatal": False}
    if isinstance(item, WordsItem):
        return {
            "type": "words",
            "generation": item.generation,
            "words": _rows(item.words, item.start),
        }
    if isinstance(item, EndItem):
        return {"type": "end", "generation": item.generation, "sample": item.sample}
    made: dict[str, Any] = {"generation": item.generation, "start": item.start}
    if isinstance(item, BeginItem):
        return {"type": "begin", **made, "sample_rate": SAMPLE_RATE, "text": item.text, "kind": item.kind}
    return {"type": "idle" if isinstance(item, IdleItem) else "listen", **made}


def direction_of(hello: Hello, weights: str | Path) -> Direction:
    """Return how a client wants to be played.

    Raises:
        InputError: a style, an emotion or a control is unknown or out of range.

    """
    controls = live_controls(hello)
    return Direction(
        weights, hello.style, hello.strength, hello.seed, emotion=hello.emotion, controls=controls
    )


def _rows(words: Words, start: int) -> list[list[Any]]:
    return [
        [span.text, start + round(span.start_s * CLOCK_HZ), start + round(span.end_s * CLOCK_HZ)]
        for span in words.words
    ]
