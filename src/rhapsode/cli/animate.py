"""``rhapsode animate``: sounds or a text in, files out."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.errors import InputError, RhapsodeError, SettingError

if TYPE_CHECKING:
    from rhapsode.face.direction import Direction
    from rhapsode.face.emotion import Feelings
    from rhapsode.perform import Report


@dataclass(frozen=True)
class Job:
    """One source and the files that come of it."""

    source: Path | None
    text: str | None
    outputs: tuple[Path, ...]

    @property
    def title(self) -> str:
        """What the user calls it."""
        return self.source.name if self.source else "text"


def animate(
    sources: Annotated[
        list[Path] | None, typer.Argument(help="Sound or video files.", show_default=False)
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o", "--output", help="File to write; repeat for several. '{name}' stands for the source's name."
        ),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Speak this text instead of a sound file.")] = None,
    voice: Annotated[str, typer.Option(help="Voice that speaks --text.")] = "hibari",
    avatar: Annotated[
        str, typer.Option(help="Avatar for .mp4, .glb, .usd, .vrma and .bvh: a name or a .vrm/.glb file.")
    ] = "",
    style: Annotated[
        str, typer.Option(help="Manner of speaking: natural, serious, lively or cartoon.")
    ] = "natural",
    strength: Annotated[float, typer.Option(help="Overall strength of the face, 0 to 2.")] = 1.0,
    emotion: Annotated[
        str,
        typer.Option(
            help="Emotions such as joy:0.6,surprise:0.2; 'auto' for an estimate from the voice; "
            "or an .emotionml file."
        ),
    ] = "",
    controls: Annotated[
        Path | None, typer.Option(help="Controls file, JSON or YAML; an Audio2Face-3D configuration works.")
    ] = None,
    upper_strength: Annotated[float | None, typer.Option(help="Brows, eyes and cheeks, 0 to 2.")] = None,
    lower_strength: Annotated[float | None, typer.Option(help="Jaw and lips, 0 to 2.")] = None,
    upper_smoothing: Annotated[float | None, typer.Option(help="Of the upper face, 0 to 1.")] = None,
    lower_smoothing: Annotated[float | None, typer.Option(help="Of the mouth, 0 to 1.")] = None,
    lip_close_offset: Annotated[float | None, typer.Option(help="Lips closer, -0.3 to 0.3.")] = None,
    eyelid_offset: Annotated[float | None, typer.Option(help="Lids, -1 (closed) to 1 (wide).")] = None,
    blink_strength: Annotated[float | None, typer.Option(help="How far blinks close, 0 to 2.")] = None,
    tongue_strength: Annotated[float | None, typer.Option(help="Of the tongue, 0 to 3.")] = None,
    gain: Annotated[list[str] | None, typer.Option(help="CHANNEL=FACTOR, such as jawOpen=1.2.")] = None,
    offset: Annotated[list[str] | None, typer.Option(help="CHANNEL=ADDED, such as browInnerUp=0.1.")] = None,
    prediction_offset: Annotated[
        float | None, typer.Option(help="Seconds by which the face is late, -0.5 (early) to 0.5.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of blinks, glances and head motion.")] = 0,
    still: Annotated[
        bool, typer.Option("--still", help="Mouth only: no blinks, glances, head motion or smile.")
    ] = False,
    fps: Annotated[
        str | None, typer.Option(help="Frames per second of the files (each format has its own default).")
    ] = None,
    rig: Annotated[
        str, typer.Option(help="Channels to write: arkit, facegood, oculus, azure, vrm0, vrm1, ...")
    ] = "arkit",
    size: Annotated[str, typer.Option(help="Picture size of .mp4, WIDTHxHEIGHT.")] = "512x512",
    camera: Annotated[str, typer.Option(help="Framing of .mp4: face, bust or full.")] = "bust",
    background: Annotated[
        str, typer.Option(help="Background of .mp4: studio, a colour such as '#203040', or a picture.")
    ] = "studio",
    engine: Annotated[
        str,
        typer.Option(help="Face engine: live, studio (hears further ahead), articulation or audio2exp."),
    ] = "live",
    performer: Annotated[
        str,
        typer.Option(
            help="Whose way of moving the mouth; live and studio: natural, articulated, grid, facegood; "
            "articulation: neutral, open, soft, rounded, toothy."
        ),
    ] = "",
    weights: Annotated[
        str, typer.Option(help="Manifest (.json) of your own engine, instead of --engine.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Files to work on at the same time.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Turn speech into face animation: curves, an animated avatar, a video.

    Examples: `rhapsode animate line.wav -o line.mp4 -o line.csv -o line.glb`,
    `rhapsode animate --text "Hello there" -o hello.mp4`,
    `rhapsode animate takes/*.wav -o 'out/{name}.json' --jobs 2`
    """
    from rhapsode.cli.controls import controls_of
    from rhapsode.cli.terminal import interruptible, print_json, say_error, say_note
    from rhapsode.face.direction import Direction
    from rhapsode.face.life import Life

    planned = plan(sources or [], text, output or [])
    life = Life.off() if still else None
    felt = feelings(emotion)
    values = {
        "upper_strength": upper_strength,
        "lower_strength": lower_strength,
        "upper_smoothing": upper_smoothing,
        "lower_smoothing": lower_smoothing,
        "lip_close_offset": lip_close_offset,
        "eyelid_offset": eyelid_offset,
        "blink_strength": blink_strength,
        "tongue_strength": tongue_strength,
        "prediction_offset": prediction_offset,
    }
    turned, ignored = controls_of(controls, values, gain or [], offset or [])
    for name in ignored:
        say_note(f"{controls}: {name} has no counterpart here and is left out")
    direction = Direction(
        weights or engine,
        style,
        strength,
        seed,
        life=life,
        emotion=felt,
        controls=turned,
        performer=performer or None,
    )
    options: dict[str, Any] = {
        "fps": fps,
        "rig": rig,
        "size": size,
        "camera": camera,
        "background": background,
        "voice": voice,
    }
    options["avatar"] = avatar or None
    given = {key: value for key, value in options.items() if value is not None}
    with interruptible():
        results, failures = run(planned, direction, given, workers=jobs, quiet=as_json)
    for report in results:
        for note in report.notes:
            say_note(f"{report.source}: {note}")
    for title, error in failures:
        say_error(f"{title}: {error}" if len(planned) > 1 else str(error))
    if as_json:
        failed = [{"source": title, "error": str(error)} for title, error in failures]
        print_json({"performances": [asdict(report) for report in results], "failed": failed})
    elif results:
        from rhapsode.cli.terminal import console

        for report in results:
            console.print(
                f"{report.source}: {report.duration_s:.1f} s -> {', '.join(report.outputs)}", markup=False
            )
    if failures:
        raise typer.Exit(2 if all(isinstance(error, RhapsodeError) for _, error in failures) else 1)


