"""``rhapsode formats``: what can be read and written."""

from __future__ import annotations

from typing import Annotated

import typer


def formats(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the file formats that can be read and written."""
    from rhapsode.cli.terminal import print_json
    from rhapsode.formats.registry import FORMATS

    rows = [
        {
            "extension": extension,
            "name": known.name,
            "reads": known.reader is not None,
            "writes": known.writer is not None,
            "description": known.description,
        }
        for extension, known in FORMATS.items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        marks = f"{'read' if row['reads'] else '':4} {'write' if row['writes'] else '':5}"
        typer.echo(f"{row['extension']:14} {marks}  {row['name']}: {row['description']}")
