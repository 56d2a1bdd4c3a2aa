"""The sound of one utterance, with what came right before it, window by window."""

from __future__ import annotations

from collections import deque

import numpy as np

from rhapsode.performance import Float32

RATE = 16_000
"""Samples a second, Hz."""

WINDOW = 512
"""Samples that are judged at a time (32 ms)."""

BEFORE_S = 0.4
"""Sound kept from before the speech is certain: its first consonant."""

_BEFORE = round(BEFORE_S * RATE / WINDOW)


class Utterance:
    """Collects speech; bounded by whoever cuts it.

    Attributes:
        on: whether somebody speaks.
        began_at: the time at which the speech began, seconds.
        ended_at: the time at which the last voice ended, seconds.

    """

    def __init__(self) -> None:
        self.on = False
        self.began_at = self.ended_at = 0.0
        self._windows: deque[tuple[Float32, bool]] = deque()  # and whether there is voice in it
        self._voiced = self._run = self._silent = 0

    @property
    def voiced_s(self) -> float:
        """How much of it was voice, seconds."""
        return self._voiced * WINDOW / RATE

    @property
    def run_s(self) -> float:
        """How long the voice has lasted without a gap, seconds."""
        return self._run * WINDOW / RATE

    @property
    def silent_s(self) -> float:
        """How long nobody has spoken, seconds."""
        return self._silent * WINDOW / RATE

    @property
    def samples(self) -> int:
        """Samples kept."""
        return len(self._windows) * WINDOW

    @property
    def seconds(self) -> float:
        """How long what is kept lasts."""
        return self.samples / RATE

    def seconds_since(self, samples: int) -> float:
        """Return how much has come since `samples` was that."""
        return (self.samples - samples) / RATE

    def push(self, y: Float32, voiced: bool, now: float) -> None:
        """Take a window that ended at ``now``."""
        self._windows.append((y, voiced))
        if voiced:
            self._run += 1
            self._voiced += 1
            self._silent = 0
            self.ended_at = now
            if not self.on and self._run == 1:
                self.began_at = now - WINDOW / RATE
        else:
            self._run = 0
            self._silent += 1
        if not self.on:
            if not voiced:
                self._voiced = 0
            while len(self._windows) > _BEFORE + self._run:
                self._windows.popleft()

    def begin(self) -> None:
        """Say that this is speech."""
        self.on = True
        self._silent = 0

    def take_back(self, count: int, rest: Float32) -> Float32:
        """Forget the last ``count`` windows and ``rest``, (n,) less than a window; they come again.

        Returns:
            What came right before them, (n,): the beginning of the next window.

        """
        taken = [self._windows.pop() for _ in range(min(count, len(self._windows)))]
        self._voiced = self._voiced - sum(voiced for _, voiced in taken) if self.on else 0
        self._run = self._silent = 0
        return taken[-1][0][: len(rest)] if len(taken) == count else rest

    def cut(self) -> None:
        """Forget the sound so far; the speech goes on."""
        while len(self._windows) > 3:
            self._windows.popleft()

    def forget(self) -> None:
        """Begin anew."""
        self.on = False
        self._windows.clear()
        self._voiced = self._run = self._silent = 0

    def audio(self) -> bytes:
        """Return the sound kept, 16-bit."""
        y = np.concatenate([np.zeros(0, np.float32), *(y for y, _ in self._windows)])
        return bytes((np.clip(y, -1, 1) * 32767).round().astype(np.int16).tobytes())
