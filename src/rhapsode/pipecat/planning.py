"""What a voice is given: text and marks, cut into sentences with a manner each. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from rhapsode.dialogue.marks import Emphasis, Feel, Pause, Prosody, Spoken, read_marks
from rhapsode.speech.manner import PLAIN, Manner

LONGEST_PAUSE_S = 10.0
"""No mark makes a longer pause."""

_EMPHASIS = {
    "none": PLAIN,
    "reduced": Manner(volume=-2.0, rate=1.05),
    "moderate": Manner(volume=1.5, rate=0.95),
    "strong": Manner(volume=3.0, rate=0.9, pitch=1.0),
}


class Chunker(Protocol):
    """Cuts text that comes in pieces into what can be spoken at once."""

    def push(self, text: str) -> list[str]:
        """Take further text; return what is complete."""

    def flush(self) -> list[str]:
        """Return what is left."""


@dataclass(frozen=True)
class Sentence:
    """What is spoken at once.

    Args:
        text: without marks.
        manner: how.
        marks: character of ``text`` to what happens there, in order.

    """

    text: str
    manner: Manner
    marks: tuple[tuple[int, object], ...] = ()


@dataclass(frozen=True)
class Silence:
    """A pause of so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Loose:
    """A mark behind the last word so far."""

    mark: object


Step = Sentence | Silence | Loose


class Planning:
    """Takes an answer as it comes, gives what is to be spoken.

    A feeling colours the sentences from the one on that it stands before; one in the middle of a sentence
    colours the next.

    Args:
        chunker: cuts the text; a new one.

    """

    def __init__(self, chunker: Chunker) -> None:
        self._chunker = chunker
        self._raw, self._read = "", 0
        self._marks: list[tuple[int, object]] = []
        self._manner = self._feeling = PLAIN

    def text(self, text: str) -> list[Step]:
        """Take further text."""
        self._raw += text
        return self._sentences(self._chunker.push(text))

    def mark(self, mark: object) -> list[Step]:
        """Take a mark that stands behind the text so far."""
        if not isinstance(mark, Pause | Prosody | Emphasis):
            self._marks.append((len(self._raw), mark))
            return []
        steps = self.end()
        if isinstance(mark, Pause):
            return [*steps, Silence(min(mark.seconds, LONGEST_PAUSE_S))]
        if isinstance(mark, Prosody):
            self._manner = Manner(mark.rate, mark.pitch, mark.volume)
        else:
            self._manner = _EMPHASIS[mark.level]
        return steps

    def end(self) -> list[Step]:
        """Return what is left."""
        steps = self._sentences(self._chunker.flush())
        for _, mark in self._marks:
            self._feel(mark)
            steps.append(Loose(mark))
        self._marks = []
        return steps

    def _sentences(self, texts: Iterable[str]) -> list[Step]:
        return [self._sentence(text.strip()) for text in texts if text.strip()]

    def _sentence(self, text: str) -> Step:
        found = self._raw.find(text, self._read)
        begin = found if found >= 0 else self._read
        self._read = begin + len(text)
        marks = tuple((max(at - begin, 0), mark) for at, mark in self._marks if at < self._read)
        self._marks = self._marks[len(marks) :]
        for at, mark in marks:
            if at == 0:
                self._feel(mark)
        sentence = Sentence(text, self._feeling.then(self._manner), marks)
        for _, mark in marks:
            self._feel(mark)
        return sentence

    def _feel(self, mark: object) -> None:
        if isinstance(mark, Feel):
            self._feeling = Manner(emotion=mark.emotion)


def plan(text: str, chunker: Chunker) -> list[Sentence]:
    """Return what a voice will be given of a whole marked ``text``, to be spoken before it is needed."""
    planning, steps = Planning(chunker), []
    for piece in read_marks(text):
        steps += planning.text(piece.text) if isinstance(piece, Spoken) else planning.mark(piece)
    return [step for step in [*steps, *planning.end()] if isinstance(step, Sentence)]
