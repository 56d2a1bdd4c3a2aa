"""The articulation engine: parity, exact look-ahead, counts, rest, emotion vectors, faults."""

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
from rhapsode.face.engine_frames import joined
from rhapsode.face.features_lpc import HALF, lpc_image
from rhapsode.face.manifests import SHIPPED
from rhapsode.face.reference.articulation import ArticulationEngine
from rhapsode.face.reference.articulation_image import SubFrameStream, sub_frames, windows
from rhapsode.performance import HOP, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.facegood import FACEGOOD, FACEGOOD_TO_ARKIT

JAW = ARKIT.index("jawOpen")


def vowels(count: int, seed: int = 0) -> Float32:
    """Return buzzing vowels of changing formants with pauses, over a faint room."""
    rng = np.random.default_rng(seed)
    t = np.arange(count) / 16_000
    phase = 2 * np.pi * np.cumsum(220 * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * t))) / 16_000
    first = 600 + 300 * np.sin(2 * np.pi * 2.3 * t)
    y = np.zeros(count)
    for k in range(1, 20):
        y += np.exp(-(((k * 220 - first) / 200) ** 2)) * np.sin(k * phase)
    return as_float32(0.2 * y * (np.sin(2 * np.pi * 1.1 * t) > -0.5) + rng.standard_normal(count) * 1e-4)


def run(y: Float32, chunks: int | list[int], style: str | None = None) -> Float32:
    stream = ArticulationEngine.load().stream(style=style)
    edges = list(range(0, len(y), chunks)) if isinstance(chunks, int) else np.cumsum([0, *chunks]).tolist()
    return joined([*(stream.push(part) for part in np.split(y, edges[1:])), stream.finish()]).weights


@pytest.fixture(scope="module")
def whole() -> Float32:
    return run(vowels(24_123), 10**9)


def test_it_moves_the_mouth_and_nothing_else(whole: Float32) -> None:
    assert whole.shape == (76, 52)
    assert whole.dtype == np.float32
    assert whole.min() >= 0
    assert whole.max() <= 1
    assert whole[:, JAW].max() > 0.1
    upper = [c for c, name in enumerate(ARKIT.channels) if name.startswith(("eye", "brow", "tongue"))]
    assert not whole[:, upper].any()


@pytest.mark.parametrize("chunk", [160, 961])
def test_streamed_equals_whole(whole: Float32, chunk: int) -> None:
    """Worst difference over these sizes: 1e-7."""
    assert np.abs(run(vowels(24_123), chunk) - whole).max() < 1e-5


@pytest.mark.parametrize("chunk", [1, 7])
def test_tiny_chunks_equal_whole(chunk: int) -> None:
    y = vowels(4_801)
    assert np.abs(run(y, chunk) - run(y, 10**9)).max() < 1e-5


@settings(max_examples=8, deadline=None)
@given(chunks=st.lists(st.integers(0, 3000), min_size=1, max_size=12))
def test_random_chunks_equal_whole(whole: Float32, chunks: list[int]) -> None:
    assert np.abs(run(vowels(24_123), chunks) - whole).max() < 1e-5


