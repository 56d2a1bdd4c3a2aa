"""What a voice is, and what it gives.

from rhapsode.speech import Manner, load_voice, speak

line = speak("Hello there.")
line.sound, line.words.words, line.words.phones
for sentence in load_voice("hibari").stream(text, manner=Manner(rate=1.1, pitch=-1)): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

import numpy as np

from rhapsode.performance import CLOCK_HZ, Sound, Span, Words
from rhapsode.speech.manner import PLAIN, Manner


@dataclass(frozen=True, eq=False)
class Speech:
    """Spoken text on one clock.

    Args:
        sound: (N, 1) float32 at the voice's own sample rate; ``sound.start`` is its place on the clock.
        words: words as written and phones as IPA, in seconds on the same clock. A word of Chinese or Japanese
            is what its reader takes for one; `rhapsode.speech.heard` finds words in the text again.
        notes: what the voice left out or changed, one line each, for the person who asked.
        marks: names that SSML gave to places, with when they are reached; start and end are equal.

    """

    sound: Sound
    words: Words
    notes: tuple[str, ...] = ()
    marks: tuple[Span, ...] = ()


class Voice(Protocol):
    """Something that speaks. Its methods may be called from any thread, several at a time.

    Args of both methods:
        text: what to say, of any length.
        manner: rate, pitch, volume and emotion.
        seed: the same seed gives the same samples.
        language: BCP 47 tag of the text; empty lets the voice tell by the script and its own language.

    Both raise `SpeechError` at the call (not at the first item) if the text is empty, holds nothing that can
    be said, or is in a language that the voice does not speak.
    """

    @property
    def name(self) -> str:
        """By which `rhapsode.speech.load_voice` finds it."""

    @property
    def language(self) -> str:
        """BCP 47 tag of its own language."""

    @property
    def languages(self) -> tuple[str, ...]:
        """All that it can speak where what they need is installed, its own first."""

    @property
    def sample_rate(self) -> int:
        """Of all its sound, Hz."""

    def speak(self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = "") -> Speech:
        """Return the whole text, spoken."""

    def stream(
        self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""
    ) -> Iterator[Speech]:
        """Yield the text sentence by sentence, each as soon as it is spoken.

        The slices are consecutive: each sound starts on the clock where the one before it ends.
        """


def moved(speech: Speech, by: Fraction, *, sample_rate: int = 0) -> Speech:
    """Return ``speech`` ``by`` clock samples later, at ``sample_rate`` if that is not 0."""
    sound = speech.sound
    if sample_rate and sample_rate != sound.sample_rate:
        from rhapsode.audio.resample import resample

        sound = Sound(resample(sound.mono(), sound.sample_rate, sample_rate), sample_rate, sound.start)
    if not by:
        return replace(speech, sound=sound)
    seconds = float(by / CLOCK_HZ)

    def later(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(Span(span.text, span.start_s + seconds, span.end_s + seconds) for span in spans)

    return replace(
        speech,
        sound=replace(sound, start=sound.start + by),
        words=Words(later(speech.words.words), later(speech.words.phones)),
        marks=later(speech.marks),
    )


def join_speech(parts: list[Speech]) -> Speech:
    """Put consecutive slices of one speech together; at least one."""
    assert parts, "a voice never yields an empty speech"
    samples = np.concatenate([part.sound.samples for part in parts])
    words = Words(
        tuple(span for part in parts for span in part.words.words),
        tuple(span for part in parts for span in part.words.phones),
    )
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    marks = tuple(mark for part in parts for mark in part.marks)
    return Speech(replace(parts[0].sound, samples=samples), words, notes, marks)
