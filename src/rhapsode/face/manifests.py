"""Manifests of weights of any kind: where they lie, what they must say, and the bytes that they vouch for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rhapsode.errors import WeightsError

SHIPPED = Path(__file__).parent / "weights"

Loaded = TypeVar("Loaded")


class Weighed(Protocol):
    """A manifest of any kind: it names its weights and their checksum."""

    @property
    def weights(self) -> Path:
        """Path of the ONNX file."""
        ...

    @property
    def sha256(self) -> str:
        """Of that file."""
        ...


def shipped() -> tuple[str, ...]:
    """Return the names of the engines in the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.json")))


def find(name_or_path: str | Path) -> Path:
    """Return the manifest path of a shipped engine's name, or the path itself.

    Raises:
        WeightsError: there is no such engine and no such file.

    """
    path = Path(name_or_path)
    if path.suffix == ".json" or path.is_file():
        if path.is_file():
            return path
    elif str(name_or_path) in shipped():
        return SHIPPED / f"{name_or_path}.json"
    raise WeightsError(
        f"no engine '{name_or_path}'; give one of {', '.join(shipped())} or the path of a manifest (.json)"
    )


def checked_facts(path: Path, keys: Collection[str], wanted: Mapping[str, object]) -> dict[str, Any]:
    """Return what a manifest says, if it has exactly ``keys`` and says what is ``wanted`` of some of them.

    Raises:
        WeightsError: the manifest cannot be read, lacks keys, or asks for what this version cannot do.

    """
    try:
        raw = json.loads(path.read_text("utf-8"))
        if not isinstance(raw, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"manifest {path} cannot be read ({error}); expected a JSON object; reinstall rhapsode"
        ) from error
    if set(raw) != set(keys):
        missing, unknown = sorted(set(keys) - set(raw)), sorted(set(raw) - set(keys))
        raise WeightsError(
            f"manifest {path} lacks {missing or 'nothing'} and has unknown {unknown or 'nothing'}; "
            f"expected exactly {', '.join(keys)}"
        )
    for key, expected in wanted.items():
        if raw[key] != expected:
            raise WeightsError(
                f"manifest {path}: {key} is {_short(raw[key])}, expected {_short(expected)}; "
                "these weights belong to another engine or another version of rhapsode"
            )
    return raw


def checked_bytes(manifest: Weighed) -> bytes:
    """Return the weights file's bytes if they are the ones that the manifest names.

    Raises:
        WeightsError: the file is absent or its checksum differs.

    """
    try:
        content = manifest.weights.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"weights {manifest.weights} cannot be read ({error.strerror}); reinstall rhapsode"
        ) from error
    got = hashlib.sha256(content).hexdigest()
    if got != manifest.sha256:
        raise WeightsError(
            f"weights {manifest.weights} have sha256 {got}, expected {manifest.sha256}; the file is damaged "
            "or not the one its manifest describes: reinstall rhapsode or run the recipe again"
        )
    return content


def load_once(path: Path, load: Callable[[Path], Loaded]) -> Loaded:
    """Return what ``load`` makes of a manifest, once for as long as it and its weights stay as they are.

    Args:
        path: of the manifest; the weights lie beside it, under its name.
        load: a function of a module, so that it is the same every time.

    """
    loaded: Loaded = _loaded(load, path.resolve(), _stamp(path), _stamp(path.with_suffix(".onnx")))
    return loaded


@lru_cache(maxsize=8)
def _loaded(
    load: Callable[[Path], Any], path: Path, manifest_stamp: tuple[int, int], weights_stamp: tuple[int, int]
) -> Any:
    return load(path)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 120 else f"{text[:100]}... ({len(text)} characters)"
