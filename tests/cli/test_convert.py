"""``rhapsode convert``: files in, files out, and every wrong command."""

import io
import json
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import soundfile

from rhapsode.cli import main
from rhapsode.formats import load
from tests.formats.performances import performance


def rhapsode(cwd: Path, *arguments: str) -> tuple[int, str, str]:
    out, err, code = io.StringIO(), io.StringIO(), 0
    argv = patch.object(sys, "argv", ["rhapsode", *arguments])
    with argv, chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, out.getvalue(), " ".join(err.getvalue().split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    performance(600).save(tmp_path / "take.npz")
    performance(60).save(tmp_path / "take.csv")
    return tmp_path


def test_several_files_at_once_with_the_sound_of_the_source(folder):
    outputs = ["a.json", "a.csv", "a.wav", "a.srt", "a.azure.json", "a.marks", "a.dat"]
    code, out, err = rhapsode(folder, "convert", "take.npz", *outputs, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told == {
        "source": "take.npz",
        "outputs": outputs,
        "duration_s": 12.0,
        "curve_frames": 600,
        "fps": 50.0,
        "sound": True,
    }
    whole = performance(600)
    np.testing.assert_allclose(load(folder / "a.csv").face.values, whole.face.resample(60).values, atol=1e-6)
    assert whole.sound is not None
    y, rate = soundfile.read(folder / "a.wav")
    assert (len(y), rate) == (len(whole.sound.samples), 24_000)
    np.testing.assert_allclose(y, whole.sound.samples, atol=1e-4)


def test_a_sound_is_attached(folder):
    soundfile.write(folder / "voice.wav", np.full(32_000, 0.25), 16_000)
    code, _, err = rhapsode(folder, "convert", "take.csv", "b.npz", "b.wav", "--sound", "voice.wav")
    assert code == 0, err
    assert "take.csv: 2.0 s -> b.npz, b.wav" in err
    sound = load(folder / "b.npz").sound
    assert sound is not None
    assert (len(sound.samples), sound.sample_rate) == (32_000, 16_000)


def test_options_reach_the_file(folder):
    code, *_ = rhapsode(
        folder,
        "convert",
        "take.csv",
        "c.txt",
        "--format",
        "a2f",
        "--fps",
        "30",
        "--rig",
        "oculus",
        "--precision",
        "2",
    )
    assert code == 0
    tree = json.loads((folder / "c.txt").read_text())
    assert (tree["exportFps"], tree["numPoses"]) == (30, 15)
    code, *_ = rhapsode(folder, "convert", "c.txt", "d.csv", "--read-as", "a2f")
    assert code == 0
    assert len(load(folder / "d.csv").face) > 50


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.csv", "a.json"], "found nothing there, expected Live Link Face CSV"),
        (["take.csv", "take.csv"], "is the source itself"),
        (["take.csv", "a.xyz"], "known are .json"),
        (["take.csv", "a.json", "a.mov"], "known are .json"),
        (["take.csv", "a.wav"], "needs the sound of the performance"),
        (["take.csv", "a.json", "a.srt"], "subtitles need words"),
        (["take.csv", "a.json", "--sound", "no.wav"], "no.wav"),
        (["take.csv", "a.json", "--sound", "take.csv"], "take.csv"),
        (["take.csv", "a.json", "--fps", "0"], "frame rate must lie in"),
        (["take.csv", "a.json", "--rig", "spider"], "a rig must be one of"),
        (["take.csv", "a.json", "--format", "odd"], "format 'odd' is unknown"),
        (["take.csv", "x.y", "--format", "rhubarb.xml"], "format 'rhubarb.xml' is unknown"),
        (["take.csv", "a.json", "--read-as", "a2f"], "is no JSON"),
        (["take.csv", "missing/a.json"], "make the folder first"),
        (["take.mp4", "a.json"], "cannot read 'take.mp4'"),
    ],
)
def test_wrong_commands_leave_nothing(folder, arguments, says):
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    code, out, err = rhapsode(folder, "convert", *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_the_list_says_what_is_read_and_written(tmp_path):
    rows = {row["extension"]: row for row in json.loads(rhapsode(tmp_path, "formats", "--json")[1])}
    for extension, reads, writes in (
        (".azure.json", True, True),
        (".visemes.json", True, True),
        (".rhubarb.json", True, True),
        (".tsv", True, True),
        (".dat", False, True),
        (".marks", True, True),
        (".polly.jsonl", True, True),
    ):
        assert (rows[extension]["reads"], rows[extension]["writes"]) == (reads, writes)
    text = rhapsode(tmp_path, "formats")[1]
    assert len({line.index(": ") > 0 for line in text.splitlines()}) == 1
    assert ".visemes.json" in text
