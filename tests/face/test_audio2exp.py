"""The reference engine audio2exp and its basis: parity, causality, counts, level, rest; damaged files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rhapsode.errors import InputError, SettingError, WeightsError
from rhapsode.face.engine_frames import EngineFrames, FaceEngine, joined
from rhapsode.face.manifests import SHIPPED
from rhapsode.face.reference import basis
from rhapsode.face.reference.audio2exp import Audio2ExpEngine
from rhapsode.face.reference.basis import COEFFICIENTS, SPEECH, decode, encode, published, read_basis
from rhapsode.performance import HOP, Float32, as_float32
from rhapsode.rigs import ARKIT

JAW = ARKIT.index("jawOpen")
FILES = ("audio2exp.json", "audio2exp.onnx")


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
        shape = np.exp(-(((hz - first) / 150) ** 2)) + 0.5 * np.exp(-(((hz - second) / 250) ** 2))
        y += shape * np.sin(k * phase)
    y *= 0.15 * (np.sin(2 * np.pi * 1.1 * t) > -0.6)
    return as_float32(y + rng.standard_normal(count) * 3e-4)


def run(y: Float32, chunk: int | list[int], style: str | None = None) -> EngineFrames:
    stream = Audio2ExpEngine.load().stream(style=style)
    edges = range(0, len(y), chunk) if isinstance(chunk, int) else np.cumsum([0, *chunk]).tolist()
    parts = [stream.push(part) for part in np.split(y, list(edges)[1:])]
    return joined([*parts, stream.finish()])


def difference(one: EngineFrames, other: EngineFrames) -> float:
    """Return the greatest difference of any number that two engines say."""
    assert one.activity is not None
    assert other.activity is not None
    assert one.visemes is not None
    assert other.visemes is not None
    pairs = ((one.weights, other.weights), (one.activity, other.activity), (one.visemes, other.visemes))
    return max(float(np.abs(a - b).max(initial=0)) for a, b in pairs)


@pytest.fixture(scope="module")
def whole() -> EngineFrames:
    return run(babble(32_123), 10**9)


def faces(count: int, seed: int = 0) -> Float32:
    """Return (count, 52) random faces whose mouth and jaw go to one side at a time."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0, 1, (count, len(ARKIT)))
    left = rng.uniform(size=count) < 0.5
    for part in ("jaw", "mouth"):
        weights[left, ARKIT.index(f"{part}Right")] = 0
        weights[~left, ARKIT.index(f"{part}Left")] = 0
    return as_float32(weights)


def test_the_basis_holds_every_face() -> None:
    """Worst difference over these faces: 5e-7."""
    weights = faces(500)
    coefficients = encode(weights)
    assert coefficients.shape == (500, COEFFICIENTS)
    assert np.abs(decode(coefficients) - weights).max() < 2e-6
    assert np.abs(encode(decode(coefficients)) - coefficients).max() < 2e-6
    assert not decode(np.zeros((1, COEFFICIENTS), np.float32)).any()


def test_the_basis_is_well_conditioned_and_named() -> None:
    made = published()
    assert np.linalg.cond(made.to_weights) < 1.5
    assert len(set(made.names)) == COEFFICIENTS
    assert all(made.meanings)
    assert (made.low < made.high).all()
    assert (made.low <= 0).all()
    assert np.linalg.matrix_rank(made.to_weights) == COEFFICIENTS


def test_the_two_sides_of_a_jaw_are_one_coefficient() -> None:
    side = published().names.index("jawSide")
    for name, sign in (("jawLeft", 1), ("jawRight", -1)):
        weights = np.zeros((1, 52), np.float32)
        weights[0, ARKIT.index(name)] = 0.7
        coefficients = encode(weights)
        assert coefficients[0, side] == pytest.approx(0.7 * sign)
        assert np.count_nonzero(np.abs(coefficients) > 1e-6) == 1


def test_clamp_keeps_to_the_range() -> None:
    made = published()
    far = np.array([[10.0], [-10.0]], np.float32) * np.ones(COEFFICIENTS, np.float32)
    assert np.array_equal(made.clamp(far), np.stack([made.high, made.low]))


