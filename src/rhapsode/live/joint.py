"""Soft joints between faces that do not follow from each other."""

from __future__ import annotations

import numpy as np

from rhapsode.performance import Float32

FRAMES = 6
"""Curve frames over which one face becomes another (0.12 s)."""


class Joint:
    """Fades from the face shown last into what follows, wherever it was told to."""

    def __init__(self) -> None:
        self._last: Float32 | None = None
        self._from: Float32 | None = None
        self._done = FRAMES

    def cut(self) -> None:
        """Say that what follows does not follow from what was."""
        self._from, self._done = self._last, 0

    def push(self, values: Float32) -> Float32:
        """Return the next curve frames (T, 61), faded where they are close behind a cut."""
        if self._from is not None and self._done < FRAMES and len(values):
            steps = np.arange(self._done + 1, self._done + 1 + len(values), dtype=np.float32)
            share = np.clip(steps / FRAMES, 0, 1)[:, None]
            values = (self._from * (1 - share) + values * share).astype(np.float32)
            self._done += len(values)
        if len(values):
            self._last = values[-1].copy()
        return values
