"""Emotions over time: any cut, no future, timelines, changes while it runs, and what the voice lets guess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rhapsode as rh
from rhapsode.audio.decode import read_sound
from rhapsode.audio.prosody import prosody
from rhapsode.audio.resample import Resampler
from rhapsode.errors import SettingError
from rhapsode.face.emotion import EMOTIONS, TRACK, Emotion, EmotionStream, Timeline
from rhapsode.face.emotion.auto import AutoEmotion, expression
from rhapsode.performance import HOP, Float32, join
from rhapsode.rigs import ARKIT, FACE
from tests.sounds import chunked, speechlike

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "data" / "speech" / "emotional"
SCRIPT = [(0.0, "fear:0.4"), (1.0, "joy:0.9,anger:0.3"), (2.5, "outofbreath"), (3.0, "neutral")]


def inputs(frames: int = 250, seed: int = 1) -> tuple[Float32, Float32]:
    """Return a wandering face and an activity with pauses."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.05, (frames, len(ARKIT))), axis=0)
    face = np.abs((walk + 1) % 2 - 1) * 0.5
    activity = (np.sin(np.arange(frames) * 0.08) > -0.3) * rng.uniform(0.6, 1, frames)
    return face.astype(np.float32), activity.astype(np.float32)


@pytest.mark.parametrize("size", [1, 7, 64, 249])
def test_any_cut_gives_the_same(size):
    face, activity = inputs()
    whole = EmotionStream(Timeline(SCRIPT)).feel(face, activity)
    stage = EmotionStream(Timeline(SCRIPT))
    parts = [stage.feel(face[k : k + size], activity[k : k + size]) for k in range(0, len(face), size)]
    # Measured worst case 6e-8: matrix products sum in another order for other shapes.
    for k in range(3):
        np.testing.assert_allclose(np.concatenate([part[k] for part in parts]), whole[k], atol=1e-6)


def test_the_future_changes_nothing():
    face, activity = inputs()
    other = inputs(seed=2)
    for k in (20, 111, 200):
        changed = [
            np.concatenate([now[:k], then[k:]]) for now, then in zip((face, activity), other, strict=True)
        ]
        same = EmotionStream(Timeline(SCRIPT)).push(face, activity)[:k]
        np.testing.assert_allclose(EmotionStream(Timeline(SCRIPT)).push(*changed)[:k], same, atol=1e-6)


def test_a_timeline_holds_each_emotion_until_the_next():
    timeline = Timeline([(2.0, "neutral"), (0.5, Emotion(joy=0.6))])
    assert [timeline.at(t) for t in (0.0, 0.5, 1.99, 2.0, 9.0)] == [{}, {"joy": 0.6}, {"joy": 0.6}, {}, {}]
    track = EmotionStream(timeline).feel(np.zeros((250, 52), np.float32), np.zeros(250, np.float32)).track
    joy = track[:, EMOTIONS.index("joy")]
    assert not joy[:25].any()
    assert joy[25] > 0
    assert joy[90] == pytest.approx(0.6, abs=0.01)
    assert int(np.argmax(np.diff(joy) < -1e-4)) in (99, 100, 101)
    assert np.array_equal(joy, EmotionStream(timeline).feel(*inputs()).track[:, EMOTIONS.index("joy")])


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([(-1.0, "joy")], "0 or more seconds, got -1.0"),
        ([(float("nan"), "joy")], "got nan"),
        ([(1.0, "joy"), (1.0, "fear")], "two emotions begin at 1 s"),
        ([(1.0, "jog")], "no emotion is called 'jog'; did you mean joy"),
    ],
)
def test_a_timeline_that_makes_no_sense_is_refused(keys, says):
    with pytest.raises(SettingError) as caught:
        Timeline(keys)
    assert says in str(caught.value)


def test_it_can_be_set_while_it_runs():
    stage = EmotionStream()
    face, activity = inputs(100)
    assert np.array_equal(stage.push(face, activity), face)
    stage.set("sadness:0.7")
    assert stage.feelings == {"sadness": 0.7}
    track = stage.feel(face, activity).track[:, EMOTIONS.index("sadness")]
    assert 0 < track[0] < 0.05
    assert track[-1] == pytest.approx(0.7, abs=0.02)


def streamed(y: Float32, size: int | None, emotion: object) -> tuple[Float32, Float32]:
    """Return the face and the emotion track of 16 kHz sound in chunks."""
    face = rh.FaceStream(16_000, direction=rh.Direction(seed=3, emotion=emotion))  # type: ignore[arg-type]
    curves, felt = [], []
    for chunk in [*chunked(y, size), None]:
        curves.append(face.finish() if chunk is None else face.push(chunk))
        assert face.emotion is not None
        assert face.emotion.start == curves[-1].start
        felt.append(face.emotion)
    return join(curves).values, join(felt).values


