"""The one way in which this room compiles: no interpreter lock, kept in numba's cache, types left intact.

numba judges a kept result by the age of the file that holds the function, and so misses changes in a
function that is compiled into it from another file. Here the text of all the room's compiled files counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def _fingerprint() -> str:
    """Return a digest of the sources of everything that is compiled."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("kernels_*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES = _fingerprint()


def _kept(dispatcher: Any) -> Any:
    """Make the cache of ``dispatcher`` depend on all sources."""
    file = getattr(dispatcher._cache, "_cache_file", None)
    if file is not None and hasattr(file, "_source_stamp"):
        file._source_stamp = _SOURCES
    return dispatcher


def compiled(function: F) -> F:
    """Compile ``function`` with exact arithmetic."""
    return cast(F, _kept(njit(cache=True, nogil=True, error_model="numpy")(function)))


def compiled_fast(function: F) -> F:
    """Compile ``function`` with arithmetic that may be reordered and takes no care of NaN."""
    return cast(F, _kept(njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function)))


def inlined(function: F) -> F:
    """Compile ``function`` into its callers, with arithmetic that may be reordered."""
    options = {"cache": True, "nogil": True, "fastmath": True, "error_model": "numpy", "forceinline": True}
    return cast(F, _kept(njit(**options)(function)))


def is_kept(function: Callable[..., Any]) -> bool:
    """Tell whether a compiled form of ``function`` lies in the cache, so that its first call is quick."""
    file = getattr(getattr(function, "_cache", None), "_cache_file", None)
    try:
        return bool(file is not None and file._load_index())
    except (OSError, EOFError, AttributeError, ImportError, ValueError):
        return False
