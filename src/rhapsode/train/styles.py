"""How the heads of the network, one per label style, mix into the styles that an engine offers."""

from __future__ import annotations

from collections.abc import Mapping

from rhapsode.face.contacts import Closure
from rhapsode.train.takes import MOVES

DEFAULT = "natural"

_NOISE = ((10.0, 1.7), (20.0, 1.35), (32.0, 1.0))

CLOSURE = {"live": Closure(0.21, 0.3, 0.95, _NOISE), "studio": Closure(0.16, 0.23, 0.95, _NOISE)}
"""Per engine how sure of touching lips it must be. recipes/closure_limits.py measures them on the development
voices of recipes/face.py: in silence they are higher than 4 % of false closure asks there, at 20 dB about as
high, at 10 dB lower."""

BITE = (0.3, 0.6)
"""How sure they must be that the lower lip begins to go to the upper teeth, and that it is there."""

CAMERA_SHARE = {"jawOpen": 0.2}
"""How much of the camera's head goes into a move of the natural style; none where none is named.

The camera's head times the jaw of its own speaker best, the taught head that of others: it knows many voices,
rounds and parts the lips.
"""


def _table(shares: Mapping[int, Mapping[str, float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(shares.get(head, {}).get(move, 0.0) for move in MOVES) for head in range(3))


def styles() -> dict[str, tuple[tuple[float, ...], ...]]:
    """Return per style a (heads, moves) table; heads learn from GRID, FACEGOOD and the teacher."""
    whole = dict.fromkeys(MOVES, 1.0)
    camera = {move: CAMERA_SHARE.get(move, 0.0) for move in MOVES}
    mixed = {move: 1 - camera[move] for move in MOVES}
    return {
        DEFAULT: _table({0: camera, 2: mixed}),
        "articulated": _table({2: whole}),
        "grid": _table({0: whole}),
        "facegood": _table({1: whole}),
    }
