"""How the heads of the network, one per label style, mix into the styles that an engine offers."""

from __future__ import annotations

from rhapsode.train.takes import MOVES

DEFAULT = "natural"

CLOSURE = (0.4, 0.8)
"""How sure of touching lips the network must be for them to begin to close, and to be closed."""

_ONES = (1.0,) * len(MOVES)
_ZEROS = (0.0,) * len(MOVES)

_FACEGOOD_SHARE = {
    "jawOpen": 0.15,
    "mouthClose": 0.25,
    "mouthFunnel": 0.6,
    "mouthPucker": 0.6,
    "mouthRollLower": 0.5,
    "mouthRollUpper": 0.5,
    "mouthUpperUp": 0.5,
    "mouthLowerDown": 0.4,
}
"""How much of the animator's head goes into a move of the natural style; a third where none is named.

The camera's head times the jaw best. The animator's head rounds and parts the lips, which MediaPipe
under-reports.
"""


def styles() -> dict[str, tuple[tuple[float, ...], ...]]:
    """Return per style a (heads, moves) table: head 0 learns from GRID, head 1 from FACEGOOD."""
    animator = tuple(_FACEGOOD_SHARE.get(move, 1 / 3) for move in MOVES)
    camera = tuple(1 - share for share in animator)
    return {DEFAULT: (camera, animator), "grid": (_ONES, _ZEROS), "facegood": (_ZEROS, _ONES)}
