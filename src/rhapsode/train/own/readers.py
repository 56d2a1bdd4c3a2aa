"""Curves of a face from the files that people have: Maya's arrays, Live Link, Audio2Face, our archives."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import FormatError
from rhapsode.formats import load
from rhapsode.performance import Curves, Performance, Sound, as_rate

CURVE_ENDINGS = (".npz", ".csv", ".json")
"""Files that hold curves with their names; Maya's arrays are two files, see `read_maya`."""

_VALUE_KEYS = ("weights", "values", "curves", "blendshapes")
_RATE_KEYS = ("fps", "rate")


def read_maya(values: Path, names: Path, fps: Fraction) -> Curves:
    """Read what a Maya script exported: an array of weights, and one of their names.

    Args:
        values: npy (T, C), one row a frame.
        names: npy (C,) of text.
        fps: frames a second, which the files do not say.

    Raises:
        FormatError: either is damaged, or they do not fit together.

    """
    weights, labels = _array(values), _array(names)
    listed = [_text(name) for name in labels.ravel().tolist()]
    if weights.ndim != 2 or weights.dtype.kind not in "fiu" or weights.shape[1] != len(listed):
        raise FormatError(
            f"'{values}' has shape {weights.shape} of {weights.dtype}, expected (frames, {len(listed)}) "
            f"for the names in '{names.name}'; export both again from the same node"
        )
    return Curves(_unrepeated(listed, names), weights.astype(np.float32), fps)


def read_file(path: Path, fps: Fraction | None = None) -> tuple[Curves, Sound | None]:
    """Read a file that holds curves with their names, and the sound if it is in it.

    Args:
        path: .npz (ours, or arrays ``names`` and ``weights`` with ``fps``), .csv, .json.
        fps: of an archive of arrays that does not say it.

    Raises:
        FormatError: it is not what its ending says.

    """
    if path.suffix.lower() == ".npz":
        arrays = _arrays(path)
        if "format" not in arrays:
            return _plain(path, arrays, fps), None
    performance: Performance = load(path)
    return performance.face, performance.sound


def _plain(path: Path, arrays: dict[str, NDArray], fps: Fraction | None) -> Curves:
    """Return an archive of plain arrays as curves."""
    held = next((arrays[key] for key in _VALUE_KEYS if key in arrays), None)
    if held is None or "names" not in arrays or held.ndim != 2:
        raise FormatError(
            f"'{path}' has the arrays {', '.join(sorted(arrays)) or 'none'}, expected 'names' (C,) and "
            f"'weights' (T, C), or a performance that rhapsode saved; name them so"
        )
    names = [_text(name) for name in arrays["names"].ravel().tolist()]
    rate = next((as_rate(float(arrays[key])) for key in _RATE_KEYS if key in arrays), fps)
    if rate is None:
        raise FormatError(f"'{path}' has no array 'fps', expected the frames a second; give --fps")
    if held.shape[1] != len(names) or held.dtype.kind not in "fiu":
        raise FormatError(
            f"'{path}' has values of shape {held.shape} of {held.dtype} for {len(names)} names, "
            f"expected (T, {len(names)}); write it again"
        )
    return Curves(_unrepeated(names, path), held.astype(np.float32), rate)


def _arrays(path: Path) -> dict[str, NDArray]:
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("a single array")
        with archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise FormatError(
            f"'{path}' is no archive of arrays ({_first_line(error)}); it may be cut off: write it again"
        ) from error


def _array(path: Path) -> NDArray:
    """Return the array of an .npy; text that an old script stored as objects is refused with the remedy."""
    try:
        made = np.load(path, allow_pickle=False)
        if not isinstance(made, np.ndarray):
            raise ValueError("an archive")
    except (OSError, ValueError, EOFError) as error:
        hint = "save names with np.array(names, dtype=str)" if "pickle" in str(error) else "export it again"
        raise FormatError(f"'{path}' is no plain NumPy array ({_first_line(error)}); {hint}") from error
    return made


def _text(value: Any) -> str:
    """Return a name as text, without the node that Maya puts before it ("face.jawOpen")."""
    name = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return name.strip().rpartition(".")[2]


def _unrepeated(names: Sequence[str], path: Path) -> tuple[str, ...]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise FormatError(
            f"'{path}' names {', '.join(repeated[:4])} more than once, expected once; rename them"
        )
    return tuple(names)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
