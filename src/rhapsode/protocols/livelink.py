"""Live Link Face over UDP, version 6: what Epic's iPhone app sends and Unreal receives on port 11111.

Everything is big-endian: u8 version 6; i32 length and UTF-8 device id; i32 length and UTF-8 subject; i32
frame number and f32 sub-frame; i32 numerator and i32 denominator of the frame rate; u8 61 and as many f32.
Where the phone sees no face the packet ends behind the rate. The order is that of `rhapsode.rigs.FACE`.

Angles need no change of sign: on the wire as here, yaw is positive to the face's right, pitch downwards, roll
to the right shoulder. They are radians where ``angle_scale`` is 1; code of old Unreal versions used
degrees / 180, which is an ``angle_scale`` of 1 / pi. Frame numbers count from midnight, as timecodes do.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from rhapsode.errors import PacketError, SettingError
from rhapsode.performance import Float32
from rhapsode.protocols.axes import checked, received
from rhapsode.protocols.frame import FaceFrame
from rhapsode.rigs import ANGLES, FACE

VERSION: Final = 6
COUNT: Final = len(FACE)
SAMPLE_RATE_HZ: Final = 16_000

LONGEST_NAME = 255
"""Bytes of a device id or a subject."""

_INT = struct.Struct(">i")
_TIME = struct.Struct(">if2i")
_VALUES = np.dtype(">f4")
_DAY_S = 24 * 3600


@dataclass(frozen=True, eq=False)
class LiveLinkPacket:
    """One packet, as it is on the wire.

    Args:
        device: what tells phones apart; the app sends 36 characters (some receivers rely on it).
        subject: name that Unreal shows.
        frame: number of the frame, from midnight.
        sub_frame: part of a frame behind it, in [0, 1).
        rate: frames per second as sent, numerator and denominator.
        values: (61,) float32; None where there is no face.

    """

    device: str
    subject: str
    frame: int
    sub_frame: float
    rate: tuple[int, int]
    values: Float32 | None

    def __bytes__(self) -> bytes:
        made = [bytes([VERSION]), _text(self.device), _text(self.subject)]
        made.append(_TIME.pack(self.frame, self.sub_frame, *self.rate))
        if self.values is not None:
            made += [bytes([COUNT]), self.values.astype(_VALUES).tobytes()]
        return b"".join(made)

    @classmethod
    def parse(cls, data: bytes) -> LiveLinkPacket:
        """Read one packet.

        Names may end with a NUL, as Unreal writes them.

        Raises:
            PacketError: another version, cut off, too long, or not 61 values.

        """
        if not data:
            raise _wrong("an empty packet", "61 values of version 6")
        if data[0] != VERSION:
            raise _wrong(
                f"version {data[0]}",
                f"{VERSION}",
                "update the Live Link Face app and choose 'Live Link (ARKit)' as its mode",
            )
        device, place = _name(data, 1, "device id")
        subject, place = _name(data, place, "subject")
        if place == len(data):
            return cls(device, subject, 0, 0.0, (0, 0), None)
        if place + _TIME.size > len(data):
            raise _wrong(f"{len(data)} bytes", f"at least {place + _TIME.size}", "the packet is cut off")
        frame, sub_frame, *rate = _TIME.unpack_from(data, place)
        place += _TIME.size
        count = data[place] if place < len(data) else 0
        values = None
        if count:
            expected = place + 1 + COUNT * _VALUES.itemsize
            if count != COUNT:
                raise _wrong(f"{count} values", f"{COUNT}", "send ARKit blendshapes")
            if len(data) != expected:
                raise _wrong(f"{len(data)} bytes", f"{expected}", "the packet is cut off or not one packet")
            values = np.frombuffer(data, _VALUES, COUNT, place + 1).astype(np.float32)
        elif place + 1 < len(data):
            raise _wrong(f"{len(data) - place - 1} bytes behind a count of 0", "none")
        return cls(device, subject, frame, sub_frame, (rate[0], rate[1]), values)


class LiveLinkEncoder:
    """Sends faces as the Live Link Face app does.

    Args:
        subject: name that Unreal shows.
        device: id of the phone; None makes 36 characters of the subject, the same each time.
        rate: frames per second of the frame numbers.
        angle_scale: what one radian is on the wire.
        start_s: time of day of clock sample 0, seconds.

    Raises:
        SettingError: a name is empty or too long, or the rate or the scale is not positive.

    Example:
        >>> from rhapsode.protocols.frame import REST
        >>> [packet] = LiveLinkEncoder("Mira").encode(REST)
        >>> LiveLinkPacket.parse(packet).subject
        'Mira'

    """

    def __init__(
        self,
        subject: str = "Rhapsode",
        *,
        device: str | None = None,
        rate: Fraction = Fraction(60),
        angle_scale: float = 1.0,
        start_s: float = 0.0,
    ) -> None:
        self._device = device or str(uuid5(NAMESPACE_URL, f"rhapsode:{subject}")).upper()
        for what, name in (("subject", subject), ("device id", self._device)):
            if not 0 < len(name.encode("utf-8")) <= LONGEST_NAME:
                raise SettingError(
                    f"a Live Link {what} needs 1 to {LONGEST_NAME} bytes, got '{name[:24]}'; choose another"
                )
        if not (0 < rate <= 1000 and rate.denominator < 2**31 and rate.numerator < 2**31):
            raise SettingError(f"a Live Link rate is above 0 and at most 1000 a second, got {rate}; try 60")
        if not (isfinite(angle_scale) and angle_scale > 0):
            raise SettingError(f"angle_scale is a positive number, got {angle_scale}; 1 sends radians")
        self._subject, self._rate, self._scale = subject, rate, angle_scale
        self._start = round(start_s * SAMPLE_RATE_HZ)

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return the packet of ``frame``; without values where it has no face.

        Raises:
            PacketError: a value is NaN or infinite.

        """
        values = checked(frame, "Live Link Face").copy()
        values[-len(ANGLES) :] *= self._scale
        samples = (frame.sample_index + self._start) % (_DAY_S * SAMPLE_RATE_HZ)
        ticks = samples * self._rate.numerator
        whole, rest = divmod(ticks, SAMPLE_RATE_HZ * self._rate.denominator)
        packet = LiveLinkPacket(
            self._device,
            self._subject,
            whole,
            # In float32 nothing below 1 may round up to 1.
            min(rest / (SAMPLE_RATE_HZ * self._rate.denominator), 1 - 2.0**-24),
            (self._rate.numerator, self._rate.denominator),
            values if frame.found else None,
        )
        return [bytes(packet)]


