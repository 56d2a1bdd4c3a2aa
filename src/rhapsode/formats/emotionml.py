"""EmotionML 1.0 (W3C recommendation, 2014): what was felt, and when.

One ``<emotion>`` for every stretch of time in which something is felt, with its start and duration in
milliseconds of the performance. Ekman's six stand in the W3C's vocabulary "big6"; the names that it lacks
(cheekiness, grief, outofbreath, pain) in a vocabulary that the document brings along; arousal and valence in
"fsre-dimensions", left out where they are neutral (0.5) or not known. What stays the same is a value, what
changes a trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rhapsode.errors import FormatError, SettingError
from rhapsode.face.emotion.vector import BIG_SIX, EMOTIONS, canonical
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Curves, Performance, join

NAMESPACE = "http://www.w3.org/2009/10/emotionml"
BIG6 = "http://www.w3.org/TR/emotion-voc/xml#big6"
DIMENSIONS = "http://www.w3.org/TR/emotion-voc/xml#fsre-dimensions"
OWN = "rhapsode"
"""The id of the vocabulary of the names that "big6" lacks."""

TRACE_HZ = 10

_SPOKEN = {name: word for word, name in BIG_SIX.items()}
MORE = tuple(name for name in EMOTIONS if name not in _SPOKEN)
"""Names that "big6" lacks."""

SIDES = ("arousal", "valence")
"""The dimensions of an emotion track, in [0, 1]."""

_FELT = 0.01
"""A level below this is nothing felt."""

EVEN = 0.02
"""A level that changes by less than this stays the same."""

_Float64 = NDArray[np.float64]


class EmotionmlWriter:
    """Collects the emotion track and writes it at the end; see `rhapsode.formats.registry.Writer`."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path = path
        self._parts: list[Curves] = []

    def write(self, part: Performance) -> None:
        """Keep the emotions of ``part``."""
        if part.emotion is not None:
            self._parts.append(part.emotion)

    def close(self) -> None:
        """Write the file.

        Raises:
            FormatError: the performance has no emotion track, or one with unknown names.

        """
        if not self._parts:
            raise FormatError(
                "EmotionML needs emotions, got a performance without any; ask for some (--emotion auto, "
                "--emotion joy:0.6), or leave the file out"
            )
        tree = ET.ElementTree(document(join(self._parts)))
        ET.indent(tree, "  ")
        tree.write(self._path, encoding="UTF-8", xml_declaration=True)

    def abort(self) -> None:
        """Nothing is open."""


def document(track: Curves) -> ET.Element:
    """Return the root element of an EmotionML document of ``track``.

    Args:
        track: names among `EMOTIONS` or their aliases, "arousal" and "valence"; values in [0, 1].

    Raises:
        FormatError: another name.

    """
    root = ET.Element(
        "emotionml",
        {"version": "1.0", "xmlns": NAMESPACE, "category-set": BIG6, "dimension-set": DIMENSIONS},
    )
    own = ET.SubElement(root, "vocabulary", {"type": "category", "id": OWN})
    for name in MORE:
        ET.SubElement(own, "item", {"name": name})
    columns = _columns(track)
    times_ms = track.times_s * 1000.0
    step_ms = 1000.0 / float(track.rate)
    for first, last in _stretches(columns, float(track.rate)):
        begin, end = round(times_ms[first]), round(times_ms[last - 1] + step_ms)
        shown = {name: values[first:last] for name, values in columns.items()}
        _emotion(root, shown, begin, end, float(track.rate))
    return root


def _columns(track: Curves) -> dict[str, _Float64]:
    made: dict[str, _Float64] = {}
    for name in track.names:
        try:
            known = name if name in SIDES else canonical(name)
        except SettingError as error:
            raise FormatError(f"EmotionML: {error}") from None
        values = np.clip(track[name].astype(np.float64), 0.0, 1.0)
        made[known] = np.maximum(made[known], values) if known in made else values
    return made


def _stretches(columns: dict[str, _Float64], rate: float) -> Iterator[tuple[int, int]]:
    """Yield where every stretch begins and ends in which something is felt, and changes or does not."""
    if not columns:
        return
    felt = np.any(
        [
            np.abs(values - 0.5) > EVEN if name in SIDES else values > _FELT
            for name, values in columns.items()
        ],
        axis=0,
    )
    kind = np.where(felt, 1 + _steady(np.stack([*columns.values()], axis=1), rate), 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kind, [0]])))
    for first, last in pairwise(edges.tolist()):
        if kind[first]:
            yield first, last


def _steady(values: _Float64, rate: float) -> NDArray[np.bool_]:
    """Return (T,) whether a row lies within half a second in which no value changes."""
    made = np.zeros(len(values), bool)
    width = max(round(rate / 2), 2)
    if len(values) >= width:
        still = np.ptp(sliding_window_view(values, width, axis=0), axis=-1).max(axis=1) < EVEN
        for first in np.flatnonzero(still):
            made[first : first + width] = True
    return made


def _emotion(root: ET.Element, shown: dict[str, _Float64], begin: int, end: int, rate: float) -> None:
    """Add a stretch: one element with the six and the dimensions, another one for the own names."""
    timing = {"start": str(begin), "duration": str(max(end - begin, 1))}
    felt = {name: values for name, values in shown.items() if name not in SIDES and values.max() > _FELT}
    six = {_SPOKEN[name]: values for name, values in felt.items() if name in _SPOKEN}
    more = {name: values for name, values in felt.items() if name in MORE}
    sides = {
        name: values for name, values in shown.items() if name in SIDES and np.abs(values - 0.5).max() > EVEN
    }
    if six or not more:
        element = ET.SubElement(root, "emotion", timing)
        _amounts(element, "category", six, rate)
        _amounts(element, "dimension", sides, rate)
    if more:
        element = ET.SubElement(root, "emotion", {"category-set": f"#{OWN}", **timing})
        _amounts(element, "category", more, rate)
        if not six:
            _amounts(element, "dimension", sides, rate)


def _amounts(parent: ET.Element, tag: str, amounts: dict[str, _Float64], rate: float) -> None:
    for name, values in amounts.items():
        element = ET.SubElement(parent, tag, {"name": name})
        if np.ptp(values) < EVEN:
            element.set("value", f"{values.mean():.3g}")
            continue
        ticks = np.arange(0.0, len(values) / rate, 1.0 / TRACE_HZ)
        samples = np.interp(ticks * rate, np.arange(len(values)), values)
        text = " ".join(f"{value:.3g}" for value in samples)
        ET.SubElement(element, "trace", {"freq": f"{TRACE_HZ}Hz", "samples": text})
