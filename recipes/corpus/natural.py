"""Phone times of natural English speech by forced alignment with pocketsphinx.

    python recipes/corpus/natural.py FOLDER --data ../shared/data

Writes FOLDER/natural.jsonl, one utterance a line: the sound's path below --data, corpus, speaker, text and
[phone, start, end, stress] in IPA and seconds. GRID's texts follow from its sentence codes; those of VCTK
and LibriSpeech lie in texts/natural.tsv.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from g2p import symbols
from pocketsphinx import Decoder

SHIFT_S = 0.005
"""Added to every time; by the events of measure_offsets.py pocketsphinx is that much early."""

HOP_S = 0.01
_BEAMS = {"beam": 1e-120, "wbeam": 1e-100, "pbeam": 1e-120}

_COMMAND = {"b": "bin", "l": "lay", "p": "place", "s": "set"}
_COLOUR = {"b": "blue", "g": "green", "r": "red", "w": "white"}
_PREPOSITION = {"a": "at", "b": "by", "i": "in", "w": "with"}
_DIGIT = {"z": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five"} | {
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
}
_ADVERB = {"a": "again", "n": "now", "p": "please", "s": "soon"}

_ARPABET = (
    "AA ɑ, AE æ, AH ʌ, AO ɔ, AW aʊ, AY aɪ, B b, CH tʃ, D d, DH ð, EH ɛ, ER ɜ, EY eɪ, F f, G ɡ, HH h, IH ɪ, "
    "IY i, JH dʒ, K k, L l, M m, N n, NG ŋ, OW oʊ, OY ɔɪ, P p, R ɹ, S s, SH ʃ, T t, TH θ, UH ʊ, UW u, V v, "
    "W w, Y j, Z z, ZH ʒ"
)
IPA = dict(pair.split() for pair in _ARPABET.split(", "))
_FROM_SYMBOL = {ipa: name for name, ipa in IPA.items()} | {
    "A": "EY",
    "I": "AY",
    "O": "OW",
    "W": "AW",
    "Y": "OY",
    "ʤ": "JH",
    "ʧ": "CH",
    "T": "T",
    "ə": "AH",
    "ᵊ": "AH",
    "ɐ": "AH",
    "ᵻ": "IH",
    "ɜ": "ER",
    "ɒ": "AA",
}


def grid_text(code: str) -> str:
    """Return the words of a GRID sentence code, such as bbaf2n."""
    command, colour, preposition, letter, digit, adverb = code
    words = (_COMMAND[command], _COLOUR[colour], _PREPOSITION[preposition], letter)
    return " ".join((*words, _DIGIT[digit], _ADVERB[adverb]))


class Aligner:
    """pocketsphinx with the words that its dictionary lacks added by rule."""

    def __init__(self) -> None:
        self._decoder = Decoder(lm=None, bestpath=False, loglevel="FATAL", **_BEAMS)

    def __call__(self, y: np.ndarray, text: str) -> list[tuple[str, float, float, float]]:
        """Return (phone, start, end, stress) of ``y``, (N,) int16 at 16 kHz, in which ``text`` is said."""
        words = [self._known(word) for word in re.findall(r"[a-z']+", text.lower().replace("’", "'"))]
        self._decoder.set_align_text(" ".join(words))
        self._decode(y)
        self._decoder.set_alignment()
        self._decode(y)
        found = []
        for word in self._decoder.get_alignment():
            first = True
            for phone in word:
                if phone.name in IPA:
                    start = phone.start * HOP_S + SHIFT_S
                    stress = 1.0 if first and IPA[phone.name][0] in "ɑæʌɔaɛɜeɪioʊu" else 0.0
                    first = first and not stress
                    end = start + phone.duration * HOP_S
                    found.append((IPA[phone.name], round(start, 3), round(end, 3), stress))
        return found

    def _decode(self, y: np.ndarray) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(y.tobytes(), no_search=False, full_utt=True)
        self._decoder.end_utt()

    def _known(self, word: str) -> str:
        if len(word) == 1 and word not in "ai":
            name = f"{word}."
            if self._decoder.lookup_word(name):
                return name
        if not self._decoder.lookup_word(word):
            said = symbols(word, "en")
            phones = [_FROM_SYMBOL[symbol] for symbol in said if symbol in _FROM_SYMBOL]
            self._decoder.add_word(word, " ".join(phones), True)
        return word


def utterances(data: Path) -> Iterator[dict]:
    """Yield path, corpus, speaker and text of every recording."""
    for path in sorted((data / "grid_s1" / "audio").glob("*.flac")):
        yield {"path": str(path.relative_to(data)), "corpus": "grid", "speaker": "grid_s1"} | {
            "text": grid_text(path.stem)
        }
    table = Path(__file__).parent / "texts" / "natural.tsv"
    for line in table.read_text(encoding="utf-8").splitlines():
        name, text = line.split("\t")
        for path in sorted((data / "speech").rglob(f"{name}.flac")):
            corpus = "vctk" if path.parent.name == "vctk" else "librispeech"
            speaker = f"{corpus}_{path.stem.replace('librispeech_', '').replace('-', '_').split('_')[0]}"
            yield {"path": str(path.relative_to(data)), "corpus": corpus, "speaker": speaker, "text": text}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    align = Aligner()
    with (options.folder / "natural.jsonl").open("w", encoding="utf-8") as out:
        for entry in utterances(options.data):
            y, rate = soundfile.read(options.data / entry["path"], dtype="int16")
            assert rate == 16_000
            try:
                phones = align(y, entry["text"])
            except RuntimeError as error:
                print(f"{entry['path']}: left out, {error}", flush=True)
                continue
            out.write(json.dumps({**entry, "phones": phones}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
