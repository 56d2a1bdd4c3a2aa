"""Life: parity, causality, seeds, and what ten minutes of it look like."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from rhapsode.errors import RigError, SettingError
from rhapsode.face.life import CALM, FRIENDLY, Life, LifeStream, breathing
from rhapsode.face.life.accents import Accents
from rhapsode.face.life.blinks import Blinks
from rhapsode.face.life.head import LIMIT
from rhapsode.face.life.motion import generator
from rhapsode.face.voice import VoiceMeter
from rhapsode.performance import CURVE_HZ, Float32
from rhapsode.rigs import ARKIT, FACE

MINUTES = 10
FRAMES = MINUTES * 60 * CURVE_HZ
OFF = Life.off()


def column(face: Float32, name: str) -> NDArray[np.float64]:
    return face[:, FACE.index(name)].astype(np.float64)


@lru_cache
def talk(seed: int = 0, frames: int = FRAMES) -> Float32:
    """The voice of phrases of 1.5 to 4 s between pauses of 0.4 to 1.5 s, with syllables and accents."""
    rng = np.random.default_rng(seed)
    made = np.zeros((frames, 4))
    made[:, 0] = -70
    at = 40
    while at < frames:
        n = min(int(rng.uniform(75, 200)), frames - at)
        t = np.arange(n) / CURVE_HZ
        accent = sum(np.exp(-(((t - c) / 0.1) ** 2)) for c in np.arange(0.3, n / CURVE_HZ, 0.65))
        level = -32 + 5 * np.sin(2 * np.pi * 4.3 * t) + 7 * accent - 1.5 * t + rng.normal(0, 1, n)
        f0 = 130 * 2 ** ((4 * accent - 1.0 * t + rng.normal(0, 0.3, n)) / 12)
        voiced = np.sin(2 * np.pi * 4.3 * t + 1) > -0.6
        made[at : at + n] = np.stack([level, f0 * voiced, voiced * 1.0, np.ones(n)], axis=1)
        at += n + int(rng.uniform(20, 75))
    return VoiceMeter().push(made.astype(np.float32))


def still(frames: int) -> Float32:
    return np.tile(np.array([0, 0.5], np.float32), (frames, 1))


def blank(frames: int) -> Float32:
    return np.zeros((frames, len(ARKIT)), np.float32)


@lru_cache
def play(*, speaking: bool = True, seed: int = 0, life: Life | None = None) -> Float32:
    voice = talk() if speaking else still(FRAMES)
    return LifeStream(life, seed=seed).push(blank(FRAMES), voice)


def mouthing(frames: int, seed: int = 3) -> Float32:
    """A face that moves everywhere, in [0, 1]."""
    walk = np.cumsum(np.random.default_rng(seed).normal(0, 0.08, (frames, len(ARKIT))), axis=0)
    return np.asarray(np.abs((walk + 1) % 2 - 1), np.float32)


def blinks(face: Float32, side: str = "Left", over: float = 0.4) -> NDArray[np.intp]:
    """Curve frames in which a lid passes ``over`` on its way down."""
    lid = column(face, f"eyeBlink{side}")
    return np.flatnonzero((lid[1:] >= over) & (lid[:-1] < over)) + 1


# streaming


@pytest.mark.parametrize("sizes", [[1], [7], [50], [3, 640, 1, 0, 29]])
def test_chunks_equal_whole(sizes: list[int]) -> None:
    frames = 1500
    face, voice = mouthing(frames), talk()[:frames]
    stream, made, at, turn = LifeStream(seed=5), [], 0, 0
    while at < frames:
        size = sizes[turn % len(sizes)]
        made.append(stream.push(face[at : at + size], voice[at : at + size]))
        at, turn = at + size, turn + 1
    np.testing.assert_array_equal(np.concatenate(made), LifeStream(seed=5).push(face, voice))


def test_the_future_does_not_matter() -> None:
    face, voice = mouthing(1000), talk()[:1000]
    base = LifeStream(seed=1).push(face, voice)
    other = LifeStream(seed=1).push(
        np.concatenate([face[:600], 1 - face[600:]]), np.concatenate([voice[:600], still(400)])
    )
    np.testing.assert_array_equal(other[:600], base[:600])
    assert np.any(other[600:] != base[600:])


@pytest.mark.slow
def test_seeds() -> None:
    assert np.array_equal(play(seed=0)[:2000], LifeStream(seed=0).push(blank(2000), talk()[:2000]))
    assert np.array_equal(
        LifeStream(Life(seed=4)).push(blank(500), still(500)), LifeStream(seed=4).push(blank(500), still(500))
    )
    for name in ("headYaw", "leftEyeYaw", "eyeBlinkLeft", "browInnerUp"):
        assert np.abs(column(play(seed=0), name) - column(play(seed=1), name)).max() > 0.05


def test_output_stays_in_range() -> None:
    strong = Life(blink_per_minute=40, gaze=2, head=2, brows=2, breathing=2, idle=2)
    made = LifeStream(strong).push(mouthing(6000), talk()[:6000])
    assert made.shape == (6000, 61)
    assert made.dtype == np.float32
    assert made[:, :52].min() >= 0
    assert made[:, :52].max() <= 1
    assert np.abs(made[:, 52:55]).max() <= LIMIT + 0.02
    assert np.abs(made[:, 55:]).max() <= 0.42 + 1e-6


# blinks


@pytest.mark.slow
@pytest.mark.parametrize("speaking", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_blink_rate_and_intervals(speaking: bool, seed: int) -> None:
    starts = blinks(play(speaking=speaking, seed=seed))
    assert 10 <= len(starts) / MINUTES <= 20
    gaps = np.diff(starts) / CURVE_HZ
    assert 0.4 < gaps.std() / gaps.mean() < 1.1
    assert gaps.max() < 16
    assert gaps.min() > 0.25


def blink_alone(rate: float, *, speaking: bool, seed: int) -> NDArray[np.float64]:
    """The left lid of ten minutes of nothing but blinks."""
    accents, part = Accents(), Blinks(generator(seed, "blinks"), rate)
    made = []
    for row in (talk() if speaking else still(FRAMES)).tolist():
        accents.step(*row)
        made.append(part.step(accents, 0.0)[0])
    return np.array(made)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [8, 15, 25])
def test_blink_rate_is_what_was_asked_for(rate: int) -> None:
    lids = np.concatenate([blink_alone(rate, speaking=talking, seed=8) for talking in (True, False)])
    assert np.count_nonzero(np.diff(lids > 0.4)) / 2 / (2 * MINUTES) == pytest.approx(rate, rel=0.15)


@pytest.mark.slow
def test_blinks_prefer_pauses() -> None:
    activity = talk()[:, 0]
    after = np.array([activity[max(k - 30, 0) : k + 1].max() > 0 and activity[k] == 0 for k in range(FRAMES)])
    starts = np.concatenate([blinks(play(seed=seed), over=0.3) for seed in range(2)])
    assert after[starts].mean() > 1.6 * after.mean()


def test_blink_shape() -> None:
    face = play(speaking=False, life=replace(OFF, blink_per_minute=15.0))
    left, right = column(face, "eyeBlinkLeft"), column(face, "eyeBlinkRight")
    peaks, downs, ups = [], [], []
    for start in blinks(face, over=0.2)[:-1]:
        lid = left[start - 6 : start + 22]
        top = int(lid.argmax())
        peaks.append(lid[top])
        downs.append(np.count_nonzero(lid[: top + 1] > 0.01))
        if lid[top:].min() == 0:
            ups.append(np.count_nonzero(lid[top:] > 0.01))
    full = np.array(peaks) > 0.9
    assert 0.8 < full.mean() < 1
    assert min(peaks) > 0.35
    assert 3 <= np.median(downs) <= 6
    assert 8 <= np.median(ups) <= 13
    assert np.abs(left - right).max() < 0.35
    assert np.abs(left - right).max() > 0.02
    both = np.minimum(left, right)
    assert np.percentile([both[s : s + 8].max() for s in blinks(face, over=0.9)], 5) > 0.85


# eyes and gaze


def gaze(face: Float32) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where both eyes look in the world, in radians from the viewer."""
    yaw = (column(face, "leftEyeYaw") + column(face, "rightEyeYaw")) / 2 + column(face, "headYaw")
    pitch = (column(face, "leftEyePitch") + column(face, "rightEyePitch")) / 2 + column(face, "headPitch")
    return yaw, pitch


