"""Where sound comes from: a file, samples in memory, a text to be spoken.

A source gives consecutive blocks of sound on one clock, each with the words that begin in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from rhapsode.audio.decode import open_sound
from rhapsode.errors import AudioError, SettingError
from rhapsode.performance import CLOCK_HZ, Sound, Words
from rhapsode.speech import load_voice

BLOCK_S = 1.0
"""Seconds of sound in a block."""

Block = tuple[Sound, Words]


class Source(Protocol):
    """Consecutive blocks of sound with their words."""

    title: str
    duration_s: float | None
    notes: list[str]

    def blocks(self) -> Iterator[Block]:
        """Yield the sound from its start to its end, once."""


class FileSource:
    """Any sound or video file that FFmpeg decodes.

    Args:
        path: the file.

    Raises:
        AudioError: it cannot be read, or holds no sound.

    """

    def __init__(self, path: str | Path) -> None:
        self._file = open_sound(path, block_s=BLOCK_S)
        self.title = str(path)
        self.duration_s = self._file.duration_s
        self.notes: list[str] = self._file.notes

    def blocks(self) -> Iterator[Block]:
        """Yield the decoded sound, memory bounded."""
        done = 0
        for samples in self._file.blocks():
            start = Fraction(done * CLOCK_HZ, self._file.sample_rate)
            yield Sound(samples, self._file.sample_rate, start), Words()
            done += len(samples)


class SoundSource:
    """Samples in memory.

    Args:
        sound: at least one sample.

    Raises:
        AudioError: the sound is empty.

    """

    def __init__(self, sound: Sound) -> None:
        if not len(sound.samples):
            raise AudioError("the sound holds no samples; give at least one")
        self._sound = sound
        self.title = "samples"
        self.duration_s: float | None = sound.duration_s
        self.notes: list[str] = []

    def blocks(self) -> Iterator[Block]:
        """Yield the samples in blocks."""
        step = max(round(BLOCK_S * self._sound.sample_rate), 1)
        for first in range(0, len(self._sound.samples), step):
            start = Fraction(first * CLOCK_HZ, self._sound.sample_rate)
            yield Sound(self._sound.samples[first : first + step], self._sound.sample_rate, start), Words()


class TextSource:
    """A text spoken by a voice, sentence by sentence.

    Args:
        text: what to say.
        voice: name of the voice.

    Raises:
        SpeechError: the text or the voice cannot be used.

    """

    def __init__(self, text: str, voice: str) -> None:
        self._spoken = load_voice(voice).stream(text)
        self.title = "text"
        self.duration_s: float | None = None
        self.notes: list[str] = []

    def blocks(self) -> Iterator[Block]:
        """Yield a block a sentence."""
        for speech in self._spoken:
            self.notes += [note for note in speech.notes if note not in self.notes]
            yield speech.sound, speech.words


def open_source(source: str | Path | Sound | None, text: str | None, voice: str) -> Source:
    """Return the source that the arguments mean: exactly one of ``source`` and ``text``."""
    if (source is None) == (text is None):
        got = "neither" if source is None else "both"
        raise SettingError(f"a performance needs a sound or a text, got {got}; give one of them")
    if text is not None:
        return TextSource(text, voice)
    return SoundSource(source) if isinstance(source, Sound) else FileSource(source or "")
