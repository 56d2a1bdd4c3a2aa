"""The table of sinks: a URL names one, its query what it is told.

Sinks are named as "module:Class" and imported on use, so that this module stays light. Each is called as
``Class(address, query)`` with the parsed URL and those options of the query that are its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import SplitResult, parse_qsl, urlsplit

from rhapsode.errors import MissingExtraError, SettingError
from rhapsode.live.sinks.sink import Sink, SinkOptions
from rhapsode.performance import as_rate

_HERE = "rhapsode.live.sinks"

FASTEST_HZ = 240
"""Moments a second that a sink can be given at most."""


@dataclass(frozen=True)
class Scheme:
    """One row of the table.

    Args:
        scheme: of the URL, before "://".
        name: what people call it.
        example: a URL that works out of the box.
        maker: "module:Class".
        options: names that its query may hold, besides "rate" and "offset_ms".
        needs: module that must be installed, with the extra that brings it; None for nothing.

    """

    scheme: str
    name: str
    example: str
    maker: str
    options: tuple[str, ...] = ()
    needs: tuple[str, str] | None = None


_PICTURE = ("avatar", "size", "camera", "background")
_LOCAL = "127.0.0.1"

_ROWS = (
    Scheme("vmc", "VMC", f"vmc://{_LOCAL}:39539", f"{_HERE}.datagram:vmc", ("rig",)),
    Scheme(
        "livelink", "Live Link Face", f"livelink://{_LOCAL}:11111", f"{_HERE}.datagram:livelink", ("subject",)
    ),
    Scheme(
        "ifacialmocap",
        "iFacialMocap",
        f"ifacialmocap://{_LOCAL}:49983",
        f"{_HERE}.datagram:ifacialmocap",
        ("version",),
    ),
    Scheme(
        "facegood", "FACEGOOD's Unreal project", f"facegood://{_LOCAL}:43014", f"{_HERE}.datagram:facegood"
    ),
    Scheme(
        "fglivelink",
        "FACEGOOD's Live Link receiver",
        f"fglivelink://{_LOCAL}:54321",
        f"{_HERE}.datagram:fglivelink",
        ("rig", "subject"),
    ),
    Scheme("osc", "OSC", f"osc://{_LOCAL}:9000", f"{_HERE}.datagram:osc", ("address",)),
    Scheme(
        "ws", "WebSocket server", f"ws://{_LOCAL}:8765", f"{_HERE}.websocket:Broadcast", ("format", "rig")
    ),
    Scheme(
        "vts",
        "VTube Studio",
        f"vts://{_LOCAL}:8001",
        f"{_HERE}.vtubestudio:VTubeStudio",
        ("parameters", "token"),
    ),
    Scheme("rtmp", "RTMP", f"rtmp://{_LOCAL}/live/face", f"{_HERE}.rtmp:Rtmp", _PICTURE),
    Scheme("rtmps", "RTMP over TLS", "rtmps://example.org/live/key", f"{_HERE}.rtmp:Rtmp", _PICTURE),
    Scheme(
        "whip",
        "WHIP (WebRTC)",
        f"whip://{_LOCAL}:8080/whip",
        f"{_HERE}.whip:Whip",
        (*_PICTURE, "token", "tls"),
        ("aiortc", "webrtc"),
    ),
    Scheme(
        "camera",
        "virtual camera",
        "camera://",
        f"{_HERE}.camera:VirtualCamera",
        (*_PICTURE, "device"),
        ("pyvirtualcam", "camera"),
    ),
    Scheme(
        "file",
        "file, in any format that is written",
        "file:///home/me/take.mp4",
        f"{_HERE}.recorder:Recorder",
        (*_PICTURE, "rig"),
    ),
    Scheme(
        "speaker",
        "loudspeaker",
        "speaker://",
        f"{_HERE}.speaker:Speaker",
        ("device",),
        ("sounddevice", "record"),
    ),
)
SCHEMES: dict[str, Scheme] = {row.scheme: row for row in _ROWS}
"""Every sink by the scheme of its URL."""


def open_sink(url: str) -> tuple[Sink, SinkOptions]:
    """Return the sink that ``url`` names, not opened yet, and the options that any sink takes.

    Raises:
        SettingError: the scheme, an option or a value is not known.
        MissingExtraError: the sink needs a part that is not installed.

    """
    address = urlsplit(url if ":" in url else f"{url}://")
    scheme = SCHEMES.get(address.scheme)
    if scheme is None:
        raise SettingError(
            f"a sink must be one of: {', '.join(SCHEMES)}; got '{url}'; write it like {_ROWS[0].example}"
        )
    query = _query(url, address, scheme)
    options = SinkOptions(
        _rate(query.pop("rate")) if "rate" in query else None, _offset(query.pop("offset_ms", "0"))
    )
    module, _, name = scheme.maker.partition(":")
    maker: Callable[[SplitResult, dict[str, str]], Sink] = getattr(import_module(module), name)
    return maker(address, query), options


def _query(url: str, address: SplitResult, scheme: Scheme) -> dict[str, str]:
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    valid = ("rate", "offset_ms", *scheme.options)
    unknown = [name for name in query if name not in valid]
    if unknown:
        raise SettingError(f"unknown option '{unknown[0]}' of the sink '{url}'; valid: {', '.join(valid)}")
    return query


def _rate(text: str) -> Fraction:
    rate = as_rate(text)
    if rate > FASTEST_HZ:
        raise SettingError(f"rate may be {FASTEST_HZ} moments a second at most, got {text}; try 60")
    return rate


def _offset(text: str) -> float:
    try:
        ms = float(text)
    except ValueError:
        ms = math.nan
    if not -10_000 <= ms <= 10_000:
        raise SettingError(f"offset_ms must lie in [-10000, 10000] milliseconds, got {text!r}; 0 is none")
    return ms / 1000


def available(scheme: Scheme) -> str | None:
    """Return what is missing for ``scheme``, with the way to get it; None where nothing is."""
    if scheme.needs is None or find_spec(scheme.needs[0]) is not None:
        return None
    return str(MissingExtraError(*scheme.needs))
