"""The automaton behind `rhapsode.dialogue.marks.MarkReader`.

Every step looks at the text from one place on and either takes some of it or waits for more. What it takes
never depends on where the text was cut: a step waits until nothing that may follow can change it, and looks
ahead at most a fixed number of characters.
"""

from __future__ import annotations

import html
import re

from rhapsode.dialogue import mark_tags as tags
from rhapsode.dialogue.mark_signs import Signs
from rhapsode.dialogue.mark_words import (
    EMOJI,
    Emphasis,
    MarkPiece,
    Prosody,
    direction,
    known,
    looks_like_mark,
    starts_direction,
)

LONGEST_BRACKET = 100
"""Square brackets that hold more are ordinary text."""

_LONGEST_DIRECTION, _LONGEST_WORDS = 60, 10
_EMOJI = (
    "\U0001f000-\U0001faff\u2600-\u27bf\u231a\u231b\u23e9-\u23fa\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f\u200b\ufeff\x00-\x08\x0b\x0c\x0e-\x1f"
)
_IS_EMOJI = re.compile(f"[{_EMOJI}]")
_PLAIN = re.compile(rf"[^\[【（(<*_~`#>|\\&:;!\n\-+•◦‣hHwW\u200d{_EMOJI}]+")
_ADDRESS_ENDS = re.compile(r"[\s<>\"'“”‘’)\]}|*`\u2e80-\uffef]")
_ADDRESSES = ("https://www.", "http://www.", "https://", "http://", "www.")
_DEEPEST = 16


