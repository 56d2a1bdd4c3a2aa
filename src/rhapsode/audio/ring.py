"""A ring buffer of samples that are addressed by their absolute position in the stream."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rhapsode.performance import Float32, as_float32

Policy = Literal["drop_oldest", "refuse"]


class RingBuffer:
    """Keeps the latest samples of a stream in a fixed amount of memory.

    Sample number n of the stream is asked for as n, however much was dropped before it: positions never
    shift.

    Args:
        capacity: samples that fit.
        channels: per sample.
        policy: what a push beyond the capacity does. "drop_oldest" overwrites (a meter, a history that
            nobody waits for); "refuse" raises `BufferError` and takes nothing, so that no sample is lost
            unnoticed: `release` what has been used.

    Example:
        >>> ring = RingBuffer(4)
        >>> ring.push(np.arange(6, dtype=np.float32))
        2
        >>> ring.begin, ring.end, ring.read(3, 5).tolist()
        (2, 6, [3.0, 4.0])

    """

    def __init__(self, capacity: int, *, channels: int = 1, policy: Policy = "drop_oldest") -> None:
        assert capacity > 0
        assert channels > 0
        self.capacity, self.channels, self.policy = capacity, channels, policy
        self._store = np.zeros((capacity, channels), np.float32)
        self._begin = self._end = 0

    @property
    def begin(self) -> int:
        """Position of the oldest sample that is still held."""
        return self._begin

    @property
    def end(self) -> int:
        """Position after the newest sample: the number of samples pushed so far."""
        return self._end

    def __len__(self) -> int:
        return self._end - self._begin

    def push(self, samples: Float32) -> int:
        """Append ``samples``, (n,) or (n, channels) float32; return how many held ones were overwritten.

        Raises:
            BufferError: they do not fit and the policy is "refuse"; nothing was taken.

        """
        samples = as_float32(samples).reshape(-1, self.channels)
        excess = max(len(self) + len(samples) - self.capacity, 0)
        if excess and self.policy == "refuse":
            raise BufferError(
                f"ring buffer of {self.capacity} samples holds {len(self)}, got {len(samples)} more; "
                "release what was read, or make it larger"
            )
        end = self._end + len(samples)
        kept = samples[-self.capacity :]
        self._store[np.arange(end - len(kept), end) % self.capacity] = kept
        overwritten = min(excess, len(self))
        self._end = end
        self._begin = max(self._begin, end - self.capacity)
        return overwritten

    def read(self, begin: int, end: int) -> Float32:
        """Return a copy of samples ``begin:end``, (n,) for one channel, else (n, channels).

        Raises:
            IndexError: some of them are no longer, or not yet, held.

        """
        if not self._begin <= begin <= end <= self._end:
            raise IndexError(f"samples {begin}:{end} asked for, {self._begin}:{self._end} are held")
        found = self._store[np.arange(begin, end) % self.capacity]
        return found[:, 0] if self.channels == 1 else found

    def latest(self, count: int) -> Float32:
        """Return a copy of the newest ``count`` samples, fewer where fewer are held."""
        return self.read(max(self._end - count, self._begin), self._end)

    def release(self, until: int) -> None:
        """Let go of the samples before position ``until``."""
        self._begin = min(max(self._begin, until), self._end)
