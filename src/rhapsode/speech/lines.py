"""What is spoken at once: symbols of the Kokoro family's alphabet, each run with the written word it reads.

`LineVoice` is all that voices of that family share: they differ in how text becomes lines, and in the network
that turns symbols into samples.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rhapsode.errors import SpeechError
from rhapsode.performance import CLOCK_HZ, Float32, Sound, Span, Words
from rhapsode.speech.manner import PLAIN, Delivery, Manner, louder
from rhapsode.speech.phones import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    TimedPhone,
    end_with_the_sound,
    is_phone,
    timed_phones,
)
from rhapsode.speech.voice import Speech, join_speech

MAX_SYMBOLS = 400
"""Symbols spoken at once; longer sentences are cut at clauses, or else between words."""

MAX_WORDS = 120
"""Words read at once; a text without any punctuation is cut there, which bounds time and memory."""

CLAUSE_END = frozenset(",;:—")
"""Symbols behind which a sentence may be cut."""


class Reading(NamedTuple):
    """A stretch between spaces as the voice reads it: its symbols and the written word it belongs to."""

    symbols: str
    word: int


class Line(NamedTuple):
    """What is spoken at once."""

    readings: list[Reading]
    written: list[str]

    @property
    def symbols(self) -> str:
        """All symbols, one a character."""
        return " ".join(reading.symbols for reading in self.readings).strip()


class LineVoice(ABC):
    """A voice whose network gives the duration of every symbol; see `rhapsode.speech.voice.Voice`.

    The sound of `stream` is the same, sample for sample, as that of `speak`.
    """

    name = ""
    language = ""
    languages: tuple[str, ...] = ()
    sample_rate = SAMPLE_RATE

    def speak(self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = "") -> Speech:
        """Return the whole text, spoken."""
        return join_speech(list(self.stream(text, manner=manner, seed=seed, language=language)))

    def stream(
        self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""
    ) -> Iterator[Speech]:
        """Check the text now; yield it sentence by sentence."""
        if not text.strip():
            raise SpeechError("a text to speak must hold words, got an empty one; write something to say")
        notes = self._check(text, language)
        lines = self._lines(text, language)
        first = next(lines, None)
        if first is None:
            raise SpeechError(
                f"the text holds nothing that can be said, got '{text.strip()[:40]}'; write words or numbers"
            )
        return self._spoken(chain([first], lines), manner.delivery(), seed, notes)

    @abstractmethod
    def _check(self, text: str, language: str) -> tuple[str, ...]:
        """Return notes on what will be left out; raise `SpeechError` where the voice cannot read ``text``."""

    @abstractmethod
    def _lines(self, text: str, language: str) -> Iterator[Line]:
        """Yield what is spoken at once, in order; every line holds a phone."""

    @abstractmethod
    def _synthesise(
        self, symbols: str, delivery: Delivery, rng: np.random.Generator
    ) -> tuple[Float32, NDArray[np.float32]]:
        """Return (n,) samples and (len(symbols) + 2,) duration frames that cover them exactly."""

    def _spoken(
        self, lines: Iterator[Line], delivery: Delivery, seed: int, notes: tuple[str, ...]
    ) -> Iterator[Speech]:
        rng, done = np.random.default_rng(seed), 0
        for line in lines:
            samples, durations = self._synthesise(line.symbols, delivery, rng)
            assert len(samples) == round(float(durations.sum())) * FRAME_SAMPLES, (
                "durations do not cover the sound"
            )
            phones = end_with_the_sound(timed_phones(line.symbols, durations), samples)
            sound = Sound(
                louder(samples, delivery.volume), SAMPLE_RATE, Fraction(done * CLOCK_HZ, SAMPLE_RATE)
            )
            yield Speech(sound, _words(line, phones, done), notes)
            done, notes = done + len(samples), ()


def speakable(readings: list[Reading]) -> bool:
    """Tell whether any of ``readings`` holds a phone."""
    return any(is_phone(symbol) for reading in readings for symbol in reading.symbols)


def pieces(sentence: str) -> Iterator[str]:
    """Yield a sentence in pieces of at most `MAX_WORDS` words; nearly always it is one."""
    begin = 0
    for count, gap in enumerate(re.finditer(r"\s+", sentence), start=1):
        if count % MAX_WORDS == 0:
            yield sentence[begin : gap.start()]
            begin = gap.end()
    yield sentence[begin:]


def cut(readings: list[Reading], most: int = MAX_SYMBOLS) -> Iterator[list[Reading]]:
    """Yield runs of at most ``most`` symbols, cut behind clauses where there are any."""
    run: list[Reading] = []
    for clause in clauses(readings, most):
        if run and size(run) + size(clause) > most:
            yield run
            run = []
        run = run + clause
    if run:
        yield run


def clauses(readings: list[Reading], most: int = MAX_SYMBOLS) -> Iterator[list[Reading]]:
    """Yield the clauses of ``readings``, each of at most ``most`` symbols."""
    run: list[Reading] = []
    for whole in readings:
        for begin in range(0, max(len(whole.symbols), 1), most):
            reading = whole._replace(symbols=whole.symbols[begin : begin + most])
            if run and size(run) + size([reading]) > most:
                yield run
                run = []
            run.append(reading)
            if reading.symbols[-1:] in CLAUSE_END:
                yield run
                run = []
    if run:
        yield run


def size(readings: list[Reading]) -> int:
    """Return how many symbols ``readings`` are, with a space behind each."""
    return sum(len(reading.symbols) + 1 for reading in readings)


def _words(line: Line, phones: list[TimedPhone], offset: int) -> Words:
    """Return the spans of one line whose first sample is sample ``offset`` of the speech."""
    home = [reading.word for reading in line.readings for _ in f"{reading.symbols} "]
    joined = " ".join(reading.symbols for reading in line.readings)
    lead = len(joined) - len(joined.lstrip())
    runs: dict[int, list[TimedPhone]] = {}
    for phone in phones:
        runs.setdefault(home[phone.position + lead], []).append(phone)

    def span(text: str, first: TimedPhone, last: TimedPhone) -> Span:
        return Span(text, (offset + first.start) / SAMPLE_RATE, (offset + last.end) / SAMPLE_RATE)

    return Words(
        tuple(span(line.written[word], run[0], run[-1]) for word, run in runs.items()),
        tuple(span(phone.text, phone, phone) for phone in phones),
    )
