"""FACEGOOD's takes: one Mandarin speaker, animated by hand for the mouth, mapped to the learned moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import as_float32
from rhapsode.train.takes import MOVES, Take, curve_count, read_sound, to_curve_rate

STYLE = 1

CLOSED_JAW = 0.02

_MAP: dict[str, tuple[tuple[str, float], ...]] = {
    "jawOpen": (("mouth_stretch_c", 1.0),),
    "mouthClose": (("mouth_chew_c", 1.0),),
    "mouthFunnel": (
        *((f"mouth_funnel_{side}", 0.8) for side in ("dl", "dr", "ul", "ur")),
        ("mouth_oh_c", 0.5),
    ),
    "mouthPucker": (("mouth_pucker_l", 1.0), ("mouth_pucker_r", 1.0), ("mouth_oo_c", 0.8)),
    "mouthSmile": (("mouth_lipCornerPull_l", 1.0), ("mouth_lipCornerPull_r", 1.0)),
    "mouthFrown": (("mouth_lipCornerDepress_l", 1.0), ("mouth_lipCornerDepressFix_l", 1.0)),
    "mouthDimple": (("mouth_dimple_l", 1.0), ("mouth_dimple_r", 1.0)),
    "mouthStretch": (("mouth_lipStretch_l", 1.0), ("mouth_lipStretch_r", 1.0)),
    "mouthRollLower": (("mouth_suck_dl", 1.0), ("mouth_suck_dr", 1.0)),
    "mouthRollUpper": (("mouth_suck_ul", 1.0), ("mouth_suck_ur", 1.0)),
    "mouthShrugLower": (("mouth_chinRaise_d", 1.0),),
    "mouthShrugUpper": (("mouth_chinRaise_u", 1.0),),
    "mouthPress": (("mouth_press_l", 1.0), ("mouth_press_r", 1.0)),
    "mouthLowerDown": (("mouth_lowerLipDepress_l", 1.0), ("mouth_lowerLipDepress_r", 1.0)),
    "mouthUpperUp": (("mouth_upperLipRaise_l", 1.0), ("mouth_upperLipRaise_r", 1.0)),
}
"""For each move the Maya shapes that drive it (the largest wins); order of `MOVES`."""

OH_JAW = 0.25
"""Part of mouth_oh_c, which opens the jaw itself, that goes to jawOpen."""


def moves(weights: NDArray, names: list[str]) -> NDArray[np.float64]:
    """Return (T, len(MOVES)) from (T, 116) FACEGOOD weights."""
    assert tuple(_MAP) == tuple(MOVES)
    columns = [
        np.max([gain * weights[:, names.index(name)] for name, gain in sources], axis=0)
        for sources in _MAP.values()
    ]
    mapped = np.stack(columns, axis=1).astype(np.float64)
    mapped[:, 0] += OH_JAW * weights[:, names.index("mouth_oh_c")]
    return np.clip(mapped, 0, 1)


def load_facegood(folder: Path) -> list[Take]:
    """Return every labelled take of ``folder`` (audio/, one npz per take)."""
    takes = []
    for path in sorted(folder.glob("*.npz")):
        take = np.load(path)
        y = read_sound(folder / "audio" / f"{path.stem}.flac")
        mapped = moves(take["weights"], [str(n) for n in take["names"]])
        labels = to_curve_rate(mapped, float(take["fps"]), curve_count(y))
        unknown = np.full(len(labels), np.nan)
        takes.append(Take(path.stem, y, labels, as_float32(unknown), STYLE))
    return takes
