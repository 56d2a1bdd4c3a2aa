"""Shaping: parity, causality, ranges, limits, kept closures, rest in silence."""

from __future__ import annotations

import math
import pickle
from dataclasses import fields

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from rhapsode.errors import RigError, SettingError
from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.shaping import DEFAULT_LIMITS, Shaping, ShapingStream, style, styles
from rhapsode.face.stream import FaceStream
from rhapsode.performance import CURVE_HZ, Float32, join
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, DROP, TEETH_DROP, lip_gap
from rhapsode.speech import load_voice
from tests.audio.test_prosody import noise

WIDTH = len(ARKIT)
PLAIN = Shaping(smoothing=0, symmetry=0, limits=dict.fromkeys(DEFAULT_LIMITS, 1.0))


def column(face: Float32, name: str) -> NDArray[np.float64]:
    return face[:, ARKIT.index(name)].astype(np.float64)


def shape(weights: Float32, shaping: Shaping | None = None, activity: Float32 | None = None) -> Float32:
    voice = np.ones(len(weights), np.float32) if activity is None else activity
    return ShapingStream(shaping).push(weights, voice)


def walk(frames: int, seed: int = 0, step: float = 0.08) -> Float32:
    """Weights that wander in [0, 1]."""
    raw = np.cumsum(np.random.default_rng(seed).normal(0, step, (frames, WIDTH)), axis=0)
    return np.asarray(np.abs((raw + 1) % 2 - 1), np.float32)


def only(frames: int, **channels: float | NDArray[np.float64]) -> Float32:
    made = np.zeros((frames, WIDTH), np.float32)
    for name, value in channels.items():
        made[:, ARKIT.index(name)] = value
    return made


def syllables(count: int = 60, seed: int = 0, noise: float = 0.01) -> tuple[Float32, list[int]]:
    """Open syllables parted by bilabials 50 to 90 ms long, and the curve frame of each closure's middle."""
    rng = np.random.default_rng(seed)
    t = np.arange(16 * count)
    apexes = [16 * k + 8 + int(rng.integers(-2, 3)) for k in range(count)]
    shut = sum(np.exp(-(((t - apex) / rng.uniform(1.3, 2.2)) ** 4)) for apex in apexes)
    shut = np.clip(shut, 0, 1)
    jaw = 0.08 + 0.28 * (1 - shut)
    made = only(
        len(t),
        jawOpen=jaw,
        mouthClose=shut * jaw,
        **{f"mouthLowerDown{side}": 0.3 * (1 - shut) for side in ("Left", "Right")},
        **{f"mouthUpperUp{side}": 0.2 * (1 - shut) for side in ("Left", "Right")},
        **{f"mouthPress{side}": 0.4 * shut for side in ("Left", "Right")},
    )
    made += rng.normal(0, noise, made.shape).astype(np.float32)
    return np.clip(made, 0, 1), apexes


def aperture(face: Float32) -> NDArray[np.float64]:
    """The gap between the lips, in units of jawOpen."""
    lips = 0.25 * (column(face, "mouthLowerDownLeft") + column(face, "mouthLowerDownRight"))
    lips += 0.25 * (column(face, "mouthUpperUpLeft") + column(face, "mouthUpperUpRight"))
    return np.asarray(column(face, "jawOpen") - column(face, "mouthClose") + 0.5 * lips)


def depths(face: Float32, apexes: list[int]) -> NDArray[np.float64]:
    """How far each closure dips below the openings around it."""
    gap = aperture(face)
    return np.array([gap[a - 8 : a + 9].max() - gap[a - 2 : a + 4].min() for a in apexes[1:-1]])


# streaming


@pytest.mark.parametrize("sizes", [[1], [7], [50], [3, 640, 1, 0, 29]])
@pytest.mark.parametrize("name", ["natural", "cartoon"])
def test_chunks_equal_whole(sizes: list[int], name: str) -> None:
    face = walk(1500)
    voice = np.clip(walk(1500, seed=9)[:, 0] * 2, 0, 1)
    stream, made, at, turn = ShapingStream(style(name).shaping), [], 0, 0
    while at < len(face):
        size = sizes[turn % len(sizes)]
        made.append(stream.push(face[at : at + size], voice[at : at + size]))
        at, turn = at + size, turn + 1
    np.testing.assert_array_equal(np.concatenate(made), shape(face, style(name).shaping, voice))


