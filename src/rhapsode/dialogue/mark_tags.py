"""Tags in the manner of SSML and HTML: what they look like, and what they mean for the voice."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Literal, cast

from rhapsode.dialogue.mark_words import (
    LONGEST_PAUSE_S,
    Emphasis,
    Feel,
    MarkPiece,
    Pause,
    Prosody,
    known,
    word_set,
)

LONGEST_TAG = 300
"""A longer tag is ordinary text."""

_GAP, _GAPS = r"\s{1,8}", r"\s{0,8}"
_VALUE = r"(?:\"[^\"<]*\"|'[^'<]*')"
_PAIRS = rf"(?:{_GAP}[\w:.-]+{_GAPS}={_GAPS}{_VALUE})*"
_CUT_PAIR = rf"(?:{_GAP}(?:[\w:.-]+{_GAPS}(?:={_GAPS}(?:\"[^\"<]*|'[^'<]*)?)?)?)?"

TAG = re.compile(rf"<(/?)([A-Za-z][\w:.-]*)({_PAIRS}){_GAPS}(/?)>")
"""One tag, whole."""

_BEGUN = re.compile(rf"</?(?:[A-Za-z][\w:.-]*{_PAIRS}{_CUT_PAIR}{_GAPS}/?)?")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')")
_NUMBER = re.compile(r"([+-]?)(\d{1,4}(?:\.\d{1,4})?|\.\d{1,4})\s*([a-z%]*)")

UNSPOKEN = word_set(
    "think thinking thought thoughts reasoning reflection analysis scratchpad script style tool_call"
)
"""Tags whose inside is not for the listener."""

LINES = word_set("p s br li div h1 h2 h3 h4 h5 h6 tr speak")
"""Tags whose end is the end of a line."""

_PAUSES = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.7, "x-strong": 1.0}
_RATES = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
_PITCHES = {"x-low": -6.0, "low": -3.0, "medium": 0.0, "default": 0.0, "high": 3.0, "x-high": 6.0}
_VOLUMES = {
    "silent": -40.0,
    "x-soft": -12.0,
    "soft": -6.0,
    "medium": 0.0,
    "default": 0.0,
    "loud": 4.0,
    "x-loud": 8.0,
}


def begun(text: str) -> bool:
    """Whether ``text``, which starts with "<", may still become a tag."""
    return _BEGUN.fullmatch(text) is not None


def attributes(text: str) -> dict[str, str]:
    """Return the attributes of a tag, names without their prefix in lower case."""
    return {name.rpartition(":")[2].lower(): a or b for name, a, b in _ATTRIBUTE.findall(text)}


def _ratio(value: float) -> float:
    return 12 * math.log2(max(value, 1e-3))


def _decibels(value: float) -> float:
    return 20 * math.log10(max(value, 1e-2))


def _measure(text: str, names: Mapping[str, float], convert: Callable[[str, float, str], float]) -> float:
    """Return one attribute of prosody as a number; NaN where nobody can tell what it means."""
    text = text.strip().lower()
    if text in names:
        return names[text]
    match = _NUMBER.fullmatch(text)
    return convert(match[1], float(match[1] + match[2]), match[3]) if match else math.nan


def _rate(sign: str, value: float, unit: str) -> float:
    if unit == "%":
        value = value / 100 + (1.0 if sign else 0.0)
    elif sign:
        value += 1.0
    return value if unit in ("", "%") else math.nan


def _pitch(sign: str, value: float, unit: str) -> float:
    if unit == "%":
        return _ratio(value / 100 + (1.0 if sign else 0.0))
    return value if unit == "st" or (unit == "" and sign) else math.nan


def _volume(sign: str, value: float, unit: str) -> float:
    if unit == "db":
        return value
    if unit == "%":
        return _decibels(value / 100 + (1.0 if sign else 0.0))
    return math.nan if unit else value if sign else _decibels(value / 100)


def prosody(attributes: Mapping[str, str], around: Prosody) -> Prosody:
    """Return how the voice speaks inside a tag ``prosody`` that stands inside ``around``.

    What cannot be read counts as not given. https://www.w3.org/TR/speech-synthesis11/#S3.2.4
    """

    def read(
        name: str, names: Mapping[str, float], convert: Callable[[str, float, str], float], usual: float
    ) -> float:
        value = _measure(attributes.get(name, ""), names, convert)
        return usual if math.isnan(value) else value

    rate = around.rate * read("rate", _RATES, _rate, 1.0)
    pitch = around.pitch + read("pitch", _PITCHES, _pitch, 0.0)
    volume = around.volume + read("volume", _VOLUMES, _volume, 0.0)
    return Prosody(
        round(min(max(rate, 0.5), 2.0), 4),
        round(min(max(pitch, -12.0), 12.0), 4),
        round(min(max(volume, -40.0), 12.0), 4),
    )


def pause(attributes: Mapping[str, str]) -> Pause:
    """Return the pause of a tag ``break``: its ``time``, else its ``strength``."""
    match = _NUMBER.fullmatch(attributes.get("time", "").strip().lower())
    if match and match[3] in ("ms", "s") and not match[1]:
        seconds = float(match[2]) / (1000 if match[3] == "ms" else 1)
    else:
        seconds = _PAUSES.get(attributes.get("strength", "").strip().lower(), _PAUSES["medium"])
    return Pause(min(seconds, LONGEST_PAUSE_S))


def emphasis(attributes: Mapping[str, str]) -> Emphasis:
    """Return the stress of a tag ``emphasis``."""
    level = attributes.get("level", "moderate").strip().lower()
    known_level = level if level in ("none", "reduced", "moderate", "strong") else "moderate"
    return Emphasis(cast(Literal["none", "reduced", "moderate", "strong"], known_level))


def feeling(name: str, attributes: Mapping[str, str], *, closing: bool) -> tuple[MarkPiece, ...]:
    """Return what a tag of feeling or gesture means, such as ``<joy>``; else nothing."""
    word = name.lower().rpartition(":")[2]
    if word in ("express-as", "emotion", "feel", "gesture", "expression", "mood"):
        if closing:
            return () if word == "gesture" else (Feel(None),)
        word = next(
            (attributes[key] for key in ("style", "name", "value", "category", "type") if key in attributes),
            "",
        )
    elif attributes:
        return ()
    meaning = known("/" + word if closing else word)
    return meaning or ()
