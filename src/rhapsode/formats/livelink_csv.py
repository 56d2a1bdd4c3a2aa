"""Live Link Face CSV: what Epic's iPhone app records beside its video.

63 columns: ``Timecode``, ``BlendShapeCount`` (61), then the channels in the app's own order (JawRight before
JawLeft, MouthRight before MouthLeft). The timecode is ``HH:MM:SS:FF.mmm`` where FF counts 60ths of a second
whatever the rate, with thousandths of those behind the point. Angles are radians. Source: the CSV importer
of Unreal Engine's Live Link Face plug-in, and recorded files.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode import rigs
from rhapsode.errors import FormatError
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Curves, Performance
from rhapsode.rigs.livelink import LIVELINK_CSV
from rhapsode.rigs.rig import Rig

COLUMNS: tuple[str, ...] = ("Timecode", "BlendShapeCount", *LIVELINK_CSV.channels)
"""The header line."""

UNITS_HZ = 60_000
"""Timecodes count thousandths of a 60th of a second."""

_DAY = 24 * 3600 * UNITS_HZ
_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})[:;](\d{1,2})(?:\.(\d{1,9}))?")
_COMMON = (24, 25, 30, 50, 60, 120)
_LARGEST = 3e38


@dataclass(frozen=True)
class Layout:
    """A CSV of curves with a timecode in each row.

    Args:
        kind: name of the format, for messages.
        rig: its channels, the angles last; columns stand in any order and case.
        optional: columns that may be absent, which are 0 then.
        remedy: what to do where a file is not right.

    """

    kind: str
    rig: Rig
    optional: frozenset[str]
    remedy: str

    def wrong(self, path: Path, got: str, expected: str) -> FormatError:
        """Return the error that says what the file is not."""
        return FormatError(f"'{path}' is no {self.kind}: got {got}, expected {expected}; {self.remedy}")


LIVELINK = Layout(
    "Live Link Face CSV",
    LIVELINK_CSV,
    frozenset(("BlendShapeCount", "TongueOut", *LIVELINK_CSV.angles)),
    "export it again from Live Link Face",
)
"""Recordings without the tongue, the angles or the count are met from other apps."""


def timecode(frame: int, rate: Fraction) -> str:
    """Return the timecode of curve frame number ``frame`` at ``rate`` frames per second.

    >>> timecode(1, Fraction(30)), timecode(1, Fraction(50))
    ('00:00:00:02.000', '00:00:00:01.200')
    """
    units = round(frame * UNITS_HZ / rate) % _DAY
    sixtieths, thousandths = divmod(units, 1000)
    seconds, sixtieths = divmod(sixtieths, 60)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}:{sixtieths:02}.{thousandths:03}"


class TableWriter:
    """Writes a timecode and a rig's channels row by row as they come; see `rhapsode.formats.registry.Writer`.

    Args:
        path: of the file.
        rig: whose angles, its last channels, are scaled.
        header: column names.
        line: format of a row: of the timecode, then of every channel.
        angle_scale: what one radian is in the file.

    """

    def __init__(self, path: Path, rig: Rig, *, header: str, line: str, angle_scale: float) -> None:
        self._rig, self._scale = rig, angle_scale
        self._angles = slice(len(rig) - len(rig.angles), None)
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(header + "\n")
        self._line = line + "\n"
        self._rows = 0

    def write(self, part: Performance) -> None:
        """Append the rows of ``part``."""
        face = rigs.retarget(part.face, self._rig.name)
        values = face.values.astype(np.float64)
        values[:, self._angles] *= self._scale
        for row in (values + 0.0).tolist():
            self._file.write(self._line % (timecode(self._rows, face.rate), *row))
            self._rows += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def abort(self) -> None:
        """Close the file as it is."""
        self._file.close()


class CsvWriter(TableWriter):
    """Writes rows as Live Link Face does."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        line = "%s,61," + ",".join(["%.10f"] * len(LIVELINK_CSV))
        super().__init__(
            path, LIVELINK_CSV, header=",".join(COLUMNS), line=line, angle_scale=options.angle_scale
        )


def read(path: Path, *, angle_scale: float | None = None) -> Performance:
    """Read a Live Link Face CSV file; irregular timecodes are brought to an even grid by interpolation.

    A row without a face (BlendShapeCount 0) holds the values of the row before it.

    Args:
        path: the file.
        angle_scale: what one radian is in the file; None takes angles beyond half a turn for degrees.

    Raises:
        FormatError: columns are missing, or a row is not what the header promises.

    """
    return read_table(path, LIVELINK, angle_scale=angle_scale)


