"""The voice "hibari": American English, 24 kHz, on the CPU, with the time of every phone.

The network of the package hibari-tts predicts how many 25 ms frames each symbol lasts; that inner
result is marked as an output of the graph, once, and the marked graph is kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hibari import dsp
from hibari.g2p.normalize import normalize
from hibari.tts import MAX_PHONEMES, Hibari
from hibari.voices import DEFAULT, voice_path
from numpy.typing import NDArray

from rhapsode.errors import SpeechError
from rhapsode.performance import CLOCK_HZ, Float32, Sound, Span, Words
from rhapsode.speech.alignment import align_words, written_words
from rhapsode.speech.cache import cached_bytes
from rhapsode.speech.language import foreign_language, other_script_words
from rhapsode.speech.phones import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    TimedPhone,
    end_with_the_sound,
    is_phone,
    timed_phones,
)
from rhapsode.speech.voice import Speech, check_rate, join_speech

DURATIONS = "/Clip_output_0"
"""The tensor of the graph that holds the duration frames, (symbols + 2,) float32."""

MAX_SYMBOLS = MAX_PHONEMES
"""Symbols spoken at once; longer sentences are cut at clauses, or else between words."""

MAX_WORDS = 120
"""Words read at once; a text without any punctuation is cut there, which bounds time and memory."""

_CLAUSE_END = frozenset(",;:—")


class _Reading(NamedTuple):
    """A stretch between spaces as the voice reads it: its symbols and the written word it belongs to."""

    symbols: str
    word: int


class _Line(NamedTuple):
    """What is spoken at once."""

    readings: list[_Reading]
    written: list[str]

    @property
    def symbols(self) -> str:
        return " ".join(reading.symbols for reading in self.readings).strip()


class HibariVoice:
    """hibari-tts with word and phone times; see `rhapsode.speech.voice.Voice` for the contract.

    The sound of `stream` is the same, sample for sample, as that of `speak`.
    """

    name = "hibari"
    language = "en-US"
    sample_rate = SAMPLE_RATE

    def __init__(self) -> None:
        graph = marked_graph(Path(voice_path(DEFAULT)))
        self._tts = Hibari(model=graph if isinstance(graph, bytes) else str(graph), threads=1)
        self._g2p: Any = self._tts.g2p

    def speak(self, text: str, *, rate: float = 1.0, seed: int = 0) -> Speech:
        """Return the whole text, spoken."""
        return join_speech(list(self.stream(text, rate=rate, seed=seed)))

    def stream(self, text: str, *, rate: float = 1.0, seed: int = 0) -> Iterator[Speech]:
        """Check the text now; yield it sentence by sentence."""
        rate = check_rate(rate)
        notes = self._check(text)
        lines = self._lines(text)
        first = next(lines, None)
        if first is None:
            raise SpeechError(
                f"the text holds nothing that can be said, got '{text.strip()[:40]}'; write words or numbers"
            )
        return self._spoken(chain([first], lines), rate, seed, notes)

    def _check(self, text: str) -> tuple[str, ...]:
        if not text.strip():
            raise SpeechError("a text to speak must hold words, got an empty one; write something to say")
        found = foreign_language(text)
        if found is not None:
            raise SpeechError(
                f"voice '{self.name}' speaks English only, got a text in {found}; translate it, "
                "or record or synthesise it elsewhere and animate the sound file"
            )
        skipped = list(dict.fromkeys(other_script_words(text)))
        if not skipped:
            return ()
        return (f"voice '{self.name}' speaks English only and may leave out: {', '.join(skipped[:5])}",)

    def _spoken(
        self, lines: Iterator[_Line], rate: float, seed: int, notes: tuple[str, ...]
    ) -> Iterator[Speech]:
        rng, done = np.random.default_rng(seed), 0
        for line in lines:
            samples, durations = self._synthesise(line.symbols, rate, rng)
            phones = end_with_the_sound(timed_phones(line.symbols, durations), samples)
            words = _words(line, phones, done)
            yield Speech(Sound(samples, SAMPLE_RATE, Fraction(done * CLOCK_HZ, SAMPLE_RATE)), words, notes)
            done, notes = done + len(samples), ()

    def _synthesise(
        self, symbols: str, rate: float, rng: np.random.Generator
    ) -> tuple[Float32, NDArray[np.float32]]:
        ids = np.asarray([[0, *(self._tts.vocab[symbol] for symbol in symbols), 0]], np.int64)
        *spectra, durations = self._tts.sess.run(None, {"ids": ids, "speed": np.asarray([rate], np.float32)})
        samples = dsp.synth(*(part[0] for part in spectra), rng)
        durations = np.asarray(durations, np.float32).reshape(-1)
        assert len(samples) == round(float(durations.sum())) * FRAME_SAMPLES, (
            "durations do not cover the sound"
        )
        return np.asarray(np.clip(samples, -1.0, 1.0), np.float32), durations

    def _lines(self, text: str) -> Iterator[_Line]:
        """Yield what is spoken at once, sentence by sentence; what holds no phone is left out."""
        for paragraph in re.split(r"\n+", text):
            for sentence in self._tts.split_sentences(paragraph):
                for piece in _pieces(sentence):
                    written = written_words(piece)
                    for readings in _cut(self._read(piece, written)):
                        if any(is_phone(symbol) for reading in readings for symbol in reading.symbols):
                            yield _Line(readings, written)

    def _read(self, sentence: str, written: list[str]) -> list[_Reading]:
        texts, symbols = [""], [""]
        for token in self._g2p.phonemize_tokens(self._g2p.tokenize(normalize(sentence))):
            texts[-1] += token.text
            symbols[-1] += "".join(c for c in token.phonemes or "" if c in self._tts.vocab)
            if token.whitespace:
                texts.append("")
                symbols.append("")
        homes = align_words(written, texts, normalize)
        return [_Reading(said, home) for said, home in zip(symbols, homes, strict=True)]


def load() -> HibariVoice:
    """Return the voice; the table of voices calls this once."""
    return HibariVoice()


def marked_graph(model: Path) -> Path | bytes:
    """Return ``model`` with its duration frames as a further output, kept in the user's cache."""
    source = model.read_bytes()

    def mark() -> bytes:
        import onnx

        graph = onnx.load_from_string(source)
        graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(DURATIONS))
        return bytes(graph.SerializeToString())

    return cached_bytes(f"hibari-timed-{hashlib.sha256(source).hexdigest()}.onnx", mark)


