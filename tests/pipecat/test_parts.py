"""The parts of a pipeline that need no pipeline: what was heard, what is planned, utterances."""

from __future__ import annotations

import numpy as np
import pytest

from rhapsode.dialogue.marks import Feel, Gesture, Pause, Prosody
from rhapsode.dialogue.turns import Question
from rhapsode.face.emotion import Emotion
from rhapsode.performance import CLOCK_HZ, Span, Words
from rhapsode.pipecat.answer import Answer, joined
from rhapsode.pipecat.asking import both
from rhapsode.pipecat.planning import Loose, Planning, Sentence, Silence, plan
from rhapsode.pipecat.utterance import BEFORE_S, RATE, WINDOW, Utterance
from rhapsode.speech.manner import Manner
from rhapsode.speech.sentences import Sentences


def words(text: str, each_s: float = 0.5) -> Words:
    return Words(tuple(Span(w, k * each_s, (k + 1) * each_s) for k, w in enumerate(text.split())))


def test_a_word_is_heard_once_half_of_it_was():
    answer = Answer(1, "en")
    one = answer.add("Hello there, my friend.", seconds=2.0, words=words("Hello there, my friend."))
    two = answer.add("Bye now.", seconds=1.0, words=words("Bye now."))
    assert answer.meant == "Hello there, my friend. Bye now."
    assert answer.heard(1e9) == ""  # nothing has begun
    one.start, two.start = 16_000, 48_000
    for after_s, text in [(0.2, ""), (0.3, "Hello"), (0.8, "Hello there,"), (2.0, "Hello there, my friend.")]:
        assert answer.heard(16_000 + after_s * CLOCK_HZ) == text
    assert answer.heard(48_000 + 0.4 * CLOCK_HZ) == "Hello there, my friend. Bye"
    assert answer.heard(1e9) == answer.meant


def test_what_was_heard_of_a_script_without_spaces_and_of_a_voice_without_times():
    answer = Answer(1, "zh")
    chars = "我们十点开门。"
    spans = Words(tuple(Span(c, k * 0.2, (k + 1) * 0.2) for k, c in enumerate(chars[:-1])))
    answer.add(chars, seconds=1.2, words=spans).start = 0
    answer.add("门票五块钱。", seconds=1.2).start = round(1.2 * CLOCK_HZ)
    assert answer.meant == "我们十点开门。门票五块钱。"
    assert answer.heard(0.45 * CLOCK_HZ) == "我们"
    assert answer.heard(1.2 * CLOCK_HZ) == chars
    assert answer.heard(1.8 * CLOCK_HZ) == "我们十点开门。门票五"
    timeless = Answer(2, "en")
    timeless.add("One two three four", seconds=2.0).start = 0
    assert timeless.heard(1.1 * CLOCK_HZ) == "One two"


def test_what_is_only_shown_is_heard_at_once():
    answer = Answer(1, "en")
    answer.add("Shown.")
    assert answer.heard(0) == "Shown."


@pytest.mark.parametrize(
    ("one", "two", "whole"),
    [
        ("a", "b", "a b"),
        ("a ", "b", "a b"),
        ("", "b", "b"),
        ("你", "好", "你好"),
        ("はい。", "そう", "はい。そう"),
    ],
)
def test_pieces_of_text_are_joined_as_their_script_does(one: str, two: str, whole: str):
    assert joined(one, two) == whole


def test_marks_keep_their_place_between_the_words():
    planning = Planning(Sentences(first_clause=False))
    steps = planning.mark(Feel(Emotion(joy=0.8))) + planning.text("I am so glad ")
    steps += planning.mark(Gesture("nod")) + planning.text("to see you. And now")
    steps += planning.mark(Pause(99.0)) + planning.mark(Prosody(rate=0.8)) + planning.text("slowly.")
    steps += planning.mark(Gesture("wave")) + planning.end()
    joyful = Manner(emotion=Emotion(joy=0.8))
    first, second, silence, third, loose = steps
    assert first == Sentence(
        "I am so glad to see you.",
        joyful,
        ((0, Feel(Emotion(joy=0.8))), (len("I am so glad "), Gesture("nod"))),
    )
    assert second == Sentence("And now", joyful)
    assert silence == Silence(10.0)
    assert third == Sentence("slowly.", joyful.then(Manner(rate=0.8)))
    assert loose == Loose(Gesture("wave"))


