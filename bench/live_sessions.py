"""How many sessions speak at once: a real server, curves out over WebSockets.

The server is a process of its own, as `rhapsode serve` starts it; the clients share another. Two kinds:

- `speaking`: each session says a text of its own, in the product's voice. A curve frame can be shown when it
  is there and due; an interval is the time between two that can be shown; nominal is 20 ms.
- `sessions`: each session brings speech of its own through a microphone, in chunks of 20 ms at the pace of
  speech. An interval is the time between two curve frames coming in.

Every session's jaw is compared with the jaw of its own sound, and of its neighbour's.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from rhapsode.audio.resample import Resampler
from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.stream import FaceStream
from rhapsode.live.performer import LEAD_S
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.protocols.stage_packets import CurvesPacket, SoundPacket, parse
from rhapsode.rigs import FACE
from rhapsode.server.samples import samples
from rhapsode.sources import FileSource

RATE = 16_000
CHUNK = 320
JAW = FACE.index("jawOpen")
SENTENCES = (
    "The harbour was quiet before the boats came in.",
    "Please bring me a bowl of warm porridge and some plums.",
    "Five violins and a bass fiddle played for half the evening.",
    "Nobody knew why the old clock had stopped at seven.",
    "A broad river bends around the base of the blue mountain.",
    "We measured the pressure twice and wrote both numbers down.",
    "Over the bridge you will find a bakery and a book shop.",
    "My brother paints small maps of places he has never been.",
    "Thin clouds moved slowly past the window of the train.",
    "She opened the box, laughed, and put it back on the shelf.",
    "Every spring the farmers mend the fences by the mill.",
    "Keep the lamp away from the paper, and mind the steps.",
)
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
    spent: list[float] = []
    with _server(spent) as url:
        asyncio.run(_run(clients, url))
    jaws = [_jaw(sound) for sound in sounds]
    p95 = [float(np.percentile(c.intervals_ms, 95)) for c in clients]
    own = [c.likeness(jaw) for c, jaw in zip(clients, jaws, strict=True)]
    other = [c.likeness(jaws[(k + 1) % count]) for k, c in enumerate(clients)] if count > 1 else [0.0]
    return {
        "sessions": count,
        "interval_p95_ms": {"median": round(float(np.median(p95)), 1), "worst": round(max(p95), 1)},
        "times_nominal": round(max(p95) / 20, 2),
        "server_cores": round(spent[0] / seconds, 2),
        "frames_got": round(min(len(c.came) - c.live_from for c in clients) / (seconds * 50), 3),
        "jaw_like_its_own_sound": round(min(own), 3),
        "jaw_like_the_neighbours": round(max(other), 3),
    }


class Speaker:
    """One session that says a text: its sound, its curves, and when they could be shown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sound: list[Float32] = []
        self.came: list[tuple[float, int, Float32]] = []
        self.start = 0
        self.asked = self.heard_at = self.begun = 0.0
        self.generation = -1

    async def run(self, url: str, begin: float, seconds: float) -> None:
        """Say it and listen for so long."""
        async with connect(url, max_size=None) as channel:
            await asyncio.sleep(max(begin - time.monotonic(), 0))
            await channel.send(json.dumps({"type": "say", "text": self.text}))
            self.asked = time.monotonic()
            try:
                async with asyncio.timeout(seconds):
                    async for message in channel:
                        self._take(message)
            except TimeoutError:
                pass

    def _take(self, message: str | bytes) -> None:
        now = time.monotonic()
        if isinstance(message, str):
            told = json.loads(message)
            if told["type"] == "begin":
                self.generation, self.start, self.begun = told["generation"], told["start"], now
            return
        packet = parse(message)
        if packet.generation != self.generation:
            return
        if isinstance(packet, SoundPacket):
            self.heard_at = self.heard_at or now
            self.sound.append(packet.samples)
        else:
            rows = enumerate(packet.values)
            self.came += [(now, packet.start + k * HOP, row) for k, row in rows]

    def shown(self, seconds: float) -> Float32:
        """Return when each frame of the first ``seconds`` of the speech could be shown."""
        due = [
            (max(at, self.begun + LEAD_S + (sample - self.start) / CLOCK_HZ))
            for at, sample, _ in self.came
            if 0 <= sample - self.start < seconds * CLOCK_HZ
        ]
        return np.maximum.accumulate(np.array(due))


def speaking(count: int, seconds: float = 20.0) -> dict[str, Any]:
    """Measure ``count`` sessions that say texts of their own at once."""
    people = [Speaker(_text(seed=k)) for k in range(count)]
    spent: list[float] = []

    async def run(url: str) -> None:
        begin = time.monotonic() + 2
        await asyncio.gather(*(one.run(url, begin, seconds + 4) for one in people))

    with _server(spent) as url:
        asyncio.run(run(url))
    intervals = [np.diff(one.shown(seconds)) * 1000 for one in people]
    p95 = [float(np.percentile(i, 95)) for i in intervals]
    faces = [_likeness(one, one) for one in people]
    others = [_likeness(one, people[(k + 1) % count]) for k, one in enumerate(people)] if count > 1 else [0.0]
    return {
        "sessions": count,
        "interval_p95_ms": {"median": round(float(np.median(p95)), 1), "worst": round(max(p95), 1)},
        "times_nominal": round(max(p95) / 20, 2),
        "server_cores": round(spent[0] / (seconds + 6), 2),
        "frames_got": round(min(len(i) + 1 for i in intervals) / (seconds * 50), 3),
        "first_sound_ms": round(float(np.median([one.heard_at - one.asked for one in people])) * 1000),
        "jaw_like_its_own_sound": round(min(faces), 3),
        "jaw_like_the_neighbours": round(max(others), 3),
    }


def _likeness(face: Speaker, voice: Speaker) -> float:
    """Return how a session's jaw correlates with that of a session's sound."""
    stream = FaceStream(24_000, direction=Direction(life=Life.off()))
    expected = stream.push(np.concatenate(voice.sound)).values[:, JAW]
    own = np.array([row[JAW] for _, sample, row in face.came if sample >= face.start])
    length = min(len(expected), len(own))
    return float(np.corrcoef(expected[:length], own[:length])[0, 1])


def _text(*, seed: int) -> str:
    """Return sentences for half a minute, in an order of their own."""
    order = np.random.default_rng(seed).permutation(len(SENTENCES))
    return " ".join(SENTENCES[k] for k in order)


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
def _server(spent: list[float] | None = None) -> Iterator[str]:
    """Serve in a process of its own; yield its address; note its processor seconds in ``spent``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "rhapsode", "serve", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            _await(f"http://127.0.0.1:{port}/api/health")
            before = _processor_s(server.pid)
            yield f"ws://127.0.0.1:{port}/ws"
            if spent is not None:
                spent.append(_processor_s(server.pid) - before)
        finally:
            server.terminate()


def _processor_s(pid: int) -> float:
    """Return the processor seconds that a process has had (Linux; 0 elsewhere)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
    """Measure the bar's 25 and more until the interval is too long; microphones; who comes and goes."""
    found = [speaking(25)]
    while found[-1]["times_nominal"] <= 1.2 and found[-1]["sessions"] < 64:
        found.append(speaking(min(found[-1]["sessions"] + 10, 64)))
    heard = [sessions(count) for count in (1, 5, 10, 15, 20, 25)]
    return {"speaking": found, "microphones": heard, "disturbance": disturbance()}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