def _pieces(sentence: str) -> Iterator[str]:
    """Yield a sentence in pieces of at most `MAX_WORDS` words; nearly always it is one."""
    begin = 0
    for count, gap in enumerate(re.finditer(r"\s+", sentence), start=1):
        if count % MAX_WORDS == 0:
            yield sentence[begin : gap.start()]
            begin = gap.end()
    yield sentence[begin:]


def _cut(readings: list[_Reading]) -> Iterator[list[_Reading]]:
    """Yield runs of at most `MAX_SYMBOLS` symbols, cut behind clauses where there are any."""
    run: list[_Reading] = []
    for clause in _clauses(readings):
        if run and _size(run) + _size(clause) > MAX_SYMBOLS:
            yield run
            run = []
        run = run + clause
    if run:
        yield run


def _clauses(readings: list[_Reading]) -> Iterator[list[_Reading]]:
    run: list[_Reading] = []
    for whole in readings:
        for begin in range(0, max(len(whole.symbols), 1), MAX_SYMBOLS):
            reading = whole._replace(symbols=whole.symbols[begin : begin + MAX_SYMBOLS])
            if run and _size(run) + _size([reading]) > MAX_SYMBOLS:
                yield run
                run = []
            run.append(reading)
            if reading.symbols[-1:] in _CLAUSE_END:
                yield run
                run = []
    if run:
        yield run


def _size(readings: list[_Reading]) -> int:
    return sum(len(reading.symbols) + 1 for reading in readings)


def _words(line: _Line, phones: list[TimedPhone], offset: int) -> Words:
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
