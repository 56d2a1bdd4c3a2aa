"""What the mouth does where phones are known, and that it does nothing where none are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.spoken import SpokenPhones
from rhapsode.face.stream import FaceStream
from rhapsode.perform import animate
from rhapsode.performance import CLOCK_HZ, Float32, Sound, Span, Words
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, TEETH_DROP, lip_gap, lower_lip_drop
from rhapsode.speech import load_voice
from tests.sounds import chunked

OPEN = np.zeros((100, 52), np.float32)
OPEN[:, ARKIT.index("jawOpen")] = 0.3
LOUD = np.full(100, 0.8, np.float32)
ROUNDING = [ARKIT.index("mouthPucker"), ARKIT.index("mouthFunnel")]


def phones(*spans: tuple[str, float, float]) -> tuple[Span, ...]:
    return tuple(Span(*span) for span in spans)


def shaped(*spans: tuple[str, float, float], weights: Float32 = OPEN) -> tuple[Float32, Float32]:
    stage = SpokenPhones()
    stage.tell(phones(*spans), 0.0, 2.0)
    return stage.push(weights, LOUD)


@pytest.mark.parametrize("phone", ["p", "b", "m", "pʰ", "bʰ", "mʲ", "mː"])
def test_lips_close_in_p_b_m_and_only_there(phone: str):
    gap = lip_gap(shaped(("a", 0.4, 0.6), (phone, 0.6, 0.7), ("a", 0.7, 1.0))[0])
    assert gap[31:34].min() < CLOSED_GAP
    assert gap[22:29].min() > CLOSED_GAP
    assert gap[37:48].min() > CLOSED_GAP


@pytest.mark.parametrize("phone", ["f", "v"])
def test_the_lower_lip_meets_the_teeth_in_f_and_v(phone: str):
    made = shaped(("a", 0.4, 0.6), (phone, 0.6, 0.72), ("a", 0.72, 1.0))[0]
    assert lower_lip_drop(made)[32:35].max() < TEETH_DROP
    assert lower_lip_drop(made)[25] > TEETH_DROP


@pytest.mark.parametrize(("phone", "least"), [("u", 0.55), ("w", 0.55), ("y", 0.55), ("oʊ", 0.4), ("ʃ", 0.3)])
def test_round_sounds_round_the_lips(phone: str, least: float):
    assert shaped((phone, 0.5, 0.7))[0][30, ROUNDING].sum() > least
    assert shaped(("i", 0.5, 0.7))[0][30, ROUNDING].sum() < 0.1


def test_what_an_engine_closes_by_mistake_is_parted():
    shut = OPEN.copy()
    shut[:, ARKIT.index("mouthClose")] = 0.3
    gap = lip_gap(shaped(("n", 0.4, 0.6), ("a", 0.6, 0.9), weights=shut)[0])
    assert gap[21:44].min() > CLOSED_GAP


def test_silence_rests_and_phones_count_as_speech():
    made, activity = shaped(("a", 0.4, 0.6))
    assert activity[25] >= 0.9
    assert activity[50] == 0
    assert made[50].max() == 0
    assert made[20].max() > 0.25, "it opens ahead of its voice"


def test_it_does_nothing_without_phones_beside_known_ones_and_in_phones_that_nobody_knows():
    stage = SpokenPhones()
    assert stage.push(OPEN, LOUD)[0] is OPEN
    stage.tell(phones(("m", 2.5, 2.6)), 2.4, 3.0)
    np.testing.assert_array_equal(stage.push(OPEN[:20], LOUD[:20])[0], OPEN[:20])
    unknown = shaped(("⁂", 0.0, 2.0))[0]
    np.testing.assert_array_equal(unknown, OPEN)


def test_what_is_told_anew_replaces_what_was_told():
    stage = SpokenPhones()
    stage.tell(phones(("a", 0.2, 0.5), ("m", 0.6, 0.8)), 0.0, 1.0)
    stage.tell((), 0.55, 0.55)
    gap = lip_gap(stage.push(OPEN, LOUD)[0])
    assert gap[28:].min() > CLOSED_GAP


LINE = "Bob bought five big maps of Rome from my mum."


@pytest.fixture(scope="module")
def spoken() -> tuple[Sound, Words]:
    speech = load_voice("hibari").speak(LINE)
    return speech.sound, speech.words


@pytest.mark.parametrize("weights", ["live", "studio"])
def test_a_stream_with_phones_equals_the_whole(spoken: tuple[Sound, Words], weights: str):
    sound, words = spoken
    y, seconds = sound.mono(), sound.duration_s

    def made(sizes: int | None) -> Float32:
        face = FaceStream(sound.sample_rate, direction=Direction(weights=weights, seed=2))
        face.words(words, begin_s=0.0, end_s=seconds)
        parts = [y] if sizes is None else chunked(y, sizes)
        return np.concatenate([*(face.push(part).values for part in parts), face.finish().values])

    whole = made(None)
    np.testing.assert_allclose(made(961), whole, atol=2e-5)
    np.testing.assert_allclose(animate(text=LINE, weights=weights, seed=2).face.values, whole, atol=2e-5)


@pytest.mark.parametrize("weights", ["live", "studio"])
def test_every_p_b_m_of_a_spoken_line_closes_and_no_vowel_does(spoken: tuple[Sound, Words], weights: str):
    _, words = spoken
    direction = Direction(weights=weights, life=Life.off())
    take = animate(text=LINE, direction=direction)
    gap = lip_gap(take.face.values[:, :52])
    closed = vowels = 0
    for phone in words.phones:
        first, last = round(phone.start_s * 50), round(phone.end_s * 50)
        if phone.text in "pbm":
            assert gap[first : last + 1].min() < CLOSED_GAP, phone
            closed += 1
        elif phone.text[0] in "ɑaæɛoɔu" and phone.end_s - phone.start_s > 0.1:
            quarter = (last - first) // 4
            assert gap[first + quarter + 1 : last - quarter].min() > CLOSED_GAP, phone
            vowels += 1
    assert closed >= 8
    assert vowels >= 4


def test_a_sound_without_words_is_played_as_ever(spoken: tuple[Sound, Words]):
    sound, _ = spoken
    direction = Direction(seed=2)
    face = FaceStream(sound.sample_rate, direction=direction)
    plain = np.concatenate([face.push(sound.mono()).values, face.finish().values])
    told = FaceStream(sound.sample_rate, direction=replace(direction))
    told.words(Words((Span("Bob", 0.1, 0.5),)), begin_s=0.0, end_s=len(sound.samples) / CLOCK_HZ)
    again = np.concatenate([told.push(sound.mono()).values, told.finish().values])
    np.testing.assert_array_equal(plain, again)
