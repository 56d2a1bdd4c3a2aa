"""The published expression space: 50 coefficients for the 52 ARKit weights, there and back.

    coefficients 1-15   speech: left and right together, learned from speaking faces
    coefficients 16-22  the mouth's left against its right
    coefficients 23-27  mouth and jaw sideways, jaw forward, cheeks, tongue
    coefficients 28-50  eyes, brows, upper cheeks, nose

ARKit has two pairs of weights that exclude each other: a mouth is drawn to one side, a jaw moves to one
side. Each pair is one signed coefficient; so 52 weights are 50 numbers and nothing that a face can do is
lost. Everything else is a change of axes. 0 is the neutral face. docs/expression-basis.md shows the axes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rhapsode.errors import RigError, WeightsError
from rhapsode.performance import Float32, as_float32
from rhapsode.rigs import ARKIT

PUBLISHED = Path(__file__).parent / "expression50.json"
"""The file of the published basis: its matrices are all that another program needs."""

COEFFICIENTS = 50
SPEECH = 15
"""The first coefficients: those that speech moves."""

FORMAT = 1
_KEYS = ("format", "name", "channels", "coefficients", "to_weights", "to_coefficients")


@dataclass(frozen=True, eq=False)
class Basis:
    """Axes of the expression space.

    Args:
        names: of the 50 coefficients.
        meanings: what each one does, one line of English.
        low: (50,) float32, the least value that each one takes: of speaking faces, or what ARKit allows.
        high: (50,) float32, the greatest.
        to_weights: (50, 52) float32, what a coefficient of 1 does to the weights.
        to_coefficients: (52, 50) float32.
        sha256: of the file.

    """

    names: tuple[str, ...]
    meanings: tuple[str, ...]
    low: Float32
    high: Float32
    to_weights: Float32
    to_coefficients: Float32
    sha256: str = ""

    def encode(self, weights: Float32) -> Float32:
        """Return (T, 50) float32 coefficients of (T, 52) ARKit weights in [0, 1].

        Weights in which jawLeft and jawRight, or mouthLeft and mouthRight, are both above 0 lose what the
        two have in common.

        Raises:
            RigError: another shape.

        """
        return as_float32(_rows(weights, len(ARKIT), "weights") @ self.to_coefficients)

    def decode(self, coefficients: Float32) -> Float32:
        """Return (T, 52) float32 ARKit weights in [0, 1] of (T, 50) coefficients.

        `encode` of the result gives the coefficients again wherever no weight had to be cut off.

        Raises:
            RigError: another shape.

        """
        weights = _rows(coefficients, COEFFICIENTS, "coefficients") @ self.to_weights
        return as_float32(np.minimum(np.maximum(weights, 0, out=weights), 1, out=weights))

    def clamp(self, coefficients: Float32) -> Float32:
        """Return (T, 50) coefficients within the range of the basis."""
        return as_float32(np.minimum(np.maximum(coefficients, self.low), self.high))


def encode(weights: Float32) -> Float32:
    """Return the (T, 50) published coefficients of (T, 52) ARKit weights.

    Example:
        >>> weights = np.zeros((1, 52), np.float32)
        >>> weights[0, ARKIT.index("jawOpen")] = 0.4
        >>> bool(np.abs(decode(encode(weights)) - weights).max() < 1e-6)
        True

    """
    return published().encode(weights)


def decode(coefficients: Float32) -> Float32:
    """Return the (T, 52) ARKit weights in [0, 1] of (T, 50) published coefficients."""
    return published().decode(coefficients)


@cache
def published() -> Basis:
    """Return the basis that the package publishes."""
    return read_basis(PUBLISHED)


def read_basis(path: Path) -> Basis:
    """Return the basis of a file.

    Raises:
        WeightsError: it cannot be read or holds something else.

    """
    try:
        content = path.read_bytes()
        raw = json.loads(content)
        missing = sorted(set(_KEYS) - set(raw))
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        if raw["format"] != FORMAT or raw["channels"] != list(ARKIT.channels):
            raise ValueError(f"format {raw['format']} or channels of another version")
        rows = raw["coefficients"]
        made = Basis(
            names=tuple(str(row["name"]) for row in rows),
            meanings=tuple(str(row["meaning"]) for row in rows),
            low=as_float32(np.array([row["low"] for row in rows], np.float64)),
            high=as_float32(np.array([row["high"] for row in rows], np.float64)),
            to_weights=as_float32(np.array(raw["to_weights"], np.float64)),
            to_coefficients=as_float32(np.array(raw["to_coefficients"], np.float64)),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        shapes = made.to_weights.shape, made.to_coefficients.shape, len(made.names)
        if shapes != ((COEFFICIENTS, len(ARKIT)), (len(ARKIT), COEFFICIENTS), COEFFICIENTS):
            raise ValueError(f"sizes {shapes}, expected 50 coefficients of 52 weights")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"basis {path} cannot be read ({error}); reinstall rhapsode") from error
    return made


def _rows(values: Float32, width: int, what: str) -> Float32:
    rows = np.asarray(values, np.float32)
    if rows.ndim != 2 or rows.shape[1] != width:
        raise RigError(f"{what} must be (T, {width}), got {rows.shape}; give one row per curve frame")
    return rows
