"""The SSML subset: what is understood, what is refused, and when marks come."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.errors import SpeechError
from rhapsode.speech import Manner
from rhapsode.speech.ssml import Break, Mark, Segment, is_ssml, parse_ssml, speak_ssml, stream_ssml


def test_elements_become_segments_breaks_and_marks() -> None:
    parts = parse_ssml(
        '<?xml version="1.0"?><speak xml:lang="en-US">One <mark name="in"/>two.<break time="500ms"/>'
        '<mark name="m"/><prosody rate="120%" pitch="+2st" volume="-6dB">Three '
        '<emphasis level="strong">four</emphasis></prosody>'
        '<lang xml:lang="zh-CN">你好</lang><voice name="hibari">five</voice></speak>'
    )
    quick = Manner(1.2, 2.0, -6.0)
    assert parts == [
        Segment("One two.", language="en-US", marks=((4, "in"),)),
        Break(0.5),
        Mark("m"),
        Segment("Three ", quick, "en-US"),
        Segment("four", quick.then(Manner(0.9, 1.5, 3.0)), "en-US"),
        Segment("你好", language="zh-CN"),
        Segment("five", language="en-US", voice="hibari"),
    ]


def test_sentences_and_paragraphs_end() -> None:
    parts = parse_ssml("<speak><p><s>One</s><s>Two</s></p><p>Three</p></speak>")
    assert parts == [Segment("One\nTwo\n\n"), Break(0.3), Segment("Three\n")]


def test_say_as_and_sub_change_the_words() -> None:
    parts = parse_ssml(
        '<speak><say-as interpret-as="characters">abc</say-as>, <sub alias="World Wide Web">WWW</sub>, '
        '<say-as interpret-as="date" format="dmy">5/3/2024</say-as></speak>'
    )
    assert parts == [Segment("A B C, World Wide Web, 2024-03-05")]


@pytest.mark.parametrize(
    ("attribute", "manner"),
    [
        ('rate="slow"', Manner(rate=0.75)),
        ('rate="+20%"', Manner(rate=1.2)),
        ('rate="1.5"', Manner(rate=1.5)),
        ('rate="900%"', Manner(rate=2.0)),
        ('pitch="x-high"', Manner(pitch=6)),
        ('pitch="+100%"', Manner(pitch=12)),
        ('volume="silent"', Manner(volume=-40)),
    ],
)
def test_prosody_values(attribute: str, manner: Manner) -> None:
    (part,) = parse_ssml(f"<speak><prosody {attribute}>x</prosody></speak>")
    assert isinstance(part, Segment)
    assert part.manner.key() == manner.key()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<speak>a & b</speak>", "must be well-formed XML, got an error: .*; escape & and <"),
        ("<p>x</p>", "must begin with <speak>, got <p>"),
        ("<speak><audio src='x'/></speak>", "an SSML element must be one of: speak, p, .*; got <audio>"),
        ('<speak><prosody rate="soon">x</prosody></speak>', "rate must be one of x-slow, .*; got 'soon'"),
        ('<speak><prosody pitch="+20Hz">x</prosody></speak>', r"like \+2st or -10%; got '\+20Hz'"),
        ('<speak>x<break time="long"/></speak>', "break time must be like 500ms or 1.5s, got 'long'"),
        ('<speak>x<break strength="big"/></speak>', "break strength must be one of: none, .*; got 'big'"),
        ("<speak><mark/>x</speak>", "<mark> needs name"),
        (
            '<speak><say-as interpret-as="x">1</say-as></speak>',
            "say-as must be one of: characters, .*; got 'x'",
        ),
        ("<speak>" + "<p>" * 40, "may lie 32 deep"),
        ("<speak>" + "x" * 100_000, "may have 100000 characters, got 100007"),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><speak>&b;</speak>',
            "may declare no document type",
        ),
    ],
)
def test_what_is_wrong_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpeechError, match=message):
        parse_ssml(text)


def test_what_holds_no_words_is_refused_at_the_call() -> None:
    with pytest.raises(SpeechError, match="holds nothing that can be said"):
        stream_ssml('<speak><break time="1s"/>...</speak>')


def test_ssml_is_told_from_text() -> None:
    assert is_ssml(' <?xml version="1.0"?> <speak>x</speak>')
    assert is_ssml("<speak/>")
    assert not is_ssml("<speaker> says hello")
    assert not is_ssml("I <speak> softly")


def test_marks_and_breaks_are_timed() -> None:
    line = speak_ssml(
        '<speak><mark name="a"/>Hello <mark name="b"/>my friend.<break time="700ms"/>'
        '<mark name="c"/><prosody rate="slow">Goodbye.</prosody><mark name="d"/></speak>'
    )
    at = {mark.text: mark.start_s for mark in line.marks}
    words = {word.text: word for word in line.words.words}
    assert list(at) == ["a", "b", "c", "d"]
    assert at["a"] == 0
    assert at["b"] == words["my"].start_s
    assert words["friend."].end_s + 0.7 <= at["c"] <= words["Goodbye."].start_s
    assert at["d"] == pytest.approx(line.sound.duration_s)
    rate = line.sound.sample_rate
    quiet = line.sound.mono()[round((at["c"] - 0.65) * rate) : round((at["c"] - 0.05) * rate)]
    assert np.abs(quiet).max() == 0


def test_a_word_with_emphasis_follows_without_a_gap() -> None:
    line = speak_ssml("<speak>This is <emphasis>very</emphasis> good.</speak>")
    before, word = line.words.words[1], line.words.words[2]
    assert (before.text, word.text) == ("is", "very")
    assert word.start_s - before.end_s < 0.12


def test_slices_are_consecutive() -> None:
    at = 0.0
    for piece in stream_ssml("<speak>One. Two.<break/>Three. <emphasis>Four</emphasis> five.</speak>"):
        assert float(piece.sound.start) / 16_000 == pytest.approx(at)
        at += piece.sound.duration_s
        assert all(span.start_s <= at for span in piece.words.words)
