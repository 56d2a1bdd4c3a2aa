"""A background that goes on while nobody speaks: what one place plays, with the loop under it, without a gap.

Every place that plays sound (a file, a stream, a loudspeaker, a page) has an underlay of its own. The loop
runs by the time at which it is heard, so all places hear the same of it, and an interruption of the voice
leaves it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhapsode.audio.bed import FADE_S, Bed, limited
from rhapsode.performance import Float32

SWELL_DB = 8.0
"""So much louder a background is while nobody speaks than under the voice."""

SOON_S = 0.25
"""It begins to give way so long before the voice is heard."""

HOLD_S = 0.7
"""A shorter pause of the voice leaves it low."""

_DOWN_S, _UP_S = 0.1, 0.6
_JUMP_S = 0.1
_STEP_S = 0.01
_QUIET = 10 ** (-45 / 20)


@dataclass
class _Laid:
    bed: Bed
    late: int = 0  # samples by which it is behind the time that it runs by
    fade: float = 0.0
    goes: bool = False


class Underlay:
    """Lays the background that runs now under consecutive sound of one place.

    Args:
        sample_rate: of that sound, Hz.

    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._laid: list[_Laid] = []
        self._next: int | None = None  # the sample of the time it runs by that is heard next
        self._swell, self._since = 1.0, HOLD_S  # 1 is loud, 0 is under the voice; seconds since the voice
        self._level: float | None = None

    def mix(self, sound: Float32, at: float, bed: Bed | None, *, soon: bool = False) -> Float32:
        """Return ``sound`` with the background, (n,) within (-1, 1).

        Args:
            sound: (n,) float32 that follows what came last.
            at: time at which its first sample is due, seconds of the loop.
            bed: what runs now; another one fades in, the one before fades out.
            soon: whether a voice is heard within `SOON_S` behind ``sound``.

        """
        place = round(at * self._rate)
        if self._next is None or abs(place - self._next) > _JUMP_S * self._rate:
            for laid in self._laid:  # it runs on until it has gone, and comes in anew
                laid.goes, laid.late = True, laid.late + place - (self._next or 0)
            self._next = place
        if bed is not (self._laid[-1].bed if self._laid and not self._laid[-1].goes else None):
            for laid in self._laid:
                laid.goes = True
            if bed is not None:
                self._laid.append(_Laid(bed))
        first, self._next = self._next, self._next + len(sound)
        if not self._laid or not len(sound):
            return sound
        gain = self._gain(sound, self._laid[-1].bed.level, soon)
        under = np.zeros(len(sound), np.float32)
        for laid in self._laid:
            under += self._one(laid, first, len(sound))
        self._laid = [laid for laid in self._laid if not (laid.goes and laid.fade <= 0)]
        return limited(sound + under * gain)

    def _one(self, laid: _Laid, first: int, n: int) -> Float32:
        steps = np.arange(1, n + 1, dtype=np.float32) / np.float32(FADE_S * self._rate)
        fade = np.clip(laid.fade + (-steps if laid.goes else steps), 0, 1)
        laid.fade = float(fade[-1])
        return np.asarray(laid.bed.at(first - laid.late, n) * np.square(np.sin(np.pi / 2 * fade)), np.float32)

    def _gain(self, sound: Float32, level: float, soon: bool) -> Float32:
        """Return the level of the background at every sample, as it gives way to the voice and comes back."""
        step = max(round(_STEP_S * self._rate), 1)
        knots, places = [self._of(level)], [0]
        for k in range(0, len(sound), step):
            part = sound[k : k + step]
            seconds = len(part) / self._rate
            voice = soon or float(np.abs(part).max()) > _QUIET
            self._since = 0.0 if voice else self._since + seconds
            aim, time = (0.0, _DOWN_S) if self._since < HOLD_S else (1.0, _UP_S)
            self._swell += (aim - self._swell) * float(-np.expm1(-seconds / time))
            self._level = level if self._level is None else self._level + (level - self._level) * 0.02
            knots.append(self._of(level))
            places.append(k + len(part))
        return np.interp(np.arange(1, len(sound) + 1), places, knots).astype(np.float32)

    def _of(self, level: float) -> float:
        now = level if self._level is None else self._level
        return now * float(10 ** (SWELL_DB * self._swell / 20))
