"""One client: what it asked for, its track, the pace of what it is sent. No sockets.

A generation number is stamped on everything; each new speech and each stop bumps it, so that stale items
die wherever they are. The session is one loop: it idles, or it performs what was asked for last.
Synthesis and animation run in a pool of threads, one short step at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from rhapsode.audio.resample import Resampler
from rhapsode.errors import InputError, RhapsodeError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Float32, Words
from rhapsode.protocols.stage_packets import Packet
from rhapsode.server.engine import SAMPLE_RATE, Block, Engine
from rhapsode.server.messages import PROTOCOL, ClientMessage, Hello, Sample, Say, live_controls
from rhapsode.server.samples import find_sample
from rhapsode.server.track import Track

log = logging.getLogger(__name__)

IDLE_STEP = 10
"""Curve frames of life sent at a time."""

IDLE_AHEAD_S = 0.4
"""How far life is sent ahead of the clock on the wall."""

SPEECH_AHEAD_S = 10.0
"""How far speech is sent ahead: what a client must hold, and what an interruption throws away."""

PIECE = SAMPLE_RATE // 4
"""Sound samples animated at a time."""

Send = Callable[[dict[str, Any] | bytes], Awaitable[None]]
_T = TypeVar("_T")


class Timer(Protocol):
    """The clock on the wall; tests bring their own."""

    def now(self) -> float:
        """Return seconds."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when ``event`` is set or the time is over."""


