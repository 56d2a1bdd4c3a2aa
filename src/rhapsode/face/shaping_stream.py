"""Shaping, curve frame by curve frame: gains, limits, smoothing that keeps contacts, rest in silence."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import RigError
from rhapsode.face.shaping_gate import Gate
from rhapsode.face.shaping_settings import EYE_MOTION, MOUTH, Shaping
from rhapsode.performance import CURVE_HZ, Float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, DROP, GAP, REST_GAP, TEETH_DROP

_Float64 = NDArray[np.float64]

_WIDTH = len(ARKIT)
_JAW_OPEN, _CLOSE, _TONGUE = (ARKIT.index(n) for n in ("jawOpen", "mouthClose", "tongueOut"))
_LIDS = [(ARKIT.index(f"eyeBlink{side}"), ARKIT.index(f"eyeWide{side}")) for side in ("Left", "Right")]
_MOUTH = np.array([float(name in MOUTH) for name in ARKIT.channels])
_MOVING = np.maximum(_MOUTH, (GAP != 0.0) | (DROP != 0.0))
_PARTING = np.where(np.arange(_WIDTH) == _JAW_OPEN, 0.0, np.maximum(GAP, 0.0))
"""What parts the lips without the jaw: mouthClose makes up for that, as far as the jaw is open."""

_KNEE = 0.6
"""Part of a limit below which a weight is left alone."""

_EASY, _HURRIED = 0.25, 0.05
"""How far a weight must be off its target to be followed at once: other motion, and lips that close."""

_NEAR = 0.25
"""Lip gap, cm, below which lips that come together are about to touch."""

_SHUT, _AJAR = CLOSED_GAP - 0.005, CLOSED_GAP + 0.005
"""Lip gaps that smoothing makes at most of closed lips, and at least of open ones, cm."""

_BITE = TEETH_DROP - 0.005
"""How far smoothing leaves a lower lip down at most that is to meet the teeth, cm."""

_SEAL = 0.1
"""The most that mouthClose may exceed jawOpen: beyond, the lips of a head pass through each other."""


def _mirror() -> NDArray[np.intp]:
    """Return for each channel the index of its twin on the other side, or its own; eyes may wink and look."""
    swap = {"Left": "Right", "Right": "Left"}
    names = ARKIT.channels
    twin = {
        n: n[: -len(s)] + o for n in names for s, o in swap.items() if n.endswith(s) and n not in EYE_MOTION
    }
    return np.array([names.index(twin.get(n, n)) for n in names])


def _rate(channel: str) -> tuple[float, float]:
    """Return the most that a weight may rise and fall, per second: no bound on what parts or closes lips."""
    if channel.startswith("eyeBlink"):
        return 30.0, 20.0
    if channel.startswith(("eyeLook", "jaw", "mouth")):
        return 50.0, 50.0
    return (11.0, 30.0) if channel == "tongueOut" else (5.0, 5.0)


_MIRROR = _mirror()
_RISE, _FALL = np.array([_rate(name) for name in ARKIT.channels]).T / CURVE_HZ * np.array([[1.0], [-1.0]])


class ShapingStream:
    """The shaping stage. It looks at no later curve frame and does not depend on how curves were cut.

    A weight follows its target with a one-pole filter whose coefficient grows with the distance, as in
    the one-euro filter (Casiez, Roussel, Vogel, CHI 2012), but grows five times as fast while the lips
    close. What is left of the lag may not change a contact: where the target's lips touch, those of the
    result do, in the same curve frame, and where they part, they part; the lip gap is linear in the weights
    (`rhapsode.rigs.lips`), so the mouth goes exactly as far towards its target as that takes. Lips that the
    engine closes stay closed under every gain and limit; only a negative ``close_offset`` opens them.

    Args:
        shaping: what to do.

    Example:
        >>> stage = ShapingStream(Shaping(strength=0.5))
        >>> stage.push(np.ones((3, 52), np.float32), np.ones(3, np.float32)).shape
        (3, 52)

    """

    look_ahead_samples = 0

    def __init__(self, shaping: Shaping | None = None) -> None:
        self.shaping = shaping = shaping or Shaping()
        limit = np.array([shaping.limit(name) for name in ARKIT.channels])
        gain = np.array([shaping.gain(name) for name in ARKIT.channels]) * (limit > 0)
        self._knee = np.where(gain > limit, _KNEE * limit, np.inf)
        slope = (gain - _KNEE * limit) / np.maximum(limit - _KNEE * limit, 1e-9)
        self._bend = np.where(gain > limit, (slope - 1.0) / np.maximum(gain - _KNEE * limit, 1e-9), 0.0)
        self._offset = shaping.close_offset * min(shaping.strength * shaping.jaw, 1.0)
        sides = np.zeros((_WIDTH, _WIDTH))
        sides[np.arange(_WIDTH), np.arange(_WIDTH)] = 1.0 - 0.5 * shaping.symmetry
        sides[_MIRROR, np.arange(_WIDTH)] += 0.5 * shaping.symmetry
        self._mix = sides * gain
        self._plain = gain if not shaping.symmetry else None
        smoothing = [shaping.smoothing_of(name) for name in ARKIT.channels]
        self._base = 1.0 - 0.92 * np.array(smoothing)
        self._easy = (1.0 - self._base) / _EASY
        self._hurried = np.where(GAP == 0.0, self._easy, (1.0 - self._base) / _HURRIED)
        self._state: _Float64 = np.zeros(_WIDTH)
        self._gap = REST_GAP
        self._gate = Gate()
        self._step: _Float64 = np.empty(_WIDTH)
        self._size: _Float64 = np.empty(_WIDTH)

    def push(self, weights: Float32, activity: Float32) -> Float32:
        """Shape the next curve frames.

        Args:
            weights: (T, 52) ARKit weights; below 0 counts as 0 and above 1 as 1.
            activity: (T,) speech activity in [0, 1] of the same curve frames.

        Returns:
            (T, 52) float32 in [0, 1].

        Raises:
            RigError: the shapes do not fit, or a value is not finite.

        """
        raw = np.array(weights, np.float64)
        voice = np.asarray(activity, np.float64)
        if raw.ndim != 2 or raw.shape[1] != _WIDTH or voice.shape != raw.shape[:1]:
            raise RigError(
                f"shaping needs weights (T, {_WIDTH}) and activity (T,), got {raw.shape} and {voice.shape}"
            )
        heard = voice.tolist()
        if not (np.logical_and.reduce(np.isfinite(raw), None) and all(map(math.isfinite, heard))):
            raise RigError("shaping needs finite weights and activity, got NaN or infinity")
        np.maximum(raw, 0.0, out=raw)
        np.minimum(raw, 1.0, out=raw)
        made = np.empty(raw.shape, np.float32)
        for k, row in enumerate(raw):
            made[k] = self._frame(row, heard[k])
        return np.clip(made, 0.0, 1.0, out=made)  # rounding may pass either end

    def _frame(self, raw: _Float64, activity: float) -> _Float64:
        """Return one curve frame, shaped."""
        asked = REST_GAP + float(raw.dot(GAP))
        held = asked < CLOSED_GAP and self._offset >= 0.0
        target = self._target(raw)
        wanted = REST_GAP + float(target.dot(GAP))
        if held and wanted >= _SHUT:
            wanted = self._press(target, wanted)
        self._follow(target, wanted)
        gate = self._gate.step(activity, asked)
        x = self._state * (1.0 + (gate - 1.0) * _MOUTH) if gate < 1.0 else self._state.copy()
        jaw = x.item(_JAW_OPEN)
        if x.item(_CLOSE) > jaw + _SEAL:
            x[_CLOSE] = jaw + _SEAL
            if held:
                self._press(x, REST_GAP + float(x.dot(GAP)))
        if x.item(_TONGUE) > 2.0 * jaw:
            x[_TONGUE] = 2.0 * jaw
        for blink, wide in _LIDS:
            if x.item(wide) and x.item(blink):
                x[wide] *= 1.0 - x.item(blink)
        return x

    def _target(self, raw: _Float64) -> _Float64:
        """Return gains, symmetry, offset and soft limits on one curve frame."""
        x: _Float64 = raw.dot(self._mix) if self._plain is None else raw * self._plain
        if self._offset:
            x[_CLOSE] = min(max(x.item(_CLOSE) + self._offset, 0.0), 1.0)
        over = x - self._knee
        if np.maximum.reduce(over) > 0.0:
            np.maximum(over, 0.0, out=over)
            x -= over
            over /= 1.0 + self._bend * over
            x += over
        return x

    def _follow(self, target: _Float64, wanted: float) -> None:
        """Bring the state nearer to ``target``, whose lip gap is ``wanted``, and keep its contact."""
        state, step, size = self._state, self._step, self._size
        np.subtract(target, state, step)
        np.abs(step, size)
        size *= self._hurried if wanted < _NEAR and wanted < self._gap else self._easy
        size += self._base
        np.minimum(size, 1.0, out=size)
        step *= size
        np.minimum(step, _RISE, out=step)
        np.maximum(step, _FALL, out=step)
        state += step
        gap = REST_GAP + float(state.dot(GAP))
        short = 0.0
        if wanted < CLOSED_GAP:
            if gap > _SHUT:
                short = (gap - _SHUT) / (gap - wanted) if wanted < _SHUT else 1.0
        elif gap < _AJAR:
            short = (_AJAR - gap) / (wanted - gap) if wanted > _AJAR else 1.0
        low = float(target.dot(DROP))
        if low < _BITE and (drop := float(state.dot(DROP))) > _BITE:
            short = max(short, (drop - _BITE) / (drop - low))
        if short:
            np.subtract(target, state, step)
            step *= _MOVING
            step *= short
            state += step
            gap += short * (wanted - gap)
        self._gap = gap

    @staticmethod
    def _press(x: _Float64, gap: float) -> float:
        """Close lips that are ``gap`` apart, in place: mouthClose first, then less of what parts them."""
        if gap < _SHUT:
            return gap
        close = x.item(_CLOSE)
        per = -float(GAP[_CLOSE])
        more = min(max(x.item(_JAW_OPEN) + _SEAL - close, 0.0), 1.0 - close, (gap - _SHUT) / per + 1e-6)
        x[_CLOSE] = close + more
        gap -= more * per
        if gap > _SHUT:
            parted = float(x.dot(_PARTING))
            x *= 1.0 - (_PARTING > 0.0) * min((gap - _SHUT) / parted, 1.0)
            gap = _SHUT
        return gap