def test_the_future_does_not_matter() -> None:
    face, voice = walk(300), np.ones(300, np.float32)
    other, quiet = face.copy(), voice.copy()
    other[200:], quiet[200:] = 1 - face[200:], 0
    np.testing.assert_array_equal(shape(other, None, quiet)[:200], shape(face, None, voice)[:200])


SHAPINGS = st.builds(
    Shaping,
    strength=st.floats(0, 4),
    jaw=st.floats(0, 4),
    lips=st.floats(0, 4),
    upper_face=st.floats(0, 4),
    smoothing=st.floats(0, 1),
    symmetry=st.floats(0, 1),
    close_offset=st.floats(-0.3, 0.3),
    gains=st.dictionaries(st.sampled_from(ARKIT.channels), st.floats(0, 4), max_size=3),
    limits=st.dictionaries(st.sampled_from(ARKIT.channels), st.floats(0, 1), max_size=3),
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_rounding_passes_neither_end() -> None:
    shaping = Shaping(upper_face=1.0, smoothing=0.0, gains={"eyeBlinkLeft": 3.82212737016924})
    made = shape(np.ones((3, WIDTH), np.float32), shaping, np.zeros(3, np.float32))
    assert 0 <= made.min() <= made.max() <= 1


@settings(deadline=None, max_examples=150)
@given(
    SHAPINGS,
    hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.just(WIDTH)), elements=FINITE),
    st.lists(FINITE, min_size=5, max_size=5),
)
def test_any_finite_input_gives_weights(shaping: Shaping, raw: Float32, voice: list[float]) -> None:
    made = shape(raw, shaping, np.array(voice[: len(raw)]))
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= 1
    assert np.all(column(made, "mouthClose") <= column(made, "jawOpen") + 0.1 + 1e-6)
    assert np.all(column(made, "tongueOut") <= 2 * column(made, "jawOpen") + 1e-6)
    for name in ARKIT.channels:
        assert column(made, name).max() <= shaping.limit(name) + 1e-6 or name == "mouthClose"


def test_lips_that_are_pressed_close_over_the_jaw_that_is_there() -> None:
    """All weights at once part the lips that mouthClose closes: the lips give way, not the jaw below them."""
    raw = np.ones((1, WIDTH), np.float32)
    raw[:, ARKIT.index("jawOpen")] = 0.25
    made = shape(raw, Shaping(smoothing=0, symmetry=0), np.ones(1, np.float32))
    assert np.all(column(made, "mouthClose") <= column(made, "jawOpen") + 0.1 + 1e-6)


# limits, gains, symmetry


def test_plain_settings_change_nothing_but_rates() -> None:
    face = np.repeat(walk(8, seed=4), 40, axis=0)
    face[:, ARKIT.index("mouthClose")] *= 0.1
    face[:, ARKIT.index("tongueOut")] = 0
    for name in ("eyeWideLeft", "eyeWideRight"):
        face[:, ARKIT.index(name)] = 0
    np.testing.assert_allclose(shape(face, PLAIN)[39::40], face[39::40], atol=1e-6)


@pytest.mark.parametrize("limit", [0.3, 0.6, 0.85])
def test_limits_are_soft(limit: float) -> None:
    ramp = np.linspace(0, 1, 400)
    made = column(shape(only(400, jawOpen=ramp), Shaping(smoothing=0, limits={"jawOpen": limit})), "jawOpen")
    assert made.max() == pytest.approx(limit, abs=1e-3)
    low = ramp < 0.55 * limit
    np.testing.assert_allclose(made[low], ramp[low], atol=1e-6)
    slope = np.diff(made) / np.diff(ramp)
    assert slope.min() > 0.02  # never flat: no hard clip
    assert np.abs(np.diff(slope)).max() < 0.05  # no corner
    assert column(shape(only(400, jawOpen=ramp)), "jawOpen").max() <= 0.6


