"""How a mouth that has no ARKit shapes speaks: from 52 weights to visemes, vowels, or one opening.

Three things differ from reading the channels one by one. What opens the mouth is the distance of the lips
(`rhapsode.rigs.lips`), so that jawOpen with mouthClose, a closed mouth on ARKit, is closed here too. The
shapes an avatar has are mixed so that together they come nearest to the mouth (`ShapeProjection`'s problem,
solved exactly for one curve frame at a time), so that vowels are told apart. And shapes drawn for a clear
vowel are reached by the smaller moves of running speech: `GAIN`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import Float32
from rhapsode.rigs import BLENDSHAPES
from rhapsode.rigs.lips import CLOSED_GAP, EFFECTS, REST_GAP, lip_gap
from rhapsode.rigs.visemes import OCULUS_SHAPES, SMILE
from rhapsode.rigs.vrm import VOWELS

Pairs = tuple[tuple[str, float], ...]
Kind = Literal["channels", "visemes", "vowels", "opening", "none"]

KINDS: tuple[Kind, ...] = ("channels", "visemes", "vowels", "opening", "none")
GAIN = 1.8
"""How much larger the mouth of speech is drawn on visemes, vowels or a jaw alone."""

OPEN = "open"
"""The one shape of a mouth that can only open."""

ATOMS: Mapping[Kind, Mapping[str, Mapping[str, float]]] = {
    "visemes": {name: shape for name, shape in OCULUS_SHAPES.items() if shape},
    "vowels": VOWELS,
    "opening": {OPEN: {"jawOpen": 1.0}},
}
"""ARKit weights of every shape that a mouth can be made of, by kind."""

_RIDGE = 0.002
_FULL = 400.0  # weight of "the sum is 1" where shapes would add up to more
_PART_GAP = 0.25  # cm of lip distance above a closed mouth over which open shapes come in
_WIDE_GAP = 0.35  # cm of lip distance from which a shape counts as open
_JAW_GAP = EFFECTS["jawOpen"].gap
_JAW, _CLOSE = BLENDSHAPES.index("jawOpen"), BLENDSHAPES.index("mouthClose")

Float64 = NDArray[np.float64]


def opening(values: NDArray[np.floating]) -> Float64:
    """Return how far the lips are parted as a share of jawOpen at 1, (T,), of (T, 52 or more) weights."""
    gap = lip_gap(values[:, : len(BLENDSHAPES)]).astype(np.float64)
    return np.asarray(((gap - CLOSED_GAP) / (_JAW_GAP + REST_GAP - CLOSED_GAP)).clip(0.0, 1.0))


@dataclass(frozen=True)
class Mouth:
    """What speaks: the kind of shapes, what each is made of, and how large speech is drawn.

    Args:
        kind: "channels" (ARKit's own), "visemes" (Oculus), "vowels" (VRM 1.0 names), "opening" (a jaw, or one
            shape), or "none".
        shapes: (morph target, gain) pairs by viseme, by vowel, or by "open"; empty for the other kinds and
            for a jaw bone alone.
        gain: speech is drawn this much larger; not used by "channels".

    """

    kind: Kind = "channels"
    shapes: Mapping[str, Pairs] = field(default_factory=dict)
    gain: float = GAIN

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Face channels that the shapes play together, and that nothing else may play."""
        if self.kind in ("channels", "none"):
            return ()
        if self.kind == "opening":
            return "jawOpen", "mouthClose"
        used = {name for shape in self.shapes for name in self._atom(shape)} | {"mouthClose"}
        return tuple(name for name in BLENDSHAPES if name in used and name not in (*SMILE, "tongueOut"))

    def weights(self, values: Float32) -> Float32:
        """Return the weight of each of `shapes` in [0, 1], (T, S), for (T, 52 or more) face values."""
        if self.kind == "opening" and self.shapes:
            return np.asarray((opening(values) * self.gain).clip(0.0, 1.0)[:, None], np.float32)
        if not self.shapes or self.kind not in ("visemes", "vowels"):
            return np.zeros((len(values), len(self.shapes)), np.float32)
        face = values[:, : len(BLENDSHAPES)].astype(np.float64)
        gap = lip_gap(face).astype(np.float64)
        face[:, _JAW] = (face[:, _JAW] - face[:, _CLOSE]).clip(0.0)
        wanted = (face[:, self._used] * self.gain).clip(0.0, 1.0) @ self._matrix.T
        solved = np.array([self._solve(row) for row in wanted]).reshape(len(wanted), -1)
        parted = ((gap - CLOSED_GAP) / _PART_GAP).clip(0.0, 1.0)[:, None]
        return np.asarray(np.where(self._open, solved * parted, solved), np.float32)

    def _atom(self, shape: str) -> Mapping[str, float]:
        return ATOMS[self.kind][shape]

    @cached_property
    def _used(self) -> list[int]:
        return [BLENDSHAPES.index(name) for name in self.channels if name != "mouthClose"]

    @cached_property
    def _matrix(self) -> Float64:
        """(S, used channels): the shapes as rows."""
        names = [BLENDSHAPES[index] for index in self._used]
        return np.array([[self._atom(shape).get(name, 0.0) for name in names] for shape in self.shapes])

    @cached_property
    def _open(self) -> NDArray[np.bool_]:
        """(S,) which shapes part the lips."""
        rows = np.zeros((len(self.shapes), len(BLENDSHAPES)))
        for row, shape in zip(rows, self.shapes, strict=True):
            for name, weight in self._atom(shape).items():
                row[BLENDSHAPES.index(name)] = weight
        return np.asarray(lip_gap(rows) > _WIDE_GAP)

    @cached_property
    def _problems(self) -> tuple[_Problem, _Problem]:
        gram = self._matrix @ self._matrix.T + _RIDGE * np.eye(len(self.shapes))
        return _Problem(gram), _Problem(gram + _FULL * np.ones_like(gram))

    def _solve(self, wanted: Float64) -> Float64:
        free, full = self._problems
        made = free.solve(wanted)
        return made if made.sum() <= 1.0 else full.solve(wanted + _FULL)


class _Problem:
    """min w'Gw / 2 - q'w over w >= 0 for many q (Lawson and Hanson, 1974); keeps the inverses it met."""

    def __init__(self, gram: Float64) -> None:
        self._gram = gram
        self._inverses: dict[tuple[int, ...], Float64] = {}

    def solve(self, wanted: Float64) -> Float64:
        found = np.zeros(len(wanted))
        support: list[int] = []
        for _ in range(3 * len(wanted)):
            slope = wanted - self._gram @ found
            slope[support] = -1.0
            best = int(slope.argmax())
            if slope[best] <= 1e-9:
                break
            support = sorted([*support, best])
            while support:
                trial: Float64 = self._inverse(tuple(support)) @ wanted[support]
                if trial.min() > 0.0:
                    break
                now: Float64 = found[support]
                low = trial <= 0.0
                share = float((now[low] / (now[low] - trial[low])).min())
                moved = now + share * (trial - now)
                moved[low & (moved < 1e-12)] = 0.0
                found[:] = 0.0
                found[support] = moved
                support = [index for index in support if found[index] > 1e-12]
            found[:] = 0.0
            if support:
                found[support] = trial
        return found

    def _inverse(self, support: tuple[int, ...]) -> Float64:
        if support not in self._inverses:
            rows = list(support)
            self._inverses[support] = np.asarray(np.linalg.inv(self._gram[np.ix_(rows, rows)]), np.float64)
        return self._inverses[support]