@pytest.mark.slow
@pytest.mark.parametrize("speaking", [True, False])
def test_gaze_is_mostly_at_the_viewer(speaking: bool) -> None:
    yaw, pitch = gaze(play(speaking=speaking))
    away = np.hypot(yaw, pitch)
    share = np.mean(away < math.radians(3.5))
    assert 0.7 < share < 0.92
    assert away.max() < math.radians(20)
    lengths = np.diff(np.flatnonzero(np.diff((away > math.radians(3.5)).astype(int))))
    assert len(lengths) / 2 / MINUTES > 5


def test_the_gaze_stays_while_the_head_moves() -> None:
    face = play()
    yaw, pitch = gaze(face)
    speed = np.hypot(np.diff(yaw), np.diff(pitch)) * CURVE_HZ
    head = np.hypot(np.diff(column(face, "headYaw")), np.diff(column(face, "headPitch"))) * CURVE_HZ
    assert np.mean(speed < 1e-3) > 0.8
    assert np.median(head[speed < 1e-3]) > 0.01


@pytest.mark.parametrize("speaking", [True, False])
def test_eye_weights_and_angles_agree(speaking: bool) -> None:
    face = play(speaking=speaking)
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        out, inside = column(face, f"eyeLookOut{side}"), column(face, f"eyeLookIn{side}")
        down, up = column(face, f"eyeLookDown{side}"), column(face, f"eyeLookUp{side}")
        np.testing.assert_allclose(
            column(face, f"{side.lower()}EyeYaw"), sign * 0.6 * (out - inside), atol=1e-6
        )
        np.testing.assert_allclose(column(face, f"{side.lower()}EyePitch"), 0.55 * (down - up), atol=1e-6)
        assert np.all(out * inside == 0)
        assert np.all(down * up == 0)


