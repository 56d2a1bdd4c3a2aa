"""Sound that comes in as it is spoken: checked, cleaned if asked, brought to one rate; never stretched.

Chunks come when they come. Where none comes, silence stands in, so that the face rests and breathes; what
then arrives late is played late, and the delay is made good by leaving out silence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rhapsode.audio.levels import check_finite, downmix
from rhapsode.audio.resample import Resampler
from rhapsode.errors import AudioError
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.performance import Float32

STALL_S = 0.25
"""After so long without sound silence stands in."""

FILL_S = 0.04
"""How much silence stands in at a time, and how often."""

PIECE_S = 0.1
"""A chunk longer than this is taken in pieces."""

BACKLOG_S = 0.3
"""More sound than this waiting is made less by leaving out silence."""

AT_ONCE_S = 0.1
"""Sound given to the face at once at most, where more than a chunk waits."""

LIMIT_S = 5.0
"""More than this is never kept: the oldest goes, and is counted."""

_QUIET = 10 ** (-50 / 20)

Process = Callable[[Float32], Float32]
"""Mono sound at `SAMPLE_RATE` in, the same out, in step or later; such as noise suppression."""


@dataclass(frozen=True, eq=False)
class Heard:
    """Sound ready for the face.

    Args:
        samples: (N,) float32 at the chunk's own rate, mono.
        arrived: the loop's time at which it came in; None where silence stands in.

    """

    samples: Float32
    arrived: float | None


class Ear:
    """Holds what came in until the face is ready for it.

    Args:
        sample_rate: of the chunks, Hz.
        process: applied to the sound at `SAMPLE_RATE`, in a thread of the pool.

    Raises:
        SettingError: the rate is not a positive whole number.

    Attributes:
        lost_s: sound that was given up because the machine cannot follow, seconds.
        left_out_s: silence left out to make good a delay, seconds.

    """

    def __init__(self, sample_rate: int, *, process: Process | None = None) -> None:
        self._rate, self._process = sample_rate, process
        self._resampler = Resampler(sample_rate, SAMPLE_RATE)
        self._waiting: deque[Heard] = deque()
        self._waiting_s = 0.0
        self._seen = 0
        self._filled = 0.0
        self.last_at: float | None = None
        self.lost_s = self.left_out_s = 0.0

    @property
    def slow(self) -> bool:
        """Whether `ready` takes so long that it belongs into a thread."""
        return self._process is not None

    def hear(self, chunk: Float32, now: float) -> None:
        """Take the next sound, (n,) or (n, channels) float32.

        Raises:
            AudioError: it holds samples that are no numbers, or is no sound at all; nothing is taken.

        """
        if chunk.ndim not in (1, 2) or (chunk.ndim == 2 and not chunk.shape[1]):
            raise AudioError(f"a chunk of sound has the shape (n,) or (n, channels), got {chunk.shape}")
        check_finite(chunk, sample_rate=self._rate, first_sample=self._seen)
        self._seen += len(chunk)
        self.last_at = self._filled = now
        mono, size = downmix(chunk), max(round(PIECE_S * self._rate), 1)
        for first in range(0, len(mono), size):  # so that nobody waits for a long one to be played
            self._waiting.append(Heard(mono[first : first + size], now))
            self._waiting_s += len(self._waiting[-1].samples) / self._rate
        while self._waiting_s > LIMIT_S:
            self.lost_s += self._drop()

    def next(self, now: float) -> Heard | None:
        """Return what the face is to hear next; None where there is nothing yet.

        What waits is given in one, up to `AT_ONCE_S`: a machine that is behind gets on faster so.
        """
        while self._waiting_s > BACKLOG_S and np.abs(self._waiting[0].samples).max() < _QUIET:
            self.left_out_s += self._drop()
        if self._waiting:
            parts = [self._waiting.popleft()]
            while self._waiting and sum(len(part.samples) for part in parts) < AT_ONCE_S * self._rate:
                parts.append(self._waiting.popleft())
            samples = np.concatenate([part.samples for part in parts]) if len(parts) > 1 else parts[0].samples
            self._waiting_s -= len(samples) / self._rate
            return Heard(samples, parts[0].arrived)
        if self.last_at is not None and now - self.last_at < STALL_S:
            return None
        if now - self._filled < FILL_S:
            return None
        since = min(now - self._filled, STALL_S) if self._filled else FILL_S
        self._filled = now
        return Heard(np.zeros(round(since * self._rate), np.float32), None)

    def ready(self, heard: Heard) -> Float32:
        """Return ``heard`` at `SAMPLE_RATE`, cleaned; called in order."""
        y = self._resampler.push(heard.samples)
        return self._process(y) if self._process and len(y) else y

    def forget(self) -> None:
        """Drop what waits but the newest `BACKLOG_S`: something else was shown meanwhile."""
        while self._waiting_s > BACKLOG_S:
            self._drop()

    def _drop(self) -> float:
        seconds = len(self._waiting.popleft().samples) / self._rate
        self._waiting_s -= seconds
        return seconds
