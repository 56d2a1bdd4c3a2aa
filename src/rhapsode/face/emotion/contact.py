"""Puts an expression on a speaking face and leaves the lips their speech.

While somebody speaks, the corners of the mouth keep most of an emotion, and what parts or presses the lips
keeps little of it. Lips that touch stay in touch and open ones stay open: the lips' distance is linear in the
weights (`rhapsode.rigs.lips`), so that what is too much is known exactly and taken back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, DROP, GAP, REST_GAP, TEETH_DROP

_Float64 = NDArray[np.float64]

_CORNERS = ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthLeft", "mouthRight")
_CLOSERS = ("mouthPress", "mouthRoll", "mouthShrugLower", "mouthClose", "mouthPucker")

_TURNS: tuple[tuple[str, str], ...] = (
    ("mouthSmileLeft", "mouthFrownLeft"),
    ("mouthSmileRight", "mouthFrownRight"),
    ("browOuterUpLeft", "browDownLeft"),
    ("browOuterUpRight", "browDownRight"),
    ("eyeWideLeft", "eyeSquintLeft"),
    ("eyeWideRight", "eyeSquintRight"),
    ("eyeWideLeft", "eyeBlinkLeft"),
    ("eyeWideRight", "eyeBlinkRight"),
)
"""Channels that pull against each other, in a mixture and on the face that an expression comes upon."""

_APART: tuple[tuple[str, str], ...] = tuple(
    (opener, closer)
    for opener in ("jawOpen", "mouthFunnel")
    for closer in ("mouthPressLeft", "mouthPressRight", "mouthRollLower", "mouthRollUpper")
)
"""Channels that a mixture does not raise together."""


def _kept(name: str) -> float:
    """Return how much of a channel's emotion shows in speech."""
    if name.startswith(_CORNERS):
        return 0.7
    if name.startswith(_CLOSERS):
        return 0.2
    if name.startswith(("mouth", "jaw", "cheekPuff", "tongue")):
        return 0.15
    return 0.6 if name.startswith("noseSneer") else 1.0


def _opponents(pairs: tuple[tuple[str, str], ...], *, spare: str = "-") -> NDArray[np.intp]:
    """Return (52, n) the channels that pull against each; 52, a column of zeros, fills up.

    Channels whose names begin with ``spare`` have none.
    """
    against: list[list[int]] = [[] for _ in ARKIT.channels]
    for pair in pairs:
        for mine, other in (pair, pair[::-1]):
            if not mine.startswith(spare):
                against[ARKIT.index(mine)].append(ARKIT.index(other))
    width = max(map(len, against))
    return np.array([row + [len(ARKIT)] * (width - len(row)) for row in against])


_SPEECH = np.array([_kept(name) for name in ARKIT.channels])
_CORNER = np.array([float(name.startswith(_CORNERS)) for name in ARKIT.channels])
_PARTS, _PRESSES = (GAP > 0.05).astype(float), (GAP < -0.05).astype(float)
_PARTS_GAP, _PARTS_DROP, _PRESSES_GAP = GAP * _PARTS, DROP * _PARTS, GAP * _PRESSES
_AGAINST_FACE = _opponents(_TURNS, spare="eyeBlink")
_AGAINST_POSE = _opponents(_TURNS + _APART)
_WIDE = [ARKIT.index("eyeWideLeft"), ARKIT.index("eyeWideRight")]
_BLINK = [ARKIT.index("eyeBlinkLeft"), ARKIT.index("eyeBlinkRight")]
_FUNNEL, _PUCKER = ARKIT.index("mouthFunnel"), ARKIT.index("mouthPucker")
_CLOSE = ARKIT.index("mouthClose")
_UPPER = [ARKIT.index("mouthUpperUpLeft"), ARKIT.index("mouthUpperUpRight")]
_UPPER_CM = float(GAP[_UPPER].sum())

_MOST_CLOSE, _MOST_UPPER = 0.1, 0.2
"""How far mouthClose and mouthUpperUp may make up for what else moves the lips."""

_NEAR_CM = 0.3
"""Lips this near each other are not parted further: the resting face may be what closes them in the end."""

_FREE_CM = 5.0
"""More than any expression parts the lips."""