class LiveLinkDecoder:
    """Reads packets of Live Link Face.

    Args:
        subject: take only packets of this subject; None takes all.
        angle_scale: what one radian is on the wire.

    Attributes:
        packet: the last packet that was taken, with its frame number and names; None before the first.

    """

    def __init__(self, *, subject: str | None = None, angle_scale: float = 1.0) -> None:
        self._subject, self._scale = subject, angle_scale
        self.packet: LiveLinkPacket | None = None

    def decode(self, data: bytes) -> FaceFrame | None:
        """Return the face of a packet, at rest and not ``found`` where it has none; None for other subjects.

        Raises:
            PacketError: see `LiveLinkPacket.parse`; or a value is NaN or infinite.

        """
        packet = LiveLinkPacket.parse(data)
        if self._subject not in (None, packet.subject):
            return None
        if packet.values is None:
            made = FaceFrame(0, np.zeros(COUNT, np.float32), found=False)
        else:
            values = received(packet.values, "Live Link Face")
            values[-len(ANGLES) :] /= self._scale
            made = FaceFrame(0, values)
        self.packet = packet
        return made


def _text(text: str) -> bytes:
    data = text.encode("utf-8")
    return _INT.pack(len(data)) + data


def _name(data: bytes, place: int, what: str) -> tuple[str, int]:
    if place + 4 > len(data):
        raise _wrong(f"{len(data)} bytes", f"at least {place + 4}", "the packet is cut off")
    size, place = int(_INT.unpack_from(data, place)[0]), place + 4
    if not 0 <= size <= LONGEST_NAME:
        raise _wrong(f"a {what} of {size} bytes", f"0 to {LONGEST_NAME}")
    if place + size > len(data):
        raise _wrong(f"{len(data)} bytes", f"at least {place + size}", "the packet is cut off")
    try:
        return data[place : place + size].decode("utf-8").rstrip("\0"), place + size
    except UnicodeDecodeError:
        raise _wrong(f"a {what} {data[place : place + size][:16]!r}", "UTF-8") from None


def _wrong(got: str, expected: str, remedy: str = "check what sends to this port") -> PacketError:
    return PacketError(f"not a Live Link Face packet: got {got}, expected {expected}; {remedy}")
