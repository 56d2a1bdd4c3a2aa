"""The reading half of `rhapsode.protocols.osc`."""

from __future__ import annotations

import struct
from typing import NamedTuple, TypeAlias

from rhapsode.errors import PacketError

DEEPEST = 8
"""How deep bundles may lie in bundles."""

BUNDLE = b"#bundle\0"

Arg: TypeAlias = "int | float | str | bytes | bool"

_INT, _FLOAT = struct.Struct(">i"), struct.Struct(">f")
_WIDE = {"h": struct.Struct(">q"), "d": struct.Struct(">d")}


class Message(NamedTuple):
    """An address and its arguments."""

    address: str
    args: tuple[Arg, ...] = ()


def parse(data: bytes) -> list[Message]:
    """Return the messages of a packet in order, those of nested bundles too.

    Reads i, f, s, b, T, F and the 64-bit h and d; time tags are not kept.

    Raises:
        PacketError: the packet is cut off, not aligned, nested more than `DEEPEST`, or has other types.

    """
    made: list[Message] = []
    _elements(data, made, 0)
    return made


def _elements(data: bytes, made: list[Message], depth: int) -> None:
    if not data.startswith(BUNDLE):
        made.append(_read(data))
        return
    if depth >= DEEPEST:
        raise _wrong(f"bundles nested more than {DEEPEST} deep", f"at most {DEEPEST}")
    if len(data) < 16:
        raise _wrong(f"a bundle of {len(data)} bytes", "a time tag")
    place = 16
    while place < len(data):
        size = _int(data, place)
        place += 4
        if size <= 0 or size % 4 or place + size > len(data):
            raise _wrong(f"an element of {size} bytes where {len(data) - place} are left", "a multiple of 4")
        _elements(data[place : place + size], made, depth + 1)
        place += size


def _read(data: bytes) -> Message:
    if len(data) % 4 or not data.startswith(b"/"):
        raise _wrong(
            f"{len(data)} bytes that begin with {data[:8]!r}", "an address '/...' aligned to 4 bytes"
        )
    address, place = _text(data, 0)
    if place == len(data):
        # Senders before OSC 1.0 leave out the type tags of a message without arguments.
        return Message(address)
    tags, place = _text(data, place)
    if not tags.startswith(","):
        raise _wrong(f"type tags '{tags[:16]}' of {address}", "tags that begin with ','")
    args: list[Arg] = []
    for tag in tags[1:]:
        if tag == "f":
            args.append(_float(data, place))
            place += 4
        elif tag == "i":
            args.append(_int(data, place))
            place += 4
        elif tag == "s":
            text, place = _text(data, place)
            args.append(text)
        elif tag in "TF":
            args.append(tag == "T")
        elif tag == "b":
            blob, place = _blob(data, place)
            args.append(blob)
        elif tag in _WIDE:
            if place + 8 > len(data):
                raise _cut(place + 8, len(data))
            args.append(_WIDE[tag].unpack_from(data, place)[0])
            place += 8
        else:
            raise _wrong(f"type '{tag}' in {address}", "one of i f s b T F h d")
    if place != len(data):
        raise _wrong(f"{len(data) - place} bytes behind the arguments of {address}", "none")
    return Message(address, tuple(args))


def _int(data: bytes, place: int) -> int:
    if place + 4 > len(data):
        raise _cut(place + 4, len(data))
    return int(_INT.unpack_from(data, place)[0])


def _float(data: bytes, place: int) -> float:
    if place + 4 > len(data):
        raise _cut(place + 4, len(data))
    return float(_FLOAT.unpack_from(data, place)[0])


def _text(data: bytes, place: int) -> tuple[str, int]:
    end = data.find(b"\0", place)
    after = (end // 4 + 1) * 4
    if end < 0 or after > len(data):
        raise _cut(max(after, len(data) + 1), len(data))
    try:
        return data[place:end].decode("utf-8"), after
    except UnicodeDecodeError:
        raise _wrong(f"text {data[place:end][:16]!r}", "UTF-8") from None


def _blob(data: bytes, place: int) -> tuple[bytes, int]:
    size, place = _int(data, place), place + 4
    after = place + (size + 3) // 4 * 4
    if size < 0 or after > len(data):
        raise _wrong(f"a blob of {size} bytes where {len(data) - place} are left", "the whole blob")
    return data[place : place + size], after


def _cut(expected: int, got: int) -> PacketError:
    return _wrong(f"{got} bytes", f"at least {expected}; the packet is cut off")


def _wrong(got: str, expected: str) -> PacketError:
    return PacketError(f"not an OSC packet: got {got}, expected {expected}; check what sends to this port")