@pytest.mark.parametrize("emotion", ["joy:0.7", "auto"])
def test_the_whole_chain_feels_the_same_for_any_cut(emotion):
    y = speechlike(3)
    whole, track = streamed(y, None, emotion)
    assert len(track) == len(whole) == -(-len(y) // HOP)
    for size in (160, 961):
        face, felt = streamed(y, size, emotion)
        np.testing.assert_allclose(face, whole, atol=1e-5)
        np.testing.assert_allclose(felt, track, atol=1e-5)


def test_the_track_travels_with_the_performance(tmp_path):
    sound = rh.Sound(speechlike(2), 16_000)
    take = rh.animate(sound, emotion="joy:0.6,surprise:0.2")
    assert take.emotion is not None
    assert take.emotion.names == TRACK
    assert len(take.emotion) == len(take.face)
    assert take.emotion["joy"][-1] == pytest.approx(0.6, abs=0.01)
    assert take.emotion["valence"][-1] > 0.6
    back = rh.Performance.load(take.save(tmp_path / "a.npz")).emotion
    assert back is not None
    np.testing.assert_array_equal(back.values, take.emotion.values)
    assert rh.animate(sound).emotion is None


def test_a_feeling_moves_more_than_the_face():
    sound = rh.Sound(np.zeros(16_000 * 60, np.float32), 16_000)
    plain, afraid = (rh.animate(sound, emotion=name).face for name in ("neutral", "grief:0.9"))
    assert afraid["headPitch"].mean() > plain["headPitch"].mean() + 0.05
    assert afraid["mouthSmileLeft"].mean() < 0.3 * plain["mouthSmileLeft"].mean()
    assert np.abs(afraid["headPitch"]).max() < np.radians(8)


def test_out_of_breath_pants():
    face = rh.animate(rh.Sound(np.zeros(16_000 * 12, np.float32), 16_000), emotion="outofbreath").face
    jaw = face["jawOpen"][150:].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(jaw - jaw.mean()))
    strongest_hz = np.fft.rfftfreq(len(jaw), 0.02)[spectrum.argmax()]
    assert 0.75 < strongest_hz < 1.15
    assert face.values[:, FACE.index("jawOpen")].min() >= 0


def talk(f0_hz: float, spread_hz: float, level: float, seconds: int = 8) -> Float32:
    """Return a voice with syllables whose pitch wanders."""
    t = np.arange(seconds * 16_000) / 16_000
    glide = np.cumsum(f0_hz + spread_hz * np.sin(2 * np.pi * 0.45 * t)) / 16_000
    carrier = sum(np.sin(2 * np.pi * k * glide) / k for k in range(1, 6))
    return np.asarray(level * carrier * (0.25 + np.clip(np.sin(2 * np.pi * 4.1 * t), 0, 1)), np.float32)


def test_the_voice_is_judged_against_its_own_habit():
    plain, excited = talk(120, 12, 0.08), talk(190, 55, 0.2)
    ear = AutoEmotion()
    usual = ear.push(prosody(plain))[150:].mean()
    aroused = ear.push(prosody(excited))[150:].mean()
    weary = AutoEmotion()
    weary.push(prosody(excited))
    tired = weary.push(prosody(plain))[150:].mean()
    assert aroused > usual + 0.3
    assert tired < usual - 0.15
    high = AutoEmotion().push(prosody(talk(240, 24, 0.08)))[150:].mean()
    assert high == pytest.approx(usual, abs=0.15), "a high voice is not an excited one"
    loud = AutoEmotion().push(prosody(talk(120, 12, 0.5)))[150:].mean()
    assert loud == pytest.approx(usual, abs=0.1), "nor is a near microphone"


def test_silence_arouses_nobody():
    ear = AutoEmotion()
    assert not ear.push(prosody(np.zeros(32_000, np.float32))).any()
    ear.push(prosody(talk(120, 60, 0.2)))
    assert abs(ear.push(prosody(np.zeros(16_000 * 12, np.float32)))[-1]) < 0.01


def test_what_auto_shows_is_restrained():
    for arousal in np.linspace(-1, 1, 41):
        levels = dict(zip(EMOTIONS, expression(float(arousal)), strict=True))
        assert max(levels.values()) < 0.4
        assert levels["anger"] == levels["fear"] == levels["grief"] == 0
        if abs(arousal) <= 0.2:
            assert not any(levels.values())


@pytest.mark.slow
def test_recordings_of_feeling_stand_out_of_a_neutral_one():
    if not RECORDINGS.is_dir():
        pytest.skip("the emotional recordings are not in the data folder")

    def rows(name: str) -> Float32:
        sound = read_sound(RECORDINGS / f"Claire_{name}.flac")
        stream = Resampler(sound.sample_rate, 16_000)
        y = np.concatenate([stream.push(sound.mono()), stream.finish()])
        return prosody(y)

    def heard(name: str) -> float:
        ear, take = AutoEmotion(), rows(name)
        ear.push(rows("neutral"))
        return float(ear.push(take)[take[:, 3] > 0.5][75:].mean())

    neutral, sad, joyful = heard("neutral"), heard("sadness"), heard("joy_mandarin")
    assert joyful > neutral + 0.2
    assert sad < neutral - 0.15
