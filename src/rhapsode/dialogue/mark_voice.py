"""What of a marked text goes to the voice: blanks around what is left out, lines, cells of tables."""

from __future__ import annotations

from rhapsode.dialogue.mark_words import Feel, MarkPiece, Spoken

_CLOSING = ".,!?;:)]}%…，。！？；：、）】」』”’"


class ForVoice:
    """Collects pieces.

    Args (as attributes):
        before: the character before this place; empty at the start and after what was left out.
        line: whether only blanks stand before this place in its line.

    """

    def __init__(self) -> None:
        self._out: list[MarkPiece] = []
        self._words: list[str] = []
        self.before = ""
        self.line = True
        self._row = False  # in a row of a table
        self._cell = False  # in a cell that has words
        self._comma = False  # a cell with words is over
        self._gap = ""  # blanks that wait for a word
        self._begins = True  # nothing but blanks since the line feed
        self._silent = True  # no word so far
        self._left_out = False  # something was left out beside blanks since the last word
        self._felt: Feel | None = None  # since the last word

    @property
    def in_row(self) -> bool:
        """Whether this place is in a row of a table."""
        return self._row

    @property
    def cell_begins(self) -> bool:
        """Whether this place is at the beginning of a table's cell."""
        return self._row and not self._cell

    def say(self, text: str) -> None:
        """Take ``text``, which holds no line feed, for the voice; blanks at its end wait for a word."""
        if not text:
            return
        self.before = text[-1]
        words = text.lstrip(" \t")
        lead = text[: len(text) - len(words)]
        if not self._left_out:
            self._gap += lead
        words = words.rstrip(" \t")
        if not words:
            return
        if self._row and not self._cell:
            self._gap = ", " if self._comma else ""
            self._cell, self._comma = True, False
        elif self._left_out and words[0] in _CLOSING:
            self._gap = ""
        self._put(self._gap + words)
        self._gap = text[len(lead) + len(words) :]
        self.line = self._begins = self._left_out = self._silent = False
        self._felt = None

    def _put(self, text: str) -> None:
        if text:
            self._words.append(text)

    def add(self, piece: MarkPiece) -> None:
        """Take a piece that is not for the voice."""
        self._join()
        self._out.append(piece)

    def _join(self) -> None:
        if self._words:
            self._out.append(Spoken("".join(self._words)))
            self._words.clear()

    def take(self) -> list[MarkPiece]:
        """Return the pieces since the last call."""
        self._join()
        out, self._out = self._out, []
        return out

    def end(self) -> None:
        """Take the end of the text, or of a line: blanks that still wait count if nothing was left out."""
        self._put("" if self._left_out or self._row else self._gap)
        self._gap = ""

    def end_cell(self) -> None:
        """Take a bar in a table: the row begins, or its next cell."""
        self._comma = self._comma or self._cell
        self._row, self._cell, self._gap = True, False, ""

    def end_line(self) -> None:
        """Take a line feed."""
        self.end()
        self._row = self._cell = self._comma = False
        self.before = "\n"
        if not (self._silent and self._left_out):  # no empty lines behind thoughts that open an answer
            self._left_out = False
            self._put("\n")
        self.line = self._begins = True

    def drop(self, *pieces: MarkPiece) -> None:
        """Leave something out, for ``pieces`` in its stead; a feeling again without a word between is one."""
        for piece in pieces:
            if isinstance(piece, Feel):
                if piece == self._felt:
                    continue
                self._felt = piece
            self.add(piece)
        self.before = ""
        self._left_out = self._left_out or self._begins or bool(self._gap)