def test_the_basis_refuses_other_shapes_and_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights must be \(T, 52\), got \(3, 51\)"):
        encode(np.zeros((3, 51), np.float32))
    with pytest.raises(InputError, match=r"coefficients must be \(T, 50\), got \(50,\)"):
        decode(np.zeros(50, np.float32))
    raw = json.loads(basis.PUBLISHED.read_text())
    for changed, message in (
        ({"format": 9}, "format 9"),
        ({"channels": ["jawOpen"]}, "another version"),
        ({"to_weights": raw["to_weights"][1:]}, "sizes"),
        ({"to_weights": "no"}, "cannot be read"),
    ):
        (tmp_path / "b.json").write_text(json.dumps(raw | changed))
        with pytest.raises(WeightsError, match=message):
            read_basis(tmp_path / "b.json")
    del raw["coefficients"]
    (tmp_path / "b.json").write_text(json.dumps(raw))
    with pytest.raises(WeightsError, match="it lacks coefficients"):
        read_basis(tmp_path / "b.json")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_basis(tmp_path / "absent.json")


def test_it_moves_the_mouth_and_nothing_else(whole: EngineFrames) -> None:
    weights = whole.weights
    assert weights.shape == (101, 52)
    assert weights.dtype == np.float32
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert weights[:, JAW].max() > 0.15
    assert np.abs(encode(weights)[:, SPEECH:]).max() < 1e-6


def test_it_says_activity_and_visemes(whole: EngineFrames) -> None:
    assert whole.activity is not None
    assert whole.visemes is not None
    assert whole.stress is None
    assert whole.activity.max() > 0.9
    assert whole.visemes.sum(axis=1) == pytest.approx(np.ones(101), abs=1e-5)


@pytest.mark.parametrize("chunk", [7, 160, 961])
def test_streamed_equals_whole(whole: EngineFrames, chunk: int) -> None:
    assert difference(run(babble(32_123), chunk), whole) < 1e-5


def test_single_samples_equal_whole() -> None:
    y = babble(6_401)
    assert difference(run(y, 1), run(y, 10**9)) < 1e-5


@settings(max_examples=10, deadline=None)
@given(chunks=st.lists(st.integers(0, 3000), min_size=1, max_size=20))
def test_random_chunks_equal_whole(whole: EngineFrames, chunks: list[int]) -> None:
    assert difference(run(babble(32_123), chunks), whole) < 1e-5


def test_blocks_equal_one_call(monkeypatch: pytest.MonkeyPatch, whole: EngineFrames) -> None:
    monkeypatch.setattr("rhapsode.face.reference.audio2exp._BLOCK", 4000)
    monkeypatch.setattr("rhapsode.face.reference.audio2exp._ROWS", 5)
    assert difference(run(babble(32_123), 10**9), whole) < 1e-5


@pytest.mark.parametrize("count", [0, 1, 319, 320, 321, 640, 641, 960, 961, 5000])
def test_a_sound_gives_one_frame_per_begun_hop(count: int) -> None:
    made = run(babble(count), 500)
    assert len(made) == -(-count // HOP)
    assert made.visemes is not None
    assert made.visemes.shape == (len(made), 15)


@pytest.mark.parametrize("frame", [0, 20, 41])
def test_causality_at_exactly_the_declared_look_ahead(frame: int) -> None:
    engine: FaceEngine = Audio2ExpEngine.load()
    assert engine.look_ahead_samples == 960
    y = babble(20_000)
    edge = HOP * frame + engine.look_ahead_samples
    future, last = y.copy(), y.copy()
    future[edge:] = np.random.default_rng(1).standard_normal(len(y) - edge)
    assert np.abs(run(future, 10**9).weights - run(y, 10**9).weights)[: frame + 1].max() < 1e-6
    last[edge - 150 : edge] = 0.5 * np.sign(np.sin(np.arange(150)))
    changed = np.abs(run(last, 10**9).weights - run(y, 10**9).weights)
    assert changed[frame].max() > 1e-6


@pytest.mark.parametrize("gain_db", [-20, 12])
def test_the_level_does_not_matter(whole: EngineFrames, gain_db: float) -> None:
    quiet = run(as_float32(babble(32_123) * 10 ** (gain_db / 20)), 10**9)
    assert np.abs(quiet.weights - whole.weights).max() < 1e-3


def test_it_rests_in_silence_and_noise() -> None:
    silence = run(np.zeros(160_000, np.float32), 10**9).weights[:, JAW]
    assert silence.mean() < 0.01
    noise = as_float32(np.random.default_rng(0).standard_normal(160_000) * 0.003)
    assert run(noise, 10**9).weights[:, JAW].mean() < 0.03


def test_streams_do_not_share_state(whole: EngineFrames) -> None:
    engine = Audio2ExpEngine.load()
    one, other = engine.stream(), engine.stream()
    y, noise = babble(32_123), as_float32(np.random.default_rng(2).standard_normal(32_123))
    made = []
    for k in range(0, len(y), 800):
        made.append(one.push(y[k : k + 800]))
        other.push(noise[k : k + 800])
    assert difference(joined([*made, one.finish()]), whole) < 1e-5


def test_styles_differ_and_unknown_ones_are_refused() -> None:
    engine, y = Audio2ExpEngine.load(), babble(16_000)
    assert {"natural", "articulated", "grid", "facegood"} <= set(engine.styles)
    one, other = run(y, 10**9, "grid").weights, run(y, 10**9, "articulated").weights
    assert np.abs(one - other).max() > 0.02
    with pytest.raises(SettingError, match=r"engine style must be one of natural.* got 'x'"):
        engine.stream(style="x")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(SHIPPED / name, tmp_path)
    return tmp_path / FILES[0]


def changed(manifest: Path, **keys: Any) -> None:
    raw = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({k: v for k, v in (raw | keys).items() if v is not None}))


