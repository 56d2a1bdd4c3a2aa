"""What readers of event files share: text, JSON in its three habits, times, and one form of message."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhapsode.errors import FormatError
from rhapsode.performance import Span

LONGEST_S = 4 * 3600.0
"""No event lies later than this, in seconds: such a time is a mistake of units."""

_SPACE = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class EventFile:
    """One file that is read.

    Args:
        path: the file.
        kind: name of its format.
        remedy: what to do where it is not right.
        given: its text, where it is no file but comes from elsewhere; ``path`` is what it is called then.

    """

    path: Path
    kind: str
    remedy: str
    given: str | None = None

    def wrong(self, got: str, expected: str) -> FormatError:
        """Return the error that says what the file is not."""
        return FormatError(f"'{self.path}' is no {self.kind}: got {got}, expected {expected}; {self.remedy}")

    def text(self) -> str:
        """Return the text of the file.

        Raises:
            FormatError: it is no text in UTF-8.
            OSError: it cannot be read.

        """
        if self.given is not None:
            return self.given
        try:
            return self.path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.wrong(f"bytes that are no text (at {error.start})", "UTF-8") from error

    def documents(self) -> list[Any]:
        """Return the JSON values of the file: the parts of an array, or values one after another.

        Raises:
            FormatError: it holds something else, or is cut off.

        """
        text = self.text()
        decoder = json.JSONDecoder(parse_constant=_refuse)
        made: list[Any] = []
        at = _skip(text, 0)
        try:
            while at < len(text):
                value, at = decoder.raw_decode(text, at)
                made.append(value)
                at = _skip(text, at)
        except (ValueError, RecursionError) as error:
            raise self.wrong(f"text that is no JSON ({_first_line(error)})", "whole JSON values") from error
        if len(made) == 1 and isinstance(made[0], list):
            made = made[0]
        return made

    def time_s(self, value: object, per_second: float, where: str) -> float:
        """Return a time of the file in seconds.

        Args:
            value: what stands there.
            per_second: units of the file in a second.
            where: the place, for the message.

        Raises:
            FormatError: it is no number, below zero or beyond `LONGEST_S`.

        """
        fine = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fine or not 0 <= value <= LONGEST_S * per_second:  # type: ignore[operator]
            raise self.wrong(f"the time {short(value)} in {where}", "a number from 0 up to 4 hours")
        return float(value) / per_second  # type: ignore[arg-type]

    def spans(self, starts: Sequence[tuple[str, float]], end_s: float) -> tuple[Span, ...]:
        """Return events that each last until the next one, the last of them until ``end_s``.

        Raises:
            FormatError: an event lies before the one that precedes it.

        """
        made = []
        for k, (text, start) in enumerate(starts):
            end = starts[k + 1][1] if k + 1 < len(starts) else max(end_s, start)
            if end < start:
                raise self.wrong(f"event {k + 1} at {end:.3f} s behind one at {start:.3f} s", "rising times")
            made.append(Span(text, start, end))
        return tuple(made)


def short(value: object) -> str:
    """Return ``value`` as it would be written in code, at most 40 characters."""
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "nested too deep"
