"""``rhapsode convert``: from any file that is read to any files that are written."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.errors import SettingError

if TYPE_CHECKING:
    from rhapsode.performance import Performance

_PART_S = 5.0


def convert(
    source: Annotated[Path, typer.Argument(help="File to read; 'rhapsode formats' lists what can be.")],
    outputs: Annotated[
        list[Path], typer.Argument(help="Files to write, each in the format of its extension.")
    ],
    format: Annotated[
        str, typer.Option(help="Format to write, such as azure.json, where the extension does not tell.")
    ] = "",
    read_as: Annotated[str, typer.Option(help="Format to read, where the file itself does not tell.")] = "",
    fps: Annotated[
        str | None, typer.Option(help="Frames per second (each format has its own default).")
    ] = None,
    rig: Annotated[
        str, typer.Option(help="Channels to write: arkit, facegood, oculus, azure, vrm0, vrm1, ...")
    ] = "arkit",
    avatar: Annotated[
        str, typer.Option(help="A name or a .vrm/.glb file; for .motion3.json the model3.json of the model.")
    ] = "",
    sound: Annotated[
        Path | None, typer.Option(help="Sound to put with it, instead of the one that the source has.")
    ] = None,
    node: Annotated[str, typer.Option(help="Path of the object with the face, for .anim.")] = "",
    loop: Annotated[
        bool, typer.Option("--loop", help="Played again and again: .anim, .motion3.json.")
    ] = False,
    precision: Annotated[int, typer.Option(help="Decimals of weights in JSON, 1 to 9.")] = 6,
    angle_scale: Annotated[
        float, typer.Option(help="What one radian becomes in .csv and .azure.json.")
    ] = 1.0,
    size: Annotated[str, typer.Option(help="Picture size of .mp4, WIDTHxHEIGHT.")] = "512x512",
    camera: Annotated[str, typer.Option(help="Framing of .mp4: face, bust or full.")] = "bust",
    background: Annotated[
        str, typer.Option(help="Background of .mp4: studio, a colour such as '#203040', or a picture.")
    ] = "studio",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Convert animation from one format to others: curves, visemes, avatars, video.

    Examples: `rhapsode convert take.csv take.anim --node Body`,
    `rhapsode convert speech.marks line.glb line.mp4 --sound speech.mp3`,
    `rhapsode convert mouth.json face.azure.json`
    """
    from rhapsode.cli.terminal import interruptible, print_json

    options: dict[str, Any] = {
        "format": format,
        "rig": rig,
        "avatar": avatar or None,
        "node": node,
        "loop": loop,
        "precision": precision,
        "angle_scale": angle_scale,
        "size": size,
        "camera": camera,
        "background": background,
    }
    if fps is not None:
        options["fps"] = fps
    with interruptible():
        take = carry_out(source, outputs, options, read_as=read_as, sound=sound, quiet=as_json)
    if as_json:
        print_json(
            {
                "source": str(source),
                "outputs": [str(path) for path in outputs],
                "duration_s": round(take.duration_s, 3),
                "curve_frames": len(take.face),
                "fps": float(take.face.rate),
                "sound": take.sound is not None,
            }
        )
        return
    from rhapsode.cli.terminal import console

    names = ", ".join(str(path) for path in outputs)
    console.print(f"{source}: {take.duration_s:.1f} s -> {names}", markup=False)


def carry_out(
    source: Path,
    outputs: list[Path],
    options: dict[str, Any],
    *,
    read_as: str = "",
    sound: Path | None = None,
    quiet: bool = True,
) -> Performance:
    """Read ``source``, put ``sound`` with it, write all ``outputs`` or none; return what was written.

    Raises:
        InputError: the source, the sound or an option is not what it should be.

    """
    from dataclasses import replace

    from rhapsode.audio.decode import read_sound
    from rhapsode.cli.terminal import progress_bar
    from rhapsode.formats import load, open_writers
    from rhapsode.performance import CLOCK_HZ

    if any(path.absolute() == source.absolute() for path in outputs):
        raise SettingError(f"{source} is the source itself, and would be written over; write to another file")
    take = load(source, format=read_as)
    if sound is not None:
        take = replace(take, sound=replace(read_sound(sound), start=take.face.start))
    starts = [take.face.start, *([take.sound.start] if take.sound else [])]
    begin = float(min(starts) / CLOCK_HZ)
    length = float(max(starts) / CLOCK_HZ) + take.duration_s - begin
    edges = [begin + k * _PART_S for k in range(1, int(length // _PART_S) + 1)]
    with progress_bar(quiet=quiet) as bar, open_writers(outputs, **options) as out:
        task = bar.add_task(source.name, total=len(edges) + 1)
        for first, last in pairwise([float("-1e6"), *edges, float("1e6")]):
            out.write(take.slice_s(first, last))
            bar.advance(task)
    return take
