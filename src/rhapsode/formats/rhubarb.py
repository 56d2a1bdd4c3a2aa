"""Rhubarb Lip Sync: mouth shapes A to H and X as JSON and TSV, out and in, and as Moho switch data, out.

Times are hundredths of a second, as Rhubarb writes them. Moho's frames count from 1; its switch data names
the shapes of Preston Blair. Source: Rhubarb Lip Sync 1.13, documentation of its output formats.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from fractions import Fraction
from pathlib import Path
from typing import Any

from rhapsode.formats.event_text import EventFile, short
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.viseme_curves import performance_of
from rhapsode.formats.viseme_track import VisemeTrack
from rhapsode.performance import Performance, Span
from rhapsode.rigs.visemes import RHUBARB

MOHO_FPS = Fraction(24)
"""Frames a second of Moho switch data unless asked otherwise."""

PRESTON_BLAIR: dict[str, str] = dict(
    zip(RHUBARB.channels, ("MBP", "etc", "E", "AI", "O", "U", "FV", "L", "rest"), strict=True)
)
"""Moho's name of each shape."""

_TAIL_S = 0.2
_REMEDY = "run Rhubarb again"


class _RhubarbWriter(ABC):
    """Collects the shapes and writes them at the end; see `rhapsode.formats.registry.Writer`."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path, self._fps = path, options.fps or MOHO_FPS
        self._track = VisemeTrack("rhubarb")
        self._source = ""

    def write(self, part: Performance) -> None:
        """Take the next part."""
        self._track.push(part)
        self._source = part.meta.get("source", self._source)

    def close(self) -> None:
        """Write the file.

        Raises:
            RigError: a phone of the performance is not written in IPA.

        """
        text = self.document(list(self._track.finish()), self._track.duration_s)
        self._path.write_text(text, encoding="utf-8", newline="\n")

    def abort(self) -> None:
        """Forget the source; no file is open."""
        self._source = ""

    @abstractmethod
    def document(self, cues: list[Span], duration_s: float) -> str:
        """Return the text of the file."""


class JsonWriter(_RhubarbWriter):
    """Rhubarb's JSON: ``metadata`` and ``mouthCues``."""

    def document(self, cues: list[Span], duration_s: float) -> str:
        """Return the text of the file."""
        head = {"soundFile": self._source, "duration": round(duration_s, 2)}
        lines = [
            f'    {{ "start": {cue.start_s:.2f}, "end": {cue.end_s:.2f}, "value": "{cue.text}" }}'
            for cue in cues
        ]
        body = ",\n".join(lines)
        shown = json.dumps(head, ensure_ascii=False, indent=2).replace("\n", "\n  ")
        return f'{{\n  "metadata": {shown},\n  "mouthCues": [\n{body}\n  ]\n}}\n'


class TsvWriter(_RhubarbWriter):
    """Rhubarb's TSV: start and shape a line; the last line closes the mouth at the end."""

    def document(self, cues: list[Span], duration_s: float) -> str:
        """Return the text of the file."""
        lines = [f"{cue.start_s:.2f}\t{cue.text}" for cue in cues]
        return "\n".join([*lines, f"{duration_s:.2f}\tX"]) + "\n"


class DatWriter(_RhubarbWriter):
    """Moho switch data: frame and shape a line; several shapes within one frame leave the last of them.

    A closure stays, whatever follows it within its frame.
    """

    def document(self, cues: list[Span], duration_s: float) -> str:
        """Return the text of the file."""
        frames: dict[int, str] = {}
        for cue in cues:
            frame = self._frame(cue.start_s)
            # A shape that would cover a closure begins one frame later, if it lasts that long.
            if frames.get(frame) in ("A", "G"):
                frame += 1
                if cue.text not in ("A", "G") and self._frame(cue.end_s) < frame:
                    continue
            frames[frame] = cue.text
        frames.setdefault(self._frame(duration_s), "X")
        lines = [f"{frame} {PRESTON_BLAIR[frames[frame]]}" for frame in sorted(frames)]
        return "\n".join(["MohoSwitch1", *lines]) + "\n"

    def _frame(self, time_s: float) -> int:
        return 1 + int(Fraction(round(time_s * 100), 100) * self._fps)


def read_json(path: Path) -> Performance:
    """Read Rhubarb's JSON; the mouth moves from one shape to the next.

    Raises:
        FormatError: it is no JSON, or lacks what the layout asks for.

    """
    file = EventFile(path, "Rhubarb JSON", _REMEDY)
    documents = file.documents()
    cues = documents[0].get("mouthCues") if len(documents) == 1 and isinstance(documents[0], dict) else None
    if not isinstance(cues, list):
        raise file.wrong("no list of mouthCues", "an object with metadata and mouthCues")
    spans: list[Span] = []
    for number, cue in enumerate(cues, start=1):
        where = f"cue {number}"
        if not isinstance(cue, dict):
            raise file.wrong(f"{short(cue)} for {where}", "an object with start, end and value")
        start, end = (file.time_s(cue.get(key), 1, f"{key} of {where}") for key in ("start", "end"))
        # Rhubarb rounds to hundredths, so neighbours may overlap by one.
        if end < start or (spans and start < spans[-1].end_s - 0.015):
            raise file.wrong(f"{where} from {start} to {end} s", "cues in order of time")
        spans.append(Span(_shape(file, cue.get("value"), where), start, end))
    return performance_of(spans, "rhubarb")


def read_tsv(path: Path) -> Performance:
    """Read Rhubarb's TSV; the mouth moves from one shape to the next.

    Raises:
        FormatError: a line is no time and a shape.

    """
    file = EventFile(path, "Rhubarb TSV", _REMEDY)
    starts: list[tuple[str, float]] = []
    for number, line in enumerate(file.text().splitlines(), start=1):
        if not line.strip():
            continue
        where, cells = f"line {number}", line.split("\t")
        try:
            time: Any = float(cells[0])
        except ValueError:
            time = cells[0]
        if len(cells) != 2:
            raise file.wrong(f"{short(line)} in {where}", "a time, a tab and a shape")
        starts.append((_shape(file, cells[1].strip(), where), file.time_s(time, 1, where)))
    if not starts:
        raise file.wrong("an empty file", "lines with a time, a tab and a shape")
    tail = 0.0 if starts[-1][0] == "X" and len(starts) > 1 else _TAIL_S
    return performance_of(file.spans(starts, starts[-1][1] + tail), "rhubarb")


def _shape(file: EventFile, value: object, where: str) -> str:
    if not isinstance(value, str) or value not in RHUBARB.channels:
        raise file.wrong(f"the shape {short(value)} in {where}", "one of A B C D E F G H X")
    return value
