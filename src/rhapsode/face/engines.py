"""The engines by name: each manifest says what kind of engine its weights are for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from rhapsode.errors import WeightsError
from rhapsode.face.engine import Engine
from rhapsode.face.engine_frames import FaceEngine
from rhapsode.face.engine_manifest import KIND
from rhapsode.face.manifests import find


def _articulation(path: Path) -> FaceEngine:
    from rhapsode.face.reference.articulation import ArticulationEngine

    return ArticulationEngine.load(path)


def _audio2exp(path: Path) -> FaceEngine:
    from rhapsode.face.reference.audio2exp import Audio2ExpEngine

    return Audio2ExpEngine.load(path)


_KINDS: Mapping[str, Callable[[Path], FaceEngine]] = {
    KIND: Engine.load,
    "articulation": _articulation,
    "audio2exp": _audio2exp,
}


def load_engine(name_or_path: str | Path = "live") -> FaceEngine:
    """Return a shipped engine by name, or one from the path of a manifest; loaded once.

    Raises:
        WeightsError: there is none, it fails its check, or its kind is unknown.

    Example:
        >>> load_engine("live").look_ahead_samples
        640

    """
    path = find(name_or_path)
    try:
        kind = json.loads(path.read_text("utf-8")).get("kind", KIND)
    except (OSError, ValueError, AttributeError):
        kind = KIND
    if kind not in _KINDS:
        raise WeightsError(
            f"manifest {path}: kind is {kind!r}, expected one of {', '.join(_KINDS)}; "
            "these weights belong to another version of rhapsode"
        )
    return _KINDS[kind](path)