def test_strength() -> None:
    face = walk(200)
    assert not shape(face, Shaping(strength=0, close_offset=0.2)).any()
    half = shape(np.full((60, WIDTH), 0.2, np.float32), Shaping(strength=0.5))[-1]
    np.testing.assert_allclose(half[ARKIT.index("mouthSmileLeft")], 0.1, atol=1e-3)
    assert (
        column(shape(face, Shaping(strength=1.5)), "jawOpen").mean() > column(shape(face), "jawOpen").mean()
    )


def test_gains_reach_their_channels() -> None:
    face = np.full((60, WIDTH), 0.2, np.float32)
    base = shape(face, Shaping(symmetry=0))[-1]
    for setting, inside, outside in (
        ("jaw", "jawOpen", "mouthSmileLeft"),
        ("lips", "mouthFunnel", "jawOpen"),
        ("upper_face", "browInnerUp", "mouthFunnel"),
    ):
        values: dict[str, float] = {setting: 1.5}
        made = shape(face, Shaping(symmetry=0, **values))[-1]  # type: ignore[arg-type]
        assert made[ARKIT.index(inside)] == pytest.approx(1.5 * base[ARKIT.index(inside)], abs=1e-3)
        assert made[ARKIT.index(outside)] == pytest.approx(base[ARKIT.index(outside)])
    made = shape(face, Shaping(gains={"mouthPucker": 2.0}))[-1]
    assert made[ARKIT.index("mouthPucker")] == pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize("jaw", [0.5, 1.0, 1.8])
def test_a_closure_stays_closed_at_any_jaw_gain(jaw: float) -> None:
    face = only(60, jawOpen=0.3, mouthClose=0.3)
    made = shape(face, Shaping(jaw=jaw))[-1:]
    assert column(made, "mouthClose")[0] >= column(made, "jawOpen")[0] - 1e-6


def test_symmetry() -> None:
    face = only(60, mouthSmileLeft=0.6, mouthSmileRight=0.2, jawLeft=0.3, mouthRight=0.2)
    none, half, full = (shape(face, Shaping(symmetry=s))[-1:] for s in (0.0, 0.5, 1.0))
    assert column(none, "mouthSmileLeft")[0] == pytest.approx(0.6, abs=1e-3)
    assert column(half, "mouthSmileLeft")[0] == pytest.approx(0.5, abs=1e-3)
    assert column(full, "mouthSmileLeft") == column(full, "mouthSmileRight")
    assert column(none, "jawLeft")[0] > 0.2
    assert column(full, "jawLeft")[0] == column(full, "mouthRight")[0] == 0


def test_symmetry_lets_the_eyes_alone() -> None:
    made = shape(only(60, eyeBlinkLeft=1.0, eyeLookOutLeft=0.5, eyeLookInRight=0.5), Shaping(symmetry=1))
    assert column(made, "eyeBlinkLeft")[-1] == pytest.approx(1.0)
    assert column(made, "eyeBlinkRight")[-1] == 0
    assert column(made, "eyeLookOutRight")[-1] == 0


def test_close_offset_moves_the_lips() -> None:
    face = only(60, jawOpen=0.2, mouthClose=0.1)
    gaps = [aperture(shape(face, Shaping(close_offset=o)))[-1] for o in (-0.1, 0.0, 0.1)]
    np.testing.assert_allclose(np.diff(gaps), -0.1, atol=5e-3)


def test_what_one_channel_demands_of_another() -> None:
    made = shape(only(60, mouthClose=0.9, tongueOut=1.0, jawOpen=0.1, eyeWideLeft=0.8, eyeBlinkLeft=1.0))
    assert column(made, "mouthClose")[-1] == pytest.approx(0.2, abs=1e-3)
    assert column(made, "tongueOut")[-1] == pytest.approx(0.2, abs=1e-3)
    assert column(made, "eyeWideLeft")[-1] == pytest.approx(0, abs=1e-6)


# smoothing and closures


def test_closures_are_kept() -> None:
    face, apexes = syllables()
    asked = depths(face, apexes)
    kept = depths(shape(face, Shaping(limits={"jawOpen": 1.0})), apexes) / asked
    blunt = np.stack([np.convolve(face[:, c], np.ones(5) / 5, "same") for c in range(WIDTH)], axis=1)
    averaged = depths(np.asarray(blunt, np.float32), apexes) / asked
    assert kept.mean() >= 0.95
    assert np.percentile(kept, 10) >= 0.9
    assert averaged.mean() < 0.9


