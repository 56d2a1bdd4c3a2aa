"""The flags that set settings, the same for every command that has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rhapsode.settings.load import Loaded, Store

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="File of settings. [default: rhapsode.toml here, else in your data folder]",
        show_default=False,
    ),
]
PresetName = Annotated[
    str, typer.Option("--preset", help="Settings to begin with: `rhapsode settings presets` lists them.")
]
ScriptName = Annotated[
    str, typer.Option("--script", help="Script of answers: a file, or museum or bank, which come with it.")
]
ModelName = Annotated[
    str, typer.Option("--model", help="Language model that answers where the script does not.")
]


def store_of(file: Path | None, preset: str, flags: Mapping[str, Any]) -> Store:
    """Return where settings come from.

    Args:
        file: of --settings.
        preset: of --preset.
        flags: "section.name" to the value of a flag; None and "" were not given.

    """
    from rhapsode.settings.load import Store

    given: dict[str, dict[str, Any]] = {}
    for key, value in flags.items():
        if value not in (None, ""):
            section, name = key.split(".")
            given.setdefault(section, {})[name] = value
    return Store(file, preset=preset, flags=given)


def thinking_store(
    file: Path | None, preset: str, flags: Mapping[str, Any], *, script: str, model: str
) -> Store:
    """Return where settings come from, with --script and --model, each of which asks to be used.

    Args:
        file: of --settings.
        preset: of --preset.
        flags: the others, as `store_of`.
        script: of --script.
        model: of --model.

    """
    named = {**flags, "think.script": script, "think.model": model}
    store = store_of(file, preset, named)
    if script or model:
        unused = {"script": model, "model": script, "both": ""}[store.load().settings.think.kind]
        if unused:
            return store_of(file, preset, {**named, "think.kind": "both"})
    return store


def tell_hidden(loaded: Loaded) -> None:
    """Say where a preset that was asked for does not hold."""
    from rhapsode.cli.terminal import say_note

    hidden = [key for key in loaded.hidden if loaded.origins[key] == "file"]
    if hidden:
        say_note(f"{loaded.file} sets {', '.join(hidden)} itself, which goes before preset '{loaded.preset}'")
