"""Words of a person that are told while they are spoken: only those that stay."""

from __future__ import annotations


class Settled:
    """Tells further words once two looks in a row agree on them ("local agreement").

    Macháček, Dabre, Bojar: Turning Whisper into Real-Time Transcription System, 2023.

    Attributes:
        told: all that was told.

    """

    def __init__(self) -> None:
        self._before = ""
        self.told = ""

    def push(self, text: str) -> str:
        """Take the words so far; return those that are new and settled."""
        same = _same(self._before, text)
        self._before = text
        if same != text and same and same[-1].isalnum() and _spaced(text[len(same)]):
            same = same[: same.rfind(" ") + 1]  # a word that may go on
        return self._tell(same.rstrip())

    def finish(self, text: str) -> str:
        """Take the whole; return what was not told of it, nothing where it is other than was told."""
        return self._tell(text)

    def _tell(self, text: str) -> str:
        if not text.startswith(self.told):
            return ""
        new, self.told = text[len(self.told) :], text
        return new


def _same(one: str, two: str) -> str:
    """Return the beginning that two texts share."""
    pairs = enumerate(zip(one, two, strict=False))
    return two[: next((at for at, (a, b) in pairs if a != b), min(len(one), len(two)))]


def _spaced(letter: str) -> bool:
    """Tell whether a letter goes on with a word: it is of a script that puts spaces between words."""
    return letter.isalnum() and letter < "\u2e80"
