"""Gaze: fixations on the viewer, short glances aside, saccades between them."""

from __future__ import annotations

import math
from random import Random

from rhapsode.face.life.accents import Accents
from rhapsode.face.life.motion import DT

VERGENCE = 0.02
"""How far each eye turns in to meet a viewer about 1.5 m away, radians."""


class Gaze:
    """Where the face looks, in radians from the viewer: yaw to its right, pitch down.

    Most of the time it looks at the viewer, with small saccades between the viewer's eyes and mouth. Glances
    aside are shorter and come more often at the start of a phrase than at its end, where speakers look at
    whom they speak to (Kendon, "Some functions of gaze-direction in social interaction", 1967).

    Args:
        rng: random numbers of this part.
        amount: scales the glances; 0 keeps the gaze on the viewer.

    """

    def __init__(self, rng: Random, amount: float) -> None:
        self._rng = rng
        self._amount = amount
        self.yaw = self.pitch = 0.0
        self.glance = 0.0
        self.aside = False
        self._from = self._to = (0.0, 0.0)
        self._steps = self._step = 1
        self._stay_s = rng.uniform(1.0, 3.0)
        self._fixation_s = rng.uniform(0.3, 1.2)

    def step(self, accents: Accents) -> None:
        """Move one curve frame on; sets ``yaw``, ``pitch``, ``glance`` (a saccade's size as it begins)."""
        self.glance = 0.0
        if not self._amount:
            return
        self._stay_s -= DT
        self._fixation_s -= DT
        if accents.phrase_end and self.aside:
            self._stay_s = min(self._stay_s, 0.1)
        if accents.phrase_end and not self.aside:
            self._stay_s = max(self._stay_s, 0.9)
        if accents.phrase_start and not self.aside and self._rng.random() < 0.35:
            self._stay_s = min(self._stay_s, self._rng.uniform(0.02, 0.3))
        if self._stay_s <= 0.0:
            self._change(accents.speaking)
        elif self._fixation_s <= 0.0:
            self._refix()
        self._advance()

    def _change(self, speaking: float) -> None:
        """Look away from the viewer, or back."""
        rng = self._rng
        self.aside = not self.aside
        if not self.aside:
            self._stay_s = min(max(rng.lognormvariate(math.log(3.0 - 0.8 * speaking), 0.5), 0.9), 9.0)
            self._refix()
            return
        self._stay_s = min(max(rng.lognormvariate(math.log(0.65), 0.4), 0.3), 1.6)
        side = 1.0 if rng.random() < 0.5 else -1.0
        yaw = side * rng.uniform(0.09, 0.24)
        # Speakers think up and aside, listeners rest their eyes lower.
        pitch = rng.gauss(-0.02, 0.06) if rng.random() < speaking else rng.gauss(0.06, 0.05)
        self._saccade(yaw * self._amount, min(max(pitch, -0.13), 0.16) * self._amount)
        self._fixation_s = rng.uniform(0.35, 0.9)

    def _refix(self) -> None:
        """Make a small saccade within what is looked at."""
        rng = self._rng
        self._fixation_s = min(max(rng.lognormvariate(math.log(0.75), 0.55), 0.2), 2.5)
        if self.aside:
            self._saccade(self._to[0] + rng.gauss(0.0, 0.012), self._to[1] + rng.gauss(0.0, 0.008))
            return
        yaw, pitch = rng.choice(((-0.016, -0.004), (0.016, -0.004), (0.0, 0.024), (0.0, 0.0)))
        amount = min(self._amount, 1.2)
        self._saccade(amount * (yaw + rng.gauss(0, 0.004)), amount * (pitch + rng.gauss(0, 0.004)))

    def _saccade(self, yaw: float, pitch: float) -> None:
        self._from, self._to = (self.yaw, self.pitch), (yaw, pitch)
        size = math.hypot(yaw - self.yaw, pitch - self.pitch)
        self.glance = size
        # Duration by the main sequence: 21 ms and 2.2 ms a degree (Carpenter, 1988).
        self._steps = max(2, round((0.021 + 0.0022 * math.degrees(size)) / DT))
        self._step = 0

    def _advance(self) -> None:
        if self._step >= self._steps:
            return
        self._step += 1
        u = self._step / self._steps
        u = u * u * u * (10.0 - 15.0 * u + 6.0 * u * u)
        self.yaw = self._from[0] + u * (self._to[0] - self._from[0])
        self.pitch = self._from[1] + u * (self._to[1] - self._from[1])
