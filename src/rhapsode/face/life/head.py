"""The head: nods with the voice, posture, sway."""

from __future__ import annotations

import math
from random import Random

from rhapsode.face.life.accents import Accents
from rhapsode.face.life.gaze import Gaze
from rhapsode.face.life.motion import DT, Spring

LIMIT = math.radians(8.0)
"""The most that the head turns about any axis."""

BANDS = [(0.06, 0.42), (0.08, 0.5), (0.05, 0.38)]
"""Frequencies of the sway of yaw, pitch and roll, Hz (`rhapsode.face.life.motion.Drift`)."""


class Head:
    """Head angles in radians: yaw to the face's right, pitch down, roll to its right shoulder.

    Pitch follows the prominence of level and pitch with a lag of some 0.15 s, and accents add a nod; yaw and
    roll lean with them, to a side drawn for each phrase (Busso et al., "Rigid head motion in expressive
    speech animation", 2007; Munhall et al., "Visual prosody and speech intelligibility", 2004).

    Args:
        rng: random numbers of this part.
        amount: scales all motion; 0 keeps the head still.

    """

    def __init__(self, rng: Random, amount: float) -> None:
        self._rng = rng
        self._amount = amount
        self.yaw = self.pitch = self.roll = 0.0
        self._posture = (Spring(3.2), Spring(3.2), Spring(3.2))
        self._posture_to = (0.0, 0.0, 0.0)
        self._posture_s = rng.uniform(0.5, 2.5)
        self._nod = Spring(13.0)
        self._lean = Spring(7.0)
        self._tilt = Spring(6.0)
        self._follow = Spring(7.0)
        self._pulse = 0.0
        self._side = 1.0
        self._tip = 1.0

    def step(
        self, accents: Accents, gaze: Gaze, sway: list[float], mood: tuple[float, ...] = (1.0, 0.0, 0.0)
    ) -> None:
        """Move one curve frame on; sets ``yaw``, ``pitch`` and ``roll``.

        Args:
            accents: the voice.
            gaze: the head turns a little with a glance.
            sway: three values of slow noise in [-1, 1].
            mood: times its motion, and radians by which it is turned down and to the right shoulder.

        """
        if not self._amount:
            return
        rng, speaking = self._rng, accents.speaking
        self._posture_s -= DT
        if self._posture_s <= 0.0 or accents.phrase_start:
            self._settle(speaking)
        if accents.phrase_start:
            self._side = rng.choice((-1.0, 1.0)) * rng.uniform(0.4, 1.0)
            self._tip = rng.choice((-1.0, 1.0)) * rng.uniform(0.3, 1.0)
            self._pulse -= rng.uniform(0.2, 0.6)
        if accents.phrase_end and rng.random() < 0.7:
            self._pulse += rng.uniform(0.7, 1.3)
        if accents.accent:
            self._pulse += accents.accent * rng.uniform(0.5, 1.1)
        self._pulse *= 0.86
        stress = accents.prominence * speaking
        nod = self._nod.step(0.03 * stress + 0.075 * self._pulse)
        lean = self._lean.step(0.022 * stress * self._side)
        tilt = self._tilt.step(0.018 * stress * self._tip)
        turn = self._follow.step(0.18 * gaze.yaw)
        rest = [spring.step(to) for spring, to in zip(self._posture, self._posture_to, strict=True)]
        wide = 0.5 + 0.7 * speaking
        motion, down, side = mood
        self.yaw = self._bound(motion * (rest[0] + lean + turn + 0.030 * wide * sway[0]))
        self.pitch = self._bound(motion * (rest[1] + nod + 0.016 * wide * sway[1]) + down)
        self.roll = self._bound(motion * (rest[2] + tilt + 0.018 * wide * sway[2]) + side)

    def _settle(self, speaking: float) -> None:
        """Choose the next posture."""
        rng = self._rng
        wide = 0.7 + 0.5 * speaking
        self._posture_to = (
            wide * min(max(rng.gauss(0.0, 0.034), -0.07), 0.07),
            wide * min(max(rng.gauss(0.0, 0.016), -0.035), 0.035),
            wide * min(max(rng.gauss(0.0, 0.022), -0.045), 0.045),
        )
        self._posture_s = min(max(rng.lognormvariate(math.log(3.6 - 1.2 * speaking), 0.45), 1.2), 9.0)

    def _bound(self, angle: float) -> float:
        return LIMIT * math.tanh(self._amount * angle / LIMIT)
