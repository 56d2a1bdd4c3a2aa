"""Tiny generated takes: augmentation keeps time, training learns and resumes, the export equals torch."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from rhapsode.face.engine import Engine  # noqa: E402
from rhapsode.face.features_level import WIDTH, EngineFeatures  # noqa: E402
from rhapsode.performance import HOP, Float32, Span, as_float32  # noqa: E402
from rhapsode.train.augment import LENGTH, make_sequence, noise, room_tones  # noqa: E402
from rhapsode.train.export import export  # noqa: E402
from rhapsode.train.facegood import moves  # noqa: E402
from rhapsode.train.loop import DELAY, Plan, chances, train  # noqa: E402
from rhapsode.train.model import Articulator, Shape  # noqa: E402
from rhapsode.train.takes import MOVES, Take, held_out, speech_mask, to_curve_rate  # noqa: E402
from rhapsode.train.voice import touch_labels  # noqa: E402


def take(seed: int, style: int = 0) -> Take:
    """Return 2 s of noise bursts; the jaw opens with them."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.uniform(size=10) > 0.5, 10)
    y = rng.standard_normal(100 * HOP) * np.repeat(np.where(loud, 0.1, 1e-4), HOP)
    labels = np.zeros((100, len(MOVES)), np.float32)
    labels[:, 0] = loud * 0.5
    return Take(f"take{seed}", as_float32(y), labels, as_float32(~loud), style)


TAKES = [take(seed, style=seed % 2) for seed in range(6)]


def sequences(seed: int, count: int) -> list[Float32]:
    rng, room = np.random.default_rng(seed), room_tones(TAKES)
    made = [make_sequence(rng, TAKES, chances(TAKES, (0.5, 0.5)), room) for _ in range(count)]
    for sequence in made:
        assert sequence.rows.shape == (LENGTH, WIDTH)
        assert sequence.labels.shape == (LENGTH, len(MOVES))
        assert np.isfinite(sequence.rows).all()
        assert sequence.labels[sequence.style < 0].max(initial=0) == 0
    return [sequence.rows for sequence in made]


def test_sequences_are_reproducible_and_whole() -> None:
    first, again, other = sequences(1, 12), sequences(1, 12), sequences(2, 12)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_noise_has_unit_power() -> None:
    rng = np.random.default_rng(0)
    wobble = as_float32(rng.standard_normal(4000))
    for _ in range(20):
        assert noise(rng, 16_000, [wobble]).std() == pytest.approx(1, abs=0.01)
        assert np.isfinite(noise(rng, 16_000, [])).all()


def test_held_out_is_a_fixed_rule() -> None:
    ids = [f"s{k}" for k in range(200)]
    assert held_out(ids) == held_out(ids[::-1])
    assert len(set(held_out(ids))) == 80
    assert set(held_out([*ids, "new"])) - {"new"} <= set(held_out(ids))


def test_speech_mask_finds_the_sound_with_its_margins() -> None:
    y = np.random.default_rng(0).standard_normal(48_000) * 1e-4
    y[16_000:32_000] *= 1000
    mask = speech_mask(as_float32(y), 150, before_s=0.2, after_s=0.1)
    assert np.flatnonzero(mask > 0.5)[[0, -1]] == pytest.approx([40, 105], abs=4)


def test_labels_move_to_the_curve_rate_by_interpolation() -> None:
    line = np.arange(30.0)[:, None]
    assert to_curve_rate(line, 30, 50)[:, 0] == pytest.approx(np.minimum(np.arange(50) * 0.6, 29), abs=1e-5)


def test_facegood_moves_take_the_largest_source() -> None:
    names = [f"x{k}" for k in range(116)]
    from rhapsode.train import facegood

    used = sorted({name for sources in facegood._MAP.values() for name, _ in sources})
    names[: len(used)] = used
    weights = np.zeros((1, 116))
    weights[0, [names.index("mouth_funnel_dl"), names.index("mouth_oh_c")]] = 0.5, 1.0
    made = dict(zip(MOVES, moves(weights, names)[0], strict=True))
    assert made["mouthFunnel"] == pytest.approx(0.5)
    assert made["jawOpen"] == pytest.approx(facegood.OH_JAW)


def test_training_learns_resumes_and_exports(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.set_num_threads(1)
    caplog.set_level("INFO")
    checkpoint = tmp_path / "c.pt"
    plan = Plan(epochs=3, sequences=8, batch=4)
    train(TAKES, plan, checkpoint, width=16)
    losses = [float(found) for found in re.findall(r"loss ([0-9.]+)", caplog.text)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    caplog.clear()
    resumed = train(TAKES, plan, checkpoint, width=16)
    assert "epoch" not in caplog.text

    ones = [1.0] * len(MOVES)
    zeros = [0.0] * len(MOVES)
    manifest = export(
        resumed,
        tmp_path,
        "tiny",
        styles={"a": [ones, zeros], "b": [zeros, ones]},
        default_style="a",
        closure=(0.98, 0.99),
    )
    engine = Engine.load(manifest)
    y = TAKES[0].y
    features = EngineFeatures()
    rows = np.concatenate([features.push(y), features.finish(DELAY)])
    with torch.no_grad():
        expected = resumed(torch.from_numpy(rows)[None])[0][0, DELAY:].numpy()
    assert expected.shape[0] == 100
    for style, head in (("a", 0), ("b", 1)):
        stream = engine.stream(style=style)
        made = np.concatenate([stream.push(y), stream.finish()])
        assert made[:, engine.channels.index("jawOpen")] == pytest.approx(
            np.clip(expected[:, head, 0], 0, 1), abs=1e-5
        )


def test_touch_labels_follow_the_phones() -> None:
    phones = (Span("m", 0.2, 0.4), Span("ɑ", 0.4, 0.6), Span("p", 0.6, 0.72))
    labels = touch_labels(phones, 50)
    assert (labels[[11, 15, 20]] == 1).all()
    assert (labels[[0, 25, 45]] == 0).all()
    assert labels[32] == 1
    assert np.isnan(labels[35])


def test_the_network_sees_no_future() -> None:
    model = Articulator(Shape(WIDTH, len(MOVES), 2, 16)).eval()
    rows = torch.randn(1, 50, WIDTH)
    changed = rows.clone()
    changed[:, 30:] += 1
    with torch.no_grad():
        one, other = model(rows)[0], model(changed)[0]
    assert torch.equal(one[:, :30], other[:, :30])
    assert not torch.equal(one[:, 30], other[:, 30])
