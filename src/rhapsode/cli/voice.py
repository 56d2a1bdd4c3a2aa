"""``rhapsode voice``: the voices there are, and a timbre made of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List voices; make a timbre of a recording.", no_args_is_help=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("list")
def list_voices(as_json: JsonFlag = False) -> None:
    """List the voices: name, languages, and what is missing where one cannot speak."""
    from rhapsode.cli.terminal import print_json
    from rhapsode.speech.catalogue import voice_problem, voices

    rows = [(name, entry, voice_problem(name)) for name, entry in voices().items()]
    if as_json:
        print_json(
            {
                "voices": [
                    {"name": name, "language": entry.language, "about": entry.about, "problem": problem}
                    for name, entry, problem in rows
                ]
            }
        )
        return
    for name, entry, problem in rows:
        typer.echo(f"{name:24} {entry.language:6} {entry.about}{f'  ({problem})' if problem else ''}")


@app.command()
def make(
    reference: Annotated[
        Path, typer.Argument(help="Sound file: about a minute of one person who agreed to it, no music.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where to write it, such as anna.timbre.npz.")],
    as_json: JsonFlag = False,
) -> None:
    """Make a timbre of a recording; name it in the setting speak.timbre."""
    from math import exp

    from rhapsode.cli.terminal import print_json
    from rhapsode.speech.timbre import Timbre

    timbre = Timbre.from_file(reference)
    path, profile = timbre.save(out), timbre.profile
    if as_json:
        print_json({"file": str(path), "pitch_hz": exp(profile.pitch), "voiced_s": profile.seconds})
        return
    typer.echo(f"{path}: {exp(profile.pitch):.0f} Hz, from {profile.seconds:.0f} s of voiced speech")
    if profile.seconds < 15:
        typer.echo("Little was to be heard; about a minute of speech makes a better likeness.")
