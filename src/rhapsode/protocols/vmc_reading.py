"""The reading half of `rhapsode.protocols.vmc`: a marionette that makes faces of what performers send."""

from __future__ import annotations

from math import isfinite

import numpy as np

from rhapsode.errors import PacketError
from rhapsode.performance import Float32
from rhapsode.protocols.axes import IDENTITY, Angles, across, angles_of, times, unit
from rhapsode.protocols.frame import FaceFrame, Quaternion
from rhapsode.protocols.osc import Message, parse
from rhapsode.protocols.vmc_bones import vrm_bone
from rhapsode.rigs import BLENDSHAPES, FACE
from rhapsode.rigs.vrm import VRM0_TO_VRM1, VRM1, VRM1_TO_ARKIT

_ARKIT = {name.lower(): place for place, name in enumerate(BLENDSHAPES)}
_PRESETS = {name.lower(): place for place, name in enumerate(VRM1.channels)}
_PRESETS |= {old.lower(): VRM1.index(new) for old, new in VRM0_TO_VRM1.items()}

_TRACKING_ARGS = 4


class VmcDecoder:
    """Reads what a VMC performer sends.

    Weights are kept until Apply, as clips and bones that a sender leaves out stay where they are. Names are
    those of ARKit in any case (Perfect Sync), or the presets of VRM 0 and VRM 1, which become ARKit weights
    by the maps of `rhapsode.rigs`; once a sender has used a name of ARKit, presets count no more. Bones come
    in Unity's axes and are given in glTF's; neck and head together make the three head angles, the eye bones
    the six of the eyes. Positions and unknown addresses and names are passed over. A sender that never sends
    clips never sends Apply: there a moment is complete when one of its bones comes again.
    """

    def __init__(self) -> None:
        self._arkit: Float32 | None = None
        self._presets = np.zeros(len(VRM1), np.float32)
        self._bones: dict[str, Quaternion] = {}
        self._found = True
        self._seen: set[str] = set()
        self._clips = False

    def decode(self, data: bytes) -> FaceFrame | None:
        """Take one datagram; return the moment that it completes, else None.

        Raises:
            PacketError: no OSC, or arguments that VMC does not have, or NaN; nothing of the packet is kept.

        """
        clips: list[tuple[str, float]] = []
        bones: dict[str, Quaternion] = {}
        found, applied, closing = self._found, False, 0
        for message in parse(data):
            match message.address:
                case "/VMC/Ext/Blend/Val":
                    clips.append((_name(message), _numbers(message, 1, 1)[0]))
                case "/VMC/Ext/Bone/Pos":
                    if bone := vrm_bone(_name(message)):
                        bones[bone] = _rotation(message)
                    else:
                        _numbers(message, 1, 7)
                case "/VMC/Ext/Blend/Apply":
                    applied, closing = True, len(clips)
                case "/VMC/Ext/OK":
                    found = _tracked(message)
        self._clips = self._clips or applied or bool(clips)
        again = not self._clips and not self._seen.isdisjoint(bones)
        made = self._frame() if again else None
        self._seen = set(bones) if again else self._seen | bones.keys()
        self._found = found
        self._bones |= bones
        self._take(clips[:closing] if applied else clips)
        if applied:
            made = self._frame()
            self._take(clips[closing:])
        return made

    def _take(self, clips: list[tuple[str, float]]) -> None:
        for name, weight in clips:
            lower = name.lower()
            if lower in _ARKIT:
                if self._arkit is None:
                    self._arkit = np.zeros(len(BLENDSHAPES), np.float32)
                self._arkit[_ARKIT[lower]] = min(max(weight, 0.0), 1.0)
            elif lower in _PRESETS:
                self._presets[_PRESETS[lower]] = min(max(weight, 0.0), 1.0)

    def _frame(self) -> FaceFrame:
        values = np.zeros(len(FACE), np.float32)
        weights = VRM1_TO_ARKIT.apply(self._presets[None])[0] if self._arkit is None else self._arkit
        values[: len(BLENDSHAPES)] = weights
        values[len(BLENDSHAPES) :] = [*self._head(), *self._eye("leftEye"), *self._eye("rightEye")]
        return FaceFrame(0, values, found=self._found, bones=dict(self._bones))

    def _head(self) -> Angles:
        return angles_of(times(self._bones.get("neck", IDENTITY), self._bones.get("head", IDENTITY)))

    def _eye(self, bone: str) -> Angles:
        return angles_of(self._bones.get(bone, IDENTITY))


def _name(message: Message) -> str:
    if not message.args or not isinstance(message.args[0], str):
        raise _wrong(message, "a name first")
    return message.args[0]


def _numbers(message: Message, first: int, count: int) -> list[float]:
    """Return ``count`` numbers from argument ``first`` on; more arguments are left to later versions."""
    made = [float(arg) for arg in message.args[first : first + count] if type(arg) in (int, float)]  # type: ignore[arg-type]
    if len(made) < count or not all(map(isfinite, made)):
        raise _wrong(message, f"{count} finite numbers behind the name")
    return made


def _rotation(message: Message) -> Quaternion:
    x, y, z, w = _numbers(message, 1, 7)[3:]
    rotation = unit((x, y, z, w))
    if rotation is None:
        raise _wrong(message, "a rotation whose length is not 0")
    return across(rotation)


def _tracked(message: Message) -> bool:
    """Return whether a model is loaded and, since 2.7, tracked."""
    states = message.args[:1] + message.args[_TRACKING_ARGS - 1 : _TRACKING_ARGS]
    if not states or not all(isinstance(state, int) for state in states):
        raise _wrong(message, "ints")
    return all(state != 0 for state in states)


def _wrong(message: Message, expected: str) -> PacketError:
    got = ", ".join(str(arg)[:16] for arg in message.args[:8]) or "nothing"
    return PacketError(
        f"VMC {message.address}: got {got}, expected {expected}; check the sender's VMC version"
    )
