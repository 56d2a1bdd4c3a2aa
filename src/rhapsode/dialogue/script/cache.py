"""The vectors of a script's sentences, kept on disk so that only what is new is computed.

Those of the scripts that come with the product come with it too (``scripts/vectors.npz``), so that the first
conversation begins at once.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

from rhapsode.dialogue.embedding import LONGEST, MODEL, Embed, Float32
from rhapsode.places import data_folder

SHIPPED = Path(__file__).parents[1] / "scripts" / "vectors.npz"
"""Vectors of the scripts that come with the product, in half precision."""

_KEPT = 32  # files
_SEARCHED = 4  # files that sentences of an edited script are taken from
_BYTES = 16  # of the digest of a sentence

Known = dict[bytes, Float32]


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
    keys = [digest(text, model) for text in texts]
    path = folder / f"{hashlib.sha256(b''.join(keys)).hexdigest()[:32]}.npz"
    known = read_vectors(path)
    if not all(key in known for key in keys):
        known |= read_vectors(SHIPPED)
    if not all(key in known for key in keys):
        for file in _newest(folder)[:_SEARCHED]:
            known |= read_vectors(file)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known.update(zip(missing, embed(list(missing.values())), strict=True))
        write_vectors(path, {key: known[key] for key in keys})
        _prune(folder)
    return np.stack([known[key] for key in keys]) if keys else embed(())


def digest(text: str, model: str) -> bytes:
    """Return what the vector of ``text`` is kept under."""
    return hashlib.sha256(f"{model}\0{LONGEST}\0{text}".encode("utf-8", "replace")).digest()[:_BYTES]


def read_vectors(path: Path) -> Known:
    """Return the vectors of a file under the digests of their sentences; nothing of one that is broken."""
    try:
        with np.load(path, allow_pickle=False) as file:
            digests, vectors = file["digests"], file["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    if digests.shape != (len(vectors), _BYTES) or digests.dtype != np.uint8 or vectors.ndim != 2:
        return {}
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or not (lengths > 0).all():
        return {}
    with suppress(OSError):
        os.utime(path)
    return {key.tobytes(): vector for key, vector in zip(digests, vectors / lengths, strict=True)}


def write_vectors(path: Path, known: Known, *, dtype: type[np.floating] = np.float32) -> None:
    """Write vectors, whole or not at all; where that fails, nothing is kept."""
    digests = np.frombuffer(b"".join(known), np.uint8).reshape(-1, _BYTES)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.savez(file, digests=digests, vectors=np.stack(list(known.values())).astype(dtype))
        os.replace(partial, path)
    except (OSError, ValueError):
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def ship(build: Callable[[Path], None], folder: Path) -> None:
    """Write `SHIPPED` of what ``build`` keeps in the empty ``folder``."""
    build(folder)
    known: Known = {}
    for file in _newest(folder):
        known |= read_vectors(file)
    write_vectors(SHIPPED, dict(sorted(known.items())), dtype=np.float16)


def _newest(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.glob("*.npz"), key=lambda file: file.stat().st_mtime, reverse=True)
    return []


def _prune(folder: Path) -> None:
    with suppress(OSError):
        for old in _newest(folder)[_KEPT:]:
            old.unlink(missing_ok=True)
