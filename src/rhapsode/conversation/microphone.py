"""A microphone's sound on its way into the loop: one rate, cleaned, its own voice taken out, bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol, runtime_checkable

import numpy as np

from rhapsode.audio.echo import EchoGate
from rhapsode.audio.levels import check_finite, downmix
from rhapsode.audio.resample import Resampler
from rhapsode.errors import AudioError
from rhapsode.live.items import SoundItem
from rhapsode.performance import Float32
from rhapsode.pipecat.frames import EndTurnFrame, MicrophoneFrame

RATE = 16_000
"""Samples a second inside the loop, Hz."""

LIMIT_S = 5.0
"""More sound than this never waits: the oldest goes, and is counted."""

STALL_S, STAND_IN_S, STEP_S = 1.0, 12.0, 0.1
"""After so long without sound silence stands in, for at most so long, in such steps: a turn must end though
the microphone is gone. A network that halts for less must not look like a pause of the person."""


PLAYED = 2000
"""So many pieces of what is played wait for the microphone's next sound; a minute at the least."""


class Process(Protocol):
    """Changes sound at 16 kHz, as many samples out as in."""

    def __call__(self, y: Float32, /) -> Float32:
        """Take the next samples (n,); return n samples."""


@runtime_checkable
class Echo(Protocol):
    """Takes out of the sound what is played beside it, such as its own voice; one thread at a time."""

    def __call__(self, y: Float32, /, at: float) -> Float32:
        """Take the next samples (n,) at 16 kHz, the last of which came in at the loop's time ``at``.

        More come out where what came out before was silenced for nothing; see `EchoGate`.
        """

    def played(self, samples: Float32, at: float) -> None:
        """Take notice of sound, (n,) at 16 kHz, whose first sample is heard at the loop's time ``at``."""

    def silenced(self, at: float) -> None:
        """Take notice that what was to be heard from the loop's time ``at`` on is not."""


