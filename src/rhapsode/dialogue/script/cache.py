"""The vectors of a script's sentences, kept on disk under what they were computed from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

from rhapsode.dialogue.embedding import LONGEST, MODEL, Embed, Float32
from rhapsode.places import data_folder

_KEPT = 32  # files


def cached(texts: Sequence[str], embed: Embed, *, model: str = MODEL, folder: Path | None = None) -> Float32:
    """Return the vectors of ``texts``, from the disk where they are known.

    A cache that cannot be read or written is done without.

    Args:
        texts: (n,) sentences.
        embed: computes what is not known.
        model: name of what ``embed`` computes with; part of the key.
        folder: where files lie; None for the user's data.

    Returns:
        (n, d) float32 of unit length.

    """
    folder = data_folder("scripts") if folder is None else folder
    key = hashlib.sha256("\0".join((model, str(LONGEST), *texts)).encode("utf-8", "replace")).hexdigest()
    path = folder / f"{key[:32]}.npy"
    found = _read(path, len(texts))
    if found is None:
        found = embed(texts)
        _write(path, found)
    return found


def _read(path: Path, count: int) -> Float32 | None:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if found.dtype != np.float32 or found.ndim != 2 or len(found) != count or not np.isfinite(found).all():
        return None
    with suppress(OSError):
        os.utime(path)
    return np.asarray(found)


def _write(path: Path, vectors: Float32) -> None:
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.save(file, vectors)
        os.replace(partial, path)
        _prune(path.parent)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _prune(folder: Path) -> None:
    files = sorted(folder.glob("*.npy"), key=lambda file: file.stat().st_mtime, reverse=True)
    for old in files[_KEPT:]:
        old.unlink(missing_ok=True)