def test_eyes_meet_at_the_viewer() -> None:
    face = LifeStream(replace(OFF, gaze=1.0)).push(blank(2000), still(2000))
    np.testing.assert_allclose(column(face, "leftEyeYaw") - column(face, "rightEyeYaw"), 0.04, atol=1e-5)


def test_lids_follow_the_gaze() -> None:
    face = LifeStream(replace(OFF, gaze=1.0)).push(blank(20000), still(20000))
    down = column(face, "eyeLookDownLeft")
    assert np.corrcoef(down, column(face, "eyeBlinkLeft"))[0, 1] > 0.9
    up = column(face, "eyeLookUpLeft")
    assert column(face, "eyeWideLeft")[up > 0.1].min() > 0
    assert np.all(column(face, "eyeBlinkLeft") < 0.25)


def test_eyes_of_the_input_are_kept_without_gaze() -> None:
    face = blank(10)
    face[:, ARKIT.index("eyeLookOutLeft")] = 0.5
    face[:, ARKIT.index("eyeLookDownRight")] = 0.4
    made = LifeStream(OFF).push(face, still(10))
    np.testing.assert_array_equal(made[:, :52], face)
    np.testing.assert_allclose(column(made, "leftEyeYaw"), -0.3, atol=1e-6)
    np.testing.assert_allclose(column(made, "rightEyePitch"), 0.22, atol=1e-6)


# head


def test_head_speed_is_natural() -> None:
    for speaking, low, high in ((True, 2.0, 18.0), (False, 0.4, 6.0)):
        face = play(speaking=speaking)
        angles = np.degrees(np.stack([column(face, n) for n in ("headYaw", "headPitch", "headRoll")], axis=1))
        speed = np.abs(np.diff(angles, axis=0)) * CURVE_HZ
        assert speed.max() < 60
        rms = np.sqrt((speed**2).sum(axis=1).mean())
        assert low < rms < high
        assert np.abs(np.diff(angles, n=2, axis=0)).max() * CURVE_HZ**2 < 1200
        assert np.all(angles.std(axis=0) > 0.4)
        assert np.abs(angles.mean(axis=0)).max() < 2


def test_the_head_moves_more_in_speech() -> None:
    def speed(face: Float32) -> float:
        return float(np.abs(np.diff(column(face, "headPitch"))).mean())

    assert speed(play()) > 2 * speed(play(speaking=False))


def test_head_and_brows_follow_the_voice() -> None:
    stress = np.where(talk()[:, 0] > 0.5, talk()[:, 1], 0.5)
    smooth = np.convolve(stress, np.ones(9) / 9, "same")
    for name, least in (("headPitch", 0.15), ("browInnerUp", 0.15)):
        moved = column(play(), name)
        moved = moved - np.convolve(moved, np.ones(101) / 101, "same")
        lags = [float(np.corrcoef(smooth[: -lag or None], moved[lag:])[0, 1]) for lag in range(25)]
        others = [float(np.corrcoef(np.roll(smooth, 700 * k), moved)[0, 1]) for k in range(1, 30)]
        assert max(lags) > least
        assert max(lags) > np.mean(others) + 4 * np.std(others)
        assert 2 <= int(np.argmax(lags)) <= 14


