"""Drives one sink: waits until each moment is due, connects again when it is lost, slows nobody else."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from rhapsode.errors import PacketError, RhapsodeError, SinkError
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import Item
from rhapsode.live.metrics import Window
from rhapsode.live.playout import Playout
from rhapsode.live.sinks.sink import Sink, SinkOptions, masked
from rhapsode.live.timeline import Timeline
from rhapsode.protocols.frame import FaceFrame

log = logging.getLogger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 4.0
"""How long a lost sink waits until it is tried again: the first time, and at most."""

OPEN_S, STUCK_S = 10.0, 5.0
"""A sink that takes longer to open, or to take one moment, counts as lost."""

LATEST_S = 2.0
"""A sink whose sound is farther behind than this is closed and opened anew."""

State = Literal["connecting", "open", "failed", "closed"]


@dataclass(frozen=True)
class SinkStatus:
    """What is known of a sink now.

    Args:
        url: as it was asked for, without keys and tokens.
        state: "failed" waits for its next try, unless it was given up.
        error: why it failed last; None while all is well.
        rate_hz: moments a second; None for those of the curves.
        offset_ms: how much later than due it is served.
        sent: moments that it took.
        dropped: moments that it was too slow for.
        latency_ms: median and 95th percentile of the time from sound coming in to its moment taken, and where
            the sound is the product's own, from the moment being due; None before the first.

    """

    url: str
    state: State
    error: str | None
    rate_hz: float | None
    offset_ms: float
    sent: int
    dropped: int
    latency_ms: tuple[float, float] | None


class SinkRunner:
    """Serves one sink from the items of a session; an `rhapsode.live.outlet.Outlet`.

    Args:
        url: shown without keys and tokens.
        sink: what is driven.
        timeline: of the session.
        options: its own rate and offset.

    Attributes:
        tried: set once it was opened, or could not be, for the first time.

    """

    def __init__(self, url: str, sink: Sink, timeline: Timeline, options: SinkOptions | None = None) -> None:
        self.url, self._sink = masked(url), sink
        self.options = options or SinkOptions()
        self._playout = Playout(timeline)
        self._news = asyncio.Event()
        self._flush = False
        self._state: State = "connecting"
        self._error: str | None = None
        self._sent = self._skipped = 0
        self._latency = Window()
        self.tried = asyncio.Event()

    @property
    def wants_sound(self) -> bool:
        """Whether it plays the sound."""
        return self._sink.wants_sound

    @property
    def status(self) -> SinkStatus:
        """What is known of it now."""
        rate, spread = self._rate, self._latency.spread
        return SinkStatus(
            self.url,
            self._state,
            self._error,
            None if rate is None else float(rate),
            self.options.offset_s * 1000,
            self._sent,
            self._playout.dropped + self._skipped,
            None if spread is None else (spread[0] * 1000, spread[1] * 1000),
        )

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        self._playout.offer(item)
        self._news.set()

    def interrupted(self, generation: int) -> None:
        """Forget what is not shown yet."""
        self._playout.interrupted()
        self._flush = True
        self._news.set()

    async def run(self) -> None:
        """Serve until cancelled; the sink is closed then."""
        wait = 0.0
        try:
            while True:
                self._state, sent = "connecting", self._sent
                try:
                    async with asyncio.timeout(OPEN_S):
                        await self._sink.open()
                    self._state, self._error = "open", None
                    self.tried.set()
                    self._playout.rejoin()
                    await self._serve()
                except (SinkError, OSError) as error:
                    self._error = str(error) or "it did not answer in time"
                except RhapsodeError as error:
                    self._error, self._state = str(error), "failed"
                    log.error("%s: %s; it is given up", self.url, error)
                    return
                except Exception as error:  # a fault of one sink is no matter of the others
                    self._error = f"a fault of our own ({type(error).__name__}: {error})"
                    self._state = "failed"
                    log.exception("%s: %s; it is given up", self.url, self._error)
                    return
                self._state = "failed"
                self.tried.set()
                wait = FIRST_WAIT_S if self._sent > sent or not wait else min(wait * 2, LONGEST_WAIT_S)
                log.warning("%s: %s; trying again in %.1f s", self.url, self._error, wait)
                await self._close()
                await asyncio.sleep(wait)
        finally:
            self.tried.set()
            await asyncio.shield(self._close())
            if self._state != "failed":
                self._state = "closed"

    @property
    def _rate(self) -> Fraction | None:
        return self.options.rate_hz or self._sink.rate_hz

    async def _serve(self) -> None:
        rate = self._rate
        if rate is None:
            await self._serve_curves()
        else:
            await self._serve_ticks(rate)

    async def _serve_curves(self) -> None:
        """Give every curve frame when it is due."""
        while True:
            self._news.clear()
            await self._flushed()
            now = self._now() - self.options.offset_s
            due = self._playout.next_due()
            if due is None:
                await self._news.wait()
            elif due > now:
                await self._wait(due - now)
            elif (shown := self._playout.follow(now)) is not None:
                frame, sound_at = shown
                async with asyncio.timeout(STUCK_S):
                    await self._show(frame)
                self._sent += 1
                self._latency.add(self._now() - (sound_at or due + self.options.offset_s))

    async def _serve_ticks(self, rate: Fraction) -> None:
        """Give a moment at every tick, and the sound of all ticks."""
        begun, tick, heard = self._now(), 0, 0
        while True:
            await self._flushed()
            late = self._now() - (begun + float(tick / rate))
            if late < 0:
                await asyncio.sleep(-late)
                continue
            missed = int(late * rate)
            if self._sink.wants_sound and late > LATEST_S:
                raise SinkError(
                    f"it is {late:.1f} s behind, at most {LATEST_S:g} are allowed; check its network"
                )
            tick += missed
            self._skipped += missed
            due, sound_at = begun + float(tick / rate), None
            upto = round((tick + 1) * SAMPLE_RATE / rate)
            if self._sink.wants_sound:
                frame, sound = self._playout.moment(due - self.options.offset_s, upto - heard)
                heard = upto
                async with asyncio.timeout(STUCK_S):
                    await self._show(frame)
                    await self._sink.hear(sound)
            else:
                frame, sound_at = self._playout.face_at(due - self.options.offset_s)
                async with asyncio.timeout(STUCK_S):
                    await self._show(frame)
            self._sent += 1
            self._latency.add(self._now() - (sound_at or due))
            tick += 1

    async def _show(self, frame: FaceFrame) -> None:
        try:
            await self._sink.show(frame)
        except PacketError as error:  # a moment that cannot be sent is left out
            self._skipped += 1
            if str(error) != self._error:
                self._error = str(error)
                log.warning("%s: %s; it is left out", self.url, error)
        await asyncio.sleep(0)  # a sink that never waits lets others do

    async def _flushed(self) -> None:
        if self._flush:
            self._flush = False
            await self._sink.flush()

    async def _close(self) -> None:
        try:
            await self._sink.close()
        except Exception as error:  # whatever a closing sink happens on, it is over
            self._error, self._state = str(error) or type(error).__name__, "failed"
            log.warning("%s: closing failed: %s", self.url, error)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.0005)):
                await self._news.wait()
        except TimeoutError:
            pass

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
