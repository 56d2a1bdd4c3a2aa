"""Tables on the terminal, and the files that keep them."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rhapsode.errors import InputError
from rhapsode.evaluate.sheets import Sheet, bars, headline, sheets

BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
"""Between these lines of a Markdown file the tables go."""


def all_sheets(document: Mapping[str, Any]) -> list[Sheet]:
    """Return every table of a document; the bars only where the corpus that they are about was heard."""
    corpus = any("voices" in found["speech"] for found in document["faces"].values())
    return [headline(document), *([bars(document)] if corpus else []), *sheets(document)]


def show(document: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the tables of a document on stderr, or on ``console``."""
    console = console or Console(stderr=True, highlight=False)
    for sheet in all_sheets(document):
        table = Table(title=sheet.title, title_justify="left", title_style="bold")
        for k, column in enumerate(sheet.columns):
            table.add_column(column, justify="left" if k == 0 else "right", overflow="fold")
        for row in sheet.rows:
            table.add_row(*row)
        console.print(table)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document; "-" is stdout. What is not a number becomes null, as JSON has none.

    Raises:
        InputError: the file cannot be written.

    """
    text = json.dumps(_plain(document), ensure_ascii=False, indent=1) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
    else:
        _write(path, text)


def write_markdown(path: Path, document: Mapping[str, Any]) -> None:
    """Write the tables of a document as Markdown.

    A file that has a place for them, between `BEGIN` and `END`, keeps everything else.

    Raises:
        InputError: the file cannot be read or written.

    """
    text = "\n".join(sheet.markdown() for sheet in all_sheets(document))
    if path.is_file():
        try:
            before, begun, rest = path.read_text("utf-8").partition(BEGIN)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}); give a text file or a new one") from error
        _, ended, after = rest.partition(END)
        if begun and ended:
            text = f"{before}{BEGIN}\n\n{text}\n{END}{after}"
    _write(path, text)


def _write(path: Path, text: str) -> None:
    """Write aside, then rename: the target is complete or untouched."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); give a file in a folder that is there and writable"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
