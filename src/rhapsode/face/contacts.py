"""Contacts of the mouth: lips that touch in p, b, m; a lower lip that meets the teeth in f, v.

A network that is not sure answers between its choices, and half a closure is none. So its certainty decides
and the lips follow in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rhapsode.face.engine_frames import VISEMES
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import GAP

_VOWELS, _MEETING = slice(VISEMES.index("aa"), None), slice(VISEMES.index("TH"))
GAP32 = GAP.astype(np.float32)
_JAW, _CLOSE = ARKIT.index("jawOpen"), ARKIT.index("mouthClose")
_PARTING = [
    ARKIT.index(f"mouth{part}{side}") for part in ("LowerDown", "UpperUp") for side in ("Left", "Right")
]
_PARTING.append(ARKIT.index("mouthFunnel"))

_LOWERED = [ARKIT.index(name) for name in ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthFunnel")]
_BITTEN = {"mouthRollLower": 0.3, "mouthShrugLower": 0.1, "mouthUpperUpLeft": 0.26, "mouthUpperUpRight": 0.26}
"""What the lips do when the lower one is at the upper teeth: it rolls in, the upper one clears the teeth."""

_BITTEN_COLUMNS = [ARKIT.index(name) for name in _BITTEN]
_BITTEN_LEAST = np.array([*_BITTEN.values()], np.float32)
_HEARD, _PARTED = 0.3, 0.08
"""Certainty of a sound without contact from which lips are held apart, and how far in the end: cm more than
at rest."""

_LIFT, _ROLLED = 0.93, 0.07
"""mouthClose that brings the lower lip up to the teeth, per jawOpen, and what its roll saves of it."""


class Closure(NamedTuple):
    """How sure of touching lips a network must be for them to close.

    Args:
        low: certainty at which they begin to close.
        high: certainty at which they are closed.
        hold: the part of both that is enough to stay closed (hysteresis).
        noise: how the limits rise with noise, in which a network takes other sounds for closures: the
            voice's peaks above the noise floor, dB, rising, each with how many times higher both limits are
            there; none where they do not depend on it.

    """

    low: float
    high: float
    hold: float
    noise: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Closure:
        """Return what a manifest's ``closure`` says; the inverse of `facts`.

        Raises:
            KeyError, TypeError, ValueError: keys lack or are unknown, or values are no numbers.

        """
        if unknown := sorted(set(facts) - set(cls._fields)):
            raise ValueError(f"closure has unknown {unknown}, expected {', '.join(cls._fields)}")
        low, high, hold = (float(facts[key]) for key in ("low", "high", "hold"))
        return cls(low, high, hold, tuple((float(db), float(times)) for db, times in facts.get("noise", ())))

    def facts(self) -> dict[str, Any]:
        """Return what a manifest says of it."""
        facts: dict[str, Any] = {"low": self.low, "high": self.high, "hold": self.hold}
        return facts | {"noise": [[*point] for point in self.noise]} if self.noise else facts


class Contacts:
    """Brings lips and teeth together as far as a network is sure of it, curve frame by curve frame.

    Args:
        closure: how sure it must be of touching lips.
        bite: certainty at which the lower lip begins to go to the teeth, and at which it is there.

    """

    def __init__(self, closure: Closure, bite: tuple[float, float]) -> None:
        self._low, self._high, self._hold, noise = closure
        points = noise or ((0.0, 1.0),)
        self._headroom_db, self._times = [db for db, _ in points], [times for _, times in points]
        self._bite = bite
        self._touching = False

    def make(
        self, weights: Float32, closed: Float32, bitten: Float32, visemes: Float32, headroom_db: Float32
    ) -> None:
        """Make the contacts in (T, 52) ``weights``, in place; lips part where another sound is heard.

        Args:
            weights: ARKit weights of consecutive curve frames.
            closed: (T,) how surely the lips touch.
            bitten: (T,) how surely the lower lip is at the teeth.
            visemes: (T, 15) see `rhapsode.face.engine_frames.VISEMES`; a vowel vetoes a closure where it is
                likelier than not.
            headroom_db: (T,) the voice's peaks above the noise floor.

        """
        low, high = self._bite
        tracks = zip(weights, *(x.tolist() for x in (closed, bitten, visemes, headroom_db)), strict=True)
        for row, lips, teeth, heard, headroom in tracks:
            if teeth > low:
                bite(row, min((teeth - low) / (high - low), 1.0))
            lips *= min(2 * (1 - sum(heard[_VOWELS])), 1) / self._wary(headroom)
            held = self._hold if self._touching else 1.0
            amount = (lips - self._low * held) / ((self._high - self._low) * held)
            self._touching = amount >= 1.0
            if amount > 0.0:
                touch(row, min(amount, 1.0))
            elif (apart := 1 - sum(heard[_MEETING])) > _HEARD:
                part(row, _PARTED * min((apart - _HEARD) / (1 - 2 * _HEARD), 1.0))

    def _wary(self, headroom_db: float) -> float:
        """Return how many times higher the limits of a closure are, see `Closure`."""
        if headroom_db >= self._headroom_db[-1]:
            return self._times[-1]
        return float(np.interp(headroom_db, self._headroom_db, self._times))


def touch(row: Float32, amount: float) -> None:
    """Bring the lips together by ``amount`` in (52,) weights, in place.

    On ARKit heads mouthClose seals the lips where it equals jawOpen.
    """
    row[_PARTING] *= 1 - amount
    row[_CLOSE] = max(row[_CLOSE], amount * row[_JAW])


def part(row: Float32, least: float) -> None:
    """Part the lips in (52,) weights, in place, to ``least`` cm more than at rest, if they are nearer.

    First mouthClose gives way, then the jaw opens.
    """
    short = least - float(row.dot(GAP32))
    if short > 0:
        less = min(short / -GAP32.item(_CLOSE), row.item(_CLOSE))
        row[_CLOSE] -= less
        row[_JAW] += (short + less * GAP32.item(_CLOSE)) / GAP32.item(_JAW)


def bite(row: Float32, amount: float) -> None:
    """Bring the lower lip to the upper teeth by ``amount`` in (52,) weights, in place."""
    row[_LOWERED] *= 1 - amount
    row[_BITTEN_COLUMNS] = np.maximum(row[_BITTEN_COLUMNS], amount * _BITTEN_LEAST)
    row[_CLOSE] = max(row[_CLOSE], amount * (_LIFT * row[_JAW] - _ROLLED))
