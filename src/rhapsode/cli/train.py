"""``rhapsode train``: an engine for a face of one's own."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.cli.train_script import script
from rhapsode.errors import MissingExtraError, SettingError

if TYPE_CHECKING:
    from fractions import Fraction

    from rhapsode.train.own.run import Outcome

app = typer.Typer(help="Record takes, and train an engine for a face of your own.", no_args_is_help=True)
app.command()(script)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def face(
    data: Annotated[Path, typer.Argument(help="Folder of sounds and curves.", show_default=False)],
    rig: Annotated[
        Path | None, typer.Option(help="Your rig: a .yaml or .json that names its channels.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for the engine. Default: DATA-engine.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the engine. Default: the rig's, or the folder's.")] = "",
    engine: Annotated[str, typer.Option("--engine", help="Shipped engine to start from.")] = "live",
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Start from random weights; needs hours of takes.")
    ] = False,
    hold_out: Annotated[
        list[str] | None, typer.Option(help="Take to measure by instead of learning it; repeat for several.")
    ] = None,
    fps: Annotated[
        str | None, typer.Option(help="Frames per second of curves that do not say it (BS_value.npy: 30).")
    ] = None,
    fix_sync: Annotated[
        bool, typer.Option("--fix-sync", help="Move curves that are early, late or drifting to their sound.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    epochs: Annotated[int | None, typer.Option(min=1, help="Most epochs.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Most minutes of training.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget an earlier run in this folder.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train an engine on your own takes: sounds with the curves of your face or your animator's.

    Reads Maya's BS_name.npy and BS_value.npy, Live Link CSV, Audio2Face JSON and .npz, each beside a sound of
    the same name or in a folder of its own. Stops and goes on at any time: the same command continues.

    Examples: `rhapsode train face takes --rig my_rig.yaml -o my_engine`,
    `rhapsode animate line.wav --weights my_engine/my_rig.json -o line.mp4`,
    `rhapsode train apply line.wav --weights my_engine/my_rig.json -o line.json`
    """
    from rhapsode.cli.terminal import console, print_json, progress_bar, say_error, say_note

    _needs("torch", "the part that trains")
    own = import_module("rhapsode.train.own.run")
    logging.getLogger("rhapsode").setLevel(logging.WARNING)
    settings = own.Settings(
        data=data,
        out=out or data.resolve().with_name(f"{data.resolve().name}-engine"),
        rig=rig,
        name=name,
        engine=engine,
        scratch=from_scratch,
        hold_out=tuple(hold_out or ()),
        fps=_rate(fps),
        fix_sync=fix_sync,
        device=device,
        epochs=epochs,
        minutes=minutes,
        restart=restart,
    )
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task("reading", total=None)

        class Terminal:
            """Tells on stderr."""

            def say(self, text: str) -> None:
                if not as_json:
                    console.print(text, markup=False)

            def note(self, text: str) -> None:
                say_note(text)

            def epoch(self, done: int, of: int, text: str) -> None:
                bar.update(task, description=f"epoch {done}/{of}", completed=done, total=of)
                self.say(f"epoch {done:3d}: {text}")

        try:
            outcome = own.train_face(settings, Terminal())
        except KeyboardInterrupt:
            bar.stop()
            say_error("interrupted; finished epochs are kept and the same command goes on from there")
            raise typer.Exit(130) from None
    if as_json:
        from dataclasses import asdict

        print_json(asdict(outcome))
    else:
        _tell(outcome)


@app.command()
def apply(
    sound: Annotated[Path, typer.Argument(help="Sound or video file.", show_default=False)],
    weights: Annotated[Path, typer.Option(help="The .json that `rhapsode train face` wrote.")],
    output: Annotated[
        list[Path], typer.Option("-o", "--output", help=".json (Audio2Face), .csv, .npz or .npy (Maya).")
    ],
    fps: Annotated[
        str | None, typer.Option(help="Frames per second of the files. Default: 50, .npy 30.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Play a sound on an engine of your own and write your rig's own channels, in its own units."""
    from rhapsode.cli.terminal import console, interruptible, print_json

    own = import_module("rhapsode.train.own.play")
    rate = _rate(fps)
    with interruptible():
        curves = own.play(sound, weights)
        files = [str(path) for target in output for path in own.write(curves, target, fps=rate)]
    if as_json:
        print_json({"files": files, "channels": list(curves.names), "frames": len(curves)})
    else:
        console.print(f"{sound.name}: {curves.duration_s:.1f} s -> {', '.join(files)}", markup=False)


def _needs(module: str, part: str) -> None:
    if find_spec(module) is None:
        raise MissingExtraError(part, "train")


def _rate(fps: str | None) -> Fraction | None:
    from rhapsode.performance import as_rate

    try:
        return None if fps is None else as_rate(fps)
    except SettingError as error:
        raise SettingError(f"--fps: {error}") from None


def _tell(outcome: Outcome) -> None:
    from rhapsode.cli.terminal import console

    say: Any = console.print
    say(f"held-out takes: {', '.join(outcome.held_out)}", markup=False)
    ranked = sorted(outcome.correlations.items(), key=lambda item: -item[1])
    for channel, score in ranked[:12]:
        say(f"  {score:5.2f}  {channel}", markup=False)
    if len(ranked) > 12:
        say(f"  ... and {len(ranked) - 12} more in the report")
    say(f"mean correlation {outcome.mean_correlation:.2f}, best after epoch {outcome.best_epoch}")
    if outcome.jaw_correlation is not None:
        before = f" ({outcome.jaw_before:.2f} before)" if outcome.jaw_before is not None else ""
        say(f"jaw {outcome.jaw_correlation:.2f}{before}", markup=False)
    say(f"engine: {outcome.manifest}  (rhapsode animate line.wav --weights {outcome.manifest})", markup=False)
