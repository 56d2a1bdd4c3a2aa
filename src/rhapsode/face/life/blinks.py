"""Blinks: when, how fast, how far."""

from __future__ import annotations

from random import Random

from rhapsode.face.life.accents import Accents
from rhapsode.face.life.motion import DT

_REFRACTORY_S = 0.7
_LONGEST_S = 10.0


class Blinks:
    """Blinks as a renewal process: the longer the eyes are open, the sooner the next one.

    Every blink draws a threshold; a hazard is added up until it is reached. The hazard is zero at first,
    then level, then grows, so that intervals are irregular but never very long. It is several times higher
    at the end of a phrase and with a large glance, and lower inside a phrase; it is divided by its own
    running mean, so that the rate stays what was asked for.

    Args:
        rng: random numbers of this part.
        per_minute: blinks on average; 0 for none.

    """

    def __init__(self, rng: Random, per_minute: float) -> None:
        self._rng = rng
        # Doubled blinks add a few; the refractory time takes some away.
        mean_s = 60.0 / per_minute * 1.15 if per_minute else 0.0
        self._hazard = DT / max(mean_s - _REFRACTORY_S - 0.35, 0.2) if per_minute else 0.0
        self._longest_s = max(_LONGEST_S, 2.6 * mean_s)
        self._open_s = rng.uniform(0.0, 2.0)
        self._left = rng.expovariate(1.0)
        self._context = 1.0
        self._again_s = -1.0
        self._at_s = 10.0
        self._draw(1.0)

    def step(self, accents: Accents, glance: float, rate: float = 1.0) -> tuple[float, float]:
        """Return how far the left and the right lid are closed, in [0, 1].

        Args:
            accents: the voice in this curve frame.
            glance: radians of a saccade that begins in this curve frame, else 0.
            rate: times the rate of blinks.

        """
        if not self._hazard:
            return 0.0, 0.0
        self._at_s += DT
        self._open_s += DT
        if self._due(accents, glance, rate):
            self._begin()
        return self._shape(self._at_s), self._shape(self._at_s - self._late_s)

    def _due(self, accents: Accents, glance: float, rate: float) -> bool:
        if self._again_s > 0.0:
            self._again_s -= DT
            return self._again_s <= 0.0
        pause = accents.pause_s
        context = 5.0 if 0.1 < pause < 0.5 else 0.6 if pause <= 0.1 else 1.0
        if glance > 0.1:
            context += 20.0
        self._context += 0.0007 * (min(context, 6.0) - self._context)
        grown = min(max((self._open_s - _REFRACTORY_S) / 0.7, 0.0), 1.0)
        tired = max(self._open_s - self._longest_s * 0.6, 0.0)
        self._left -= rate * self._hazard * (context / self._context) * grown * (1.0 + tired * tired)
        return self._left <= 0.0

    def _begin(self) -> None:
        rng = self._rng
        doubled = self._again_s > -1.0
        self._draw(rng.uniform(0.45, 0.75) if rng.random() < 0.1 else rng.uniform(0.95, 1.0))
        self._at_s = 0.0
        self._open_s = 0.0
        self._left = rng.expovariate(1.0)
        # A second blink follows some at once, when the lids have come most of the way up.
        self._again_s = rng.uniform(0.3, 0.42) if not doubled and rng.random() < 0.08 else -1.0

    def _draw(self, depth: float) -> None:
        rng = self._rng
        self._depth = depth
        self._close_s = rng.uniform(0.08, 0.1)
        self._hold_s = rng.uniform(0.028, 0.045)
        self._open_up_s = rng.uniform(0.15, 0.21)
        self._late_s = rng.uniform(-0.012, 0.012)

    def _shape(self, t: float) -> float:
        """Return the lid's closure ``t`` seconds after the blink began."""
        if t <= 0.0:
            return 0.0
        if t < self._close_s:
            u = t / self._close_s
        else:
            u = 1.0 - (t - self._close_s - self._hold_s) / self._open_up_s
            if u <= 0.0:
                return 0.0
            # The lid leaves fast and arrives slowly.
            u = min(u, 1.0) ** 1.25
        return self._depth * u * u * (3.0 - 2.0 * u)
