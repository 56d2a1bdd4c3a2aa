"""What a session can be asked to perform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from rhapsode.live.engine import Block
from rhapsode.performance import Performance


@dataclass(frozen=True)
class Speech:
    """Sound that the face is moved by.

    Args:
        text: shown as its title.
        kind: "text" or "sample".
        blocks: makes the sound, once the session comes to it: in a thread of the pool, or on the loop where
            the blocks come one by one from elsewhere.
        comes: called on the loop whenever the session comes to a block, with the clock sample at which its
            sound begins; never for a block that an interruption drops.

    """

    text: str
    kind: str
    blocks: Callable[[], Iterator[Block] | AsyncIterator[Block]]
    comes: Callable[[Block, int], None] | None = None


@dataclass(frozen=True, eq=False)
class Take:
    """A performance that is there already, shown as it is.

    Args:
        text: shown as its title.
        performance: with face curves in any known rig, and with sound or without.

    """

    text: str
    performance: Performance


Asked = Speech | Take
