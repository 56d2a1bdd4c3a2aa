"""Recall against false closure: what an engine reaches for other limits of the certainty that lips touch."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.evaluate.articulation import Spoken, articulation
from rhapsode.evaluate.conditions import Condition
from rhapsode.evaluate.faces import measured_face
from rhapsode.face.manifests import find
from rhapsode.performance import CLOCK_HZ

LIMITS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Certainties at which lips begin to close; they are closed `SPAN` above."""

SPAN = 0.2
FALSE = 0.04
"""The vowel false closure at which recall is compared."""

Point = dict[str, float]


def curve(
    name: str,
    utterances: Sequence[Spoken],
    *,
    condition: Condition | None = None,
    limits: Sequence[float] = LIMITS,
    times: float | None = None,
    noise: bool = True,
    raw: bool = False,
) -> list[Point]:
    """Return recall, vowel false closure and precision of an engine per limit.

    Args:
        name: of a shipped engine, or path of a manifest with closure limits.
        utterances: with known phones.
        condition: how the sound reaches the face.
        limits: certainties at which lips begin to close.
        times: how many times higher they are closed; None is `SPAN` above.
        noise: limits rise with noise as the manifest says.
        raw: before shaping.

    Returns:
        One point per limit; none for an engine without closure limits.

    """
    path = find(name)
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if not {"low", "high"} <= set(manifest.get("closure") or {}):
        return []
    kept = {key: value for key, value in manifest["closure"].items() if noise or key != "noise"}
    points = []
    for low in limits:
        with tempfile.TemporaryDirectory() as folder:
            high = round(min(low * times if times else low + SPAN, 0.99), 3)
            changed = manifest | {"closure": kept | {"low": low, "high": high}}
            copy = Path(folder) / path.name
            copy.write_text(json.dumps(changed), encoding="utf-8")
            shutil.copy(path.parent / manifest["file"], folder)
            face = measured_face(copy, raw=raw, chunk=CLOCK_HZ)
            found = articulation(utterances, face, condition=condition)
        told = {key: found[key] for key in ("closed", "vowels_closed", "precision", "apex_error_ms")}
        points.append({"low": low, "high": high, **told})
    return points


def recall_at(points: Sequence[Point], false: float = FALSE) -> float:
    """Return the recall where the vowel false closure is ``false``, between the points of a curve.

    NaN if the curve lies above it everywhere; where it lies below everywhere, the greatest recall.
    """
    ordered = sorted(points, key=lambda point: point["vowels_closed"])
    x = np.array([point["vowels_closed"] for point in ordered])
    y = np.maximum.accumulate([point["closed"] for point in ordered]) if ordered else np.array([])
    if not len(x) or x[0] > false:
        return float("nan")
    return float(np.interp(false, x, y))


def low_at(points: Sequence[Point], false: float = FALSE) -> float:
    """Return the least certainty at which lips may begin to close where the vowel false closure is ``false``.

    It lies between the points of a curve; NaN if all of them lie above ``false``, the least certainty among
    them if all lie below.
    """
    ordered = sorted(points, key=lambda point: -point["low"])
    x = np.maximum.accumulate([point["vowels_closed"] for point in ordered]) if ordered else np.array([])
    if not len(x) or x[0] > false:
        return float("nan")
    return float(np.interp(false, x, [point["low"] for point in ordered]))
