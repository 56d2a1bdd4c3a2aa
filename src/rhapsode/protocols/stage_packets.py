"""The binary messages of the stage's WebSocket: sound and curves stamped with the clock. No I/O.

Everything is little-endian; a packet is one WebSocket message.

    offset  size  field
         0     4  magic "RHP1"; the digit is the version
         4     1  kind: 1 sound, 2 curves
         5     1  width: channels of the sound (1) or of the curves (61)
         6     2  reserved, 0
         8     8  start: clock sample (16 kHz) of the first sound sample or curve frame
        16     4  generation: packets of an older one are dead
        20     4  count: sound samples or curve frames
        24     4  rate: sound samples or curve frames a second
        28     -  payload: count x width values, int16 for sound, float32 for curves

The payload begins on a multiple of four, so that a browser can view it in place. That of bones begins with
one byte a bone, its place in `BONES`, filled up with zeros to a multiple of four; count x width x 4 int16
follow: the parts x, y, z, w of unit quaternions, 32767 being 1. Bones come before the curves of their moment;
a moment without bones has no packet of them. Readers leave out kinds that they do not know.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import PacketError
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Float32
from rhapsode.protocols.axes import checked, received
from rhapsode.protocols.frame import FaceFrame, Quaternion
from rhapsode.protocols.vmc_bones import BONES
from rhapsode.rigs import FACE

MAGIC = b"RHP1"
HEADER = struct.Struct("<4sBBHQIII")
_FULL_SCALE = 32767.0
_PLACES = {name: place for place, name in enumerate(BONES)}


@dataclass(frozen=True, eq=False)
class SoundPacket:
    """Sound of one channel.

    Args:
        generation: which performance it belongs to, in [0, 2**32).
        start: clock sample of the first sample.
        samples: (N,) float32 in [-1, 1]; what lies outside is clipped.
        sample_rate: Hz.

    """

    KIND: ClassVar[int] = 1

    generation: int
    start: int
    samples: Float32
    sample_rate: int

    def __bytes__(self) -> bytes:
        whole = np.rint(np.clip(self.samples, -1.0, 1.0) * _FULL_SCALE).astype("<i2")
        return _pack(self.KIND, self, whole, 1, self.sample_rate)

    @classmethod
    def parse(cls, data: bytes) -> SoundPacket:
        """Read a packet; raise `PacketError` if ``data`` is not exactly one of sound."""
        head = _Header.parse(data, cls.KIND, "sound", item_size=2)
        values = np.frombuffer(data, "<i2", offset=HEADER.size)
        return cls(head.generation, head.start, (values / _FULL_SCALE).astype(np.float32), head.rate)


@dataclass(frozen=True, eq=False)
class CurvesPacket:
    """Curve frames, one every 20 ms.

    Args:
        generation: which performance they belong to, in [0, 2**32).
        start: clock sample of the first curve frame.
        values: (T, C) float32, C at most 255.
        rate: curve frames a second.

    """

    KIND: ClassVar[int] = 2

    generation: int
    start: int
    values: Float32
    rate: int = CURVE_HZ

    def __bytes__(self) -> bytes:
        return _pack(self.KIND, self, self.values.astype("<f4"), self.values.shape[1], self.rate)

    @classmethod
    def parse(cls, data: bytes) -> CurvesPacket:
        """Read a packet; raise `PacketError` if ``data`` is not exactly one of curves."""
        head = _Header.parse(data, cls.KIND, "curves", item_size=4)
        values = np.frombuffer(data, "<f4", offset=HEADER.size).reshape(head.count, head.width)
        return cls(head.generation, head.start, values.astype(np.float32), head.rate)


@dataclass(frozen=True, eq=False)
class BonesPacket:
    """Turns of a body's bones, one every 20 ms.

    Args:
        generation: which performance they belong to, in [0, 2**32).
        start: clock sample of the first moment.
        names: humanoid bones of VRM 1.0, at most 55.
        turns: (T, bones, 4) float32 unit quaternions x, y, z, w, relative to the T-pose.
        rate: moments a second.

    """

    KIND: ClassVar[int] = 3

    generation: int
    start: int
    names: tuple[str, ...]
    turns: Float32
    rate: int = CURVE_HZ

    @classmethod
    def of(cls, generation: int, start: int, bones: Mapping[str, Quaternion]) -> BonesPacket:
        """Return the packet of one moment; names that are no humanoid bones are left out."""
        known = {name: turn for name, turn in bones.items() if name in _PLACES}
        turns = np.array([*known.values()], np.float32).reshape(1, len(known), 4)
        return cls(generation, start, tuple(known), turns)

    def __bytes__(self) -> bytes:
        places = bytes(_PLACES[name] for name in self.names)
        head = HEADER.pack(
            *(MAGIC, self.KIND, len(places), 0, self.start, self.generation, len(self.turns), self.rate)
        )
        whole = np.rint(np.clip(self.turns, -1.0, 1.0) * _FULL_SCALE).astype("<i2")
        return b"".join((head, places, bytes(-len(places) % 4), whole.tobytes()))

    @classmethod
    def parse(cls, data: bytes) -> BonesPacket:
        """Read a packet; raise `PacketError` if ``data`` is not exactly one of bones."""
        width = data[5] if len(data) > 5 else 0
        before = width + -width % 4
        head = _Header.parse(data, cls.KIND, "bones", item_size=8, before=before)
        places = data[HEADER.size : HEADER.size + width]
        if bad := [place for place in places if place >= len(BONES)]:
            raise PacketError(f"a bone has a number below {len(BONES)}, got {bad[0]}")
        whole = np.frombuffer(data, "<i2", offset=HEADER.size + before).reshape(head.count, width, 4)
        names = tuple(BONES[place] for place in places)
        return cls(head.generation, head.start, names, (whole / _FULL_SCALE).astype(np.float32), head.rate)


Packet = SoundPacket | CurvesPacket | BonesPacket


def parse(data: bytes) -> Packet:
    """Read a packet of any kind.

    Raises:
        PacketError: ``data`` is cut short, too long, of another version or kind.

    """
    kind = data[4] if len(data) > 4 else 0
    if kind == BonesPacket.KIND:
        return BonesPacket.parse(data)
    return CurvesPacket.parse(data) if kind == CurvesPacket.KIND else SoundPacket.parse(data)


class CurvesFrameEncoder:
    """Makes one packet of curves a moment: 28 + 4 x 61 = 272 bytes.

    Args:
        generation: what the packets carry until it is set anew.
        rate: curve frames a second that the packets announce.

    """

    def __init__(self, *, generation: int = 0, rate: int = CURVE_HZ) -> None:
        self.generation, self._rate = generation, rate

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return one packet of one curve frame.

        Raises:
            PacketError: a value of the frame is NaN or infinite.

        """
        values = checked(frame, "a stage packet")[None]
        packet = CurvesPacket(self.generation, frame.sample_index, values, self._rate)
        return [bytes(packet)]


