"""What voices of a helper process share: sentences in, sound at 24 kHz with phones and words out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from rhapsode.audio.resample import resample
from rhapsode.errors import SpeechError
from rhapsode.performance import CLOCK_HZ, Float32, Sound, Span, Words
from rhapsode.speech.language import script_language
from rhapsode.speech.manner import PLAIN, Delivery, Manner, louder
from rhapsode.speech.phones import SAMPLE_RATE, TimedPhone, end_with_the_sound
from rhapsode.speech.sentences import split_sentences
from rhapsode.speech.voice import Speech, join_speech

_STRESS = frozenset("ˈˌ'")
_PAUSES = frozenset(',.;:!?…—–-"“”()¿¡«»_ˑ|‖')


class Symbol(NamedTuple):
    """A symbol of IPA or a space, and the samples during which it is heard, silence before it included."""

    text: str
    start: float
    end: float


class Said(NamedTuple):
    """A spoken sentence.

    Args:
        samples: (n,) float32 at `sample_rate`.
        sample_rate: Hz.
        symbols: in order; a space parts words.
        runs: for each run between spaces, the index of the written word that it reads.
        written: the words.

    """

    samples: Float32
    sample_rate: int
    symbols: list[Symbol]
    runs: Sequence[int]
    written: list[str]


class AsideVoice(ABC):
    """A voice of a helper process; see `rhapsode.speech.voice.Voice`. ``seed`` has no effect on it."""

    name = ""
    language = ""
    sample_rate = SAMPLE_RATE

    @property
    def languages(self) -> tuple[str, ...]:
        """Its one language."""
        return (self.language,)

    def speak(self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = "") -> Speech:
        """Return the whole text, spoken."""
        return join_speech(list(self.stream(text, manner=manner, seed=seed, language=language)))

    def stream(
        self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""
    ) -> Iterator[Speech]:
        """Check the text now; yield it sentence by sentence."""
        if not text.strip():
            raise SpeechError("a text to speak must hold words, got an empty one; write something to say")
        sentences = [one.strip() for one in split_sentences(text) if any(c.isalnum() for c in one)]
        if not sentences:
            raise SpeechError(
                f"the text holds nothing that can be said, got '{text.strip()[:40]}'; write words or numbers"
            )
        found = (language or script_language(text, self.language)).split("-")[0].lower()
        if self.language != "und" and found != self.language.split("-")[0].lower():
            raise SpeechError(
                f"voice '{self.name}' speaks '{self.language}' only, got a text in '{found}'; "
                "name a voice of that language"
            )
        return self._spoken(sentences, manner.delivery())

    @abstractmethod
    def _say(self, sentence: str, delivery: Delivery) -> Said:
        """Speak one sentence; all of ``delivery`` but the volume."""

    def _spoken(self, sentences: list[str], delivery: Delivery) -> Iterator[Speech]:
        done = 0
        for sentence in sentences:
            said = self._say(sentence, delivery)
            samples = resample(said.samples, said.sample_rate, SAMPLE_RATE)
            samples = np.clip(samples, -1.0, 1.0)
            phones = _phones(said.symbols, SAMPLE_RATE / said.sample_rate, len(samples))
            settled = end_with_the_sound(phones, samples)
            start = Fraction(done * CLOCK_HZ, SAMPLE_RATE)
            sound = Sound(louder(samples, delivery.volume), SAMPLE_RATE, start)
            yield Speech(sound, _words(said, settled, done))
            done += len(samples)


def shared(runs: int, expected: Sequence[int]) -> list[int]:
    """Return for each of ``runs`` runs its word, where word k alone would have ``expected[k]`` of them.

    >>> shared(3, [1, 2]), shared(4, [1, 1])
    ([0, 1, 1], [0, 0, 1, 1])
    """
    ends = np.cumsum(np.maximum(expected, 0)) / max(sum(expected), 1)
    middles = (np.arange(runs) + 0.5) / max(runs, 1)
    homes = np.minimum(np.searchsorted(ends, middles), len(expected) - 1)
    return [int(home) for home in homes]


def _phones(symbols: list[Symbol], scale: float, most: int) -> list[TimedPhone]:
    """Return phones whose position is the number of their run."""
    phones: list[TimedPhone] = []
    lead: float | None = None
    run, paused, spoken = 0, True, False
    for text, start, end in symbols:
        if text.isspace():
            lead = start if lead is None else lead
            run, spoken = run + spoken, False
        elif text in _STRESS:
            lead = start if lead is None else lead
        elif text in _PAUSES or not text:
            lead, paused = None, True
        elif not (text[0].isalpha() and text[0] not in "ːˑʲʰʷ") and phones:
            long = "ː" if "ː" in text and not phones[-1].text.endswith("ː") else ""
            phones[-1] = TimedPhone(
                phones[-1].text + long, phones[-1].position, phones[-1].start, _at(end, scale, most)
            )
        else:
            begin = _at(start if lead is None else lead, scale, most)
            if phones and not paused:
                phones[-1] = replace(phones[-1], end=max(begin, phones[-1].start))
            phones.append(TimedPhone(text, run, begin, max(_at(end, scale, most), begin)))
            lead, paused, spoken = None, False, True
    return [phone for phone in phones if phone.end > phone.start]


def _at(sample: float, scale: float, most: int) -> int:
    return min(max(round(sample * scale), 0), most)


def _words(said: Said, phones: list[TimedPhone], offset: int) -> Words:
    runs: dict[int, list[TimedPhone]] = {}
    for phone in phones:
        home = said.runs[min(phone.position, len(said.runs) - 1)] if len(said.runs) else 0
        runs.setdefault(home, []).append(phone)

    def span(text: str, start: int, end: int) -> Span:
        return Span(text, (offset + start) / SAMPLE_RATE, (offset + end) / SAMPLE_RATE)

    return Words(
        tuple(span(said.written[word], run[0].start, run[-1].end) for word, run in sorted(runs.items())),
        tuple(span(phone.text, phone.start, phone.end) for phone in phones),
    )
