"""AMF0, in which RTMP writes the values of its commands (Adobe, Action Message Format 0)."""

from __future__ import annotations

import struct
from typing import Any

from rhapsode.errors import PacketError

_DEEPEST = 16


def encode_amf(*values: Any) -> bytes:
    """Return ``values`` (numbers, texts, truth values, None, dictionaries) as AMF0."""
    return b"".join(map(_encoded, values))


def _encoded(value: Any) -> bytes:
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return b"\x01" + bytes([value])
    if isinstance(value, int | float):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        if len(text) > 0xFFFF:
            return b"\x0c" + struct.pack(">I", len(text)) + text
        return b"\x02" + struct.pack(">H", len(text)) + text
    assert isinstance(value, dict), f"AMF0 has no {type(value).__name__}"
    rows = b"".join(
        struct.pack(">H", len(key.encode())) + key.encode() + _encoded(row) for key, row in value.items()
    )
    return b"\x03" + rows + b"\x00\x00\x09"


def decode_amf(data: bytes) -> list[Any]:
    """Return the AMF0 values in ``data``.

    Raises:
        PacketError: it is cut off, or holds a type that no server sends.

    """
    values, at = [], 0
    try:
        while at < len(data):
            value, at = _decoded(data, at, 0)
            values.append(value)
    except (struct.error, IndexError) as error:
        raise PacketError(f"AMF0 ends early: got {len(data)} bytes, expected more; connect again") from error
    return values


def _decoded(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    kind, at = data[at], at + 1
    if depth > _DEEPEST:
        raise PacketError(f"AMF0 is nested deeper than {_DEEPEST}; connect again")
    if kind == 0x00:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if kind == 0x01:
        return bool(data[at]), at + 1
    if kind == 0x02:
        return _text(data, at, ">H")
    if kind == 0x0C:
        return _text(data, at, ">I")
    if kind in (0x05, 0x06):
        return None, at
    if kind == 0x0B:
        return struct.unpack_from(">d", data, at)[0], at + 10
    if kind in (0x03, 0x08):
        return _rows(data, at + 4 * (kind == 0x08), depth)
    if kind == 0x0A:
        count, at = struct.unpack_from(">I", data, at)[0], at + 4
        values = []
        for _ in range(count):
            value, at = _decoded(data, at, depth + 1)
            values.append(value)
        return values, at
    raise PacketError(f"AMF0 type must be one of 0-3, 5, 6, 8, 10-12, got {kind}; connect again")


def _text(data: bytes, at: int, form: str) -> tuple[str, int]:
    size = struct.unpack_from(form, data, at)[0]
    at += struct.calcsize(form)
    if len(data) < at + size:
        raise PacketError(f"an AMF0 text ends early: got {len(data) - at} of {size} bytes; connect again")
    return data[at : at + size].decode("utf-8", "replace"), at + size


def _rows(data: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    rows: dict[str, Any] = {}
    while data[at : at + 3] != b"\x00\x00\x09":
        key, at = _text(data, at, ">H")
        rows[key], at = _decoded(data, at, depth + 1)
    return rows, at + 3
