"""iFacialMocap: the text that the iPhone app sends to UDP port 49983, versions 1 and 2.

Version 1 is ``jawOpen-12|mouthSmile_R-3|...|=head#rx,ry,rz,x,y,z|rightEye#rx,ry,rz|leftEye#rx,ry,rz|``,
version 2 writes ``jawOpen&12``. Weights are whole numbers from 0 to 100; sides are ``_L`` and ``_R``. Turns
are degrees in the axes of ARKit's face (X to its left, Y up, Z forward): rx is pitch, ry is minus yaw, rz is
roll as `rhapsode.rigs.arkit` signs them. Positions are metres. The app sends to whoever greets it with the
handshake.

Source: ifacialmocap.com/for-developer. The signs are those of recorded packets: where the eyes converge on
the phone, ry of the right eye is positive.
"""

from __future__ import annotations

from math import degrees, isfinite, radians

import numpy as np

from rhapsode.errors import PacketError, SettingError
from rhapsode.protocols.axes import checked
from rhapsode.protocols.frame import FaceFrame
from rhapsode.rigs import BLENDSHAPES, FACE

_GREETING = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
_ASKS_V2 = b"|sendDataVersion=v2"
_SIDES = {"Left": "_L", "Right": "_R"}
_WHOLE = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
_STATUS = "trackingStatus"
_TURNS = {"head": 0, "leftEye": 3, "rightEye": 6}


def _name(channel: str) -> str:
    for side, short in _SIDES.items():
        if channel.endswith(side) and channel not in _WHOLE:
            return channel.removesuffix(side) + short
    return channel


NAMES: tuple[str, ...] = tuple(_name(channel) for channel in BLENDSHAPES)
"""iFacialMocap's names in the order of `rhapsode.rigs.BLENDSHAPES`."""

_PLACES = {name: place for place, name in enumerate(NAMES)}


def handshake(version: int = 2) -> bytes:
    """Return what a receiver sends to the app, so that it sends faces of ``version`` back.

    Raises:
        SettingError: there is no such version.

    """
    _check(version)
    return _GREETING + (_ASKS_V2 if version == 2 else b"")


def asked_version(data: bytes) -> int | None:
    """Return the version that a receiver's handshake asks for; None if ``data`` is no handshake.

    >>> asked_version(handshake(1)), asked_version(b"jawOpen-3|")
    (1, None)
    """
    if not data.startswith(_GREETING):
        return None
    return 2 if data[len(_GREETING) :].startswith(_ASKS_V2) else 1


class IFacialMocapEncoder:
    """Sends faces as the app does.

    Args:
        version: 1 or 2.

    Weights are clipped to [0, 1] and rounded to hundredths. A face that is not ``found`` is told by
    ``trackingStatus`` 0, which is left out otherwise, as some receivers take no name that they do not know.

    Raises:
        SettingError: there is no such version.

    Example:
        >>> from rhapsode.protocols.frame import REST
        >>> IFacialMocapEncoder(2).encode(REST)[0][:14]
        b'eyeBlink_L&0|e'

    """

    def __init__(self, version: int = 2) -> None:
        _check(version)
        mark = "-" if version == 1 else "&"
        self._lost = f"{_STATUS}{mark}0|"
        self._text = (
            "".join(f"{name}{mark}%d|" for name in NAMES)
            + "=head#%.5f,%.5f,%.5f,%.6f,%.6f,%.6f|rightEye#%.5f,%.5f,%.5f|leftEye#%.5f,%.5f,%.5f|"
        )

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return the datagram of ``frame``.

        Raises:
            PacketError: a value is NaN or infinite.

        """
        values = checked(frame, "iFacialMocap")
        weights = np.rint(values[: len(NAMES)].clip(0.0, 1.0) * 100).astype(int).tolist()
        head, left, right = (_degrees(*turn) for turn in frame.angles.reshape(3, 3).tolist())
        position = frame.head_position or (0.0, 0.0, 0.0)
        text = self._text % (*weights, *head, *position, *right, *left)
        return [(text if frame.found else self._lost + text).encode("ascii")]


class IFacialMocapDecoder:
    """Reads what the app sends, in either version; names that it does not know are passed over.

    Weights are clipped to [0, 1]; what a packet leaves out is 0. `FaceFrame.head_position` is the face's as
    the phone sees it.
    """

    def decode(self, data: bytes) -> FaceFrame | None:
        """Return the face of a packet; None for a handshake.

        Raises:
            PacketError: it is no such text, or a number is none, or is not finite.

        """
        if asked_version(data) is not None:
            return None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise _wrong(f"bytes {data[:12]!r}", "text") from None
        values, position, found, known = np.zeros(len(FACE), np.float32), None, True, 0
        for item in text.strip("\0\r\n ").split("|"):
            name, mark, rest = item.partition("#")
            if mark:
                numbers = _turn(name.removeprefix("="), rest)
                if numbers is None:
                    continue
                known += 1
                start = len(NAMES) + _TURNS[name.removeprefix("=")]
                rx, ry, rz = map(radians, numbers[:3])
                values[start : start + 3] = -ry, rx, rz
                if len(numbers) >= 6:
                    position = (numbers[3], numbers[4], numbers[5])
                continue
            name, mark, rest = item.partition("&" if "&" in item else "-")
            if mark and name in _PLACES:
                values[_PLACES[name]] = min(max(_number(name, rest) / 100, 0.0), 1.0)
                known += 1
            elif name == _STATUS:
                found = _number(name, rest) != 0
                known += 1
        if not known:
            raise _wrong(f"{len(data)} bytes without a name of a face", "'jawOpen-0|...' or 'jawOpen&0|...'")
        return FaceFrame(0, values, found=found, head_position=position)


def _degrees(yaw: float, pitch: float, roll: float) -> tuple[float, float, float]:
    """Return rx, ry, rz; adding 0 turns -0 into 0."""
    return degrees(pitch) + 0.0, -degrees(yaw) + 0.0, degrees(roll) + 0.0


def _turn(name: str, text: str) -> list[float] | None:
    if name not in _TURNS:
        return None
    numbers = [_number(name, part) for part in text.split(",")]
    if len(numbers) < 3:
        raise _wrong(f"{len(numbers)} numbers for {name}", "at least 3")
    return numbers


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _wrong(f"'{text[:16]}' for {name}", "a number") from None
    # Far beyond any angle or place; keeps what follows within float32.
    if not isfinite(number) or abs(number) > 1e6:
        raise _wrong(f"'{text[:16]}' for {name}", "a number of at most a million")
    return number


def _check(version: int) -> None:
    if version not in (1, 2):
        raise SettingError(f"iFacialMocap has versions 1 and 2, got {version}; choose 2 for new receivers")


def _wrong(got: str, expected: str) -> PacketError:
    return PacketError(
        f"not an iFacialMocap packet: got {got}, expected {expected}; check what sends to this port"
    )
