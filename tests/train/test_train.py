"""Tiny generated takes: augmentation keeps time, training learns and resumes, the export equals torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from rhapsode.face.contacts import Closure  # noqa: E402
from rhapsode.face.engine import Engine  # noqa: E402
from rhapsode.face.engine_frames import joined  # noqa: E402
from rhapsode.face.features_level import WIDTH, EngineFeatures  # noqa: E402
from rhapsode.performance import HOP, Float32, as_float32  # noqa: E402
from rhapsode.train.augment import LENGTH, make_sequence, plain_sequence  # noqa: E402
from rhapsode.train.channels import CODECS, coded, drop_chunks, telephone  # noqa: E402
from rhapsode.train.export import export  # noqa: E402
from rhapsode.train.facegood import moves  # noqa: E402
from rhapsode.train.loop import DELAY, Plan, train  # noqa: E402
from rhapsode.train.model import Articulator, Shape  # noqa: E402
from rhapsode.train.noises import babble, hum, music, noise, room_tones  # noqa: E402
from rhapsode.train.sequences import Sequences, Source, chances  # noqa: E402
from rhapsode.train.stress import stress_of  # noqa: E402
from rhapsode.train.styles import CLOSURE  # noqa: E402
from rhapsode.train.takes import MOVES, REST, UNKNOWN, Take, held_out, speech_mask, to_curve_rate  # noqa: E402


def take(seed: int, style: int = 0) -> Take:
    """Return 2 s of noise bursts; the jaw opens with them."""
    rng = np.random.default_rng(seed)
    loud = np.repeat(rng.uniform(size=10) > 0.5, 10)
    y = rng.standard_normal(100 * HOP) * np.repeat(np.where(loud, 0.1, 1e-4), HOP)
    labels = np.zeros((100, len(MOVES)), np.float32)
    labels[:, 0] = loud * 0.5
    return Take(f"take{seed}", as_float32(y), labels, as_float32(~loud), style)


TINY = Shape(WIDTH, len(MOVES), 2, 32)
TAKES = [take(seed, style=seed % 2) for seed in range(6)]


def sequences(seed: int, count: int) -> list[Float32]:
    rng, room = np.random.default_rng(seed), room_tones(TAKES)
    made = [make_sequence(rng, TAKES, chances(TAKES, (0.5, 0.5)), room) for _ in range(count)]
    for sequence in made:
        assert sequence.rows.shape == (LENGTH, WIDTH)
        assert sequence.labels.moves.shape == (LENGTH, len(MOVES))
        assert np.isfinite(sequence.rows).all()
        assert sequence.labels.moves[sequence.labels.style < 0].max(initial=0) == 0
    return [sequence.rows for sequence in made]


@pytest.mark.slow
def test_batches_depend_on_seed_epoch_and_number_only() -> None:
    def epoch(seed: tuple[int, int]) -> Sequences:
        return Sequences(Source(TAKES, (0.5, 0.5), plain=0.5), steps=2, batch=3, seed=seed)

    first, again, later = epoch((7, 0)), epoch((7, 0)), epoch((7, 1))
    assert len(first) == len(list(first)) == 2
    last = first[1]
    assert last.rows.shape == (3, LENGTH, WIDTH)
    assert last.moves.shape == (3, LENGTH, len(MOVES))
    for name, value in vars(last).items():
        assert torch.equal(value.nan_to_num(), vars(again[1])[name].nan_to_num())
    assert not torch.equal(last.rows, first[0].rows)
    assert not torch.equal(last.rows, later[1].rows)
    with pytest.raises(IndexError):
        first[2]


def test_a_take_of_unknown_style_gets_the_chances_left() -> None:
    takes = [take(0), take(1), take(2, style=UNKNOWN)]
    assert chances(takes, (0.6,)) == pytest.approx([0.3, 0.3, 0.4])


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


@pytest.mark.slow
def test_training_learns_resumes_and_exports(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    losses: list[float] = []

    def told(epoch: int, mean: float, model: Articulator) -> bool:
        losses.append(mean)
        return False

    checkpoint = tmp_path / "c.pt"
    plan = Plan(epochs=3, sequences=8, batch=4, style_chances=(0.5, 0.5))
    train(TAKES, plan, checkpoint, shape=TINY, after_epoch=told)
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    resumed = train(TAKES, plan, checkpoint, shape=TINY, after_epoch=told)
    assert len(losses) == 3

    ones = [1.0] * len(MOVES)
    zeros = [0.0] * len(MOVES)
    manifest = export(
        resumed,
        tmp_path,
        "tiny",
        styles={"a": [ones, zeros], "b": [zeros, ones]},
        default_style="a",
        closure=Closure(0.98, 0.99, 1.0),
        bite=(0.98, 0.99),
        bits=32,
    )
    engine = Engine.load(manifest)
    y = TAKES[0].y
    features = EngineFeatures()
    rows = np.concatenate([features.push(y), features.finish(DELAY)])
    with torch.no_grad():
        expected = resumed(torch.from_numpy(rows)[None])[0][0, DELAY:].numpy()
    assert expected.shape[0] == 100
    free = [c for c, name in enumerate(engine.channels) if name not in ("jawOpen", "mouthClose")]
    for style in "ab":
        stream = engine.stream(style=style)
        made = joined([stream.push(y), stream.finish()]).weights
        routed = np.clip(expected.reshape(100, -1) @ engine.manifest.routing(style), 0, 1)
        assert routed[:, free].max() > 1e-3
        assert made[:, free] == pytest.approx(routed[:, free], abs=1e-5)


@pytest.mark.parametrize("name", CLOSURE)
def test_the_shipped_limits_are_those_of_the_recipe(name: str) -> None:
    assert Engine.load(name).manifest.closure == CLOSURE[name]


def test_a_plain_sequence_is_the_take_from_its_beginning() -> None:
    made = plain_sequence(np.random.default_rng(0), TAKES[1])
    assert np.array_equal(made.labels.moves[:100], TAKES[1].labels)
    assert (made.labels.style[:100] == 1).all()
    assert (made.labels.style[100:] == REST).all()
    assert np.isnan(made.labels.stress[:100]).all()


@pytest.mark.parametrize("kind", [hum, music])
def test_what_lies_under_speech_has_unit_power(kind: Callable[[np.random.Generator, int], Float32]) -> None:
    made = kind(np.random.default_rng(1), 20_000)
    assert made.shape == (20_000,)
    assert made.std() == pytest.approx(1, abs=0.01)


def test_babble_is_made_of_the_takes() -> None:
    made = babble(np.random.default_rng(1), 40_000, TAKES)
    assert made.std() == pytest.approx(1, abs=0.01)


def chirp() -> Float32:
    t = np.arange(32_000) / 16_000
    return as_float32(0.3 * np.sin(2 * np.pi * (300 + 400 * t) * t) * (np.sin(2 * np.pi * 2 * t) > 0))


@pytest.mark.parametrize(("codec", "container", "rates"), CODECS)
def test_codecs_keep_the_place_in_time(codec: str, container: str, rates: tuple[int, ...]) -> None:
    y = chirp()
    made = coded(y, codec, container, rates[-1])
    fit = [float((made[100 + lag : 31_900 + lag] * y[100:31_900]).sum()) for lag in range(-60, 61)]
    assert len(made) == len(y)
    assert abs(int(np.argmax(fit)) - 60) <= 1
    assert np.corrcoef(made, y)[0, 1] > 0.9


def test_a_telephone_has_no_bass_and_no_treble() -> None:
    rng = np.random.default_rng(0)
    power = np.abs(np.fft.rfft(telephone(rng.standard_normal(16_000)))) ** 2
    assert power[:100].mean() < 0.05 * power[500:3000].mean()
    assert power[5000:].mean() < 0.05 * power[500:3000].mean()


def test_lost_chunks_are_silent() -> None:
    made = drop_chunks(np.random.default_rng(3), np.ones(16_000))
    assert 320 <= (made == 0).sum() <= 4 * 960


def test_stress_finds_the_loud_and_high_syllable() -> None:
    t = np.arange(32_000) / 16_000
    louder, higher = 1 + 3 * (abs(t - 1) < 0.15), 120 + 40 * (abs(t - 1) < 0.15)
    phase = 2 * np.pi * np.cumsum(higher) / 16_000
    syllables = 0.1 + np.maximum(np.sin(2 * np.pi * 4 * t), 0)
    buzz = sum(np.sin(k * phase) / k for k in range(1, 20)) * syllables
    stress = stress_of(as_float32(0.05 * louder * buzz))
    assert stress[44:56].max() > 0.7
    assert stress[44:56].mean() > 2 * stress[15:40].mean() > 0
    assert stress_of(np.zeros(16_000, np.float32)).max() == 0


def test_the_network_sees_no_future() -> None:
    model = Articulator(Shape(WIDTH, len(MOVES), 2, 16)).eval()
    rows = torch.randn(1, 50, WIDTH)
    changed = rows.clone()
    changed[:, 30:] += 1
    with torch.no_grad():
        one, other = model(rows)[0], model(changed)[0]
    assert torch.equal(one[:, :30], other[:, :30])
    assert not torch.equal(one[:, 30], other[:, 30])
