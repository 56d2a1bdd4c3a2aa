"""Events of a conversation as JSON, kept a while and counted, for all who are told of them."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass, fields
from typing import Any

from rhapsode.conversation.events import Event
from rhapsode.dialogue.turns import Turn
from rhapsode.face.emotion import Emotion

KEPT = 1000
"""Events that are kept for who comes back."""


@dataclass(frozen=True)
class Told:
    """One event as it is told.

    Args:
        id: counts from 1 in each session.
        name: snake case of the event's class.
        data: its fields.

    """

    id: int
    name: str
    data: dict[str, Any]

    @property
    def message(self) -> dict[str, Any]:
        """As a message of the stage's protocol."""
        return {"type": "talk", "event": self.name, **self.data}


class Ring:
    """The newest events of a session, in order."""

    def __init__(self, kept: int = KEPT) -> None:
        self._told: deque[Told] = deque(maxlen=kept)
        self._news: set[asyncio.Event] = set()
        self._closed = False
        self.last = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def add(self, name: str, data: dict[str, Any]) -> Told:
        """Keep an event and wake all who wait for one."""
        self.last += 1
        told = Told(self.last, name, data)
        self._told.append(told)
        self._wake()
        return told

    def after(self, seen: int) -> list[Told]:
        """Return what is kept of the events after ``seen``."""
        return [told for told in self._told if told.id > seen]

    async def wait(self, seen: int, timeout_s: float) -> None:
        """Return once there is something after ``seen``, the end has come, or the time is over."""
        if self.last > seen or self._closed:
            return
        news = asyncio.Event()
        self._news.add(news)
        try:
            async with asyncio.timeout(timeout_s):
                await news.wait()
        except TimeoutError:
            pass
        finally:
            self._news.discard(news)

    def close(self) -> None:
        """Say that nothing more comes."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for news in self._news:
            news.set()


def name_of(event: Event) -> str:
    """Return the snake case of the event's class: "state_changed"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def data_of(event: Event, now: float) -> dict[str, Any]:
    """Return the fields of ``event`` as JSON knows them.

    Args:
        event: what happened.
        now: the loop's time; a time ``at`` becomes ``ago_ms``, milliseconds before it.

    """
    data: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name == "at":
            data["ago_ms"] = round((now - value) * 1000)
        else:
            data[field.name] = _plain(value)
    return data


def rows(history: tuple[Turn, ...]) -> list[dict[str, Any]]:
    """Return a history as JSON."""
    return [
        {"role": t.role, "text": t.text, "language": t.language, "interrupted": t.interrupted}
        for t in history
        if t.text
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Emotion):
        return str(value)
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "items"):
        return {str(key): _plain(one) for key, one in value.items()}
    return value
