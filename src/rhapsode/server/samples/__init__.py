"""The sample recordings: lines spoken by the product's own voice, made by recipes/samples.py."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rhapsode.errors import InputError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class SampleRecording:
    """A recording that the stage can play.

    Args:
        name: stem of its file.
        title: by language ("en", "zh").
        text: what is said.
        duration_s: its length.
        words: (text, start in s, end in s) each.

    """

    name: str
    title: dict[str, str]
    text: str
    duration_s: float
    words: tuple[tuple[str, float, float], ...]

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / f"{self.name}.flac"

    def as_json(self) -> dict[str, Any]:
        """Return plain values for the client."""
        return {
            "name": self.name,
            "title": self.title,
            "text": self.text,
            "duration_s": self.duration_s,
            "words": [list(word) for word in self.words],
        }


@cache
def samples() -> tuple[SampleRecording, ...]:
    """Return the recordings in the order in which they are shown."""
    rows = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    return tuple(SampleRecording(**row | {"words": tuple(tuple(w) for w in row["words"])}) for row in rows)


def find_sample(name: str) -> SampleRecording:
    """Return the recording called ``name``.

    Raises:
        InputError: there is none; the message lists the known.

    """
    for sample in samples():
        if sample.name == name:
            return sample
    known = ", ".join(sample.name for sample in samples()) or "none"
    raise InputError(f"no sample recording '{name}', known are: {known}; choose one of them")
