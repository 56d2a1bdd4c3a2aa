"""``rhapsode settings``: what is set, by whom, and how to change it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.cli.settings_flags import PresetName, SettingsFile
from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from rhapsode.settings.fields import SettingField
    from rhapsode.settings.load import Loaded

app = typer.Typer(help="Show, check and change the settings.", no_args_is_help=True)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Key = Annotated[str, typer.Argument(help="A section, or a setting such as think.kind.")]


@app.command()
def show(
    key: Key = "", settings: SettingsFile = None, preset: PresetName = "", as_json: JsonFlag = False
) -> None:
    """Show settings, and who says what they are: flag, environment, file, preset or default.

    One setting, such as `rhapsode settings show think.kind`, is explained.
    """
    from rhapsode.cli.terminal import print_json
    from rhapsode.settings.load import Store

    chosen = _chosen(key)
    loaded = Store(settings, preset=preset).load()
    if as_json:
        rows = {one.key: {"value": _shown(loaded, one), "origin": loaded.origins[one.key]} for one in chosen}
        print_json({"file": str(loaded.file), "preset": loaded.preset, "settings": rows})
    elif len(chosen) == 1:
        _explain(chosen[0], loaded)
    else:
        _table(chosen, loaded)


@app.command()
def path(settings: SettingsFile = None) -> None:
    """Print which file is read, or would be written."""
    from rhapsode.cli.terminal import say_note
    from rhapsode.settings.load import Store

    file = Store(settings).file
    if not file.exists():
        say_note("it does not exist yet; `rhapsode settings init` or `set` makes it")
    typer.echo(file)


@app.command()
def check(file: Annotated[Path | None, typer.Argument(help="A file of settings.")] = None) -> None:
    """Tell whether a file of settings can be used; exit code 2 where it cannot."""
    from rhapsode.cli.terminal import console
    from rhapsode.settings.load import Store

    loaded = Store(file, environment=None if file is None else {}).load()
    if not loaded.found:
        raise SettingError(
            f"no file of settings is at '{loaded.file}'; make it with `rhapsode settings init`"
        )
    count = sum(origin == "file" for origin in loaded.origins.values())
    preset = f", preset {loaded.preset}" if loaded.preset else ""
    console.print(f"{loaded.file}: {count} settings{preset}; nothing is wrong", markup=False)


@app.command()
def presets(as_json: JsonFlag = False) -> None:
    """List the presets and what they change."""
    from dataclasses import asdict

    from rhapsode.cli.terminal import print_json
    from rhapsode.settings.presets import PRESETS

    if as_json:
        print_json({"presets": [asdict(one) for one in PRESETS]})
        return
    for one in PRESETS:
        typer.echo(f"{one.name:12}{one.about}")
        for section, held in one.values.items():
            for name, value in held.items():
                typer.echo(f"{'':12}  {section}.{name} = {_words(value)}")


@app.command("set")
def change(
    key: Annotated[str, typer.Argument(help="A setting such as think.kind, or preset.")],
    value: Annotated[
        str,
        typer.Argument(help="Its value. Lists: en,zh. Pairs: en=hibari,zh=kokoro:zf_001. Nothing: none."),
    ],
    settings: SettingsFile = None,
) -> None:
    """Change one setting in the file; comments and order stay.

    Examples: `rhapsode settings set think.kind both`, `rhapsode settings set preset ollama`
    """
    from rhapsode.cli.terminal import console
    from rhapsode.settings.load import Store
    from rhapsode.settings.words import value_of

    if key == "preset":
        loaded = Store(_writable(settings)).save({"preset": "" if value == "none" else value})
        console.print(f"{loaded.file}: preset = {loaded.preset or 'none'}", markup=False)
        return
    found = _chosen(key)
    if len(found) != 1:
        raise SettingError(f"set needs one setting, got '{key}'; name one such as {found[0].key}")
    one = found[0]
    typed = value_of(value, one.kind, one.empty, what=one.key)
    loaded = Store(_writable(settings)).save({one.section: {one.name: typed}}, server=True)
    console.print(f"{loaded.file}: {one.key} = {_words(loaded.value(one.key))}", markup=False)


@app.command()
def init(settings: SettingsFile = None, preset: PresetName = "") -> None:
    """Write a file with every setting as a comment, ready to be edited; never over one that exists."""
    from rhapsode.settings.load import find_file
    from rhapsode.settings.presets import preset_of
    from rhapsode.settings.saving import write_new

    if preset:
        preset_of(preset, "--preset")
    file = settings or find_file()
    write_new(file, template(preset))
    typer.echo(file)


def template(preset: str = "") -> str:
    """Return the text of a new file of settings: TOML in which every setting is a comment."""
    from textwrap import wrap

    from rhapsode.settings.fields import about_section, fields
    from rhapsode.settings.presets import PRESETS
    from rhapsode.settings.saving import toml_value

    lines = ["# Settings of Rhapsode. Flags and RHAPSODE_... variables go before them; keys and passwords"]
    lines += ["# stand in the environment only.", ""]
    lines += [f"# {one.name}: {one.about}" for one in PRESETS]
    lines += [f'preset = "{preset}"' if preset else '# preset = "offline-en"']
    section = ""
    for one in fields().values():
        if one.key == "server.token":
            continue
        if one.section != section:
            section = one.section
            lines += ["", "", f"# {about_section(section)}", f"[{section}]"]
        lines += ["", *wrap(f"{one.about} ({one.allowed})", 98, initial_indent="# ", subsequent_indent="# ")]
        lines += [f"# {one.name} = {toml_value('none' if one.default is None else one.default)}"]
    return "\n".join(lines) + "\n"


def _writable(file: Path | None) -> Path | None:
    """Return the file to write; one that is named need not exist."""
    if file is not None and not file.parent.is_dir():
        raise SettingError(f"no folder is at '{file.parent}' for {file.name}; make it first")
    return file


def _chosen(key: str) -> list[SettingField]:
    """Return the settings that ``key`` names: all, those of a section, or one."""
    from rhapsode.settings.document import unknown
    from rhapsode.settings.fields import SECTIONS, fields

    if not key or key in SECTIONS:
        return [one for one in fields().values() if key in ("", one.section)]
    if key in fields():
        return [fields()[key]]
    section, _, name = key.partition(".")
    raise SettingError(unknown(section, name if section in SECTIONS else ""))


def _table(chosen: list[SettingField], loaded: Loaded) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("setting", "value", "from", box=None, padding=(0, 2, 0, 0))
    for one in chosen:
        origin = loaded.origins[one.key]
        style = "dim" if origin == "default" else ""
        table.add_row(one.key, Text(_words(_shown(loaded, one))), _whose(one, loaded), style=style)
    Console(highlight=False, soft_wrap=False).print(table)
    typer.echo(f"\nfile: {loaded.file}{'' if loaded.found else ' (does not exist yet)'}")


def _explain(one: SettingField, loaded: Loaded) -> None:
    typer.echo(f"{one.key} = {_words(_shown(loaded, one))}   (from {_whose(one, loaded)})")
    typer.echo(f"  {one.about}")
    typer.echo(f"  allowed: {one.allowed}; default: {_words(one.default)}; environment: {one.variable}")


def _whose(one: SettingField, loaded: Loaded) -> str:
    origin = loaded.origins[one.key]
    return {"environment": one.variable, "preset": f"preset {loaded.preset}"}.get(origin, origin)


def _shown(loaded: Loaded, one: SettingField) -> Any:
    """Return a value without secrets."""
    from rhapsode.settings.words import hide_logins, secret

    value = loaded.value(one.key)
    return "(not shown)" if value and secret(one.name) else hide_logins(value)


def _words(value: Any) -> str:
    """Return a value as it is written in the file."""
    import json

    return "none" if value is None else json.dumps(value, ensure_ascii=False, default=dict)
