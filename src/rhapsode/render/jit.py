"""The one way in which this room compiles: no interpreter lock, kept in numba's cache, types left intact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile ``function`` with exact arithmetic."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


def compiled_fast(function: F) -> F:
    """Compile ``function`` with arithmetic that may be reordered and takes no care of NaN."""
    return cast(F, njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """Compile ``function`` into its callers, with arithmetic that may be reordered."""
    return cast(
        F, njit(cache=True, nogil=True, fastmath=True, error_model="numpy", forceinline=True)(function)
    )
