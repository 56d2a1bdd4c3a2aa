"""What behaviour can move: 52 weights of the face, head, gaze and body in one row, and tracks through it.

Everything that behaves gives such rows, and they add up: a nod upon a lean upon a smile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rhapsode.rigs import ARKIT

Float64 = NDArray[np.float64]

HEAD = ("head_yaw", "head_pitch", "head_roll")
"""Radians on top of the engine's own head motion: to its right, down, and to its right shoulder."""

GAZE = ("gaze_yaw", "gaze_pitch", "attention")
"""Radians by which it looks past the listener, to its right and down; and how much its own glances give way,
0 to 1. The eyes counter every turn of the head, so that a nod does not move the gaze."""

BODY = (
    *("lean", "turn", "sway"),
    *("shrug_left", "shrug_right", "palms", "wave", "swing", "hand"),
)
"""Lean (forward), turn (to its right) and sway (to its right shoulder) of the trunk, radians; shoulders drawn
up and forearms out with the palms up, 0 to 1; right arm raised, 0 to 1; its forearm and hand to the side,
radians."""

PARTS = (*ARKIT.channels, *HEAD, *GAZE, *BODY)
"""Columns of a row."""

AT = {name: column for column, name in enumerate(PARTS)}
"""Column by name."""

FACE_WIDTH = len(ARKIT)

Keys = Sequence[tuple[float, float]]
"""Times in seconds, rising, and values; the value rests at each."""


def zeros() -> Float64:
    """Return a row that moves nothing, (n parts,)."""
    return np.zeros(len(PARTS))


def row(**values: float) -> Float64:
    """Return a row with ``values``; a name without its side stands for both.

    >>> float(row(mouthSmile=0.5)[AT["mouthSmileLeft"]])
    0.5
    """
    made = zeros()
    for name, value in values.items():
        for full in sided(name):
            made[AT[full]] = value
    return made


def sided(name: str) -> tuple[str, ...]:
    """Return the parts that ``name`` means: itself, or its left and right one."""
    if name in AT:
        return (name,)
    both = (f"{name}Left", f"{name}Right")
    assert both[0] in AT, f"no part is called '{name}'"
    return both


def minimum_jerk(share: float) -> float:
    """Return the way done after ``share`` of the time, both in [0, 1] (Flash and Hogan, 1985)."""
    return share * share * share * (10.0 - 15.0 * share + 6.0 * share * share)


class Tracks:
    """Keys of some parts; between two keys a value moves with minimum jerk.

    Args:
        keys: by part, or by the name that stands for both sides.

    """

    def __init__(self, keys: Mapping[str, Keys]) -> None:
        self._tracks = [
            (AT[full], [time for time, _ in points], [value for _, value in points])
            for name, points in keys.items()
            for full in sided(name)
        ]
        self.length_s = max((times[-1] for _, times, _ in self._tracks), default=0.0)

    def add_to(self, made: Float64, time_s: float, strength: float = 1.0) -> None:
        """Add the values at ``time_s`` to ``made``, in place."""
        for column, times, values in self._tracks:
            made[column] += strength * _between(times, values, time_s)


def _between(times: Sequence[float], values: Sequence[float], at: float) -> float:
    k = bisect_right(times, at)
    if k == 0 or k == len(times):
        return values[0] if k == 0 else values[-1]
    span = times[k] - times[k - 1]
    return values[k - 1] + (values[k] - values[k - 1]) * minimum_jerk((at - times[k - 1]) / span)
