"""Single feelings as EmotionML 1.0 (W3C recommendation, 2014): what was felt, how surely, told by what, and
when.

This is for what passes between programs about a turn of a conversation; whole performances with their traces
are files of `rhapsode.formats.emotionml`. Names as there: Ekman's six in the W3C's vocabulary "big6", the
four others in one that the document brings along.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple
from xml.etree import ElementTree as ET
from xml.parsers import expat

from rhapsode.errors import FormatError
from rhapsode.face.emotion import ALIASES, BIG_SIX, EMOTIONS, Emotion, canonical

_NAMESPACE = "http://www.w3.org/2009/10/emotionml"
_BIG6 = "http://www.w3.org/TR/emotion-voc/xml#big6"
_OWN = "rhapsode"
_SPOKEN = {name: word for word, name in BIG_SIX.items()}
_LONGEST = 1_000_000


class Annotation(NamedTuple):
    """A feeling and where it comes from.

    Args:
        emotion: empty for neutral.
        certainty: in [0, 1].
        start_ms: when it begins; None where that is not said.
        end_ms: when it ends.
        through: what tells it: "text", "voice", "face", several with a space between them; may be empty.

    """

    emotion: Emotion
    certainty: float = 1.0
    start_ms: int | None = None
    end_ms: int | None = None
    through: str = ""


def write(annotations: Iterable[Annotation]) -> str:
    """Return a document that holds ``annotations``.

    Example:
        >>> "happiness" in write([Annotation(Emotion(joy=0.6), 0.9)])
        True

    """
    root = ET.Element("emotionml", {"version": "1.0", "xmlns": _NAMESPACE, "category-set": _BIG6})
    own = [name for name in EMOTIONS if name not in _SPOKEN]
    vocabulary = ET.SubElement(root, "vocabulary", {"type": "category", "id": _OWN})
    for name in own:
        ET.SubElement(vocabulary, "item", {"name": name})
    for note in annotations:
        six = {_SPOKEN[name]: level for name, level in note.emotion.items() if name in _SPOKEN}
        others = {name: level for name, level in note.emotion.items() if name in own}
        if six or not others:
            _element(root, note, six, {})
        if others:
            _element(root, note, others, {"category-set": f"#{_OWN}"})
    ET.indent(root, "  ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def read(text: str | bytes) -> tuple[Annotation, ...]:
    """Return the feelings that a document holds, in its order.

    Raises:
        FormatError: it is no EmotionML, has a DTD, or names what is no emotion here.

    """
    root = _root(text)
    return tuple(_annotation(element) for element in root.iterfind(f"{{{_NAMESPACE}}}emotion"))


def _element(root: ET.Element, note: Annotation, amounts: dict[str, float], more: dict[str, str]) -> None:
    times = {"start": note.start_ms, "end": note.end_ms}
    facts = {name: str(ms) for name, ms in times.items() if ms is not None}
    through = {"expressed-through": note.through} if note.through else {}
    element = ET.SubElement(root, "emotion", {**more, **facts, **through})
    sure = f"{note.certainty:.3g}"
    for name, level in amounts.items():
        ET.SubElement(element, "category", {"name": name, "value": f"{level:.3g}", "confidence": sure})
    if not amounts:
        # Nothing is felt: the standard has no category for it, but a value of 0.
        ET.SubElement(element, "category", {"name": "happiness", "value": "0", "confidence": sure})


def _annotation(element: ET.Element) -> Annotation:
    levels: dict[str, float] = {}
    sure: list[float] = []
    for child in element.iterfind(f"{{{_NAMESPACE}}}category"):
        word = child.get("name", "").strip().lower()
        if word not in EMOTIONS and word not in ALIASES:
            known = ", ".join((*BIG_SIX, *(name for name in EMOTIONS if name not in _SPOKEN)))
            raise _wrong(f"the category '{word}'", f"known are {known}")
        levels[canonical(word)] = _unit(child, "value", 1.0)
        sure.append(_unit(child, "confidence", 1.0))
    start, end, length = (_ms(element, name) for name in ("start", "end", "duration"))
    if end is None and length is not None:
        end = (start or 0) + length
    if end is not None and end < (start or 0):
        raise _wrong(f"an emotion that ends at {end} ms and begins at {start or 0} ms", "swap them")
    through = " ".join(element.get("expressed-through", "").split())
    return Annotation(Emotion(levels), min(sure, default=1.0), start, end, through)


def _unit(element: ET.Element, name: str, default: float) -> float:
    text = element.get(name)
    try:
        number = default if text is None else float(text)
    except ValueError:
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise _wrong(f"{name}='{text}'", "values lie in [0, 1]")
    return number


def _ms(element: ET.Element, name: str) -> int | None:
    text = element.get(name)
    if text is None:
        return None
    if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 15:
        raise _wrong(f"{name}='{text[:20]}'", "times are whole milliseconds")
    return int(text)


def _root(text: str | bytes) -> ET.Element:
    if len(text) > _LONGEST:
        raise _wrong(f"{len(text)} characters", f"at most {_LONGEST} are read; cut it")
    guard = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise _wrong("a document type declaration", "take the DTD and its entities out")

    guard.StartDoctypeDeclHandler = refuse
    guard.EntityDeclHandler = refuse
    try:
        guard.Parse(text, True)
        root = ET.fromstring(text)
    except (expat.ExpatError, ET.ParseError, ValueError) as error:
        raise _wrong(f"broken XML ({error})", "write it again") from None
    if root.tag != f"{{{_NAMESPACE}}}emotionml":
        got = "the element " + root.tag.rpartition("}")[2]
        raise _wrong(got, f"the root must be emotionml in the namespace {_NAMESPACE}")
    return root


def _wrong(got: str, remedy: str) -> FormatError:
    return FormatError(f"this cannot be read as EmotionML: got {got}; {remedy}")
