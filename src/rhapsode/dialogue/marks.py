"""Marks of feeling, gesture and manner in text that is to be spoken, and what else is not for a voice.

What language models and scripts write is read as it comes, in pieces of any size:

- ``[joy]``, ``[joy:0.6]``, ``[joy:0.6,surprise:0.2]``, ``[neutral]``, ``[高兴]``: a feeling, from here on;
- ``[nod]``, ``[shrug]``, ``[微笑点头]``: a gesture;
- ``[pause 0.5]``, ``<break time="500ms"/>``: silence;
- ``<prosody rate="slow" pitch="+2st" volume="+3dB">``, ``<emphasis level="strong">``: manner of speaking;
- ``*smiles*``, ``(laughs softly)``: stage directions, felt and not spoken;
- Markdown, tables, blocks of code, addresses (only their host is spoken), emoji (some are feelings),
  ``<think>...</think>`` and other tags: taken out.

An unknown mark of one lower-case word is taken out too; other text in brackets stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rhapsode.dialogue.mark_reading import Reading
from rhapsode.dialogue.mark_words import (
    FEELINGS,
    GESTURES,
    MOVES,
    Emphasis,
    Feel,
    Gesture,
    MarkPiece,
    Pause,
    Prosody,
    Spoken,
    known,
)

__all__ = [
    "FEELINGS",
    "GESTURES",
    "MOVES",
    "Emphasis",
    "Feel",
    "Gesture",
    "MarkPiece",
    "MarkReader",
    "Pause",
    "Prosody",
    "Spoken",
    "known",
    "read_marks",
    "spoken",
]


class MarkReader:
    """Reads marked text that comes in pieces; where it is cut changes nothing but where `Spoken` is.

    At most some hundred characters wait for what follows them: what might be the beginning of a mark. Time
    grows linearly with the text.

    Example:
        >>> reader = MarkReader()
        >>> reader.push("Hello [jo")
        [Spoken(text='Hello')]
        >>> reader.push("y:0.6] there.") + reader.flush()
        [Feel(emotion=Emotion('joy:0.6')), Spoken(text=' there.')]

    """

    def __init__(self) -> None:
        self._reading = Reading()

    def push(self, text: str) -> list[MarkPiece]:
        """Take a piece of text; return what is certain by now."""
        return self._reading.take(text, final=False)

    @property
    def waiting(self) -> str:
        """The end of the text so far that waits for what follows it."""
        return self._reading.held

    @property
    def closing(self) -> str:
        """What ends a stretch that is being left out (``</think>``), should other text have to follow."""
        return self._reading.until

    def flush(self) -> list[MarkPiece]:
        """Return what waited: nothing follows. The reader is as new then."""
        pieces = self._reading.take("", final=True)
        self._reading = Reading()
        return pieces


def read_marks(text: str | Iterable[str]) -> list[MarkPiece]:
    """Return the pieces of a whole text, neighbouring `Spoken` joined."""
    reader = MarkReader()
    parts = [text] if isinstance(text, str) else text
    return join([piece for part in parts for piece in reader.push(part)] + reader.flush())


def join(pieces: Iterable[MarkPiece]) -> list[MarkPiece]:
    """Return ``pieces`` with neighbouring `Spoken` joined."""
    joined: list[MarkPiece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, Spoken) and isinstance(last, Spoken):
            joined[-1] = Spoken(last.text + piece.text)
        else:
            joined.append(piece)
    return joined


def spoken(text: str) -> str:
    """Return only what a voice says of ``text``; runs of blanks count as one.

    Example:
        >>> spoken("[joy] **Hello**, see https://example.org/a?b=c 😀")
        'Hello, see example.org'

    """
    words = "".join(piece.text for piece in read_marks(text) if isinstance(piece, Spoken))
    return re.sub(r"[ \t]+", " ", words).strip()
