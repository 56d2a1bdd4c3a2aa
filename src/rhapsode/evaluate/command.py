"""What ``rhapsode evaluate`` does, apart from the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rhapsode.errors import InputError, SettingError
from rhapsode.evaluate.conditions import CONDITIONS
from rhapsode.evaluate.faces import energy_mouth, measured_face
from rhapsode.evaluate.material import material
from rhapsode.evaluate.report import Measured, Progress, report
from rhapsode.face.direction import Direction

QUICK = ("clean", "20_db")
"""Conditions of a quick run."""

QUICK_REST_S = 4.0


def evaluate(
    engines: Sequence[str] = ("live",),
    *,
    data: Path | None = None,
    corpus: Path | None = None,
    names: Sequence[str] | None = None,
    raw: bool = False,
    style: str | None = None,
    quick: bool = False,
    peers: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return every measure of the engines.

    Args:
        engines: names of shipped engines, or paths of manifests.
        data: folder with any of grid_*/, facegood/ and speech/.
        corpus: what recipes/corpus makes.
        names: of conditions; None is all of them, or `QUICK`.
        raw: the engines alone, before shaping.
        style: of the engines' labels; needs ``raw``.
        quick: a fixed part of the material.
        peers: measure what others make, too.
        progress: called with what is being measured.

    Raises:
        InputError: a folder does not exist or holds nothing to measure on.
        SettingError: a condition or a style is unknown.
        WeightsError: an engine is unknown or damaged.

    """
    chosen = tuple(names or (QUICK if quick else CONDITIONS))
    unknown = [name for name in chosen if name not in CONDITIONS]
    if unknown:
        raise SettingError(
            f"conditions must be of {', '.join(CONDITIONS)}, got {', '.join(unknown)}; give names with commas"
        )
    if style and not raw:
        raise SettingError(f"--engine-style {style} is a style of the engine alone; add --raw")
    for what, folder, holds in (("data", data, "grid_*/, facegood/, speech/"), ("corpus", corpus, "shards/")):
        if folder is not None and not folder.is_dir():
            raise InputError(f"{what} must be a folder with {holds}, got {folder}, which is none")
    if corpus is not None and not any((corpus / "shards").glob("*.npz")):
        raise InputError(
            f"corpus {corpus} has no shards/*.npz; make it with recipes/corpus/, see its README.md"
        )
    faces = [_engine(name, raw=raw, style=style) for name in engines]
    if peers:
        faces.append(Measured("energy mouth", energy_mouth))
    heard = material(data, corpus)
    found = report(
        faces,
        heard.some() if quick else heard,
        names=chosen,
        progress=progress,
        rest_s=QUICK_REST_S if quick else 10.0,
    )
    return {"shaped": not raw, "style": style, "quick": quick, "conditions": list(chosen), **found}


def _engine(name: str, *, raw: bool, style: str | None) -> Measured:
    face, _ = measured_face(name, raw=raw, style=style)
    title = Path(name).stem if name.endswith(".json") else name
    return Measured(f"{title}, raw" if raw else title, face, Direction(weights=name))
