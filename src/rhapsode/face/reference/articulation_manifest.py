"""The manifest beside the articulation engine's weights, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import WeightsError
from rhapsode.face.features_lpc import HALF, ORDER, SUB_FRAMES, SUB_HOP, SUB_LENGTH
from rhapsode.face.manifests import checked_facts
from rhapsode.face.reference.articulation_image import DB_PER_UNIT, GRID
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.rigs.facegood import FACEGOOD

KIND = "articulation"
FORMAT = 1

FEATURES = {
    "kind": "lpc image with level",
    "order": ORDER,
    "sub_frames": SUB_FRAMES,
    "sub_length": SUB_LENGTH,
    "sub_hop": SUB_HOP,
    "grid": GRID,
    "db_per_unit": DB_PER_UNIT,
}

_KEYS = (
    *("format", "kind", "name", "file", "sha256", "sample_rate", "hop_length", "look_ahead_samples"),
    *("features", "rig", "channels", "formants", "emotions", "default_style", "recipe", "data"),
)


@dataclass(frozen=True, eq=False)
class ArticulationManifest:
    """A checked manifest.

    Args:
        name: of the engine.
        weights: path of the ONNX file.
        sha256: of that file.
        look_ahead_samples: curve frame k depends on clock samples below 320 k + this.
        formants: numbers in which the formant network puts a sub-frame.
        emotions: (E,) float32 vector per style name, all of one length.
        default_style: one of ``emotions``.
        data: data sources with licence and attribution.

    """

    name: str
    weights: Path
    sha256: str
    look_ahead_samples: int
    formants: int
    emotions: dict[str, Float32]
    default_style: str
    data: tuple[dict[str, str], ...]


def read_manifest(path: Path) -> ArticulationManifest:
    """Read and check a manifest; the weights' checksum is checked by `manifests.checked_bytes`.

    Raises:
        WeightsError: the manifest cannot be read, lacks keys, or asks for what this version cannot do.

    """
    wanted: dict[str, object] = {"format": FORMAT, "kind": KIND, "sample_rate": CLOCK_HZ, "hop_length": HOP}
    wanted |= {"look_ahead_samples": HALF, "features": FEATURES, "rig": FACEGOOD.name}
    wanted |= {"channels": list(FACEGOOD.channels)}
    return _build(path, checked_facts(path, _KEYS, wanted))


def _build(path: Path, raw: dict[str, Any]) -> ArticulationManifest:
    try:
        made = ArticulationManifest(
            name=str(raw["name"]),
            weights=path.parent / str(raw["file"]),
            sha256=str(raw["sha256"]),
            look_ahead_samples=int(raw["look_ahead_samples"]),
            formants=int(raw["formants"]),
            emotions={str(name): np.asarray(v, np.float32) for name, v in raw["emotions"].items()},
            default_style=str(raw["default_style"]),
            data=tuple(raw["data"]),
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WeightsError(f"manifest {path} is malformed ({error}); reinstall rhapsode") from error
    sizes = {name: vector.shape for name, vector in made.emotions.items()}
    finite = all(np.isfinite(vector).all() for vector in made.emotions.values())
    if made.default_style not in sizes or len(set(sizes.values())) != 1 or not finite:
        raise WeightsError(
            f"manifest {path} contradicts itself: default style '{made.default_style}', emotion vectors of "
            f"{sizes}, expected finite vectors of one length, the default among them; reinstall rhapsode"
        )
    return made
