"""``rhapsode evaluate``: how good a face engine is, in numbers."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

PACKAGE = "rhapsode.evaluate"
"""Imported by name: measuring and training stand aside of the product, which does not need them."""


def evaluate(
    engine: Annotated[
        list[str] | None,
        typer.Option("-e", "--engine", help="A shipped engine or a manifest file; repeat to compare."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of real takes: grid_s1/, facegood/, speech/.")
    ] = None,
    corpus: Annotated[Path | None, typer.Option(help="Phone-timed corpus that recipes/corpus makes.")] = None,
    conditions: Annotated[
        str,
        typer.Option(help="With commas: clean, 20_db, 10_db, 0_db, babble, telephone, opus. Default: all."),
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="A fixed part of the material; clean and 20_db.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The engine alone, before shaping.")] = False,
    engine_style: Annotated[str, typer.Option(help="Label style of the engine, with --raw.")] = "",
    peers: Annotated[
        bool, typer.Option("--peers", help="Other packages too; installs them into the cache on first use.")
    ] = False,
    streams: Annotated[
        bool, typer.Option("--streams", help="How many streams two cores carry; wants an idle machine.")
    ] = False,
    operating: Annotated[
        bool, typer.Option("--operating", help="Recall at 4 % false closure, by other closure limits.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the document to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file.")] = None,
) -> None:
    """Measure a face engine: lips that close, timing, rest, real takes, noise, cost.

    What is measured is what ships: after shaping, streamed in chunks of 20 ms. Without folders it measures on
    lines that the default voice speaks. Examples: `rhapsode evaluate --quick`,
    `rhapsode evaluate --data DATA --corpus CORPUS --engine live --engine studio --peers --json numbers.json`
    """
    from rhapsode.cli.terminal import console, interruptible, progress_bar, say_note

    measuring: Any = import_module(f"{PACKAGE}.command")
    drawing: Any = import_module(f"{PACKAGE}.terminal")
    with interruptible(), progress_bar() as bar:
        task = bar.add_task("measuring", total=None)
        request = measuring.Request(
            engines=tuple(engine or ["live"]),
            data=data,
            corpus=corpus,
            conditions=tuple(name.strip() for name in conditions.split(",") if name.strip()),
            raw=raw,
            style=engine_style or None,
            quick=quick,
            peers=peers,
            streams=streams,
            operating=operating,
        )
        document = measuring.evaluate(request, progress=lambda what: bar.update(task, description=what))
    drawing.show(document)
    for note in document["notes"]:
        say_note(note)
    for path, write in ((json_file, drawing.write_json), (markdown, drawing.write_markdown)):
        if path is not None:
            write(path, document)
            console.print(f"-> {path}", markup=False)