def _strongest(weights: _Float64, against: NDArray[np.intp]) -> _Float64:
    """Return (T, 52) the strongest weight that pulls against each channel."""
    padded = np.zeros((len(weights), len(ARKIT) + 1))
    padded[:, :-1] = weights
    return np.asarray(np.maximum.reduce(padded[:, against], axis=2))


def resolve(pose: _Float64) -> _Float64:
    """Return (T, 52) ``pose`` where of two channels that pull against each other the stronger one is left.

    It is left with the difference, and the other with nothing.
    """
    return np.maximum(pose - _strongest(pose, _AGAINST_POSE), 0.0)


def wear(face: _Float64, pose: _Float64, pause: _Float64) -> _Float64:
    """Return ``face`` with the expression ``pose`` on it.

    Args:
        face: (T, 52) weights of speech, in [0, 1].
        pose: (T, 52) weights of the expression, in [0, 1].
        pause: (T,) 0 where somebody speaks, 1 where nobody does.

    Returns:
        (T, 52) float64 in [0, 1]. Where ``pause`` is 0, a lip distance below 0.3 cm does not grow, one
        above `CLOSED_GAP` stays above, and a lower lip at the teeth stays there.

    """
    shown = pose * (_SPEECH + pause[:, None] * (1.0 - _SPEECH))
    rounded = np.maximum(face[:, _FUNNEL], face[:, _PUCKER])
    shown *= 1.0 - (0.8 * rounded)[:, None] * _CORNER
    under = face * (1.0 - _strongest(shown, _AGAINST_FACE))
    made = under + (1.0 - under) * shown
    made[:, _WIDE] *= 1.0 - face[:, _BLINK]
    made += _corrected(face, made, pause)
    return np.asarray(np.minimum(np.maximum(made, 0.0, out=made), 1.0, out=made))


def _corrected(face: _Float64, made: _Float64, pause: _Float64) -> _Float64:
    """Return (T, 52) what to add to ``made``.

    It takes back what parts closed lips, presses open ones, or drops a lower lip that is at the teeth.
    """
    gap, drop = face @ GAP + REST_GAP, face @ DROP
    # Lips that are pressed together mean it, whether sound is heard or not: that is how a word begins.
    pressed = np.minimum(np.maximum((REST_GAP - 0.01 - gap) / 0.08, 0.0), 1.0)
    free = _FREE_CM * pause * (1.0 - pressed)
    open_by = np.maximum(gap - CLOSED_GAP, 0.0)
    delta = made - face
    room = np.where(drop < TEETH_DROP, TEETH_DROP - drop, 0.5 * (drop - TEETH_DROP)) + free
    fix = _scaled(delta, _PARTS, np.minimum(room / np.maximum(delta @ _PARTS_DROP, 1e-9), 1.0))
    change = (delta + fix) @ GAP
    over = np.maximum(change - 0.5 * np.maximum(gap - _NEAR_CM, 0.0) - free, 0.0)
    if over.any():
        close = np.minimum(np.minimum(over / -GAP[_CLOSE], _MOST_CLOSE), 1.0 - made[:, _CLOSE])
        over += close * GAP[_CLOSE]
        fix[:, _CLOSE] += close
        fix += _scaled(delta + fix, _PARTS, _share_left(over, (delta + fix) @ _PARTS_GAP))
    under = np.maximum(-change - 0.3 * open_by - 2.0 * np.maximum(CLOSED_GAP - gap, 0.0) - free, 0.0)
    if under.any():
        up = np.minimum(under / _UPPER_CM, _MOST_UPPER)[:, None]
        up = np.minimum(up, 1.0 - made[:, _UPPER])
        under -= up @ GAP[_UPPER]
        fix[:, _UPPER] += up
        fix += _scaled(delta, _PRESSES, _share_left(under, -(delta @ _PRESSES_GAP)))
    return fix


def _share_left(excess: _Float64, part: _Float64) -> _Float64:
    """Return (T,) how much of ``part`` may stay for ``excess`` to vanish, in [0, 1]."""
    return np.minimum(np.maximum(1.0 - excess / np.maximum(part, 1e-9), 0.0), 1.0)


def _scaled(delta: _Float64, which: _Float64, share: _Float64) -> _Float64:
    """Return (T, 52) what to add so that ``share`` (T,) is left of ``delta`` in the channels ``which``."""
    return np.asarray(delta * which * (share - 1.0)[:, None])
