"""Rotations as quaternions x, y, z, w in glTF's axes: X to the character's left, Y up, Z forward.

Angles are yaw, pitch and roll in radians, signed as in `rhapsode.rigs.arkit`; roll turns first, then pitch,
then yaw. `product`, `of_halves` and `tangents` hold the formulas, for numbers and for arrays alike.
"""

from __future__ import annotations

from math import sqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Part = TypeVar("Part", float, Float64)

NECK_SHARE = 0.42
"""Part of a head turn that the neck takes, where there are both."""

IDENTITY = (0.0, 0.0, 0.0, 1.0)
"""No turn."""

_BACK = np.array([-1.0, -1.0, -1.0, 1.0])


def product(
    a: tuple[Part, Part, Part, Part], b: tuple[Part, Part, Part, Part]
) -> tuple[Part, Part, Part, Part]:
    """Return the parts of a b: b turns first."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + bw * ax + ay * bz - az * by,
        aw * by + bw * ay + az * bx - ax * bz,
        aw * bz + bw * az + ax * by - ay * bx,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def of_halves(cy: Part, sy: Part, cp: Part, sp: Part, cr: Part, sr: Part) -> tuple[Part, Part, Part, Part]:
    """Return the parts of the turn whose half yaw, pitch and roll have these cosines and sines.

    The sign of yaw is the character's: ``sy`` is the sine of half of it.
    """
    return (
        cy * sp * cr - sy * cp * sr,
        -sy * cp * cr - cy * sp * sr,
        cy * cp * sr + sy * sp * cr,
        cy * cp * cr - sy * sp * sr,
    )


def tangents(x: Part, y: Part, z: Part, w: Part) -> tuple[tuple[Part, Part], Part, tuple[Part, Part]]:
    """Return yaw and roll of a turn as the two arguments of atan2, and between them the sine of pitch."""
    yaw = -2 * (x * z + w * y), 1 - 2 * (x * x + y * y)
    return yaw, 2 * (w * x - y * z), (2 * (x * y + w * z), 1 - 2 * (x * x + z * z))


def blend(
    a: tuple[float, float, float, float], b: tuple[float, float, float, float], share: float
) -> tuple[float, float, float, float]:
    """Return the unit quaternion ``share`` of the way from ``a`` to ``b``, the short way."""
    if share <= 0.0:
        return a
    near = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
    sign = -share if near < 0.0 else share
    x, y, z, w = (p + (q * sign - p * share) for p, q in zip(a, b, strict=True))
    length = sqrt(x * x + y * y + z * z + w * w)
    return (x / length, y / length, z / length, w / length) if length > 0.0 else a


def turn(angles: Float64) -> Float64:
    """Return unit quaternions (..., 4) of yaw, pitch and roll (..., 3)."""
    half = np.asarray(angles, np.float64) / 2
    cosines, sines = np.cos(half), np.sin(half)
    rows = [part[..., k] for k in range(3) for part in (cosines, sines)]
    return np.stack(of_halves(*rows), axis=-1)


def angles_of(turned: Float64) -> Float64:
    """Return yaw, pitch and roll (..., 3) of quaternions (..., 4) of any length but 0: undo `turn`."""
    x, y, z, w = np.moveaxis(turned / np.linalg.norm(turned, axis=-1, keepdims=True), -1, 0)
    yaw, pitch, roll = tangents(x, y, z, w)
    return np.stack([np.arctan2(*yaw), np.arcsin(np.clip(pitch, -1, 1)), np.arctan2(*roll)], axis=-1)


def times(a: Float64, b: Float64) -> Float64:
    """Return the products a b of quaternions (..., 4), broadcast against each other: b turns first."""
    (ax, ay, az, aw), (bx, by, bz, bw) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return np.stack(product((ax, ay, az, aw), (bx, by, bz, bw)), axis=-1)


def inverse(turned: Float64) -> Float64:
    """Return the turns back of unit quaternions (..., 4)."""
    return np.asarray(turned * _BACK)


def unit(value: NDArray[np.floating]) -> Float64:
    """Return a quaternion (4,) at length 1; the identity for zeros."""
    length = float(np.linalg.norm(value))
    return np.asarray(value, np.float64) / length if length else np.array([0.0, 0.0, 0.0, 1.0])


def smooth_signs(made: Float64, last: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return quaternions (n, 4) float32 whose signs follow ``last`` and each other: the short way between."""
    before = np.concatenate([made[:1] if last is None else last[None].astype(np.float64), made[:-1]])
    flips = np.cumprod(np.where((made * before).sum(axis=1) < 0, -1.0, 1.0))
    return np.asarray(made * flips[:, None], np.float32)