class CurvesFrameDecoder:
    """Reads packets of curves of the face rig."""

    def decode(self, data: bytes) -> FaceFrame | None:
        """Return the last curve frame of a packet; None for a packet of no curve frames.

        Raises:
            PacketError: the packet is not whole, not of the face rig's 61 channels, or not finite.

        """
        packet = parse(data)
        if not isinstance(packet, CurvesPacket) or not len(packet.values):
            return None
        if packet.values.shape[1] != len(FACE):
            raise PacketError(f"a face needs curves of {len(FACE)} channels, got {packet.values.shape[1]}")
        start = packet.start + (len(packet.values) - 1) * CLOCK_HZ // packet.rate
        return FaceFrame(start, received(packet.values[-1], "a stage packet"))


def _pack(kind: int, packet: Packet, values: NDArray[Any], width: int, rate: int) -> bytes:
    head = HEADER.pack(MAGIC, kind, width, 0, packet.start, packet.generation, len(values), rate)
    return head + values.tobytes()


@dataclass(frozen=True)
class _Header:
    width: int
    start: int
    generation: int
    count: int
    rate: int

    @classmethod
    def parse(cls, data: bytes, kind: int, what: str, item_size: int, before: int = 0) -> _Header:
        if len(data) < HEADER.size:
            raise PacketError(f"a stage packet needs a header of {HEADER.size} bytes, got {len(data)}")
        magic, found, width, _, start, generation, count, rate = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise PacketError(f"a stage packet begins with {MAGIC!r}, got {magic!r}")
        if found != kind:
            raise PacketError(f"a packet of {what} has kind {kind}, got {found}")
        size = HEADER.size + before + count * width * item_size
        if len(data) != size or not width or not rate:
            raise PacketError(
                f"a packet of {count} x {width} values of {what} at {rate} Hz needs {size} bytes, "
                f"got {len(data)}"
            )
        return cls(width, start, generation, count, rate)
