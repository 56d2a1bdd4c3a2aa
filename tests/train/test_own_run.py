"""From a folder of takes to an engine: trained, interrupted, gone on with, written; and what fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from rhapsode.cli import app  # noqa: E402
from rhapsode.errors import FormatError, InputError, RhapsodeError, WeightsError  # noqa: E402
from rhapsode.face.contacts import Closure  # noqa: E402
from rhapsode.face.engine import Engine  # noqa: E402
from rhapsode.face.engine_manifest import read_manifest  # noqa: E402
from rhapsode.face.manifests import find  # noqa: E402
from rhapsode.performance import as_float32  # noqa: E402
from rhapsode.train import restore  # noqa: E402
from rhapsode.train.export import export  # noqa: E402
from rhapsode.train.graph import graph  # noqa: E402
from rhapsode.train.model import Articulator, Shape  # noqa: E402
from rhapsode.train.own import job, tune  # noqa: E402
from rhapsode.train.own.package import read_rig_columns  # noqa: E402
from rhapsode.train.own.play import OwnStream, play, write  # noqa: E402
from rhapsode.train.own.run import Outcome, Settings, train_face  # noqa: E402
from rhapsode.train.takes import MOVES  # noqa: E402
from tests.train.own_data import NAMES, write_take  # noqa: E402

Runs = Callable[..., Outcome]

CLOSURE = Closure(0.9, 0.95, 0.5, ((10.0, 1.5), (30.0, 1.0)))
"""Of the base."""

TINY = replace(tune.FINE, epochs=2, sequences=2, batch=1)


class Quiet:
    """Keeps what it is told; may interrupt after an epoch."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.said: list[str] = []
        self.epochs: list[int] = []
        self._stop = stop_after

    def say(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str) -> None:
        self.said.append(text)

    def epoch(self, done: int, of: int, text: str) -> None:
        self.epochs.append(done)
        if done == self._stop:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(tune, "FINE", TINY)
    monkeypatch.setattr(tune, "SCRATCH", replace(TINY, frozen=False))
    monkeypatch.setattr(job, "_board", lambda folder, teller: None)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed in range(2):
        write_take(folder, f"take{seed}", seconds=7, seed=seed)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the manifest of a small engine that has learned nothing."""
    torch.manual_seed(0)
    model = Articulator(Shape(166, len(MOVES), 1, 32, (1, 2)))
    model.eval()
    table = {"a": [[1.0] * len(MOVES)]}
    folder = tmp_path_factory.mktemp("base")
    return export(model, folder, "small", styles=table, default_style="a", closure=CLOSURE)


@pytest.fixture
def run(base: Path, data: Path) -> Callable[..., Outcome]:
    def made(out: Path, teller: Quiet | None = None, **settings: Any) -> Outcome:
        wanted = Settings(data, out, name="mine", engine=str(base), **settings)
        return train_face(wanted, teller or Quiet())

    return made


def small_model() -> Articulator:
    torch.manual_seed(1)
    model = Articulator(Shape(166, 5, 2, 32, (1, 2, 4)))
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm1d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            torch.nn.init.normal_(part.bias)
    torch.nn.init.normal_(model.heads.weight)
    model.eval()
    return model


@pytest.mark.parametrize(("bits", "near"), [(32, 1e-4), (8, 0.3)])
def test_a_network_comes_back_from_its_file(bits: int, near: float) -> None:
    model = small_model()
    content = graph(model, bits=bits).SerializeToString()
    back, outputs = restore.restore(content, moves=5, dilations=[1, 2, 4])
    rows = torch.randn(1, 40, 166)
    with torch.no_grad():
        for ours, theirs in zip(back(rows), model(rows), strict=True):
            assert ours.numpy() == pytest.approx(theirs.numpy(), abs=near)
    assert {"heads", "closed", "stress", "heard"} <= outputs
    back.train()
    back.freeze_norms()
    back.eval()
    assert graph(back, bits=32).SerializeToString()


def test_the_shipped_engine_comes_back(tmp_path: Path) -> None:
    base = restore.load("live")
    manifest = read_manifest(find("live"))
    assert base.delay == manifest.delay_rows
    assert base.model.shape.moves == len(manifest.moves)
    stream, y = Engine.load("live").memory(), np.random.default_rng(0).standard_normal((30, 166))
    with torch.no_grad():
        ours = base.model(torch.from_numpy(as_float32(y))[None]).moves[0].flatten(1).numpy()
    assert ours == pytest.approx(stream.run(as_float32(y))[0], abs=0.03)
    with pytest.raises(WeightsError, match="no network that can be trained on"):
        restore.restore(b"no network", moves=5)


def test_the_way_between_two_networks() -> None:
    start, end = small_model(), small_model()
    with torch.no_grad():
        end.heads.bias += 1
    half = tune.between(start, end, 0.5)
    assert (half.heads.bias - start.heads.bias).detach().numpy() == pytest.approx(0.5, abs=1e-6)
    assert tune.between(start, end, 1.0) is end


@pytest.mark.slow
def test_an_engine_is_trained_and_plays_both_rigs(
    run: Runs, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "engine"
    outcome = run(out)
    manifest = Path(outcome.manifest)
    assert sorted(path.name for path in out.iterdir()) == [
        *("mine.json", "mine.onnx", "mine.report.json", "mine.rig.json", "work")
    ]
    assert outcome.jaw_correlation is not None
    assert outcome.jaw_correlation > 0.8
    assert json.loads((out / "mine.report.json").read_text())["best_epoch"] == outcome.best_epoch
    sound = data / "take0.wav"
    curves = play(sound, manifest)
    assert curves.names == NAMES
    assert len(curves) == 350
    # The user's channels are as they were learned; contacts are made on the ARKit face only.
    monkeypatch.setattr("rhapsode.face.engine.Contacts.make", lambda *_: None)
    arkit = Engine.load(manifest).stream()
    own = OwnStream(manifest)
    y = as_float32(np.random.default_rng(0).standard_normal(6000) * 0.1)
    parts = [own.push(y[:1000]), own.push(y[1000:]), own.finish()]
    weights = [arkit.push(y).weights, arkit.finish().weights]
    jaw = np.concatenate(weights)[:, Engine.load(manifest).channels.index("jawOpen")]
    assert np.concatenate(parts)[:, NAMES.index("jawOpen")] == pytest.approx(jaw, abs=1e-5)
    files = [
        path for name in ("a.json", "a.csv", "a.npz", "a.npy") for path in write(curves, tmp_path / name)
    ]
    assert all(path.stat().st_size for path in files)
    assert len(np.load(tmp_path / "a_BS_value.npy")) == 210
    (out / "mine.rig.json").unlink()
    with pytest.raises(FormatError, match="rhapsode train face"):
        read_rig_columns(manifest, sha256="")


@pytest.mark.slow
def test_an_engine_from_scratch_owes_nothing_to_the_shipped_one(run: Runs, tmp_path: Path) -> None:
    outcome = run(tmp_path, scratch=True)
    manifest = read_manifest(Path(outcome.manifest))
    sources = manifest.data
    assert manifest.closure == CLOSURE
    assert [source["name"].split(" (")[0] for source in sources] == ["own takes"]
    assert outcome.best_epoch > 0


@pytest.mark.slow
def test_an_interrupted_run_goes_on(run: Runs, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", Quiet(stop_after=1))
    assert not (tmp_path / "a" / "mine.json").exists()
    again = Quiet()
    outcome = run(tmp_path / "a", again)
    assert again.epochs == [2]
    whole = run(tmp_path / "b")
    assert outcome.correlations == whole.correlations
    third = Quiet()
    run(tmp_path / "a", third)
    assert third.epochs == []
    assert any("complete" in text for text in third.said)


@pytest.mark.slow
def test_checkpoints_that_are_damaged_or_foreign_are_refused(run: Runs, tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(FormatError, match="belongs to other data or settings"):
        run(tmp_path, epochs=1)
    (tmp_path / "work" / "checkpoint.pt").write_bytes(b"half of it")
    with pytest.raises(FormatError, match=r"is damaged .*--restart"):
        run(tmp_path)
    assert run(tmp_path, restart=True).epochs == 2


def test_a_full_disk_keeps_what_was_there(run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rhapsode.train.loop.torch.save", full)
    with pytest.raises(InputError, match="No space left on device"):
        run(tmp_path)
    assert not list(tmp_path.glob("mine*"))


def failing(kind: str, folder: Path) -> list[str]:
    """Make a data folder of one kind of fault; return what else stands in the command."""
    write_take(folder, "one", seconds=4)
    held = dict(np.load(folder / "one.npz"))
    if kind == "nan":
        held["weights"][3, 0] = np.nan
    elif kind == "constant":
        held["weights"][:] = 0.25
    elif kind == "rate":
        held["fps"] = np.float64(25)
    np.savez(folder / "one.npz", **held)
    if kind == "missing pair":
        (folder / "one.npz").unlink()
    if kind == "empty":
        (folder / "one.npz").unlink()
        (folder / "one.wav").unlink()
    if kind == "names":
        (folder / "rig.json").write_text('{"channels": ["jaw_opne_c"]}')
        return ["--rig", str(folder / "rig.json")]
    return (
        ["--hold-out", "nobody"] if kind == "hold-out" else ["--device", "abacus"] if kind == "device" else []
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nan", "no numbers"),
        ("constant", "no channel moves"),
        ("rate", "give --fps"),
        ("missing pair", "no pair"),
        ("empty", "0 sounds"),
        ("names", "nearest: jaw_open_c"),
        ("hold-out", "there are: one"),
        ("device", "--device must be"),
    ],
)
def test_bad_input_says_why_and_leaves_nothing(kind: str, said: str, tmp_path: Path) -> None:
    more = failing(kind, tmp_path / "data")
    out = tmp_path / "out"
    made = CliRunner().invoke(app, ["train", "face", str(tmp_path / "data"), "-o", str(out), *more])
    assert isinstance(made.exception, RhapsodeError)
    assert said in str(made.exception)
    assert "\n" not in str(made.exception)
    assert not out.exists()


def test_a_folder_that_cannot_be_made_is_named(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        run(tmp_path / "file" / "engine")


def test_without_torch_the_command_says_what_to_install(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rhapsode.cli.train.find_spec", lambda name: None)
    made = CliRunner().invoke(app, ["train", "face", str(data)])
    assert isinstance(made.exception, RhapsodeError)
    assert "pip install 'rhapsode[train]'" in str(made.exception)
