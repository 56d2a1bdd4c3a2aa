"""MetaHuman's facial curves as CSV: a timecode, then ``CTRL_expressions_*`` and Live Link's nine angles.

No standard says how such a file looks: the timecode is that of Live Link Face (60ths of a second), so that
what reads one reads the other. Angles are radians unless ``angle_scale`` is given.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rhapsode import rigs
from rhapsode.formats.livelink_csv import Layout, read_table, timecode
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Performance
from rhapsode.rigs.metahuman import METAHUMAN

LAYOUT = Layout(
    "MetaHuman CSV",
    METAHUMAN,
    frozenset(("BlendShapeCount", *METAHUMAN.angles)),
    "export all curves again",
)

_ANGLES = slice(len(METAHUMAN) - len(METAHUMAN.angles), None)


class CsvWriter:
    """Writes rows as they come; see `rhapsode.formats.registry.Writer`."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._scale = options.angle_scale
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(",".join(("Timecode", *METAHUMAN.channels)) + "\n")
        self._line = "%s," + ",".join([f"%.{options.precision}f"] * len(METAHUMAN)) + "\n"
        self._rows = 0

    def write(self, part: Performance) -> None:
        """Append the rows of ``part``."""
        face = rigs.retarget(part.face, METAHUMAN.name)
        values = face.values.astype(np.float64)
        values[:, _ANGLES] *= self._scale
        for row in (values + 0.0).tolist():
            self._file.write(self._line % (timecode(self._rows, face.rate), *row))
            self._rows += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def abort(self) -> None:
        """Close the file as it is."""
        self._file.close()


def read(path: Path, *, angle_scale: float | None = None) -> Performance:
    """Read MetaHuman curves; the face is the nearest that ARKit's channels can make.

    Args:
        path: the file.
        angle_scale: what one radian is in the file; None takes angles beyond half a turn for degrees.

    Raises:
        FormatError: columns are missing, or a row is not what the header promises.

    """
    return read_table(path, LAYOUT, angle_scale=angle_scale)
