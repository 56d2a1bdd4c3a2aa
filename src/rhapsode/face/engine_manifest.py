"""The manifest beside an engine's weights: what they are, what they need, where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import WeightsError
from rhapsode.face import features, features_level
from rhapsode.face.contacts import Closure
from rhapsode.face.manifests import checked_facts
from rhapsode.performance import CLOCK_HZ, HOP, Float32
from rhapsode.rigs import ARKIT

FORMAT = 2
KIND = "articulator"

FEATURES: dict[str, object] = {
    "kind": "level-free log-mel",
    "n_mels": features.N_MELS,
    "win_length": features.WIN_LENGTH,
    "hop_length": features.HOP_LENGTH,
    "n_fft": features.N_FFT,
    "ahead": features.AHEAD,
    "width": features_level.WIDTH,
}

_KEYS = (
    *("format", "kind", "name", "file", "sha256", "sample_rate", "hop_length", "look_ahead_samples"),
    *("delay_rows", "features", "channels", "moves", "width", "dilations", "closure", "bite", "styles"),
    *("default_style", "recipe", "data"),
)


@dataclass(frozen=True, eq=False)
class Manifest:
    """A checked manifest.

    Args:
        name: of the engine.
        weights: path of the ONNX file.
        sha256: of that file.
        look_ahead_samples: curve frame k depends on clock samples below 320 k + this.
        delay_rows: rows by which the network answers late.
        moves: columns of one head, each with the ARKit channels that it drives.
        width: channels inside the network.
        dilations: how many rows each of its convolutions looks back, once and twice.
        closure: how sure of touching lips the network must be.
        bite: how sure it must be that the lower lip begins to go to the upper teeth, and that it is there.
        styles: per style a (heads, moves) table of how much of each head goes into each move.
        default_style: one of ``styles``.
        data: data sources with licence and attribution.

    """

    name: str
    weights: Path
    sha256: str
    look_ahead_samples: int
    delay_rows: int
    moves: dict[str, tuple[str, ...]]
    width: int
    dilations: tuple[int, ...]
    closure: Closure
    bite: tuple[float, float]
    styles: dict[str, Float32]
    default_style: str
    data: tuple[dict[str, str], ...]

    def routing(self, style: str) -> Float32:
        """Return (heads * moves, 52) float32: what one row of the network's answer does to each channel."""
        table = self.styles[style]
        routed = np.zeros((*table.shape, len(ARKIT)), np.float32)
        for column, channels in enumerate(self.moves.values()):
            for channel in channels:
                routed[:, column, ARKIT.index(channel)] += table[:, column]
        return routed.reshape(-1, len(ARKIT))


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest; the weights' checksum is checked by `manifests.checked_bytes`.

    Raises:
        WeightsError: the manifest cannot be read, lacks keys, or asks for what this version cannot do.

    """
    wanted: dict[str, object] = {"format": FORMAT, "kind": KIND, "sample_rate": CLOCK_HZ, "hop_length": HOP}
    wanted |= {"features": FEATURES, "channels": list(ARKIT.channels)}
    return _build(path, checked_facts(path, _KEYS, wanted))


def _build(path: Path, raw: dict[str, Any]) -> Manifest:
    try:
        styles = {str(name): np.asarray(table, np.float32) for name, table in raw["styles"].items()}
        made = Manifest(
            name=str(raw["name"]),
            weights=path.parent / str(raw["file"]),
            sha256=str(raw["sha256"]),
            look_ahead_samples=int(raw["look_ahead_samples"]),
            delay_rows=int(raw["delay_rows"]),
            moves={str(move): tuple(channels) for move, channels in raw["moves"].items()},
            width=int(raw["width"]),
            dilations=tuple(int(n) for n in raw["dilations"]),
            closure=Closure.of(raw["closure"]),
            bite=bite_of(raw["bite"]),
            styles=styles,
            default_style=str(raw["default_style"]),
            data=tuple(raw["data"]),
        )
        tables = [table.shape for table in styles.values()]
        unknown = [c for channels in made.moves.values() for c in channels if c not in ARKIT.channels]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WeightsError(f"manifest {path} is malformed ({error}); reinstall rhapsode") from error
    if made.default_style not in styles or unknown or any(t != (t[0], len(made.moves)) for t in tables):
        raise WeightsError(
            f"manifest {path} contradicts itself: default style '{made.default_style}', styles "
            f"{', '.join(styles)}, style tables {tables}, {len(made.moves)} moves, unknown channels "
            f"{unknown}; reinstall rhapsode"
        )
    check_contacts(path, made.closure, made.bite)
    if made.look_ahead_samples != (made.delay_rows + 1) * HOP:
        raise WeightsError(
            f"manifest {path}: look_ahead_samples is {made.look_ahead_samples}, expected "
            f"{(made.delay_rows + 1) * HOP} for delay_rows {made.delay_rows}; reinstall rhapsode"
        )
    return made


def bite_of(facts: dict[str, Any]) -> tuple[float, float]:
    """Return what a manifest's ``bite`` says.

    Raises:
        KeyError, TypeError, ValueError: a limit lacks or is no number.

    """
    return float(facts["low"]), float(facts["high"])


def check_contacts(path: Path, closure: Closure, bite: tuple[float, float]) -> None:
    """Check the limits of contacts that the manifest ``path`` gives.

    Raises:
        WeightsError: they are out of range or out of order.

    """
    remedy = "correct the manifest or reinstall rhapsode"
    for name, (low, high) in (("closure", closure[:2]), ("bite", bite)):
        if not 0 <= low < high <= 1:
            raise WeightsError(
                f"manifest {path}: {name} is {(low, high)}, expected 0 <= low < high <= 1; {remedy}"
            )
    if not 0 < closure.hold <= 1:
        raise WeightsError(
            f"manifest {path}: closure hold is {closure.hold}, expected 0 < hold <= 1; {remedy}"
        )
    levels = [db for db, _ in closure.noise]
    rising = all(before < after for before, after in pairwise(levels))
    if not (rising and np.isfinite(closure.noise).all() and all(times >= 1 for _, times in closure.noise)):
        raise WeightsError(
            f"manifest {path}: closure noise is {[*closure.noise]}, expected pairs of dB, each greater than "
            f"the one before, and how many times higher the limits are there, 1 or more; {remedy}"
        )
