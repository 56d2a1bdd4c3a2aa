"""A client's sound on its way to the conversation: at most as fast as it was spoken, in order, bounded.

Turns are told by the clock, so that a recording that is sent at once must be heard at its own pace.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from rhapsode.performance import Float32
from rhapsode.server.realtime.update import RealtimeError

HURRY = 8.0
"""Sound that was held is handed on so much faster than it was spoken."""

SLACK_S, EARLY_S = 0.5, 0.05
"""Sound that comes so much too late is caught up with, and may come so much too early: networks jitter."""

DRIFT = 1.01
"""Sound is handed on so much faster, so that a clock that is a little fast makes no queue."""

MOST_S = 300.0
"""Sound that waits at most."""


class Feed:
    """Hands sound on.

    Args:
        hear: takes it.

    Attributes:
        heard_s: how much was handed on, seconds.
        waiting_s: how much waits, seconds.
        fresh_s: how much came since the last commit, clear or message, seconds.
        hold: whether sound waits until `then` is called, and can be cleared until then.

    """

    def __init__(self, hear: Callable[[Float32], None]) -> None:
        self._hear = hear
        self._waiting: deque[tuple[Float32, float] | Callable[[], None]] = deque()
        self._news = asyncio.Event()
        self._due, self._heard_at = float("-inf"), 0.0
        self._steps = 0
        self.hold = False
        self.heard_s = self.waiting_s = self.fresh_s = 0.0

    def push(self, sound: Float32, rate: int) -> None:
        """Take sound of ``rate`` Hz.

        Raises:
            RealtimeError: too much waits.

        """
        seconds = len(sound) / rate
        if self.waiting_s + seconds > MOST_S:
            raise RealtimeError(
                f"{MOST_S:g} s of sound wait to be heard at their own pace; send the rest later",
                code="input_audio_buffer_full",
            )
        step = rate // 10
        for first in range(0, len(sound), step):
            piece = sound[first : first + step]
            self._waiting.append((piece, len(piece) / rate))
        self.waiting_s += seconds
        self.fresh_s += seconds
        self._news.set()

    def then(self, do: Callable[[], None]) -> None:
        """Do something once all sound before now was heard."""
        self.fresh_s = 0.0
        self._waiting.append(do)
        self._steps += 1
        self._news.set()

    def clear(self) -> None:
        """Forget the sound since the last `then`."""
        self.fresh_s = 0.0
        while self._waiting and isinstance(last := self._waiting[-1], tuple):
            self._waiting.pop()
            self.waiting_s -= last[1]

    def ms_at(self, time: float) -> int:
        """Return how many milliseconds of sound were heard at the loop's ``time``."""
        ahead = max(self._heard_at - time, 0.0) if self._heard_at else 0.0
        return max(round((self.heard_s - ahead) * 1000), 0)

    async def run(self) -> None:
        """Hand on until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting and (self._steps or not self.hold):
                first = self._waiting.popleft()
                if not isinstance(first, tuple):
                    self._steps -= 1
                    first()
                    continue
                sound, seconds = first
                lasts = seconds / (HURRY if self.hold else DRIFT)
                if self._due < loop.time() - SLACK_S:
                    self._due = loop.time() - lasts  # what was spoken until now
                self._due += lasts
                if (early := self._due - loop.time()) > EARLY_S:
                    await asyncio.sleep(early)
                self.waiting_s -= seconds
                self.heard_s, self._heard_at = self.heard_s + seconds, loop.time()
                self._hear(sound)
