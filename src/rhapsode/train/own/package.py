"""What a user gets: the engine as ONNX and manifest, and beside it how its columns read as the user's rig."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.errors import FormatError, InputError
from rhapsode.performance import Float32
from rhapsode.train.own.columns import Columns

FORMAT, VERSION = "rhapsode-own-rig", 1
ENDING = ".rig.json"


@dataclass(frozen=True)
class RigColumn:
    """A channel of the user's rig and how to get it.

    Args:
        name: of the channel.
        low: of its range.
        high: of its range.
        rest: its value in the rest pose.
        column: of the network's answer; None where sound does not move it.

    """

    name: str
    low: float
    high: float
    rest: float
    column: int | None


def rig_path(manifest: Path) -> Path:
    """Return where the rig of an engine of one's own lies."""
    return manifest.with_name(manifest.stem + ENDING)


def write_rig(columns: Columns, rest: Float32, path: Path, *, sha256: str) -> None:
    """Write how the columns of a network read as the user's rig.

    Args:
        columns: of the network.
        rest: (C,) the rest pose as fractions of the ranges.
        path: the file.
        sha256: of the weights that it belongs to.

    """
    rows = [
        {
            "name": channel.name,
            "low": channel.low,
            "high": channel.high,
            "rest": round(float(rest[k]) * channel.scale, 6),
            "column": columns.own.index(channel.name) if channel.name in columns.own else None,
        }
        for k, channel in enumerate(columns.rig.channels)
    ]
    tree = {
        "format": FORMAT,
        "version": VERSION,
        "name": columns.rig.name,
        "sha256": sha256,
        "channels": rows,
    }
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_rig_columns(manifest: Path, *, sha256: str) -> tuple[str, tuple[RigColumn, ...]]:
    """Return the name and the channels of the rig of an engine of one's own.

    Raises:
        FormatError: the engine has none, or it is not what it should be.

    """
    path = rig_path(manifest)
    try:
        tree = json.loads(path.read_text("utf-8"))
        if tree["format"] != FORMAT or tree["version"] != VERSION:
            raise ValueError(f"got {tree['format']} {tree['version']}")
        rows = tuple(
            RigColumn(str(r["name"]), float(r["low"]), float(r["high"]), float(r["rest"]), r["column"])
            for r in tree["channels"]
        )
        belongs = tree["sha256"] == sha256
    except FileNotFoundError:
        raise FormatError(
            f"engine '{manifest}' has no rig of its own ('{path.name}' is missing), expected one that "
            "rhapsode train face made; use rhapsode animate for other engines"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"rig '{path}' cannot be read ({error}); train the engine again") from error
    if not belongs:
        raise FormatError(f"rig '{path}' belongs to other weights; train the engine again")
    return str(tree["name"]), rows


def check_folder(folder: Path, *, need_mib: int = 64) -> None:
    """Make a folder and see that it takes files.

    Raises:
        InputError: it cannot be made or written to, or its disk is full.

    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise InputError(
            f"folder '{folder}' cannot be written to ({error.strerror or error}); choose another with --out"
        ) from error
    if free < need_mib << 20:
        if made:
            folder.rmdir()
        raise InputError(f"the disk of '{folder}' has {free >> 20} MiB left, expected {need_mib}; free some")


def constant_rest(rests: list[Float32]) -> Float32:
    """Return (C,) the usual rest pose of several takes."""
    return np.asarray(np.median(np.stack(rests), axis=0), np.float32)
