"""The animation of a glTF file as tracks that can be asked for their values at any time.

Source: Khronos glTF 2.0, section 3.11 and appendix C (interpolation).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.avatars.gltf import GltfFile
from rhapsode.errors import AvatarError, FormatError
from rhapsode.performance import as_rate

Float64 = NDArray[np.float64]

_COMMON = (24, 25, 30, 48, 50, 60, 90, 100, 120)
_WIDTHS = {"rotation": 4, "translation": 3, "scale": 3}
_LEAST_S, _MOST_FRAMES, _FEW = 1e-4, 4_000_000, 10


@dataclass(frozen=True, eq=False)
class Track:
    """Keys of one property.

    Args:
        times: (n,) rising seconds.
        values: (n, k); for CUBICSPLINE (3 n, k).
        how: "LINEAR", "STEP" or "CUBICSPLINE".
        turns: whether the values are quaternions.

    """

    times: Float64
    values: Float64
    how: str = "LINEAR"
    turns: bool = False

    def at(self, times_s: Float64) -> Float64:
        """Return the values (m, k) at ``times_s``; the ends are held."""
        right = np.clip(np.searchsorted(self.times, times_s, side="right"), 1, max(len(self.times) - 1, 1))
        left, right = right - 1, np.minimum(right, len(self.times) - 1)
        step = self.times[right] - self.times[left]
        part = np.clip((times_s - self.times[left]) / np.where(step > 0, step, 1.0), 0.0, 1.0)[:, None]
        if self.how == "STEP":
            return self.values[np.where(part[:, 0] >= 1, right, left)]
        if self.how == "CUBICSPLINE":
            return self._cubic(left, right, part, step[:, None])
        a, b = self.values[left], self.values[right]
        return slerp(a, b, part) if self.turns else a * (1 - part) + b * part

    def _cubic(self, left: NDArray[np.intp], right: NDArray[np.intp], t: Float64, step: Float64) -> Float64:
        a, out = self.values[3 * left + 1], self.values[3 * left + 2] * step
        b, into = self.values[3 * right + 1], self.values[3 * right] * step
        made = (
            (2 * t**3 - 3 * t**2 + 1) * a
            + (t**3 - 2 * t**2 + t) * out
            + (3 * t**2 - 2 * t**3) * b
            + (t**3 - t**2) * into
        )
        return made / np.linalg.norm(made, axis=1, keepdims=True) if self.turns else made


def slerp(a: Float64, b: Float64, part: Float64) -> Float64:
    """Return the quaternions (n, 4) at ``part`` (n, 1) of the short way from ``a`` to ``b``."""
    dot = (a * b).sum(axis=1, keepdims=True)
    b, dot = np.where(dot < 0, -b, b), np.abs(dot)
    angle = np.arccos(np.clip(dot, 0.0, 1.0))
    wide = angle > 1e-4
    sine = np.where(wide, np.sin(angle), 1.0)
    first = np.where(wide, np.sin((1 - part) * angle) / sine, 1 - part)
    second = np.where(wide, np.sin(part * angle) / sine, part)
    made = a * first + b * second
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True))


def open_file(path: Path, what: str) -> GltfFile:
    """Open a glTF file to read a performance from.

    Raises:
        FormatError: it is none.

    """
    try:
        return GltfFile(path, path.read_bytes())
    except AvatarError as error:
        raise FormatError(f"{error} ({what})") from error


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Turn what a file with wrong kinds of values, indices or shapes causes into a `FormatError`."""
    try:
        yield
    except FormatError:
        raise
    except AvatarError as error:
        raise FormatError(f"cannot read an animation: {error}") from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise FormatError(f"'{path}' holds a damaged animation ({said}); export it again") from error


def tracks(file: GltfFile) -> dict[tuple[int, str], Track]:
    """Return the tracks of all animations by node and path; the first animation of each counts.

    Raises:
        FormatError: an animation is not what the specification asks for.

    """
    with damaged(file.path):
        return dict(_tracks(file))


def _tracks(file: GltfFile) -> Iterable[tuple[tuple[int, str], Track]]:
    found: dict[tuple[int, str], Track] = {}
    for animation in file.json.get("animations", []):
        for channel in animation["channels"]:
            sampler, target = animation["samplers"][channel["sampler"]], channel["target"]
            if "node" not in target or (target["node"], target["path"]) in found:
                continue
            times = file.accessor(sampler["input"]).astype(np.float64)[:, 0]
            values = file.accessor(sampler["output"]).astype(np.float64)
            how = sampler.get("interpolation", "LINEAR")
            keys = len(times) * (3 if how == "CUBICSPLINE" else 1)
            if how not in ("LINEAR", "STEP", "CUBICSPLINE"):
                raise ValueError(f"interpolation '{how}'")
            if not keys or values.size % keys or not values.size:
                raise ValueError(f"{values.size} numbers for {len(times)} keys")
            if (np.diff(times) <= 0).any() or not np.isfinite(times).all() or not np.isfinite(values).all():
                raise ValueError("key times that do not rise, or numbers that are not finite")
            made = Track(times, values.reshape(keys, -1), how, target["path"] == "rotation")
            if made.values.shape[1] != _WIDTHS.get(target["path"], made.values.shape[1]):
                raise ValueError(f"{made.values.shape[1]} numbers a key of {target['path']}")
            found[target["node"], target["path"]] = made
    return found.items()


def grid(found: Iterable[Track], path: Path) -> tuple[Fraction, Float64]:
    """Return the rate of the densest keys and the times of curve frames from 0 to the last key.

    Raises:
        FormatError: there are no keys, or more frames than can be meant.

    """
    rows = list(found)
    if not rows:
        raise FormatError(
            f"'{path}' holds no animation, expected one of a face or a body; export it with its animation"
        )
    densest = max(rows, key=lambda row: len(row.times))
    rate = likely_rate(densest.times)
    end = max(float(row.times[-1]) for row in rows)
    count = int(np.floor(end * float(rate) + 0.01)) + 1
    if count > _MOST_FRAMES:
        raise FormatError(
            f"'{path}' holds {count} frames at {float(rate):.1f} a second, expected {_MOST_FRAMES} at most; "
            "export it with fewer keys"
        )
    return rate, np.arange(count) / float(rate)


def likely_rate(times: Float64) -> Fraction:
    """Return the frame rate that key times lie on, a common one where it fits.

    A few keys at even distances say nothing of it, and neither do keys set by hand: then it is 30, or 60
    where they are closer.
    """
    if len(times) < 2:
        return Fraction(30)
    step = (times[-1] - times[0]) / (len(times) - 1)
    uneven = np.abs(times - times[0] - np.arange(len(times)) * step).max() > 0.25 * step
    measured = 1 / max(step, _LEAST_S)
    if uneven or (len(times) < _FEW and measured < 20):
        return Fraction(30 if 1 / max(np.diff(times).min(), _LEAST_S) < 31 else 60)
    known = [Fraction(n) for n in _COMMON] + [Fraction(n * 1000, 1001) for n in _COMMON if n % 6 == 0]
    nearest = min(known, key=lambda rate: abs(rate - measured))
    # Times may hold milliseconds only; what counts is by how much of a frame the last one is off.
    if abs(measured - nearest) * len(times) / nearest < 0.1:
        return nearest
    return as_rate(round(measured, 3)) if measured >= 0.5 else Fraction(1)