@pytest.mark.parametrize("count", [0, 1, 319, 320, 321, 4159, 4161, 70_000])
def test_a_sound_gives_one_curve_frame_every_320_samples(count: int) -> None:
    assert len(run(vowels(count), 10**9)) == -(-count // HOP)


def test_a_curve_frame_comes_with_the_last_sample_it_needs() -> None:
    engine = ArticulationEngine.load()
    assert engine.look_ahead_samples == HALF == 4160
    stream = engine.stream()
    y = vowels(HALF + 3 * HOP)
    counts = [len(stream.push(y[at : at + 1])) for at in range(len(y))]
    assert np.flatnonzero(counts).tolist() == [HALF - 1 + k * HOP for k in range(4)]


def test_the_future_beyond_the_look_ahead_changes_nothing() -> None:
    y = vowels(16_000)
    other = y.copy()
    cut = 9_000
    other[cut:] = 0.3 * np.random.default_rng(1).standard_normal(len(y) - cut)
    same = (cut - HALF) // HOP + 1
    was, now = run(y, 10**9), run(other, 10**9)
    assert np.abs(was[:same] - now[:same]).max() < 1e-6
    assert np.abs(was[same : same + 5] - now[same : same + 5]).max() > 1e-4


def test_the_sub_frames_are_the_lpc_image() -> None:
    y = vowels(5_000)
    image = sub_frames(y)[windows(0, 16)].transpose(0, 2, 1)
    assert np.array_equal(image[:, 1:], lpc_image(y, rate=50)[:, 1:])
    stream = SubFrameStream()
    parts = [*(stream.push(part) for part in np.array_split(y, 99)), stream.finish()]
    assert np.array_equal(np.concatenate(parts), sub_frames(y))


@pytest.mark.parametrize("gain", [0.05, 3.0])
def test_loudness_changes_little(whole: Float32, gain: float) -> None:
    """The mouth is the same 26 dB down: a constant gain cancels."""
    assert np.abs(run(as_float32(vowels(24_123) * gain), 10**9) - whole).max() < 0.01


@pytest.mark.parametrize("level", [0.0, 0.003, 0.1])
def test_the_mouth_rests_where_nobody_speaks(level: float) -> None:
    hiss = as_float32(np.random.default_rng(3).standard_normal(32_000) * level)
    for style in ArticulationEngine.load().styles:
        assert run(hiss, 10**9, style)[:, JAW].mean() < 0.08, style


def test_every_style_changes_the_face() -> None:
    """Each differs from the default by .02 in the mean of some channel over the same sound, at least."""
    engine = ArticulationEngine.load()
    assert engine.styles[0] == "neutral"
    assert len(engine.styles) >= 4
    y = vowels(48_000)
    rest = run(y, 10**9)
    for style in engine.styles[1:]:
        assert np.abs(run(y, 10**9, style) - rest).mean(axis=0).max() > 0.02, style


def test_emotion_vectors_mix() -> None:
    engine = ArticulationEngine.load()
    one, other = (engine.emotion(style) for style in engine.styles[1:3])
    halves = engine.emotion({engine.styles[1]: 0.5, engine.styles[2]: 0.5})
    assert np.allclose(halves, (one + other) / 2 + 0 * engine.emotion(), atol=1e-6)
    assert np.array_equal(engine.emotion(), engine.emotion("neutral"))
    y = vowels(16_000)
    stream = engine.stream(mix={engine.styles[1]: 1.0})
    mixed = joined([stream.push(y), stream.finish()]).weights
    assert np.array_equal(mixed, run(y, 10**9, engine.styles[1]))


def test_the_emotion_may_change_on_the_way() -> None:
    engine = ArticulationEngine.load()
    y = vowels(16_000)
    stream = engine.stream()
    parts = [stream.push(y[:8_000])]
    stream.emotion = engine.emotion(engine.styles[1])
    parts += [stream.push(y[8_000:]), stream.finish()]
    made, count = joined(parts).weights, len(parts[0])
    assert np.abs(made[:count] - run(y, 10**9)[:count]).max() < 1e-5
    assert np.abs(made[count:] - run(y, 10**9, engine.styles[1])[count:]).max() < 1e-5


def test_the_shapes_are_facegoods() -> None:
    y = vowels(16_000)
    stream = ArticulationEngine.load().stream()
    shapes = np.concatenate([stream.push_shapes(y), stream.finish_shapes()])
    assert shapes.shape == (50, len(FACEGOOD))
    assert np.array_equal(FACEGOOD_TO_ARKIT.apply(shapes), run(y, 10**9))


def test_wrong_settings_are_named() -> None:
    engine = ArticulationEngine.load()
    with pytest.raises(SettingError, match=r"style must be one of neutral, .*, got 'grumpy'"):
        engine.stream(style="grumpy")
    with pytest.raises(SettingError, match="got 'grumpy'"):
        engine.stream(mix={"neutral": 1, "grumpy": 1})
    with pytest.raises(SettingError, match=r"share of engine style .neutral.* got nan"):
        engine.emotion({"neutral": float("nan")})
    with pytest.raises(SettingError, match=r"16 finite numbers, got shape \(3,\)"):
        engine.stream().emotion = np.zeros(3, np.float32)


def _damaged(folder: Path, **changes: Any) -> Path:
    shutil.copy(SHIPPED / "articulation.onnx", folder)
    manifest = json.loads((SHIPPED / "articulation.json").read_text()) | changes
    path = folder / "articulation.json"
    path.write_text(json.dumps({k: v for k, v in manifest.items() if v is not None}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "audio2exp"}, 'kind is "audio2exp", expected "articulation"'),
        ({"rig": None}, "lacks .*rig"),
        ({"sha256": "0" * 64}, "have sha256 .*expected 0000"),
        ({"file": "absent.onnx"}, "cannot be read"),
        ({"default_style": "grumpy"}, "contradicts itself: default style 'grumpy'"),
        ({"emotions": {"neutral": [0, 1], "wide": [0]}}, "vectors of one length"),
        ({"emotions": {"neutral": "x"}}, "is malformed"),
        ({"emotions": {"neutral": [0.0]}, "default_style": "neutral"}, "belongs to another file"),
        ({"formants": 7}, "belongs to another file"),
        ({"look_ahead_samples": 640}, "look_ahead_samples is 640, expected 4160"),
    ],
)
def test_weights_that_fail_their_check(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        ArticulationEngine.load(_damaged(tmp_path, **changes))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = _damaged(tmp_path)
    weights = tmp_path / "articulation.onnx"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="have sha256"):
        ArticulationEngine.load(path)
    with pytest.raises(WeightsError, match="cannot be read"):
        ArticulationEngine.load(tmp_path / "absent.json")
