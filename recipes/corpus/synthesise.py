"""Synthesise the corpus; stop and start it at will, every finished utterance is kept.

    python recipes/corpus/synthesise.py FOLDER --voices kokoro-js/voices

Each step speaks for the cell (language and split) that is furthest behind its share, so that whatever is
there at any moment is balanced. FOLDER/raw/<language>/<id>.flac holds the sound (16 kHz) and a line of
FOLDER/raw.jsonl what was spoken: symbols, duration frames of 25 ms, voice, speed, text.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import engines
import numpy as np
import plan
import soundfile
import soxr
from g2p import symbols

TEXTS = Path(__file__).parent / "texts"
MOST_SYMBOLS = 320
JOINED = 0.3
"""Share of the utterances that speak two lines of text."""


def read_texts() -> dict[str, list[str]]:
    found = {}
    for path in sorted(TEXTS.glob("*.txt")):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        found[path.stem] = [line for line in lines if line and not line.startswith("#")]
    return found


def done(folder: Path) -> list[dict]:
    index = folder / "raw.jsonl"
    return [json.loads(line) for line in index.read_text().splitlines()] if index.exists() else []


class Shares:
    """How far each cell is, in seconds and in uses of each voice and text."""

    def __init__(self, made: list[dict]) -> None:
        self.seconds: dict[tuple[str, str], float] = {}
        self.uses: dict[tuple[str, str], int] = {}
        for entry in made:
            self.count(entry)

    def count(self, entry: dict) -> None:
        """Add one finished utterance."""
        cell = (entry["split"], entry["cell"])
        self.seconds[cell] = self.seconds.get(cell, 0.0) + entry["seconds"]
        for used in (entry["voices"][0], *entry["lines"]):
            self.uses[entry["cell"], used] = self.uses.get((entry["cell"], used), 0) + 1

    def next_cell(self, languages: set[str]) -> tuple[str, str] | None:
        """Return the split and cell with the smallest part of its minutes, or None when all are full."""
        parts = {
            (split, cell): self.seconds.get((split, cell), 0.0) / (60 * minutes)
            for split, cells in plan.MINUTES.items()
            for cell, minutes in cells.items()
            if (("en" if cell == plan.HIBARI else cell) in languages)
        }
        cell = min(parts, key=lambda key: parts[key])
        return cell if parts[cell] < 1 else None

    def least_used(self, cell: str, choices: list[str], rng: np.random.Generator) -> str:
        """Return one of the choices that the cell has used least."""
        uses = [self.uses.get((cell, choice), 0) for choice in choices]
        return choices[int(rng.choice(np.flatnonzero(np.asarray(uses) == min(uses))))]


def draw(shares: Shares, texts: dict[str, list[str]], number: int) -> dict | None:
    """Return what utterance ``number`` says and who says it; the drawing depends on ``number`` alone."""
    rng = np.random.default_rng(number)
    found = shares.next_cell(set(texts))
    if found is None:
        return None
    split, cell = found
    language = "en" if cell == plan.HIBARI else cell
    choices = plan.texts_of(texts[language], language, split)
    lines = [shares.least_used(cell, choices, rng)]
    if rng.random() < JOINED:
        lines.append(str(rng.choice(choices)))
    voices, weight = _voices(shares, split, cell, language, rng)
    low, high = np.log(plan.SPEED)
    return {
        "id": f"{language}_{number:05d}",
        "split": split,
        "cell": cell,
        "language": language,
        "lines": lines,
        "voices": voices,
        "weight": weight,
        "speed": round(float(np.exp(rng.uniform(low, high))), 3),
    }


def _voices(
    shares: Shares, split: str, cell: str, language: str, rng: np.random.Generator
) -> tuple[list[str], float]:
    if cell == plan.HIBARI:
        return [plan.HIBARI], 1.0
    own = plan.voices_of(language, split)
    first = shares.least_used(cell, own, rng)
    if split == "test" or rng.random() >= plan.BLENDED[language]:
        return [first], 1.0
    everyone = [voice for other in plan.VOICES for voice in plan.voices_of(other, "train")]
    others = [voice for voice in (own if rng.random() < 0.5 else everyone) if voice != first] or everyone
    return [first, str(rng.choice(others))], round(float(rng.uniform(0.45, 0.8)), 2)


def speak(task: dict, folder: Path, number: int) -> tuple[np.ndarray, dict]:
    """Return the sound of a task at 24 kHz and its finished entry of the index."""
    british = task["voices"][0].startswith("b")
    read = [symbols(line, task["language"], british=british) for line in task["lines"]]
    said = " ".join(read)
    if len(said) > MOST_SYMBOLS:
        said, task = read[0], {**task, "lines": task["lines"][:1]}
    if task["cell"] == plan.HIBARI:
        samples, frames = engines.hibari(said, task["speed"], number)
    else:
        tables = [engines.style_table(folder, voice) for voice in task["voices"]]
        table = task["weight"] * tables[0] + (1 - task["weight"]) * tables[-1]
        samples, frames = engines.kokoro(said, table, task["speed"])
    seconds = len(samples) / engines.SAMPLE_RATE
    return samples, {**task, "symbols": said, "frames": frames.tolist(), "seconds": round(seconds, 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--voices", type=Path, required=True, help="the folder voices/ of npm kokoro-js")
    parser.add_argument("--hours", type=float, default=24, help="stop after this long")
    options = parser.parse_args()
    made, began = done(options.folder), time.monotonic()
    shares = Shares(made)
    number = len(made)
    while time.monotonic() - began < 3600 * options.hours:
        task = draw(shares, read_texts(), number)
        if task is None:
            break
        samples, entry = speak(task, options.voices, number)
        path = options.folder / "raw" / entry["language"] / f"{entry['id']}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = soxr.resample(samples, engines.SAMPLE_RATE, 16_000)
        soundfile.write(path, np.clip(sound, -1, 1), 16_000, subtype="PCM_16")
        with (options.folder / "raw.jsonl").open("a", encoding="utf-8") as index:
            index.write(json.dumps(entry, ensure_ascii=False) + "\n")
        shares.count(entry)
        number += 1
        if number % 20 == 0:
            total = sum(shares.seconds.values()) / 60
            print(f"{number} utterances, {total:.1f} min, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
