"""What a voice is, and the table of the voices that the product knows.

from rhapsode.speech import load_voice, speak

line = speak("Hello there.")
line.sound, line.words.words, line.words.phones
for sentence in load_voice("hibari").stream(text): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Protocol

import numpy as np

from rhapsode.errors import SpeechError
from rhapsode.performance import Sound, Words

DEFAULT_VOICE = "hibari"
"""The voice that speaks when none is named."""

RATE_RANGE = (0.5, 2.0)
"""The slowest and the fastest speaking rate that voices are asked for; 1.0 is the voice's own."""


@dataclass(frozen=True, eq=False)
class Speech:
    """Spoken text on one clock.

    Args:
        sound: (N, 1) float32 at the voice's own sample rate; ``sound.start`` is its place on the clock.
        words: words as written and phones as IPA, in seconds on the same clock.
        notes: what the voice left out or changed, one line each, for the person who asked.

    """

    sound: Sound
    words: Words
    notes: tuple[str, ...] = ()


class Voice(Protocol):
    """Something that speaks.

    Args of both methods:
        text: what to say, of any length.
        rate: speaking rate in `RATE_RANGE`; 2.0 is twice as fast.
        seed: the same seed gives the same samples.

    Both raise `SpeechError` at the call (not at the first item) if the text is empty, holds nothing that can
    be said, or is in a language that the voice does not speak, or if ``rate`` is out of range.
    """

    name: str
    language: str
    sample_rate: int

    def speak(self, text: str, *, rate: float = 1.0, seed: int = 0) -> Speech:
        """Return the whole text, spoken."""

    def stream(self, text: str, *, rate: float = 1.0, seed: int = 0) -> Iterator[Speech]:
        """Yield the text sentence by sentence, each as soon as it is spoken.

        The slices are consecutive: each sound starts on the clock where the one before it ends.
        """


@dataclass(frozen=True)
class VoiceEntry:
    """A row of the table of voices.

    Args:
        loader: ``module:function`` that returns the `Voice`; called once, on first use.
        language: BCP 47 tag.
        about: one line for a list of voices.

    """

    loader: str
    language: str
    about: str


_VOICES = {
    "hibari": VoiceEntry(
        "rhapsode.speech.hibari:load", "en-US", "American English, a woman; inside the package, no download"
    ),
}


def voices() -> dict[str, VoiceEntry]:
    """Return the known voices by name."""
    return dict(_VOICES)


@cache
def load_voice(name: str = DEFAULT_VOICE) -> Voice:
    """Return the voice called ``name``, loaded once and then kept.

    Raises:
        SpeechError: no voice has that name; the message lists the known.

    """
    if name not in _VOICES:
        known = ", ".join(sorted(_VOICES))
        raise SpeechError(f"a voice must be one of: {known}; got '{name}'; choose one of them")
    module, function = _VOICES[name].loader.split(":")
    voice: Voice = getattr(import_module(module), function)()
    return voice


def speak(text: str, voice: str = DEFAULT_VOICE, *, rate: float = 1.0, seed: int = 0) -> Speech:
    """Return ``text`` spoken by ``voice`` with words and phones timed.

    Raises:
        SpeechError: the voice is unknown, or the text cannot be spoken; the message says why.

    Example:
        >>> line = speak("Hello there.")
        >>> [word.text for word in line.words.words]
        ['Hello', 'there.']

    """
    return load_voice(voice).speak(text, rate=rate, seed=seed)


def check_rate(rate: float) -> float:
    """Return ``rate`` if a voice can speak at it; raise `SpeechError` if not."""
    slowest, fastest = RATE_RANGE
    if not slowest <= rate <= fastest:
        raise SpeechError(
            f"speaking rate must lie in [{slowest}, {fastest}], got {rate}; 1.0 is the voice's own"
        )
    return float(rate)


def join_speech(parts: list[Speech]) -> Speech:
    """Put consecutive slices of one speech together; at least one."""
    assert parts, "a voice never yields an empty speech"
    samples = np.concatenate([part.sound.samples for part in parts])
    words = Words(
        tuple(span for part in parts for span in part.words.words),
        tuple(span for part in parts for span in part.words.phones),
    )
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return Speech(replace(parts[0].sound, samples=samples), words, notes)
