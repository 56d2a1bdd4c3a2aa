"""The command line: one file per verb.

Human text and progress go to stderr; ``--json`` gives one document on stdout. Exit codes: 0 done,
1 our own fault, 2 the input or the command was wrong, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import typer

from rhapsode import __version__
from rhapsode.cli import (
    animate,
    audio2face,
    avatars,
    conversations,
    convert,
    doctor,
    evaluate,
    formats,
    obs,
    say,
    script,
    serve,
    settings,
    stream,
    talk,
    train,
    transcribe,
    voice,
)
from rhapsode.cli.terminal import end_politely, say_error
from rhapsode.errors import RhapsodeError

app = typer.Typer(
    name="rhapsode",
    help="Speech in, a living digital human out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(animate.animate)
app.command()(convert.convert)
app.command()(serve.serve)
app.command()(stream.stream)
app.command()(talk.talk)
app.command()(say.say)
app.command()(obs.obs)
app.command()(transcribe.transcribe)
app.command()(doctor.doctor)
app.command()(audio2face.audio2face)
app.add_typer(avatars.app, name="avatars")
app.command()(formats.formats)
app.command()(evaluate.evaluate)
app.add_typer(train.app, name="train")
app.add_typer(script.app, name="script")
app.add_typer(voice.app, name="voice")
app.add_typer(conversations.app, name="conversations")
app.add_typer(settings.app, name="settings")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rhapsode {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line and exit."""
    end_politely()
    try:
        app()
    except RhapsodeError as error:
        say_error(str(error))
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
