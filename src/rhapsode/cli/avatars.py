"""``rhapsode avatars``: the avatars that come with the product, and what a file of one's own can do."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="List avatars and inspect avatar files.", no_args_is_help=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("list")
def list_avatars(as_json: JsonFlag = False) -> None:
    """List the avatars that come with the product."""
    from rhapsode.avatars import default_name, names
    from rhapsode.cli.terminal import print_json

    if as_json:
        print_json({"avatars": list(names()), "default": default_name()})
        return
    for name in names():
        typer.echo(f"{name}{'  (default)' if name == default_name() else ''}")


@app.command()
def inspect(
    avatar: Annotated[str, typer.Argument(help="Name of an avatar, or a .vrm, .glb or .gltf file.")],
    as_json: JsonFlag = False,
) -> None:
    """Show which of the 52 face channels an avatar can play, and what stands in for the rest."""
    from rhapsode.avatars import load, map_channels
    from rhapsode.cli.terminal import print_json

    report = map_channels(load(avatar)).report()
    if as_json:
        print_json(report)
        return
    for heading in ("found", "stood_in", "missing"):
        channels = report[heading]
        typer.echo(f"{heading.replace('_', ' ')}: {len(channels)}")
        if channels:
            typer.echo("  " + ", ".join(channels))