def test_every_style_closes_the_lips_in_the_same_curve_frames() -> None:
    face, apexes = syllables(noise=0.0)
    for name, played in styles().items():
        gap = aperture(shape(face, played.shaping))
        floor = np.array([gap[a - 1 : a + 3].min() for a in apexes])
        assert floor.max() < 0.02, name


def test_a_closure_is_met_at_once() -> None:
    face = np.concatenate(
        [only(30, jawOpen=0.35), only(3, jawOpen=0.3, mouthClose=0.3), only(30, jawOpen=0.35)]
    )
    gap = aperture(shape(face))
    assert gap[29] > 0.3
    assert gap[30] < 0.04
    assert abs(gap[31]) < 0.01


def test_smoothing_quiets_jitter() -> None:
    rng = np.random.default_rng(0)
    face = np.asarray(0.3 + rng.normal(0, 0.02, (2000, WIDTH)), np.float32)
    jitter = [np.diff(shape(face, Shaping(smoothing=s, symmetry=0)), axis=0).std() for s in (0, 0.5, 1.0)]
    assert jitter[1] < 0.65 * jitter[0]
    assert jitter[2] < 0.25 * jitter[0]


def test_smoothing_lags_little() -> None:
    t = np.arange(1000) / CURVE_HZ
    jaw = 0.25 + 0.2 * np.sin(2 * np.pi * 3.0 * t)
    made = column(shape(only(1000, jawOpen=jaw), Shaping(limits={"jawOpen": 1.0})), "jawOpen")
    lags = [np.corrcoef(jaw[: -k or None], made[k:])[0, 1] for k in range(5)]
    assert int(np.argmax(lags)) <= 1
    assert np.ptp(made[100:]) > 0.9 * 0.4


def test_only_what_is_not_the_mouth_is_held_to_a_rate() -> None:
    rng = np.random.default_rng(1)
    face = np.asarray(rng.random((400, WIDTH)) > 0.5, np.float32)
    step = np.diff(shape(face, PLAIN), axis=0)
    assert np.abs(step[:, ARKIT.index("browInnerUp")]).max() <= 5 / CURVE_HZ + 1e-6
    assert np.abs(step[:, ARKIT.index("jawOpen")]).max() > 0.9


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_smoothing_changes_no_contact(smoothing: float) -> None:
    face, _ = syllables(noise=0.03)
    made = shape(face, Shaping(smoothing=smoothing))
    asked, got = lip_gap(face), lip_gap(made)
    assert 0.1 < (asked < CLOSED_GAP).mean() < 0.6
    assert ((asked < CLOSED_GAP) == (got < CLOSED_GAP))[np.abs(asked - CLOSED_GAP) > 0.01].all()


def test_a_lip_that_bites_meets_the_teeth_at_once() -> None:
    wide, bite = only(30, jawOpen=0.3, mouthFunnel=0.2), only(3, jawOpen=0.1, mouthClose=0.06)
    made = shape(np.concatenate([wide, bite, wide]))
    drop = made.astype(np.float64) @ DROP
    assert drop[29] > 0.5
    assert drop[30:33].max() < TEETH_DROP


# rest


def voiced(*parts: tuple[int, float]) -> Float32:
    return np.concatenate([np.full(count, value, np.float32) for count, value in parts])


def test_silence_rests_the_mouth() -> None:
    raw = walk(200)
    raw[100:, ARKIT.index("jawOpen")], raw[100:, ARKIT.index("mouthClose")] = 0.5, 0
    made = shape(raw, None, voiced((100, 1), (100, 0)))
    mouth = [i for i, n in enumerate(ARKIT.channels) if n.startswith(("jaw", "mouth"))]
    assert not made[100 + 30 :, mouth].any()  # whatever the engine says
    upper = [ARKIT.index("browInnerUp"), ARKIT.index("eyeBlinkLeft")]
    assert made[110:, upper].any()


def test_a_murmur_of_the_room_rests_sooner() -> None:
    made = column(shape(only(100, jawOpen=0.014), None, voiced((50, 1), (50, 0.03))), "jawOpen")
    assert made[49] > 0.01
    assert not made[50 + 12 :].any()
    held = column(shape(only(100, jawOpen=0.5), None, voiced((50, 1), (50, 0))), "jawOpen")
    assert np.abs(np.diff(held)[45:]).max() < 0.3  # no pop


