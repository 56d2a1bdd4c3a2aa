"""One answer as it is spoken: which words lie where on the session's clock, and which of them were heard."""

from __future__ import annotations

from dataclasses import dataclass, field

from rhapsode.performance import CLOCK_HZ, Words
from rhapsode.speech.heard import spoken_to

HEARD_SHARE = 0.5
"""A word counts as heard once so much of it was."""


@dataclass
class Segment:
    """A piece of an answer.

    Args:
        text: as written.
        begin: its first character in the answer.
        seconds: how long it sounds; 0 for text that is shown only.
        words: times count from its beginning.
        ends: of each word, the character of ``text`` behind it.
        start: clock sample at which its sound begins; None until the session comes to it.

    """

    text: str
    begin: int
    seconds: float
    words: Words
    ends: list[int] = field(default_factory=list)
    start: int | None = None


class Answer:
    """Keeps what an answer says, when, and how far it got.

    Args:
        turn: its number.
        language: BCP 47 tag.

    Attributes:
        meant: all that is to be said, as far as it is made.
        segments: of it, in order.

    """

    def __init__(self, turn: int, language: str) -> None:
        self.turn, self.language = turn, language
        self.meant = ""
        self.segments: list[Segment] = []

    def add(self, text: str, *, seconds: float = 0.0, words: Words | None = None) -> Segment:
        """Take the next piece.

        Args:
            text: as written.
            seconds: how long it sounds.
            words: with their times, from its beginning.

        """
        self.meant = joined(self.meant, text.strip())
        spoken = words or Words()
        stripped = text.strip()
        segment = Segment(stripped, len(self.meant) - len(stripped), seconds, spoken)
        segment.ends = [spoken_to(stripped, spoken.words[: k + 1]) for k in range(len(spoken.words))]
        self.segments.append(segment)
        return segment

    def heard(self, sample: float) -> str:
        """Return the words that were heard once clock ``sample`` was due."""
        upto = 0
        for segment in self.segments:
            if segment.start is None:
                if segment.seconds or not segment.text:
                    continue
                upto = segment.begin + len(segment.text)  # shown at once
                continue
            played = (sample - segment.start) / CLOCK_HZ
            if played <= 0:
                break
            upto = max(upto, segment.begin + _reached(segment, played))
        return self.meant[:upto].rstrip()


def _reached(segment: Segment, played: float) -> int:
    """Return how many characters of ``segment`` were heard after ``played`` seconds."""
    if played >= segment.seconds:
        return len(segment.text)
    reached = 0
    for span, end in zip(segment.words.words, segment.ends, strict=True):
        if played >= span.start_s + HEARD_SHARE * (span.end_s - span.start_s):
            reached = max(reached, end)
    if not segment.words.words and segment.seconds:  # a voice that times no words
        share = int(len(segment.text) * played / segment.seconds)
        whole = segment.text.rfind(" ", 0, share + 1)
        reached = whole if whole > 0 else (share if " " not in segment.text else 0)
    return reached


def joined(one: str, two: str) -> str:
    """Return two pieces of text one behind the other, with a space where their script wants one."""
    if not one or not two:
        return one + two
    if one[-1].isspace() or two[0].isspace() or _dense(one[-1]) or _dense(two[0]):
        return one + two
    return f"{one} {two}"


def _dense(letter: str) -> bool:
    """Tell whether ``letter`` belongs to a script without spaces between words."""
    return "\u2e80" <= letter <= "\u9fff" or "\uff00" <= letter <= "\uffef" or "\uac00" > letter >= "\ua000"