class Microphone:
    """Holds what came in until the loop takes it.

    Args:
        sample_rate: of what `hear` brings, Hz.
        pool: threads for ``processes``.
        processes: makes what the sound goes through, in order; made and applied in a thread.
        before: the microphone that was on before; what it knew of the echo is known.

    Raises:
        SettingError: the rate cannot be used.

    Attributes:
        lost_s: sound given up because the machine cannot follow, seconds.

    """

    def __init__(
        self,
        sample_rate: int,
        pool: Executor,
        processes: Callable[[], list[Process | Echo]] | None = None,
        *,
        before: Microphone | None = None,
    ) -> None:
        self._before = before.echo if before is not None else None
        self._rate, self._pool, self._make = sample_rate, pool, processes
        self._processes: list[Process | Echo] | None = None if processes else []
        self._resampler = Resampler(sample_rate, RATE)
        self._waiting: deque[tuple[Float32, float] | None] = deque()  # None: the turn ends here
        self._waiting_s = self.lost_s = 0.0
        self._seen = 0
        self._last: float | None = None
        self._stood_in = 0.0
        self._wake = asyncio.Event()
        self._playing = 0, RATE
        self._played: deque[tuple[Float32 | None, float]] = deque(maxlen=PLAYED)
        self._down = Resampler(RATE, RATE)

    def hear(self, chunk: Float32, now: float) -> None:
        """Take the next sound, (n,) or (n, channels) float32, whose last sample came in at ``now``.

        Raises:
            AudioError: it holds samples that are no numbers, or is no sound at all; nothing is taken.

        """
        if chunk.ndim not in (1, 2) or (chunk.ndim == 2 and not chunk.shape[1]):
            raise AudioError(f"a chunk of sound has the shape (n,) or (n, channels), got {chunk.shape}")
        check_finite(chunk, sample_rate=self._rate, first_sample=self._seen)
        self._seen += len(chunk)
        self._last, self._stood_in = now, 0.0
        mono = downmix(chunk)
        step = max(round(STEP_S * self._rate), 1)
        for first in range(0, len(mono), step):  # nothing waits for the end of a long chunk
            part = mono[first : first + step]
            left = len(mono) - first - len(part)
            self._waiting.append((part, now - left / self._rate))
            self._waiting_s += len(part) / self._rate
        while self._waiting_s > LIMIT_S:
            oldest = next(at for at, one in enumerate(self._waiting) if one is not None)
            self.lost_s += self._taken(self._waiting[oldest])
            del self._waiting[oldest]
        self._wake.set()

    def end_turn(self) -> None:
        """Take notice that the turn ends behind what came in so far."""
        self._waiting.append(None)
        self._wake.set()

    def played(self, item: SoundItem, at: float) -> None:
        """Take notice of what is heard from the loop's time ``at`` on, for those that take out an echo."""
        if not self._hushes:
            return
        if (item.generation, item.sample_rate) != self._playing:
            self._playing = item.generation, item.sample_rate
            self._down = Resampler(item.sample_rate, RATE)
        self._played.append((self._down.push(item.samples), at))

    def silenced(self, at: float) -> None:
        """Take notice that what was to be heard from the loop's time ``at`` on is not."""
        if self._hushes:
            self._played.append((None, at))

    @property
    def echo(self) -> Echo | None:
        """What takes out the echo; None where nothing does, or it is not made yet."""
        gates = [one for one in self._processes or [] if isinstance(one, Echo)]
        return gates[0] if gates else None

    @property
    def _hushes(self) -> bool:
        """Whether somebody takes out an echo, or may."""
        if self._processes is None:
            return self._make is not None
        return any(isinstance(process, Echo) for process in self._processes)

    async def next(self) -> MicrophoneFrame | EndTurnFrame:
        """Return the next sound of the loop, or the end of a turn; wait for it, or let silence stand in."""
        loop = asyncio.get_running_loop()
        while not self._waiting:
            self._wake.clear()
            stalled = self._last is not None and self._stood_in < STAND_IN_S
            try:
                async with asyncio.timeout((STALL_S if not self._stood_in else STEP_S) if stalled else None):
                    await self._wake.wait()
            except TimeoutError:
                if self._waiting:  # it came while this machine was busy
                    continue
                seconds = STEP_S if self._stood_in else STALL_S
                self._stood_in += seconds
                return _frame(np.zeros(round(seconds * RATE), np.float32), loop.time(), 0)
        if (first := self._waiting.popleft()) is None:
            return EndTurnFrame()
        self._taken(first)
        part, at = first
        y = self._resampler.push(part)
        came = len(y)
        if self._processes is None and self._make is not None:
            self._processes = await loop.run_in_executor(self._pool, self._make)
            if isinstance(self._before, EchoGate) and isinstance(self.echo, EchoGate):
                self.echo.learn_from(self._before)
            self._before = None
        if self._processes:
            y = await loop.run_in_executor(self._pool, self._process, y, at)
        return _frame(y, at - self.lag_s, len(y) - came)

    @property
    def lag_s(self) -> float:
        """How much later sound comes out than it went in, seconds."""
        return sum(getattr(process, "lag_s", 0.0) for process in self._processes or [])

    def _process(self, y: Float32, at: float) -> Float32:
        played = [self._played.popleft() for _ in range(len(self._played))]
        for process in self._processes or []:
            if not isinstance(process, Echo):
                y = process(y)
                continue
            for samples, time in played:
                process.silenced(time) if samples is None else process.played(samples, time)
            y = process(y, at)
        return y

    def _taken(self, one: tuple[Float32, float] | None) -> float:
        """Count sound that waits no more; return how long it is."""
        seconds = 0.0 if one is None else len(one[0]) / self._rate
        self._waiting_s -= seconds
        return seconds


def _frame(y: Float32, at: float, again: int) -> MicrophoneFrame:
    audio = (np.clip(y, -1, 1) * 32767).round().astype(np.int16).tobytes()
    return MicrophoneFrame(audio, RATE, 1, arrived=at, again=again)
