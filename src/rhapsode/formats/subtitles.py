"""The words of a performance as subtitles: SubRip (.srt) and WebVTT (.vtt).

Words are grouped into cues of at most two lines of 42 characters and about 5 seconds, broken at the ends of
sentences and at pauses first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rhapsode.errors import FormatError
from rhapsode.formats.options import WriteOptions
from rhapsode.performance import Performance, Span

LINE_CHARACTERS = 42
LINES = 2
CUE_S = 5.0
PAUSE_S = 0.7
_SENTENCE_ENDS = tuple(".!?…。！？")
_CLAUSE_ENDS = (*_SENTENCE_ENDS, *",;:，、；：—")


@dataclass(frozen=True)
class Cue:
    """Lines of text and when they are shown, in seconds."""

    lines: tuple[str, ...]
    start_s: float
    end_s: float


def cues(words: Iterable[Span]) -> list[Cue]:
    """Group ``words`` (in order of time) into cues.

    A cue ends at the end of a sentence, before a pause of `PAUSE_S`, and before it would grow beyond two
    lines or `CUE_S`. A cue too long is broken behind the last clause end in its second half, if there is one.
    """
    made: list[Cue] = []
    held: list[Span] = []
    for word in words:
        if held and word.start_s - held[-1].end_s >= PAUSE_S:
            made.append(_cue(held))
            held = []
        while held and not _fits([*held, word]):
            at = _break(held)
            made.append(_cue(held[:at]))
            held = held[at:]
        held.append(word)
        if word.text.rstrip("\"'”’)").endswith(_SENTENCE_ENDS):
            made.append(_cue(held))
            held = []
    if held:
        made.append(_cue(held))
    return [_until(cue, after) for cue, after in zip(made, [*made[1:], None], strict=True)]


def _fits(words: list[Span]) -> bool:
    return len(lines(words)) <= LINES and words[-1].end_s - words[0].start_s <= CUE_S


def _break(words: list[Span]) -> int:
    """Return how many of ``words`` the cue takes: up to a clause end in the second half, or all."""
    for at in range(len(words), len(words) // 2, -1):
        if words[at - 1].text.endswith(_CLAUSE_ENDS):
            return at
    return len(words)


def _cue(words: list[Span]) -> Cue:
    return Cue(_balanced(words), words[0].start_s, words[-1].end_s)


def _until(cue: Cue, after: Cue | None) -> Cue:
    """Return ``cue`` shown for at least a millisecond, and never beyond the start of the next one."""
    end_s = max(cue.end_s, cue.start_s + 0.001)
    if after is not None and cue.start_s < after.start_s:
        end_s = min(end_s, after.start_s)
    return Cue(cue.lines, cue.start_s, end_s)


def lines(words: list[Span]) -> tuple[str, ...]:
    """Return the texts in lines of at most `LINE_CHARACTERS`; a longer word has a line of its own."""
    made: list[str] = []
    for word in words:
        glue = _glue(made[-1], word.text) if made else ""
        if made and len(made[-1]) + len(glue) + len(word.text) <= LINE_CHARACTERS:
            made[-1] += glue + word.text
        else:
            made.append(word.text)
    return tuple(made)


def _balanced(words: list[Span]) -> tuple[str, ...]:
    """Return the lines of a cue; two of them as even as the limit allows."""
    filled = lines(words)
    if len(filled) != LINES:
        return filled
    splits = [(lines(words[:at]), lines(words[at:])) for at in range(1, len(words))]
    even = [first + second for first, second in splits if len(first) == len(second) == 1]
    return min(even, key=lambda pair: max(map(len, pair)), default=filled)


def joined(words: Iterable[Span]) -> str:
    """Return the texts of ``words`` in one line."""
    made = ""
    for word in words:
        made += (_glue(made, word.text) if made else "") + word.text
    return made


def _glue(before: str, after: str) -> str:
    """Return what stands between two words: nothing between Chinese or Japanese characters."""
    return "" if _is_cjk(before[-1:]) and _is_cjk(after[:1]) else " "


def _is_cjk(character: str) -> bool:
    return bool(character) and ("\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef")


class _SubtitleWriter(ABC):
    """Collects the words and writes them at the end; see `rhapsode.formats.registry.Writer`."""

    extension = ""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        self._path = path
        self._words: list[Span] = []

    def write(self, part: Performance) -> None:
        """Keep the words of ``part``."""
        self._words += part.words.words

    def close(self) -> None:
        """Write the file.

        Raises:
            FormatError: the performance has no words.

        """
        if not self._words:
            raise FormatError(
                f"{self.extension} subtitles need words with their times, got a performance without words; "
                "make it from a text (--text), or leave the subtitles out"
            )
        text = self.document(cues(sorted(self._words, key=lambda word: word.start_s)))
        self._path.write_text(text, encoding="utf-8", newline="\n")

    def abort(self) -> None:
        """Forget the words; no file is open."""
        self._words.clear()

    @abstractmethod
    def document(self, made: list[Cue]) -> str:
        """Return the text of the file."""


class SrtWriter(_SubtitleWriter):
    """SubRip: numbered cues, a comma before the milliseconds."""

    extension = ".srt"

    def document(self, made: list[Cue]) -> str:
        """Return the text of the file."""
        blocks = [
            f"{number}\n{stamp(cue.start_s, ',')} --> {stamp(cue.end_s, ',')}\n" + "\n".join(cue.lines) + "\n"
            for number, cue in enumerate(made, start=1)
        ]
        return "\n".join(blocks)


class VttWriter(_SubtitleWriter):
    """WebVTT (W3C): a header, a point before the milliseconds, and ``&``, ``<``, ``>`` escaped."""

    extension = ".vtt"

    def document(self, made: list[Cue]) -> str:
        """Return the text of the file."""
        blocks = ["WEBVTT\n"]
        for cue in made:
            text = "\n".join(cue.lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            blocks.append(f"{stamp(cue.start_s, '.')} --> {stamp(cue.end_s, '.')}\n{text}\n")
        return "\n".join(blocks)


def stamp(seconds: float, point: str) -> str:
    """Return ``HH:MM:SS`` with milliseconds behind ``point``.

    >>> stamp(3661.5, ",")
    '01:01:01,500'
    """
    whole, milliseconds = divmod(max(round(seconds * 1000), 0), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{milliseconds:03}"
