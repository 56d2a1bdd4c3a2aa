"""Items of a session as the text messages of the stage's protocol."""

from __future__ import annotations

from typing import Any

from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import BeginItem, EndItem, FaultItem, IdleItem, ListenItem, WordsItem
from rhapsode.performance import CLOCK_HZ, Words


def told(item: BeginItem | WordsItem | EndItem | IdleItem | ListenItem | FaultItem) -> dict[str, Any]:
    """Return the text message of an item."""
    if isinstance(item, FaultItem):
        return {"type": "error", "message": item.message, "fatal": False}
    if isinstance(item, WordsItem):
        return {
            "type": "words",
            "generation": item.generation,
            "words": _rows(item.words, item.start),
        }
    if isinstance(item, EndItem):
        return {"type": "end", "generation": item.generation, "sample": item.sample}
    made: dict[str, Any] = {"generation": item.generation, "start": item.start}
    if isinstance(item, BeginItem):
        return {"type": "begin", **made, "sample_rate": SAMPLE_RATE, "text": item.text, "kind": item.kind}
    return {"type": "idle" if isinstance(item, IdleItem) else "listen", **made}


def _rows(words: Words, start: int) -> list[list[Any]]:
    return [
        [span.text, start + round(span.start_s * CLOCK_HZ), start + round(span.end_s * CLOCK_HZ)]
        for span in words.words
    ]