def test_a_mouth_may_open_ahead_of_its_voice() -> None:
    raw = np.concatenate([np.zeros(60), np.linspace(0, 0.3, 8), np.full(32, 0.3)])
    made = column(shape(only(100, jawOpen=raw), None, voiced((67, 0), (33, 1))), "jawOpen")
    assert made[66] > 0.7 * raw[66]
    assert not made[:60].any()


@pytest.mark.parametrize("doubt", [0.0, 0.05, 0.2])
def test_a_voice_in_doubt_shuts_no_vowel(doubt: float) -> None:
    raw = 0.06 + 0.05 * np.sin(np.arange(120) * 0.5)  # weak vowels in noise
    made = lip_gap(shape(only(120, jawOpen=raw), None, voiced((50, 1), (10, doubt), (60, 1))))
    assert (made >= CLOSED_GAP)[lip_gap(only(120, jawOpen=raw)) > CLOSED_GAP].all()


def test_speech_after_silence_starts_without_a_pop() -> None:
    voice = np.concatenate([np.zeros(50), np.ones(50)]).astype(np.float32)
    jaw = column(shape(only(100, jawOpen=0.5), None, voice), "jawOpen")
    assert jaw[49] == 0
    assert 0 < jaw[50] < 0.35
    assert jaw[52] > 0.4


# settings


def test_bad_settings_are_refused() -> None:
    for part in fields(Shaping):
        if part.name in ("gains", "limits"):
            continue
        for value in (-1.0, 9.0, math.nan, math.inf, "x", True):
            with pytest.raises(SettingError, match=rf"'{part.name}' must lie in \[.*\], got"):
                Shaping(**{part.name: value})  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"limits\[jawOpen\]"):
        Shaping(limits={"jawOpen": 1.2})
    with pytest.raises(SettingError, match=r"gains\[jawOpen\]"):
        Shaping(gains={"jawOpen": -0.1})
    with pytest.raises(RigError, match=r"'jawopen'; nearest: jawOpen"):
        Shaping(gains={"jawopen": 1.0})
    with pytest.raises(SettingError, match="natural, serious, lively, cartoon, got 'opera'"):
        style("opera")


def test_bad_input_is_refused() -> None:
    with pytest.raises(RigError, match=r"\(T, 52\)"):
        shape(np.zeros((3, 51), np.float32))
    with pytest.raises(RigError, match="finite"):
        shape(np.full((3, WIDTH), np.nan, np.float32))
    with pytest.raises(RigError, match="finite"):
        shape(np.full((3, WIDTH), np.inf, np.float32))
    with pytest.raises(RigError, match="activity"):
        ShapingStream().push(np.zeros((3, WIDTH), np.float32), np.zeros(2, np.float32))


def test_styles_travel_to_other_processes() -> None:
    for played in styles().values():
        assert pickle.loads(pickle.dumps(played)) == played
        assert isinstance(hash(played), int)


def test_styles_differ() -> None:
    face = walk(400)
    jaws = {name: column(shape(face, played.shaping), "jawOpen").mean() for name, played in styles().items()}
    assert jaws["serious"] < jaws["natural"] < jaws["lively"] < jaws["cartoon"]
    assert {"natural", "serious", "lively", "cartoon"} == set(styles())


@pytest.mark.parametrize("room_db", [None, -55])
def test_the_mouth_is_shut_within_150_ms_of_the_voice(room_db: float | None) -> None:
    speech = soxr.resample(load_voice().speak("Bob is a good boy.").sound.mono(), 24_000, 16_000)
    loud = np.flatnonzero(np.convolve(speech**2, np.ones(160) / 160, "same") > 1e-5)[-1] / 16_000
    heard = np.concatenate([speech, np.zeros(16_000)]).astype(np.float32)
    if room_db is not None:
        heard += noise(len(heard) / 16_000, room_db)[: len(heard)]
    stream = FaceStream(16_000, direction=Direction(life=Life.off()))
    made = join([stream.push(heard), stream.finish()])["jawOpen"]
    assert made.max() > 0.1
    assert made[int((loud + 0.15) * CURVE_HZ) + 1 :].max() < 0.05
