"""Audio2Face JSON: the weights of every curve frame, with the names of the channels.

``{exportFps, trackPath, numPoses, numFrames, facsNames[numPoses], weightMat[numFrames][numPoses]}``, as
NVIDIA Audio2Face exports blendshape solves. ``exportFps`` is a whole number; ``numFrames`` is written last
here, since it is known last.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.errors import FormatError, SettingError
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Curves, Performance

_EXAMPLE = "export it again as Audio2Face JSON"


class JsonWriter:
    """Writes rows as they come; see `rhapsode.formats.registry.Writer`.

    Raises:
        SettingError: the rate is not a whole number.

    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        if options.fps is not None:
            _check_whole(options.fps)
        self._precision = options.precision
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._rows = 0
        self._begun = False

    def write(self, part: Performance) -> None:
        """Append the rows of ``part``."""
        if not self._begun:
            self._begin(part)
        # Adding zero turns -0.0, which some readers refuse, into 0.0.
        rounded = np.round(part.face.values.astype(np.float64), self._precision) + 0.0
        for row in rounded.tolist():
            self._file.write(("\n" if not self._rows else ",\n") + json.dumps(row, separators=(",", ":")))
            self._rows += 1

    def close(self) -> None:
        """Write the end."""
        assert self._begun, "a performance has at least one part"
        self._file.write(f'\n],\n"numFrames": {self._rows}\n}}\n')
        self._file.close()

    def abort(self) -> None:
        """Close the file as it is."""
        self._file.close()

    def _begin(self, part: Performance) -> None:
        _check_whole(part.face.rate)
        head = {
            "exportFps": int(part.face.rate),
            "trackPath": part.meta.get("source", ""),
            "numPoses": len(part.face.names),
            "facsNames": list(part.face.names),
        }
        text = json.dumps(head, ensure_ascii=False, indent=0)
        self._file.write(text.removesuffix("\n}") + ',\n"weightMat": [')
        self._begun = True


def _check_whole(rate: Fraction) -> None:
    if rate.denominator != 1:
        raise SettingError(
            f"Audio2Face JSON needs a whole number of frames per second, got {float(rate):.3f}; "
            f"try fps={round(rate)}, or write .csv or .npz"
        )


def read(path: Path) -> Performance:
    """Read an Audio2Face JSON file.

    Raises:
        FormatError: it is no JSON, or lacks what the layout asks for.

    """
    try:
        tree = json.loads(path.read_bytes().decode("utf-8-sig"), parse_constant=_refuse)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FormatError(
            f"'{path}' is no JSON ({_first_line(error)}); it may be cut off: {_EXAMPLE}"
        ) from error
    if not isinstance(tree, dict):
        raise _wrong(path, f"a {type(tree).__name__}", "an object with exportFps, facsNames and weightMat")
    fps, names, matrix = (tree.get(key) for key in ("exportFps", "facsNames", "weightMat"))
    if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not 0 < fps <= 10_000:
        raise _wrong(path, f"exportFps {fps!r}", "a number of frames per second")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _wrong(path, f"facsNames {_short(names)}", "a list of channel names")
    if len(set(names)) != len(names):
        raise _wrong(path, f"{len(names) - len(set(names))} repeated facsNames", "each name once")
    if not isinstance(matrix, list):
        raise _wrong(path, f"weightMat {_short(matrix)}", "a list of rows")
    values = _matrix(path, matrix, len(names))
    for key, expected in (("numPoses", len(names)), ("numFrames", len(matrix))):
        if key in tree and tree[key] != expected:
            raise _wrong(path, f"{key} {_short(tree[key])}", f"{expected}, as many as it holds")
    meta = (
        {"source": tree["trackPath"]} if isinstance(tree.get("trackPath"), str) and tree["trackPath"] else {}
    )
    return Performance(Curves(tuple(names), values, Fraction(fps)), meta=meta)


def _matrix(path: Path, rows: list[Any], width: int) -> np.ndarray:
    """Return the rows as (T, width) float32."""
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            got = f"{len(row)} weights" if isinstance(row, list) else _short(row)
            raise _wrong(path, f"{got} in row {number} of weightMat", f"{width}, one for each name")
        for value in row:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 3e38:
                raise _wrong(path, f"{_short(value)} in row {number} of weightMat", "numbers")
    return np.array(rows, np.float32).reshape(len(rows), width)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _wrong(path: Path, got: str, expected: str) -> FormatError:
    return FormatError(f"'{path}' is no Audio2Face JSON: got {got}, expected {expected}; {_EXAMPLE}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