def test_a_text_is_planned_the_same_however_it_comes():
    text = "[joy] Hello, my friend. This is [nod] Dr. Wu. [pause 1] He came at 3.15 p.m. [neutral] Bye."
    whole = plan(text, Sentences())
    from rhapsode.dialogue.marks import MarkReader, Spoken

    for size in (1, 3, 7):
        planning, reader, steps = Planning(Sentences()), MarkReader(), []
        pieces = [p for k in range(0, len(text), size) for p in reader.push(text[k : k + size])]
        for piece in pieces + reader.flush():
            steps += planning.text(piece.text) if isinstance(piece, Spoken) else planning.mark(piece)
        assert [s for s in [*steps, *planning.end()] if isinstance(s, Sentence)] == whole


def test_an_utterance_keeps_what_came_right_before_it():
    speech = Utterance()
    for k in range(200):
        speech.push(np.full(WINDOW, 0.001, np.float32), False, k * WINDOW / RATE)
    assert speech.seconds == pytest.approx(BEFORE_S, abs=WINDOW / RATE)
    for k in range(5):
        speech.push(np.full(WINDOW, 0.5, np.float32), True, 10 + k * WINDOW / RATE)
    speech.begin()
    assert speech.run_s == pytest.approx(0.16)
    assert speech.began_at == pytest.approx(10 - WINDOW / RATE)
    heard = np.frombuffer(speech.audio(), np.int16)
    assert len(heard) / RATE == pytest.approx(BEFORE_S + 0.16, abs=WINDOW / RATE)
    assert (heard[-5 * WINDOW :] > 16_000).all()
    speech.push(np.zeros(WINDOW, np.float32), False, 11.0)
    assert (speech.silent_s, speech.run_s) == (WINDOW / RATE, 0.0)
    assert speech.ended_at == pytest.approx(10 + 4 * WINDOW / RATE)


@pytest.mark.parametrize("on", [False, True])
def test_an_utterance_takes_back_what_comes_again(on: bool):
    speech, line = Utterance(), np.arange(60 * WINDOW, dtype=np.float32) / (60 * WINDOW)
    windows = line.reshape(-1, WINDOW)
    if on:
        speech.begin()
    for k in range(40):
        speech.push(windows[k], True, k * WINDOW / RATE)
    rest = speech.take_back(10, np.zeros(100, np.float32))  # 100 samples more had come: all end at 40 windows
    assert (rest == windows[30][:100]).all()
    assert speech.voiced_s == (30 * WINDOW / RATE if on else 0)
    again = np.concatenate([rest, line[30 * WINDOW + 100 : 50 * WINDOW]]).reshape(-1, WINDOW)
    for k, y in enumerate(again):
        speech.push(y, True, (30 + k) * WINDOW / RATE)
    heard = np.frombuffer(speech.audio(), np.int16)
    assert np.abs(heard - line[50 * WINDOW - len(heard) : 50 * WINDOW] * 32767).max() <= 1
    assert speech.run_s == pytest.approx(20 * WINDOW / RATE)


def test_an_utterance_takes_back_more_than_it_has():
    speech = Utterance()
    speech.push(np.ones(WINDOW, np.float32), True, 1.0)
    assert len(speech.take_back(30, np.zeros(7, np.float32))) == 7
    assert speech.seconds == 0


def test_two_parts_of_what_was_said_are_one_question():
    one = Question("What time is", "en", 0.9, Emotion(joy=0.5), 0.8)
    two = Question("it?", "nl", 0.6, Emotion(anger=0.5), 0.4)
    assert both(one, two) == Question("What time is it?", "en", 0.6, Emotion(joy=0.5), 0.8)
    assert both(None, two) is two
    assert both(Question(""), two) is two
    assert both(one, Question("")) is one
