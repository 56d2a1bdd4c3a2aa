"""A conversation as a document: JSON, JSON lines, CSV or plain text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

from rhapsode.errors import FormatError

Format = Literal["json", "jsonl", "csv", "txt"]

MEDIA: Mapping[str, str] = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
"""Format to its media type."""

COLUMNS = (
    "number",
    "asked_at",
    "question",
    "language",
    "certainty",
    "spoken",
    "emotion",
    "spoke_at",
    "answered_at",
    "answer",
    "meant",
    "answer_language",
    "interrupted",
    "kind",
    "source",
    "score",
    "reason",
    "unanswered",
)
"""Of CSV; ``total_ms`` follows, and the conversation comes first."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(told: Mapping[str, Any], format_name: str) -> str:
    """Return a conversation, as `rhapsode.dialogue.log.reading.conversation` tells it, as a document.

    JSON holds all of it. JSON lines hold a line for each turn, CSV a row; a cell of CSV that a spreadsheet
    would take for a formula begins with an apostrophe. Text is what both sides said.

    Raises:
        FormatError: no format has that name.

    """
    if format_name not in get_args(Format):
        raise FormatError(f"no export format '{format_name[:20]}'; there are {', '.join(get_args(Format))}")
    if format_name == "json":
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    if format_name == "jsonl":
        whose = {"conversation": told["id"], "person": told["person"]}
        lines = (json.dumps({**whose, **turn}, ensure_ascii=False) for turn in told["turns"])
        return "".join(f"{line}\n" for line in lines)
    return _table(told) if format_name == "csv" else _text(told)


def _table(told: Mapping[str, Any]) -> str:
    out = io.StringIO()
    rows = csv.writer(out)  # RFC 4180
    rows.writerow(("conversation", "person", *COLUMNS, "total_ms"))
    for turn in told["turns"]:
        cells = (
            told["id"],
            told["person"],
            *(turn[name] for name in COLUMNS),
            turn["stages_ms"].get("total"),
        )
        rows.writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _safe(cell: object) -> object:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _text(told: Mapping[str, Any]) -> str:
    head = f"Conversation {told['id']}, {told['began']} to {told['ended']}"
    lines = [f"{head}, with {told['person']}" if told["person"] else head, ""]
    for turn in told["turns"]:
        if turn["question"]:
            felt = f" ({turn['emotion']})" if turn["emotion"] else ""
            lines.append(f"{turn['asked_at']}  Person{felt}: {turn['question']}")
        if turn["answer"] or turn["meant"]:
            cut = " [interrupted]" if turn["interrupted"] else ""
            when = turn["spoke_at"] or turn["answered_at"] or turn["asked_at"]
            lines.append(f"{when}  Answer: {turn['answer']}{cut}")
        lines.append("")
    return "\n".join(lines)
