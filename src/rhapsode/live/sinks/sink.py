"""What a sink is, and what every sink can be told."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame


class Sink(Protocol):
    """Takes every moment of a performance when it is due; `rhapsode.live.runner.SinkRunner` drives it.

    A sink may take its time in `show` and `hear`: frames that come due meanwhile are dropped, sound never is.
    It never sees what an interruption made stale.

    Attributes:
        rate_hz: moments a second; None for those of the curves (50), each as soon as it is due.
        wants_sound: whether `hear` is called; then ``rate_hz`` must be given.

    """

    rate_hz: Fraction | None
    wants_sound: bool

    async def open(self) -> None:
        """Get ready.

        Raises:
            SinkError: it cannot be reached; it is tried again, a little later each time.
            RhapsodeError: it can never work (a missing part, a wrong option); it is given up.

        """

    async def show(self, frame: FaceFrame) -> None:
        """Show ``frame`` now; raise `SinkError` or `OSError` where the connection is lost."""

    async def hear(self, samples: Float32) -> None:
        """Play the sound that begins with the frame shown last, (n,) at 24 kHz; calls leave no gap."""

    async def flush(self) -> None:
        """Forget what is not out yet: the performance was interrupted."""

    async def close(self) -> None:
        """Complete what is under way; never raise for a lost connection."""


@dataclass(frozen=True)
class SinkOptions:
    """What any sink can be told in the query of its URL.

    Args:
        rate_hz: moments a second, "rate"; None for the sink's own.
        offset_s: how much later than due it is served, "offset_ms"; for sinks that cannot play the sound
            themselves.

    """

    rate_hz: Fraction | None = None
    offset_s: float = 0.0


def masked(url: str) -> str:
    """Return ``url`` as it may be shown: without stream keys, tokens and passwords.

    Example:
        >>> masked("rtmp://me:secret@live.example.org/app/key?token=abc&rate=30")
        'rtmp://live.example.org/app/***?token=***&rate=30'

    """
    parts = urlsplit(url)
    path = parts.path
    if parts.scheme in ("rtmp", "rtmps") and path.count("/") > 1:
        path = path.rpartition("/")[0] + "/***"
    query = [
        (name, "***" if name in ("token", "key", "password") else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    netloc, asked = parts.netloc.rpartition("@")[2], urlencode(query, safe="*:/{}")
    if (netloc, path, asked) == (parts.netloc, parts.path, parts.query):
        return url
    return parts._replace(netloc=netloc, path=path, query=asked).geturl()
