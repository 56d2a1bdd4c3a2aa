"""Measure how late the duration frames are, per language, against events in the sound.

    python recipes/corpus/measure_offsets.py FOLDER

Events, each within 120 ms of the raw time: a voiceless or voiced stop between vowels begins where the level
falls most, and has its minimum in the middle of the closure; a sibilant behind a vowel begins where the
level above 4 kHz crosses the middle between its two sides, and ends likewise.
Writes FOLDER/offsets.json: {language: {shift: the mean over the kinds of event, events: {kind: [median,
spread]}, counts}}, seconds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile
from synthesise import done
from times import Span, spans

RATE, HOP, REACH_S = 16_000, 40, 0.12
HOP_S = HOP / RATE
STOPS = frozenset(["p", "b", "t", "d", "k", "ɡ"])
SIBILANTS = frozenset(["s", "ʃ", "ɕ", "ʂ"])
VOWELS = frozenset(
    [
        "a",
        "e",
        "i",
        "o",
        "u",
        "ɑ",
        "ɐ",
        "æ",
        "ə",
        "ɛ",
        "ɜ",
        "ɪ",
        "ɔ",
        "ʊ",
        "ʌ",
        "ɯ",
        "ɤ",
        "y",
        "ø",
        "œ",
        "aɪ",
        "eɪ",
        "oʊ",
        "aʊ",
        "ɔɪ",
        "əʊ",
    ]
)


def level(y: np.ndarray) -> np.ndarray:
    """Return the level in dB every 2.5 ms, over 10 ms."""
    power = np.convolve(np.square(y, dtype=np.float64), np.hanning(162)[1:-1] / 80.5, "same")
    return 10 * np.log10(power[::HOP] + 1e-7)


def high_passed(y: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(y)
    spectrum[: int(len(spectrum) * 4000 / 8000)] = 0
    return np.fft.irfft(spectrum, len(y))


def _window(values: np.ndarray, at: float, reach: float = REACH_S) -> tuple[np.ndarray, int]:
    first = max(0, round((at - reach) / HOP_S))
    return values[first : round((at + reach) / HOP_S) + 1], first


def crossing(values: np.ndarray, at: float, *, rising: bool) -> float | None:
    """Return when the level crosses the middle of its range, nearest to ``at``; None if it hardly moves."""
    part, first = _window(values, at)
    if len(part) < 10 or np.ptp(part) < 12:
        return None
    high = part > (part.max() + part.min()) / 2
    turns = np.flatnonzero((high[1:] != high[:-1]) & (high[1:] == rising)) + 1
    if len(turns) == 0:
        return None
    times = (turns + first) * HOP_S
    return float(times[np.argmin(np.abs(times - at))])


def events(y: np.ndarray, phones: list[Span], guess: float) -> list[tuple[str, int, float]]:
    """Return (name, index of the phone, event minus its time) rows; ``guess`` centres the search."""
    loud, hiss = level(y), level(high_passed(y))
    found: list[tuple[str, int, float | None, float]] = []
    for k in range(1, len(phones) - 1):
        before, one, after = phones[k - 1 : k + 2]
        base = one.phone.rstrip("ːʰʲ")
        clean = base_vowel(before) and base_vowel(after)
        if not clean or one.start - before.end > 0.01 or after.start - one.end > 0.01:
            continue
        if base in SIBILANTS:
            found.append(("hiss on", k, crossing(hiss, one.start + guess, rising=True), one.start))
            found.append(("hiss off", k, crossing(hiss, one.end + guess, rising=False), one.end))
        elif base in STOPS:
            middle = (one.start + one.end) / 2
            part, first = _window(loud, middle + guess, 0.08)
            if len(part) > 10 and np.ptp(part) > 8:
                found.append(("closure", k, float((first + np.argmin(part)) * HOP_S), middle))
            found.append(("fall", k, crossing(loud, one.start + guess, rising=False), one.start))
    return [(name, k, event - raw) for name, k, event, raw in found if event is not None]


def base_vowel(span: Span) -> bool:
    return span.phone.rstrip("ː\u0303") in VOWELS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    gathered: dict[str, dict[str, list[float]]] = {}
    for entry in done(options.folder):
        y, _ = soundfile.read(options.folder / "raw" / entry["language"] / f"{entry['id']}.flac")
        for name, _, lag in events(y, spans(entry["symbols"], entry["frames"]), -0.05):
            gathered.setdefault(entry["cell"], {}).setdefault(name, []).append(lag)
    table = {}
    for cell, by_event in sorted(gathered.items()):
        rows = {
            name: [
                round(float(np.median(lags)), 4),
                round(float(np.median(np.abs(lags - np.median(lags)))), 4),
            ]
            for name, lags in by_event.items()
        }
        counts = {name: len(lags) for name, lags in by_event.items()}
        pooled = np.mean([median for median, _ in rows.values()])
        table[cell] = {"shift": round(float(pooled), 3), "events": rows, "counts": counts}
        print(cell, json.dumps(table[cell]))
    (options.folder / "offsets.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
