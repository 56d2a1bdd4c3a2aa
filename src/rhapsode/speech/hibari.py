"""The voice "hibari": American English, 24 kHz, on the CPU, with the time of every phone.

The network of the package hibari-tts predicts how many 25 ms frames each symbol lasts; that inner
result is marked as an output of the graph, once, and the marked graph is kept in the user's cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from hibari import dsp
from hibari.tts import Hibari
from hibari.voices import DEFAULT, voice_path
from numpy.typing import NDArray

from rhapsode.errors import SpeechError
from rhapsode.performance import Float32
from rhapsode.speech.graphs import marked_graph
from rhapsode.speech.language import foreign_language, other_script_words
from rhapsode.speech.lines import Line, LineVoice, cut, pieces, speakable
from rhapsode.speech.manner import Delivery, melody
from rhapsode.speech.reading.english import EnglishReader

DURATIONS = "/Clip_output_0"
"""The tensor of the graph that holds the duration frames, (symbols + 2,) float32."""


class HibariVoice(LineVoice):
    """hibari-tts with word and phone times; see `rhapsode.speech.voice.Voice` for the contract.

    Its network gives the pitch of every 12.5 ms, from which the sound is built: another pitch or emotion
    moves that curve and leaves formants and times as they are.
    """

    name = "hibari"
    language = "en-US"
    languages = ("en-US",)

    def __init__(self) -> None:
        graph = marked_graph(Path(voice_path(DEFAULT)).read_bytes(), DURATIONS, name="hibari")
        self._tts = Hibari(model=graph if isinstance(graph, bytes) else str(graph), threads=1)
        self.version = version("hibari-tts")
        self._g2p: Any = self._tts.g2p
        self._reader = EnglishReader(self._g2p, frozenset(self._tts.vocab))

    def _check(self, text: str, language: str) -> tuple[str, ...]:
        found = foreign_language(text)
        if found is None and language and language.split("-")[0].lower() != "en":
            found = f"'{language}'"
        if found is not None:
            raise SpeechError(
                f"voice '{self.name}' speaks English only, got a text in {found}; name a voice of that "
                "language, or record or synthesise it elsewhere and animate the sound file"
            )
        skipped = list(dict.fromkeys(other_script_words(text)))
        if not skipped:
            return ()
        return (f"voice '{self.name}' speaks English only and may leave out: {', '.join(skipped[:5])}",)

    def _synthesise(
        self, symbols: str, delivery: Delivery, rng: np.random.Generator
    ) -> tuple[Float32, NDArray[np.float32]]:
        ids = np.asarray([[0, *(self._tts.vocab[symbol] for symbol in symbols), 0]], np.int64)
        speed = np.asarray([delivery.rate], np.float32)
        *spectra, durations = self._tts.sess.run(None, {"ids": ids, "speed": speed})
        *shapes, f0 = (part[0] for part in spectra)
        samples = dsp.synth(*shapes, melody(f0, delivery), rng)
        durations = np.asarray(durations, np.float32).reshape(-1)
        return np.asarray(np.clip(samples, -1.0, 1.0), np.float32), durations

    def _lines(self, text: str, language: str) -> Iterator[Line]:
        for paragraph in re.split(r"\n+", text):
            for sentence in self._tts.split_sentences(paragraph):
                for piece in pieces(sentence):
                    whole = self._reader.read(piece)
                    for readings in cut(whole.readings):
                        if speakable(readings):
                            yield Line(readings, whole.written)


def load() -> HibariVoice:
    """Return the voice; the table of voices calls this once."""
    return HibariVoice()
