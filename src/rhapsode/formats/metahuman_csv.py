"""MetaHuman's facial curves as CSV: a timecode, then ``CTRL_expressions_*`` and Live Link's nine angles.

No standard says how such a file looks: the timecode is that of Live Link Face (60ths of a second), so that
what reads one reads the other. Angles are radians unless ``angle_scale`` is given.
"""

from __future__ import annotations

from pathlib import Path

from rhapsode.formats.livelink_csv import Layout, TableWriter, read_table
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Performance
from rhapsode.rigs.metahuman import METAHUMAN

LAYOUT = Layout(
    "MetaHuman CSV",
    METAHUMAN,
    frozenset(("BlendShapeCount", *METAHUMAN.angles)),
    "export all curves again",
)


class CsvWriter(TableWriter):
    """Writes rows as they come."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        header = ",".join(("Timecode", *METAHUMAN.channels))
        line = "%s," + ",".join([f"%.{options.precision}f"] * len(METAHUMAN))
        super().__init__(path, METAHUMAN, header=header, line=line, angle_scale=options.angle_scale)


def read(path: Path, *, angle_scale: float | None = None) -> Performance:
    """Read MetaHuman curves; the face is the nearest that ARKit's channels can make.

    Args:
        path: the file.
        angle_scale: what one radian is in the file; None takes angles beyond half a turn for degrees.

    Raises:
        FormatError: columns are missing, or a row is not what the header promises.

    """
    return read_table(path, LAYOUT, angle_scale=angle_scale)
