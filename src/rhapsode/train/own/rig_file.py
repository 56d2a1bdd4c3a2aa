"""The rig file: YAML or JSON that names the user's channels, read and checked key by key."""

from __future__ import annotations

import json
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import MissingExtraError, RigError, SettingError
from rhapsode.performance import as_rate
from rhapsode.rigs import ARKIT, maps

_KEYS = ("name", "fps", "range", "sides", "symmetric", "like", "channels")
_CHANNEL_KEYS = ("arkit", "range", "learn")
_SIDES = ("character", "viewer")


def read_rig(path: Path, *, default_name: str = "own") -> dict[str, Any]:
    """Read a rig file, YAML or JSON, and check its keys.

    Raises:
        RigError: it cannot be read, or a key or a value of it is not what it should be.
        MissingExtraError: it is YAML and the reader for that is not installed.

    """
    try:
        text = path.read_text("utf-8-sig")
        tree = json.loads(text) if path.suffix.lower() == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise RigError(f"rig '{path}' cannot be read ({reason}); expected YAML or JSON") from error
    if not isinstance(tree, dict):
        raise RigError(f"rig '{path}' is a {type(tree).__name__}, expected the keys {', '.join(_KEYS)}")
    unknown = [str(key) for key in tree if key not in _KEYS]
    if unknown:
        raise RigError(f"rig '{path}' has the unknown key '{unknown[0]}', expected {', '.join(_KEYS)}")
    if tree.get("sides", "character") not in _SIDES:
        raise RigError(f"rig '{path}': sides must be {' or '.join(_SIDES)}, got {tree['sides']!r}")
    if "like" in tree and (str(tree["like"]), ARKIT.name) not in maps():
        known = ", ".join(sorted(source for source, target in maps() if target == ARKIT.name))
        raise RigError(f"rig '{path}': like must be one of {known}, got {tree['like']!r}")
    tree["range"] = _range(tree["range"], path, "range") if "range" in tree else None
    if tree.get("fps") is not None:
        tree["fps"] = _fps(tree["fps"], path)
    tree.setdefault("name", default_name)
    tree["channels"] = _listed(tree.get("channels"), path)
    return tree


def _yaml(text: str) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("the reader of YAML rigs", "train") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from error


def _listed(channels: Any, path: Path) -> dict[str, dict[str, Any]] | None:
    """Return the channels of a rig file by name, each as a mapping."""
    if channels is None:
        return None
    if isinstance(channels, list):
        channels = {str(name): None for name in channels}
    if not isinstance(channels, dict) or not channels:
        raise RigError(f"rig '{path}': channels must be a list of names or a mapping, got {channels!r:.60}")
    made: dict[str, dict[str, Any]] = {}
    for name, entry in channels.items():
        if entry is None or isinstance(entry, dict):
            entry = dict(entry or {})
        elif entry in ("ignore", False):
            entry = {"learn": False}
        elif entry == "none":
            entry = {"arkit": {}}
        else:
            entry = {"arkit": entry}
        unknown = [str(key) for key in entry if key not in _CHANNEL_KEYS]
        if unknown:
            raise RigError(
                f"rig '{path}': channel '{name}' has the unknown key '{unknown[0]}', "
                f"expected {', '.join(_CHANNEL_KEYS)}"
            )
        if "arkit" in entry:
            entry["arkit"] = _targets(entry["arkit"], str(name), path)
        if "range" in entry:
            entry["range"] = _range(entry["range"], path, f"range of '{name}'")
        made[str(name)] = entry
    return made


def _targets(given: Any, name: str, path: Path) -> dict[str, float]:
    listed = {given: 1.0} if isinstance(given, str) else given
    listed = dict.fromkeys(listed, 1.0) if isinstance(listed, list) else listed
    try:
        weights = {str(target): float(weight) for target, weight in (listed or {}).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise RigError(
            f"rig '{path}': channel '{name}' has arkit {given!r}, "
            "expected an ARKit channel, or weights by channel"
        ) from error
    for target in weights:
        if target not in ARKIT.channels:
            near = get_close_matches(target, ARKIT.channels, n=3) or ARKIT.channels[14:17]
            raise RigError(
                f"rig '{path}': channel '{name}' drives '{target}', which is no ARKit channel; "
                f"nearest: {', '.join(near)}"
            )
    return weights


def _fps(given: Any, path: Path) -> Fraction:
    try:
        return as_rate(given)
    except SettingError as error:
        raise RigError(f"rig '{path}': {error}") from None


def _range(given: Any, path: Path, what: str) -> tuple[float, float]:
    try:
        low, high = (float(edge) for edge in given)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not low < high or not np.isfinite([low, high]).all() or high <= 0:
        raise RigError(f"rig '{path}': {what} must be two rising numbers such as [0, 100], got {given!r}")
    return low, high
