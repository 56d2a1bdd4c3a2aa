"""``rhapsode talk``: a conversation in a terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.cli.settings_flags import ModelName, PresetName, ScriptName, SettingsFile
from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from rhapsode.cli.talk_view import View
    from rhapsode.live.show import Show
    from rhapsode.live.sources.source import Source


def talk(
    text: Annotated[bool, typer.Option("--text", help="Type the questions; no microphone.")] = False,
    wav: Annotated[
        list[Path] | None,
        typer.Option(
            "--wav", help="Sound file that is heard as the microphone, in real time; repeat for several."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Which microphone: part of its name, or its number.")] = "",
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the face goes; repeat for several: vmc://127.0.0.1:39539, ws, file:take.mp4"
        ),
    ] = None,
    mute: Annotated[bool, typer.Option("--mute", help="No loudspeaker.")] = False,
    language: Annotated[str, typer.Option(help="That is spoken: en, zh, ...; or auto.")] = "",
    voice: Annotated[str, typer.Option(help="Name of the voice; auto chooses by the language.")] = "",
    script: ScriptName = "",
    model: ModelName = "",
    preset: PresetName = "",
    settings: SettingsFile = None,
    seconds: Annotated[float, typer.Option(min=0, help="End after so long; 0 goes on until Ctrl-C.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document an event on stdout.")] = False,
) -> None:
    """Converse: it listens, thinks, answers aloud, and stops when you speak; offline by default.

    Examples: `rhapsode talk`, `rhapsode talk --text --preset ollama`,
    `rhapsode talk --script bank --language zh --to vmc://127.0.0.1:39539`,
    `rhapsode talk --wav question.wav --mute --to file:answer.mp4 --json`
    """
    import sys

    from rhapsode.cli.settings_flags import tell_hidden, thinking_store
    from rhapsode.cli.talk_parts import Talk, ears_of, show_of
    from rhapsode.cli.talk_view import Documents, People
    from rhapsode.cli.terminal import console, run_until_told, say_note
    from rhapsode.conversation import Conversation  # noqa: F401  is told here where it cannot be had
    from rhapsode.face.direction import Direction

    if text and (wav or device):
        raise SettingError(
            f"questions come by one way, got --text and {'--wav' if wav else '--device'}; choose one"
        )
    if wav and device:
        raise SettingError("questions come by one way, got --wav and --device; choose one")
    flags: dict[str, Any] = {"hear.language": language, "speak.voice": voice}
    loaded = thinking_store(settings, preset, flags, script=script, model=model).load()
    tell_hidden(loaded)
    direction = Direction(loaded.settings.perform.weights)
    ears, typed = ears_of(text, wav or [], device, note=say_note, hint=not as_json)
    show = show_of(to or [], loaded.server.voice, direction, mute=mute, note=say_note)
    here = typed and sys.stdin.isatty()
    view: View = Documents() if as_json else People(alive=console.is_terminal and not typed, echo=not here)
    with view:
        told = run_until_told(_perform(show, Talk(loaded.settings, ears, view), view, seconds))
    if told and not as_json:
        console.print("ended")


async def _perform(show: Show, source: Source, view: View, seconds: float) -> None:
    from rhapsode.cli.talk_parts import tell_failures

    watching = asyncio.create_task(tell_failures(show, view.note))
    try:
        async with asyncio.timeout(seconds or None):
            await show.run(source)
    except TimeoutError:
        pass
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
