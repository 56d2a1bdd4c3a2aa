"""Speak how the answers of the product's own scripts begin, so that a first run answers at once.

    python recipes/voices/beginnings.py

Writes src/rhapsode/speech/beginnings/: one file for each voice that is too slow to begin at once, and
manifest.json. Run it again where a script, a voice or the reading of its language changes; a test tells when.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from rhapsode.conversation.resources import Resources
from rhapsode.pipecat.planning import plan
from rhapsode.settings import Speak, Think
from rhapsode.speech import load_voice
from rhapsode.speech.beginnings import FOLDER, name_of, write_beginnings
from rhapsode.speech.manner import Manner
from rhapsode.speech.voice import Speech

SCRIPTS = ("museum", "bank")
LANGUAGES = ("zh",)
"""English is spoken by a voice that needs no help."""


def texts_of(resources: Resources, language: str) -> Iterator[tuple[str, Manner]]:
    """Yield the first sentences of all answers, once each."""
    base, seen = Manner(), set[str]()
    for script in SCRIPTS:
        texts = resources.library(Think(script=script)).script.sentences(language, marks=True)
        for steps in (plan(text, resources.chunker(language)) for text in texts):
            if not steps:
                continue
            manner = base.then(steps[0].manner)
            name = name_of(steps[0].text, manner, 0, language)
            if name not in seen:
                seen.add(name)
                yield steps[0].text, manner


def main() -> None:
    resources, told = Resources(), {}
    for language in LANGUAGES:
        voice = load_voice(resources.voices(Speak(), language)[0])
        said: dict[str, list[Speech]] = {}
        for text, manner in texts_of(resources, language):
            said[name_of(text, manner, 0, language)] = list(
                voice.stream(text, manner=manner, language=language)
            )
        file = write_beginnings(voice, said)
        seconds = sum(part.sound.duration_s for parts in said.values() for part in parts)
        told[file.name] = {
            "voice": voice.name,
            "language": language,
            "scripts": SCRIPTS,
            "texts": len(said),
            "seconds": round(seconds, 1),
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "licence": "Apache-2.0 (Kokoro-82M by hexgrad; texts of this repository)",
        }
        print(f"{file.name}: {len(said)} texts, {seconds:.0f} s, {file.stat().st_size / 1e6:.2f} MB")
    (FOLDER / "manifest.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    resources.close()


if __name__ == "__main__":
    main()
