"""OpenSeeFace in: the tracker's packets of 1785 bytes a face, little-endian, sent to UDP port 11573.

A datagram holds one or more faces. Each has: f64 time; i32 id; 2 f32 picture size; 2 f32 openness of the
right and the left eye (1 open); u8 whether a pose was found; f32 error of the pose; 4 f32 quaternion; 3 f32
Euler angles; 3 f32 translation; 68 f32 confidences; 68 x 2 f32 picture points; 70 x 3 f32 points of the face;
14 f32 features.

The quaternion turns the camera's axes (down, image right, forward) into the face's; for a face that looks
straight into the camera it is a half turn about (1, -1, 0). The points of the face have X to the face's
right, Y down and Z backwards on the wire; 66 and 67 are the pupils and 68 and 69 the eyeballs, right before
left. Features lie in [-1, 1] around the median of what the tracker has seen of this face.
Source: facetracker.py and tracker.py of OpenSeeFace.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import atan2, hypot, isfinite, sqrt
from typing import Final

import numpy as np

from rhapsode.errors import PacketError
from rhapsode.performance import Float32
from rhapsode.protocols.axes import Angles, across, angles_of, inverse, looks, times, unit
from rhapsode.protocols.frame import FaceFrame, Quaternion
from rhapsode.rigs import ANGLES, FACE

SIZE: Final = 1785
"""Bytes of one face."""

FEATURES: tuple[str, ...] = (
    *("eye_l", "eye_r", "eyebrow_steepness_l", "eyebrow_updown_l", "eyebrow_quirk_l"),
    *("eyebrow_steepness_r", "eyebrow_updown_r", "eyebrow_quirk_r"),
    *("mouth_corner_updown_l", "mouth_corner_inout_l", "mouth_corner_updown_r", "mouth_corner_inout_r"),
    *("mouth_open", "mouth_wide"),
)
"""The tracker's own names of its features, in their order."""

_HEAD = struct.Struct("<di2f2fBf4f")
_EYES = SIZE - 4 * (len(FEATURES) + 4 * 3)
_EYE_POINTS = struct.Struct("<12f")
_FEATURES = struct.Struct(f"<{len(FEATURES)}f")
_TO_CAMERA: Quaternion = (sqrt(0.5), -sqrt(0.5), 0.0, 0.0)
_FARTHEST_LOOK = 0.6


@dataclass(frozen=True)
class TrackedFace:
    """One face of a datagram.

    Args:
        face: its id; a tracker of one face sends 0.
        tracked: whether a pose was found.
        head: rotation of the head in glTF's axes; the identity looks into the camera.
        gaze: yaw, pitch and roll of the left and the right eye in the head, radians.
        open: openness of the left and the right eye, 1 open.
        features: by `FEATURES`, in [-1, 1].

    """

    face: int
    tracked: bool
    head: Quaternion
    gaze: tuple[Angles, Angles]
    open: tuple[float, float]
    features: dict[str, float]


def parse(data: bytes) -> list[TrackedFace]:
    """Return the faces of a datagram.

    Raises:
        PacketError: it is not a multiple of 1785 bytes, or what is used of it is NaN or infinite.

    """
    if not data or len(data) % SIZE:
        raise PacketError(
            f"not an OpenSeeFace packet: got {len(data)} bytes, expected a multiple of {SIZE}; "
            "check what sends to this port"
        )
    return [_face(data, start) for start in range(0, len(data), SIZE)]


