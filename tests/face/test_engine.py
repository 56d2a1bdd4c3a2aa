"""The shipped engine: parity, causality, counts, level, rest; and weights that fail their check."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.errors import SettingError, WeightsError
from rhapsode.face.contacts import Closure, Contacts, bite, touch
from rhapsode.face.engine import Engine
from rhapsode.face.engine_frames import VISEMES, EngineFrames, joined
from rhapsode.face.manifests import SHIPPED
from rhapsode.performance import HOP, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, TEETH_DROP, lip_gap, lower_lip_drop

JAW = ARKIT.index("jawOpen")


def babble(count: int, seed: int = 0) -> Float32:
    """Return buzzing vowels of changing formants with pauses, over a faint room."""
    rng = np.random.default_rng(seed)
    t = np.arange(count) / 16_000
    pitch = 120 * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / 16_000
    first, second = 500 + 300 * np.sin(2 * np.pi * 2.3 * t), 1500 + 600 * np.sin(2 * np.pi * 1.7 * t)
    y = np.zeros(count)
    for k in range(1, 30):
        hz = k * pitch
        y += (np.exp(-(((hz - first) / 150) ** 2)) + 0.5 * np.exp(-(((hz - second) / 250) ** 2))) * np.sin(
            k * phase
        )
    y *= 0.15 * (np.sin(2 * np.pi * 1.1 * t) > -0.6)
    return as_float32(y + rng.standard_normal(count) * 3e-4)


def run(y: Float32, chunk: int | list[int], style: str | None = None) -> Float32:
    stream = Engine.load().stream(style=style)
    edges = range(0, len(y), chunk) if isinstance(chunk, int) else np.cumsum([0, *chunk]).tolist()
    parts = [stream.push(part) for part in np.split(y, list(edges)[1:])]
    return joined([*parts, stream.finish()]).weights


@pytest.fixture(scope="module")
def whole() -> Float32:
    return run(babble(32_123), 10**9)


def test_it_moves_the_mouth_and_nothing_else(whole: Float32) -> None:
    assert whole.shape == (101, 52)
    assert whole.dtype == np.float32
    assert whole.min() >= 0
    assert whole.max() <= 1
    assert whole[:, JAW].max() > 0.15
    eyes = [c for c, name in enumerate(ARKIT.channels) if name.startswith(("eye", "brow"))]
    assert not whole[:, eyes].any()


@pytest.mark.parametrize("chunk", [7, 160, 961])
def test_streamed_equals_whole(whole: Float32, chunk: int) -> None:
    assert np.abs(run(babble(32_123), chunk) - whole).max() < 1e-5


def test_single_samples_equal_whole() -> None:
    y = babble(6_401)
    assert np.abs(run(y, 1) - run(y, 10**9)).max() < 1e-5


@settings(max_examples=15, deadline=None)
@given(chunks=st.lists(st.integers(0, 3000), min_size=1, max_size=20))
def test_random_chunks_equal_whole(whole: Float32, chunks: list[int]) -> None:
    assert np.abs(run(babble(32_123), chunks) - whole).max() < 1e-5


def test_blocks_equal_one_call(monkeypatch: pytest.MonkeyPatch, whole: Float32) -> None:
    monkeypatch.setattr("rhapsode.face.engine._BLOCK", 4000)
    assert np.abs(run(babble(32_123), 10**9) - whole).max() < 1e-5


@pytest.mark.parametrize("count", [0, 1, 319, 320, 321, 640, 641, 960, 5000])
def test_a_sound_gives_one_frame_per_begun_hop(count: int) -> None:
    assert len(run(babble(count), 500)) == -(-count // HOP)


@pytest.mark.parametrize("frame", [0, 20, 41])
def test_causality_at_exactly_the_declared_look_ahead(frame: int) -> None:
    engine = Engine.load()
    assert engine.look_ahead_samples <= 640
    y = babble(20_000)
    edge = HOP * frame + engine.look_ahead_samples
    future, last = y.copy(), y.copy()
    future[edge:] = np.random.default_rng(1).standard_normal(len(y) - edge)
    assert np.abs(run(future, 10**9) - run(y, 10**9))[: frame + 1].max() < 1e-6
    last[edge - 150 : edge] = 0.5
    assert np.abs(run(last, 10**9) - run(y, 10**9))[frame].max() > 1e-6


@pytest.mark.parametrize("gain_db", [-40, -20, 12])
def test_level_does_not_matter(whole: Float32, gain_db: float) -> None:
    """Worst change of any weight over these gains: see the model card."""
    loud = as_float32(babble(32_123) * 10 ** (gain_db / 20))
    assert np.abs(run(loud, 10**9) - whole).max() < 0.01


@pytest.mark.parametrize("level_db", [None, -70, -50, -30])
def test_the_mouth_rests_in_silence_and_steady_noise(level_db: float | None) -> None:
    noise = np.random.default_rng(5).standard_normal(80_000)
    y = as_float32(noise * (0 if level_db is None else 10 ** (level_db / 20)))
    frames = run(y, 10**9)
    assert frames[:, JAW].mean() < 0.03
    assert frames.mean(axis=0).max() < 0.05


def test_the_mouth_comes_to_rest_after_speech() -> None:
    y = np.concatenate([babble(32_000), as_float32(np.random.default_rng(6).standard_normal(32_000) * 3e-4)])
    assert run(y, 10**9)[130:, JAW].mean() < 0.05


def test_streams_do_not_share_state(whole: Float32) -> None:
    y = babble(32_123)
    one, other = Engine.load().stream(), Engine.load().stream()
    made = []
    for k in range(0, len(y), 2000):
        made.append(one.push(y[k : k + 2000]))
        other.push(as_float32(np.ones(777) * 0.1))
    assert np.array_equal(joined([*made, one.finish()]).weights, whole)


@pytest.mark.parametrize("jaw", [0.05, 0.1, 0.3, 0.6])
def test_sure_contacts_are_made_on_a_real_head(jaw: float) -> None:
    """Lips meet for p, b, m; for f and v the lower one is at the teeth and the upper one clear of it."""
    weights = np.zeros((4, 52), np.float32)
    weights[:, JAW] = jaw
    for name in ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthFunnel"):
        weights[:, ARKIT.index(name)] = 0.2
    bitten = weights.copy()
    for row, other in zip(weights, bitten, strict=True):
        touch(row, 1.0)
        bite(other, 1.0)
    assert lip_gap(weights).max() < CLOSED_GAP
    assert lower_lip_drop(bitten).max() < TEETH_DROP
    assert lip_gap(bitten).min() > CLOSED_GAP


def silent(count: int) -> Float32:
    return np.eye(15, dtype=np.float32)[[VISEMES.index("sil")] * count]


def test_lips_part_where_a_sound_without_contact_is_heard() -> None:
    weights, none = np.zeros((3, 52), np.float32), np.zeros(3, np.float32)
    weights[:, JAW] = weights[:, ARKIT.index("mouthClose")] = 0.1
    visemes = np.eye(15, dtype=np.float32)[[VISEMES.index(name) for name in ("sil", "PP", "nn")]]
    Contacts(Closure(0.4, 0.6, 1.0), (0.3, 0.6)).make(weights, none, none, visemes, none + 40)
    assert (lip_gap(weights) < CLOSED_GAP).tolist() == [True, True, False]


def test_touching_lips_stay_closed_while_certainty_wavers() -> None:
    """Hysteresis: what is not enough to close the lips is enough to keep them closed."""
    sure = as_float32([0.45, 0.7, 0.45, 0.45, 0.1, 0.45])
    weights = np.zeros((len(sure), 52), np.float32)
    weights[:, JAW] = 0.3
    unsure = np.zeros_like(sure)
    Contacts(Closure(0.4, 0.6, 0.7), (0.3, 0.6)).make(weights, sure, unsure, silent(6), unsure + 40)
    assert (lip_gap(weights) < CLOSED_GAP).tolist() == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("noise", "closed"),
    [
        (((10.0, 1.8), (30.0, 1.0)), [True, False, False, True]),
        (((10.0, 1.0), (30.0, 1.0)), [True, True, True, True]),
        ((), [True, True, True, True]),
    ],
)
def test_in_loud_noise_a_closure_must_be_as_sure_as_its_limits_say(
    noise: tuple[tuple[float, float], ...], closed: list[bool]
) -> None:
    """At 20 dB the limits are half as far raised as at 10, and below the first point as there."""
    weights, none = np.zeros((4, 52), np.float32), np.zeros(4, np.float32)
    weights[:, JAW] = 0.3
    sure, headroom = as_float32([0.41, 0.5, 0.6, 0.73]), as_float32([30, 20, 5, 5])
    Contacts(Closure(0.3, 0.4, 1.0, noise), (0.3, 0.6)).make(weights, sure, none, silent(4), headroom)
    assert (lip_gap(weights) < CLOSED_GAP).tolist() == closed


@pytest.mark.parametrize("noise", [(), ((10.0, 1.7), (20.0, 1.0))])
def test_a_closure_comes_back_from_a_manifest(noise: tuple[tuple[float, float], ...]) -> None:
    closure = Closure(0.2, 0.3, 0.9, noise)
    assert Closure.of(json.loads(json.dumps(closure.facts()))) == closure


def test_a_vowel_vetoes_a_closure() -> None:
    weights = np.zeros((2, 52), np.float32)
    weights[:, JAW] = 0.3
    sure, none, visemes = as_float32([0.9, 0.9]), np.zeros(2, np.float32), silent(2)
    visemes[1] = 0.2 * visemes[1] + 0.8 * np.eye(15, dtype=np.float32)[VISEMES.index("E")]
    Contacts(Closure(0.4, 0.6, 1.0), (0.3, 0.6)).make(weights, sure, none, visemes, none + 40)
    assert (lip_gap(weights) < CLOSED_GAP).tolist() == [True, False]


@pytest.fixture(scope="module")
def spoken() -> EngineFrames:
    stream = Engine.load().stream()
    y = np.concatenate([np.zeros(8000, np.float32), babble(32_000), np.zeros(16_000, np.float32)])
    return joined([stream.push(y), stream.finish()])


def test_the_same_pass_tells_activity_visemes_and_stress(spoken: EngineFrames) -> None:
    assert spoken.activity is not None
    assert spoken.visemes is not None
    assert spoken.stress is not None
    assert spoken.activity.shape == spoken.stress.shape == (len(spoken),)
    assert spoken.visemes.shape == (len(spoken), len(VISEMES))
    assert spoken.visemes.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert spoken.activity[60:100].mean() > 0.6
    assert max(spoken.activity[:20].mean(), spoken.activity[-30:].mean()) < 0.1
    assert 0 <= spoken.stress.min() <= spoken.stress.max() <= 1


def test_styles_are_known_by_name() -> None:
    engine = Engine.load()
    assert engine.channels == ARKIT.channels
    for style in engine.styles:
        assert run(babble(3200), 320, style).shape == (10, 52)
    with pytest.raises(SettingError, match=r"engine style must be one of .*got 'opera'"):
        engine.stream(style="opera")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("live.json", "live.onnx"):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path / "live.json"


def rewrite(manifest: Path, **changes: Any) -> Path:
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))
    return manifest


def test_a_copy_of_the_weights_loads_by_path(copied: Path) -> None:
    engine = Engine.load(copied)
    assert engine.manifest.name == "live"
    assert Engine.load(copied) is engine
    assert Engine.load(rewrite(copied, name="other")).manifest.name == "other"


def test_damaged_weights_are_refused_by_name(copied: Path) -> None:
    content = bytearray((copied.parent / "live.onnx").read_bytes())
    content[1000] ^= 1
    (copied.parent / "live.onnx").write_bytes(content)
    with pytest.raises(
        WeightsError, match=r"live\.onnx have sha256 [0-9a-f]{64}, expected [0-9a-f]{64}.*reinstall"
    ):
        Engine.load(copied)


def test_missing_weights_are_refused_by_name(copied: Path) -> None:
    (copied.parent / "live.onnx").unlink()
    with pytest.raises(WeightsError, match=r"live\.onnx cannot be read"):
        Engine.load(copied)


def test_an_unknown_engine_lists_the_known() -> None:
    with pytest.raises(WeightsError, match=r"no engine 'dead'; give one of .*live"):
        Engine.load("dead")


def noisy(points: object) -> dict[str, Any]:
    return {"closure": {"low": 0.5, "high": 0.6, "hold": 1, "noise": points}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate": 8000}, "sample_rate is 8000, expected 16000"),
        ({"channels": ["jawOpen"]}, "channels is"),
        ({"features": {}}, "features is {}, expected"),
        ({"surprise": 1}, r"unknown \['surprise'\]"),
        ({"styles": {}}, "default style"),
        ({"moves": {"jawOpen": ["jawOpne"]}}, "contradicts itself"),
        ({"look_ahead_samples": 320}, "look_ahead_samples is 320, expected 640"),
        ({"dilations": [1, 2]}, "the manifest belongs to another file"),
        ({"width": 3}, "the manifest belongs to another file"),
        ({"dilations": 3}, "malformed"),
        ({"kind": "puppet"}, "kind is"),
        ({"closure": {"low": 0.5}}, "malformed"),
        ({"closure": {"low": 0.5, "high": 0.6, "hold": 0}}, "closure hold is 0"),
        ({"closure": {"low": 0.5, "high": 0.4, "hold": 1}}, "closure is .*, expected 0 <= low < high <= 1"),
        (noisy([[20, 1.3], [10, 1.7]]), r"closure noise is .*20\.0.*each greater than the one before"),
        (noisy([[10, 1.3], [10, 1.7]]), "closure noise is .*each greater than the one before"),
        (noisy([[10, 0.5]]), r"closure noise is \[\(10\.0, 0\.5\)\], expected .*1 or more; correct"),
        (noisy([[float("nan"), 1.5]]), "closure noise is"),
        (noisy([[10, 1.5, 2]]), "malformed"),
        (noisy(3), "malformed"),
        ({"closure": {"low": 0.5, "high": 0.6, "hold": 1, "nosie": []}}, r"closure has unknown \['nosie'\]"),
        ({"bite": {"low": 0.5}}, "malformed"),
        ({"bite": {"low": 0.5, "high": 1.4}}, "bite is .*, expected 0 <= low < high <= 1"),
    ],
)
def test_a_wrong_manifest_is_refused(copied: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        Engine.load(rewrite(copied, **changes))


def test_a_manifest_that_is_no_json_is_refused(copied: Path) -> None:
    copied.write_bytes(b"\xff\xfe not json")
    with pytest.raises(WeightsError, match="cannot be read"):
        Engine.load(copied)


def test_a_file_that_is_no_network_is_refused(copied: Path) -> None:
    import hashlib

    (copied.parent / "live.onnx").write_bytes(b"not a network")
    rewrite(copied, sha256=hashlib.sha256(b"not a network").hexdigest())
    with pytest.raises(WeightsError, match="no ONNX network"):
        Engine.load(copied)


def test_the_manifest_names_its_sources() -> None:
    manifest = Engine.load().manifest
    assert all({"name", "licence", "attribution"} <= set(source) for source in manifest.data)
    assert manifest.weights.stat().st_size < 5_000_000
