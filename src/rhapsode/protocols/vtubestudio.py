"""VTube Studio's plugin API (version 1.0): the plugin's side as a state machine without a socket.

The API is JSON over a WebSocket, ``ws://localhost:8001``. A plugin asks for a token, which the user grants in
VTube Studio once; with the token it authenticates each session, creates the parameters that VTube Studio does
not have, and then injects values. A parameter that is not sent for a second falls back to its tracker.

    plugin = VtsPlugin(token=stored)
    for text in plugin.start(): await socket.send(text)
    ...  on each text from VTube Studio:  for text in plugin.receive(text): await socket.send(text)
    ...  on each moment:                  for text in plugin.show(frame, now): await socket.send(text)
    ...  and at plugin.next_due:          for text in plugin.due(now): await socket.send(text)

``plugin.token`` is to be stored once ``plugin.state`` is ``ready``; ``plugin.problem`` says in plain words
why it ``failed``, ``plugin.warnings`` what does not work beside that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from rhapsode.errors import SettingError
from rhapsode.protocols.axes import checked
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.json_reading import read_object, table
from rhapsode.protocols.vtubestudio_parameters import Chosen, choose

API_NAME = "VTubeStudioPublicAPI"
API_VERSION = "1.0"
PORT = 8001

KEEP_ALIVE_S = 0.8
"""Seconds after which the last values are sent again; VTube Studio forgets them after one."""

State = Literal["new", "asking", "authenticating", "creating", "ready", "failed"]
Mode = Literal["set", "add"]

_INJECT = "inject"
_CREATE = "create-"

_STOPS: dict[int, str] = {
    1: "the plugin API is off; switch on 'Start API' in VTube Studio's settings",
    50: "access was denied or taken back in VTube Studio; connect again and press Allow",
    51: "VTube Studio is already asking about a plugin; answer that question first",
    52: "VTube Studio refused the plugin's name; use 3 to 32 characters",
    53: "VTube Studio refused the developer's name; use 3 to 32 characters",
    54: "VTube Studio refused the icon; it must be a PNG of 128 x 128 pixels in base64",
}
_CREATION: dict[int, str] = {
    350: "its name is not allowed",
    351: "its range is not allowed",
    352: "another plugin owns it; give it another name or remove that plugin's parameters",
    353: "its explanation is too long",
    354: "VTube Studio has an input of that name itself",
    355: "this plugin has 100 parameters already",
    356: "VTube Studio has 300 parameters of plugins already; remove some",
}
_INJECTION: dict[int, str] = {
    450: "no values were sent",
    451: "a value is out of range",
    452: "a weight is out of range",
    453: "a parameter does not exist; create it or take it out of the mapping",
    454: "another plugin drives one of the parameters; stop it there, or use mode='add'",
    455: "the mode is unknown",
}
_NOT_AUTHENTICATED = 8


class VtsPlugin:
    """The plugin's side of one connection after another.

    Args:
        token: from an earlier session; None asks the user.
        plugin: name that VTube Studio shows, 3 to 32 characters.
        developer: name that VTube Studio shows, 3 to 32 characters.
        parameters: what is sent. ``default``: the inputs that it has. ``arkit``: these, and a parameter for
            each of the 52 ARKit weights, named by ``prefix`` and its name as Live Link Face has it. Or a
            mapping from parameter to a sum of channels of `rhapsode.rigs.FACE`, as
            ``{"MouthOpen": "jawOpen*1.4 - mouthClose"}``; parameters that VTube Studio lacks are created.
        weight: how much of each value is mixed with a tracker's own, in [0, 1].
        mode: ``set`` takes parameters over; ``add`` adds to what others send.
        icon: PNG of 128 x 128 pixels in base64.
        prefix: begins the names of created ARKit parameters, so that they are nobody else's.

    Raises:
        SettingError: a name, a weight or the mapping is not allowed.

    """

    def __init__(
        self,
        *,
        token: str | None = None,
        plugin: str = "Rhapsode",
        developer: str = "Rhapsode",
        parameters: Literal["default", "arkit"] | Mapping[str, str] = "default",
        weight: float = 1.0,
        mode: Mode = "set",
        icon: str | None = None,
        prefix: str = "Rhapsode",
    ) -> None:
        for what, name in (("plugin", plugin), ("developer", developer)):
            if not 3 <= len(name) <= 32:
                raise SettingError(f"VTube Studio needs a {what} name of 3 to 32 characters, got '{name}'")
        if not 0 <= weight <= 1 or mode not in ("set", "add"):
            raise SettingError(
                f"VTube Studio needs a weight in [0, 1] and mode set or add, got {weight}, {mode}"
            )
        self.token = token
        self.state: State = "new"
        self.problem: str | None = None
        self.warnings: list[str] = []
        self.unanswered = 0
        self._who = {"pluginName": plugin, "pluginDeveloper": developer}
        self._icon, self._weight, self._mode = icon, weight, mode
        self._chosen: Chosen = choose(parameters, prefix=prefix)
        self._lost: set[str] = set()
        self._waiting: set[str] = set()
        self._fresh = False
        self._last: FaceFrame | None = None
        self._sent_at: float | None = None

    def start(self) -> list[str]:
        """Return what to send when a connection is there; forgets the one before."""
        self.problem, self.unanswered, self._fresh = None, 0, False
        self.warnings, self._lost, self._waiting = [], set(), set()
        self._last, self._sent_at = None, None
        return self._authenticate() if self.token else self._ask()

    def receive(self, message: str | bytes) -> list[str]:
        """Take a message of VTube Studio; return what to send in answer.

        Raises:
            PacketError: it is no JSON object of the API; the connection can go on.

        """
        read = read_object(message, "a VTube Studio message")
        data = table(read.get("data") or {}, "a VTube Studio message's 'data'")
        kind, request = read.get("messageType"), read.get("requestID")
        if kind == "APIError":
            return self._error(data, request if isinstance(request, str) else "")
        if kind == "AuthenticationTokenResponse" and self.state == "asking":
            return self._granted(data.get("authenticationToken"))
        if kind == "AuthenticationResponse" and self.state == "authenticating":
            return self._create() if data.get("authenticated") is True else self._rejected()
        if kind == "ParameterCreationResponse" and isinstance(request, str):
            self._created(request)
        if kind == "InjectParameterDataResponse":
            self.unanswered = max(self.unanswered - 1, 0)
        return []

    def show(self, frame: FaceFrame, now: float) -> list[str]:
        """Return what to send for a moment; nothing before the plugin is ready.

        Args:
            frame: the moment.
            now: seconds on any steady clock, the one that `due` is given.

        Raises:
            PacketError: a value of the frame is NaN or infinite; nothing is sent for it.

        """
        if self.state != "ready":
            return []
        checked(frame, "VTube Studio")
        self._last, self._sent_at = frame, now
        self.unanswered += 1
        values = [
            {"id": name, "value": value, "weight": self._weight}
            for name, value in self._chosen.values(frame).items()
            if name not in self._lost
        ]
        data = {"faceFound": frame.found, "mode": self._mode, "parameterValues": values}
        return [_request("InjectParameterDataRequest", _INJECT, data)] if values else []

    def due(self, now: float) -> list[str]:
        """Return the last moment again if VTube Studio would forget it soon."""
        if self._last is None or self.next_due is None or now < self.next_due:
            return []
        return self.show(self._last, now)

    @property
    def next_due(self) -> float | None:
        """When `due` has something to send unless a moment comes before; None if it never has."""
        if self.state != "ready" or self._sent_at is None:
            return None
        return self._sent_at + KEEP_ALIVE_S

    def _ask(self) -> list[str]:
        self.state, self.token = "asking", None
        data = self._who | ({"pluginIcon": self._icon} if self._icon else {})
        return [_request("AuthenticationTokenRequest", "token", data)]

    def _authenticate(self) -> list[str]:
        self.state = "authenticating"
        data = self._who | {"authenticationToken": self.token}
        return [_request("AuthenticationRequest", "authenticate", data)]

    def _granted(self, token: object) -> list[str]:
        if not isinstance(token, str) or not token:
            return self._fail("VTube Studio gave no token; connect again")
        self.token, self._fresh = token, True
        return self._authenticate()

    def _rejected(self) -> list[str]:
        """Ask anew where a stored token does not hold any more."""
        if self._fresh:
            return self._fail("VTube Studio refused the token that it gave; restart it and connect again")
        return self._ask()

    def _create(self) -> list[str]:
        self._waiting = {f"{_CREATE}{parameter.name}" for parameter in self._chosen.created}
        self.state = "creating" if self._waiting else "ready"
        return [
            _request(
                "ParameterCreationRequest",
                f"{_CREATE}{parameter.name}",
                {
                    "parameterName": parameter.name,
                    "explanation": self._chosen.explanations[parameter.name],
                    "min": parameter.low,
                    "max": parameter.high,
                    "defaultValue": parameter.rest,
                },
            )
            for parameter in self._chosen.created
        ]

    def _created(self, request: str) -> None:
        self._waiting.discard(request)
        if self.state == "creating" and not self._waiting:
            self.state = "ready"

    def _error(self, data: dict[str, Any], request: str) -> list[str]:
        code, said = data.get("errorID"), str(data.get("message", ""))[:200]
        if request.startswith(_CREATE) and request in self._waiting:
            name = request.removeprefix(_CREATE)
            if code != 354:
                self._lost.add(name)
            self._warn(f"parameter '{name}' cannot be created: {_plain(_CREATION, code, said)}")
            self._created(request)
            return []
        if request == _INJECT:
            self.unanswered = max(self.unanswered - 1, 0)
            if self.state != "ready":
                return []
            if code == _NOT_AUTHENTICATED:
                return self._authenticate() if self.token else self._ask()
            if code not in _STOPS:
                self._warn(_plain(_INJECTION, code, said))
                return []
        if code == 50:
            self.token = None
        return self._fail(_plain(_STOPS, code, said))

    def _fail(self, problem: str) -> list[str]:
        self.state, self.problem = "failed", problem
        return []

    def _warn(self, warning: str) -> None:
        if warning not in self.warnings and len(self.warnings) < 200:
            self.warnings.append(warning)


def _plain(known: Mapping[int, str], code: object, said: str) -> str:
    plain = known.get(code) if isinstance(code, int) else None
    return plain or f"VTube Studio says: {said or 'an error without a message'} (error {str(code)[:20]})"


def _request(kind: str, request: str, data: Mapping[str, Any]) -> str:
    message = {
        "apiName": API_NAME,
        "apiVersion": API_VERSION,
        "requestID": request,
        "messageType": kind,
        "data": data,
    }
    return json.dumps(message, separators=(",", ":"), allow_nan=False)