def read_table(path: Path, layout: Layout, *, angle_scale: float | None = None) -> Performance:
    """Read a CSV of ``layout``; see `read`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = [row for row in csv.reader(file, strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"'{path}' is no CSV text ({error}); {layout.remedy}") from error
    rig = layout.rig
    columns = ("Timecode", "BlendShapeCount", *rig.channels)
    if not table:
        raise layout.wrong(path, "an empty file", f"a header of {len(columns)} columns")
    header = [cell.strip().lower() for cell in table[0]]
    absent = [name for name in columns if name.lower() not in header]
    # A header that is cut off looks like one of fewer columns: some of the angles, or nothing below it.
    whole = len(table) > 1 and len(set(rig.angles) & set(absent)) in (0, len(rig.angles))
    missing = [name for name in absent if not whole or name not in layout.optional]
    if missing:
        raise layout.wrong(path, f"a header without {', '.join(missing[:4])}", f"all {len(columns)} columns")
    units, values = _rows(path, layout, header, table[1:])
    angles = slice(len(rig) - len(rig.angles), None)
    turned = np.abs(values[:, angles]).max(initial=0.0) > np.pi
    values[:, angles] /= angle_scale or (np.degrees(1.0) if turned else 1.0)
    rate, even = _grid(units, values)
    face = Curves(rig.channels, even.astype(np.float32), rate)
    return Performance(replace(rigs.retarget(face, "face"), rate=rate), meta={"subject": path.stem})


def _rows(
    path: Path, layout: Layout, header: list[str], table: list[list[str]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return times in `UNITS_HZ` from the first row on, and values in the order of the rig."""
    held = [k for k, name in enumerate(layout.rig.channels) if name.lower() in header]
    places = [header.index(layout.rig.channels[k].lower()) for k in held]
    when = header.index("timecode")
    count = header.index("blendshapecount") if "blendshapecount" in header else None
    units = np.zeros(len(table), np.int64)
    values = np.zeros((len(table), len(layout.rig)))
    for number, row in enumerate(table):
        line = number + 2
        faceless = count is not None and len(row) > count and row[count].strip() == "0"
        if len(row) != len(header) and not (faceless and len(row) > when):
            raise layout.wrong(path, f"{len(row)} cells in line {line}", f"{len(header)}; it may be cut off")
        units[number] = _units(path, layout, row[when], line)
        if faceless:
            values[number] = values[number - 1] if number else 0.0
            continue
        try:
            values[number, held] = [float(row[place]) for place in places]
        except ValueError as error:
            got = f"a cell that is no number in line {line} ({error})"
            raise layout.wrong(path, got, "numbers") from error
        if not (np.abs(values[number]) < _LARGEST).all():
            raise layout.wrong(path, f"a cell that is not finite in line {line}", "numbers")
    if len(units):
        steps = np.diff(units)
        # A recording across midnight starts again at zero.
        units = np.concatenate([[0], np.cumsum(np.where(steps < -_DAY // 2, steps + _DAY, steps))])
    if (np.diff(units) <= 0).any():
        line = int(np.argmax(np.diff(units) <= 0)) + 3
        got = f"a timecode in line {line} that is not later than the one before"
        raise layout.wrong(path, got, "rising times")
    return units, values


def _units(path: Path, layout: Layout, text: str, line: int) -> int:
    match = _TIMECODE.fullmatch(text.strip())
    if match is None:
        raise layout.wrong(path, f"timecode '{text[:24]}' in line {line}", "HH:MM:SS:FF.mmm")
    hours, minutes, seconds, sixtieths = (int(group) for group in match.groups()[:4])
    if hours > 23 or minutes > 59 or seconds > 59 or sixtieths > 59:
        raise layout.wrong(path, f"timecode '{text}' in line {line}", "HH:MM:SS:FF.mmm, FF below 60")
    thousandths = round(float(f"0.{match[5] or 0}") * 1000)
    return ((hours * 60 + minutes) * 60 + seconds) * UNITS_HZ + sixtieths * 1000 + thousandths


def _grid(units: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[Fraction, NDArray[np.float64]]:
    """Return the rate and the values on its even grid, untouched where the rows already lie on it."""
    if len(units) < 2:
        return Fraction(60), values
    step = float(np.median(np.diff(units)))
    regular = np.abs(units - np.arange(len(units)) * (units[-1] / (len(units) - 1))).max() <= step / 2
    span = int(units[-1]) if regular else round(step * (len(units) - 1))
    rate = _rate(span, len(units) - 1)
    if regular:
        return rate, values
    count = int(units[-1] * rate // UNITS_HZ) + 1
    ticks = np.arange(count) * float(UNITS_HZ / rate)
    return rate, np.stack([np.interp(ticks, units, column) for column in values.T], axis=1)


def _rate(span: int, steps: int) -> Fraction:
    """Return the likeliest rate of ``steps`` steps in ``span`` units, each end rounded to a unit."""
    lowest, highest = (Fraction(steps * UNITS_HZ, max(span + slack, 1)) for slack in (1, -1))
    nearest = Fraction(steps * UNITS_HZ, span)
    for choices in (_COMMON, range(1, 1001)):
        broadcast = [Fraction(whole * 1000, 1001) for whole in choices if whole % 6 == 0]
        likely = [rate for rate in (*map(Fraction, choices), *broadcast) if lowest <= rate <= highest]
        if likely:
            return min(likely, key=lambda rate: abs(rate - nearest))
    return nearest.limit_denominator(1001)
