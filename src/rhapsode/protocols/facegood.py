"""The UDP protocol of FACEGOOD-Audio2Face's Unreal project: 116 weights out, a mouse button in.

To Unreal (127.0.0.1:43014), 30 a second, 468 bytes, little-endian:

    offset  size  field
         0   464  116 float32 weights in the order of the Unreal project
       464     4  0

From Unreal (127.0.0.1:43015), when the mouse button goes down or up over the character:

    offset  size  field
         0     4  int32 length of the text with its end (2)
         4     2  "1" and NUL: pressed; "2" and NUL: released

The order of the Unreal project is not that of the published takes (`rhapsode.rigs.facegood`): one tongue
shape lies at place 114 in place of 1, and three pairs of neighbours are swapped.
"""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np

from rhapsode.errors import PacketError
from rhapsode.protocols.axes import checked
from rhapsode.protocols.frame import FaceFrame
from rhapsode.rigs import ANGLES
from rhapsode.rigs.facegood import ARKIT_TO_FACEGOOD, FACEGOOD, FACEGOOD_TO_ARKIT

WEIGHTS_PORT = 43014
"""Where the Unreal project listens for weights."""

BUTTON_PORT = 43015
"""Where the Unreal project sends the mouse button to."""

RATE_HZ = 30

Order = Literal["unreal", "takes"]

_PLACES = [
    *(0, *range(2, 11), 12, 11, *range(13, 93), 94, 93),
    *(*range(95, 104), 105, 104, *range(106, 115), 1, 115),
]
UNREAL_ORDER: tuple[str, ...] = tuple(FACEGOOD.channels[place] for place in _PLACES)
"""The 116 shapes as they stand in a packet."""

_TAIL = bytes(4)
_SIZE = 4 * len(FACEGOOD) + len(_TAIL)
_BUTTON = struct.Struct("<I")
_PRESSED: dict[bytes, bool] = {b"1\0": True, b"2\0": False}


class FacegoodEncoder:
    """Makes the packets that drive the Unreal project's character.

    Args:
        order: ``unreal`` for the project, ``takes`` for programs that use the order of the published takes.

    """

    def __init__(self, *, order: Order = "unreal") -> None:
        self._places = _PLACES if order == "unreal" else list(range(len(FACEGOOD)))

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return one packet of 468 bytes; head and eyes have no place in it.

        Raises:
            PacketError: a value of the frame is NaN or infinite.

        """
        weights = checked(frame, "FACEGOOD")[: -len(ANGLES)]
        weights = ARKIT_TO_FACEGOOD.apply(weights[None])[0, self._places]
        return [weights.astype("<f4").tobytes() + _TAIL]


class FacegoodDecoder:
    """Reads the packets that drive the Unreal project's character.

    Args:
        order: as the sender has it; see `FacegoodEncoder`.

    """

    def __init__(self, *, order: Order = "unreal") -> None:
        places = _PLACES if order == "unreal" else range(len(FACEGOOD))
        self._back = np.argsort(places)

    def decode(self, data: bytes) -> FaceFrame:
        """Return the face that a packet carries.

        Raises:
            PacketError: it is not exactly 116 finite weights and four zero bytes.

        """
        if len(data) != _SIZE or data[-len(_TAIL) :] != _TAIL:
            raise PacketError(
                f"a FACEGOOD packet needs {len(FACEGOOD)} float32 and 4 zero bytes ({_SIZE} bytes), "
                f"got {len(data)} bytes ending with {data[-len(_TAIL) :].hex() or 'nothing'}"
            )
        weights = np.frombuffer(data, "<f4", len(FACEGOOD))[self._back]
        if not np.isfinite(weights).all():
            raise PacketError("a FACEGOOD packet needs finite weights, got NaN or infinity")
        made = FACEGOOD_TO_ARKIT.apply(weights.clip(-1e6, 1e6).astype(np.float32)[None])[0]
        return FaceFrame(0, np.concatenate([made, np.zeros(len(ANGLES), np.float32)]))


def encode_button(pressed: bool) -> bytes:
    """Return what the Unreal project sends when the mouse button goes down (or up)."""
    text = b"1\0" if pressed else b"2\0"
    return _BUTTON.pack(len(text)) + text


def decode_button(data: bytes) -> bool:
    """Return whether the mouse button went down, from what the Unreal project sends.

    Raises:
        PacketError: the message is not one of the two.

    """
    text = data[_BUTTON.size :]
    if len(data) < _BUTTON.size or _BUTTON.unpack_from(data)[0] != len(text) or text not in _PRESSED:
        raise PacketError(
            "a FACEGOOD button message needs a length and '1' or '2' with a zero byte (6 bytes), "
            f"got {len(data)} bytes: {data[:12].hex()}"
        )
    return _PRESSED[text]
