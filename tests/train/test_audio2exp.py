"""Training of audio2exp on tiny generated takes: the basis is fitted, training learns and resumes, and the
export says what torch says.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from rhapsode.face.contacts import Closure  # noqa: E402
from rhapsode.face.engine_frames import VISEMES, joined  # noqa: E402
from rhapsode.face.features_level import EngineFeatures  # noqa: E402
from rhapsode.face.reference.audio2exp import Audio2ExpEngine  # noqa: E402
from rhapsode.face.reference.basis import SPEECH, published, read_basis  # noqa: E402
from rhapsode.performance import HOP, as_float32  # noqa: E402
from rhapsode.rigs import ARKIT  # noqa: E402
from rhapsode.train.reference.audio2exp import DELAY, Audio2Exp, Shape, speech_rows  # noqa: E402
from rhapsode.train.reference.audio2exp_basis import (  # noqa: E402
    PRINCIPAL,
    matrices,
    moments,
    speech_axes,
    write_basis,
)
from rhapsode.train.reference.audio2exp_export import export  # noqa: E402
from rhapsode.train.reference.audio2exp_loop import Losses, Plan, train  # noqa: E402
from rhapsode.train.reference.audio2exp_reach import restore_reach  # noqa: E402
from rhapsode.train.takes import MOVES, Take  # noqa: E402

TINY = Shape(styles=2, width=16, layers=2, attending=2, window=8, stem=3)


def take(seed: int, style: int = 0) -> Take:
    """Return 2 s of noise bursts; the jaw opens with them, and other moves a little at random."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.uniform(size=10) > 0.5, 10)
    y = rng.standard_normal(100 * HOP) * np.repeat(np.where(loud, 0.1, 1e-4), HOP)
    labels = (rng.uniform(0, 0.1, (100, len(MOVES))) * loud[:, None]).astype(np.float32)
    labels[:, 0] = loud * 0.5
    return Take(f"take{seed}", as_float32(y), labels, as_float32(~loud), style)


TAKES = [take(seed, style=seed % 2) for seed in range(6)]


def shown(model: Audio2Exp, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(model(torch.from_numpy(rows)[None]).coefficients[0].numpy())


def test_speech_axes_are_an_orthonormal_turn() -> None:
    product = moments(TAKES)
    axes = speech_axes(product)
    assert axes @ axes.T == pytest.approx(np.eye(len(MOVES)), abs=1e-9)
    power = np.einsum("ki,ij,kj->k", axes, product, axes)
    assert (np.diff(power[:PRINCIPAL]) <= 1e-12).all()
    assert axes[0, 0] > 0.9
    assert (axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] > 0).all()


def test_a_fitted_basis_is_written_and_read(tmp_path: Path) -> None:
    write_basis(TAKES, tmp_path / "b.json", recipe="test", sources=[{"name": "noise", "licence": "none"}])
    made = read_basis(tmp_path / "b.json")
    weights = np.zeros((4, len(ARKIT)), np.float32)
    weights[0, ARKIT.index("jawOpen")] = weights[1, ARKIT.index("mouthSmileLeft")] = 0.4
    weights[2, ARKIT.index("mouthRight")] = weights[3, ARKIT.index("tongueOut")] = 0.4
    assert made.decode(made.encode(weights)) == pytest.approx(weights, abs=1e-6)
    moves = TAKES[0].labels
    seen = moves @ speech_rows(made).T
    assert (seen >= made.low[:SPEECH] - 1e-6).all()
    assert (seen <= made.high[:SPEECH] + 1e-6).all()


def test_the_published_matrices_are_those_of_their_axes() -> None:
    _, _, out, back = matrices(speech_rows(published()))
    assert out == pytest.approx(published().to_weights, abs=1e-6)
    assert back == pytest.approx(published().to_coefficients, abs=1e-6)


