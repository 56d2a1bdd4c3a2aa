"""Azure's blendshapes that come chunk by chunk, as the service sends them while it speaks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rhapsode.errors import FormatError
from rhapsode.formats.azure import CHANNELS, RATE, frames_of
from rhapsode.performance import CLOCK_HZ, Curves, Float32

_FARTHEST = 60 * 60  # frames that may be missing: a minute


class AnimationStream:
    """Takes animation strings, gives their frames; the twin of `rhapsode.formats.azure.read`.

    Weights are as sent; eyes are turned by the face itself, so that they stay on the listener.

    Attributes:
        names: channels of the curves.
        rate: rows a second.

    Example:
        >>> stream = AnimationStream()
        >>> stream.push('{"FrameIndex":0,"BlendShapes":[[' + ",".join(["0.5"] * 55) + "]]}")
        >>> len(stream.take()), len(stream.names)
        (1, 47)

    """

    names = tuple(name for name in CHANNELS if not name.startswith("eyeLook"))
    rate = RATE

    def __init__(self) -> None:
        self._columns = [CHANNELS.index(name) for name in self.names]
        self._frames: list[Float32] = []
        self._made = 0

    @property
    def known_s(self) -> float:
        """Up to where the curves are certain, seconds."""
        return max(len(self._frames) - 1, 0) / float(RATE)

    def push(self, animation: str) -> None:
        """Take the animation of one event; frames that are missing before it are as the last one.

        Raises:
            FormatError: it is no chunk of frames.

        """
        first, values = frames_of(animation)
        if first > len(self._frames) + _FARTHEST:
            raise FormatError(
                f"a viseme event is no Azure animation: got FrameIndex {first} behind {len(self._frames)} "
                "frames, expected chunks in a row; ask for FacialExpression"
            )
        for k, row in enumerate(values[:, self._columns], start=first):
            while self._frames and len(self._frames) < k:
                self._frames.append(self._frames[-1])
            if k >= len(self._frames):
                self._frames += [row] * (k - len(self._frames) + 1)
            elif k >= self._made:
                self._frames[k] = row

    def take(self) -> Curves:
        """Return the rows that came since the last call."""
        rows, first = self._frames[self._made :], self._made
        self._made = len(self._frames)
        values = np.array(rows, np.float32).reshape(len(rows), len(self.names))
        return Curves(self.names, values, RATE, Fraction(first * CLOCK_HZ) / RATE)

    def finish(self, end_s: float) -> Curves:
        """Return all other rows; nothing is known behind the last frame."""
        return self.take()