def test_never_dead_still() -> None:
    face = play(speaking=False)
    for part in (face[:, 52:55], face[:, :52]):
        window = part[: FRAMES // 25 * 25].reshape(-1, 25, part.shape[1])
        assert np.ptp(window, axis=1).max(axis=1).min() > 1e-4


# rest


def test_the_rest_pose_shows_in_silence() -> None:
    made = LifeStream(replace(OFF, rest=FRIENDLY)).push(blank(5), still(5))
    for name, value in FRIENDLY.items():
        np.testing.assert_allclose(column(made, name), value, atol=1e-6)


def test_the_rest_pose_leaves_closures_and_vowels() -> None:
    face = blank(4)
    face[0, ARKIT.index("jawOpen")] = 0.3
    face[1, ARKIT.index("jawOpen")] = face[1, ARKIT.index("mouthClose")] = 0.3
    face[2, ARKIT.index("mouthPucker")] = 0.8
    face[3, ARKIT.index("mouthPressLeft")] = face[3, ARKIT.index("mouthPressRight")] = 0.9
    speech = np.tile(np.array([1, 0.5], np.float32), (4, 1))
    made = LifeStream(replace(OFF, rest=FRIENDLY)).push(face, speech)
    smile, close = column(made, "mouthSmileLeft"), column(made, "mouthClose")
    np.testing.assert_array_equal(made[:, ARKIT.index("jawOpen")], face[:, ARKIT.index("jawOpen")])
    assert close[0] == 0
    assert close[1] >= 0.3
    assert smile[2] < 0.06
    assert smile[3] < 0.12
    assert smile[0] > 0.15


def test_silence_keeps_the_mouth_shut() -> None:
    face = play(speaking=False)
    assert column(face, "jawOpen").max() == 0
    assert column(face, "mouthLowerDownLeft").max() == 0


# settings


def test_each_part_can_be_switched_off() -> None:
    voice = talk()[:3000]
    silent = LifeStream(OFF).push(blank(3000), voice)
    assert not silent.any()
    parts = {
        "blink_per_minute": ("eyeBlinkLeft", 15.0),
        "gaze": ("leftEyeYaw", 1.0),
        "head": ("headYaw", 1.0),
        "brows": ("browInnerUp", 1.0),
        "breathing": ("headPitch", 1.0),
        "idle": ("browDownLeft", 1.0),
    }
    for part, (name, value) in parts.items():
        life = replace(OFF, **{part: value})  # type: ignore[arg-type]
        assert np.ptp(column(LifeStream(life).push(blank(3000), voice), name)) > 0.004


def test_bad_settings_are_refused() -> None:
    with pytest.raises(SettingError, match=r"'head' must lie in \[0, 2\], got 3"):
        Life(head=3)
    with pytest.raises(SettingError, match=r"blink_per_minute.*got nan"):
        Life(blink_per_minute=math.nan)
    with pytest.raises(SettingError, match="seed"):
        Life(seed=1.5)  # type: ignore[arg-type]
    with pytest.raises(RigError, match="mouthSmileLeft"):
        Life(rest={"mouthSmile": 0.3})
    with pytest.raises(SettingError, match="mouthSmileLeft"):
        Life(rest={"mouthSmileLeft": 1.3})
    assert Life(rest=CALM).rest == CALM


def test_bad_shapes_are_refused() -> None:
    with pytest.raises(RigError, match=r"\(T, 52\)"):
        LifeStream().push(np.zeros((3, 61), np.float32), still(3))
    with pytest.raises(RigError, match="voice"):
        LifeStream().push(blank(3), still(2))


# breath


def test_breathing() -> None:
    times = np.arange(0, 600, 0.02)
    chest = breathing(times, seed=2)
    assert chest.min() >= 0
    assert chest.max() <= 1
    tops = np.flatnonzero((chest[1:-1] > chest[:-2]) & (chest[1:-1] >= chest[2:]))
    assert 10 < len(tops) / 10 < 18
    gaps = np.diff(tops) * 0.02
    assert gaps.std() > 0.2
    assert np.mean(np.diff(chest) > 0) < 0.5  # in faster than out
    np.testing.assert_array_equal(breathing(times[500:510], seed=2), chest[500:510])
    assert np.abs(breathing(times, seed=3) - chest).max() > 0.3
