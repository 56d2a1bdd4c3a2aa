"""The table of file formats, and the doors to them: `save`, `load`, `open_writer`, `open_writers`.

A format is found by the extension of the path. Readers and writers are named as "module:attribute" and
imported on use, so that this module stays light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

from rhapsode.errors import FormatError
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Performance


class Writer(Protocol):
    """What a format gives to write one file; `rhapsode.formats.atomic.AtomicWriter` drives it.

    A writer is constructed as ``Writer(path, options)`` with the path of a temporary, empty file (with the
    format's extension, in the folder of the target) that it overwrites. The constructor raises whatever is
    wrong with the options, the avatar and so on, before any work starts.

    Parts come in order of time, each channel of them consecutive in itself:

    - ``face`` and ``emotion`` curves are at the wanted rate, in the wanted rig; a part may hold no frames.
    - ``sound`` is at its own rate, and may be ahead of the face or behind it within one part.
    - ``words`` holds each word and phone once.
    - Clock zero is the first curve frame (and sounds are cut or padded to begin there), unless the format
      says ``keeps_clock``.

    The last call is either `close` or `abort`, never both.
    """

    def write(self, part: Performance) -> None:
        """Take the next part."""

    def close(self) -> None:
        """Complete the file and close it."""

    def abort(self) -> None:
        """Let go of everything; the driver removes the file."""


WriterFactory = Callable[[Path, WriteOptions], Writer]


@dataclass(frozen=True)
class Format:
    """One row of the table.

    Args:
        extension: with the dot, lower case.
        name: what people call it.
        description: what it holds, for help texts.
        reader: "module:function" taking a path, or None where the format is not read back.
        writer: "module:Class" after `Writer`, or None where it is not written.
        fps: curve frames a second unless asked otherwise; None keeps the rate of the performance.
        channels: which channels its writer gets: "face" is ARKit with head and eye angles, "asked" the rig of
            the options, "kept" what the performance has unless a rig is asked for.
        keeps_clock: whether clock positions are stored, so that nothing is shifted to zero.

    """

    extension: str
    name: str
    description: str
    reader: str | None
    writer: str | None
    fps: Fraction | None = None
    channels: Literal["face", "asked", "kept"] = "face"
    keeps_clock: bool = False


_HERE = "rhapsode.formats"

_ROWS = (
    Format(
        ".json",
        "Audio2Face JSON",
        "weights of every curve frame with the channel names",
        f"{_HERE}.a2f_json:read",
        f"{_HERE}.a2f_json:JsonWriter",
        channels="asked",
    ),
    Format(
        ".csv",
        "Live Link Face CSV",
        "ARKit weights, head and eye angles with a timecode, as the iPhone app records them",
        f"{_HERE}.livelink_csv:read",
        f"{_HERE}.livelink_csv:CsvWriter",
        fps=Fraction(60),
    ),
    Format(
        ".npz",
        "NumPy archive",
        "everything that a performance holds, without loss",
        f"{_HERE}.npz:read",
        f"{_HERE}.npz:NpzWriter",
        channels="kept",
        keeps_clock=True,
    ),
    Format(
        ".glb",
        "glTF binary",
        "the avatar with the face, head and eyes animated",
        f"{_HERE}.gltf_animation:read",
        f"{_HERE}.glb:GlbWriter",
    ),
    Format(
        ".gltf",
        "glTF",
        "the animation of an avatar whose morph targets are those of a known rig",
        f"{_HERE}.gltf_animation:read",
        None,
    ),
    Format(
        ".vrma",
        "VRM Animation",
        "expressions, head, gaze and body for any VRM avatar",
        f"{_HERE}.vrma_reader:read",
        f"{_HERE}.vrma:VrmaWriter",
        fps=Fraction(30),
    ),
    Format(
        ".bvh",
        "BVH",
        "the skeleton and its motion, head and eyes with it, for Blender, Maya and others",
        f"{_HERE}.bvh_reader:read",
        f"{_HERE}.bvh:BvhWriter",
        fps=Fraction(30),
    ),
    Format(
        ".mp4",
        "MPEG-4 video",
        "a picture of the speaking avatar, with the sound",
        None,
        "rhapsode.render.video:Mp4Writer",
        fps=Fraction(30),
    ),
    Format(
        ".srt",
        "SubRip subtitles",
        "the words as subtitles",
        None,
        f"{_HERE}.subtitles:SrtWriter",
        channels="kept",
    ),
    Format(
        ".vtt",
        "WebVTT subtitles",
        "the words as subtitles",
        None,
        f"{_HERE}.subtitles:VttWriter",
        channels="kept",
    ),
    Format(
        ".wav",
        "WAV sound",
        "the sound alone, 16-bit",
        None,
        f"{_HERE}.wav:WavWriter",
        channels="kept",
        keeps_clock=True,
    ),
    *(
        Format(
            extension,
            "EmotionML",
            "what was felt, and when, as the W3C writes it",
            f"{_HERE}.emotionml_reader:read",
            f"{_HERE}.emotionml:EmotionmlWriter",
            channels="kept",
        )
        for extension in (".emotionml", ".xml")
    ),
)

FORMATS: dict[str, Format] = {row.extension: row for row in _ROWS}
"""Every format by its extension, in the order of the help text."""


def format_of(path: str | Path, *, job: str = "write") -> Format:
    """Return the format that the extension of ``path`` names.

    Args:
        path: any path; upper and lower case of the extension do not matter.
        job: "write" or "read"; only formats that can do it count.

    Raises:
        FormatError: no format has that extension; the message lists those that exist.

    """
    path = Path(path)
    able = {name: row for name, row in FORMATS.items() if (row.writer if job == "write" else row.reader)}
    if path.suffix.lower() in able:
        return able[path.suffix.lower()]
    known = " ".join(able)
    got = f"the extension '{path.suffix}'" if path.suffix else "no extension"
    raise FormatError(f"cannot {job} '{path}': got {got}, known are {known}; give the file one of these")


def attribute(target: str) -> Any:
    """Import "module:attribute" and return the attribute."""
    module, name = target.split(":")
    return getattr(import_module(module), name)


def load(path: str | Path) -> Performance:
    """Read a performance from ``path`` in the format that its extension names.

    Raises:
        FormatError: unknown extension, no such file, or the content is not what the format asks for.

    """
    path = Path(path)
    row = format_of(path, job="read")
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise FormatError(f"cannot read '{path}': found {found} there, expected {row.name}; check the path")
    assert row.reader is not None
    try:
        performance = attribute(row.reader)(path)
    except OSError as error:
        raise FormatError(
            f"cannot read '{path}': {error.strerror or error}; check its permissions"
        ) from error
    assert isinstance(performance, Performance)
    return performance
