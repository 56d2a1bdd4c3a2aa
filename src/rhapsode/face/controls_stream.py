"""Controls on the finished face, curve frame by curve frame: strengths, lids, gains, offsets, delay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.face.controls import Controls
from rhapsode.face.shaping_settings import EYE_MOTION, MOUTH, UPPER_FACE
from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT, FACE
from rhapsode.rigs.lips import CLOSED_GAP, GAP, REST_GAP

_Float64 = NDArray[np.float64]

_WIDTH = len(ARKIT)
_JAW_OPEN, _CLOSE = ARKIT.index("jawOpen"), ARKIT.index("mouthClose")
_BLINKS = [ARKIT.index(f"eyeBlink{side}") for side in ("Left", "Right")]
_WIDES = [ARKIT.index(f"eyeWide{side}") for side in ("Left", "Right")]
_UPPER = np.array([name in UPPER_FACE for name in ARKIT.channels])
_PARTING = np.maximum(GAP, 0.0)
_SHUT = CLOSED_GAP - 0.005
_SEAL = 0.1


class ControlStage:
    """The last stage of a face. It does not depend on how curves were cut.

    Lips that touch before it touch after it, at every strength, gain and offset.

    Args:
        controls: what to do.

    """

    def __init__(self, controls: Controls | None = None) -> None:
        self.controls = controls = controls or Controls()
        self._gain = np.array([_strength(controls, name) for name in ARKIT.channels])
        self._gain *= [controls.gains.get(name, 1.0) for name in ARKIT.channels]
        self._offset = np.array([controls.offsets.get(name, 0.0) for name in ARKIT.channels])
        self._lids = controls.eyelid_offset
        self._follow = 1.0 - 0.92 * (controls.upper_smoothing or 0.0)
        self._keeps = not self._lids and not self._offset.any() and bool((self._gain == 1.0).all())
        self._upper: _Float64 | None = None
        self._shift = round(controls.prediction_offset * CURVE_HZ)
        self._late: Float32 | None = None
        self._due = max(-self._shift, 0)

    @property
    def look_ahead_frames(self) -> int:
        """Curve frames that must be known ahead of the one that comes out."""
        return max(-self._shift, 0)

    def push(self, face: Float32, *, last: bool = False) -> Float32:
        """Control the next curve frames.

        Args:
            face: (T, 61) float32 in the order of `rhapsode.rigs.FACE`.
            last: nothing follows: what is owed comes out.

        Returns:
            (T', 61) float32; T' differs from T by a negative prediction offset at the beginning and the end
            only.

        """
        if not self._keeps or self._follow < 1.0:
            face = self._controlled(face)
        return self._shifted(face, last=last) if self._shift else face

    def _controlled(self, face: Float32) -> Float32:
        made = np.array(face, np.float64)
        x = made[:, :_WIDTH]
        held = np.add.reduce(x * GAP, 1) + REST_GAP < CLOSED_GAP
        if not self._keeps:
            x *= self._gain
            x += self._offset
            np.minimum(np.maximum(x, 0.0, out=x), 1.0, out=x)
            if self._lids:
                _move_lids(x, self._lids)
            np.minimum(x[:, _CLOSE], x[:, _JAW_OPEN] + _SEAL, out=x[:, _CLOSE])
        if self._follow < 1.0:
            self._smooth(x)
        for k in np.flatnonzero(held):
            _press(x[k])
        return as_float32(made)

    def _smooth(self, x: _Float64) -> None:
        for row in x:
            if self._upper is None:
                self._upper = row[_UPPER]
            self._upper += self._follow * (row[_UPPER] - self._upper)
            row[_UPPER] = self._upper

    def _shifted(self, face: Float32, *, last: bool) -> Float32:
        """Delay the face by copies of its first curve frame, or drop the first ones and repeat the last."""
        if self._shift > 0:
            if self._late is None and len(face):
                self._late = np.repeat(face[:1], self._shift, axis=0)
            if self._late is not None:
                face, self._late = _split(np.concatenate([self._late, face]), len(face))
            return face
        dropped = min(self._due, len(face))
        self._due -= dropped
        if len(face):
            self._late = face[-1:]
        face = face[dropped:]
        if last and self._late is not None:
            owed = -self._shift - self._due
            face = np.concatenate([face, np.repeat(self._late, owed, axis=0)])
        return face


def _strength(controls: Controls, channel: str) -> float:
    if channel == "tongueOut":
        return controls.lower_strength * controls.tongue_strength
    if channel in MOUTH:
        return controls.lower_strength
    if channel.startswith("eyeBlink"):
        return controls.blink_strength
    return 1.0 if channel in EYE_MOTION else controls.upper_strength


def _move_lids(x: _Float64, amount: float) -> None:
    """Open resting lids by ``amount`` or close them by its opposite, in place; a blink still closes."""
    blink, wide = x[:, _BLINKS], x[:, _WIDES]
    if amount < 0.0:
        x[:, _BLINKS] = blink - amount * (1.0 - blink)
        x[:, _WIDES] = wide * (1.0 + amount)
    else:
        x[:, _WIDES] = wide + amount * (1.0 - wide) * (1.0 - blink)


def _press(row: _Float64) -> None:
    """Close lips that are apart, (52,) in place: mouthClose first, then less of what parts them."""
    gap = REST_GAP + float(np.add.reduce(row * GAP))
    if gap < CLOSED_GAP:
        return
    per = -float(GAP[_CLOSE])
    close, free = float(row[_CLOSE]), float(row[_JAW_OPEN]) + _SEAL
    more = min(max(min(free, 1.0) - close, 0.0), (gap - _SHUT) / per)
    row[_CLOSE] = close + more
    gap -= more * per
    if gap > _SHUT + 1e-9:
        parted = float(np.add.reduce(row * _PARTING))
        row *= 1.0 - (_PARTING > 0.0) * min((gap - _SHUT) / parted, 1.0)


def _split(frames: Float32, count: int) -> tuple[Float32, Float32]:
    return frames[:count], frames[count:]


assert FACE.channels[:_WIDTH] == ARKIT.channels
