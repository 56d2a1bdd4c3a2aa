"""FgLiveLinkReceiver, FACEGOOD's Live Link source for Unreal: JSON over UDP, port 54321.

    {"FACEGOOD": {"FrameId": 1,
                  "Properties": [{"Name": "JawOpen", "Value": 0.5}, ...],
                  "Joints": {"Names": ["Head", ...], "ParentIdx": [-1, ...],
                             "Transforms": [[x, y, z, pitch, yaw, roll], ...]}}}

The key is the subject. The receiver takes names from a subject's first packet and values by their place from
then on, and it reads one byte a character: a packet of ours is ASCII, and its names and their order never
change. Transforms are Unreal's: centimetres, x forward, y to the character's right, z up; degrees, pitch up,
yaw to the character's right, roll onto the right shoulder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from rhapsode.errors import PacketError
from rhapsode.performance import Float32
from rhapsode.protocols.axes import checked
from rhapsode.protocols.frame import FaceFrame
from rhapsode.protocols.json_reading import array, number, read_object, table, text
from rhapsode.rigs import ANGLES, FACE, Rig, RigMap
from rhapsode.rigs.facegood import ARKIT_TO_FACEGOOD, FACEGOOD, FACEGOOD_TO_ARKIT
from rhapsode.rigs.livelink import FACE_TO_LIVELINK_UDP, LIVELINK_UDP, LIVELINK_UDP_TO_FACE
from rhapsode.rigs.metahuman import FACE_TO_METAHUMAN, METAHUMAN, METAHUMAN_TO_FACE

PORT = 54321
SUBJECT = "FACEGOOD"

Names = Literal["arkit", "metahuman", "facegood"]

_RIGS: dict[Names, tuple[Rig, RigMap, RigMap]] = {
    "arkit": (LIVELINK_UDP, FACE_TO_LIVELINK_UDP, LIVELINK_UDP_TO_FACE),
    "metahuman": (METAHUMAN, FACE_TO_METAHUMAN, METAHUMAN_TO_FACE),
    "facegood": (FACEGOOD, ARKIT_TO_FACEGOOD, FACEGOOD_TO_ARKIT),
}
_JOINTS = ("Head", "LeftEye", "RightEye")
_TO_UNREAL = np.degrees(np.array([[-1.0], [1.0], [1.0]])).astype(np.float32)
_DIGITS = 5


class FgLiveLinkEncoder:
    """Makes the packets of one subject.

    Args:
        subject: name of the Live Link subject, ASCII.
        rig: which names the properties have: ``arkit`` (as Live Link Face writes them, with the nine angles),
            ``metahuman`` (``CTRL_expressions_*`` and the angles) or ``facegood`` (116 shapes).
        joints: send head and eyes as joints as well.

    Raises:
        PacketError: the subject is empty or not ASCII.

    """

    def __init__(self, subject: str = SUBJECT, *, rig: Names = "arkit", joints: bool = True) -> None:
        if not subject or not subject.isascii():
            raise PacketError(f"a Live Link subject needs an ASCII name, got '{subject}'")
        self._subject, self._joints, self._frame_id = subject, joints, 0
        names, self._map, _ = _RIGS[rig]
        self._heads = [f'{{"Name":{json.dumps(name)},"Value":' for name in names.channels]

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return one packet; its ``FrameId`` counts from 1.

        Raises:
            PacketError: a value of the frame is NaN or infinite.

        """
        given = checked(frame, "FgLiveLinkReceiver")
        given = given if self._map.source is FACE else given[: -len(ANGLES)]
        self._frame_id += 1
        values = self._map.apply(given[None])[0].astype(np.float64).round(_DIGITS).tolist()
        properties = ",".join(f"{head}{value}}}" for head, value in zip(self._heads, values, strict=True))
        joints = f',"Joints":{json.dumps(_joints(frame), separators=(",", ":"))}' if self._joints else ""
        subject = json.dumps(self._subject)
        packet = f'{{{subject}:{{"FrameId":{self._frame_id},"Properties":[{properties}]{joints}}}}}'
        return [packet.encode("ascii")]


def _joints(frame: FaceFrame) -> dict[str, Any]:
    yaw, pitch, roll = frame.angles.reshape(3, 3).T
    turns = (np.stack([pitch, yaw, roll]) * _TO_UNREAL).T.astype(np.float64).round(_DIGITS).tolist()
    x, y, z = frame.head_position or (0.0, 0.0, 0.0)
    places = [[round(100 * v, _DIGITS) for v in (z, -x, y)], [0.0] * 3, [0.0] * 3]
    transforms = [place + turn for place, turn in zip(places, turns, strict=True)]
    return {"Names": list(_JOINTS), "ParentIdx": [-1, 0, 0], "Transforms": transforms}


