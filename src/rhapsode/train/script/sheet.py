"""The script on paper or a teleprompter: Markdown, plain text or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rhapsode.errors import FormatError
from rhapsode.train.script.prompts import LANGUAGES, Item, duration_s
from rhapsode.train.script.screen import MANNER_HINTS
from rhapsode.train.script.writing import write_text

SUFFIXES = (".md", ".txt", ".csv")
"""What a sheet can be written as."""


def write_sheet(items: Sequence[Item], path: Path) -> None:
    """Write ``items`` to ``path``; the extension chooses the form.

    ``.md`` is a sheet to print, ``.txt`` one prompt a paragraph for a teleprompter, ``.csv`` one row an
    item with its phones, for tools.

    Raises:
        FormatError: the extension is none of these, or the file cannot be written.

    """
    makers = {".md": markdown, ".txt": plain, ".csv": table}
    if path.suffix.lower() not in makers:
        raise FormatError(
            f"a printed script must end in {', '.join(SUFFIXES)}, got '{path.name}'; choose one of them"
        )
    write_text(path, makers[path.suffix.lower()](items))


def markdown(items: Sequence[Item]) -> str:
    """Return the script as a sheet with one table a kind and manner."""
    minutes = duration_s(items) / 60
    languages = ", ".join(dict.fromkeys(LANGUAGES[item.prompt.language] for item in items))
    lines = [f"# Recording script: {languages}", "", f"{len(items)} prompts, about {minutes:.0f} minutes."]
    for (manner, kind), group in groupby(items, key=lambda item: (item.manner, item.prompt.kind)):
        lines += ["", f"## {kind.capitalize()}, {manner}: {MANNER_HINTS[manner]}", ""]
        lines += ["| take | text | reading | note |", "|---|---|---|---|"]
        for item in group:
            one = item.prompt
            lines.append(f"| {item.id} | {one.text} | {one.reading} | {one.hint} |")
    return "\n".join(lines) + "\n"


def plain(items: Sequence[Item]) -> str:
    """Return the script as paragraphs: what is read, and nothing to stumble over."""
    parts = []
    for manner, group in groupby(items, key=lambda item: item.manner):
        parts.append(f"*** {manner}: {MANNER_HINTS[manner]} ***")
        parts += ["\n".join(filter(None, (i.prompt.text, i.prompt.reading))) for i in group]
    return "\n\n".join(parts) + "\n"


def table(items: Sequence[Item]) -> str:
    """Return the script as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("take", "kind", "manner", "text", "reading", "says", "phones", "hint"))
    for item in items:
        one = item.prompt
        row = (one.text, one.reading, one.says, " ".join(one.phones), one.hint)
        writer.writerow((item.id, one.kind, item.manner, *row))
    return out.getvalue()
