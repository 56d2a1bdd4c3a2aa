"""Which mixture of known mouth shapes is nearest to a mouth: least squares over a simplex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from rhapsode.performance import Float32
from rhapsode.rigs.maps import check_width
from rhapsode.rigs.rig import Rig

_STEPS = 200
_FEW = 7
_RIDGE = 0.002
_BLOCK = 4096


@dataclass(frozen=True)
class ShapeProjection:
    """Explains each curve frame as a mixture of shapes: weights of at least 0 whose sum is 1.

    A rest shape (all zero) takes what is left, so a half open mouth is half a vowel and half ``rest``. The
    weights minimise the squared distance to the frame over the channels that any shape uses, plus a small
    ridge that makes them unique. With few shapes they are found exactly: of the best points of all faces of
    the simplex, the best that lies in it (measured: 16 us a frame for six). With more, by accelerated
    projected gradient (Beck and Teboulle, 2009) with 200 steps. Each frame is on its own, so slices of curves
    give slices of the result.

    Args:
        source: the rig that goes in.
        target: the rig that comes out; its channels that are no shape stay 0.
        shapes: weights of source channels by shape, each in full.
        rest: the shape of rest; may be None if the target has none.
        ignored: source channels that are not compared, because they say more about mood than about speech.

    Raises:
        RigError: a shape or a channel is not of its rig.

    """

    source: Rig
    target: Rig
    shapes: Mapping[str, Mapping[str, float]]
    rest: str | None = None
    ignored: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for shape, weights in self.shapes.items():
            self.target.index(shape)
            for name in weights:
                self.source.index(name)

    def apply(self, values: Float32) -> Float32:
        """Return (T, target) float32 in [0, 1] for (T, source) float32."""
        check_width(values, self.source)
        made = np.zeros((len(values), len(self.target)), np.float32)
        for begin in range(0, len(values), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            made[part, self._columns] = self._solve(values[part][:, self._used].astype(np.float64))
        return made

    @cached_property
    def _used(self) -> list[int]:
        names = {name for weights in self.shapes.values() for name in weights}
        names -= set(self.ignored)
        return [k for k, name in enumerate(self.source.channels) if name in names]

    @cached_property
    def _columns(self) -> list[int]:
        return [self.target.index(shape) for shape in self.shapes if shape != self.rest] + (
            [self.target.index(self.rest)] if self.rest else []
        )

    @cached_property
    def _atoms(self) -> np.ndarray:
        """(shapes + rest, used channels) float64."""
        names = [self.source.channels[k] for k in self._used]
        rows = [
            [weights.get(name, 0.0) for name in names]
            for shape, weights in self.shapes.items()
            if shape != self.rest
        ]
        return np.array([*rows, [0.0] * len(names)])

    @cached_property
    def _gram(self) -> np.ndarray:
        ridge = _RIDGE * np.diag([1.0] * (len(self._atoms) - 1) + [0.0])
        return np.asarray(self._atoms @ self._atoms.T + ridge)

    @cached_property
    def _faces(self) -> tuple[np.ndarray, np.ndarray]:
        """Best point of each face: slopes (shapes, faces * shapes) and offsets (faces, shapes)."""
        count = len(self._atoms)
        slopes, offsets = [], []
        for size in range(1, count + 1):
            for face in combinations(range(count), size):
                corner = np.ones((size + 1, size + 1))
                corner[:size, :size], corner[size, size] = self._gram[np.ix_(face, face)], 0.0
                solved = np.linalg.inv(corner)
                slope, offset = np.zeros((count, count)), np.zeros(count)
                slope[np.ix_(face, face)], offset[list(face)] = solved[:size, :size], solved[:size, size]
                slopes.append(slope)
                offsets.append(offset)
        return np.array(slopes).reshape(-1, count).T, np.array(offsets)

    def _solve(self, mouth: np.ndarray) -> Float32:
        exact = len(self._atoms) <= _FEW
        best = self._exact(mouth) if exact else self._descent(mouth)
        return np.asarray(best if self.rest else best[:, :-1], np.float32)

    def _exact(self, mouth: np.ndarray) -> np.ndarray:
        wanted, (slopes, offsets) = mouth @ self._atoms.T, self._faces
        points = (wanted @ slopes).reshape(-1, *offsets.shape) + offsets
        costs = ((points @ self._gram) * points).sum(axis=2) / 2 - (points * wanted[:, None]).sum(axis=2)
        costs[(points < -1e-12).any(axis=2)] = np.inf
        return np.asarray(points[np.arange(len(mouth)), costs.argmin(axis=1)].clip(0.0))

    def _descent(self, mouth: np.ndarray) -> np.ndarray:
        gram = self._gram
        wanted, step = mouth @ self._atoms.T, 1.0 / np.linalg.eigvalsh(gram)[-1]
        best = ahead = np.full((len(mouth), len(gram)), 1.0 / len(gram))
        momentum = 1.0
        for _ in range(_STEPS):
            nearer = onto_simplex(ahead - step * (ahead @ gram - wanted))
            following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
            ahead = nearer + (momentum - 1.0) / following * (nearer - best)
            best, momentum = nearer, following
        return np.asarray(best)


def onto_simplex(points: np.ndarray) -> np.ndarray:
    """Return the nearest point to each row with no part below 0 and the sum 1 (Held et al., 1974)."""
    ordered = -np.sort(-points, axis=1)
    surplus = np.cumsum(ordered, axis=1) - 1.0
    ranks = np.arange(1, points.shape[1] + 1)
    count = (ordered - surplus / ranks > 0).sum(axis=1)
    theta = surplus[np.arange(len(points)), count - 1] / count
    return np.asarray((points - theta[:, None]).clip(0.0))