class FgLiveLinkDecoder:
    """Reads the packets of one subject; properties are found by name, in any of the three rigs.

    Args:
        subject: whose packets are read; None takes the first subject of each packet.

    """

    def __init__(self, subject: str | None = None) -> None:
        self._subject = subject
        self._names: dict[str, tuple[str, ...]] = {}
        self._known: tuple[tuple[str, ...], tuple[RigMap, list[tuple[int, int]]] | None] = ((), None)

    def decode(self, data: bytes) -> FaceFrame | None:
        """Return the face that a packet carries; None if it has none, or is of another subject.

        Raises:
            PacketError: the packet is not as described above.

        """
        packet = read_object(data, "a Live Link packet")
        subject = self._subject if self._subject is not None else next(iter(packet), None)
        if subject is None or subject not in packet:
            return None
        body = table(packet[subject], f"subject '{subject[:40]}'")
        listed = array(body.get("Properties", []), "'Properties'")
        properties = [table(entry, "a property") for entry in listed]
        weights = np.array([number(entry.get("Value"), "a property's 'Value'") for entry in properties])
        turns = _read_joints(body["Joints"]) if "Joints" in body else {}
        found = self._find(self._named(subject, properties))
        if found is None:
            return None
        rig_map, places = found
        values = np.zeros((1, len(rig_map.source)), np.float32)
        for at, place in places:
            values[0, place] = weights[at]
        made = np.zeros(len(FACE), np.float32)
        given = rig_map.apply(values)[0]
        made[: len(given)] = given
        for name, turn in turns.items():
            angles = made[_places(name)]
            if not angles.any():
                made[_places(name)] = turn
        return FaceFrame(0, made)

    def _named(self, subject: str, properties: list[dict[str, Any]]) -> tuple[str, ...]:
        """Return the properties' names; those of the subject's first packet if they are left out."""
        if all("Name" in entry for entry in properties):
            names = tuple(text(entry["Name"], "a property's 'Name'") for entry in properties)
            if len(self._names) < 64:
                self._names.setdefault(subject, names)
            return names
        first = self._names.get(subject, ())
        if len(first) != len(properties):
            raise PacketError(
                f"a Live Link packet without names needs the {len(first)} properties of its first packet, "
                f"got {len(properties)}"
            )
        return first

    def _find(self, names: tuple[str, ...]) -> tuple[RigMap, list[tuple[int, int]]] | None:
        """Return the map of the rig that most names belong to, and (place in packet, place in rig)."""
        if names != self._known[0]:
            known = [(back, _match(names, rig)) for rig, _, back in _RIGS.values()]
            best = max(known, key=lambda item: len(item[1]))
            self._known = (names, best if best[1] else None)
        return self._known[1]


def _match(names: tuple[str, ...], rig: Rig) -> list[tuple[int, int]]:
    """Unreal's names have no case."""
    places = {name.lower(): place for place, name in enumerate(rig.channels)}
    return [(at, places[name.lower()]) for at, name in enumerate(names) if name.lower() in places]


def _places(joint: str) -> slice:
    first = len(FACE) - len(ANGLES) + 3 * [name.lower() for name in _JOINTS].index(joint)
    return slice(first, first + 3)


def _read_joints(given: object) -> Mapping[str, Float32]:
    """Return yaw, pitch and roll in radians by joint, for head and eyes."""
    joints = table(given, "'Joints'")
    names = [text(name, "a joint's name") for name in array(joints.get("Names", []), "'Names'")]
    transforms = array(joints.get("Transforms", []), "'Transforms'")
    if len(names) != len(transforms):
        raise PacketError(f"'Transforms' needs {len(names)} entries as 'Names' has, got {len(transforms)}")
    made: dict[str, Float32] = {}
    for name, transform in zip(names, transforms, strict=True):
        entry = [number(value, "a transform") for value in array(transform, "a transform")]
        if len(entry) != 6:
            raise PacketError(f"a transform needs x, y, z, pitch, yaw and roll, got {len(entry)} numbers")
        if name.lower() in (joint.lower() for joint in _JOINTS):
            pitch, yaw, roll = np.radians(entry[3:])
            made[name.lower()] = np.array([yaw, -pitch, roll], np.float32)
    return made
