"""Sound in, moments of a face with their sound out, one every 20 ms, drawn by whoever plays them.

Nothing here knows the time: a moment is made when it is asked for. Where there is no sound the face lives.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from rhapsode.audio.resample import Resampler
from rhapsode.live.engine import SAMPLE_RATE, FaceStage
from rhapsode.live.joint import Joint
from rhapsode.performance import CURVE_HZ, Float32

HOP_SAMPLES = SAMPLE_RATE // CURVE_HZ
"""Sound samples of a moment."""

SETTLE_HOPS = 25
"""Moments of silence (0.5 s) that the face hears unseen after an interruption: its mouth is closed then."""


@dataclass(frozen=True, eq=False)
class Hop:
    """A moment.

    Args:
        values: (61,) float32 in the order of `rhapsode.rigs.FACE`.
        sound: (n,) float32 at `SAMPLE_RATE`, n at most `HOP_SAMPLES`; empty where nothing is spoken.
        ends: whether a segment of sound ends with it.

    """

    values: Float32
    sound: Float32
    ends: bool


class Hops:
    """Keeps sound, and makes moments of it.

    Args:
        face: a face at rest.

    """

    def __init__(self, face: FaceStage) -> None:
        self._face = face
        self._joint = Joint()
        self._waiting: deque[Float32 | None] = deque()  # None ends a segment
        self._resampler: Resampler | None = None
        self._rate = 0
        self._heard: deque[tuple[Float32, bool]] = deque()  # sound whose face is not there yet
        self._made: deque[Float32] = deque()
        self._open = False

    @property
    def starved(self) -> bool:
        """Whether the sound of a segment is late: what there is of it does not fill a moment."""
        waiting = sum(len(part) for part in self._waiting if part is not None)
        return self._open and waiting < HOP_SAMPLES and None not in self._waiting

    def push(self, y: Float32, sample_rate: int) -> None:
        """Take sound, (n,) or (n, channels), of any rate."""
        if self._resampler is None or self._rate != sample_rate:
            self._drain()
            self._resampler, self._rate = Resampler(sample_rate, SAMPLE_RATE), sample_rate
        self._waiting.append(self._resampler.push(y))
        self._open = True

    def end(self) -> None:
        """Take notice that a segment of sound ends."""
        self._drain()
        self._waiting.append(None)
        self._open = False

    def next(self) -> Hop:
        """Return the next moment; silence stands in for sound that is not there."""
        while not self._made:
            sound, ends = self._take()
            self._heard.append((sound, ends))
            padded = np.zeros(HOP_SAMPLES, np.float32)
            padded[: len(sound)] = sound
            self._made.extend(self._joint.push(self._face.push(padded).values))
        sound, ends = self._heard.popleft()
        return Hop(self._made.popleft(), sound, ends)

    def interrupt(self) -> None:
        """Forget all sound; the mouth closes, softly."""
        self._drain()
        lag = len(self._heard) - len(self._made)
        self._waiting.clear()
        self._made.clear()
        self._open = False
        for _ in range(SETTLE_HOPS):
            lag += 1 - len(self._face.push(np.zeros(HOP_SAMPLES, np.float32)).values)
        self._heard = deque([(np.zeros(0, np.float32), False)] * lag)
        self._joint.cut()

    def _drain(self) -> None:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            self._waiting.append(resampler.finish())

    def _take(self) -> tuple[Float32, bool]:
        """Return sound for a moment, less where a segment ends or its sound is late, and whether it ends."""
        if self.starved:
            return np.zeros(0, np.float32), False
        taken: list[Float32] = []
        missing = HOP_SAMPLES
        while self._waiting and missing:
            part = self._waiting.popleft()
            if part is None:
                return _joined(taken), True
            taken.append(part[:missing])
            if len(part) > missing:
                self._waiting.appendleft(part[missing:])
            missing -= len(taken[-1])
        ends = bool(self._waiting) and self._waiting[0] is None
        if ends:
            self._waiting.popleft()
        return _joined(taken), ends


def _joined(parts: list[Float32]) -> Float32:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
