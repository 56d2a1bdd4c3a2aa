"""Amazon Polly's speech marks: sentences, words and visemes, one JSON object a line, times in milliseconds.

``start`` and ``end`` of sentences and words are places in the spoken text, in bytes of UTF-8. Source: "Speech
mark types", Amazon Polly Developer Guide.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from rhapsode.formats.event_text import EventFile, short
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.subtitles import joined
from rhapsode.formats.viseme_curves import performance_of
from rhapsode.formats.viseme_track import VisemeTrack
from rhapsode.performance import Performance, Span, Words
from rhapsode.rigs.visemes import OTHER_SPELLINGS, POLLY

_TAIL_S = 0.2
_KIND, _REMEDY = "Polly speech marks", "ask Polly for viseme marks again"
_SENTENCE_ENDS = tuple(".!?…。！？")
_AROUND = " \t\"'“”‘’()[]{}<>.,;:!?…。，、；：！？—–"
_KINDS = ("sentence", "word", "viseme", "ssml")
_ORDER = {kind: place for place, kind in enumerate(_KINDS)}


class MarksWriter:
    """Collects words and visemes and writes them at the end; see `rhapsode.formats.registry.Writer`."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path = path
        self._track = VisemeTrack("polly")
        self._words: list[Span] = []

    def write(self, part: Performance) -> None:
        """Take the next part."""
        self._track.push(part)
        self._words += part.words.words

    def close(self) -> None:
        """Write the file.

        Raises:
            RigError: a phone of the performance is not written in IPA.

        """
        marks = text_marks(sorted(self._words, key=lambda word: word.start_s))
        events = self._track.finish()
        marks += [_mark(event.start_s, "viseme", value=event.text) for event in events]
        if events:
            marks.append(_mark(self._track.duration_s, "viseme", value="sil"))
        marks.sort(key=lambda mark: (mark["time"], _ORDER[mark["type"]]))
        lines = [json.dumps(mark, ensure_ascii=False, separators=(",", ":")) for mark in marks]
        self._path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")

    def abort(self) -> None:
        """Do nothing: no file is open."""


def text_marks(words: list[Span]) -> list[dict[str, Any]]:
    """Return the marks of sentences and words; words are marked without the punctuation around them."""
    marks: list[dict[str, Any]] = []
    text = ""
    sentence: list[Span] = []
    for k, word in enumerate(words):
        before = joined([*sentence, word]).removesuffix(word.text)
        sentence.append(word)
        bare = word.text.strip(_AROUND)
        if bare:
            begin = len((text + before + word.text[: word.text.index(bare)]).encode())
            marks.append(_mark(word.start_s, "word", start=begin, end=begin + len(bare.encode()), value=bare))
        if word.text.rstrip("\"'”’)").endswith(_SENTENCE_ENDS) or k + 1 == len(words):
            whole = joined(sentence)
            begin = len(text.encode())
            end = begin + len(whole.encode())
            marks.append(_mark(sentence[0].start_s, "sentence", start=begin, end=end, value=whole))
            text += whole + " "
            sentence = []
    return marks


def _mark(time_s: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"time": max(round(time_s * 1000), 0), "type": kind, **more}


class Marks(NamedTuple):
    """What speech marks tell.

    Args:
        visemes: of the set "polly", in order of time; each lasts until the next one.
        words: with their punctuation.
        end_s: where the speech ends, as far as marks tell.

    """

    visemes: tuple[Span, ...]
    words: tuple[Span, ...]
    end_s: float


def read(path: Path) -> Performance:
    """Read speech marks: visemes become a moving mouth, words become words with their punctuation.

    Raises:
        FormatError: a line is no mark, or there is no viseme.

    """
    found = _marks(EventFile(path, _KIND, _REMEDY))
    return performance_of(found.visemes, "polly", words=Words(found.words))


def marks_of(text: str) -> Marks:
    """Read the speech marks of one request, as the service answers it.

    Args:
        text: one mark a line.

    Raises:
        FormatError: a line is no mark, or there is no viseme.

    """
    return _marks(EventFile(Path("answer"), _KIND, _REMEDY, text))


def _marks(file: EventFile) -> Marks:
    visemes: list[tuple[str, float]] = []
    told: list[tuple[float, dict[str, Any]]] = []
    for number, mark in enumerate(file.documents(), start=1):
        where = f"mark {number}"
        if not isinstance(mark, dict) or mark.get("type") not in _KINDS:
            raise file.wrong(f"{short(mark)} for {where}", f"an object of type {', '.join(_KINDS)}")
        time, value = file.time_s(mark.get("time"), 1000, where), mark.get("value")
        if mark["type"] == "viseme":
            name = OTHER_SPELLINGS["polly"].get(value, value) if isinstance(value, str) else None
            if name not in POLLY.channels:
                raise file.wrong(
                    f"the viseme {short(value)} in {where}", f"one of {' '.join(POLLY.channels)}"
                )
            visemes.append((name, time))
        elif mark["type"] != "ssml":
            if not isinstance(value, str):
                raise file.wrong(f"the value {short(value)} in {where}", "a text")
            told.append((time, mark))
    if not visemes:
        raise file.wrong("no viseme marks", "marks of type viseme")
    visemes.sort(key=lambda one: one[1])
    latest = max(visemes[-1][1], *(time for time, _ in told), 0.0)
    closed = [name for name, _ in visemes[-2:]] == ["sil", "sil"] and latest == visemes[-1][1]
    end_s = latest + (0.0 if closed else _TAIL_S)
    spans = file.spans(visemes, end_s)
    return Marks(spans, _words(told, spans, end_s), end_s)


def _words(
    told: list[tuple[float, dict[str, Any]]], visemes: tuple[Span, ...], end_s: float
) -> tuple[Span, ...]:
    """Return the words; each lasts until the next one, or until the mouth rests before that."""
    words = sorted(((t, mark) for t, mark in told if mark["type"] == "word"), key=lambda one: one[0])
    sentences = [mark for _, mark in told if mark["type"] == "sentence"]
    pauses = [event.start_s for event in visemes if event.text == "sil"]
    made = []
    for k, (start, mark) in enumerate(words):
        after = words[k + 1] if k + 1 < len(words) else None
        end = min([after[0] if after else end_s, *(pause for pause in pauses if pause > start)])
        made.append(Span(_punctuated(mark, after[1] if after else None, sentences), start, end))
    return tuple(made)


def _punctuated(mark: dict[str, Any], after: dict[str, Any] | None, sentences: list[dict[str, Any]]) -> str:
    """Return the text of a word with what stands behind it in its sentence, up to the next word."""
    word = str(mark["value"])
    begin, end = _place(mark)
    for sentence in sentences:
        first, last = _place(sentence)
        text = str(sentence["value"]).encode()
        if first <= begin < end <= last and text[begin - first : end - first] == word.encode():
            following = _place(after)[0] if after else last
            until = min(following, last) if following >= end else last
            behind = text[end - first : until - first].decode("utf-8", "ignore").split()
            return word + (behind[0] if behind and not behind[0][0].isalnum() else "")
    return word


def _place(mark: dict[str, Any]) -> tuple[int, int]:
    """Return where a mark stands in the text, in bytes; an empty place where it does not say."""
    begin, end = mark.get("start"), mark.get("end")
    return (begin, end) if isinstance(begin, int) and isinstance(end, int) else (-1, -1)
