"""The voices "espeak:LANGUAGE": espeak-ng, GPL, user-installed, in a process of its own."""

from __future__ import annotations

import numpy as np

from rhapsode.errors import SpeechError
from rhapsode.speech.alignment import written_words
from rhapsode.speech.aside.voice import AsideVoice, Said, Symbol
from rhapsode.speech.manner import Delivery
from rhapsode.speech.reading.espeak import espeak, installed

_NORMAL = 50.0
_OCTAVE = 50.0
"""espeak-ng's pitch runs from 0 (an octave down) over 50 to 100 (an octave up)."""


class EspeakVoice(AsideVoice):
    """espeak-ng with its own events as phone and word times; small, robotic, in a hundred languages.

    Args:
        tag: language or voice of espeak-ng.

    Raises:
        SpeechError: it is not installed, or has no such voice.

    """

    def __init__(self, tag: str) -> None:
        if not installed():
            raise SpeechError(
                f"voice 'espeak:{tag}' needs espeak-ng, which is not installed (it is GPL, so you install it "
                "yourself); pip install espeakng-loader, or install the program espeak-ng"
            )
        self.name, self.language = f"espeak:{tag}", tag
        espeak().ask(do="phones", voice=tag, texts=[""])

    def _say(self, sentence: str, delivery: Delivery) -> Said:
        head, data = espeak().ask(
            do="speak",
            voice=self.language,
            text=sentence,
            rate=delivery.rate,
            pitch=float(np.clip(_NORMAL + _OCTAVE * np.log2(delivery.pitch), 0, 100)),
            span=float(np.clip(_NORMAL * delivery.span, 0, 100)),
        )
        samples = np.frombuffer(data, "<i2").astype(np.float32) * np.float32(1 / 32768)
        written = written_words(sentence)
        starts = _word_starts(sentence)
        symbols: list[Symbol] = []
        runs: list[int] = []
        events = head["events"]
        for k, (kind, at, *rest) in enumerate(events):
            following = next((one[1] for one in events[k + 1 :] if one[0] in ("phone", "end")), len(samples))
            if kind == "word":
                word = max(sum(start <= rest[0] for start in starts) - 1, 0)
                runs.append(word)
                if symbols:
                    symbols.append(Symbol(" ", at, at))
            elif kind == "phone":
                symbols.append(Symbol(_bare(rest[0]), at, following))
        return Said(samples, int(head["sample_rate"]), symbols, runs, written)


def load(name: str) -> EspeakVoice:
    """Return the voice called ``name``, "espeak:..."; the table of voices calls this once."""
    return EspeakVoice(name.partition(":")[2])


def _word_starts(text: str) -> list[int]:
    starts, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        starts.append(at)
        at += len(word)
    return starts


def _bare(name: str) -> str:
    """Return the IPA of a phoneme event without stress; "" for a pause."""
    return name.strip("ˈˌ'_:|-^ ") if name.strip("_:") else ""
