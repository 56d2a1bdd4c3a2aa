"""What a format that bakes at the end keeps of a performance while it comes: face and motion, on the disk."""

from __future__ import annotations

from pathlib import Path

from rhapsode.formats.body import MotionTrack
from rhapsode.formats.spill import Spill
from rhapsode.performance import Performance
from rhapsode.rigs import FACE


class Kept:
    """The half of a writer that takes parts; see `rhapsode.formats.registry.Writer`.

    Args:
        path: of the file that is written at the end; what is kept lies beside it.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._face, self._motion = Spill(path.parent), MotionTrack(path.parent)
        self._rate = 0.0

    def write(self, part: Performance) -> None:
        """Keep the face and the motion of ``part``."""
        self._motion.append(part.motion)
        self._face.append(part.face.select(FACE.channels).values)
        self._rate = float(part.face.rate)

    def abort(self) -> None:
        """Let go of what is on the disk."""
        self._face.close()
        self._motion.close()
