"""Which parameters are sent to VTube Studio and what drives them; and how it is found in a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rhapsode.errors import PacketError, RigError, SettingError
from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.json_reading import number, read_object, table, text
from rhapsode.rigs import BLENDSHAPES, FACE, Rig
from rhapsode.rigs.affine import Linear, LinearMap, parse_linear
from rhapsode.rigs.live2d import FACE_TO_VTS, VTS_PARAMETERS, Parameter
from rhapsode.rigs.livelink import pascal

DISCOVERY_PORT = 47779
"""Where VTube Studio announces itself every two seconds, by UDP."""

MOST_CREATED = 100
_NAME = re.compile(r"[A-Za-z0-9]{4,32}")
_LIMIT = 1_000_000.0
_DIGITS = 4
_OWN = {parameter.name: parameter for parameter in VTS_PARAMETERS}
_POSITIONS = ("FacePositionX", "FacePositionY", "FacePositionZ")


@dataclass(frozen=True)
class Chosen:
    """What is sent for each moment.

    Args:
        map: from the face rig to the parameters.
        positions: places of the face's position among them.
        created: parameters that VTube Studio does not have itself.
        explanations: what VTube Studio shows for a created one, by name.

    """

    map: LinearMap
    positions: tuple[str, ...]
    created: tuple[Parameter, ...]
    explanations: Mapping[str, str]

    def values(self, frame: FaceFrame) -> dict[str, float]:
        """Return the value by parameter, in VTube Studio's units."""
        made: Float32 = self.map.apply(frame.values[None])[0]
        named = dict(zip(self.map.target.channels, made.astype(float).round(_DIGITS).tolist(), strict=True))
        if frame.head_position is None:
            for name in self.positions:
                del named[name]
        for name in self.positions if frame.head_position is not None else ():
            metres = frame.head_position[_POSITIONS.index(name)] if frame.head_position else 0.0
            low, high = self.map.ranges[name]
            named[name] = round(min(max(100.0 * float(metres), low), high), _DIGITS)
        return named


def choose(parameters: str | Mapping[str, str], *, prefix: str) -> Chosen:
    """Return what the choice of a user sends; see `rhapsode.protocols.vtubestudio.VtsPlugin`.

    Raises:
        SettingError: the choice is unknown, a name is not allowed, or an expression cannot be read.

    """
    if isinstance(parameters, str) and parameters not in ("default", "arkit"):
        raise SettingError(
            f"VTube Studio's parameters must be 'default', 'arkit' or a mapping, got '{parameters[:40]}'"
        )
    rows: dict[str, Linear] = {} if not isinstance(parameters, str) else dict(FACE_TO_VTS.expressions)
    if parameters == "arkit":
        rows |= {f"{prefix}{pascal(name)}": Linear({name: 1.0}) for name in BLENDSHAPES}
    positions = tuple(name for name in _POSITIONS if isinstance(parameters, str))
    for name, expression in parameters.items() if not isinstance(parameters, str) else ():
        try:
            rows[name] = parse_linear(str(expression))
            for channel in rows[name].gains:
                FACE.index(channel)
        except RigError as error:
            raise SettingError(f"parameter '{name[:40]}': {error}") from None
    return _checked(rows, positions)


def _checked(rows: dict[str, Linear], positions: tuple[str, ...]) -> Chosen:
    for name in rows:
        if name not in _OWN and not _NAME.fullmatch(name):
            raise SettingError(
                f"a parameter of VTube Studio needs 4 to 32 letters and digits, got '{name[:40]}'"
            )
    created = tuple(_created(name, row) for name, row in rows.items() if name not in _OWN)
    if not rows or len(created) > MOST_CREATED:
        raise SettingError(
            f"VTube Studio takes 1 to {MOST_CREATED} new parameters of a plugin, got {len(created)}; "
            "take some out of the mapping"
        )
    names = (*rows, *(name for name in positions if name not in rows))
    limits = {
        name: (_OWN[name].low, _OWN[name].high) if name in _OWN else (-_LIMIT, _LIMIT) for name in names
    }
    target = Rig("vtube-studio", names, "parameters chosen for VTube Studio")
    explanations = {parameter.name: _explained(rows[parameter.name]) for parameter in created}
    return Chosen(LinearMap(FACE, target, rows, limits, {}), positions, created, explanations)


def _created(name: str, row: Linear) -> Parameter:
    low, high = (round(end, _DIGITS) for end in row.span(FACE))
    low, high = max(low, -_LIMIT), min(high, _LIMIT)
    high = high if high > low else low + 1.0
    return Parameter(name, low, high, min(max(row.constant, low), high))


def _explained(row: Linear) -> str:
    addends = [f"{gain:+g}*{channel}" for channel, gain in row.gains.items()]
    return " ".join([*addends, f"{row.constant:+g}"] if row.constant else addends)[:250]


@dataclass(frozen=True)
class VtsAnnouncement:
    """What a VTube Studio says of itself in the network.

    Args:
        active: whether its API is on.
        port: of its WebSocket.
        instance_id: stays the same while it runs.
        window_title: tells several on one machine apart.

    """

    active: bool
    port: int
    instance_id: str
    window_title: str


def parse_announcement(data: bytes) -> VtsAnnouncement:
    """Read a packet that VTube Studio sends to port 47779.

    Raises:
        PacketError: the packet is not one of these.

    """
    read = read_object(data, "a VTube Studio announcement")
    if read.get("messageType") != "VTubeStudioAPIStateBroadcast":
        raise PacketError(
            "a VTube Studio announcement needs 'messageType' VTubeStudioAPIStateBroadcast, "
            f"got {str(read.get('messageType'))[:40]}"
        )
    said = table(read.get("data"), "a VTube Studio announcement's 'data'")
    port = number(said.get("port"), "'port'")
    if not 0 < port < 65536 or port != int(port):
        raise PacketError(f"a VTube Studio announcement needs a port in [1, 65535], got {port:g}")
    return VtsAnnouncement(
        said.get("active") is True,
        int(port),
        text(said.get("instanceID", ""), "'instanceID'"),
        text(said.get("windowTitle", ""), "'windowTitle'"),
    )
