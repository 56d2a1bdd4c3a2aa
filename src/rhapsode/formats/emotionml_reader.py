"""Reading EmotionML 1.0; see `rhapsode.formats.emotionml`. Documents with a DTD or entities are refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import FormatError
from rhapsode.face.emotion.timeline import Timeline
from rhapsode.face.emotion.vector import ALIASES, BIG_SIX, EMOTIONS, Emotion, canonical
from rhapsode.formats.emotionml import EVEN, MORE, NAMESPACE, SIDES
from rhapsode.performance import CURVE_HZ, Curves, Performance
from rhapsode.rigs import FACE

MOST_BYTES = 32 * 1024 * 1024
"""A larger document is refused."""

_EPOCH_MS = 10_000_000_000
"""A start beyond this is a date, not a time of the performance."""

_Float64 = NDArray[np.float64]


class _Stretch(NamedTuple):
    """What one ``<emotion>`` says: when, and the values of each name with their rate (0 for a single one)."""

    begin_ms: int
    end_ms: int | None
    amounts: dict[str, tuple[_Float64, float]]


def read(path: Path) -> Performance:
    """Read a document as a performance of a face at rest with an emotion track at 50 frames a second.

    Raises:
        FormatError: it is no EmotionML, has a DTD, or names what is no emotion here.

    """
    stretches = _parsed(path)
    zero = min((s.begin_ms for s in stretches), default=0)
    zero = zero if zero > _EPOCH_MS else 0
    known = [s.end_ms for s in stretches if s.end_ms is not None]
    last = max([*known, *(s.begin_ms + 1000 for s in stretches if s.end_ms is None)], default=zero)
    frames = -(-(last - zero) * CURVE_HZ // 1000)
    if frames > 24 * 3600 * CURVE_HZ:
        raise _wrong(path, f"emotions over {frames // CURVE_HZ} s", "give times within a day")
    used = {name for s in stretches for name in s.amounts}
    names = EMOTIONS + tuple(side for side in SIDES if side in used)
    values = np.zeros((frames, len(names)), np.float32)
    values[:, len(EMOTIONS) :] = 0.5
    for stretch in stretches:
        end = last if stretch.end_ms is None else stretch.end_ms
        first, stop = (round((ms - zero) * CURVE_HZ / 1000) for ms in (stretch.begin_ms, end))
        for name, (samples, rate) in stretch.amounts.items():
            place = np.arange(stop - first) * (rate / CURVE_HZ)
            amounts = np.interp(place, np.arange(len(samples)), samples)
            column = values[first:stop, names.index(name)]
            np.copyto(column, amounts if name in SIDES else np.maximum(column, amounts), casting="same_kind")
    face = Curves(FACE.channels, np.zeros((frames, len(FACE)), np.float32))
    return Performance(face, emotion=Curves(names, values), meta={"source": path.name})


def read_timeline(path: str | Path) -> Timeline:
    """Read a document as a `Timeline`, to play it: a key wherever a level has changed by 0.02.

    Raises:
        FormatError: as `read`, or there is no such file.

    """
    path = Path(path)
    if not path.is_file():
        raise FormatError(f"cannot read '{path}': found nothing there, expected EmotionML; check the path")
    track = read(path).emotion
    assert track is not None
    keys: list[tuple[float, Emotion]] = []
    said = np.zeros(len(EMOTIONS), np.float32)
    for k, levels in enumerate(track.values[:, : len(EMOTIONS)]):
        if np.abs(levels - said).max() >= EVEN or (k == 0) or (said.any() and not levels.any()):
            said = levels
            felt = Emotion(dict(zip(EMOTIONS, levels.tolist(), strict=True)))
            keys.append((float(Fraction(k, CURVE_HZ)), felt))
    keys.append((track.duration_s, Emotion()))
    return Timeline(keys)


def _parsed(path: Path) -> list[_Stretch]:
    if path.stat().st_size > MOST_BYTES:
        raise _wrong(path, f"{path.stat().st_size} bytes", f"at most {MOST_BYTES} are read: cut it")
    text = path.read_bytes()
    guard = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise _wrong(path, "a document type declaration", "take the DTD and its entities out")

    guard.StartDoctypeDeclHandler = refuse
    guard.EntityDeclHandler = refuse
    try:
        guard.Parse(text, True)
        root = ET.fromstring(text)
    except (expat.ExpatError, ET.ParseError, ValueError) as error:
        raise _wrong(path, f"broken XML ({error})", "write it again") from None
    if root.tag != f"{{{NAMESPACE}}}emotionml":
        got = "the element " + root.tag.rpartition("}")[2]
        raise _wrong(path, got, f"the root must be emotionml in the namespace {NAMESPACE}")
    return [_stretch(path, element) for element in root.iterfind(f"{{{NAMESPACE}}}emotion")]


def _stretch(path: Path, element: ET.Element) -> _Stretch:
    begin = _ms(path, element, "start", _ms(path, element, "offset-to-start", 0)) or 0
    length = _ms(path, element, "duration", None)
    end = _ms(path, element, "end", None if length is None else begin + length)
    if end is not None and end < begin:
        raise _wrong(path, f"an emotion that ends at {end} ms and begins at {begin} ms", "swap them")
    amounts: dict[str, tuple[_Float64, float]] = {}
    for child in element:
        tag = child.tag.rpartition("}")[2]
        word = child.get("name", "").strip()
        if tag == "category":
            if word.lower() not in EMOTIONS and word.lower() not in ALIASES:
                known = ", ".join((*BIG_SIX, *MORE))
                raise _wrong(path, f"the category {word!r}", f"known are {known}")
            amounts[canonical(word)] = _amount(path, child, 1.0)
        elif tag == "dimension" and word in (*SIDES, "pleasure"):
            amounts["valence" if word == "pleasure" else word] = _amount(path, child, 0.5)
    return _Stretch(begin, end, amounts)


def _amount(path: Path, element: ET.Element, default: float) -> tuple[_Float64, float]:
    """Return the values that an element holds, and their rate in Hz."""
    trace = element.find(f"{{{NAMESPACE}}}trace")
    texts = [element.get("value", str(default))] if trace is None else trace.get("samples", "").split()
    rate = "0" if trace is None else trace.get("freq", "").strip().removesuffix("Hz")
    try:
        samples, hertz = np.array([float(text) for text in texts]), float(rate)
    except ValueError:
        samples, hertz = np.zeros(0), 0.0
    fine = len(samples) and np.isfinite(samples).all() and np.array_equal(samples, samples.clip(0, 1))
    if not fine or not 0.0 <= hertz <= 1000.0 or (trace is not None and hertz == 0.0):
        got = f"{element.get('name')} with {' '.join(texts)[:40] or 'nothing'!r}"
        raise _wrong(path, got, "values lie in [0, 1], and a trace has a freq such as 10Hz")
    return samples, hertz


def _ms(path: Path, element: ET.Element, name: str, default: int | None) -> int | None:
    text = element.get(name)
    if text is None:
        return default
    if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 15:
        raise _wrong(path, f"{name}={text!r}", "times are whole milliseconds")
    return int(text)


def _wrong(path: Path, got: str, remedy: str) -> FormatError:
    return FormatError(f"'{path}' cannot be read as EmotionML: got {got}; {remedy}")
