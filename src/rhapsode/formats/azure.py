"""Azure AI Speech's blendshape animation: chunks of frames with 55 values at 60 frames a second.

``{"FrameIndex": n, "BlendShapes": [[55], ...]}``: ARKit's 52 in their canonical order, then headRoll,
leftEyeRoll and rightEyeRoll; FrameIndex is the number of the first frame of its chunk. A file is an array of
chunks as the service sends them in its viseme events. Source: "Get facial position with viseme", Azure AI
Speech documentation, which names no unit for the three rolls: radians here, unless ``angle_scale`` is given.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.formats.event_text import EventFile, short
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import CurveResampler, Curves, Performance
from rhapsode.rigs import BLENDSHAPES, FACE

RATE = Fraction(60)
"""Frames a second, always."""

CHANNELS: tuple[str, ...] = (*BLENDSHAPES, "headRoll", "leftEyeRoll", "rightEyeRoll")
"""The 55 values of a frame."""

_CHUNK = 60
_ROLLS = slice(len(BLENDSHAPES), None)


class AnimationWriter:
    """Writes chunks of a second as they fill; see `rhapsode.formats.registry.Writer`.

    The rate is 60, whatever other files of the same performance have.
    """

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._even = CurveResampler(RATE)
        self._scale, self._precision = options.angle_scale, options.precision
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._file.write("[")
        self._held: list[list[float]] = []
        self._written = 0

    def write(self, part: Performance) -> None:
        """Append the frames that ``part`` completes."""
        self._append(self._even.push(part.face))

    def _append(self, face: Curves | None) -> None:
        if face is None:
            return
        values = face.select(CHANNELS, fill=0).values.astype(np.float64)
        values[:, _ROLLS] *= self._scale
        self._held += (np.round(values, self._precision) + 0.0).tolist()
        while len(self._held) >= _CHUNK:
            self._chunk()

    def close(self) -> None:
        """Write what is left and the end."""
        self._append(self._even.finish())
        if self._held:
            self._chunk()
        self._file.write("\n]\n")
        self._file.close()

    def abort(self) -> None:
        """Close the file as it is."""
        self._file.close()

    def _chunk(self) -> None:
        chunk, self._held = self._held[:_CHUNK], self._held[_CHUNK:]
        text = json.dumps({"FrameIndex": self._written, "BlendShapes": chunk}, separators=(",", ":"))
        self._file.write(("," if self._written else "") + "\n" + text)
        self._written += len(chunk)


def read(path: Path, *, angle_scale: float = 1.0) -> Performance:
    """Read Azure animation: an array of chunks, chunks one after another, or viseme events that hold them.

    Frames that no chunk brings are filled by interpolation.

    Args:
        path: the file.
        angle_scale: what one radian of roll is in the file.

    Raises:
        FormatError: it is no JSON, or a chunk is not what it should be.

    """
    file = EventFile(path, "Azure animation JSON", "save the service's animation strings again")
    chunks = [chunk for document in file.documents() for chunk in _chunks(file, document)]
    if not chunks:
        raise file.wrong("no chunk", "objects with FrameIndex and BlendShapes")
    frames: dict[int, list[float]] = {}
    for number, chunk in enumerate(chunks):
        for k, row in enumerate(_rows(file, chunk, number)):
            frames[chunk["FrameIndex"] + k] = row
    first, last = (min(frames), max(frames)) if frames else (0, -1)
    if last - first > 2 * len(frames) + 3600:
        raise file.wrong(f"frames {first} to {last} of which only {len(frames)} are there", "chunks in a row")
    values = _even(frames)
    values[:, _ROLLS] /= angle_scale
    face = Curves(CHANNELS, values.astype(np.float32), RATE).select(FACE.channels, fill=0)
    return Performance(face)


def frames_of(animation: str) -> tuple[int, Any]:
    """Read the animation of one viseme event, as the service sends it while it speaks.

    Args:
        animation: JSON of one chunk.

    Returns:
        The number of its first frame, 60 a second, and (n, 55) float32 in the order of `CHANNELS`, as sent.

    Raises:
        FormatError: it is no chunk.

    """
    file = EventFile(Path("viseme event"), "Azure animation JSON", "ask for FacialExpression", animation)
    chunks = [chunk for document in file.documents() for chunk in _chunks(file, document)]
    if len(chunks) != 1:
        raise file.wrong(f"{len(chunks)} chunks", "one")
    rows = _rows(file, chunks[0], 1)
    values = np.array(rows, np.float32).reshape(len(rows), len(CHANNELS))
    return int(chunks[0]["FrameIndex"]), values


def _even(frames: dict[int, list[float]]) -> Any:
    """Return (T, 55) with every frame from 0 to the last."""
    known = np.array(sorted(frames))
    table = np.array([frames[k] for k in sorted(frames)], np.float64).reshape(len(frames), len(CHANNELS))
    every = np.arange(known[-1] + 1) if len(known) else np.arange(0)
    if len(every) == len(known):
        return table
    return np.stack([np.interp(every, known, column) for column in table.T], axis=1)


def _chunks(file: EventFile, document: Any) -> list[dict[str, Any]]:
    """Return the chunks in one JSON value: itself, or what the animation string of an event holds."""
    if isinstance(document, list):
        return [chunk for one in document for chunk in _chunks(file, one)]
    if not isinstance(document, dict):
        raise file.wrong(f"{short(document)}", "objects with FrameIndex and BlendShapes")
    if "BlendShapes" in document:
        return [document]
    text = next((v for k, v in document.items() if k.lower().removeprefix("priv") == "animation"), None)
    if text is None:
        raise file.wrong(f"an object with {short(list(document))}", "FrameIndex and BlendShapes")
    if text == "":
        return []
    try:
        inner = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError) as error:
        raise file.wrong(f"an animation string that is no JSON ({short(text)})", "a chunk") from error
    if not isinstance(inner, dict) or "BlendShapes" not in inner:
        raise file.wrong(f"an animation string {short(text)}", "a chunk with FrameIndex and BlendShapes")
    return [inner]


def _rows(file: EventFile, chunk: dict[str, Any], number: int) -> list[list[float]]:
    index, rows = chunk.get("FrameIndex"), chunk["BlendShapes"]
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < 60 * 4 * 3600:
        raise file.wrong(f"FrameIndex {short(index)} in chunk {number}", "the number of its first frame")
    if not isinstance(rows, list):
        raise file.wrong(f"BlendShapes {short(rows)} in chunk {number}", "a list of frames")
    for row in rows:
        if not isinstance(row, list) or len(row) != len(CHANNELS):
            got = f"{len(row)} values" if isinstance(row, list) else short(row)
            raise file.wrong(f"{got} for a frame in chunk {number}", f"{len(CHANNELS)} values")
        for value in row:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e6:
                raise file.wrong(f"{short(value)} for a frame in chunk {number}", "numbers")
    return rows
