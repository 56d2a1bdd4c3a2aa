"""A captured face and the performance of a session become one: who owns which part of it, frame by frame.

    "face"   capture owns everything that it has; speech and life move what it lacks, such as the tongue
    "mouth"  speech owns mouth, tongue and cheeks while its voice is active; capture has them when nobody
             speaks, and the rest always
    "upper"  speech owns mouth, tongue and cheeks always; capture owns the rest

Hand-overs are soft. Where speech owns the mouth and closes its lips they stay closed in the mix: neither the
captured mouth nor the captured nose, which lifts the upper lip, parts them. Where the capture is lost, the
session's own life comes back. No I/O, no clock: one curve frame (20 ms) after the other.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from rhapsode.errors import SettingError
from rhapsode.live.capture.regions import REGIONS, SPOKEN, moved, spread
from rhapsode.performance import CURVE_HZ, Float32
from rhapsode.rigs import BLENDSHAPES
from rhapsode.rigs.lips import CLOSED_GAP, lip_gap

Own = Literal["face", "mouth", "upper"]
OWNS: tuple[Own, ...] = ("face", "mouth", "upper")
"""Who owns what, see above."""

TAKE_S, GIVE_S = 0.08, 0.15
"""How long speech takes to take the mouth, and to give it back."""

APPEAR_S, VANISH_S = 0.5, 0.5
"""How long a capture takes to fade in, and back to the session's own life."""

LEARN_S = 0.3
"""How long a region takes to go to a capture that moves it for the first time."""

OPEN_GAP = 0.3
"""Lips of speech that are this far apart leave the mix alone, cm; between it and `CLOSED_GAP` they draw."""

_MOUTH, _NOSE = REGIONS.index("mouth"), REGIONS.index("nose")
_SPOKEN = np.array([region in SPOKEN for region in REGIONS])
_WEIGHTS = len(BLENDSHAPES)


class Mixer:
    """Mixes one curve frame after the other.

    Args:
        own: one of `OWNS`.

    Attributes:
        presence: how much of the capture is in the mix, 0 to 1.
        speech: how much speech owns the mouth, 0 to 1.

    Raises:
        SettingError: there is no such rule.

    """

    def __init__(self, own: Own = "mouth") -> None:
        if own not in OWNS:
            raise SettingError(f"a capture's rule must be one of: {', '.join(OWNS)}; got '{own}'; try mouth")
        self._own: Own = own
        self._here = self._spoken = 0.0
        self._seen = np.zeros(len(REGIONS), bool)
        self._learnt = np.zeros(len(REGIONS), np.float32)

    @property
    def presence(self) -> float:
        """How much of the capture is in the mix, 0 to 1."""
        return _soft(self._here)

    @property
    def speech(self) -> float:
        """How much speech owns the mouth, 0 to 1."""
        return 1.0 if self._own == "upper" else 0.0 if self._own == "face" else _soft(self._spoken)

    def sees(self, values: Float32) -> None:
        """Take notice of a captured face as it came, (61,): what it moves it owns from then on."""
        self._seen |= moved(values)

    def forget(self) -> None:
        """Take notice that somebody else is captured."""
        self._seen[:] = False

    def mix(
        self, own: Float32, captured: Float32 | None, *, here: bool, voice: bool, coming: bool = False
    ) -> Float32:
        """Return the next curve frame.

        Args:
            own: (61,) what the session performs.
            captured: (61,) the captured face; None before the first.
            here: whether the capture is there now; where it is not, ``captured`` is its last face.
            voice: whether the session's voice is active.
            coming: whether it will be in a moment.

        """
        if self._here == 0:
            self._learnt[:] = self._seen  # unseen, nothing has to be soft
        self._here = _toward(self._here, here and captured is not None, APPEAR_S, VANISH_S)
        self._spoken = _toward(self._spoken, voice or coming, TAKE_S, GIVE_S)
        step = np.float32(1 / (LEARN_S * CURVE_HZ))
        self._learnt += (self._seen - self._learnt).clip(-step, step)
        if captured is None or self._here == 0:
            return own
        made: Float32 = own + (captured - own) * spread(self._shares(own, voice=voice))
        return made.astype(np.float32)

    def _shares(self, own: Float32, *, voice: bool) -> Float32:
        """Return how much of each region is the capture's, (8,)."""
        shares: Float32 = self._learnt * np.float32(self.presence)
        shares[_SPOKEN] *= np.float32(1 - self.speech)
        # A voice that sets in without notice closes the lips at once, one that is known ahead softly.
        closing = np.float32(1.0 if voice else _soft(self._spoken))
        # Whoever captures the whole face closes the lips too.
        if closing > 0 and not (self._own == "face" and self._seen[_MOUTH]):
            gap = float(lip_gap(own[None, :_WEIGHTS])[0])
            open_ = np.float32(min(max((gap - CLOSED_GAP) / (OPEN_GAP - CLOSED_GAP), 0.0), 1.0))
            shares[[_MOUTH, _NOSE]] *= 1 - closing * (1 - open_)
        return shares


def _toward(now: float, goal: bool, rise_s: float, fall_s: float) -> float:
    """Return the next of a ramp's values, a curve frame on."""
    step = 1 / (rise_s * CURVE_HZ) if goal else -1 / (fall_s * CURVE_HZ)
    return min(max(now + step, 0.0), 1.0)


def _soft(ramp: float) -> float:
    return ramp * ramp * (3 - 2 * ramp)
