"""What each gesture does: keys of its anticipation, stroke, hold and settling, no two quite alike.

Where an avatar has no arms or shoulders, what the face and the head do of a gesture stands for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from rhapsode.live.behaviour.parts import Keys

Maker = Callable[[Random], Mapping[str, Keys]]


def _side(rng: Random) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _held(begin: float, rise: float, value: float, until: float, fall: float) -> Keys:
    """Return keys that rise from 0, hold ``value`` and go back."""
    return ((begin, 0.0), (begin + rise, value), (until, value), (until + fall, 0.0))


def _nod(rng: Random) -> Mapping[str, Keys]:
    again = rng.uniform(0.4, 0.75)
    return {
        "head_pitch": (
            *((0.0, 0.0), (0.14, -0.035), (0.38, 0.175), (0.62, -0.03)),
            *((0.86, 0.175 * again), (1.12, -0.012), (1.4, 0.0)),
        ),
        "lean": _held(0.14, 0.3, 0.025, 0.6, 0.5),
        "browInnerUp": _held(0.0, 0.2, 0.1, 0.3, 0.4),
    }


def _nod_once(rng: Random) -> Mapping[str, Keys]:
    deep = rng.uniform(0.085, 0.12)
    keys: Keys = ((0.0, 0.0), (0.12, -0.015), (0.38, deep), (0.7, -0.012), (0.95, 0.0))
    return {"head_pitch": keys, "browInnerUp": _held(0.1, 0.2, 0.08, 0.4, 0.4)}


def _nod_twice(rng: Random) -> Mapping[str, Keys]:
    first, second = rng.uniform(0.07, 0.1), rng.uniform(0.04, 0.07)
    return {
        "head_pitch": (
            *((0.0, 0.0), (0.1, -0.012), (0.32, first), (0.54, 0.0)),
            *((0.74, second), (1.0, -0.006), (1.2, 0.0)),
        ),
        "mouthSmile": _held(0.1, 0.35, 0.1, 0.8, 0.6),
    }


def _shake(rng: Random) -> Mapping[str, Keys]:
    side = _side(rng)
    swings = (-0.035, 0.2, -0.19, 0.13, -0.06, 0.0)
    times = (0.14, 0.4, 0.7, 0.98, 1.24, 1.5)
    return {
        "head_yaw": ((0.0, 0.0), *((t, side * x) for t, x in zip(times, swings, strict=True))),
        "head_pitch": _held(0.1, 0.3, 0.03, 0.9, 0.5),
        "browDown": _held(0.0, 0.3, 0.22, 1.0, 0.5),
        "mouthFrown": _held(0.1, 0.35, 0.18, 0.9, 0.5),
        "mouthPress": _held(0.1, 0.35, 0.12, 0.9, 0.5),
    }


def _tilt(rng: Random) -> Mapping[str, Keys]:
    side = _side(rng)
    return {
        "head_roll": ((0.0, 0.0), (0.13, -0.02 * side), (0.6, 0.15 * side), (1.5, 0.135 * side), (2.1, 0.0)),
        "head_yaw": _held(0.1, 0.5, -0.04 * side, 1.4, 0.6),
        "sway": _held(0.2, 0.6, 0.03 * side, 1.4, 0.8),
        "browInnerUp": _held(0.15, 0.4, 0.2, 1.4, 0.6),
    }


def _shrug(rng: Random) -> Mapping[str, Keys]:
    side = _side(rng)
    up: Keys = ((0.0, 0.0), (0.14, -0.08), (0.48, 1.0), (0.95, 0.94), (1.38, -0.05), (1.65, 0.0))
    late: Keys = tuple((t + 0.03, v * 0.94) for t, v in up)
    return {
        "shrug_left": up if side > 0 else late,
        "shrug_right": late if side > 0 else up,
        "palms": ((0.0, 0.0), (0.12, 0.0), (0.58, 1.0), (1.05, 0.95), (1.75, 0.0)),
        "head_roll": ((0.0, 0.0), (0.14, -0.015 * side), (0.55, 0.11 * side), (1.0, 0.1 * side), (1.6, 0.0)),
        "head_pitch": ((0.0, 0.0), (0.5, 0.045), (0.95, 0.04), (1.5, 0.0)),
        "browInnerUp": _held(0.08, 0.36, 0.72, 0.95, 0.5),
        "browOuterUp": _held(0.08, 0.36, 0.62, 0.95, 0.5),
        "mouthFrown": _held(0.1, 0.38, 0.4, 0.95, 0.5),
        "mouthShrugLower": _held(0.1, 0.38, 0.3, 0.95, 0.5),
        "mouthPress": _held(0.1, 0.38, 0.15, 0.95, 0.5),
        "eyeWide": _held(0.1, 0.35, 0.15, 0.9, 0.4),
    }


def _wave(rng: Random) -> Mapping[str, Keys]:
    half = rng.uniform(0.2, 0.235)
    wide = 0.3
    swings: list[tuple[float, float]] = [(0.0, 0.0), (0.35, 0.0)]
    for k, size in enumerate((0.55, 1.0, 1.0, 0.95, 0.85, 0.6)):
        swings.append((0.35 + half * (k + 1), wide * size * (-1.0 if k % 2 else 1.0)))
    end = swings[-1][0]
    hand = [(t + 0.05, 0.5 * v) for t, v in swings]
    return {
        "wave": ((0.0, 0.0), (0.7, 1.0), (end, 1.0), (end + 0.8, 0.0)),
        "swing": (*swings, (end + 0.35, 0.0)),
        "hand": ((0.0, 0.0), *hand, (end + 0.45, 0.0)),
        "head_roll": _held(0.1, 0.6, 0.085, end, 0.7),
        "head_pitch": ((0.0, 0.0), (0.12, -0.02), (0.42, 0.07), (0.75, -0.01), (1.0, 0.0)),
        "sway": _held(0.1, 0.7, 0.035, end, 0.8),
        "mouthSmile": _held(0.05, 0.5, 0.42, end, 0.9),
        "cheekSquint": _held(0.05, 0.5, 0.3, end, 0.9),
        "eyeSquint": _held(0.1, 0.5, 0.15, end, 0.8),
        "browInnerUp": _held(0.05, 0.25, 0.5, 0.55, 0.5),
        "browOuterUp": _held(0.05, 0.25, 0.45, 0.55, 0.5),
        "attention": _held(0.0, 0.2, 0.9, end, 0.4),
    }


def _bow(rng: Random) -> Mapping[str, Keys]:
    down = rng.uniform(0.9, 1.0)
    return {
        "lean": ((0.0, 0.0), (0.16, -0.02), (0.9, 0.36 * down), (1.25, 0.36 * down), (2.15, 0.0)),
        "head_pitch": ((0.0, 0.0), (0.16, -0.02), (0.85, 0.27 * down), (1.25, 0.27 * down), (2.1, 0.0)),
        "gaze_pitch": ((0.0, 0.0), (0.1, 0.0), (0.75, 0.5), (1.35, 0.5), (2.0, 0.0)),
        "attention": _held(0.0, 0.3, 0.8, 1.5, 0.5),
        "eyeBlink": _held(0.2, 0.5, 0.22, 1.3, 0.6),
        "mouthSmile": _held(0.0, 0.4, 0.16, 1.7, 0.7),
    }


def _think(rng: Random) -> Mapping[str, Keys]:
    side = _side(rng)
    return {
        "gaze_yaw": ((0.0, 0.0), (0.1, 0.37 * side), (1.0, 0.36 * side), (1.06, 0.29 * side), (1.9, 0.0)),
        "gaze_pitch": ((0.0, 0.0), (0.1, -0.27), (1.0, -0.26), (1.06, -0.2), (1.9, 0.0)),
        "attention": _held(0.0, 0.12, 0.8, 1.7, 0.3),
        "head_yaw": _held(0.08, 0.55, 0.09 * side, 1.4, 0.7),
        "head_pitch": _held(0.08, 0.55, -0.05, 1.4, 0.7),
        "head_roll": _held(0.08, 0.6, -0.06 * side, 1.4, 0.7),
        "browDown": _held(0.05, 0.4, 0.24, 1.4, 0.6),
        "browInnerUp": _held(0.05, 0.4, 0.22, 1.4, 0.6),
        "eyeSquint": _held(0.05, 0.4, 0.2, 1.4, 0.6),
        "mouthPress": _held(0.1, 0.4, 0.22, 1.4, 0.6),
        ("mouthRight" if side > 0 else "mouthLeft"): _held(0.1, 0.4, 0.16, 1.4, 0.6),
    }


def _look(yaw: float, pitch: float) -> Maker:
    """Return a gesture that looks past the listener: the eyes go first, the head follows."""

    def make(rng: Random) -> Mapping[str, Keys]:
        side = _side(rng)
        to, stay = yaw * side, rng.uniform(1.0, 1.3)
        gaze = (("gaze_yaw", to), ("gaze_pitch", pitch), ("attention", 0.9))
        head = (("head_yaw", 0.4 * to), ("head_pitch", 0.45 * pitch))
        eyes: dict[str, Keys] = {name: _held(0.0, 0.1, value, stay, 0.12) for name, value in gaze}
        return {
            **eyes,
            **{name: _held(0.05, 0.4, value, stay, 0.5) for name, value in head},
            "turn": _held(0.1, 0.6, 0.1 * to, stay, 0.7),
        }

    return make


def _look_at(rng: Random) -> Mapping[str, Keys]:
    return {
        "attention": _held(0.0, 0.1, 1.0, 2.0, 0.4),
        "browInnerUp": _held(0.0, 0.25, 0.16, 0.6, 0.5),
        "lean": _held(0.0, 0.6, 0.03, 1.6, 0.7),
        "head_pitch": _held(0.0, 0.5, -0.015, 1.6, 0.7),
    }


def _smile_nod(rng: Random) -> Mapping[str, Keys]:
    return {
        **_nod_twice(rng),
        "mouthSmile": _held(0.0, 0.45, 0.4, 1.3, 0.9),
        "cheekSquint": _held(0.0, 0.45, 0.32, 1.3, 0.9),
        "eyeSquint": _held(0.05, 0.45, 0.16, 1.2, 0.8),
        "head_roll": _held(0.1, 0.5, 0.035 * _side(rng), 1.0, 0.7),
    }


def _wink(rng: Random) -> Mapping[str, Keys]:
    side, roll = rng.choice((("Left", -1.0), ("Right", 1.0)))
    return {
        f"eyeBlink{side}": ((0.0, 0.0), (0.12, 0.97), (0.22, 0.97), (0.44, 0.0)),
        f"cheekSquint{side}": _held(0.0, 0.18, 0.55, 0.3, 0.4),
        f"mouthSmile{side}": _held(0.0, 0.2, 0.42, 0.6, 0.6),
        f"browDown{side}": _held(0.0, 0.16, 0.2, 0.26, 0.3),
        "head_roll": _held(0.0, 0.3, 0.07 * roll, 0.5, 0.6),
    }


def _raise_brows(rng: Random) -> Mapping[str, Keys]:
    return {
        "browInnerUp": _held(0.0, 0.22, 0.75, 0.55, 0.5),
        "browOuterUp": _held(0.0, 0.22, 0.72, 0.55, 0.5),
        "eyeWide": _held(0.0, 0.2, 0.22, 0.5, 0.4),
        "head_pitch": _held(0.0, 0.3, -0.03, 0.5, 0.5),
    }


def _lean_in(rng: Random) -> Mapping[str, Keys]:
    return {
        "lean": ((0.0, 0.0), (0.15, -0.008), (0.85, 0.13), (2.1, 0.12), (3.0, 0.0)),
        "head_pitch": ((0.0, 0.0), (0.85, -0.085), (2.1, -0.08), (3.0, 0.0)),
        "attention": _held(0.0, 0.3, 0.9, 2.1, 0.5),
        "browInnerUp": _held(0.1, 0.5, 0.16, 1.9, 0.7),
        "eyeSquint": _held(0.1, 0.6, 0.1, 1.9, 0.7),
    }


def _sigh(rng: Random) -> Mapping[str, Keys]:
    up: Keys = ((0.0, 0.0), (0.7, 0.4), (0.95, 0.38), (1.7, -0.12), (2.4, 0.0))
    return {
        "shrug_left": up,
        "shrug_right": up,
        "lean": ((0.0, 0.0), (0.7, -0.03), (1.7, 0.05), (2.6, 0.0)),
        "head_pitch": ((0.0, 0.0), (0.7, -0.06), (1.6, 0.09), (1.9, 0.085), (2.6, 0.0)),
        "gaze_pitch": _held(0.9, 0.15, 0.24, 1.9, 0.15),
        "browInnerUp": _held(0.6, 0.5, 0.3, 1.7, 0.7),
        "mouthFrown": _held(0.9, 0.4, 0.16, 1.8, 0.6),
        "eyeBlink": _held(0.8, 0.4, 0.22, 1.7, 0.5),
    }


GESTURES: Mapping[str, Maker] = {
    "nod": _nod,
    "shake": _shake,
    "tilt": _tilt,
    "shrug": _shrug,
    "wave": _wave,
    "bow": _bow,
    "think": _think,
    "look_away": _look(0.36, 0.05),
    "look_up": _look(0.08, -0.26),
    "look_down": _look(0.07, 0.3),
    "look_at": _look_at,
    "smile_nod": _smile_nod,
    "wink": _wink,
    "raise_brows": _raise_brows,
    "lean_in": _lean_in,
    "sigh": _sigh,
    "nod_once": _nod_once,
    "nod_twice": _nod_twice,
}
"""What can be asked for, by name; the last two are a listener's."""
