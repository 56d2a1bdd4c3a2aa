"""Signs of one or few characters: emphasis, headings, lists, tables, code, entities, smileys."""

from __future__ import annotations

import html
import re

from rhapsode.dialogue.mark_voice import ForVoice
from rhapsode.dialogue.mark_words import known

_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});", re.IGNORECASE)
_ENTITY_BEGUN = re.compile(r"&(?:#x?[0-9a-f]{0,7}|[a-z]{0,8})", re.IGNORECASE)
_LONGEST_ENTITY = 10
_SMILEYS = {
    ":-)": "joy:0.5",
    ":-D": "joy:0.9",
    ";-)": "cheekiness:0.6",
    ":-(": "sadness:0.5",
    ":'(": "grief:0.6",
    ":)": "joy:0.5",
    ":D": "joy:0.9",
    ";)": "cheekiness:0.6",
    ":(": "sadness:0.5",
}


class Signs:
    """Steps over signs; each returns the place after what it took, or -1 where more text is needed.

    Args (as attributes):
        voice: takes what is spoken.
        until: what ends the stretch that is being left out; empty for none.
        run: a character whose repetitions are left out; empty for none.
        opened: signs of emphasis that wait for their end.

    """

    def __init__(self) -> None:
        self.voice = ForVoice()
        self.until = ""
        self.run = ""
        self.opened: set[str] = set()

    def literal(self, text: str, at: int) -> int:
        """Take one character as it is."""
        self.voice.say(text[at])
        return at + 1

    def _leave_out(self, at: int, length: int) -> int:
        self.voice.drop()
        return at + length

    def sign(self, text: str, at: int, final: bool) -> int:
        """Take a sign, which stands at ``at``."""
        char = text[at]
        if char in "*_":
            return self._emphasis(text, at, final)
        if char in "`~":
            return self._fence(text, at, final)
        if char == "|":
            if not (self.voice.line or self.voice.in_row):
                return self.literal(text, at)
            self.voice.end_cell()
            return at + 1
        if char == "&":
            return self._entity(text, at, final)
        if char in ":;":
            return self._smiley(text, at, final)
        if char in "\\!":
            return self._one_ahead(text, at, final)
        return self._line_start(text, at, final)

    def _emphasis(self, text: str, at: int, final: bool) -> int:
        char = text[at]
        length = 1
        while length < 3 and text[at + length : at + length + 1] == char:
            length += 1
        if length == 3:
            self.run = char
            return self._leave_out(at, length)
        after = text[at + length : at + length + 1]
        if not after and not final:
            return -1
        before, sign = self.voice.before, char * length
        if self.voice.line and sign == "*" and after in (" ", "\t"):
            return self._leave_out(at, 1)
        inside = before.isalnum() and (char == "_" or before.isascii())
        if sign in self.opened and not before.isspace() and (char == "*" or not after.isalnum()):
            self.opened.discard(sign)
            return self._leave_out(at, length)
        bold = (
            sign == "**"
            and not (before.isdigit() and after.isdigit())
            and bool(before.strip() or after.strip())
        )
        if bold or (after.strip() and not inside):
            self.opened.add(sign)
            return self._leave_out(at, length)
        for place in range(length):
            self.literal(text, at + place)
        return at + length

    def _fence(self, text: str, at: int, final: bool) -> int:
        char = text[at]
        length = 1
        longest = 3 if char == "`" else 2
        while length < longest and text[at + length : at + length + 1] == char:
            length += 1
        if length < longest and at + length == len(text) and not final:
            return -1
        if char == "~" and length == 1:
            return self.literal(text, at)
        if length == 3:
            self.until = "```"
        return self._leave_out(at, length)

    def _entity(self, text: str, at: int, final: bool) -> int:
        window = text[at : at + _LONGEST_ENTITY]
        if match := _ENTITY.match(window):
            self.voice.say(html.unescape(match[0]).replace("\n", " ").replace("\xa0", " "))
            return at + match.end()
        waits = not final and len(window) < _LONGEST_ENTITY and _ENTITY_BEGUN.fullmatch(window)
        return -1 if waits else self.literal(text, at)

    def _smiley(self, text: str, at: int, final: bool) -> int:
        if self.voice.cell_begins:
            return at + 1
        if not self.voice.before.strip():
            for smiley, meaning in _SMILEYS.items():
                after = text[at + len(smiley) : at + len(smiley) + 1]
                window = text[at : at + len(smiley)]
                if not final and not after and smiley.startswith(window):
                    return -1
                if window == smiley and not after.isalnum():
                    self.voice.drop(*known(meaning) or ())
                    return at + len(smiley)
        return self.literal(text, at)

    def _one_ahead(self, text: str, at: int, final: bool) -> int:
        """Take a backslash, which spares what follows, or the exclamation mark of a picture."""
        image = text[at] == "!"
        if image and self.voice.before.strip():
            return self.literal(text, at)
        after = text[at + 1 : at + 2]
        if not after and not final:
            return -1
        if image and after == "[":
            return at + 1
        if not image and after.isascii() and after.isprintable() and after.strip() and not after.isalnum():
            return self.literal(text, at + 1)
        return self.literal(text, at)

    def _line_start(self, text: str, at: int, final: bool) -> int:
        """Take what begins a heading, a list, a quotation or a line across."""
        char = text[at]
        if not (self.voice.line or (char == "-" and self.voice.cell_begins)):
            return self.literal(text, at)
        if char in "•◦‣":
            return self._leave_out(at, 1)
        if char == "-" and self.voice.cell_begins and text[at + 1 : at + 2] in ("-", ":", "|"):
            return at + 1
        longest = {"#": 6, "-": 3}.get(char, 1)
        length = 1
        while length < longest and text[at + length : at + length + 1] == char:
            length += 1
        if char == "-" and length == 3:
            self.run = char
            return self._leave_out(at, length)
        after = text[at + length : at + length + 1]
        if not after and not final:
            return -1
        blank = after in (" ", "\t") or (char == ">" and after in ("\n", ">", ""))
        return (
            self._leave_out(at, length) if blank and (char != "-" or length == 1) else self.literal(text, at)
        )
