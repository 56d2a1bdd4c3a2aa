"""``rhapsode say``: a text, aloud or into files."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.cli.settings_flags import PresetName, SettingsFile
from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from rhapsode.cli.say_spoken import Speaking
    from rhapsode.live.show import Show
    from rhapsode.live.sources.source import Source
    from rhapsode.settings import Speak

LONGEST = 100_000
"""Longest text, characters."""


def say(
    text: Annotated[
        str, typer.Argument(help="What to say, with marks such as [joy] or [nod]; '-' reads standard input.")
    ],
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o", "--output", help="File to write instead of speaking: .wav, .flac, .mp4, .json, ...; repeat."
        ),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the face goes, beside the loudspeaker: vmc://127.0.0.1:39539, ws, ...; repeat."
        ),
    ] = None,
    mute: Annotated[bool, typer.Option("--mute", help="No loudspeaker.")] = False,
    voice: Annotated[str, typer.Option(help="Name of the voice; auto chooses by the language.")] = "",
    language: Annotated[str, typer.Option(help="Of the text: en, zh, ...; found out by itself.")] = "",
    rate: Annotated[float | None, typer.Option(help="Speaking rate, 0.5 to 2.", show_default=False)] = None,
    pitch: Annotated[float | None, typer.Option(help="Semitones, -12 to 12.", show_default=False)] = None,
    volume: Annotated[float | None, typer.Option(help="Decibels, -40 to 12.", show_default=False)] = None,
    emotion: Annotated[
        str, typer.Option(help="Felt in voice and face: joy:0.6; 'auto' lets the face go by the voice.")
    ] = "",
    ssml: Annotated[
        bool, typer.Option("--ssml", help="The text is SSML; one that begins with <speak> always is.")
    ] = False,
    avatar: Annotated[str, typer.Option(help="Avatar for .mp4, .glb, ...: a name or a file.")] = "",
    fps: Annotated[
        str | None, typer.Option(help="Frames per second of the files.", show_default=False)
    ] = None,
    size: Annotated[str, typer.Option(help="Picture size of .mp4, WIDTHxHEIGHT.")] = "512x512",
    rig: Annotated[str, typer.Option(help="Channels to write: arkit, oculus, azure, vrm1, ...")] = "arkit",
    preset: PresetName = "",
    settings: SettingsFile = None,
) -> None:
    """Speak a text through the loudspeaker and into live sinks, or into files.

    Examples: `rhapsode say "Hello there [joy] and welcome!"`, `rhapsode say 你好 -o hello.mp4 -o hello.flac`,
    `echo "Good morning" | rhapsode say - --to vmc://127.0.0.1:39539 --rate 1.1`
    """
    from rhapsode.cli.settings_flags import store_of, tell_hidden
    from rhapsode.cli.terminal import console, interruptible, run_until_told, say_note
    from rhapsode.face.direction import Direction

    if output and (to or mute):
        raise SettingError(
            f"say writes files or speaks live, got -o and {'--to' if to else '--mute'}; choose one"
        )
    flags: dict[str, Any] = {"speak.voice": voice, "speak.rate": rate, "speak.pitch": pitch}
    loaded = store_of(settings, preset, flags | {"speak.volume": volume}).load()
    tell_hidden(loaded)
    held = loaded.settings
    speaking = _speaking(_text(text), held.speak, language, emotion, named=bool(voice), ssml=ssml)
    direction = Direction(held.perform.weights, emotion=emotion or None)
    if output:
        from rhapsode.cli.say_out import write_files

        options = {"fps": fps, "size": size, "rig": rig, "avatar": avatar or None}
        given = {name: value for name, value in options.items() if value is not None}
        with interruptible():
            seconds = write_files(
                speaking,
                list(map(Path, output)),
                direction,
                gestures=held.perform.gestures,
                note=say_note,
                **given,
            )
        console.print(f"{seconds:.1f} s -> {', '.join(output)}", markup=False)
        return
    from rhapsode.cli.say_out import SaidLive
    from rhapsode.cli.talk_parts import no_device, show_of

    if not to and (mute or (problem := no_device("output"))):
        why = "--mute and no --to" if mute else f"no loudspeaker: {problem}"
        raise SettingError(f"say needs somewhere to speak to, got {why}; write a file: -o speech.wav")
    show = show_of(to or [], loaded.server.voice, direction, mute=mute, note=say_note)
    if run_until_told(_perform(show, SaidLive(speaking, held.perform, say_note))):
        console.print("ended")


def _text(text: str) -> str:
    text = sys.stdin.read(LONGEST + 1) if text == "-" else text
    if len(text) > LONGEST:
        raise SettingError(f"a text may hold {LONGEST} characters, got more; say it in parts")
    return text


def _speaking(text: str, speak: Speak, language: str, emotion: str, *, named: bool, ssml: bool) -> Speaking:
    """Return what is spoken, by the voice of the settings."""
    from rhapsode.cli.say_spoken import Speaking
    from rhapsode.dialogue.marks import spoken
    from rhapsode.face.emotion import Emotion
    from rhapsode.face.emotion.timeline import read_feelings
    from rhapsode.speech import voice_for
    from rhapsode.speech.language import script_language
    from rhapsode.speech.manner import Manner
    from rhapsode.speech.ssml import is_ssml

    felt = read_feelings(emotion) if emotion else None
    manner = Manner(speak.rate, speak.pitch, speak.volume, felt if isinstance(felt, Emotion) else None)
    said = language or script_language(spoken(text), "en")
    first = speak.voice if speak.voice != "auto" else voice_for(said, speak.voices)
    voices = (first,) if named else (first, speak.fallback)
    return Speaking(text, voices, manner, language, ssml or is_ssml(text))


async def _perform(show: Show, source: Source) -> None:
    from rhapsode.cli.talk_parts import tell_failures
    from rhapsode.cli.terminal import say_note

    watching = asyncio.create_task(tell_failures(show, say_note))
    try:
        await show.run(source)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
