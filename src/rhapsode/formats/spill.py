"""Arrays that grow row by row on the disk instead of in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.performance import Float32

_BLOCK_ROWS = 65_536


class Spill:
    """float32 rows in a nameless temporary file beside the target.

    Args:
        folder: where the file lives; the system removes it with the last handle.

    """

    def __init__(self, folder: Path) -> None:
        self._file: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it lives as long as this)
        self.rows = 0
        self.width = 0

    def append(self, values: Float32) -> None:
        """Append (n, width) float32 rows."""
        assert not self.rows or values.shape[1] == self.width
        self.rows, self.width = self.rows + len(values), values.shape[1]
        self._file.write(np.ascontiguousarray(values, "<f4").tobytes())

    def blocks(self) -> Iterator[Float32]:
        """Yield all rows in blocks of (n, width) float32, from the start."""
        self._file.seek(0)
        while data := self._file.read(_BLOCK_ROWS * max(self.width, 1) * 4):
            yield np.frombuffer(data, "<f4").reshape(-1, max(self.width, 1))

    def read(self, begin: int, end: int) -> Float32:
        """Return rows ``begin:end``, (n, width) float32; not while `blocks` is under way."""
        size = max(self.width, 1) * 4
        self._file.seek(begin * size)
        return np.frombuffer(self._file.read(max(end - begin, 0) * size), "<f4").reshape(-1, size // 4)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
