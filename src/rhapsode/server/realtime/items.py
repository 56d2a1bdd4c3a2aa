"""What was said in a session of the Realtime API, item by item."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rhapsode.dialogue.turns import Call, Question, Turn
from rhapsode.server.realtime.update import RealtimeError
from rhapsode.server.realtime.words import Settled

Role = Literal["user", "assistant", "system"]

MOST = 2000
"""Items that are kept; older ones are forgotten."""


def new_id(kind: str) -> str:
    """Return an id such as "item_1f2e..."."""
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass(eq=False)
class Item:
    """A message, a call of a function of the client, or what came of one.

    Args:
        role: who says it.
        text: its words; of a spoken one as recognised, of an answer as heard, of a result the result.
        spoken: whether it is sound.
        done: whether it is whole.
        language: BCP 47 tag.
        asked: whether the conversation knows it.
        interrupted: whether it was cut off.
        truncated_ms: where its client says that listening ended.
        meant: all that was to be said; empty while that is ``text``.
        words: of an answer: each word with the second at which it ends, from the first sound on.
        question: of a spoken one that waits to be answered: what was heard.
        call: that this is, of no text.
        result_of: id of the call whose result this is.
        settled: of a spoken one: what was told of it while it was spoken.
        id: of the item.

    """

    role: Role
    text: str = ""
    spoken: bool = False
    done: bool = True
    language: str = "en"
    asked: bool = False
    interrupted: bool = False
    truncated_ms: int | None = None
    meant: str = ""
    words: list[tuple[str, float]] = field(default_factory=list)
    question: Question | None = None
    call: Call | None = None
    result_of: str = ""
    settled: Settled = field(default_factory=Settled)
    id: str = field(default_factory=lambda: new_id("item"))

    def shown(self, *, beta: bool) -> dict[str, Any]:
        """Return the item as clients are told of it."""
        status = "incomplete" if self.interrupted else "completed" if self.done else "in_progress"
        row = {"id": self.id, "object": "realtime.item", "status": status}
        if self.call is not None:
            arguments = self.call.arguments if self.done else ""
            about = {"call_id": self.call.id, "name": self.call.name, "arguments": arguments}
            return {**row, "type": "function_call", **about}
        if self.result_of:
            return {**row, "type": "function_call_output", "call_id": self.result_of, "output": self.text}
        if self.role == "assistant":
            kinds = ("audio", "text") if beta else ("output_audio", "output_text")
        else:
            kinds = ("input_audio", "input_text")
        if self.spoken:
            content: dict[str, Any] = {"type": kinds[0], "transcript": self.text or None}
        else:
            content = {"type": kinds[1], "text": self.text}
        return {
            **row,
            "type": "message",
            "role": self.role,
            "content": [content] if self.done or self.role != "assistant" else [],
        }

    def heard(self, seconds: float) -> str:
        """Return the part of the text that was spoken within ``seconds``."""
        meant, at = self.meant or self.text, 0
        for word, end_s in self.words:
            if end_s > seconds:
                return meant[:at].rstrip()
            found = re.compile(re.escape(word), re.IGNORECASE).search(meant, at)
            at = found.end() if found else at
        rest = meant[at:]
        return meant[:at].rstrip() if any(letter.isalnum() for letter in rest) else meant


class Items:
    """All items in order."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put ``item`` behind the item ``after``, or last; return the id of the one before it.

        Raises:
            RealtimeError: there is no item ``after``, or one with the id of ``item`` already.

        """
        if any(one.id == item.id for one in self._items):
            raise RealtimeError(
                f"there is an item '{item.id[:40]}' already; choose another id", param="item.id"
            )
        at = len(self._items)
        if after == "root":
            at = 0
        elif after is not None:
            at = self._items.index(self.find(after, "previous_item_id")) + 1
        self._items.insert(at, item)
        before = self._items[at - 1].id if at else None
        del self._items[: max(len(self._items) - MOST, 0)]
        return before

    def find(self, key: str, param: str = "item_id") -> Item:
        """Return an item by its id.

        Raises:
            RealtimeError: there is none.

        """
        for item in self._items:
            if item.id == key:
                return item
        raise RealtimeError(f"no item '{key[:40]}' in this session", code="item_not_found", param=param)

    @property
    def last(self) -> str | None:
        """The id of the last item; None where there is none."""
        return self._items[-1].id if self._items else None

    def call(self, key: str) -> Item | None:
        """Return the item of a call by the call's id; None where there is none."""
        return next((item for item in self._items if item.call is not None and item.call.id == key), None)

    @property
    def asked_last(self) -> Item | None:
        """The last item that the conversation knows, if the person said it."""
        known = next((item for item in reversed(self._items) if item.asked), None)
        return known if known is not None and known.role == "user" else None

    def remove(self, item: Item) -> None:
        """Take an item out."""
        self._items.remove(item)

    def history(self) -> tuple[Turn, ...]:
        """Return what both sides said, and what was called, as the conversation keeps it."""
        results = {item.result_of: item.text for item in self._items if item.result_of}
        turns: list[Turn] = []
        together = False
        for item in self._items:
            if item.call is not None:
                call = replace(item.call, result=results.get(item.call.id))
                if together:
                    turns[-1] = replace(turns[-1], calls=(*turns[-1].calls, call))
                else:
                    turns.append(Turn("assistant", "", item.language, calls=(call,)))
            elif item.role != "system" and not item.result_of and item.asked and item.text:
                turns.append(Turn(item.role, item.text, item.language, item.interrupted))
            together = item.call is not None
        return tuple(turns)
