"""Rate, pitch, volume and emotion of a voice, and what they must leave alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rhapsode.audio.prosody import prosody
from rhapsode.audio.resample import resample
from rhapsode.errors import SpeechError
from rhapsode.face.emotion import Emotion
from rhapsode.speech import Manner, Speech, speak
from rhapsode.speech.manner import PLAIN, louder

TEXT = "We were away a year ago. Good morning, how are you today?"


def _pitch(line: Speech) -> tuple[float, float]:
    """Return the geometric mean of the pitch in Hz and its spread in semitones."""
    f0 = prosody(resample(line.sound.mono(), line.sound.sample_rate, 16_000))[:, 1]
    log = 12 * np.log2(f0[f0 > 0])
    return float(2 ** (log.mean() / 12)), float(log.std())


def test_manners_add_up_within_range() -> None:
    both = Manner(rate=1.5, pitch=3, volume=-2).then(Manner(rate=1.6, pitch=-1, volume=-3))
    assert (both.rate, both.pitch, both.volume) == (2.0, 2, -5)
    assert Manner(emotion=Emotion(joy=1)).then(PLAIN).emotion == Emotion(joy=1)
    assert Manner(emotion=Emotion(joy=1)).then(Manner(emotion=Emotion(fear=1))).emotion == Emotion(fear=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate": 3.0}, r"speaking rate must lie in \[0\.5, 2\.0\], got 3\.0"),
        ({"pitch": 13}, r"pitch must lie in \[-12, 12\], got 13 semitones"),
        ({"volume": float("nan")}, r"volume must lie in \[-40, 12\], got nan dB"),
    ],
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SpeechError, match=message):
        Manner(**wrong)


def test_equal_manners_have_equal_keys_and_others_have_not() -> None:
    some = [PLAIN, Manner(rate=1.1), Manner(pitch=1), Manner(volume=1), Manner(emotion=Emotion(joy=0.5))]
    assert len({manner.key() for manner in some}) == len(some)
    assert (
        Manner(emotion=Emotion(joy=0.5, fear=0.2)).key() == Manner(emotion=Emotion(fear=0.2, joy=0.5)).key()
    )


def test_pitch_moves_and_times_stay() -> None:
    plain, low, high = speak(TEXT), speak(TEXT, manner=Manner(pitch=-4)), speak(TEXT, manner=Manner(pitch=3))
    middle = _pitch(plain)[0]
    assert 12 * np.log2(_pitch(low)[0] / middle) == pytest.approx(-4, abs=0.7)
    assert 12 * np.log2(_pitch(high)[0] / middle) == pytest.approx(3, abs=0.7)
    assert low.sound.samples.shape == plain.sound.samples.shape == high.sound.samples.shape
    assert [w.start_s for w in low.words.words] == [w.start_s for w in plain.words.words]


def test_volume_is_a_gain_that_never_clips() -> None:
    plain, soft = speak("Hello there."), speak("Hello there.", manner=Manner(volume=-6.0206))
    np.testing.assert_allclose(soft.sound.samples, plain.sound.samples / 2, rtol=1e-4, atol=1e-7)
    loud = speak("Hello there.", manner=Manner(volume=12)).sound.samples
    assert 0.9 < np.abs(loud).max() <= 1.0
    ramp = np.linspace(-1, 1, 101, dtype=np.float32)
    assert np.all(np.diff(louder(ramp, 4.0)) >= 0)
    assert louder(ramp, 1.0) is ramp


def test_emotions_colour_the_voice() -> None:
    plain, glad, sad = (
        speak(TEXT, manner=Manner(emotion=feeling)) for feeling in (None, Emotion(joy=1), Emotion(sadness=1))
    )
    assert _pitch(sad)[0] < _pitch(plain)[0] < _pitch(glad)[0]
    assert _pitch(sad)[1] < _pitch(plain)[1] < _pitch(glad)[1]
    assert sad.sound.duration_s > plain.sound.duration_s > glad.sound.duration_s
    level = [float(np.square(line.sound.samples).mean()) for line in (sad, plain, glad)]
    assert level == sorted(level)


def test_a_plain_manner_changes_no_sample() -> None:
    one, two = speak("Hello."), speak("Hello.", manner=Manner(emotion=Emotion()))
    np.testing.assert_array_equal(one.sound.samples, two.sound.samples)
