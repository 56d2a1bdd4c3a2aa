"""What a file format is here: a row of the table, and the contract of its writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

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
        extension: with the dot, lower case; two parts (``.azure.json``) where the last alone says too little.
        name: what people call it.
        description: what it holds, for help texts.
        reader: "module:function" taking a path, or None where the format is not read back.
        writer: "module:Class" after `Writer`, or None where it is not written.
        fps: curve frames a second unless asked otherwise; None keeps the rate of the performance.
        channels: which channels its writer gets: "face" is ARKit with head and eye angles, "asked" the rig of
            the options, "kept" what the performance has unless a rig is asked for.
        keeps_clock: whether clock positions are stored, so that nothing is shifted to zero.
        resampled: whether curves reach the writer at the wanted rate; False for events, which lose by it.
        sign: what the text of such a file holds near its beginning, as a regular expression; how a file is
            recognised whose extension says too little. Empty where the extension is enough.
        sign_words: the same in words, for messages.
        met_as: plain extensions that such files are also met with.

    """

    extension: str
    name: str
    description: str
    reader: str | None
    writer: str | None
    fps: Fraction | None = None
    channels: Literal["face", "asked", "kept"] = "face"
    keeps_clock: bool = False
    resampled: bool = True
    sign: str = ""
    sign_words: str = ""
    met_as: tuple[str, ...] = ()
