"""The pose that the face rests in, brow raises with the voice, and small motion that never stops."""

from __future__ import annotations

from random import Random

from rhapsode.face.life.accents import Accents
from rhapsode.face.life.motion import Spring
from rhapsode.face.life.settings import Life
from rhapsode.face.shaping_settings import MOUTH
from rhapsode.rigs import ARKIT

_JAW, _FUNNEL, _PUCKER, _CLOSE = (
    ARKIT.index(n) for n in ("jawOpen", "mouthFunnel", "mouthPucker", "mouthClose")
)
_ROLL = (ARKIT.index("mouthRollLower"), ARKIT.index("mouthRollUpper"))
_PRESS = (ARKIT.index("mouthPressLeft"), ARKIT.index("mouthPressRight"))
_INNER = ARKIT.index("browInnerUp")
_OUTER = (ARKIT.index("browOuterUpLeft"), ARKIT.index("browOuterUpRight"))
_WIDE = (ARKIT.index("eyeWideLeft"), ARKIT.index("eyeWideRight"))

_IDLE: tuple[tuple[str, float, tuple[float, float]], ...] = (
    ("browInnerUp", 0.05, (0.05, 0.3)),
    ("browOuterUpLeft", 0.04, (0.05, 0.3)),
    ("browOuterUpRight", 0.04, (0.05, 0.3)),
    ("browDownLeft", 0.05, (0.04, 0.25)),
    ("browDownRight", 0.05, (0.04, 0.25)),
    ("eyeSquintLeft", 0.06, (0.06, 0.4)),
    ("eyeSquintRight", 0.06, (0.06, 0.4)),
    ("cheekSquintLeft", 0.05, (0.05, 0.3)),
    ("cheekSquintRight", 0.05, (0.05, 0.3)),
    ("mouthSmileLeft", 0.06, (0.04, 0.22)),
    ("mouthSmileRight", 0.06, (0.04, 0.22)),
    ("mouthPressLeft", 0.04, (0.06, 0.3)),
    ("mouthPressRight", 0.04, (0.06, 0.3)),
)
"""Channel, reach and frequencies (Hz) of the motion that never stops."""

BANDS = [band for _, _, band in _IDLE]
"""Frequencies of the idle noise, Hz (`rhapsode.face.life.motion.Drift`)."""

_FIRST = 3
"""Where the idle noise begins in a row of noise: after the head's three."""


class Expression:
    """Adds the rest pose, brow raises and idle motion to a row of weights.

    Args:
        rng: random numbers of this part.
        life: the settings.

    """

    def __init__(self, rng: Random, life: Life) -> None:
        self._rng = rng
        self._life = life
        self._mouth_rest = [
            (i, life.rest[n]) for i, n in enumerate(ARKIT.channels) if n in life.rest and n in MOUTH
        ]
        self._upper_rest = [
            (i, life.rest[n]) for i, n in enumerate(ARKIT.channels) if n in life.rest and n not in MOUTH
        ]
        self._idle = [
            (ARKIT.index(name), _FIRST + i, reach * life.idle, name in MOUTH)
            for i, (name, reach, _) in enumerate(_IDLE)
        ]
        self._brow = Spring(12.0)
        self._pulse = 0.0
        self._tilt = 0.0

    def step(self, row: list[float], accents: Accents, noise: list[float], kept: float = 1.0) -> None:
        """Change ``row`` (52 weights) in place, for one curve frame; ``kept`` of the rest pose shows."""
        ease = _ease(row) * (1.0 - 0.35 * accents.speaking)
        for channel, weight in self._mouth_rest:
            # Pressing the lips together at rest must not narrow an open vowel.
            held = max(1.0 - 5.0 * row[_JAW], 0.0) if channel == _CLOSE else kept
            row[channel] += (1.0 - row[channel]) * weight * ease * held
        for channel, weight in self._upper_rest:
            row[channel] += (1.0 - row[channel]) * weight * kept
        if self._life.idle:
            for channel, column, reach, mouth in self._idle:
                reach *= ease if mouth else 1.0
                row[channel] += (1.0 - row[channel]) * reach * (0.5 + 0.5 * noise[column])
        if self._life.brows:
            self._raise(row, accents)

    def _raise(self, row: list[float], accents: Accents) -> None:
        """Raise the brows with the voice's pitch and accents."""
        rng = self._rng
        if accents.accent and rng.random() < 0.5:
            self._pulse += accents.accent * rng.uniform(0.4, 1.1)
            self._tilt = rng.gauss(0.0, 0.18)
        self._pulse *= 0.9
        goal = 0.06 * accents.lift * accents.speaking + 0.3 * self._pulse
        lift = self._brow.step(min(goal, 0.45)) * self._life.brows
        row[_INNER] += (1.0 - row[_INNER]) * min(0.8 * lift, 1.0)
        for side, sign in zip((0, 1), (1.0, -1.0), strict=True):
            outer, wide = _OUTER[side], _WIDE[side]
            row[outer] += (1.0 - row[outer]) * min(0.75 * lift * (1.0 + sign * self._tilt), 1.0)
            row[wide] += (1.0 - row[wide]) * min(0.12 * lift, 1.0)


def _ease(row: list[float]) -> float:
    """Return how much of the resting mouth may show, in [0.15, 1]: little on rounded or closed lips."""
    rounded = max(row[_FUNNEL], row[_PUCKER])
    pressed = max(row[_ROLL[0]], row[_ROLL[1]], row[_PRESS[0]], row[_PRESS[1]])
    closed = max(row[_CLOSE], pressed)
    return max(1.0 - 1.3 * rounded - 0.8 * closed, 0.15)
