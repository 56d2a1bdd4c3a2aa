"""Shaping, curve frame by curve frame: gains, limits, smoothing that keeps closures, rest in silence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import RigError
from rhapsode.face.shaping_settings import EYE_MOTION, MOUTH, Shaping
from rhapsode.performance import CURVE_HZ, Float32
from rhapsode.rigs import ARKIT

_Float64 = NDArray[np.float64]

_WIDTH = len(ARKIT)
_JAW_OPEN, _CLOSE, _TONGUE = (ARKIT.index(n) for n in ("jawOpen", "mouthClose", "tongueOut"))
_LIDS = [(ARKIT.index(f"eyeBlink{side}"), ARKIT.index(f"eyeWide{side}")) for side in ("Left", "Right")]
_MOUTH = np.array([float(name in MOUTH) for name in ARKIT.channels])

_OPENERS = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel", "tongueOut")
_CLOSERS = ("mouthClose", "mouthRoll", "mouthPress", "mouthShrug", "eyeBlink")

_KNEE = 0.6
"""Part of a limit below which a weight is left alone."""

_EASY, _HURRIED = 0.25, 0.05
"""How far a weight must be off its target to be followed at once: other motion, and closing."""

_ATTACK, _RELEASE = 0.5, 1.0 / 3.0
"""Steps of the activity gate per curve frame: it opens in 40 ms and rests the mouth in 60 ms."""

_BLOCK = 512


def _mirror() -> NDArray[np.intp]:
    """Return for each channel the index of its twin on the other side, or its own; eyes may wink and look."""
    swap = {"Left": "Right", "Right": "Left"}
    names = ARKIT.channels
    twin = {
        n: n[: -len(s)] + o for n in names for s, o in swap.items() if n.endswith(s) and n not in EYE_MOTION
    }
    return np.array([names.index(twin.get(n, n)) for n in names])


def _rates(channel: str) -> tuple[float, float]:
    """Return the most that a weight may rise and fall, per second."""
    if channel.startswith(_CLOSERS):
        return 30.0, 12.0 if not channel.startswith("eye") else 20.0
    if channel.startswith(_OPENERS):
        return (9.0 if channel.startswith("jaw") else 11.0), 30.0
    if channel.startswith("eyeLook"):
        return 30.0, 30.0
    if channel.startswith(("mouth", "jaw")):
        return 10.0, 10.0
    return 5.0, 5.0


_MIRROR = _mirror()
_RATE = np.array([_rates(name) for name in ARKIT.channels]).T / CURVE_HZ
_SIGNS = np.array([[1.0], [-1.0]])


class ShapingStream:
    """The shaping stage. It looks at no later curve frame and does not depend on how curves were cut.

    A weight follows its target with a one-pole filter whose coefficient grows with the distance, as in
    the one-euro filter (Casiez, Roussel, Vogel, CHI 2012), but grows five times as fast for motion that
    closes the lips, so that a closure is met in the curve frame that asks for it.

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
        self._gain = gain
        self._knee = np.where(gain > limit, _KNEE * limit, gain + 1.0)
        slope = (gain - self._knee) / np.maximum(limit - self._knee, 1e-9)
        self._bend = np.where(gain > limit, (slope - 1.0) / np.maximum(gain - self._knee, 1e-9), 0.0)
        self._offset = shaping.close_offset * min(shaping.strength * shaping.jaw, 1.0)
        self._base = 1.0 - 0.92 * shaping.smoothing
        self._quick = self._base_growth()
        self._state: _Float64 = np.zeros(_WIDTH)
        self._open = 0.0

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
        raw = np.asarray(weights, np.float64)
        voice = np.asarray(activity, np.float64)
        if raw.ndim != 2 or raw.shape[1] != _WIDTH or voice.shape != raw.shape[:1]:
            raise RigError(
                f"shaping needs weights (T, {_WIDTH}) and activity (T,), got {raw.shape} and {voice.shape}"
            )
        if not (np.isfinite(raw).all() and np.isfinite(voice).all()):
            raise RigError("shaping needs finite weights and activity, got NaN or infinity")
        made = np.empty(raw.shape, np.float32)
        for begin in range(0, len(raw), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            smooth = self._smooth(self._target(raw[part]))
            made[part] = self._settle(smooth, self._gate(voice[part].tolist()))
        return made

    def _base_growth(self) -> _Float64:
        """Return (2, 52): how the filter coefficient grows with the distance, rising and falling."""
        rise = [_HURRIED if name.startswith(_CLOSERS) else _EASY for name in ARKIT.channels]
        fall = [_HURRIED if name.startswith(_OPENERS) else _EASY for name in ARKIT.channels]
        return np.asarray((1.0 - self._base) / np.array([rise, fall]))

    def _target(self, raw: _Float64) -> _Float64:
        """Return gains, symmetry, offset and soft limits on ``raw``; no frame depends on another."""
        x = np.minimum(np.maximum(raw, 0.0), 1.0)
        if self.shaping.symmetry:
            x += (0.5 * self.shaping.symmetry) * (np.take(x, _MIRROR, axis=1) - x)
        x *= self._gain
        if self._offset:
            x[:, _CLOSE] = np.maximum(x[:, _CLOSE] + self._offset, 0.0)
        below = np.minimum(x, self._knee)
        x -= below
        below += x / (1.0 + self._bend * x)
        return below

    def _smooth(self, x: _Float64) -> _Float64:
        """Filter ``x`` in place, curve frame by curve frame."""
        state, base, quick = self._state, self._base, self._quick
        away = np.empty((2, _WIDTH))
        step = np.empty((2, _WIDTH))
        for target in x:
            np.multiply(target - state, _SIGNS, away)
            np.maximum(away, 0.0, out=away)
            np.multiply(away, quick, step)
            step += base
            np.minimum(step, 1.0, out=step)
            step *= away
            np.minimum(step, _RATE, out=step)
            state += step[0]
            state -= step[1]
            target[:] = state
        return x

    def _gate(self, voice: list[float]) -> list[float]:
        """Return how far the mouth may leave its rest in each curve frame, in [0, 1]."""
        at = self._open
        made = []
        for activity in voice:
            at = min(max(activity, at - _RELEASE, 0.0), at + _ATTACK, 1.0)
            made.append(at * at * (3.0 - 2.0 * at))
        self._open = at
        return made

    def _settle(self, x: _Float64, gate: list[float]) -> _Float64:
        """Apply the gate and what one channel demands of another."""
        if min(gate) < 1.0:
            x *= 1.0 + _MOUTH * (np.array(gate)[:, None] - 1.0)
        jaw, close, tongue = x[:, _JAW_OPEN], x[:, _CLOSE], x[:, _TONGUE]
        np.minimum(close, jaw + 0.1, out=close)
        np.minimum(tongue, 2.0 * jaw, out=tongue)
        np.minimum(np.maximum(x, 0.0, out=x), 1.0, out=x)
        for blink, wide in _LIDS:
            x[:, wide] *= 1.0 - x[:, blink]
        return x
