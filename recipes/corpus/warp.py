"""Phone times of natural speech in any language: recognise it, say it again with known times, and warp.

    python recipes/corpus/warp.py FOLDER --data ../shared/data --voices package/voices --whisper MODEL

faster-whisper writes down each stretch of a recording, Kokoro speaks the same words, and dynamic time
warping of cepstra carries the phone times over. Against the events of measure_offsets.py the times are
within 10 to 15 ms in the median, as good as the synthetic ones; what the recogniser mishears is mostly a
homophone, but not always: the labels are for training with others and for coarse tests.
Writes FOLDER/warped.jsonl, one stretch a line, in the form of natural.jsonl with begin and end of the
stretch in seconds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import engines
import numpy as np
import soundfile
import soxr
from faster_whisper import WhisperModel
from g2p import symbols
from scipy.fft import dct
from scipy.spatial.distance import cdist
from times import spans

RATE, HOP, WINDOW = 16_000, 160, 400
SHIFT_S = -0.05
"""What makes the synthesiser's duration frames right; offsets.json has it for each language."""

PAUSE_S = 0.3
EDGE_S = 0.2
SKIP_COST = 0.5
"""Cost of standing still in one of the two recordings for a feature frame."""


class Source(NamedTuple):
    """Recordings of one speaker in one language."""

    pattern: str
    language: str
    speaker: str
    voice: str
    split: str


SOURCES = (
    Source("facegood/audio/3_15.flac", "zh", "facegood", "zf_xiaoni", "test"),
    Source("speech/emotional/*_mandarin.flac", "zh", "claire", "zf_xiaoni", "test"),
    Source("facegood/unlabelled/*.flac", "zh", "facegood", "zf_xiaoni", "train"),
)


def cepstra(y: np.ndarray) -> np.ndarray:
    """Return (T, 28) cepstra and their slopes every 10 ms, normalised over the recording."""
    padded = np.pad(y, WINDOW // 2)
    pieces = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.square(np.abs(np.fft.rfft(pieces, 512)))
    edges = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 42)
    bins = 700 * (10 ** (edges / 2595) - 1) / 8000 * 256
    k = np.arange(257)
    up = (k - bins[:-2, None]) / np.diff(bins)[:-1, None]
    down = (bins[2:, None] - k) / np.diff(bins)[1:, None]
    mel = np.log(power @ np.clip(np.minimum(up, down), 0, None).T + 1e-6)
    steady = dct(mel, axis=1, norm="ortho")[:, :14]
    both = np.concatenate([steady, 2 * np.gradient(steady, axis=0)], axis=1)
    return (both - both.mean(axis=0)) / (both.std(axis=0) + 1e-6)


def warp(known: np.ndarray, heard: np.ndarray) -> tuple[np.ndarray, float]:
    """Return (N, 2) pairs of feature frames that belong together, and their mean distance."""
    cost = cdist(known, heard)
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for i in range(rows):
        for j in range(columns):
            stay = min(total[i, j + 1], total[i + 1, j]) + SKIP_COST
            total[i + 1, j + 1] = cost[i, j] + min(total[i, j], stay)
    i, j, pairs = rows, columns, []
    while i and j:
        pairs.append((i - 1, j - 1))
        step = int(np.argmin([total[i - 1, j - 1], total[i - 1, j] + SKIP_COST, total[i, j - 1] + SKIP_COST]))
        i, j = i - (step != 2), j - (step != 1)
    return np.asarray(pairs[::-1]), float(total[-1, -1] / (rows + columns))


def stretches(model: WhisperModel, path: Path, language: str) -> Iterator[tuple[float, float, str]]:
    """Yield begin, end and words of what is said between two pauses."""
    options = {"temperature": 0, "word_timestamps": True, "condition_on_previous_text": False}
    segments, _ = model.transcribe(str(path), language=language, beam_size=5, **options)
    words = [word for segment in segments for word in segment.words]
    first = 0
    for k in range(len(words)):
        if k + 1 == len(words) or words[k + 1].start - words[k].end > PAUSE_S:
            run = words[first : k + 1]
            yield run[0].start, run[-1].end, "".join(word.word for word in run).strip()
            first = k + 1


def align(y: np.ndarray, text: str, language: str, table: np.ndarray) -> tuple[list[tuple], float]:
    """Return (phone, start, end, stress) of ``y`` in seconds, and how badly the warping fits."""
    said = symbols(text, language)
    samples, frames = engines.kokoro(said, table, 1.0)
    samples = soxr.resample(samples, engines.SAMPLE_RATE, RATE)
    phones = spans(said, frames.tolist(), SHIFT_S)
    begin, end = max(phones[0].start - 0.15, 0), phones[-1].end + 0.15
    pairs, cost = warp(cepstra(samples[round(begin * RATE) : round(end * RATE)]), cepstra(y))

    def carried(at: float) -> float:
        return round(float(np.interp((at - begin) * RATE / HOP, pairs[:, 0], pairs[:, 1])) * HOP / RATE, 3)

    moved = [(phone.phone, carried(phone.start), carried(phone.end), phone.stress) for phone in phones]
    return [phone for phone in moved if phone[2] > phone[1]], cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--whisper", required=True, help="a folder for faster-whisper")
    options = parser.parse_args()
    model = WhisperModel(options.whisper, device="cpu", compute_type="int8", cpu_threads=1)
    with (options.folder / "warped.jsonl").open("w", encoding="utf-8") as out:
        for source in SOURCES:
            table = engines.style_table(options.voices, source.voice)
            for path in sorted(options.data.glob(source.pattern)):
                y, _ = soundfile.read(path, dtype="float32")
                for start, end, text in stretches(model, path, source.language):
                    begin, last = max(start - EDGE_S, 0), min(end + EDGE_S, len(y) / RATE)
                    if len(symbols(text, source.language)) < 4:
                        continue
                    piece = y[round(begin * RATE) : round(last * RATE)]
                    phones, cost = align(piece, text, source.language, table)
                    entry = {
                        "path": str(path.relative_to(options.data)),
                        "language": source.language,
                        "speaker": source.speaker,
                        "split": source.split,
                        "text": text,
                        "begin": round(begin, 3),
                        "end": round(last, 3),
                        "cost": round(cost, 3),
                        "phones": phones,
                    }
                    out.write(json.dumps(entry, ensure_ascii=False) + "\n")
                    out.flush()


if __name__ == "__main__":
    main()
