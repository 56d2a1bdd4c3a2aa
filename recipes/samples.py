"""Make the sample recordings of the stage with the product's own voice.

    python -m recipes.samples

Writes src/rhapsode/server/samples/*.flac (24 kHz, mono, 16 bit) and index.json beside them.
"""

from __future__ import annotations

import json

import numpy as np
import soundfile

from rhapsode.server.samples import FOLDER
from rhapsode.speech import speak

LINES = (
    (
        "welcome",
        {"en": "Welcome", "zh": "欢迎"},
        "Hello, and welcome! My name is Mira. Write me a few words, and I will say them for you.",
    ),
    (
        "plums",
        {"en": "Plums and pepper", "zh": "李子与胡椒"},
        "Maybe Papa bought me plums, a bag of pepper, and my mother a bunch of blue poppies.",
    ),
    (
        "violins",
        {"en": "Five violins", "zh": "五把小提琴"},
        "Five very fine violins followed Vivian's flute over the river, and the leaves fell softly.",
    ),
    (
        "moon",
        {"en": "Two blue moons", "zh": "两轮蓝月"},
        "Who knew that you would go so slowly home, under two blue moons? Oh, what a wonderful view!",
    ),
)
PEAK = 0.82


def main() -> None:
    """Speak every line and write it."""
    rows = []
    for name, title, text in LINES:
        line = speak(text)
        y = line.sound.mono()
        y = y * (PEAK / float(np.abs(y).max()))
        soundfile.write(FOLDER / f"{name}.flac", y, line.sound.sample_rate, subtype="PCM_16")
        words = [[w.text, round(w.start_s, 3), round(w.end_s, 3)] for w in line.words.words]
        rows.append(
            {
                "name": name,
                "title": title,
                "text": text,
                "duration_s": round(len(y) / 24_000, 3),
                "words": words,
            }
        )
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    (FOLDER / "index.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
