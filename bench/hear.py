"""How well and how fast it listens, against faster-whisper called directly on the same sounds in one run.

"en recorded" are the sentences of ../shared/data/speech with their texts (recipes/corpus/texts/natural.tsv).
The other groups are the sentences of hear.tsv, spoken by the product's voices where those are installed.
Errors are words, or characters in Chinese and Japanese; for Chinese also syllables, which do not depend on
how a character is written. "Directly" is ``WhisperModel(..., compute_type="int8").transcribe(sound)`` with
all its defaults and the same weights; it chooses from all languages, we from the five that are spoken.
"""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile

from rhapsode.audio.resample import resample
from rhapsode.performance import Float32
from rhapsode.speech.recognition import PACKAGED, Recogniser, recogniser
from rhapsode.speech.recognition.weights import locate

ROOT = Path(__file__).parents[1]
SPEECH = ROOT.parent / "shared" / "data" / "speech"
TEXTS = ROOT / "recipes" / "corpus" / "texts" / "natural.tsv"
LANGUAGES = ("en", "zh", "ja", "es", "fr")
LENGTHS = ((0.0, 2.0), (2.0, 5.0), (5.0, 10.0), (10.0, 30.0))


class Line(NamedTuple):
    """A sentence that is spoken."""

    group: str
    language: str
    text: str
    sound: Float32


class Result(NamedTuple):
    """What somebody heard, how long it took, and how many seconds of the processor."""

    text: str
    language: str
    seconds: float
    spent: float


def lines() -> Iterator[Line]:
    """Yield the recorded sentences, then the spoken ones of every language that has a voice."""
    if SPEECH.is_dir():
        for row in TEXTS.read_text(encoding="utf-8").splitlines():
            name, text = row.split("\t")
            path = next(SPEECH.rglob(f"{name}.flac"))
            yield Line("en recorded", "en", text, soundfile.read(path, dtype="float32")[0])
    yield from _voiced()


def _voiced() -> Iterator[Line]:
    from rhapsode.speech import load_voice, voice_problem, voices

    able: dict[str, Iterator[str]] = {}
    for language in LANGUAGES:
        names = [
            name
            for name, entry in voices().items()
            if entry.language.startswith(language) and not voice_problem(name)
        ]
        if not names:
            print(f"  {language}: no voice is installed; left out", file=sys.stderr)
            continue
        able[language] = cycle(names)
    for row in (Path(__file__).with_suffix(".tsv")).read_text(encoding="utf-8").splitlines():
        language, text = row.split("\t")
        if language in able:
            speech = load_voice(next(able[language])).speak(text)
            sound = resample(speech.sound.samples, speech.sound.sample_rate, 16_000, "VHQ")
            yield Line(language, language, text, sound)


def measure(model: str = PACKAGED[0]) -> dict[str, Any]:
    """Let both hear every sentence, one after the other, and return errors and times."""
    from faster_whisper import WhisperModel

    ours = recogniser(model)
    folder, files = locate(model)
    direct = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=2, files=files)
    known = tuple(tag for tag in LANGUAGES if tag in ours.languages)
    said = [line for line in lines() if line.language in known]
    _ours(ours, said[0].sound, known), _direct(direct, said[0].sound)
    heard, straight = [], []
    for k, line in enumerate(said):
        print(f"  {k + 1} of {len(said)}", end="\r", file=sys.stderr, flush=True)
        heard.append(_ours(ours, line.sound, known))
        straight.append(_direct(direct, line.sound))
    groups = dict.fromkeys(line.group for line in said)
    return {
        "model": model,
        "sentences": len(said),
        "errors_percent": {group: _errors(group, said, heard, straight) for group in groups},
        "latency": _latency(said, heard, straight),
    }


def _ours(model: Recogniser, sound: Float32, known: tuple[str, ...]) -> Result:
    begin, spent = time.perf_counter(), time.process_time()
    heard = model.transcribe(sound, languages=known)
    return Result(heard.text, heard.language, time.perf_counter() - begin, time.process_time() - spent)


def _direct(model: Any, sound: Float32) -> Result:
    begin, spent = time.perf_counter(), time.process_time()
    segments, about = model.transcribe(sound)
    text = "".join(segment.text for segment in segments)
    return Result(text, about.language, time.perf_counter() - begin, time.process_time() - spent)


def _errors(group: str, said: list[Line], heard: list[Result], straight: list[Result]) -> dict[str, Any]:
    """Return error rates of one group, and how often the language was wrong."""
    rows = [row for row in zip(said, heard, straight, strict=True) if row[0].group == group]
    language = rows[0][0].language
    cut = characters if language in ("zh", "ja") else words

    def rate(which: int, parts: Callable[[str], list[str]]) -> float:
        wrong = sum(distance(parts(row[0].text), parts(row[which].text)) for row in rows)
        return round(100.0 * wrong / sum(len(parts(row[0].text)) for row in rows), 1)

    found = {
        "ours": rate(1, cut),
        "direct": rate(2, cut),
        "wrong_language": [sum(row[k].language != language for row in rows) for k in (1, 2)],
    }
    if language == "zh":
        found |= {"syllables_ours": rate(1, _syllables), "syllables_direct": rate(2, _syllables)}
    return found


def _latency(said: list[Line], heard: list[Result], straight: list[Result]) -> dict[str, Any]:
    table = {}
    for low, high in LENGTHS:
        rows = [
            (ours.seconds, direct.seconds, ours.spent, direct.spent)
            for line, ours, direct in zip(said, heard, straight, strict=True)
            if low <= len(line.sound) / 16_000 < high
        ]
        if rows:
            times = np.array(rows)
            quantiles = np.quantile(times, [0.5, 0.95], axis=0).round(3).tolist()
            table[f"{low:g}-{high:g} s"] = {
                "count": len(rows),
                "ours_p50_s": quantiles[0][0],
                "ours_p95_s": quantiles[1][0],
                "direct_p50_s": quantiles[0][1],
                "direct_p95_s": quantiles[1][1],
                "ours_processor_p50_s": quantiles[0][2],
                "direct_processor_p50_s": quantiles[0][3],
                "times_faster_p50": round(float(np.median(times[:, 1] / times[:, 0])), 1),
                "times_less_processor_p50": round(float(np.median(times[:, 3] / times[:, 2])), 1),
            }
    return table


def words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    return "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in plain).split()


def characters(text: str) -> list[str]:
    return list("".join(words(text)))


def _syllables(text: str) -> list[str]:
    from pypinyin import Style, pinyin

    return [found[0] for found in pinyin(characters(text), style=Style.TONE3)]


def distance(wanted: list[str], got: list[str]) -> int:
    """Return how many insertions, deletions and replacements lie between them (Levenshtein 1966)."""
    row = list(range(len(got) + 1))
    for k, one in enumerate(wanted, 1):
        corner, row[0] = row[0], k
        for j, other in enumerate(got, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (one != other))
    return row[-1]


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(PACKAGED)
    print(json.dumps([measure(name) for name in chosen], indent=2, ensure_ascii=False))
