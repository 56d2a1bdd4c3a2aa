"""What is to be written, before any database is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from rhapsode.performance import Float32

Table = Literal["conversations", "turns", "stages", "moments"]
Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Row:
    """Columns of one row, which is made where there is none with its key.

    Args:
        table: its name.
        values: column to value, the key among them; columns that are not there keep what they hold.

    """

    table: Table
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def conversation(self) -> str:
        """The conversation that it belongs to."""
        return str(self.values["id" if self.table == "conversations" else "conversation"])


@dataclass(frozen=True, eq=False)
class Sound:
    """What one side said in a turn.

    Args:
        conversation: its id.
        number: of the turn.
        role: who.
        samples: (n,) float32 in [-1, 1].
        sample_rate: Hz.

    """

    conversation: str
    number: int
    role: Role
    samples: Float32
    sample_rate: int


Entry = Row | Sound


def clean(words: str) -> str:
    """Return ``words`` as every database takes them: no NUL, no halves of surrogate pairs."""
    return words.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