def test_a_copy_elsewhere_works(copied: Path) -> None:
    assert Audio2ExpEngine.load(copied).manifest.weights == copied.with_suffix(".onnx")


def test_damaged_weights_are_refused_also_after_loading(copied: Path) -> None:
    Audio2ExpEngine.load(copied)
    content = bytearray((copied.with_suffix(".onnx")).read_bytes())
    content[1000] ^= 1
    copied.with_suffix(".onnx").write_bytes(content)
    with pytest.raises(WeightsError, match=r"have sha256 .* expected"):
        Audio2ExpEngine.load(copied)
    copied.with_suffix(".onnx").unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        Audio2ExpEngine.load(copied)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"sha256": None}, r"lacks \['sha256'\]"),
        ({"extra": 1}, r"unknown \['extra'\]"),
        ({"kind": "live"}, 'kind is "live", expected "audio2exp"'),
        ({"format": 7}, "format is 7, expected 1"),
        ({"look_ahead_samples": 640}, "look_ahead_samples is 640, expected 960"),
        ({"default_style": "sad"}, "contradicts itself: default style 'sad'"),
        ({"closure": {"low": 0.9, "high": 0.1, "hold": 1}}, "closure is"),
        ({"closure": {"low": 0.1, "high": 0.9, "hold": 0}}, "closure hold is 0"),
        ({"closure": {"low": 0.1, "high": 0.9, "hold": 1, "noise": [[9, 0]]}}, "closure noise is"),
        ({"state": [[1, 2]]}, "the manifest belongs to another file"),
        ({"basis": {"sha256": "0"}}, "speak in a basis with sha256 0"),
        ({"styles": {"natural": [[1.0]]}}, "style tables"),
        ({"moves": []}, "is malformed"),
    ],
)
def test_manifests_that_do_not_fit_are_refused(copied: Path, keys: dict[str, Any], message: str) -> None:
    changed(copied, **keys)
    with pytest.raises(WeightsError, match=message):
        Audio2ExpEngine.load(copied)


def test_a_manifest_that_is_no_json_is_refused(copied: Path) -> None:
    copied.write_text("[]")
    with pytest.raises(WeightsError, match="not a JSON object"):
        Audio2ExpEngine.load(copied)
    with pytest.raises(WeightsError, match="cannot be read"):
        Audio2ExpEngine.load(copied.with_name("absent.json"))


def test_a_file_that_is_no_network_is_refused(copied: Path) -> None:
    import hashlib

    copied.with_suffix(".onnx").write_bytes(b"no network")
    changed(copied, sha256=hashlib.sha256(b"no network").hexdigest())
    with pytest.raises(WeightsError, match="are no ONNX network"):
        Audio2ExpEngine.load(copied)
