"""``rhapsode stream``: one performance, live, into any number of places."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from rhapsode.live.capture.capture import Capture, CaptureState
    from rhapsode.live.capture.mixing import Own
    from rhapsode.live.runner import SinkStatus
    from rhapsode.live.show import Show
    from rhapsode.live.sources.source import Source


def stream(
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="Where it goes; repeat for several: vmc://127.0.0.1:39539, livelink://127.0.0.1:11111, ws, "
            "rtmp://server/live/key, file:take.mp4, ... (see --sinks)"
        ),
    ] = None,
    mic: Annotated[bool, typer.Option("--mic", help="A microphone of this machine moves the face.")] = False,
    device: Annotated[str, typer.Option(help="Which microphone: part of its name, or its number.")] = "",
    file: Annotated[Path | None, typer.Option(help="Play a sound or video file in real time.")] = None,
    say: Annotated[str, typer.Option(help="Speak a text.")] = "",
    pcm: Annotated[
        str,
        typer.Option(help="Raw 16-bit mono sound: '-' reads standard input, ws://127.0.0.1:8766 listens."),
    ] = "",
    rate: Annotated[int, typer.Option(help="Sample rate of --pcm, Hz.")] = 48_000,
    a2f: Annotated[
        str, typer.Option(help="Listen for a client of NVIDIA Audio2Face-3D: 127.0.0.1:52000.")
    ] = "",
    button: Annotated[
        str,
        typer.Option(
            help="HOST:PORT where FACEGOOD's Unreal project sends its mouse button: the sound is heard while "
            "it is held."
        ),
    ] = "",
    denoise: Annotated[
        bool, typer.Option("--denoise", help="Take noise out of --mic or --pcm (adds 45 ms).")
    ] = False,
    vad: Annotated[
        bool, typer.Option("--vad", help="Only a voice moves the face: for --mic or --pcm (adds 36 ms).")
    ] = False,
    capture: Annotated[
        str,
        typer.Option(
            help="A captured face: livelink://:11111 hears this machine, livelink://0.0.0.0:11111 phones, "
            "ifacialmocap://PHONE, vmc://:39539, openseeface://:11573, ... (see --sinks)"
        ),
    ] = "",
    own: Annotated[
        str,
        typer.Option(
            help="What --capture owns: 'face' all that it has; 'mouth' leaves the mouth to speech that is "
            "heard; 'upper' leaves it the mouth always."
        ),
    ] = "mouth",
    neutral: Annotated[
        bool, typer.Option("--neutral", help="The first second of --capture is its face at rest.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Play --file or --say again and again.")] = False,
    style: Annotated[
        str, typer.Option(help="Manner of speaking: natural, serious, lively or cartoon.")
    ] = "natural",
    strength: Annotated[float, typer.Option(help="Overall strength of the face, 0 to 2.")] = 1.0,
    emotion: Annotated[str, typer.Option(help="Emotions such as joy:0.6, or 'auto'.")] = "",
    controls: Annotated[Path | None, typer.Option(help="Controls file, JSON or YAML.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of blinks, glances and head motion.")] = 0,
    voice: Annotated[str, typer.Option(help="Voice that speaks --say.")] = "hibari",
    engine: Annotated[str, typer.Option(help="Face engine: a shipped name or a manifest file.")] = "live",
    seconds: Annotated[float, typer.Option(help="End after so long; 0 goes on until Ctrl-C.")] = 0.0,
    sinks: Annotated[
        bool, typer.Option("--sinks", help="List the sinks and captures there are, and end.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document a second on stdout: the state of each sink.")
    ] = False,
) -> None:
    """Perform live, from a microphone, a file, a text or raw sound, into every sink at once.

    Examples: `rhapsode stream --mic --to vmc://127.0.0.1:39539 --to livelink://127.0.0.1:11111`,
    `rhapsode stream --say "Hello there" --to speaker --to ws`,
    `rhapsode stream --capture livelink://0.0.0.0:11111 --mic --to vmc://127.0.0.1:39539 --to file:take.npz`,
    `ffmpeg -i talk.mp3 -f s16le -ac 1 -ar 48000 - | rhapsode stream --pcm - --to rtmp://server/live/key`
    """
    from rhapsode.cli.controls import controls_of
    from rhapsode.cli.stream_source import held, process_of, source_of
    from rhapsode.cli.terminal import console, run_until_told, say_note
    from rhapsode.face.direction import Direction
    from rhapsode.live.engine import ProductEngine
    from rhapsode.live.show import Show

    if sinks:
        _list_sinks()
        return
    turned, ignored = controls_of(controls, {}, [], [])
    for name in ignored:
        say_note(f"{controls}: {name} has no counterpart here and is left out")
    direction = Direction(engine, style, strength, seed, emotion=emotion, controls=turned)
    source = source_of(
        mic,
        device,
        file,
        say,
        pcm,
        rate,
        a2f,
        process=process_of(denoise=denoise, vad=vad),
        voice=voice,
        again=again,
    )
    if button:
        source = held(source, button)
    face = _capture_of(capture, own, neutral=neutral)
    show = Show(ProductEngine(voice), to or [], direction=direction, capture=face)
    if not to:
        raise SettingError("a live performance needs at least one --to, got none; `--sinks` lists them")
    if run_until_told(_perform(show, source, seconds, as_json=as_json)):
        console.print("ended; every file is complete")


def _capture_of(url: str, own: str, *, neutral: bool) -> Capture | None:
    """Return the captured face that was asked for."""
    if not url:
        if own != "mouth" or neutral:
            raise SettingError(
                "--own and --neutral need a --capture, got none; try --capture livelink://:11111"
            )
        return None
    from rhapsode.live.capture.capture import Capture

    return Capture(url, own=cast("Own", own), neutral=neutral)


async def _perform(show: Show, source: Source | None, seconds: float, *, as_json: bool) -> None:
    """Run ``show`` and print what becomes of it."""
    watching = asyncio.create_task(_print_states(show) if as_json else _show_states(show))
    try:
        async with asyncio.timeout(seconds or None):
            await show.run(source)
    except TimeoutError:
        pass
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _print_states(show: Show) -> None:
    from dataclasses import asdict
    from json import dumps

    while True:
        await asyncio.sleep(1)
        state: dict[str, Any] = {"sinks": [asdict(status) for status in show.status]}
        if (captured := show.capture) is not None:
            state["capture"] = asdict(captured)
        sys.stdout.write(dumps(state) + "\n")
        sys.stdout.flush()


async def _show_states(show: Show) -> None:
    from rich.live import Live

    from rhapsode.cli.terminal import console

    with Live(console=console, refresh_per_second=4, transient=False) as view:
        while True:
            view.update(_table(show.status, show.capture))
            await asyncio.sleep(0.5)


def _table(states: list[SinkStatus], captured: CaptureState | None) -> Any:
    from rich.table import Table

    table = Table(
        "sink", "state", "sent", "dropped", "latency, ms (half, 95 %)", box=None, padding=(0, 2, 0, 0)
    )
    colours = {"open": "green", "connecting": "yellow", "failed": "red", "closed": "dim"}
    for row in states:
        latency = "" if row.latency_ms is None else "{:.0f}  {:.0f}".format(*row.latency_ms)
        state = f"[{colours[row.state]}]{row.state}[/]" + (f": {row.error}" if row.error else "")
        table.add_row(row.url, state, str(row.sent), str(row.dropped), latency)
    if captured is not None:
        come = captured.receiver
        said = come.text + (", taking its face at rest" if captured.calibrating else "")
        delay = f"{captured.delay_ms:.0f}" if come.received else ""
        table.add_row(come.url, said, str(come.received), str(come.malformed + come.ignored), delay)
    return table


def _list_sinks() -> None:
    from rhapsode.live.capture.registry import CAPTURES, COMMON
    from rhapsode.live.sinks.registry import SCHEMES, available

    for row in SCHEMES.values():
        typer.echo(f"{row.example:34}{row.name}")
        typer.echo(f"{'':34}options: {', '.join(('rate', 'offset_ms', *row.options))}")
        if missing := available(row):
            typer.echo(f"{'':34}{missing}")
    typer.echo("\nFaces that --capture takes in:")
    for come in CAPTURES.values():
        typer.echo(f"{come.example:34}{come.name}")
        typer.echo(f"{'':34}options: {', '.join((*COMMON, *come.options))}")
