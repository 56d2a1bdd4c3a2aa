"""How many sessions speak at once: microphones into a real server, curves out over WebSockets.

The server is a process of its own, as `rhapsode serve` starts it; so are the clients. Each session brings
speech of its own at the pace of speech, in chunks of 20 ms, and gets its curves back. An interval is the time
between two curve frames of a session coming in; nominal is 20 ms. Every session's jaw is compared with the
jaw of its own sound, and of its neighbour's.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from rhapsode.audio.resample import Resampler
from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.stream import FaceStream
from rhapsode.performance import Float32
from rhapsode.protocols.stage_packets import CurvesPacket, SoundPacket, parse
from rhapsode.rigs import FACE
from rhapsode.server.samples import samples
from rhapsode.sources import FileSource

RATE = 16_000
CHUNK = 320
JAW = FACE.index("jawOpen")
SETTLED = 100
"""Curve frames at the beginning that are not counted (2 s)."""


def speech() -> Float32:
    """Return all sample recordings in one, mono at `RATE`."""
    parts = []
    for sample in samples():
        resampler: Resampler | None = None
        for sound, _ in FileSource(sample.path).blocks():
            resampler = resampler or Resampler(sound.sample_rate, RATE)
            parts.append(resampler.push(sound.mono()))
    return np.concatenate(parts)


class Client:
    """One session: what it says, and when its curves came."""

    def __init__(self, sound: Float32) -> None:
        self.sound = sound
        self.came: list[float] = []
        self.values: list[Float32] = []
        self.live_from = -1

    async def run(self, url: str, begin: float) -> None:
        """Speak and listen until all is said."""
        async with connect(url, max_size=None) as channel:
            reading = asyncio.create_task(self._read(channel))
            await asyncio.sleep(max(begin - time.monotonic(), 0))
            await channel.send(json.dumps({"type": "mic", "on": True, "sample_rate": RATE}))
            started = time.monotonic()
            for at in range(0, len(self.sound) - CHUNK + 1, CHUNK):
                await asyncio.sleep(max(started + (at + CHUNK) / RATE - time.monotonic(), 0))
                await channel.send(bytes(SoundPacket(0, at, self.sound[at : at + CHUNK], RATE)))
            await asyncio.sleep(0.3)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, channel: ClientConnection) -> None:
        async for message in channel:
            now = time.monotonic()
            if isinstance(message, str):
                if json.loads(message)["type"] == "listen":
                    self.live_from = len(self.came)
            else:
                packet = parse(message)
                if isinstance(packet, CurvesPacket):
                    self.came += [now] * len(packet.values)
                    self.values += list(packet.values)

    @property
    def intervals_ms(self) -> Float32:
        """Between curve frames while the microphone was on."""
        return np.diff(self.came[self.live_from + SETTLED :]) * 1000

    def likeness(self, jaw: Float32) -> float:
        """Return the greatest correlation of its jaw with ``jaw`` over a second of lags."""
        own = np.array([row[JAW] for row in self.values[self.live_from :]])
        best = 0.0
        for lag in range(50):
            a, b = own[lag + SETTLED : len(jaw)], jaw[SETTLED : len(own) - lag]
            count = min(len(a), len(b))
            best = max(best, float(np.corrcoef(a[:count], b[:count])[0, 1]))
        return best


def sessions(count: int, seconds: float = 20.0) -> dict[str, Any]:
    """Measure ``count`` sessions that speak at once."""
    y = speech()
    sounds = [_shuffled(y, round(seconds * RATE), seed=k) for k in range(count)]
    clients = [Client(sound) for sound in sounds]
    with _server() as url:
        asyncio.run(_run(clients, url))
    jaws = [_jaw(sound) for sound in sounds]
    p95 = [float(np.percentile(c.intervals_ms, 95)) for c in clients]
    own = [c.likeness(jaw) for c, jaw in zip(clients, jaws, strict=True)]
    other = [c.likeness(jaws[(k + 1) % count]) for k, c in enumerate(clients)] if count > 1 else [0.0]
    return {
        "sessions": count,
        "interval_p95_ms": {"median": round(float(np.median(p95)), 1), "worst": round(max(p95), 1)},
        "times_nominal": round(max(p95) / 20, 2),
        "frames_got": round(min(len(c.came) - c.live_from for c in clients) / (seconds * 50), 3),
        "jaw_like_its_own_sound": round(min(own), 3),
        "jaw_like_the_neighbours": round(max(other), 3),
    }


def disturbance(count: int = 10, seconds: float = 16.0) -> dict[str, Any]:
    """Measure how much longer than nominal others wait when sessions join and leave, ms.

    Between the sixth and the tenth second a session joins and leaves every half second.
    """
    y = speech()
    clients = [Client(_shuffled(y, round(seconds * RATE), seed=k)) for k in range(count)]
    guests = [Client(_shuffled(y, round(0.4 * RATE), seed=100 + k)) for k in range(8)]
    begin = [0.0]

    async def visit(url: str) -> None:
        begin[0] = time.monotonic() + 2
        stay = [c.run(url, begin[0]) for c in clients]
        come = [_later(g.run(url, 0.0), begin[0] + 6 + 0.5 * k) for k, g in enumerate(guests)]
        await asyncio.gather(*stay, *come)

    with _server() as url:
        asyncio.run(visit(url))

    def longest(first: float, last: float) -> list[float]:
        found = []
        for client in clients:
            came = np.array(client.came[client.live_from :])
            inside = came[(came > begin[0] + first) & (came < begin[0] + last)]
            found.append(float(np.diff(inside).max()) * 1000 - 20)
        return found

    return {
        "sessions": count,
        "alone_ms": round(max(longest(2, 5.5)), 1),
        "while_others_come_and_go_ms": round(max(longest(6, 10.5)), 1),
        "afterwards_ms": round(max(longest(11.5, 15.5)), 1),
    }


async def _later(job: Coroutine[Any, Any, None], at: float) -> None:
    await asyncio.sleep(max(at - time.monotonic(), 0))
    await job


@contextmanager
def _server() -> Iterator[str]:
    """Serve in a process of its own; yield the address of its WebSocket."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "rhapsode", "serve", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            _await(f"http://127.0.0.1:{port}/api/health")
            yield f"ws://127.0.0.1:{port}/ws"
        finally:
            server.terminate()


