"""What a face engine says about every curve frame, and what every engine can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rhapsode.performance import Float32

VISEMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou")
"""Columns of `EngineFrames.visemes`: the fifteen Oculus visemes in their usual order."""

HEARD = (*VISEMES, "activity", "stress")
"""Columns of `EngineFrames.heard`."""


@dataclass(frozen=True, eq=False)
class EngineFrames:
    """T curve frames as an engine makes them.

    Args:
        weights: (T, 52) float32 in [0, 1], ARKit order.
        activity: (T,) float32 in [0, 1], how surely somebody speaks; None from an engine that cannot tell.
        visemes: (T, 15) float32, how likely each of `VISEMES` is, every row adding up to 1; None likewise.
        stress: (T,) float32 in [0, 1], how much the moment stands out in loudness and pitch; None likewise.

    """

    weights: Float32
    activity: Float32 | None = None
    visemes: Float32 | None = None
    stress: Float32 | None = None

    def __len__(self) -> int:
        return len(self.weights)

    def heard(self) -> Float32 | None:
        """Return (T, 17) what was heard, in the order of `HEARD`; None from an engine that cannot tell."""
        if self.activity is None or self.visemes is None or self.stress is None:
            return None
        made = np.empty((len(self), len(HEARD)), np.float32)
        made[:, : len(VISEMES)] = self.visemes
        made[:, -2], made[:, -1] = self.activity, self.stress
        return made


def joined(parts: list[EngineFrames]) -> EngineFrames:
    """Return consecutive parts of one engine as one."""

    def of(name: str) -> Float32 | None:
        found = [getattr(part, name) for part in parts]
        return None if any(track is None for track in found) else np.concatenate(found)

    return EngineFrames(
        np.concatenate([p.weights for p in parts]), of("activity"), of("visemes"), of("stress")
    )


class EngineStream(Protocol):
    """One sound on its way through an engine; see `rhapsode.face.engine.EngineStream`."""

    def push(self, y: Float32) -> EngineFrames:
        """Take the next samples, (n,) float32 at 16 kHz, n >= 0; return the curve frames they complete."""
        ...

    def finish(self) -> EngineFrames:
        """Return the curve frames up to the end of the sound, ceil(N / 320) in all; the stream ends here."""
        ...


class FaceEngine(Protocol):
    """Loaded weights of any architecture, shared by any number of streams."""

    @property
    def look_ahead_samples(self) -> int:
        """Curve frame k depends on clock samples below 320 k + this."""
        ...

    @property
    def styles(self) -> tuple[str, ...]:
        """Names that `stream` takes as a style; the first is not always the default."""
        ...

    def stream(self, *, style: str | None = None) -> EngineStream:
        """Return a new stream at the beginning of a sound.

        Raises:
            SettingError: the style is unknown.

        """
        ...
