"""What packets carry: one moment of a face, and the two interfaces of every protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from rhapsode.performance import Float32
from rhapsode.rigs import ANGLES, FACE

Quaternion = tuple[float, float, float, float]
"""x, y, z, w."""


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """One moment of a performance.

    Args:
        sample_index: clock sample (16 kHz); 0 where a receiver does not know it.
        values: (61,) float32 in the order of `rhapsode.rigs.FACE`: 52 ARKit weights, 9 angles in radians.
        found: whether a tracker sees a face.
        bones: local rotation by VRM 1.0 humanoid bone, relative to the T-pose, in glTF's axes; empty where
            only a face is given.
        head_position: metres, where a tracker gives it.
        emotions: amounts in [0, 1] by the names of `rhapsode.face.emotion`.

    """

    sample_index: int
    values: Float32
    found: bool = True
    bones: Mapping[str, Quaternion] = field(default_factory=dict)
    head_position: tuple[float, float, float] | None = None
    emotions: Mapping[str, float] = field(default_factory=dict)

    @property
    def weights(self) -> Float32:
        """The 52 ARKit weights, (52,)."""
        return self.values[: -len(ANGLES)]

    @property
    def angles(self) -> Float32:
        """Yaw, pitch and roll of head, left and right eye in radians, (9,)."""
        return self.values[-len(ANGLES) :]

    def __getitem__(self, channel: str) -> float:
        return float(self.values[FACE.index(channel)])


REST = FaceFrame(0, np.zeros(len(FACE), np.float32))
"""A face at rest."""


class Encoder(Protocol):
    """Makes the packets of one protocol; keeps what the protocol counts."""

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return the packets of ``frame``, in the order in which they are to be sent."""


class Decoder(Protocol):
    """Reads the packets of one protocol."""

    def decode(self, data: bytes) -> FaceFrame | None:
        """Take one packet; return the moment that it completes, or None.

        Raises:
            PacketError: the packet is not what the protocol asks for; the next one may be.

        """