def _shuffled(y: Float32, length: int, *, seed: int) -> Float32:
    """Return ``length`` samples of pieces of ``y`` of half a second to two, in an order of their own."""
    chance = np.random.default_rng(seed)
    parts: list[Float32] = []
    while sum(map(len, parts)) < length:
        size = int(chance.uniform(0.5, 2.0) * RATE)
        first = int(chance.integers(0, len(y) - size))
        parts.append(y[first : first + size])
    return np.concatenate(parts)[:length]


async def _run(clients: list[Client], url: str) -> None:
    begin = time.monotonic() + 2
    await asyncio.gather(*(c.run(url, begin + k * 0.02 / len(clients)) for k, c in enumerate(clients)))


def _jaw(sound: Float32) -> Float32:
    face = FaceStream(RATE, direction=Direction(life=Life.off()))
    return np.concatenate([face.push(sound).values, face.finish().values])[:, JAW]


def _await(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"the server did not answer at {url}")


def measure() -> dict[str, Any]:
    """Measure one session, the bar's 25, and more until the interval is too long."""
    found = [sessions(1), sessions(25)]
    while found[-1]["times_nominal"] <= 1.2 and found[-1]["sessions"] < 60:
        found.append(sessions(found[-1]["sessions"] + 10))
    return {"runs": found, "disturbance": disturbance()}


if __name__ == "__main__":
    print(json.dumps(sessions(int(sys.argv[1]) if len(sys.argv) > 1 else 25), indent=2))
