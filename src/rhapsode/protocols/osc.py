"""Open Sound Control 1.0: messages and bundles, packed and parsed by hand, and a generic encoder.

Everything is big-endian and aligned to four bytes. `Template` packs the strings of a packet once and writes
only the numbers for each frame. Source: "The Open Sound Control 1.0 Specification", opensoundcontrol.org.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np

from rhapsode.errors import PacketError, SettingError
from rhapsode.performance import Float32
from rhapsode.protocols.axes import checked
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.osc_reading import BUNDLE, DEEPEST, Arg, Message, parse
from rhapsode.rigs import FACE

__all__ = [
    "DEEPEST",
    "IMMEDIATELY",
    "LIMIT",
    "SLOT",
    "Arg",
    "Layout",
    "Message",
    "OscEncoder",
    "Slot",
    "Template",
    "bundle",
    "pack",
    "parse",
    "split",
]

LIMIT = 1400
"""Largest datagram in bytes: it passes an Ethernet of 1500 in one piece, also through a tunnel."""

IMMEDIATELY: Final = b"\0\0\0\0\0\0\0\1"
"""The time tag of a bundle that is due when it arrives."""

_INT, _FLOAT = struct.Struct(">i"), struct.Struct(">f")
_NOT_IN_ADDRESSES = frozenset(" #*,?[]{}")


class Slot:
    """The place of a number that a `Template` fills in."""


SLOT: Final = Slot()


Layout: TypeAlias = "tuple[str, tuple[Arg | Slot, ...]]"


def pack(address: str, *args: Arg) -> bytes:
    r"""Return one message; ``args`` become i, f, s, b, T or F by their type.

    Raises:
        PacketError: the address does not begin with "/", a text holds a NUL, or a number needs over 32 bits.

    Example:
        >>> pack("/a", 1)
        b'/a\x00\x00,i\x00\x00\x00\x00\x00\x01'

    """
    return _message(address, args)[0]


def bundle(elements: Iterable[bytes]) -> bytes:
    """Return messages or bundles as one bundle, due immediately."""
    return b"".join([BUNDLE, IMMEDIATELY, *(_INT.pack(len(part)) + part for part in elements)])


def split(layouts: Iterable[Layout], *, limit: int = LIMIT) -> list[list[Layout]]:
    """Return consecutive groups of messages, each of which fits a bundle of ``limit`` bytes.

    A message that alone exceeds the limit gets a bundle of its own.
    """
    groups: list[list[Layout]] = []
    size = limit
    for layout in layouts:
        more = 4 + len(_message(*layout)[0])
        if size + more > limit:
            groups.append([])
            size = len(BUNDLE) + len(IMMEDIATELY)
        groups[-1].append(layout)
        size += more
    return groups


class Template:
    """A packet of which only the floats at its slots change.

    Args:
        layouts: addresses with their arguments, `SLOT` where a float comes.
        bundled: make a bundle, also of one message.

    Attributes:
        slots: how many floats `fill` takes.

    """

    def __init__(self, layouts: Sequence[Layout], *, bundled: bool = True) -> None:
        parts, places = [BUNDLE, IMMEDIATELY] if bundled else [], []
        for layout in layouts:
            data, found = _message(*layout)
            if bundled:
                parts.append(_INT.pack(len(data)))
            start = sum(map(len, parts))
            places += [(start + place) // 4 for place in found]
            parts.append(data)
        self._words = np.frombuffer(b"".join(parts), np.uint32)
        self._places = np.array(places, np.intp)
        self.slots = len(places)

    def fill(self, values: Float32) -> bytes:
        """Return the packet with ``values``, (slots,) float32, in its slots."""
        words = self._words.copy()
        words.view(">f4")[self._places] = values
        return words.tobytes()


def _message(address: str, args: Sequence[Arg | Slot]) -> tuple[bytes, list[int]]:
    """Return a message and the byte places of its slots."""
    if not address.startswith("/"):
        raise PacketError(f"an OSC address must begin with '/', got '{address}'; put one in front")
    tags, parts, slots, size = [","], [], [], 0
    for arg in args:
        if isinstance(arg, Slot):
            slots.append(size)
        tag, data = _argument(address, arg)
        tags.append(tag)
        parts.append(data)
        size += len(data)
    head = _padded(address) + _padded("".join(tags))
    return b"".join([head, *parts]), [len(head) + place for place in slots]


def _argument(address: str, arg: Arg | Slot) -> tuple[str, bytes]:
    if isinstance(arg, Slot):
        return "f", bytes(4)
    if isinstance(arg, bool):
        return "T" if arg else "F", b""
    if isinstance(arg, float):
        try:
            return "f", _FLOAT.pack(arg)
        except OverflowError:
            raise PacketError(f"an OSC float must fit 32 bits, got {arg} for {address}; scale it") from None
    if isinstance(arg, str):
        return "s", _padded(arg)
    if isinstance(arg, bytes):
        return "b", _INT.pack(len(arg)) + arg + bytes(-len(arg) % 4)
    if not -(2**31) <= arg < 2**31:
        raise PacketError(f"an OSC int must fit 32 bits, got {arg} for {address}; send it as a float")
    return "i", _INT.pack(arg)


def _padded(text: str) -> bytes:
    if "\0" in text:
        raise PacketError(f"an OSC text must not hold a NUL, got {text[:24]!r}; take it out")
    data = text.encode("utf-8")
    return data + bytes(4 - len(data) % 4)


class OscEncoder:
    """Sends every value under an address of its own, or all in one message.

    Args:
        template: address of a channel; ``{channel}`` becomes its name of `rhapsode.rigs.FACE`.
        together: send one message ``address`` with 61 floats in the order of `rhapsode.rigs.FACE` instead.
        address: see ``together``.
        limit: largest datagram in bytes; several bundles are made where one does not do.

    Weights are sent as they are, angles in radians.

    Raises:
        SettingError: an address holds what OSC does not allow, or lacks its "/" or ``{channel}``.

    Example:
        >>> from rhapsode.protocols.frame import REST
        >>> [packet] = OscEncoder(together=True).encode(REST)
        >>> parse(packet)[0].address
        '/rhapsode/face'

    """

    def __init__(
        self,
        template: str = "/rhapsode/{channel}",
        *,
        together: bool = False,
        address: str = "/rhapsode/face",
        limit: int = LIMIT,
    ) -> None:
        if not together and "{channel}" not in template:
            raise SettingError(
                f"an OSC template needs {{channel}}, got '{template}'; such as '/rhapsode/{{channel}}'"
            )
        for text in (address if together else template.replace("{channel}", "x"),):
            if not text.startswith("/") or not text.isascii() or _NOT_IN_ADDRESSES & set(text):
                raise SettingError(
                    f"an OSC address begins with '/' and holds no space nor any of #*,?[]{{}}, got '{text}'; "
                    "choose another"
                )
        if together:
            self._packets = [Template([(address, (SLOT,) * len(FACE))], bundled=False)]
        else:
            layouts: list[Layout] = [(template.replace("{channel}", name), (SLOT,)) for name in FACE.channels]
            self._packets = [Template(group) for group in split(layouts, limit=limit)]

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return the datagrams of ``frame``; see `rhapsode.protocols.frame.Encoder`.

        Raises:
            PacketError: a value is NaN or infinite.

        """
        values, made, start = checked(frame, "OSC"), [], 0
        for packet in self._packets:
            made.append(packet.fill(values[start : start + packet.slots]))
            start += packet.slots
        return made
