"""What a live session takes: from sound to packets, from an interruption to a closed mouth.

Everything runs as users run it: the shipped engine, real UDP and WebSocket sockets, three sinks on, sound in
chunks of 20 ms at the pace of speech. Receivers read in threads of their own and note when a packet came.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

from bench.face import make_sound
from rhapsode.audio.decode import open_sound
from rhapsode.face.direction import Direction
from rhapsode.live.engine import ProductEngine
from rhapsode.live.items import Item, ListenItem
from rhapsode.live.runner import SinkRunner
from rhapsode.live.session import Session
from rhapsode.live.sinks.registry import open_sink
from rhapsode.performance import CLOCK_HZ
from rhapsode.protocols.frame import Decoder, FaceFrame
from rhapsode.protocols.livelink import LiveLinkDecoder
from rhapsode.protocols.vmc import VmcDecoder
from rhapsode.rigs import FACE

CHUNK = 960
RATE = 48_000
TEXT = (
    "When you interrupt me in the middle of a long sentence, I fall silent at once and close my mouth. " * 4
)
OPEN = 0.12
"""Opening of the jaw, less the lips' own closing, above which a mouth is open."""


class Receiver:
    """Reads packets in a thread and notes when each moment came."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port = self._socket.getsockname()[1]
        self.got: list[tuple[float, FaceFrame]] = []
        self._on = True
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while self._on:
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                continue
            at = time.monotonic()
            frame = self._decoder.decode(data)
            if frame is not None:
                self.got.append((at, frame))

    def close(self) -> None:
        """Read no more."""
        self._on = False
        self._thread.join()
        self._socket.close()


class Notes:
    """Remembers where the microphone begins on the clock."""

    def __init__(self) -> None:
        self.listens: list[int] = []

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if isinstance(item, ListenItem):
            self.listens.append(item.sound)

    def interrupted(self, generation: int) -> None:
        """Do nothing."""


@contextmanager
def _receivers() -> Iterator[tuple[Receiver, Receiver]]:
    pair = Receiver(VmcDecoder()), Receiver(LiveLinkDecoder())
    try:
        yield pair
    finally:
        for one in pair:
            one.close()


async def _on_stage(
    work: Callable[[Session, list[SinkRunner]], Any], urls: list[str], got: list[tuple[float, int]]
) -> Any:
    """Run ``work`` with a session and three sinks; ``got`` takes what a WebSocket client reads, and when."""
    with ThreadPoolExecutor(2) as pool:
        session = Session(ProductEngine(), pool, direction=Direction(emotion=""))
        runners = [SinkRunner(url, *_ordered(url, session)) for url in urls]
        for runner in runners:
            session.attach(runner)
        tasks = [asyncio.create_task(job) for job in (session.run(), *(r.run() for r in runners))]
        await session.ready.wait()
        await asyncio.sleep(0.5)
        reader = asyncio.create_task(_read_all("ws://127.0.0.1:8799", got))
        try:
            return await work(session, runners)
        finally:
            for task in (*tasks, reader):
                task.cancel()
            await asyncio.gather(*tasks, reader, return_exceptions=True)


def _ordered(url: str, session: Session) -> tuple[Any, Any, Any]:
    sink, options = open_sink(url)
    return sink, session.timeline, options


async def _read_all(url: str, got: list[tuple[float, int]]) -> None:
    async with connect(url) as channel:
        async for text in channel:
            got.append((time.monotonic(), int(json.loads(text)["sample"])))


def latency(seconds: float = 30.0, *, folder: Path) -> dict[str, Any]:
    """Time from a chunk of sound coming in until the packet of its moment was received, ms."""
    sound = np.concatenate(list(open_sound(make_sound(folder / "line.wav"), block_s=1).blocks()))[:, 0]
    with _receivers() as (vmc, livelink):
        urls = [f"vmc://127.0.0.1:{vmc.port}", f"livelink://127.0.0.1:{livelink.port}", "ws://127.0.0.1:8799"]
        came: list[float] = []
        notes = Notes()

        async def speak(session: Session, runners: list[SinkRunner]) -> dict[str, Any]:
            session.attach(notes)
            session.listen(RATE)
            begun = time.monotonic()
            for k in range(round(seconds / 0.02)):
                await asyncio.sleep(max(begun + (k + 1) * 0.02 - time.monotonic(), 0))
                at = k * CHUNK % (len(sound) - CHUNK)
                came.append(time.monotonic())
                session.hear(sound[at : at + CHUNK])
            return {r.url.split(":")[0]: _rounded(r.status.latency_ms) for r in runners}

        read: list[tuple[float, int]] = []
        told = asyncio.run(_on_stage(speak, urls, read))
        start = notes.listens[0]
        found = [
            (at - came[k]) * 1000 for at, sample in read if 50 <= (k := (sample - start) // 320) < len(came)
        ]
    return {"websocket_received_ms": _spread(found), "by_the_runner_ms": told, "packets": len(found)}


def interruption(trials: int = 30) -> dict[str, Any]:
    """Time from `Session.interrupt` until a receiver sees the mouth closed for good, ms."""
    waits: list[float] = []
    with _receivers() as (vmc, livelink):
        urls = [f"vmc://127.0.0.1:{vmc.port}", f"livelink://127.0.0.1:{livelink.port}", "ws://127.0.0.1:8799"]

        async def speak(session: Session, runners: list[SinkRunner]) -> None:
            chance = random.Random(0)
            for _ in range(trials):
                session.say(TEXT)
                await asyncio.sleep(chance.uniform(0.5, 2.5))
                while not vmc.got or _opening(vmc.got[-1][1]) < OPEN:
                    await asyncio.sleep(0.005)
                at = time.monotonic()
                session.interrupt()
                await asyncio.sleep(0.6)
                after = [(t, f) for t, f in vmc.got if t >= at]
                last_open = max((t for t, f in after if _opening(f) >= OPEN), default=at)
                closed = min((t for t, f in after if t > last_open), default=at + 0.6)
                waits.append((closed - at) * 1000)

        asyncio.run(_on_stage(speak, urls, []))
    return {"closed_ms": _spread(waits), "trials": trials}


def _opening(frame: FaceFrame) -> float:
    return frame["jawOpen"] - frame["mouthClose"]


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 95, 100)}


def _rounded(pair: tuple[float, float] | None) -> list[float] | None:
    return pair and [round(part, 1) for part in pair]


def measure(folder: Path) -> dict[str, Any]:
    """Measure both."""
    assert len(FACE) == 61
    assert CLOCK_HZ == 16_000
    return {"sound_to_packet": latency(folder=folder), "interruption": interruption()}