class OpenSeeFaceDecoder:
    """Makes faces of what OpenSeeFace tracks.

    The features, which are relative to a face's own median, become weights so:

        eyeBlink            1 - openness; eyeWide where the eye opens beyond its median
        eyeLook*            from the gaze, as are the eyes' angles
        browInnerUp         both brows up; browOuterUp and browDown each side's up and down
        jawOpen             mouth open beyond its median
        mouthSmile, Frown   corners up and down (the feature is positive downwards); wide adds to the smile
        mouthStretch        wide; mouthPucker narrow, mouthFunnel narrow and open

    Brow steepness and quirk are not used, nor are points other than the eyes'. A face whose pose is lost is
    given at rest and not ``found``.

    Args:
        face: id of the face to follow; None takes the first of each datagram.

    """

    def __init__(self, *, face: int | None = None) -> None:
        self._face = face

    def decode(self, data: bytes) -> FaceFrame | None:
        """Return the chosen face; None if the datagram lacks it.

        Raises:
            PacketError: see `parse`.

        """
        faces = parse(data)
        chosen = next((face for face in faces if self._face in (None, face.face)), None)
        if chosen is None:
            return None
        if not chosen.tracked:
            return FaceFrame(0, np.zeros(len(FACE), np.float32), found=False)
        return FaceFrame(0, _values(chosen))


def _face(data: bytes, start: int) -> TrackedFace:
    _, face, _, _, right_open, left_open, tracked, _, *rotation = _HEAD.unpack_from(data, start)
    points = _EYE_POINTS.unpack_from(data, start + _EYES)
    features = _FEATURES.unpack_from(data, start + SIZE - _FEATURES.size)
    x, y, z, w = rotation
    raw = unit((x, y, z, w)) if tracked else _TO_CAMERA
    if raw is None or not all(map(isfinite, (right_open, left_open, *points, *features))):
        raise PacketError(
            f"OpenSeeFace face {face}: got NaN, infinity or no rotation, expected numbers; check the tracker"
        )
    # The tracker's model has X to the face's right, as Unity has.
    head = across(times(inverse(_TO_CAMERA), inverse(raw)))
    pupils = [points[k : k + 3] for k in range(0, 12, 3)]
    right, left = (_gaze(pupils[eye], pupils[eye + 2]) for eye in (0, 1))
    return TrackedFace(
        face,
        bool(tracked),
        head,
        (left, right),
        (left_open, right_open),
        {name: min(max(value, -1.0), 1.0) for name, value in zip(FEATURES, features, strict=True)},
    )


def _gaze(pupil: tuple[float, ...], ball: tuple[float, ...]) -> Angles:
    """Return where an eye looks; straight ahead where the tracker has no points."""
    right, down, back = (a - b for a, b in zip(pupil, ball, strict=True))
    if back >= 0:
        return 0.0, 0.0, 0.0
    yaw, pitch = atan2(right, -back), atan2(down, hypot(right, back))
    return (
        min(max(yaw, -_FARTHEST_LOOK), _FARTHEST_LOOK),
        min(max(pitch, -_FARTHEST_LOOK), _FARTHEST_LOOK),
        0.0,
    )


def _values(face: TrackedFace) -> Float32:
    """Return (61,) values of a tracked face."""
    up = {name: max(value, 0.0) for name, value in face.features.items()}
    down = {name: max(-value, 0.0) for name, value in face.features.items()}
    narrow, opened = down["mouth_wide"], up["mouth_open"]
    weights = {
        **looks(*face.gaze),
        "browInnerUp": (up["eyebrow_updown_l"] + up["eyebrow_updown_r"]) / 2,
        "jawOpen": opened,
        "mouthPucker": narrow * (1 - opened),
        "mouthFunnel": narrow * opened,
    }
    for side, short, openness in (("Left", "l", face.open[0]), ("Right", "r", face.open[1])):
        weights |= {
            f"eyeBlink{side}": 1 - openness,
            f"eyeWide{side}": up[f"eye_{short}"],
            f"browOuterUp{side}": up[f"eyebrow_updown_{short}"],
            f"browDown{side}": down[f"eyebrow_updown_{short}"],
            f"mouthSmile{side}": down[f"mouth_corner_updown_{short}"] + 0.3 * up["mouth_wide"],
            f"mouthFrown{side}": up[f"mouth_corner_updown_{short}"],
            f"mouthStretch{side}": 0.5 * up["mouth_wide"],
        }
    values = np.zeros(len(FACE), np.float32)
    for name, weight in weights.items():
        values[FACE.index(name)] = min(max(weight, 0.0), 1.0)
    values[-len(ANGLES) :] = (*angles_of(face.head), *face.gaze[0], *face.gaze[1])
    return values
