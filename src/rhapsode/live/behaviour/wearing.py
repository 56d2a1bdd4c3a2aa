"""Puts behaviour on a face that lives and speaks: on top of it, not in its place; lips keep their speech."""

from __future__ import annotations

import numpy as np

from rhapsode.face.emotion.contact import wear
from rhapsode.live.behaviour.parts import AT, FACE_WIDTH, Float64
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT, FACE
from rhapsode.rigs.gaze import PITCH_PER_WEIGHT, YAW_PER_WEIGHT

_ANGLES = FACE_WIDTH
_HEAD_LIMITS = (0.55, 0.5, 0.42)
_EYE_LIMITS = (0.48, 0.4)
_NEAR = 0.035
"""Glances smaller than this stay as they are: fixations wander by as much on the listener's face, radians."""

_LID_DOWN, _LID_UP = 0.32, 0.16
"""How far lids follow eyes that look down and up, as in the life of the face."""

_EYES = tuple(
    (
        way,
        FACE.index(f"{side}EyeYaw"),
        [
            ARKIT.index(f"eye{n}{side.title()}")
            for n in ("LookOut", "LookIn", "LookDown", "LookUp", "Blink", "Wide")
        ],
    )
    for side, way in (("left", -1.0), ("right", 1.0))
)


def worn(values: Float32, parts: Float64, pause: float) -> Float32:
    """Return one face with behaviour on it.

    Args:
        values: (61,) in the order of `rhapsode.rigs.FACE`.
        parts: a row of `rhapsode.live.behaviour.parts.PARTS`.
        pause: 0 while it speaks, 1 while it does not; between them the mouth is given up and taken back.

    Returns:
        (61,) float32. Where ``pause`` is 0, lips that touch stay in touch and lips that are apart stay so.

    """
    made = values.astype(np.float64)
    pose = np.minimum(np.maximum(parts[:FACE_WIDTH], 0.0), 1.0)
    if pose.any():
        made[:FACE_WIDTH] = wear(made[None, :FACE_WIDTH], pose[None], np.array([pause]))[0]
    turned = [_soft(made[_ANGLES + k] + parts[AT["head_yaw"] + k], _HEAD_LIMITS[k]) for k in range(3)]
    _look(made, parts, turned)
    made[_ANGLES : _ANGLES + 3] = turned
    np.minimum(np.maximum(made[:FACE_WIDTH], 0.0), 1.0, out=made[:FACE_WIDTH])
    return made.astype(np.float32)


def _look(made: Float64, parts: Float64, turned: list[float]) -> None:
    """Turn the eyes so that the gaze goes where it should, whatever the head does."""
    first = _EYES[0][1], _EYES[1][1]
    yaw = made[_ANGLES] + 0.5 * (made[first[0]] + made[first[1]])
    pitch = made[_ANGLES + 1] + 0.5 * (made[first[0] + 1] + made[first[1] + 1])
    kept = 1.0 - min(max(parts[AT["attention"]], 0.0), 1.0)
    to_yaw = _drawn(yaw, kept) + parts[AT["gaze_yaw"]]
    to_pitch = _drawn(pitch, kept) + parts[AT["gaze_pitch"]]
    by_yaw = (to_yaw - yaw) - (turned[0] - made[_ANGLES])
    by_pitch = (to_pitch - pitch) - (turned[1] - made[_ANGLES + 1])
    if abs(by_yaw) < 1e-5 and abs(by_pitch) < 1e-5:
        return
    for way, at, (out, inside, down, up, blink, wide) in _EYES:
        side = min(max(made[at] + by_yaw, -_EYE_LIMITS[0]), _EYE_LIMITS[0])
        low = min(max(made[at + 1] + by_pitch, -_EYE_LIMITS[1]), _EYE_LIMITS[1])
        was_down, was_up = made[down], made[up]
        outwards, downwards = way * side / YAW_PER_WEIGHT, low / PITCH_PER_WEIGHT
        made[out], made[inside] = max(outwards, 0.0), max(-outwards, 0.0)
        made[down], made[up] = max(downwards, 0.0), max(-downwards, 0.0)
        made[blink] += (1.0 - made[blink]) * _LID_DOWN * (made[down] - was_down)
        made[wide] += (1.0 - made[wide]) * _LID_UP * (made[up] - was_up)
        made[at], made[at + 1] = side, low


def _drawn(angle: float, kept: float) -> float:
    """Return a glance of which ``kept`` is left beyond `_NEAR`."""
    over = max(abs(angle) - _NEAR, 0.0)
    return angle - (1.0 - kept) * over * (1.0 if angle > 0 else -1.0)


def _soft(angle: float, limit: float) -> float:
    """Return ``angle``, softly held below ``limit``."""
    knee = 0.6 * limit
    over = abs(angle) - knee
    if over <= 0.0:
        return angle
    room = limit - knee
    return (knee + room * over / (room + over)) * (1.0 if angle > 0 else -1.0)