def test_the_network_sees_no_future_and_a_bounded_past() -> None:
    torch.manual_seed(0)
    model = Audio2Exp(TINY).eval()
    torch.nn.init.zeros_(model.memory.weight_ih_l0)
    torch.nn.init.zeros_(model.memory.weight_hh_l0)
    rows = np.random.default_rng(0).standard_normal((60, TINY.inputs)).astype(np.float32)
    changed = rows.copy()
    changed[30] += 1
    apart = np.abs(shown(model, rows) - shown(model, changed)).max(axis=(1, 2))
    reach = TINY.stem - 1 + TINY.layers * (TINY.window - 1) + 2
    assert apart[:30].max() == 0
    assert apart[30] > 0
    assert apart[30 + reach] > 0
    assert apart[30 + reach + 1 :].max() < 1e-7


def test_the_memory_reaches_further_than_attention() -> None:
    torch.manual_seed(0)
    model = Audio2Exp(TINY).eval()
    rows = np.random.default_rng(0).standard_normal((60, TINY.inputs)).astype(np.float32)
    changed = rows.copy()
    changed[5] += 1
    assert np.abs(shown(model, rows) - shown(model, changed))[40:].max() > 0


def test_too_fast_and_too_far_cost() -> None:
    losses = Losses(TAKES, published(), Plan(), styles=2)
    still = torch.zeros(1, 10, 2, SPEECH)
    jump, far = still.clone(), still + losses.high.max() * 10
    jump[:, 5:] = losses.rates * 3
    assert float(losses._limits(still)) == 0
    assert float(losses._limits(jump)) > 0
    assert float(losses._limits(far)) > 1


def test_reach_is_restored_for_rounding_only() -> None:
    torch.manual_seed(0)
    model, basis = Audio2Exp(TINY).eval(), published()
    assert restore_reach(model, TAKES[1::2], basis, style=1)["mouthFunnel"] == [1, 0]
    torch.nn.init.constant_(model.contacts.bias, 9.0)
    rows = np.random.default_rng(0).standard_normal((40, TINY.inputs)).astype(np.float32)
    before = shown(model, rows)
    gains = restore_reach(model, TAKES[1::2], basis, style=1)
    after = shown(model, rows)
    assert np.array_equal(before[:, 0], after[:, 0])
    change = (after - before)[:, 1] @ speech_rows(basis)
    moved = np.abs(change[3:]).max(axis=0)
    stretched = [list(MOVES).index(move) for move in gains]
    assert moved[stretched].min() > 1e-3
    assert np.delete(moved, stretched).max() < 1e-5


FREE = [c for c, name in enumerate(ARKIT.channels) if name not in ("jawOpen", "mouthClose")]
"""Channels that parted lips do not change."""


def test_training_learns_resumes_and_exports(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.set_num_threads(1)
    caplog.set_level("INFO", logger="rhapsode")
    checkpoint, basis = tmp_path / "c.pt", published()
    plan = Plan(epochs=3, sequences=8, batch=4, style_chances=(0.5, 0.5))
    train(TAKES, basis, plan, checkpoint, shape=TINY)
    losses = [float(found) for found in re.findall(r"loss ([0-9.]+)", caplog.text)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    caplog.clear()
    model = train(TAKES, basis, plan, checkpoint, shape=TINY)
    assert "epoch" not in caplog.text

    ones, zeros = [1.0] * len(MOVES), [0.0] * len(MOVES)
    manifest = export(
        model,
        tmp_path,
        basis=basis,
        styles={"a": [ones, zeros], "b": [zeros, ones]},
        default_style="a",
        closure=Closure(0.98, 0.99, 1.0),
        bite=(0.98, 0.99),
        sources=[],
    )
    engine = Audio2ExpEngine.load(manifest)
    y = TAKES[0].y
    features = EngineFeatures()
    rows = np.concatenate([features.push(y), features.finish(DELAY)])
    expected = shown(model, rows)[DELAY:]
    assert len(expected) == 100
    for head, style in enumerate("ab"):
        stream = engine.stream(style=style)
        made = joined([stream.push(y), stream.finish()])
        whole = np.concatenate([expected[:, head], np.zeros((100, 50 - SPEECH), np.float32)], axis=1)
        shapes = basis.decode(basis.clamp(as_float32(whole)))
        assert made.weights[:, FREE] == pytest.approx(shapes[:, FREE], abs=1e-5)
        assert made.visemes is not None
        assert made.visemes.shape == (100, len(VISEMES))
