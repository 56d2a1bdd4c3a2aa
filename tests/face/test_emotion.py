"""Emotions: names, mixtures, faces that wear them, lips that keep their contacts, any cut, no future."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.errors import RigError, SettingError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import BIG_SIX, EMOTIONS, Emotion, EmotionStream
from rhapsode.face.emotion.poses import FEELINGS, weights
from rhapsode.face.life.mood import EVEN
from rhapsode.performance import Float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, DROP, TEETH_DROP, lip_gap

SILENT, SPEECH = 0.0, 1.0


def at_rest(frames: int) -> Float32:
    return np.zeros((frames, len(ARKIT)), np.float32)


def steady(frames: int, activity: float) -> Float32:
    return np.full(frames, activity, np.float32)


def worn(feelings: str, frames: int = 300, activity: float = SILENT) -> dict[str, float]:
    """Return the weights of a face at rest that has felt this for some time."""
    last = EmotionStream(feelings).push(at_rest(frames), steady(frames, activity))[-1]
    return dict(zip(ARKIT.channels, last.tolist(), strict=True))


def speech(frames: int, seed: int = 0) -> Float32:
    """Weights of speech: wandering channels, syllables whose lips open wide, and touch or press between."""
    rng = np.random.default_rng(seed)
    made = np.zeros((frames, len(ARKIT)))
    t = np.arange(frames)
    for column, name in enumerate(ARKIT.channels):
        if name.startswith(("mouth", "brow", "eyeSquint", "cheekSquint")):
            made[:, column] = 0.2 * np.clip(np.sin(t * rng.uniform(0.1, 0.6) + rng.uniform(0, 6)), 0, 1)
    shut = np.clip(1.6 * np.cos(t * 0.37) - 0.4, 0, 1)
    made[:, ARKIT.index("jawOpen")] = 0.1 + 0.25 * (1 - shut)
    made[:, ARKIT.index("mouthClose")] = shut * (made[:, ARKIT.index("jawOpen")] + 0.02)
    for name in ("mouthFunnel", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft"):
        made[:, ARKIT.index(name)] *= 1 - shut
    return np.asarray(made, np.float32)


def talking(emotion: str, face: Float32) -> Float32:
    """Return ``face`` with an emotion that is fully there when it begins."""
    stage = EmotionStream(emotion)
    stage.push(at_rest(400), steady(400, SPEECH))
    return stage.push(face, steady(len(face), SPEECH))


def test_the_ten_names_and_the_six_are_one_table():
    assert len(EMOTIONS) == 10
    assert set(FEELINGS) == set(EMOTIONS)
    assert set(BIG_SIX.values()) < set(EMOTIONS)
    assert Emotion(happiness=0.5, Surprise=0.25) == {"joy": 0.5, "amazement": 0.25}
    assert Emotion(joy=0.5)["happiness"] == 0.5


def test_text_is_read_and_said_again():
    assert Emotion.parse("joy:0.6,surprise:0.2") == {"joy": 0.6, "amazement": 0.2}
    assert Emotion.parse(" Anger : .5 , fear ") == {"anger": 0.5, "fear": 1.0}
    assert Emotion.parse("neutral") == Emotion.parse("") == Emotion() == {}
    felt = Emotion.parse("joy:0.6,pain:0.125")
    assert Emotion.parse(str(felt)) == felt
    assert pickle.loads(pickle.dumps(felt)) == felt
    assert hash(Emotion(joy=1, fear=0.5)) == hash(Emotion(fear=0.5, joy=1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("joi:0.5", "no emotion is called 'joi'; did you mean joy"),
        ("joy:2", "emotion 'joy' must have a level in [0, 1], got 2.0"),
        ("joy:-1", "got -1.0"),
        ("joy:nan", "got nan"),
        ("joy:lots", "emotion 'joy' needs a number from 0 to 1 as its level, got 'lots'; try joy:0.6"),
        ("joy:", "got ''"),
        ("joy:0.5,", "an emotion must be NAME:LEVEL, got ''"),
        ("joy:0.5,happiness:0.2", "emotion 'joy' is given twice"),
        ("joy=0.5", "no emotion is called 'joy=0.5'; did you mean joy"),
    ],
)
def test_what_is_no_emotion_is_refused(text, says):
    with pytest.raises(SettingError) as caught:
        Emotion.parse(text)
    assert says in str(caught.value)
    with pytest.raises(SettingError):
        Direction(emotion=text)


def test_mixtures_add_up_to_a_limit():
    assert Emotion(joy=0.5) + Emotion(joy=0.7, fear=0.1) == {"joy": 1.0, "fear": 0.1}
    assert Emotion(joy=0.5) * 0.5 == {"joy": 0.25}
    assert Emotion(joy=0.5, fear=0.3).vector().sum() == pytest.approx(0.8)
    whole = Emotion(dict.fromkeys(EMOTIONS, 1.0)).vector()
    assert whole.sum() == pytest.approx(1.3)


def test_of_channels_that_pull_apart_the_stronger_is_left():
    face = worn("joy:0.9,sadness:0.4")
    assert face["mouthSmileLeft"] > 0.3
    assert face["mouthFrownLeft"] == 0
    assert worn("fear:0.7,pain:0.3")["eyeBlinkLeft"] == 0


@pytest.mark.parametrize("name", EMOTIONS)
def test_in_a_pause_an_emotion_shows_fully(name):
    face = worn(f"{name}:1")
    for channel, weight in weights(name).items():
        assert face[channel] >= weight - 1e-3, channel
        assert face[channel] <= weight + 0.15, channel


@pytest.mark.parametrize("name", EMOTIONS)
def test_speech_keeps_its_contacts(name):
    face = speech(3000)
    made = talking(f"{name}:1", face)
    before, after = lip_gap(face), lip_gap(made)
    closed = before < CLOSED_GAP
    assert 0.1 < closed.mean() < 0.6
    assert (after[closed] < CLOSED_GAP).all()
    assert (after[before > CLOSED_GAP + 1e-4] > CLOSED_GAP).all()
    # Vowels keep seven tenths of their opening, and get no more than half as much again.
    opening = (after - CLOSED_GAP) / (before - CLOSED_GAP)
    assert opening[before > 0.3].min() > 0.69
    assert opening[before > 0.3].max() < 1.51
    assert np.corrcoef(before, after)[0, 1] > 0.99
    assert np.abs(made - face).max() > 0.3, "and yet it shows"


@pytest.mark.parametrize("name", EMOTIONS)
def test_what_parts_the_lips_leaves_the_lower_one_at_the_teeth(name):
    face = at_rest(50)
    for channel, weight in (("jawOpen", 0.1), ("mouthClose", 0.07), ("mouthUpperUpLeft", 0.2)):
        face[:, ARKIT.index(channel)] = weight
    face[:, ARKIT.index("mouthUpperUpRight")] = 0.2
    assert (face @ DROP < TEETH_DROP).all()
    assert (lip_gap(face) > CLOSED_GAP).all()
    assert ((talking(f"{name}:1", face) @ DROP) < TEETH_DROP + 0.02).all()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(EMOTIONS), st.floats(0, 1), min_size=1, max_size=5),
    st.integers(0, 1000),
)
def test_no_mixture_opens_closed_lips(levels, seed):
    rng = np.random.default_rng(seed)
    face = np.asarray(rng.uniform(0, 1, (200, len(ARKIT))) ** 5, np.float32)
    jaw = rng.uniform(0, 0.5, 200)
    face[:, ARKIT.index("jawOpen")] = jaw
    face[:, ARKIT.index("mouthClose")] = jaw * rng.choice([0.0, 0.9, 1.0], 200)
    made = talking(str(Emotion(levels)), face)
    before, after = lip_gap(face), lip_gap(made)
    assert (after[before < CLOSED_GAP] < CLOSED_GAP + 1e-5).all()
    assert (after[before > CLOSED_GAP + 1e-4] > CLOSED_GAP).all()
    assert made.min() >= 0
    assert made.max() <= 1


def test_lips_pressed_before_a_word_begins_stay_pressed():
    face = at_rest(400)
    for channel in ("mouthPressLeft", "mouthPressRight", "mouthRollLower"):
        face[300:, ARKIT.index(channel)] = 0.5
    made = EmotionStream("amazement:1").push(face, steady(400, SILENT))
    gap = lip_gap(made)
    assert gap[299] > 0.5, "the mouth stands open in amazement"
    assert gap[300:].max() < CLOSED_GAP


def test_the_corners_stay_while_somebody_speaks():
    silent, spoken = worn("joy:0.8"), worn("joy:0.8", activity=SPEECH)
    assert 0.5 < spoken["mouthSmileLeft"] / silent["mouthSmileLeft"] < 0.9
    assert spoken["jawOpen"] < 0.3 * silent["jawOpen"]
    assert spoken["cheekSquintLeft"] == pytest.approx(silent["cheekSquintLeft"])


def test_rounded_lips_are_not_pulled_wide():
    face = at_rest(300)
    face[:, ARKIT.index("mouthPucker")] = 0.8
    smile = talking("joy:1", face)[-1, ARKIT.index("mouthSmileLeft")]
    assert smile < 0.5 * worn("joy:1", activity=SPEECH)["mouthSmileLeft"]


@pytest.mark.parametrize("name", EMOTIONS)
def test_an_emotion_comes_fast_and_goes_slowly(name):
    stage = EmotionStream(f"{name}:1")
    column = EMOTIONS.index(name)
    coming = stage.feel(at_rest(250), steady(250, SILENT)).track[:, column]
    stage.set("neutral")
    going = stage.feel(at_rest(500), steady(500, SILENT)).track[:, column]
    assert coming[-1] == pytest.approx(1, abs=0.01)
    assert (np.diff(coming) > -1e-6).all(), "it does not overshoot"
    assert (np.diff(going) < 1e-6).all()
    assert coming[0] < 0.12, "it does not jump"
    rise, fall = int(np.argmax(coming > 0.5)), int(np.argmax(going < 0.5))
    assert 2 <= rise < fall
    assert going[-1] == 0, "it ends"


def test_nothing_felt_changes_nothing():
    face = speech(100)
    felt = EmotionStream().feel(face, steady(100, SPEECH))
    assert np.array_equal(felt.face, face)
    assert (felt.mood == np.array(EVEN, np.float32)).all()
    assert not felt.track[:, : len(EMOTIONS)].any()
    assert (felt.track[:, len(EMOTIONS) :] == 0.5).all()


@pytest.mark.parametrize(("face", "activity"), [((5, 51), (5,)), ((5, 52), (4,)), ((52,), (1,))])
def test_bad_shapes_are_refused(face, activity):
    with pytest.raises(RigError, match=r"emotion needs a face \(T, 52\) and activity"):
        EmotionStream("joy").push(np.zeros(face, np.float32), np.zeros(activity, np.float32))
