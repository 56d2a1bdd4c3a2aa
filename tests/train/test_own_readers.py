"""Curves of every kind are read, and sounds find theirs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rhapsode.errors import FormatError, InputError
from rhapsode.formats import save
from rhapsode.performance import CLOCK_HZ, Curves, Performance, Sound
from rhapsode.rigs import FACE
from rhapsode.train.own.pairing import pair
from rhapsode.train.own.readers import read_file, read_maya
from rhapsode.train.own.takes import read_all, read_pair
from tests.train.own_data import NAMES, curves_of, voice, write_take


def maya(folder: Path, values: np.ndarray, names: tuple[str, ...] = NAMES) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "BS_value.npy", values)
    np.save(folder / "BS_name.npy", np.array([f"face.{name}" for name in names]))
    return folder / "BS_value.npy", folder / "BS_name.npy"


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF")
    return path


def test_maya_arrays_lose_the_name_of_their_node(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(size=(7, 4))
    curves = read_maya(*maya(tmp_path, values), Fraction(25))
    assert curves.names == NAMES
    assert curves.rate == 25
    assert curves.values == pytest.approx(values)


@pytest.mark.parametrize("ending", [".csv", ".json", ".npz"])
def test_what_rhapsode_writes_comes_back(tmp_path: Path, ending: str) -> None:
    values = np.random.default_rng(0).uniform(size=(60, len(FACE))).astype(np.float32)
    path = save(Performance(Curves(FACE.channels, values, Fraction(60))), tmp_path / f"take{ending}")
    curves, inside = read_file(path)
    assert inside is None
    assert curves.rate == 60
    assert curves["jawOpen"] == pytest.approx(values[:, FACE.index("jawOpen")], abs=1e-5)


def test_an_archive_of_plain_arrays_says_its_rate_or_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", names=np.array(NAMES), weights=np.zeros((5, 4)), fps=29.97)
    assert read_file(tmp_path / "a.npz")[0].rate == Fraction(30000, 1001)
    np.savez(tmp_path / "b.npz", names=np.array(NAMES), weights=np.zeros((5, 4)))
    assert read_file(tmp_path / "b.npz", Fraction(24))[0].rate == 24
    with pytest.raises(FormatError, match="--fps"):
        read_file(tmp_path / "b.npz")


def test_foreign_and_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(FormatError, match=r"cut\.npz"):
        read_file(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", faces=np.zeros(3))
    with pytest.raises(FormatError, match="has the arrays faces"):
        read_file(tmp_path / "other.npz")
    values, names = maya(tmp_path, np.zeros((5, 3)))
    with pytest.raises(FormatError, match=r"\(5, 3\).*\(frames, 4\)"):
        read_maya(values, names, Fraction(30))
    np.save(names, np.array(["a", "b"], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="dtype=str"):
        read_maya(values, names, Fraction(30))
    values, names = maya(tmp_path, np.zeros((5, 2)), ("a", "a"))
    with pytest.raises(FormatError, match="more than once"):
        read_maya(values, names, Fraction(30))


def test_sounds_find_their_curves_by_name_and_by_folder(tmp_path: Path) -> None:
    for name in ("audio/One.wav", "two.flac", "third/any.wav", "lonely.mp3"):
        sound(tmp_path / name)
    (tmp_path / "one.json").write_text("{}")
    (tmp_path / "two_raw.csv").write_text("")
    (tmp_path / "two_neutral.csv").write_text("")
    (tmp_path / "four.csv").write_text("")
    (tmp_path / "takes.json").write_text("{}")
    sound(tmp_path / "sync" / "clap.wav")
    maya(tmp_path / "third", np.zeros((3, 4)))
    found = pair(tmp_path)
    made = {p.name: (p.sound.name, p.curves.name) for p in found.pairs}
    assert made == {
        "one": ("One.wav", "one.json"),
        "two": ("two.flac", "two_raw.csv"),
        "third": ("any.wav", "BS_value.npy"),
    }
    left = {path.name: why for path, why in found.left}
    assert set(left) == {"lonely.mp3", "four.csv"}
    assert "'four'" in left["four.csv"]


def test_a_sound_is_one_take_however_many_curves_it_has(tmp_path: Path) -> None:
    sound(tmp_path / "one.wav")
    for name in ("one_raw.csv", "one_cal.csv"):
        (tmp_path / name).write_text("")
    found = pair(tmp_path)
    assert [p.curves.name for p in found.pairs] == ["one_cal.csv"]
    assert "already has curves" in {path.name: why for path, why in found.left}["one_raw.csv"]


def test_names_of_maya_count_for_the_folders_below(tmp_path: Path) -> None:
    np.save(tmp_path / "BS_name.npy", np.array(NAMES))
    for name in ("a", "b"):
        sound(tmp_path / name / f"{name}.wav")
        np.save(tmp_path / name / "BS_value.npy", np.zeros((3, 4)))
    assert [p.names for p in pair(tmp_path).pairs] == [tmp_path / "BS_name.npy"] * 2


def test_the_same_name_twice_is_not_guessed_at(tmp_path: Path) -> None:
    sound(tmp_path / "x" / "take.wav")
    sound(tmp_path / "y" / "take.wav")
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "take.csv").write_text("")
    with pytest.raises(InputError, match="2 sounds have its name"):
        pair(tmp_path)


@pytest.mark.parametrize(("content", "said"), [((), "0 sounds"), (("a.wav", "b.csv"), "no pair")])
def test_folders_without_a_pair_say_what_they_hold(
    tmp_path: Path, content: tuple[str, ...], said: str
) -> None:
    for name in content:
        sound(tmp_path / name)
    if content:
        sound(tmp_path / "c.wav")
    with pytest.raises(InputError, match=said):
        pair(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        pair(tmp_path / "absent")


def test_a_performance_brings_its_own_sound(tmp_path: Path) -> None:
    y, loud = voice(4.0)
    face = Curves(NAMES, curves_of(loud, 50))
    save(Performance(face, Sound(y, CLOCK_HZ)), tmp_path / "whole.npz")
    raw = read_pair(pair(tmp_path).pairs[0], None)
    assert raw.sound == pytest.approx(y)
    assert len(raw.curves) == 200


def test_takes_that_cannot_be_used_are_left_out_with_the_reason(tmp_path: Path) -> None:
    write_take(tmp_path, "good")
    write_take(tmp_path, "bad")
    held = dict(np.load(tmp_path / "bad.npz"))
    held["weights"][12, 1] = np.nan
    np.savez(tmp_path / "bad.npz", **held)
    write_take(tmp_path, "short", seconds=0.5)
    made, refused = read_all(pair(tmp_path).pairs, None)
    assert [take.name for take in made] == ["good"]
    assert dict(refused)["bad"].count("'jawOpen' at frame 12") == 1
    assert "0.50 s" in dict(refused)["short"]
    (tmp_path / "good.npz").unlink()
    with pytest.raises(InputError, match=r"no take can be used: .*bad\.npz"):
        read_all(pair(tmp_path).pairs, None)
