"""Stand-ins for tests of scripts: vectors of letters, a clock, a small script."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rhapsode.dialogue.embedding import Float32
from rhapsode.dialogue.script import Index, ScriptLibrary, read_script

SMALL = """\
name: small
about: Something to test with.
languages: [en, zh]
greetings:
  en: ["[joy:0.4] Welcome, first.", Welcome again., "Welcome, third."]
  zh: 欢迎。
fallbacks:
  en: [I cannot say., No idea at all.]
  zh: 我不知道。
did_you_mean:
  en: "Perhaps: {questions}"
intents:
  complain: {en: [I am very angry about everything here], zh: [我对这里的一切都很生气]}
entries:
  - id: hours
    questions:
      en: [When are you open today?, opening hours of the building]
      zh: [几点开门？]
    keywords: {en: [hours]}
    answers:
      en: [From ten to six., "We open at ten, we close at six.", Ten to six every day.]
      zh: 十点到六点。
    emotion: joy:0.3
    gesture: nod
    links:
      - url: https://example.org/hours
        title: {en: Hours, zh: 时间}
    suggestions: [holidays, price]
  - id: holidays
    after: [hours]
    questions: {en: [And on holidays?, what about sundays], zh: [节假日呢？]}
    answers: {en: Closed on holidays., zh: 节假日不开。}
  - id: christmas
    after: [holidays]
    questions: {en: even at christmas}
    answers: {en: Even then.}
  - id: price
    questions:
      en: [How much is a ticket?, price of the admission]
      zh: [门票多少钱？]
    answers: {en: "Twelve euros, for everybody.", zh: 十二欧元。}
    gesture: nod
  - id: room-417
    questions: {en: [Where is room 417?, Who sits in room 417]}
    answers: {en: "[shrug] Fourth floor, to the left."}
  - id: grumble
    intent: complain
    answers: {en: I am sorry., zh: 对不起。}
small_talk:
  - id: thanks
    questions: {en: [Thank you very much, thanks a lot], zh: [谢谢]}
    answers: {en: [You are welcome., My pleasure.], zh: 不客气。}
"""


def letters(texts: Sequence[str]) -> Float32:
    """Return (n, 129) unit vectors of the words and pieces of three letters of ``texts``.

    Their cosines are as crowded as those of the real ones: 0.8 for sentences that share nothing.
    """
    rows = np.full((len(texts), 128), 0.02, np.float32)
    for row, text in zip(rows, texts, strict=True):
        plain = "".join(c if c.isalnum() else " " for c in text.casefold())
        for piece in (*plain.split(), *(plain[i : i + 3] for i in range(len(plain) - 2))):
            row[zlib.crc32(piece.encode()) % 128] += 1
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.hstack([np.full((len(rows), 1), 0.8**0.5), 0.2**0.5 * rows / lengths]), np.float32)


class Clock:
    """Seconds that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def written(folder: Path, text: str = SMALL, name: str = "small.yaml") -> Path:
    """Write a script and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def index_of(folder: Path, text: str = SMALL) -> Index:
    """Return the index of a script, with vectors of letters."""
    return Index(read_script(written(folder, text)), embed=letters, model="letters", folder=folder / "cache")


def library_of(folder: Path, text: str = SMALL, *, clock: Callable[[], float] | None = None) -> ScriptLibrary:
    """Return a library of a script, with vectors of letters."""
    return ScriptLibrary(
        written(folder, text), embed=letters, model="letters", folder=folder / "cache", clock=clock or Clock()
    )
