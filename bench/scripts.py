"""How well the product's own scripts find entries: for questions that they do not hold, and that fit none.

The questions are those of tests/dialogue/script_near.yaml, in halves: "tune" was looked at while the
retrieval was made, "final" was not. ``python -m bench.scripts`` prints the shares that docs/scripts.md tells.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from rhapsode.dialogue.script import THRESHOLD, Index, read_script, script_path

QUESTIONS = Path(__file__).parents[1] / "tests/dialogue/script_near.yaml"


def _tried(index: Index, language: str, found: dict[str, list[str]]) -> list[tuple[bool, bool]]:
    """Return for each question whether its entry came first, and whether the first would be answered."""
    hits = [
        (index.search(text, language=language, count=1)[0], entry)
        for entry, texts in found.items()
        for text in texts
    ]
    return [(hit.entry.id == entry, hit.score >= THRESHOLD) for hit, entry in hits]


def _shares(paraphrases: list[tuple[bool, bool]], near: list[bool], heard: list[bool]) -> dict[str, Any]:
    told = {
        "paraphrases": len(paraphrases),
        "right_entry_first": float(np.mean([first for first, _ in paraphrases])),
        "answered_rightly": float(np.mean([first and answered for first, answered in paraphrases])),
        "answered_wrongly": float(np.mean([answered and not first for first, answered in paraphrases])),
        "near_subject": len(near),
        "near_subject_answered": float(np.mean(near)),
    }
    told |= {"misheard": len(heard), "misheard_answered_rightly": sum(heard)} if heard else {}
    return {name: round(value, 3) for name, value in told.items()}


def measure() -> dict[str, Any]:
    """Return the shares of both halves, both scripts and languages together."""
    asked = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    indices = {name: Index(read_script(script_path(name))) for name in asked}
    document = {}
    for half in ("tune", "final"):
        paraphrases: list[tuple[bool, bool]] = []
        near: list[bool] = []
        heard: list[bool] = []
        for name, languages in asked.items():
            for language, halves in languages.items():
                index, part = indices[name], halves[half]
                paraphrases += _tried(index, language, part["found"])
                hits = [index.search(text, language=language, count=1)[0] for text in part["near"]]
                near += [hit.score >= THRESHOLD for hit in hits]
                heard += [
                    first and answered for first, answered in _tried(index, language, part.get("heard", {}))
                ]
        document[half] = _shares(paraphrases, near, heard)
    return document


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
