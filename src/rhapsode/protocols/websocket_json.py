"""One JSON text a moment, for programs that want a face over a WebSocket without a library.

    {"t": 12.34, "sample": 197440, "generation": 3, "rig": "arkit", "found": true,
     "weights": {"jawOpen": 0.41, ...}, "angles": {"headYaw": 0.0123, ...}}

``t`` is seconds on the clock (``sample`` / 16000), ``generation`` the performance that it belongs to. Weights
are those of ``rig``, in [0, 1]; one that is left out is 0, and so is an angle (radians, signs as in
`rhapsode.rigs.arkit`). ``head`` (x, y, z in metres), ``bones`` (x, y, z, w by VRM 1.0 name) and ``emotions``
(amounts by name) are there where they are known. Readers pass over keys that they do not know.

The same moment in 272 bytes is a packet of curves: `rhapsode.protocols.stage_packets.CurvesFrameEncoder`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import numpy as np

from rhapsode.errors import PacketError
from rhapsode.performance import CLOCK_HZ, Curves, Float32
from rhapsode.protocols.axes import checked
from rhapsode.protocols.frame import FaceFrame, Quaternion
from rhapsode.protocols.json_reading import array, number, read_object, table, text
from rhapsode.rigs import ANGLES, BLENDSHAPES, FACE, retarget, rig_named, rigs

_DIGITS = 4
_WEIGHTS = len(BLENDSHAPES)
_ANGLES = {name: place for place, name in enumerate(ANGLES)}
_WHAT = "a face in JSON"


class JsonEncoder:
    """Makes one text a moment.

    Args:
        rig: whose names the weights have, one of `rhapsode.rigs.rigs`.
        every: send every weight and angle, not only those that are not 0.
        generation: what the texts carry until it is set anew.

    Raises:
        RigError: no rig has that name.

    """

    def __init__(self, *, rig: str = "arkit", every: bool = False, generation: int = 0) -> None:
        self.generation = generation
        self._rig, self._every = rig_named(rig), every
        self._count = len(self._rig) - len(self._rig.angles)
        self._direct = self._rig.name in ("arkit", "face")

    def encode(self, frame: FaceFrame) -> list[bytes]:
        """Return one UTF-8 text.

        Raises:
            PacketError: a number of the frame is NaN or infinite.

        """
        checked(frame, _WHAT)
        made: dict[str, Any] = {
            "t": round(frame.sample_index / CLOCK_HZ, 6),
            "sample": frame.sample_index,
            "generation": self.generation,
            "rig": self._rig.name,
            "found": frame.found,
            "weights": self._listed(self._rig.channels[: self._count], self._weights(frame)),
            "angles": self._listed(ANGLES, frame.angles),
        }
        if frame.head_position is not None:
            made["head"] = [float(v) for v in frame.head_position]
        if frame.bones:
            made["bones"] = {name: [float(v) for v in turn] for name, turn in frame.bones.items()}
        if frame.emotions:
            made["emotions"] = {name: float(amount) for name, amount in frame.emotions.items()}
        try:
            return [json.dumps(made, separators=(",", ":"), allow_nan=False).encode()]
        except ValueError:
            raise PacketError(f"{_WHAT} needs finite emotions, got {dict(frame.emotions)}") from None

    def _weights(self, frame: FaceFrame) -> Float32:
        if self._direct:
            return frame.weights
        curves = retarget(Curves(FACE.channels, frame.values[None]), self._rig.name)
        return curves.values[0, : self._count]

    def _listed(self, names: tuple[str, ...], values: Float32) -> dict[str, float]:
        numbers = values.astype(np.float64).round(_DIGITS).tolist()
        return {name: v for name, v in zip(names, numbers, strict=True) if self._every or v}


class JsonDecoder:
    """Reads what `JsonEncoder` makes, on any rig."""

    def decode(self, data: bytes | str) -> FaceFrame:
        """Return the moment that a text carries.

        Raises:
            PacketError: the text is not as described above; the message names the key.

        """
        read = read_object(data, _WHAT)
        rig = text(read.get("rig", "arkit"), "'rig'")
        given = _amounts(read.get("weights", {}), _places(rig), "'weights'")
        values = np.zeros(len(FACE), np.float32)
        if rig in ("arkit", "face"):
            values[: len(given)] = given
        else:
            values[:] = retarget(Curves(rig_named(rig).channels, given[None]), "face").values[0]
        np.clip(values[:_WEIGHTS], 0, 1, out=values[:_WEIGHTS])
        if "angles" in read:
            values[_WEIGHTS:] = _amounts(read["angles"], _ANGLES, "'angles'")
        sample = number(read.get("sample", 0), "'sample'")
        return FaceFrame(
            int(sample) if abs(sample) < 2**62 else 0,
            values,
            found=read.get("found", True) is not False,
            bones=_bones(read.get("bones", {})),
            head_position=_position(read.get("head")),
            emotions={
                name: number(value, "an emotion")
                for name, value in table(read.get("emotions", {}), "'emotions'").items()
            },
        )


@lru_cache(maxsize=64)
def _places(rig: str) -> dict[str, int]:
    """Return the place by channel of a rig."""
    if rig not in rigs():
        raise PacketError(f"'rig' needs one of {', '.join(rigs())}; got '{rig[:40]}'")
    return {name: place for place, name in enumerate(rig_named(rig).channels)}


def _amounts(given: object, places: Mapping[str, int], what: str) -> Float32:
    made = np.zeros(len(places), np.float32)
    for name, value in table(given, what).items():
        if name not in places:
            raise PacketError(f"{what} needs channels of its rig, got '{name[:40]}'")
        made[places[name]] = number(value, name)
    return made


def _numbers(given: object, count: int, what: str) -> tuple[float, ...]:
    made = tuple(number(value, what) for value in array(given, what))
    if len(made) != count:
        raise PacketError(f"{what} needs {count} numbers, got {len(made)}")
    return made


def _bones(given: object) -> dict[str, Quaternion]:
    turns = table(given, "'bones'").items()
    return {name: cast(Quaternion, _numbers(turn, 4, "a bone")) for name, turn in turns}


def _position(given: object) -> tuple[float, float, float] | None:
    return None if given is None else cast(tuple[float, float, float], _numbers(given, 3, "'head'"))
