"""The articulation network's training: model, losses, takes, styles and export, on a tiny made-up face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from rhapsode.face.reference.articulation import ArticulationEngine
from rhapsode.face.reference.articulation_image import sub_frames, windows
from rhapsode.performance import Float32, as_float32
from rhapsode.rigs.facegood import FACEGOOD
from rhapsode.train.reference.articulation import EMOTION, ArticulationNet, Normalised, Shape, losses
from rhapsode.train.reference.articulation_export import export
from rhapsode.train.reference.articulation_loop import (
    Plan,
    Trained,
    animate,
    correlation,
    first_emotions,
    jaw_correlation,
    moving_shapes,
    start_basis,
    train,
)
from rhapsode.train.reference.articulation_styles import candidates, excerpt
from rhapsode.train.reference.articulation_takes import (
    LENGTH,
    Pool,
    ShapeTake,
    bent,
    between,
    database_rows,
    heard,
    load_takes,
    nothing_said,
)

FACEGOOD_DATA = Path(__file__).parents[2].parent / "shared" / "data" / "facegood"
JAW, FUNNEL = FACEGOOD.index("mouth_stretch_c"), FACEGOOD.index("mouth_funnel_dl")
TINY = Plan(epochs=1, steps=2, segments=4)


def made_up(name: str, *, seed: int, first: int, seconds: float = 4.0) -> ShapeTake:
    """Return bursts of buzz during which a jaw opens, and a funnel in every second one."""
    rng = np.random.default_rng(seed)
    count = round(seconds * 16_000)
    t = np.arange(count) / 16_000
    loud = np.clip(np.sin(2 * np.pi * 1.5 * t + rng.uniform(0, 6)), 0, 1)
    y = loud * np.sign(np.sin(2 * np.pi * 150 * t)) * 0.2 + rng.standard_normal(count) * 1e-4
    shapes = np.zeros((round(seconds * 30), len(FACEGOOD)), np.float32)
    at = np.minimum((np.arange(len(shapes)) * 16_000 / 30).astype(int), count - 1)
    shapes[:, JAW] = 0.6 * loud[at]
    shapes[:, FUNNEL] = 0.3 * loud[at] * (np.arange(len(shapes)) % 60 < 30)
    return ShapeTake(name, as_float32(y), shapes, 30.0, first)


@pytest.fixture(scope="module")
def takes() -> list[ShapeTake]:
    return [made_up("one", seed=1, first=0), made_up("two", seed=2, first=120)]


@pytest.fixture(scope="module")
def trained(takes: list[ShapeTake], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(takes, TINY, tmp_path_factory.mktemp("work") / "c.pt", left_out=takes[:1])


def test_the_network_is_convolutions_along_formants_then_time() -> None:
    """A plain convolution with the same weights gives the same, worst difference 1e-6."""
    torch.manual_seed(0)
    model = ArticulationNet(Shape(3, (4, 5, 6, 7, 8), 9)).eval()
    columns, emotion = torch.randn(1, 64, 32), torch.randn(1, 1, EMOTION)
    x = columns[0][:, None]
    for k, layer in enumerate(model.formant):
        tap = (3, 3, 3, 3, 2)[k]
        weight = layer.weight.reshape(len(layer.weight), tap, -1).transpose(1, 2)
        x = torch.relu(torch.nn.functional.conv1d(x, weight, layer.bias, stride=2, padding=int(tap == 3)))
    x = x[:, :, 0].T[None]
    for k, layer in enumerate(model.articulation):
        tap = (3, 3, 3, 3, 4)[k]
        weight = layer.weight.reshape(len(layer.weight), tap, -1).transpose(1, 2)
        stride = 4 if tap == 4 else 2
        x = torch.relu(
            torch.nn.functional.conv1d(x, weight, layer.bias, stride=stride, padding=int(tap == 3))
        )
        x = torch.cat([x, emotion.transpose(1, 2).expand(-1, -1, x.shape[2])], dim=1)
    wanted = model.basis(model.detail(x[:, :, 0]))
    assert torch.allclose(model(columns, torch.arange(64)[None], emotion)[0], wanted, atol=1e-5)


def test_the_losses_are_the_papers() -> None:
    made, wanted = torch.tensor([[[0.0], [1.0], [1.0]]]), torch.tensor([[[0.0], [0.0], [2.0]]])
    emotion = torch.tensor([[[1.0], [1.0], [3.0]]])
    found = losses(made, wanted, emotion, torch.ones(1))
    assert float(found.position) == pytest.approx(2 / 3)
    assert float(found.motion) == pytest.approx(2 * (1 + 4) / 2)
    assert float(found.emotion) == pytest.approx(2 * (4 / 2) / (11 / 3))


def test_a_term_is_divided_by_its_running_size() -> None:
    scale = Normalised()
    assert float(scale(torch.tensor(4.0))) == pytest.approx(1)
    for _ in range(2000):
        last = float(scale(torch.tensor(0.01)))
    assert last == pytest.approx(1, rel=1e-3)
    term = torch.tensor(0.02, requires_grad=True)
    scale(term).backward()
    assert float(term.grad) == pytest.approx(100, rel=0.05)


def test_noise_is_the_same_for_the_frames_of_a_sound() -> None:
    """Two identical images in one segment stay identical, those of another segment do not."""
    model = ArticulationNet(Shape(2), dropout=0).train()
    columns = torch.randn(1, 64, 32).expand(2, -1, -1)
    made = model(columns, torch.arange(64).repeat(2, 1), torch.zeros(2, 2, EMOTION))
    assert torch.allclose(made[:, 0], made[:, 1], atol=1e-5)
    assert not torch.allclose(made[0], made[1], atol=1e-3)


def test_the_basis_begins_as_principal_components() -> None:
    model = ArticulationNet(Shape(5))
    faces = as_float32(np.random.default_rng(0).standard_normal((99, 2)) @ np.eye(2, 5) * [3, 1, 1, 1, 1] + 1)
    start_basis(model, faces)
    assert np.allclose(model.basis.bias.detach(), faces.mean(axis=0), atol=1e-5)
    assert abs(float(model.basis.weight[0, 0].detach())) == pytest.approx(3, rel=0.2)


def test_segments_hold_consecutive_curve_frames_of_sound_face_and_database(takes: list[ShapeTake]) -> None:
    rng = np.random.default_rng(0)
    drawn = Pool(takes, rng).draw(rng, 40)
    assert drawn.shapes.shape == (40, LENGTH, 116)
    assert drawn.columns.shape == (40, 64 + 4 * (LENGTH - 1), 32)
    assert drawn.rows.min() >= 0
    assert drawn.rows.max() <= database_rows(takes) - 1
    steps = np.diff(drawn.rows, axis=1)
    speaks = drawn.shapes.any(axis=(1, 2))
    assert 0.8 < steps[speaks].min() <= steps[speaks].max() < 1.2
    every = np.concatenate([take.shapes for take in takes])
    for segment in np.flatnonzero(speaks):
        assert np.allclose(between(every, drawn.rows[segment]), drawn.shapes[segment], atol=1e-5)


def test_a_segment_sees_the_sound_of_its_face(takes: list[ShapeTake]) -> None:
    """The level in the middle of the image follows the jaw, as it is and bent."""
    rng = np.random.default_rng(5)
    for sound in (heard(takes[0]), bent(rng, takes[0])):
        places = np.arange(0, len(sound.columns) - 127, 5)
        jaw = between(takes[0].shapes, places * sound.per_sub_frame)[:, JAW]
        level = sound.columns[places + 63, 0]
        assert np.corrcoef(level, jaw)[0, 1] > 0.3


def test_without_speech_the_face_rests() -> None:
    sound = nothing_said(np.random.default_rng(0))
    assert sound.take.first == -1
    assert not sound.take.shapes.any()


@pytest.mark.slow
def test_training_leaves_a_network_a_database_and_a_checkpoint(
    takes: list[ShapeTake], tmp_path: Path
) -> None:
    checkpoint = tmp_path / "c.pt"
    first = train(takes, TINY, checkpoint)
    again = train(takes, TINY, checkpoint)
    assert first.moving == moving_shapes(takes) == tuple(sorted((JAW, FUNNEL)))
    assert first.emotions.shape == (240, EMOTION)
    assert np.abs(first.emotions - first_emotions(240, TINY.seed)).max() > 1e-4
    assert np.array_equal(first.emotions, again.emotions)
    assert np.array_equal(animate(first, takes[0].y), animate(again, takes[0].y))


@pytest.mark.slow
def test_it_learns(takes: list[ShapeTake], tmp_path: Path) -> None:
    """The jaw of an unheard take follows within 150 steps: .9 and more."""
    plan = Plan(epochs=3, steps=50, segments=12, average=0.9)
    unheard = made_up("three", seed=3, first=-1)
    assert jaw_correlation(train(takes, plan, tmp_path / "c.pt"), unheard) > 0.8


@pytest.mark.slow
def test_the_exported_engine_is_the_network(trained: Trained, tmp_path: Path) -> None:
    """Worst difference 1e-6, both emotion vectors."""
    vectors = {"neutral": np.zeros(EMOTION, np.float32), "other": trained.emotions[40]}
    path = export(trained, tmp_path, "articulation", emotions=vectors, default_style="neutral")
    engine = ArticulationEngine.load(path)
    y = made_up("x", seed=7, first=-1, seconds=1.1).y
    for style, vector in vectors.items():
        stream = engine.stream(style=style)
        shapes = np.concatenate([stream.push_shapes(y), stream.finish_shapes()])
        assert np.abs(shapes - animate(trained, y, as_float32(np.round(vector, 5)))).max() < 1e-5
        still = [k for k in range(116) if k not in trained.moving]
        assert not shapes[:, still].any()


@pytest.mark.slow
def test_candidates_are_taken_where_the_face_moves(takes: list[ShapeTake], trained: Trained) -> None:
    found = candidates(trained.emotions, takes, 5)
    assert found.shape[1] == EMOTION
    assert 1 <= len(found) <= 5


def test_an_excerpt_keeps_sound_and_face_together(takes: list[ShapeTake]) -> None:
    part = excerpt(takes[0], begin_s=1, length_s=2)
    assert np.array_equal(part.y, takes[0].y[16_000:48_000])
    assert np.array_equal(part.shapes, takes[0].shapes[30:91])
    whole: Float32 = between(takes[0].shapes, np.arange(200) * 0.6)
    assert correlation(whole, takes[0]) == pytest.approx(1)
    assert len(sub_frames(part.y)) == int(windows(0, 100).max()) + 1


@pytest.mark.skipif(not FACEGOOD_DATA.exists(), reason="FACEGOOD's takes are not here")
def test_facegoods_takes() -> None:
    found = load_takes(FACEGOOD_DATA, without=["2_05"])
    assert [take.name for take in found] == ["2_01", "2_02", "2_03", "2_04", "3_15"]
    assert [take.first for take in found] == np.cumsum([0, *(len(t.shapes) for t in found)]).tolist()[:-1]
    for take in found:
        assert abs(len(take.y) / 16_000 - len(take.shapes) / take.fps) < 0.1
    assert len(moving_shapes(found)) == 27
