"""The user's cache folder: what can be made again at any time."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """Return the product's folder in the platform's cache (not made yet).

    ``$XDG_CACHE_HOME/rhapsode`` if that is set to an absolute path (XDG Base Directory Specification),
    else ``%LOCALAPPDATA%``, ``~/Library/Caches`` or ``~/.cache`` by platform.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return Path(given) / "rhapsode"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "rhapsode" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rhapsode"
    return Path.home() / ".cache" / "rhapsode"


def cached_bytes(name: str, make: Callable[[], bytes]) -> Path | bytes:
    """Return the cached file called ``name``, made by ``make`` on first use.

    The file is written aside and renamed, so that two processes never see half of it. Where the cache
    cannot be written, the bytes themselves come back. ``name`` must change whenever the content would.
    """
    try:
        path = cache_folder() / name
        if path.is_file() and path.stat().st_size > 0:
            return path
    except (OSError, RuntimeError):
        return make()
    data = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError:
        return data
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(aside, path)
    except OSError:
        Path(aside).unlink(missing_ok=True)
        return data
    return path