class WallTimer:
    """The real one."""

    def now(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when ``event`` is set or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass


class Session:
    """Serves one client.

    Args:
        engine: shared with the other sessions, read-only.
        pool: threads to work in.
        send: takes a JSON object or a packet; it waits while the client is slow.
        max_text: longest text, characters.
        weights: the engine that moves the face.
        timer: the clock on the wall.

    """

    def __init__(
        self,
        engine: Engine,
        pool: Executor,
        send: Send,
        *,
        max_text: int = 2000,
        weights: str = "live",
        timer: Timer | None = None,
    ) -> None:
        self._engine, self._pool, self._send = engine, pool, send
        self._max_text, self._weights = max_text, weights
        self._timer = timer or WallTimer()
        self._direction = Direction(weights=weights, emotion="")
        self._wake = asyncio.Event()
        self._asked: Say | Sample | None = None
        self._redirect = self._refeel = False
        self.generation = 0
        self._anchor = (0, 0.0)

    async def handle(self, message: ClientMessage) -> None:
        """Take a client's message; it takes effect at the next step of `run`.

        Raises:
            InputError: what is asked for cannot be done; the session goes on.

        """
        if isinstance(message, Hello):
            self._direct(message)
            return
        if isinstance(message, Say):
            self._check_text(message.text)
        if isinstance(message, Sample):
            find_sample(message.name)
        self._asked = message if isinstance(message, Say | Sample) else None
        self.generation += 1
        self._wake.set()

    def _direct(self, hello: Hello) -> None:
        """Play as ``hello`` says; a face that is only to feel something else goes on living."""
        style, strength, emotion = hello.style, hello.strength, hello.emotion
        controls = live_controls(hello)
        asked = Direction(self._weights, style, strength, hello.seed, emotion=emotion, controls=controls)
        if replace(asked, emotion=self._direction.emotion) != self._direction:
            self._redirect = True
        self._direction, self._refeel = asked, True

    def _check_text(self, text: str) -> None:
        if not text.strip():
            raise InputError("a text to speak must hold words, got an empty one; write something to say")
        if len(text) > self._max_text:
            raise InputError(
                f"a text may hold {self._max_text} characters, got {len(text)}; send it in parts"
            )

    async def run(self) -> None:
        """Serve until cancelled."""
        track = Track(await self._work(self._engine.face, self._direction))
        self._redirect = self._refeel = False
        await self._send(
            {
                "type": "ready",
                "protocol": PROTOCOL,
                "generation": self.generation,
                "clock_hz": CLOCK_HZ,
                "curve_hz": CURVE_HZ,
                "sample_rate": SAMPLE_RATE,
                "names": list(self._engine.names),
            }
        )
        self._anchor_at(track.shown)
        served = 0  # what was asked for before now is still to be done
        while True:
            self._wake.clear()
            if self._redirect:
                self._redirect = self._refeel = False
                track = Track(await self._work(self._engine.face, self._direction), track.given)
            await self._feel(track)
            if served == self.generation:
                await self._idle(track)
                continue
            served, asked = self.generation, self._asked
            finished = await self._perform(track, asked, served) if asked else False
            if not finished:
                await self._work(track.interrupt)
            if served == self.generation:
                if not finished:
                    self._anchor_at(track.shown)
                await self._send({"type": "idle", "generation": served, "start": track.shown})

    async def _feel(self, track: Track) -> None:
        """Let the face feel what was asked for last, if that is new."""
        if self._refeel:
            self._refeel = False
            await self._work(track.feel, self._direction.emotion or Emotion())

    async def _idle(self, track: Track) -> None:
        """Send some life, or wait until it is time to."""
        ahead = self._ahead_s(track)
        if ahead > IDLE_AHEAD_S:
            await self._timer.wait(self._wake, ahead - IDLE_AHEAD_S)
            return
        if ahead < -1.0:  # the machine or the client stood still: go on from here, without a burst
            self._anchor_at(track.shown)
        # Life that was made is sent even if something was asked for meanwhile: the clock has no gaps.
        for packet in await self._work(track.idle, IDLE_STEP, self.generation):
            await self._send(bytes(packet))

    async def _perform(self, track: Track, asked: Say | Sample, generation: int) -> bool:
        """Speak or play; return False if it was interrupted or failed and the track holds stale sound."""
        if isinstance(asked, Say):
            title, blocks = asked.text, self._engine.speak(asked.text)
        else:
            sample = find_sample(asked.name)
            title, blocks = sample.text, self._engine.play(sample.path)
        start = track.given
        coming = _Prefetch(blocks, self._work)
        try:
            resampler: Resampler | None = None
            while (block := await coming.next()) is not None:
                if generation != self.generation:
                    return False
                sound, words = block
                if resampler is None:
                    resampler = Resampler(sound.sample_rate, SAMPLE_RATE)
                    await self._begin(title, start, generation)
                if words.words:
                    await self._send(_words(words, start, generation))
                if not await self._play(track, resampler.push(sound.samples), generation):
                    return False
            if resampler is None or not await self._play(track, resampler.finish(), generation):
                return False
            packets, end = await self._work(track.end, generation)
            await self._send_packets(packets, generation)
            await self._send({"type": "end", "generation": generation, "sample": end})
            return generation == self.generation
        except RhapsodeError as error:
            await self._send({"type": "error", "message": str(error), "fatal": False})
            return False
        finally:
            coming.drop()

    async def _begin(self, title: str, start: int, generation: int) -> None:
        self._anchor_at(start)
        await self._send(
            {
                "type": "begin",
                "generation": generation,
                "start": start,
                "sample_rate": SAMPLE_RATE,
                "text": title,
            }
        )

    async def _play(self, track: Track, sound: Float32, generation: int) -> bool:
        """Animate and send ``sound`` at a bounded distance ahead; return False once it is stale."""
        for first in range(0, len(sound), PIECE):
            if generation != self.generation:
                return False
            await self._feel(track)
            packets = await self._work(track.speak, sound[first : first + PIECE], generation)
            await self._send_packets(packets, generation)
            while generation == self.generation and self._ahead_s(track) > SPEECH_AHEAD_S:
                await self._timer.wait(self._wake, self._ahead_s(track) - SPEECH_AHEAD_S)
        return generation == self.generation

    async def _send_packets(self, packets: list[Packet], generation: int) -> None:
        for packet in packets:
            if generation == self.generation:
                await self._send(bytes(packet))

    def _anchor_at(self, sample: int) -> None:
        """Say that clock ``sample`` is played now."""
        self._anchor = (sample, self._timer.now())

    def _ahead_s(self, track: Track) -> float:
        sample, at = self._anchor
        return (track.shown - sample) / CLOCK_HZ - (self._timer.now() - at)

    async def _work(self, job: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, job, *args)


class _Prefetch:
    """Takes blocks from a source in the pool, one ahead of the one in use."""

    def __init__(self, blocks: Iterator[Block], work: Callable[..., Awaitable[Block | None]]) -> None:
        self._blocks, self._work = blocks, work
        self._coming: asyncio.Future[Block | None] = asyncio.ensure_future(self._take())

    async def _take(self) -> Block | None:
        return await self._work(next, self._blocks, None)

    async def next(self) -> Block | None:
        """Return the next block, or None after the last; raise what the source raises."""
        block = await self._coming
        if block is not None:
            self._coming = asyncio.ensure_future(self._take())
        return block

    def drop(self) -> None:
        """Stop taking; a step under way ends in its thread, unheard."""
        self._coming.cancel()
        self._coming.add_done_callback(lambda done: done.cancelled() or done.exception())


def _words(words: Words, start: int, generation: int) -> dict[str, Any]:
    rows = [
        [span.text, start + round(span.start_s * CLOCK_HZ), start + round(span.end_s * CLOCK_HZ)]
        for span in words.words
    ]
    return {"type": "words", "generation": generation, "words": rows}
