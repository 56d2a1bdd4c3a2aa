"""The cache of spoken texts, the fallback chain, and how much was heard; with voices made for the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import SpeechError
from rhapsode.performance import CLOCK_HZ, Sound, Span, Words
from rhapsode.speech import Manner, Speech, catalogue
from rhapsode.speech.fallback import speak_with_fallback
from rhapsode.speech.heard import heard, spoken_to
from rhapsode.speech.manner import PLAIN
from rhapsode.speech.prerender import SpokenCache, spoken_key
from rhapsode.speech.spoken_file import spoken_file


class Beeper:
    """Says each word as a tenth of a second of noise."""

    def __init__(
        self, name: str, *, fails_at: int = 99, sample_rate: int = 8000, language: str = "en"
    ) -> None:
        self.name, self.language, self.sample_rate = name, language, sample_rate
        self.languages: tuple[str, ...] = (language,)
        self.fails_at, self.asked, self.spoken = fails_at, 0, list[str]()
        self.gate = threading.Event()
        self.gate.set()

    def speak(self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = "") -> Speech:
        raise NotImplementedError

    def stream(
        self, text: str, *, manner: Manner = PLAIN, seed: int = 0, language: str = ""
    ) -> Iterator[Speech]:
        self.asked += 1
        return self._spoken(text, seed)

    def _spoken(self, text: str, seed: int) -> Iterator[Speech]:
        step = self.sample_rate // 10
        noise = np.random.default_rng(seed)
        for k, word in enumerate(text.split()):
            assert self.gate.wait(10)
            if k == self.fails_at:
                raise RuntimeError("the network broke")
            self.spoken.append(word)
            start = Fraction(k * step * CLOCK_HZ, self.sample_rate)
            samples = noise.uniform(-1, 1, step).astype(np.float32)
            spans = (Span(word, k / 10, (k + 1) / 10),)
            yield Speech(Sound(samples, self.sample_rate, start), Words(spans, spans), ("a note",))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _named(monkeypatch: pytest.MonkeyPatch, *voices: Beeper) -> None:
    table = {voice.name: voice for voice in voices}

    def load(name: str) -> Beeper:
        if name not in table:
            raise SpeechError(f"no voice '{name}'")
        return table[name]

    for module in ("rhapsode.speech.fallback", "rhapsode.speech.prerender"):
        monkeypatch.setattr(f"{module}.load_voice", load)
    rows = {name: catalogue.VoiceEntry("", voice.language, "") for name, voice in table.items()}
    monkeypatch.setattr("rhapsode.speech.fallback.voice_entry", rows.__getitem__)


def test_a_text_is_spoken_once() -> None:
    voice, cache = Beeper("b"), SpokenCache(disk_bytes=0)
    first = list(cache.stream(voice, "one two three"))
    assert cache.holds(voice, "one two three")
    again = list(cache.stream(voice, "one two three"))
    assert voice.asked == 1
    assert [part.words for part in again] == [part.words for part in first]
    assert not cache.holds(voice, "one two three", manner=Manner(rate=1.1))
    list(cache.stream(voice, "one two three", seed=1))
    assert voice.asked == 2


def test_what_was_not_spoken_to_its_end_is_not_kept() -> None:
    voice, cache = Beeper("b"), SpokenCache()
    next(cache.stream(voice, "one two"))
    assert not cache.holds(voice, "one two")
    broken = Beeper("b", fails_at=1)
    with pytest.raises(RuntimeError):
        list(cache.stream(broken, "one two"))
    assert not cache.holds(voice, "one two")


def test_the_disk_gives_back_what_was_spoken() -> None:
    voice = Beeper("b")
    said = list(SpokenCache().stream(voice, "one two three"))
    read = list(SpokenCache().stream(voice, "one two three"))
    assert voice.asked == 1
    for one, other in zip(said, read, strict=True):
        assert other.words == one.words
        assert other.notes == one.notes
        assert other.sound.start == one.sound.start
        np.testing.assert_allclose(other.sound.samples, one.sound.samples, atol=2e-5)


def test_a_damaged_file_is_spoken_anew() -> None:
    voice = Beeper("b")
    list(SpokenCache().stream(voice, "one two"))
    key = spoken_key(voice, "one two", manner=PLAIN, seed=0, language="")
    file = spoken_file(key)
    file.write_bytes(file.read_bytes()[:200])
    list(SpokenCache().stream(voice, "one two"))
    assert voice.asked == 2
    assert len(list(SpokenCache().stream(voice, "one two"))) == 2
    assert voice.asked == 2


def test_memory_and_disk_stay_within_bounds() -> None:
    voice = Beeper("b")
    size = 800 * 4 + 1000
    cache = SpokenCache(memory_bytes=2 * size, disk_bytes=0)
    for word in ("one", "two", "three"):
        list(cache.stream(voice, word))
    assert [cache.holds(voice, word) for word in ("one", "two", "three")] == [False, True, True]
    list(cache.stream(voice, "two"))
    list(cache.stream(voice, "four"))
    assert [cache.holds(voice, word) for word in ("two", "three", "four")] == [True, False, True]
    small = SpokenCache(memory_bytes=0, disk_bytes=6000)
    for word in ("five", "six", "seven", "eight", "nine"):
        list(small.stream(voice, word))
    assert sum(file.stat().st_size for file in spoken_file("x").parent.glob("*.npz")) <= 6000
    assert small.holds(voice, "nine")


def test_texts_are_spoken_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = Beeper("b")
    _named(monkeypatch, voice)
    cache = SpokenCache()
    cache.prerender("b", ["one two", "three"])
    cache.prerender("nobody", ["lost"])
    cache.prerender("b", ["four"])
    assert cache.wait(10)
    assert all(cache.holds(voice, text) for text in ("one two", "three", "four"))
    assert voice.asked == 3
    cache.prerender("b", ["one two"])
    assert cache.wait(10)
    assert voice.asked == 3


def test_the_background_rests_while_somebody_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = Beeper("slow"), Beeper("quick")
    _named(monkeypatch, slow, quick)
    cache = SpokenCache(disk_bytes=0)
    talk = cache.stream(quick, "one two")
    next(talk)
    cache.prerender("slow", ["a b c"])
    assert not cache.wait(0.2)
    assert not cache.holds(slow, "a b c")
    list(talk)
    assert cache.wait(10)
    assert cache.holds(slow, "a b c")


def test_what_is_made_in_the_background_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = Beeper("b")
    _named(monkeypatch, voice)
    made = list(voice.stream("one two three"))
    voice.gate.clear()
    cache = SpokenCache(memory_bytes=0, disk_bytes=0)
    cache.prerender("b", ["one two three"])
    while cache._under_way is None:
        assert not cache.wait(0.01)
    talk = cache.stream(voice, "one two three")
    threading.Timer(0.1, voice.gate.set).start()
    followed = list(talk)
    assert [part.words for part in followed] == [part.words for part in made]
    assert voice.spoken == ["one", "two", "three"] * 2, "nothing is spoken twice"
    assert cache.wait(10)


def test_what_is_followed_makes_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = Beeper("slow"), Beeper("quick")
    _named(monkeypatch, slow, quick)
    cache = SpokenCache(disk_bytes=0)
    other = cache.stream(quick, "one two")
    next(other)
    cache.prerender("slow", ["a b c"])
    assert not cache.wait(0.2)
    assert len(list(cache.stream(slow, "a b c"))) == 3
    assert cache.wait(10)
    assert slow.spoken == ["a", "b", "c"]
    assert len(list(other)) == 1


def test_where_the_background_fails_the_rest_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = Beeper("b", fails_at=1)
    _named(monkeypatch, voice)
    voice.gate.clear()
    cache = SpokenCache(disk_bytes=0)
    cache.prerender("b", ["one two three"])
    while cache._under_way is None:
        assert not cache.wait(0.01)
    talk = cache.stream(Beeper("b"), "one two three")
    threading.Timer(0.1, voice.gate.set).start()
    assert [part.words.words[0].text for part in talk] == ["one", "two", "three"]
    assert cache.holds(voice, "one two three")


def test_closing_ends_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = Beeper("b")
    _named(monkeypatch, voice)
    voice.gate.clear()
    cache = SpokenCache(disk_bytes=0)
    cache.prerender("b", ["one two", "three"])
    cache.close()
    voice.gate.set()
    assert cache.wait(10)
    assert not cache.holds(voice, "three")


def test_many_threads_may_ask_at_once() -> None:
    voice, cache, found = Beeper("b"), SpokenCache(memory_bytes=20_000), list[int]()

    def work(k: int) -> None:
        found.extend(len(list(cache.stream(voice, f"a b {j % 7}"))) for j in range(k, k + 20))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [3] * 120


def test_the_next_voice_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = Beeper("good", sample_rate=16_000), Beeper("bad", fails_at=2)
    foreign = Beeper("foreign", language="zh")
    _named(monkeypatch, good, bad, foreign)
    parts = list(speak_with_fallback("One two, three four.", ["bad", "foreign", "good"]))
    assert [word.text for part in parts for word in part.words.words] == ["One", "two,", "three", "four."]
    assert {part.sound.sample_rate for part in parts} == {8000}
    assert [float(part.sound.start) for part in parts] == [0, 1600, 3200, 4800]
    assert parts[2].words.words[0].start_s == pytest.approx(0.2)
    assert parts[2].notes[0] == (
        "voice 'bad' failed: the network broke; voice 'foreign' does not speak that language; "
        "'good' speaks instead"
    )
    assert parts[3].notes == ("a note",)


def test_a_voice_that_cannot_be_loaded_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    _named(monkeypatch, Beeper("good"))
    parts = list(speak_with_fallback("One two.", ["nobody", "good"], cache=SpokenCache()))
    assert len(parts) == 2
    assert parts[0].notes[0] == "voice 'nobody' failed: no voice 'nobody'; 'good' speaks instead"


def test_where_no_voice_can_speak_every_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    _named(monkeypatch, Beeper("bad", fails_at=0), Beeper("foreign", language="zh"))
    with pytest.raises(SpeechError, match="'bad' failed: the network broke; voice 'foreign' does not speak"):
        list(speak_with_fallback("One two.", ["bad", "foreign", "bad"]))
    with pytest.raises(SpeechError, match="no voice was named"):
        list(speak_with_fallback("One two.", []))


def test_what_was_heard_is_found_in_the_text() -> None:
    spans = [Span("“今天", 0, 0.4), Span("3.5%，", 0.4, 1.6), Span("好。”", 1.6, 2.0), Span("Ok", 2.0, 2.4)]
    text = "“今天 3.5%，好。” Ok!"
    assert [heard(text, spans, at) for at in (0.1, 0.3, 1.1, 1.9, 9)] == [
        "", "“今天", "“今天 3.5%，", "“今天 3.5%，好。”", text
    ]  # fmt: skip
    assert spoken_to("Well (yes) no", [Span("Well", 0, 1), Span("lost", 1, 2), Span("(yes)", 2, 3)]) == 10
