"""What observers of a live session see: windows of recent numbers."""

from __future__ import annotations

from collections import deque

import numpy as np


class Window:
    """The last numbers of a kind, for their median and 95th percentile.

    Args:
        size: how many are kept.

    """

    def __init__(self, size: int = 500) -> None:
        self._kept: deque[float] = deque(maxlen=size)

    def add(self, value: float) -> None:
        """Take a number."""
        self._kept.append(value)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def spread(self) -> tuple[float, float] | None:
        """Median and 95th percentile of the last numbers; None before the first."""
        if not self._kept:
            return None
        median, high = np.percentile(np.fromiter(self._kept, float), [50, 95])
        return float(median), float(high)
