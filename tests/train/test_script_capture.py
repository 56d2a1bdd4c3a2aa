"""A face captured elsewhere is laid over a sitting by its claps and cut into takes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from rhapsode.cli import train_script
from rhapsode.errors import FormatError, InputError
from rhapsode.performance import Curves, Float32, Performance, as_float32, as_rate
from rhapsode.rigs.arkit import BLENDSHAPES
from rhapsode.train.script.capture import Clock, cut_capture, find_clip, find_clock, read_curves
from rhapsode.train.script.checks import check
from rhapsode.train.script.folder import TakeFolder
from rhapsode.train.script.prompts import script
from rhapsode.train.script.recorder import SoundClip
from tests.train.scripted import RATE, room, said, tone

ITEMS = script("en", manners=["normal"])[:3]
STARTS = (4.0, 8.0, 30.0)
CLAPS = (2.0, 40.0)
OFFSET, DRIFT = 3.3, 1.0001


def clap(seed: int) -> Float32:
    """Return 3 s with a clap at 0.6 s and three syllables behind it."""
    rng = np.random.default_rng(seed)
    y = room(3.0, seed=seed)
    burst = rng.standard_normal(RATE // 20) * np.exp(-np.arange(RATE // 20) / (RATE * 0.008))
    y[round(0.6 * RATE) : round(0.6 * RATE) + len(burst)] += as_float32(0.3 * burst)
    for k in range(3):
        begin = round((1.2 + 0.4 * k + 0.05 * rng.random()) * RATE)
        y[begin : begin + RATE // 5] += tone(0.2)
    return y.clip(-1, 1)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "takes"
    made = TakeFolder(path)
    sitting = made.sit_down("test")
    for where, at in zip(("start", "end"), CLAPS, strict=True):
        clip = SoundClip(clap(round(at)), RATE, round((at - 0.6) * RATE))
        made.clap(sitting, where, clip, at)  # type: ignore[arg-type]
    for item, start in zip(ITEMS, STARTS, strict=True):
        made.keep(item, SoundClip(said(1.2), RATE, round(start * RATE)), check(said(1.2), RATE), sitting)
    return path


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> TakeFolder:
    return TakeFolder(shutil.copytree(recorded, tmp_path / "takes"))


def captured(path: Path, seconds: float = 60.0) -> Path:
    """Write a capture whose jaw says the time of the capture, in minutes."""
    times = np.arange(round(seconds * 60)) / 60
    values = np.stack([times / 60, np.full(len(times), 0.5)], axis=1)
    face = Curves(("jawOpen", "mouthPucker"), as_float32(values), as_rate(60))
    Performance(face.select(BLENDSHAPES, fill=0)).save(path, fps=60)
    return path


def filmed(path: Path) -> Path:
    """Write what the phone hears: quieter, noisier, at another rate, on its own clock."""
    rate = 48_000
    y = room(60.0, 2e-3, seed=9, rate=rate)
    whole = [(at - 0.6, clap(round(at))) for at in CLAPS] + [(start, said(1.2)) for start in STARTS]
    for start, sound in whole:
        first = round((OFFSET + DRIFT * start) * rate)
        y[first : first + 3 * len(sound)] += 0.3 * np.repeat(sound, 3)
    soundfile.write(path, y, rate)
    return path


def jaw_starts(folder: TakeFolder) -> list[float]:
    made = [np.load(folder.path / f"{item.id}.npz") for item in ITEMS]
    assert all(
        [str(name) for name in one["names"]][:1] == ["jawOpen"] or "jawOpen" in one["names"] for one in made
    )
    column = [list(one["names"]).index("jawOpen") for one in made]
    return [float(one["weights"][0, k]) * 60 for one, k in zip(made, column, strict=True)]


def test_two_claps_lay_a_capture_over_a_sitting_without_drift(folder: TakeFolder, tmp_path: Path) -> None:
    claps = [str(OFFSET + DRIFT * at) for at in CLAPS]
    assert cut_capture(folder, captured(tmp_path / "face.csv"), claps) == [item.id for item in ITEMS]
    assert jaw_starts(folder) == pytest.approx([OFFSET + DRIFT * start for start in STARTS], abs=1e-3)
    one = np.load(folder.path / f"{ITEMS[0].id}.npz")
    duration = folder.takes[ITEMS[0].id].duration_s
    assert (len(one["weights"]), float(one["fps"])) == (round(duration * 60), 60.0)


def test_one_clap_gives_the_offset_alone(folder: TakeFolder, tmp_path: Path) -> None:
    cut_capture(folder, captured(tmp_path / "face.npz"), ["5.5"], number=1)
    assert jaw_starts(folder) == pytest.approx([3.5 + start for start in STARTS], abs=1e-3)


def test_the_claps_are_found_in_the_sound_of_the_video(folder: TakeFolder, tmp_path: Path) -> None:
    clock = find_clock(folder, folder.sittings[0], [str(filmed(tmp_path / "face.wav"))])
    for moment in (0.0, 40.0):
        assert clock(moment) == pytest.approx(OFFSET + DRIFT * moment, abs=0.006)


def test_what_was_cut_is_paired_with_its_sound_by_training(folder: TakeFolder, tmp_path: Path) -> None:
    from rhapsode.train.own.pairing import pair
    from rhapsode.train.own.takes import read_pair

    cut_capture(folder, captured(tmp_path / "face.npz"), ["5.3"])
    found = pair(folder.path)
    assert [one.name for one in found.pairs] == sorted(item.id for item in ITEMS)
    read = read_pair(found.pairs[0], None)
    assert float(read.curves.rate) == 60
    assert read.curves.duration_s == pytest.approx(folder.takes[ITEMS[0].id].duration_s, abs=0.02)


def test_a_maya_export_is_cut_at_its_own_rate(folder: TakeFolder, tmp_path: Path) -> None:
    maya = tmp_path / "maya"
    maya.mkdir()
    np.save(maya / "BS_name.npy", np.array(["jawOpen", "x"]))
    np.save(maya / "BS_value.npy", np.stack([np.arange(1440) / 24 / 60, np.zeros(1440)], axis=1))
    with pytest.raises(FormatError, match=r"has no BS_take\.json"):
        read_curves(maya)
    (maya / "BS_take.json").write_text('{"fps": 24.0}')
    cut_capture(folder, maya, ["2.0"])
    assert jaw_starts(folder) == pytest.approx(STARTS, abs=1e-3)


def test_takes_that_the_capture_lacks_are_left_out(folder: TakeFolder, tmp_path: Path) -> None:
    assert cut_capture(folder, captured(tmp_path / "face.npz", 12.0), ["2.0"]) == [ITEMS[0].id, ITEMS[1].id]
    with pytest.raises(InputError, match=r"lasts 3\.0 s and holds no take of sitting 1"):
        cut_capture(folder, captured(tmp_path / "short.npz", 3.0), ["2.0"])


@pytest.mark.parametrize(
    ("claps", "message"),
    [
        ([], "--clap-at must be seconds"),
        (["1", "2", "3"], "--clap-at must be seconds"),
        (["1", "soon"], "--clap-at must be seconds"),
        (["2.0", "45.0"], r"43\.00 s apart in the capture and 38\.00 s in the sitting"),
    ],
)
def test_claps_that_cannot_be_are_refused(folder: TakeFolder, claps: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_clock(folder, folder.sittings[0], claps)


def test_a_video_of_something_else_is_refused(folder: TakeFolder, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "other.wav", np.concatenate([room(5.0), tone(20.0), room(5.0)]), RATE)
    with pytest.raises(InputError, match=r"is not heard in .* give its time"):
        find_clock(folder, folder.sittings[0], [str(tmp_path / "other.wav")])
    assert find_clip(room(0.001), room(1.0), RATE) == (0.0, 0.0)


def test_sittings_without_claps_or_takes_are_refused(tmp_path: Path) -> None:
    empty = TakeFolder(tmp_path / "none")
    with pytest.raises(InputError, match="holds no takes"):
        cut_capture(empty, tmp_path / "face.csv", ["1"])
    number = empty.sit_down("test")
    with pytest.raises(InputError, match="sitting 1 has no clap"):
        cut_capture(empty, tmp_path / "face.csv", ["1"], number=number)
    with pytest.raises(InputError, match="there is no sitting 4; known are 1"):
        cut_capture(empty, tmp_path / "face.csv", ["1"], number=4)


def test_a_clock_without_drift_adds() -> None:
    assert Clock(2.0)(3.0) == 5.0


def test_the_command_cuts(folder: TakeFolder, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(train_script.script)
    capture = captured(tmp_path / "face.npz")
    made = CliRunner().invoke(app, [str(folder.path), "--cut", str(capture), "--clap-at", "5.3", "--json"])
    assert made.exit_code == 0, made.output
    assert "3 of 3 takes have a face now" in made.output
    assert sorted(path.name for path in folder.path.glob("*.npz")) == sorted(
        f"{item.id}.npz" for item in ITEMS
    )
