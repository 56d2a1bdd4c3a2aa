"""The table of captures: a URL names the protocol, and where to listen.

An empty host, or one of this machine, listens on this machine alone; 0.0.0.0 listens to the network, which
phones need. iFacialMocap is different: its host is that of the phone, which is greeted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import SplitResult, parse_qsl, urlsplit

from rhapsode.errors import SettingError
from rhapsode.live.capture.receiver import Address, Receiver
from rhapsode.protocols.frame import Decoder

Query = Mapping[str, str]


@dataclass(frozen=True)
class CaptureScheme:
    """One row of the table.

    Args:
        scheme: of the URL, before "://".
        name: what people call it.
        port: that its senders send to.
        decoder: gets the query, returns what makes decoders.
        options: names that its query may hold, besides `COMMON`.

    """

    scheme: str
    name: str
    port: int
    decoder: Callable[[Query], Callable[[], Decoder]]
    options: tuple[str, ...] = ()

    @property
    def example(self) -> str:
        """A URL that works out of the box."""
        return f"{self.scheme}://{'192.168.1.20' if self.scheme == 'ifacialmocap' else ''}:{self.port}"


@dataclass(frozen=True)
class CaptureOptions:
    """What any capture can be told in the query of its URL.

    Args:
        gain: how much stronger the captured face is played, 0 to 4; eyelids and gaze stay.
        mirror: swap left and right.
        offset_s: how much later than the sound that came in with it the captured face is shown,
            "offset_ms"; it makes good what microphone and camera differ in.

    """

    gain: float = 1.0
    mirror: bool = False
    offset_s: float = 0.0


COMMON = ("gain", "mirror", "offset_ms")
"""Options of every capture."""

LOCAL = "127.0.0.1"
_EVERYWHERE = ("0.0.0.0", "::")


def _vmc(query: Query) -> Callable[[], Decoder]:
    from rhapsode.protocols.vmc import VmcDecoder

    return VmcDecoder


def _livelink(query: Query) -> Callable[[], Decoder]:
    from rhapsode.protocols.livelink import LiveLinkDecoder

    return partial(LiveLinkDecoder, subject=query.get("subject"))


def _ifacialmocap(query: Query) -> Callable[[], Decoder]:
    from rhapsode.protocols.ifacialmocap import IFacialMocapDecoder

    return IFacialMocapDecoder


def _openseeface(query: Query) -> Callable[[], Decoder]:
    from rhapsode.protocols.openseeface import OpenSeeFaceDecoder

    face = int(_number(query, "face", 0, 0, 1000)) if "face" in query else None
    return partial(OpenSeeFaceDecoder, face=face)


def _fglivelink(query: Query) -> Callable[[], Decoder]:
    from rhapsode.protocols.facegood_livelink import FgLiveLinkDecoder

    return partial(FgLiveLinkDecoder, query.get("subject"))


def _facegood(query: Query) -> Callable[[], Decoder]:
    from rhapsode.protocols.facegood import FacegoodDecoder

    return FacegoodDecoder


def _json(query: Query) -> Callable[[], Decoder]:
    from rhapsode.protocols.websocket_json import JsonDecoder

    return JsonDecoder


_ROWS = (
    CaptureScheme("vmc", "VMC performer (VSeeFace, VMC, Warudo, ...)", 39539, _vmc),
    CaptureScheme("livelink", "Live Link Face on an iPhone", 11111, _livelink, ("subject",)),
    CaptureScheme("ifacialmocap", "iFacialMocap on a phone", 49983, _ifacialmocap, ("listen", "version")),
    CaptureScheme("openseeface", "OpenSeeFace", 11573, _openseeface, ("face",)),
    CaptureScheme("fglivelink", "FACEGOOD's Live Link sender", 54321, _fglivelink, ("subject",)),
    CaptureScheme("facegood", "FACEGOOD-Audio2Face", 43014, _facegood),
    CaptureScheme("json", "JSON texts over UDP, one a face", 39570, _json),
)
CAPTURES: dict[str, CaptureScheme] = {row.scheme: row for row in _ROWS}
"""Every capture by the scheme of its URL."""


def open_capture(url: str) -> tuple[Receiver, CaptureOptions]:
    """Return the receiver that ``url`` names, not listening yet, and the options that any capture takes.

    Raises:
        SettingError: the scheme, the port, an option or a value is not known.

    """
    address = urlsplit(url if "://" in url else f"{url}://")
    row = CAPTURES.get(address.scheme)
    if row is None:
        raise SettingError(
            f"a capture must be one of: {', '.join(CAPTURES)}; got '{url}'; write it like {_ROWS[0].example}"
        )
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    valid = (*COMMON, *row.options)
    if unknown := [name for name in query if name not in valid]:
        raise SettingError(
            f"unknown option '{unknown[0]}' of the capture '{url}'; valid: {', '.join(valid)}; leave it out"
        )
    options = CaptureOptions(
        _number(query, "gain", 1.0, 0.0, 4.0),
        _yes(query, "mirror"),
        _number(query, "offset_ms", 0.0, -500.0, 500.0) / 1000,
    )
    host, port = _place(address, row.port)
    decoder = row.decoder(query)
    if row.scheme != "ifacialmocap" or host in (*_EVERYWHERE, ""):
        return Receiver(url, decoder, (host or LOCAL, port)), options
    return _greeter(url, decoder, (host, port), query), options


def _greeter(url: str, decoder: Callable[[], Decoder], phone: Address, query: Query) -> Receiver:
    """Return a receiver that greets a phone and hears nobody else."""
    from rhapsode.protocols.ifacialmocap import handshake

    version = int(_number(query, "version", 2, 1, 2))
    listen = int(_number(query, "listen", 49983, 0, 65535))
    here = LOCAL if phone[0] in (LOCAL, "localhost") else "0.0.0.0"
    return Receiver(url, decoder, (here, listen), phone=phone, greeting=handshake(version))


def _place(address: SplitResult, port: int) -> Address:
    try:
        given = address.port
    except ValueError:
        raise SettingError(
            f"a port must lie in 0 to 65535, got '{address.netloc}'; write {address.scheme}://:{port}"
        ) from None
    return address.hostname or "", port if given is None else given


def _number(query: Query, name: str, default: float, low: float, high: float) -> float:
    text = query.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise SettingError(f"{name} must lie in {low:g} to {high:g}, got {text!r}; {default:g} is usual")
    return value


def _yes(query: Query, name: str) -> bool:
    text = query.get(name, "no").lower()
    if text not in ("", "yes", "no", "1", "0", "true", "false"):
        raise SettingError(f"{name} must be yes or no, got {text!r}; leave it out for no")
    return text in ("", "yes", "1", "true")
