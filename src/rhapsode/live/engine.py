"""The seam between the server and what speaks and animates: an interface, and the product's own behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Feelings
from rhapsode.performance import Curves, Float32, Sound, Words
from rhapsode.rigs import FACE
from rhapsode.speech import DEFAULT_VOICE

SAMPLE_RATE = 24_000
"""The rate of all sound that goes to the stage, Hz."""

Block = tuple[Sound, Words]


class FaceStage(Protocol):
    """Sound in, curve frames out, chunk by chunk; see `rhapsode.face.stream.FaceStream`."""

    def push(self, chunk: Float32) -> Curves:
        """Take the next sound at `SAMPLE_RATE`, (n,); return the curve frames it completes."""

    def feel(self, emotion: Feelings) -> None:
        """Feel this from the next curve frame on."""

    def words(self, words: Words, *, begin_s: float, end_s: float) -> None:
        """Take the phones of sound that is pushed next, on the clock of the sound pushed so far.

        They replace what was told of sound from ``begin_s`` on. A voice that gives its face, too, gives
        `rhapsode.face.spoken_curves.FacedWords`.
        """


class Engine(Protocol):
    """Makes speech and moves faces. Every method may be called from any thread, several at a time."""

    @property
    def names(self) -> tuple[str, ...]:
        """Channels of the curves."""

    def face(self, direction: Direction) -> FaceStage:
        """Return a new face at rest."""

    def speak(self, text: str) -> Iterator[Block]:
        """Yield ``text`` spoken, in consecutive blocks of any rate; raise `InputError` if it cannot be."""

    def play(self, path: Path) -> Iterator[Block]:
        """Yield a sound file in consecutive blocks of any rate; raise `InputError` if it cannot be read."""


@dataclass(frozen=True)
class ProductEngine:
    """The voices and the face of this product.

    Args:
        voice: name of the voice.

    """

    voice: str = DEFAULT_VOICE
    names: tuple[str, ...] = FACE.channels

    def face(self, direction: Direction) -> FaceStage:
        """Return a new face stream."""
        from rhapsode.face.stream import FaceStream

        return FaceStream(SAMPLE_RATE, direction=direction)

    def speak(self, text: str) -> Iterator[Block]:
        """Yield a block a sentence."""
        from rhapsode.sources import TextSource

        yield from TextSource(text, self.voice).blocks()

    def play(self, path: Path) -> Iterator[Block]:
        """Yield a block a second."""
        from rhapsode.sources import FileSource

        yield from FileSource(path).blocks()

    def warm_up(self) -> None:
        """Load the voice and the face, so that the first words come as fast as the later ones."""
        import numpy as np

        self.face(Direction()).push(np.zeros(SAMPLE_RATE // 5, np.float32))
        next(self.speak("Hello."))
