"""What a server tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened in a conversation.

    Args:
        name: as "asked", "answer_text", "answered"; `rhapsode.conversation.events` has them all.
        data: its fields.

    """

    name: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    Args:
        turn: its number.
        text: what was heard of it; empty where nobody waited.
        meant: all that was to be said.
        language: BCP 47 tag.
        interrupted: whether it was cut off.
        source: where it comes from: kind, id, score.
        shown: links, each with title and url.
        suggestions: questions that may have been meant.

    """

    turn: int
    text: str = ""
    meant: str = ""
    language: str = ""
    interrupted: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)
    shown: tuple[Mapping[str, str], ...] = ()
    suggestions: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Answer:
        """Return what the server told as ``data``."""
        return cls(
            data["turn"],
            data.get("answer", ""),
            data.get("meant", ""),
            data.get("language", ""),
            data.get("interrupted", False),
            data.get("source", {}),
            tuple(data.get("shown", ())),
            tuple(data.get("suggestions", ())),
        )
