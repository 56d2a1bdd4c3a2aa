"""Parts of a face that are owned together: who has one of its channels has all of them."""

from __future__ import annotations

import numpy as np

from rhapsode.performance import Float32
from rhapsode.rigs import ANGLES, FACE


def _region(channel: str) -> str:
    if channel in ANGLES:
        return "head" if channel.startswith("head") else "gaze"
    for prefix, region in (
        ("eyeLook", "gaze"),
        ("eye", "eyes"),
        ("jaw", "mouth"),
        ("mouth", "mouth"),
        ("brow", "brows"),
        ("cheek", "cheeks"),
        ("nose", "nose"),
    ):
        if channel.startswith(prefix):
            return region
    return "tongue"


REGIONS: tuple[str, ...] = ("mouth", "tongue", "cheeks", "nose", "eyes", "gaze", "brows", "head")
"""Every channel is in one of them."""

PLACES: dict[str, np.ndarray] = {
    region: np.array([k for k, name in enumerate(FACE.channels) if _region(name) == region])
    for region in REGIONS
}
"""Channel numbers in the order of `rhapsode.rigs.FACE` by region."""

SPOKEN: tuple[str, ...] = ("mouth", "tongue", "cheeks")
"""What speech owns where it owns the mouth."""

_REGION_OF = np.array([REGIONS.index(_region(name)) for name in FACE.channels])
_MOVED = 1e-3


def spread(shares: Float32) -> Float32:
    """Return (61,) shares of channels from those of `REGIONS`, (8,)."""
    made: Float32 = shares[_REGION_OF]
    return made


def moved(values: Float32) -> np.ndarray:
    """Return (8,) bool: in which of `REGIONS` the face is not at rest."""
    return np.bincount(_REGION_OF, np.abs(values) > _MOVED, len(REGIONS)) > 0
