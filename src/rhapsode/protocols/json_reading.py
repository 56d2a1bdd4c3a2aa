"""What every JSON protocol asks of its messages, with one kind of error."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from rhapsode.errors import PacketError

LONGEST = 1 << 20
"""Bytes of a message that is read at all."""


def read_object(data: bytes | str, what: str) -> dict[str, Any]:
    """Return the JSON object that ``data`` holds.

    Args:
        data: UTF-8 bytes or text, at most `LONGEST`.
        what: what it is, for the message ("a VTube Studio message").

    Raises:
        PacketError: it is too long, no JSON (NaN and the infinities are none), or no object.

    """
    if len(data) > LONGEST:
        raise PacketError(f"{what} needs at most {LONGEST} bytes, got {len(data)}")
    try:
        read = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise PacketError(f"{what} needs a JSON object, got {_short(data)} ({_reason(error)})") from None
    if not isinstance(read, dict):
        raise PacketError(f"{what} needs a JSON object, got {_short(data)}")
    return read


def number(value: object, what: str) -> float:
    """Return ``value`` as a finite float, or raise `PacketError` that names ``what``."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            if math.isfinite(value) and abs(value) < 1e30:
                return float(value)
        except OverflowError:
            pass
    raise PacketError(f"{what} needs a finite number, got {_short(repr(value))}")


def text(value: object, what: str) -> str:
    """Return ``value`` if it is a string, or raise `PacketError` that names ``what``."""
    if not isinstance(value, str):
        raise PacketError(f"{what} needs a text, got {_short(repr(value))}")
    return value


def table(value: object, what: str) -> dict[str, Any]:
    """Return ``value`` if it is an object, or raise `PacketError` that names ``what``."""
    if not isinstance(value, dict):
        raise PacketError(f"{what} needs an object, got {_short(repr(value))}")
    return value


def array(value: object, what: str) -> list[Any]:
    """Return ``value`` if it is an array, or raise `PacketError` that names ``what``."""
    if not isinstance(value, list):
        raise PacketError(f"{what} needs an array, got {_short(repr(value))}")
    return value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _short(data: bytes | str) -> str:
    shown = repr(data[:40]) if isinstance(data, bytes) else data[:40]
    return f"{shown}{'...' if len(data) > 40 else ''}".replace("\n", " ")


def _reason(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)[:80]
