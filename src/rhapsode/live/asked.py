"""What a session can be asked to perform."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rhapsode.live.engine import Block
from rhapsode.performance import Performance


@dataclass(frozen=True)
class Speech:
    """Sound that the face is moved by.

    Args:
        text: shown as its title.
        kind: "text" or "sample".
        blocks: makes the sound, once the session comes to it.

    """

    text: str
    kind: str
    blocks: Callable[[], Iterator[Block]]


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
