"""An engine of one's own played: sound in, the user's own channels out, in their own units."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import soxr

from rhapsode.audio.decode import read_sound
from rhapsode.errors import FormatError
from rhapsode.face.engine import Engine
from rhapsode.face.features_level import EngineFeatures
from rhapsode.face.manifests import find
from rhapsode.formats import save
from rhapsode.formats.a2f_json import JsonWriter
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import CLOCK_HZ, Curves, Float32, Performance, as_float32
from rhapsode.train.own.package import read_rig_columns

ENDINGS = (".json", ".csv", ".npz", ".npy")

_BLOCK = 160_000


class OwnStream:
    """One sound on its way through an engine of one's own; T = ceil(N / 320) in all for N samples.

    Args:
        name_or_path: the manifest that `rhapsode train face` wrote.

    Raises:
        WeightsError: the engine fails its check.
        FormatError: it has no rig of its own.

    """

    def __init__(self, name_or_path: str | Path) -> None:
        engine = Engine.load(name_or_path)
        self.rig, self._rows = read_rig_columns(find(name_or_path), sha256=engine.manifest.sha256)
        self.names = tuple(row.name for row in self._rows)
        moved = [k for k, row in enumerate(self._rows) if row.column is not None]
        self._moved, self._columns = moved, [row.column for row in self._rows if row.column is not None]
        self._scale = as_float32([max(abs(self._rows[k].low), abs(self._rows[k].high)) for k in moved])
        self._rest = as_float32([row.rest for row in self._rows])
        self._low = as_float32([self._rows[k].low for k in moved])
        self._high = as_float32([self._rows[k].high for k in moved])
        self._features, self._memory = EngineFeatures(), engine.memory()
        self._delay = self._skip = engine.manifest.delay_rows

    def push(self, y: Float32) -> Float32:
        """Take the next samples, (n,) float32 at 16 kHz; return (T, C) of the curve frames they complete."""
        parts = [self._answer(self._features.push(y[k : k + _BLOCK])) for k in range(0, len(y), _BLOCK)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.names)), np.float32)

    def finish(self) -> Float32:
        """Return the curve frames up to the end of the sound; the stream ends here."""
        return self._answer(self._features.finish(self._delay))

    def _answer(self, rows: Float32) -> Float32:
        if not len(rows):
            return np.zeros((0, len(self.names)), np.float32)
        moves = self._memory.run(rows)[0]
        skipped = min(self._skip, len(rows))
        self._skip -= skipped
        made = np.tile(self._rest, (len(rows) - skipped, 1))
        own = made[:, self._moved] + moves[skipped:, self._columns] * self._scale
        made[:, self._moved] = np.minimum(np.maximum(own, self._low), self._high)
        return made


def play(sound: Path, engine: str | Path) -> Curves:
    """Return the user's own channels for a sound file, at 50 curve frames a second."""
    stream = OwnStream(engine)
    heard = read_sound(sound)
    y = heard.mono()
    if heard.sample_rate != CLOCK_HZ:
        y = as_float32(soxr.resample(y, heard.sample_rate, CLOCK_HZ))
    return Curves(stream.names, np.concatenate([stream.push(y), stream.finish()]))


def write(curves: Curves, path: Path, *, fps: Fraction | None = None) -> tuple[Path, ...]:
    """Write a rig's own channels: Audio2Face JSON, a table, our archive, or Maya's two arrays.

    Args:
        curves: as `play` returns them.
        path: .json, .csv, .npz, or .npy for ``<stem>_BS_value.npy`` and ``<stem>_BS_name.npy``.
        fps: frames a second; None keeps 50, and is 30 for Maya's arrays.

    Returns:
        The files.

    Raises:
        FormatError: another ending, or the folder refuses files.

    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise FormatError(f"cannot write '{path}': expected one of {' '.join(ENDINGS)}; rename it")
    rate = fps or (Fraction(30) if ending == ".npy" else None)
    made = curves.resample(rate) if rate else curves
    if ending == ".npz":
        return (save(Performance(made), path),)
    paths: tuple[Path, ...] = (path,)
    if ending == ".npy":
        paths = tuple(path.with_name(f"{path.stem}_BS_{part}.npy") for part in ("value", "name"))
    parts = [other.with_name(f".{other.name}.part{other.suffix}") for other in paths]
    try:
        _write(made, ending, parts)
        for part, other in zip(parts, paths, strict=True):
            part.replace(other)
    except OSError as error:
        raise FormatError(
            f"cannot write '{path}': {error.strerror or error}; choose another folder"
        ) from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return paths


def _write(curves: Curves, ending: str, parts: list[Path]) -> None:
    if ending == ".npy":
        np.save(parts[0], curves.values)
        np.save(parts[1], np.array(curves.names, np.str_))
    elif ending == ".json":
        writer = JsonWriter(parts[0], WriteOptions(fps=curves.rate))
        try:
            writer.write(Performance(curves))
            writer.close()
        except BaseException:
            writer.abort()
            raise
    else:
        with parts[0].open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["time_s", *curves.names])
            for when, row in zip(curves.times_s, curves.values, strict=True):
                table.writerow([f"{when:.4f}", *(f"{value:.6g}" for value in row)])
