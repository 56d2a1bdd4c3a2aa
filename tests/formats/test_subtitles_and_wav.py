"""Subtitles read back by hand-written parsers; the sound read back by the standard library."""

import re
import wave
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.errors import FormatError
from rhapsode.formats import open_writer, save
from rhapsode.formats.subtitles import CUE_S, LINE_CHARACTERS, LINES, cues
from rhapsode.performance import Performance, Sound, Span, Words
from tests.formats.performances import cut, face, performance

SRT = re.compile(r"(\d+)\n(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})\n((?:.+\n)+)")


def spoken(text: str, *, each_s: float = 0.3, gaps: dict[int, float] | None = None) -> list[Span]:
    """Return the words of ``text`` one after the other, with pauses before the given ones."""
    now, made = 0.0, []
    for k, word in enumerate(text.split()):
        now += (gaps or {}).get(k, 0.0)
        made.append(Span(word, now, now + each_s))
        now += each_s
    return made


def of(words: list[Span]) -> Performance:
    return Performance(face(10), words=Words(tuple(words)))


def test_srt(tmp_path):
    words = spoken("Hello there. How are you?", gaps={2: 3600.0})
    text = save(of(words), tmp_path / "a.srt").read_text()
    assert text == (
        "1\n00:00:00,000 --> 00:00:00,600\nHello there.\n\n2\n01:00:00,600 --> 01:00:01,500\nHow are you?\n"
    )


def test_vtt_escapes_what_it_must(tmp_path):
    text = save(of(spoken("Fish & <chips> today.")), tmp_path / "a.vtt").read_text()
    assert text == "WEBVTT\n\n00:00:00.000 --> 00:00:01.200\nFish &amp; &lt;chips&gt; today.\n"


def test_long_speech_becomes_readable_cues(tmp_path):
    text = (
        "The quick brown fox jumps over the lazy dog, and then it runs away through the tall grass of the "
        "meadow because it has heard the hunters and their horses coming up the hill from the village below. "
        "Then silence."
    )
    made = save(of(spoken(text)), tmp_path / "a.srt").read_text()
    found = SRT.findall(made)
    assert [int(row[0]) for row in found] == list(range(1, len(found) + 1))
    assert " ".join(row[9].strip() for row in found).split() == text.split()
    assert found[0][9] == "The quick brown fox\njumps over the lazy dog,\n"
    assert found[-1][9] == "Then silence.\n"


def test_a_pause_ends_a_cue():
    assert [cue.lines for cue in cues(spoken("well I think so", gaps={2: 0.9}))] == [
        ("well I",),
        ("think so",),
    ]


def test_chinese_words_are_not_parted_by_spaces():
    assert cues(spoken("你 好 ， world 很 大 。"))[0].lines == ("你好， world 很大。",)


WORD = st.text("abcdefghij,.!", min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(WORD, st.floats(0, 1.5), st.floats(0.01, 1.0)), min_size=1, max_size=60))
def test_cues_are_short_in_order_and_lose_no_word(timed):
    now, words = 0.0, []
    for text, gap, length in timed:
        now += gap
        words.append(Span(text, now, now + length))
        now += length
    made = cues(words)
    assert " ".join(" ".join(cue.lines) for cue in made).split() == [text for text, _, _ in timed]
    for cue in made:
        assert 1 <= len(cue.lines) <= LINES
        assert all(len(line) <= LINE_CHARACTERS for line in cue.lines)
        assert cue.end_s > cue.start_s
        assert cue.end_s - cue.start_s <= CUE_S + 1e-9
    assert all(cue.end_s <= after.start_s + 0.001 for cue, after in pairwise(made))


def test_a_word_longer_than_a_line_and_longer_than_a_cue():
    made = cues([Span("x" * 60, 0, 9), Span("y", 9, 9.1)])
    assert [cue.lines for cue in made] == [("x" * 60,), ("y",)]


@pytest.mark.parametrize("kind", [".srt", ".vtt"])
def test_without_words_the_message_says_what_to_do(tmp_path, kind):
    with pytest.raises(FormatError) as raised:
        save(Performance(face(5)), tmp_path / f"a{kind}")
    assert str(raised.value) == (
        f"{kind} subtitles need words with their times, got a performance without words; "
        "make it from a text (--text), or leave the subtitles out"
    )


@pytest.mark.parametrize("size", [3, 1000])
def test_words_in_parts_are_the_words_of_the_whole(tmp_path, size):
    whole = performance(100, start=4_000)
    with open_writer(tmp_path / "a.srt") as out:
        for part in cut(whole, size):
            out.write(part)
    assert (tmp_path / "a.srt").read_text() == "1\n00:00:00,100 --> 00:00:00,800\nHello there,\n"


def test_wav_holds_the_sound(tmp_path):
    take = performance(50)
    assert take.sound is not None
    with open_writer(tmp_path / "a.wav") as out:
        for part in cut(take, 7):
            out.write(part)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 24_000, 2)
        samples = np.frombuffer(file.readframes(10**6), "<i2").reshape(-1, 2) / 32768
    np.testing.assert_allclose(samples, take.sound.samples, atol=1.01 / 32768)


def test_wav_clips_what_is_beyond_full_scale_and_needs_a_sound(tmp_path):
    loud = Performance(face(1), Sound(np.array([2.0, -3.0, 0.5], np.float32), 16_000))
    with wave.open(str(save(loud, tmp_path / "a.wav"))) as file:
        assert np.frombuffer(file.readframes(9), "<i2").tolist() == [32767, -32768, 16384]
    with pytest.raises(
        FormatError, match=r"^a \.wav file needs the sound of the performance, got none; write"
    ):
        save(Performance(face(5)), tmp_path / "b.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
