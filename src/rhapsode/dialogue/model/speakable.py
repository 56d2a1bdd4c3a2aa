"""Text of a model on its way to the voice: held back until there is something to say."""

from __future__ import annotations

from collections.abc import Iterable

from rhapsode.dialogue.marks import MarkPiece, MarkReader, Spoken

_OPENERS = tuple("[【<*(（&`")


class Speakable:
    """Passes marked text on, but never the half of a mark, and nothing before the first spoken word.

    Args (as attributes):
        begun: whether anything is spoken yet.
        length: characters so far.

    """

    def __init__(self) -> None:
        self._reader = MarkReader()
        self._kept = ""
        self.begun = False
        self.length = 0

    def push(self, text: str) -> str:
        """Take a piece of text; return what may be said now."""
        self.length += len(text)
        self._kept += text
        self._look(self._reader.push(text))
        if not self.begun:
            return ""
        waiting = len(self._reader.waiting)
        ready, self._kept = self._kept[: len(self._kept) - waiting], self._kept[len(self._kept) - waiting :]
        return ready

    def finish(self) -> str:
        """Return what is left at the end of a whole text."""
        self._look(self._reader.flush())
        left, self._kept = self._kept, ""
        return left if self.begun else ""

    def break_off(self, line: str) -> str:
        """Return what ends a text that broke off: what is left and no half of a mark, then ``line``."""
        left = "" if self._kept.startswith(_OPENERS) else self._kept
        self._kept = ""
        return f"{left}{self._reader.closing}\n{line}"

    def _look(self, pieces: Iterable[MarkPiece]) -> None:
        self.begun = self.begun or any(
            isinstance(piece, Spoken) and any(char.isalnum() for char in piece.text) for piece in pieces
        )
