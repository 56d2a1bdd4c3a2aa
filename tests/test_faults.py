"""Bad input at the command line: a clear message, exit code 2, and no partial file."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhapsode.avatars import default_name
from tests.commands import rhapsode
from tests.sounds import speechlike


def refused(*arguments: object, cwd: Path, says: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in cwd.rglob("*")}
    done = rhapsode(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert says.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert {path: path.stat().st_mtime_ns for path in cwd.rglob("*")} == before, "a file was left behind"


def wav(path: Path, y: np.ndarray, sample_rate: int = 16_000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, y, sample_rate, subtype=subtype)
    return path


@pytest.fixture
def line(tmp_path: Path) -> Path:
    return wav(tmp_path / "line.wav", speechlike(1.0))


def test_missing_file(tmp_path):
    refused("animate", "nowhere.wav", "-o", "a.json", cwd=tmp_path, says="nowhere.wav")


def test_a_directory(tmp_path):
    (tmp_path / "folder.wav").mkdir()
    refused("animate", "folder.wav", "-o", "a.json", cwd=tmp_path, says="directory")


def test_text_named_wav(tmp_path):
    (tmp_path / "text.wav").write_text("these are words, not samples\n" * 20)
    refused("animate", "text.wav", "-o", "a.json", cwd=tmp_path, says="text.wav")


def test_empty_file(tmp_path):
    (tmp_path / "empty.wav").touch()
    refused("animate", "empty.wav", "-o", "a.json", cwd=tmp_path, says="empty")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers(tmp_path, bad):
    y = speechlike(1.0)
    y[[7_000, 9_000]] = bad
    wav(tmp_path / "bad.wav", y)
    refused("animate", "bad.wav", "-o", "a.json", "-o", "a.csv", cwd=tmp_path, says="finite")


def test_unknown_extension_lists_the_known(tmp_path, line):
    refused("animate", line.name, "-o", "a.xyz", cwd=tmp_path, says=".glb")


def test_unwritable_folder(tmp_path, line):
    refused("animate", line.name, "-o", "missing/a.json", cwd=tmp_path, says="missing")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(tmp_path, line):
    (tmp_path / "locked").mkdir(mode=0o500)
    refused("animate", line.name, "-o", "locked/a.json", cwd=tmp_path, says="locked")


def test_avatar_without_morph_targets(tmp_path, line):
    import trimesh

    (tmp_path / "box.glb").write_bytes(trimesh.creation.box().export(file_type="glb"))
    refused("animate", line.name, "--avatar", "box.glb", "-o", "a.glb", cwd=tmp_path, says="morph")


def test_corrupt_weights(tmp_path, line):
    from importlib.resources import files

    shipped = Path(str(files("rhapsode.face") / "weights"))
    manifest = json.loads((shipped / "live.json").read_text())
    (tmp_path / "live.json").write_text(json.dumps(manifest))
    broken = bytearray((shipped / manifest["file"]).read_bytes())
    broken[len(broken) // 2] ^= 0xFF
    (tmp_path / manifest["file"]).write_bytes(broken)
    refused("animate", line.name, "--weights", "live.json", "-o", "a.json", cwd=tmp_path, says="sha256")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "-o"),
        (("-o", "a.json", "--style", "sleepy"), "style"),
        (("-o", "a.json", "--strength", "9"), "strength"),
        (("-o", "a.json", "--fps", "0"), "frame rate"),
        (("-o", "a.json", "--rig", "spider"), "rig"),
        (("-o", "a.json", "-o", "a.json"), "twice"),
        (("-o", "line.wav"), "line.wav"),
        (("-o", "a.mp4", "--size", "12by12"), "size"),
        (("-o", "a.mp4", "--avatar", "nobody"), "nobody"),
        (("-o", "a.json", "--text", "both"), "both"),
        (("-o", "a.srt"), "words"),
    ],
)
def test_wrong_options(tmp_path, line, arguments, says):
    refused("animate", line.name, *arguments, cwd=tmp_path, says=says)


@pytest.mark.parametrize(
    ("text", "says"), [("", "empty"), ("   ", "empty"), ("\N{GRINNING FACE}", "nothing")]
)
def test_texts_that_cannot_be_spoken(tmp_path, text, says):
    refused("animate", "--text", text, "-o", "a.json", cwd=tmp_path, says=says)


def test_one_bad_source_stops_no_other(tmp_path, line):
    (tmp_path / "empty.wav").touch()
    done = rhapsode("animate", "empty.wav", line.name, "-o", "{name}.json", "--json", cwd=tmp_path)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert [report["source"] for report in document["performances"]] == ["line.wav"]
    assert document["failed"][0]["source"] == "empty.wav"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.wav", "line.json", "line.wav"]


def test_ten_milliseconds_work(tmp_path):
    wav(tmp_path / "click.wav", speechlike(0.01))
    done = rhapsode("animate", "click.wav", "-o", "a.json", "-o", "a.csv", "-o", "a.npz", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "a.json").read_text())["numFrames"] >= 1


def test_only_silence_works(tmp_path):
    wav(tmp_path / "silence.wav", np.zeros(32_000, np.float32))
    assert rhapsode("animate", "silence.wav", "-o", "a.json", cwd=tmp_path).returncode == 0
    take = json.loads((tmp_path / "a.json").read_text())
    jaw = take["facsNames"].index("jawOpen")
    assert np.mean([row[jaw] for row in take["weightMat"]]) <= 0.03


def test_eight_channels_at_96_khz_work(tmp_path):
    y = np.repeat(speechlike(0.6, sample_rate=96_000)[:, None], 8, axis=1)
    wav(tmp_path / "many.wav", y, 96_000)
    done = rhapsode("animate", "many.wav", "-o", "a.json", "--fps", "60", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "a.json").read_text())["numFrames"] == 36


def test_truncated_mp3_works_up_to_the_cut_and_says_so(tmp_path):
    soundfile.write(tmp_path / "whole.mp3", speechlike(4.0), 16_000)
    whole = (tmp_path / "whole.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(whole[: len(whole) // 2 + 37])
    done = rhapsode("animate", "cut.mp3", "-o", "a.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "note:" in done.stderr
    assert json.loads((tmp_path / "a.json").read_text())["numFrames"] > 30


def test_spaces_and_chinese_characters_in_paths_work(tmp_path):
    folder = tmp_path / "我的 录音"
    folder.mkdir()
    wav(folder / "第一 句.wav", speechlike(0.5))
    done = rhapsode("animate", "我的 录音/第一 句.wav", "-o", "我的 录音/{name} 曲线.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (folder / "第一 句 曲线.csv").stat().st_size > 1000


@pytest.mark.slow
def test_several_files_at_once(tmp_path):
    for k in range(3):
        wav(tmp_path / f"take{k}.wav", speechlike(0.5, seed=k))
    done = rhapsode(
        "animate",
        *[f"take{k}.wav" for k in range(3)],
        "-o",
        "{name}.json",
        "--jobs",
        "2",
        "--json",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert [r["source"] for r in json.loads(done.stdout)["performances"]] == [
        f"take{k}.wav" for k in range(3)
    ]


@pytest.mark.slow
def test_every_output_from_one_text(tmp_path):
    outputs = [f"hello.{kind}" for kind in ("mp4", "csv", "glb", "json", "npz", "srt", "vtt")]
    flags = [part for out in outputs for part in ("-o", out)]
    done = rhapsode(
        "animate", "--text", "Hello there. How are you?", *flags, "--avatar", default_name(), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(outputs)


def _heed_interrupts():
    """Undo what a shell does to its background jobs, which inherit that they ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_partial(tmp_path, ending):
    wav(tmp_path / "long.wav", np.tile(speechlike(10.0), 90))
    command = [sys.executable, "-m", "rhapsode", "animate", "long.wav", "-o", "a.json", "-o", "a.csv"]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_interrupts
    ) as working:
        while working.poll() is None and len(list(tmp_path.iterdir())) < 3:
            time.sleep(0.05)
        time.sleep(0.5)
        working.send_signal(ending)
        assert "nothing partial" in working.communicate(timeout=60)[1]
    assert working.returncode == 130
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]
