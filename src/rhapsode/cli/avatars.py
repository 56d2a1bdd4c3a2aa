"""``rhapsode avatars``: the avatars that come with the product, and what a file of one's own can do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="List avatars, see what a file's face can do, and map it.", no_args_is_help=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
AvatarArgument = Annotated[str, typer.Argument(help="Name of an avatar, or a .vrm, .glb or .gltf file.")]

_PARTS = {
    "speech": "Speech",
    "gaze_and_lids": "Eyes",
    "brows": "Brows",
    "head": "Head",
}
_SPEAKS = {
    "channels": "ARKit's own shapes",
    "visemes": "visemes, mixed",
    "vowels": "vowels, mixed",
    "opening": "one opening",
    "none": "nothing",
}


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
    avatar: AvatarArgument,
    as_json: JsonFlag = False,
    picture: Annotated[
        Path | None, typer.Option(help="Write a PNG of vowels, closed lips, a smile and a blink.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="Judge it with this mapping file.")] = None,
) -> None:
    """Show what an avatar's face can do: what is found, what stands in, what is missing, what would help."""
    from rhapsode.avatars import load, load_mapping
    from rhapsode.cli.terminal import console, print_json

    loaded = load(avatar, need_morphs=False)
    channels = load_mapping(loaded, mapping)
    report = channels.report()
    if picture is not None:
        _draw(loaded, channels, picture)
    if as_json:
        print_json({"avatar": loaded.name, "sha256": loaded.sha256, **report})
        return
    for table in (_summary(loaded.name, report), _channels(report)):
        console.print(table, soft_wrap=False)
    for sentence in report["help"]:
        console.print(f"[yellow]would help:[/] {sentence}")


@app.command("map")
def map_avatar(
    avatar: AvatarArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write the mapping; stdout if left out.")
    ] = None,
    use: Annotated[
        Path | None, typer.Option(help="Use this mapping file for the avatar from now on.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Use what names and bones tell again.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write what plays an avatar's face as a small YAML file to edit, and use it from then on."""
    from rhapsode import avatars
    from rhapsode.avatars.written import mapping_text
    from rhapsode.cli.terminal import console
    from rhapsode.errors import AvatarError, SettingError

    if sum((output is not None, use is not None, forget)) > 1:
        raise SettingError("got two of --output, --use and --forget, expected one; run them in turn")
    loaded = avatars.load(avatar)
    if forget:
        had = avatars.forget(loaded)
        console.print(f"{loaded.name}: {'forgotten' if had else 'nothing was remembered'}", markup=False)
    elif use is not None:
        avatars.remember(loaded, avatars.read_mapping(use, loaded))
        console.print(f"{loaded.name}: '{use}' is used from now on", markup=False)
    elif output is None:
        sys.stdout.write(mapping_text(avatars.load_mapping(loaded), loaded))
    elif output.exists() and not force:
        raise AvatarError(f"'{output}' is there already; give another name, or --force to write over it")
    else:
        avatars.write_mapping(avatars.load_mapping(loaded), loaded, output)
        console.print(f"wrote {output}", markup=False)


def _summary(name: str, report: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table(title=name, title_style="bold", title_justify="left", show_header=False, box=None)
    speaks = _SPEAKS[report["mouth"]] + (f" ({' '.join(report['shapes'])})" if report["shapes"] else "")
    table.add_row("Mouth", "", speaks + (", jaw bone" if report["jaw"] else ""))
    for key, title in _PARTS.items():
        parts = {part: value for part, value in report[key].items() if part != "score"}
        words = ", ".join(_graded(part, value) for part, value in parts.items())
        if key == "gaze_and_lids":
            words += f"; turned by {report['eyes'] if report['eyes'] != 'none' else 'nothing'}"
        table.add_row(title, f"{round(report[key]['score'] * 100)} %", words)
    if report["origin"] == "file":
        table.add_row("Mapping", "", "a file written by you")
    return table


def _graded(part: str, value: float) -> str:
    if value > 0.75:
        return f"[green]{part}[/]"
    colour, word = ("yellow", "partly ") if value > 0.25 else ("red", "not ")
    return f"[{colour}]{word}{part}[/]"


def _channels(report: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table("Channels", "", "", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_row("found", str(len(report["found"])), _listed(report["found"]))
    groups: dict[str, list[str]] = {}
    for channel, by in report["stood_in"].items():
        groups.setdefault(by, []).append(channel)
    for number, (by, channels) in enumerate(groups.items()):
        count = str(len(report["stood_in"])) if not number else ""
        table.add_row("stood in" if not number else "", count, f"{_listed(channels)} [dim]by[/] {_plain(by)}")
    table.add_row("missing", str(len(report["missing"])), _listed(report["missing"]))
    return table


def _listed(channels: list[str]) -> str:
    """Return channel names, those of two sides once."""
    words = []
    for name in channels:
        base = name.removesuffix("Left")
        both = base != name and f"{base}Right" in channels
        if name.endswith("Right") and f"{name.removesuffix('Right')}Left" in channels:
            continue
        words.append(f"{base}Left/Right" if both else name)
    return ", ".join(words)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _draw(avatar: Any, channels: Any, path: Path) -> None:
    from rhapsode.cli.terminal import console, say_note
    from rhapsode.errors import AvatarError
    from rhapsode.render.picture import save_png
    from rhapsode.render.sheet import contact_sheet

    if path.suffix.lower() != ".png":
        raise AvatarError(f"the picture must be a PNG, got '{path}'; name it {path.with_suffix('.png').name}")
    picture = contact_sheet(avatar, channels=channels, progress=say_note)
    try:
        save_png(picture, path)
    except OSError as error:
        raise AvatarError(
            f"cannot write '{path}': {error.strerror or error}; choose another place"
        ) from error
    console.print(f"wrote {path}", markup=False)
