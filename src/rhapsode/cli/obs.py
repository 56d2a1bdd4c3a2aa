"""``rhapsode obs``: the stage as a browser source of OBS Studio."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer


def obs(
    stage: Annotated[str, typer.Argument(help="Address of the stage.")] = "http://127.0.0.1:8420",
    address: Annotated[str, typer.Option(help="Address of obs-websocket.")] = "ws://127.0.0.1:4455",
    scene: Annotated[str, typer.Option(help="Name of the scene; the one on air if left out.")] = "",
    name: Annotated[str, typer.Option(help="Name of the source.")] = "Rhapsode",
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT, pixels.")] = "1920x1080",
    fps: Annotated[int, typer.Option(help="Pictures a second; 0 takes OBS's own.")] = 0,
) -> None:
    """Add the stage to OBS Studio: the avatar alone, on transparency, with its sound.

    The password of obs-websocket is read from RHAPSODE_OBS_PASSWORD. Without this command, add a browser
    source with the address of the stage and ?obs=1 by hand.
    """
    from rhapsode.cli.terminal import console
    from rhapsode.formats.options import WriteOptions
    from rhapsode.live.obs import put_on_stage
    from rhapsode.protocols.obs import BrowserSource

    width, height = WriteOptions.of({"size": size}).size
    source = BrowserSource(stage, name, width, height, fps or None)
    password = os.environ.get("RHAPSODE_OBS_PASSWORD", "")
    found = asyncio.run(put_on_stage(source, address, password=password, scene=scene))
    console.print(f"'{name}' is in OBS's scene '{found}' and shows {source.url}", markup=False)
