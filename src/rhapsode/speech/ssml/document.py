"""The parts of an SSML document."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar
from xml.parsers import expat

import numpy as np

from rhapsode.errors import SpeechError
from rhapsode.speech.manner import PITCH_RANGE, PLAIN, RATE_RANGE, VOLUME_RANGE, Manner
from rhapsode.speech.reading.say_as import KINDS, said_as

LONGEST = 100_000
"""Characters that a document may have."""

DEEPEST = 32
"""Elements that may lie in one another."""

LONGEST_BREAK_S = 10.0
"""Longer breaks are cut to it."""

_T = TypeVar("_T")
_PARAGRAPH_S = 0.3
"""Silence behind a paragraph, over the pause that voices make behind a sentence."""


_STRENGTHS = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.35, "strong": 0.6, "x-strong": 1.0}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
_PITCHES = {"x-low": -6.0, "low": -3.0, "medium": 0.0, "default": 0.0, "high": 3.0, "x-high": 6.0}
_VOLUMES = {
    "silent": -40.0, "x-soft": -12.0, "soft": -6.0, "medium": 0.0, "default": 0.0, "loud": 4.0, "x-loud": 8.0
}  # fmt: skip
_EMPHASIS = {
    "strong": Manner(0.9, 1.5, 3.0),
    "moderate": Manner(0.95, 0.75, 1.5),
    "none": PLAIN,
    "reduced": Manner(1.08, -0.5, -2.0),
}


@dataclass(frozen=True)
class Segment:
    """Text that is said in one manner.

    Args:
        text: what to say.
        manner: how, over the manner of the whole.
        language: BCP 47 tag; empty where none was given.
        voice: its name; empty where none was given.
        marks: places inside the text: characters before each, and its name.

    """

    text: str
    manner: Manner = PLAIN
    language: str = ""
    voice: str = ""
    marks: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Break:
    """Silence."""

    seconds: float


@dataclass(frozen=True)
class Mark:
    """A place with a name that lies between segments."""

    name: str


Part = Segment | Break | Mark


def is_ssml(text: str) -> bool:
    """Tell whether ``text`` is meant to be SSML: whether it begins with a ``speak`` element."""
    return bool(re.match(r"\s*(<\?xml[^>]*\?>\s*)?<speak[\s>/]", text))


def parse_ssml(text: str) -> list[Part]:
    """Return the parts of an SSML document in order.

    Known are speak, p, s, break, prosody (rate, pitch, volume), emphasis, say-as (characters, digits, number,
    ordinal, date, time, telephone), sub, lang, voice (name), mark, and ``xml:lang`` on all of them. Document
    types and entities of one's own are refused.

    Raises:
        SpeechError: the document is not well-formed, too long or too deep, or asks for something unknown.

    """
    if len(text) > LONGEST:
        raise SpeechError(f"SSML may have {LONGEST} characters, got {len(text)}; send it in parts")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise SpeechError(f"SSML must be well-formed XML, got an error: {error}; escape & and <") from error
    return reader.parts()


@dataclass(frozen=True)
class _State:
    """What holds inside an element."""

    manner: Manner = PLAIN
    language: str = ""
    voice: str = ""
    say_as: tuple[str, str] = ("", "")
    alias: str | None = None
    closing: str = ""


@dataclass
class _Reader:
    """Turns events of the parser into parts."""

    _states: list[_State] = field(default_factory=list)
    _found: list[Part] = field(default_factory=list)
    _run: str = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._flush()
        if len(self._states) >= DEEPEST:
            raise SpeechError(f"SSML elements may lie {DEEPEST} deep, got more; make it flatter")
        if not self._states and name != "speak":
            raise SpeechError(f"SSML must begin with <speak>, got <{name}>; put <speak> around it")
        handler = _ELEMENTS.get(name)
        if handler is None:
            raise SpeechError(f"an SSML element must be one of: {', '.join(_ELEMENTS)}; got <{name}>")
        state = replace(self._states[-1], closing="") if self._states else _State()
        state = replace(state, language=attributes.get("xml:lang", state.language))
        if name == "break":
            self._found.append(Break(_break(attributes)))
        elif name == "mark":
            self._mark(_needed(attributes, "name", "mark"), state)
        self._states.append(handler(state, attributes))

    def end(self, name: str) -> None:
        self._flush()
        state = self._states.pop()
        if name == "sub" and state.alias:
            self._add(state.alias, state)
        last = self._found[-1] if self._found else None
        if state.closing and isinstance(last, Segment):
            self._found[-1] = replace(last, text=f"{last.text}\n")
        if state.closing == "p" and last is not None and not isinstance(last, Break):
            self._found.append(Break(_PARAGRAPH_S))

    def text(self, data: str) -> None:
        self._run += data

    def parts(self) -> list[Part]:
        """Return the parts; the pause behind the last paragraph is left out."""
        if self._found and self._found[-1] == Break(_PARAGRAPH_S):
            self._found.pop()
        return self._found

    def _flush(self) -> None:
        run, self._run = re.sub(r"\s+", " ", self._run), ""
        if self._states and self._states[-1].alias is None:
            self._add(run, self._states[-1])

    def _add(self, text: str, state: _State) -> None:
        kind, form = state.say_as
        said = said_as(text.strip(), kind, form, state.language) if kind else text
        last = self._found[-1] if self._found else None
        one = Segment(said, state.manner, state.language, state.voice)
        words = any(c.isalnum() for c in said)
        if isinstance(last, Segment) and (not words or _alike(last, one)):
            self._found[-1] = replace(last, text=last.text + said)
        elif words:
            self._found.append(one)

    def _mark(self, name: str, state: _State) -> None:
        last = self._found[-1] if self._found else None
        if isinstance(last, Segment) and _alike(last, Segment("", state.manner, state.language, state.voice)):
            self._found[-1] = replace(last, marks=(*last.marks, (len(last.text), name)))
        else:
            self._found.append(Mark(name))


def _alike(one: Segment, other: Segment) -> bool:
    """Tell whether two segments are said by the same voice in the same manner."""
    return replace(one, text="", marks=()) == replace(other, text="", marks=())


def _refuse(*_: object) -> None:
    raise SpeechError("SSML may declare no document type and no entities; take <!DOCTYPE ...> out")


def _needed(attributes: Mapping[str, str], name: str, element: str) -> str:
    value = attributes.get(name, "").strip()
    if not value:
        raise SpeechError(f'SSML <{element}> needs {name}="...", got none; give it one')
    return value


def _break(attributes: Mapping[str, str]) -> float:
    if "time" in attributes:
        match = re.fullmatch(r"\s*\+?(\d+(?:\.\d+)?)\s*(ms|s)\s*", attributes["time"])
        if not match:
            raise SpeechError(f"SSML break time must be like 500ms or 1.5s, got '{attributes['time']}'")
        return min(float(match[1]) / (1000 if match[2] == "ms" else 1), LONGEST_BREAK_S)
    return _named(attributes.get("strength", "medium"), _STRENGTHS, "break strength")


def _prosody(state: _State, attributes: Mapping[str, str]) -> _State:
    rate = _number(attributes.get("rate", "medium"), _RATES, "rate", RATE_RANGE)
    pitch = _number(attributes.get("pitch", "medium"), _PITCHES, "pitch", PITCH_RANGE)
    volume = _number(attributes.get("volume", "medium"), _VOLUMES, "volume", VOLUME_RANGE)
    return replace(state, manner=state.manner.then(Manner(rate, pitch, volume)))


def _number(text: str, names: Mapping[str, float], what: str, limits: tuple[float, float]) -> float:
    text = text.strip()
    if text in names:
        return names[text]
    match = re.fullmatch(r"([+-]?)(\d+(?:\.\d+)?)(%|st|dB)?", text)
    unit = {"rate": "%", "pitch": "st", "volume": "dB"}[what]
    if not match or (match[3] not in (unit, "%") and not (what == "rate" and match[3] is None)):
        hint = {"rate": "120% or 1.2", "pitch": "+2st or -10%", "volume": "+6dB or -20%"}[what]
        raise SpeechError(
            f"SSML prosody {what} must be one of {', '.join(names)}, or like {hint}; got '{text}'"
        )
    value = float(match[1] + match[2])
    if match[3] == "%":
        factor = 1 + value / 100 if match[1] else value / 100
        if what == "rate":
            value = factor
        else:
            value = (12.0 if what == "pitch" else 20 * np.log10(2)) * np.log2(max(factor, 1e-3))
    return float(min(max(value, limits[0]), limits[1]))


def _named(text: str, names: Mapping[str, _T], what: str) -> _T:
    if text not in names:
        raise SpeechError(f"SSML {what} must be one of: {', '.join(names)}; got '{text}'")
    return names[text]


def _emphasis(state: _State, attributes: Mapping[str, str]) -> _State:
    manner = _named(attributes.get("level", "moderate"), _EMPHASIS, "emphasis level")
    return replace(state, manner=state.manner.then(manner))


def _say_as(state: _State, attributes: Mapping[str, str]) -> _State:
    kind = _needed(attributes, "interpret-as", "say-as")
    if kind not in KINDS:
        raise SpeechError(f"SSML say-as must be one of: {', '.join(KINDS)}; got '{kind}'")
    return replace(state, say_as=(kind, attributes.get("format", "")))


def _voice(state: _State, attributes: Mapping[str, str]) -> _State:
    return replace(state, voice=attributes.get("name", state.voice))


_ELEMENTS: Mapping[str, Callable[[_State, Mapping[str, str]], _State]] = {
    "speak": lambda state, _: state,
    "p": lambda state, _: replace(state, closing="p"),
    "s": lambda state, _: replace(state, closing="s"),
    "break": lambda state, _: state,
    "prosody": _prosody,
    "emphasis": _emphasis,
    "say-as": _say_as,
    "sub": lambda state, attributes: replace(state, alias=_needed(attributes, "alias", "sub")),
    "lang": lambda state, _: state,
    "voice": _voice,
    "mark": lambda state, _: state,
}