def feelings(text: str) -> Feelings | None:
    """Return what ``--emotion`` asks for: a text as it is, the timeline of a file, None for nothing."""
    if Path(text).suffix.lower() not in (".emotionml", ".xml"):
        return text or None
    from rhapsode.formats.emotionml_reader import read_timeline

    return read_timeline(text)


def plan(sources: list[Path], text: str | None, outputs: list[str]) -> list[Job]:
    """Pair every source with its files; raise `InputError` when the command cannot mean anything."""
    if not outputs:
        raise SettingError("animate needs at least one file to write, got none; add -o, such as -o line.mp4")
    if text is not None and sources:
        raise SettingError(
            f"animate takes sound files or --text, got both ({sources[0]} and a text); leave one out"
        )
    if text is None and not sources:
        raise SettingError(
            "animate needs a sound file or --text, got neither; try: rhapsode animate line.wav -o line.mp4"
        )
    if len(sources) > 1 and not all("{name}" in out for out in outputs):
        raise SettingError(
            f"{len(sources)} sources need '{{name}}' in every -o, got {outputs[0]!r}; try -o '{{name}}.mp4'"
        )
    spoken_or_read: list[Path | None] = [*sources] or [None]
    jobs = [
        Job(
            source,
            text,
            tuple(Path(out.replace("{name}", source.stem if source else "speech")) for out in outputs),
        )
        for source in spoken_or_read
    ]
    written: dict[Path, str] = {}
    for job in jobs:
        for path in job.outputs:
            where = path.absolute()
            if where in written:
                raise InputError(
                    f"{path} would be written twice (for {written[where]} and {job.title}); name them apart"
                )
            if job.source is not None and where == job.source.absolute():
                raise InputError(f"{path} is the source itself; write to another file")
            written[where] = job.title
    return jobs


def run(
    planned: list[Job], direction: Direction, options: dict[str, Any], *, workers: int, quiet: bool
) -> tuple[list[Report], list[tuple[str, Exception]]]:
    """Carry out the jobs, one after another or side by side; one that fails stops no other."""
    from rhapsode.cli.terminal import end_politely, progress_bar

    results: list[Report] = []
    failures: list[tuple[str, Exception]] = []
    with progress_bar(quiet=quiet) as bar:
        if len(planned) == 1 or workers == 1:
            for job in planned:
                task = bar.add_task(job.title, total=1.0)
                try:
                    results.append(
                        carry_out(
                            job, direction, options, lambda part, task=task: bar.update(task, completed=part)
                        )
                    )
                except RhapsodeError as error:
                    failures.append((job.title, error))
            return results, failures
        task = bar.add_task(f"{len(planned)} files", total=len(planned))
        with ProcessPoolExecutor(workers, get_context("spawn"), initializer=end_politely) as pool:
            waiting = {pool.submit(carry_out, job, direction, options): job for job in planned}
            for done in as_completed(waiting):
                failed = done.exception()
                if failed is None:
                    results.append(done.result())
                elif isinstance(failed, Exception):
                    failures.append((waiting[done].title, failed))
                bar.advance(task)
    order = {job.title: k for k, job in enumerate(planned)}
    return sorted(results, key=lambda report: order.get(Path(report.source).name, 0)), failures


def carry_out(job: Job, direction: Direction, options: dict[str, Any], progress: Any = None) -> Report:
    """Animate one source; runs in a worker process when there are several."""
    from rhapsode.perform import animate_file

    return animate_file(
        job.source, job.outputs, text=job.text, direction=direction, progress=progress, **options
    )