class Reading(Signs):
    """One text that is being read; see `rhapsode.dialogue.marks`.

    Args (as attributes):
        held: text that waits for what follows it.

    """

    def __init__(self) -> None:
        super().__init__()
        self.held = ""
        self._address = ""  # "", "host" or "path"
        self._address_held = ""  # punctuation that may end an address
        self._manner = [Prosody()]
        self._stressed = False

    def take(self, text: str, *, final: bool) -> list[MarkPiece]:
        """Return what is certain after ``text``; all, if ``final``."""
        text = self.held + text
        at = 0
        while at < len(text):
            after = self._step(text, at, final)
            if after < 0:
                break
            at = after
        self.held = text[at:]
        if final:
            self._end_address()
            self.voice.end()
            if len(self._manner) > 1:
                self.voice.add(Prosody())
            if self._stressed:
                self.voice.add(Emphasis("none"))
        return self.voice.take()

    def _step(self, text: str, at: int, final: bool) -> int:
        """Return the place after what was taken, or -1 where more text is needed."""
        if self.until:
            return self._skip(text, at, final)
        if self.run:
            if text[at] == self.run:
                return at + 1
            self.run = ""
        if self._address:
            return self._in_address(text, at)
        if match := _PLAIN.match(text, at):
            self.voice.say(match[0])
            return match.end()
        char = text[at]
        if char == "\n":
            self.opened.clear()
            self.voice.end_line()
            return at + 1
        if char in "hHwW":
            return self._word(text, at, final)
        if _IS_EMOJI.match(char):
            self.voice.drop(*(known(EMOJI[char]) or ()) if char in EMOJI else ())
            self.voice.before = char
            return at + 1
        if char == "\u200d":
            if not _IS_EMOJI.match(self.voice.before):
                self.voice.say(char)
            return at + 1
        if char in "[【":
            return self._bracket(text, at, final)
        if char in "(（":
            return self._round(text, at, final)
        if char == "<":
            return self._tag(text, at, final)
        if char == "*":
            return self._star(text, at, final)
        return self.sign(text, at, final)

    def _skip(self, text: str, at: int, final: bool) -> int:
        """Leave out what runs to ``until``, or to the end of the line where that is a bracket."""
        pattern = r"[)\n]" if self.until == ")" else re.escape(self.until)
        match = re.compile(pattern, re.IGNORECASE).search(text, at)
        if match is None:
            keep = len(text) if final else max(at, len(text) - len(self.until) + 1)
            return keep if keep > at else -1
        self.until = ""
        self.voice.drop()
        return match.start() if match[0] == "\n" else match.end()

    def _word(self, text: str, at: int, final: bool) -> int:
        before = self.voice.before
        if not (before.isascii() and before.isalnum()):
            rest = text[at : at + 12].lower()
            for address in _ADDRESSES:
                if rest.startswith(address):
                    self._address = "host"
                    return at + len(address)
                if not final and address.startswith(rest):
                    return -1
        return self.literal(text, at)

    def _in_address(self, text: str, at: int) -> int:
        char = text[at]
        if _ADDRESS_ENDS.match(char):
            self._end_address()
            return at + (char == ">")
        if char in ".,;:!?":
            self._address_held = (self._address_held + char)[:8]
            return at + 1
        if self._address == "host":
            if self._address_held in ("", ".") and (char.isalnum() or char == "-"):
                self.voice.say(self._address_held + char)
            else:
                self._address = "path"
        self._address_held = ""
        return at + 1

    def _end_address(self) -> None:
        held, self._address, self._address_held = self._address_held, "", ""
        self.voice.say(held)

    def _bracket(self, text: str, at: int, final: bool) -> int:
        close = "]" if text[at] == "[" else "】"
        inside = text[at + 1 : at + LONGEST_BRACKET]
        end = inside.find(close)
        stop = min((place for sign in ("\n", text[at]) if (place := inside.find(sign)) >= 0), default=-1)
        if stop >= 0 and (end < 0 or stop < end):
            return self.literal(text, at)
        if end < 0:
            return self.literal(text, at) if final or len(inside) == LONGEST_BRACKET - 1 else -1
        content, after = inside[:end], at + end + 2
        meaning = known(content)
        if meaning is not None:
            self.voice.drop(*meaning)
            return after
        if close == "]":
            if after >= len(text) and not final:
                return -1
            if text[after : after + 1] == "(":
                self.voice.say(re.sub(r"[*_`]", "", content))
                self.until = ")"
                return after + 1
            if looks_like_mark(content):
                self.voice.drop()
                return after
        return self.literal(text, at)

    def _round(self, text: str, at: int, final: bool) -> int:
        end = self._direction(text, at, ")" if text[at] == "(" else "）", 2, final)
        return self.literal(text, at) if end == 0 else end

    def _direction(self, text: str, at: int, close: str, longest: int, final: bool) -> int:
        """Take a stage direction and return its end; -1 to wait, 0 for ordinary text."""
        inside = text[at + 1 : at + _LONGEST_DIRECTION]
        if not inside[:1].isascii():
            inside = inside[:_LONGEST_WORDS]
        full = len(inside) == (_LONGEST_DIRECTION - 1 if inside[:1].isascii() else _LONGEST_WORDS)
        end = inside.find(close)
        if end >= 0 and "\n" not in inside[:end]:
            meaning = direction(inside[:end], longest=longest)
            if meaning is None:
                return 0
            self.voice.drop(*meaning)
            return at + end + 2
        if final or full or end >= 0 or "\n" in inside:
            return 0
        word = re.match(r"[A-Za-z'-]*", inside)
        ready = word is not None and word.end() < len(inside) and inside[0].isascii()
        return 0 if word is not None and ready and not starts_direction(word[0].lower()) else -1

    def _star(self, text: str, at: int, final: bool) -> int:
        after = text[at + 1 : at + 2]
        before = self.voice.before
        single = bool(after) and after != "*" and not after.isspace() and "*" not in self.opened
        if single and not (before.isascii() and before.isalnum()):
            end = self._direction(text, at, "*", 8, final)
            if end:
                return end
        return self.sign(text, at, final)

    def _tag(self, text: str, at: int, final: bool) -> int:
        window = text[at : at + tags.LONGEST_TAG]
        if match := tags.TAG.match(window):
            self._tagged(match[2].lower(), match[3], closing=bool(match[1]), empty=bool(match[4]))
            return at + match.end()
        for opening, until in (("<!--", "-->"), ("<?xml", "?>")):
            if window.startswith(opening):
                self.until = until
                return at + len(opening)
            if not final and opening.startswith(window):
                return -1
        if not final and len(window) < tags.LONGEST_TAG and tags.begun(window):
            return -1
        if window[1:].lower().startswith(_ADDRESSES):
            return at + 1
        return self.literal(text, at)

    def _tagged(self, name: str, rest: str, *, closing: bool, empty: bool) -> None:
        pairs = tags.attributes(rest)
        local = name.rpartition(":")[2]
        if local in tags.UNSPOKEN and not (closing or empty):
            self.until = f"</{name}>"
        elif local == "break" and not closing:
            self.voice.drop(tags.pause(pairs))
        elif local == "prosody" and not empty:
            if not closing:
                self._manner.append(tags.prosody(pairs, self._manner[-1]))
                del self._manner[_DEEPEST:]
            elif len(self._manner) > 1:
                self._manner.pop()
            self.voice.drop(self._manner[-1])
        elif local == "emphasis" and not empty:
            self._stressed = not closing
            self.voice.drop(Emphasis("none") if closing else tags.emphasis(pairs))
        elif local == "sub" and "alias" in pairs and not (closing or empty):
            self.voice.say(" ".join(html.unescape(pairs["alias"]).split()))
            self.until = f"</{name}>"
        else:
            self.voice.drop(*tags.feeling(name, pairs, closing=closing))
            if local in tags.LINES and (closing or local == "br") and not self.voice.line:
                self.voice.end_line()
