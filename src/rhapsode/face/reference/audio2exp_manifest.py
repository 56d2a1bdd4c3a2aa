"""The manifest beside audio2exp's weights, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import WeightsError
from rhapsode.face.contacts import Closure
from rhapsode.face.engine_manifest import FEATURES, bite_of, check_contacts
from rhapsode.face.manifests import checked_facts
from rhapsode.face.reference.basis import SPEECH, Basis
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.rigs import ARKIT

KIND = "audio2exp"
FORMAT = 1

_KEYS = (
    *("format", "kind", "name", "file", "sha256", "sample_rate", "hop_length", "look_ahead_samples"),
    *("delay_rows", "features", "channels", "basis", "moves", "state", "smoothing", "closure", "bite"),
    *("styles", "default_style", "recipe", "commit", "data"),
)


@dataclass(frozen=True, eq=False)
class Audio2ExpManifest:
    """A checked manifest.

    Args:
        name: of the engine.
        weights: path of the ONNX file.
        sha256: of that file.
        basis_sha256: of the basis that the network speaks in.
        look_ahead_samples: curve frame k depends on clock samples below 320 k + this.
        delay_rows: rows by which the network answers late.
        moves: columns of a style's table, each with the ARKit channels that it stands for.
        state: shapes of the past that the network carries.
        closure: how sure of touching lips the network must be.
        bite: how sure it must be that the lower lip begins to go to the upper teeth, and that it is there.
        styles: per style a (heads, moves) table of how much of each head goes into each move.
        default_style: one of ``styles``.
        data: data sources with licence and attribution.

    """

    name: str
    weights: Path
    sha256: str
    basis_sha256: str
    look_ahead_samples: int
    delay_rows: int
    moves: dict[str, tuple[str, ...]]
    state: tuple[tuple[int, ...], ...]
    closure: Closure
    bite: tuple[float, float]
    styles: dict[str, Float32]
    default_style: str
    data: tuple[dict[str, str], ...]

    def mix(self, style: str, basis: Basis) -> Float32:
        """Return (heads * 15, 50) float32: what each head's coefficients give to the face's."""
        shares = np.zeros((len(self.styles[style]), len(ARKIT)))
        for column, channels in enumerate(self.moves.values()):
            for channel in channels:
                shares[:, ARKIT.index(channel)] = self.styles[style][:, column]
        shown = basis.to_weights[None, :SPEECH] * shares[:, None]
        mixed = shown.reshape(-1, len(ARKIT)) @ basis.to_coefficients
        # What is only rounding is nothing: an axis that speech does not move stays at exactly 0.
        return np.asarray(np.where(np.abs(mixed) < 1e-6, 0, mixed), np.float32)


def read_manifest(path: Path) -> Audio2ExpManifest:
    """Read and check a manifest; the weights' checksum is checked by `manifests.checked_bytes`.

    Raises:
        WeightsError: the manifest cannot be read, lacks keys, or asks for what this version cannot do.

    """
    wanted: dict[str, object] = {"format": FORMAT, "kind": KIND, "sample_rate": CLOCK_HZ, "hop_length": HOP}
    wanted |= {"features": FEATURES, "channels": list(ARKIT.channels)}
    return _build(path, checked_facts(path, _KEYS, wanted))


def _build(path: Path, raw: dict[str, Any]) -> Audio2ExpManifest:
    try:
        made = Audio2ExpManifest(
            name=str(raw["name"]),
            weights=path.parent / str(raw["file"]),
            sha256=str(raw["sha256"]),
            basis_sha256=str(raw["basis"]["sha256"]),
            look_ahead_samples=int(raw["look_ahead_samples"]),
            delay_rows=int(raw["delay_rows"]),
            moves={str(move): tuple(channels) for move, channels in raw["moves"].items()},
            state=tuple(tuple(int(n) for n in dims) for dims in raw["state"]),
            closure=Closure.of(raw["closure"]),
            bite=bite_of(raw["bite"]),
            styles={str(name): np.asarray(table, np.float32) for name, table in raw["styles"].items()},
            default_style=str(raw["default_style"]),
            data=tuple(raw["data"]),
        )
        tables = [table.shape for table in made.styles.values()]
        unknown = [c for channels in made.moves.values() for c in channels if c not in ARKIT.channels]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WeightsError(f"manifest {path} is malformed ({error}); reinstall rhapsode") from error
    fitting = all(shape == (tables[0][0], len(made.moves)) for shape in tables)
    if made.default_style not in made.styles or unknown or not fitting:
        raise WeightsError(
            f"manifest {path} contradicts itself: default style '{made.default_style}', styles "
            f"{', '.join(made.styles)}, style tables {tables}, {len(made.moves)} moves, unknown channels "
            f"{unknown}; reinstall rhapsode"
        )
    check_contacts(path, made.closure, made.bite)
    if made.delay_rows < 0 or made.look_ahead_samples != (made.delay_rows + 1) * HOP:
        raise WeightsError(
            f"manifest {path}: look_ahead_samples is {made.look_ahead_samples}, expected "
            f"{(made.delay_rows + 1) * HOP} for delay_rows {made.delay_rows}; reinstall rhapsode"
        )
    return made
