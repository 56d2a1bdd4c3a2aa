"""``rhapsode say``: into files and into a live take, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rhapsode.cli import app
from rhapsode.cli.say_spoken import Speaking
from rhapsode.performance import CLOCK_HZ, Performance
from rhapsode.speech.manner import PLAIN


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory; no settings of the machine count."""
    for name in [name for name in os.environ if name.startswith("RHAPSODE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def say(*arguments: str, given: str | None = None):
    return CliRunner().invoke(app, ["say", *arguments], input=given)


def test_a_text_becomes_files_of_the_same_length(here: Path):
    done = say("-", "-o", "a.wav", "-o", "a.flac", "-o", "a.npz", given="Hello there.\n")
    assert done.exit_code == 0, done.exception
    take = Performance.load(here / "a.npz")
    assert take.sound is not None
    assert [word.text for word in take.words.words] == ["Hello", "there."]
    seconds = [soundfile.info(here / name).duration for name in ("a.wav", "a.flac")]
    assert seconds == pytest.approx([take.sound.duration_s] * 2, abs=0.001)
    assert np.abs(soundfile.read(here / "a.flac")[0]).max() > 0.05
    assert float(take.face["jawOpen"].max()) > 0.1


def test_marks_are_felt_where_they_stand_and_never_spoken():
    text = "Hello there. [joy:0.8] Welcome [nod] home! [pause 0.5] Come in. [wave]"
    slices = list(Speaking(text, ("hibari",), PLAIN).slices())
    words = [(word.text, word.start_s) for one in slices for word in one.words.words]
    assert [word for word, _ in words] == ["Hello", "there.", "Welcome", "home!", "Come", "in."]
    at = 0.0
    for one in slices:  # consecutive, to the sample
        assert float(one.sound.start / CLOCK_HZ) == pytest.approx(at, abs=1e-6)
        at += one.sound.duration_s
    (felt,) = [one for one in slices if one.feelings]
    assert (felt.words.words[0].text, str(felt.feelings[0])) == ("Welcome", "joy:0.8")
    gestures = dict(gesture for one in slices for gesture in one.gestures)
    assert gestures["nod"] == pytest.approx(dict(words)["home!"])
    assert gestures["wave"] > dict(words)["in."]
    assert dict(words)["Come"] - dict(words)["home!"] > 0.7


def test_gestures_are_made_in_files_and_come_to_their_end():
    text = "Hello there, [wave] it is me."
    done = say(text, "-o", "a.npz", "-o", "a.bvh")
    assert done.exit_code == 0, done.exception
    take = Performance.load("a.npz")
    assert take.motion is not None
    assert (len(take.motion), take.motion.start) == (len(take.face), take.face.start)
    arm = take.motion.rotations[:, take.motion.joints.index("rightUpperArm")]
    moved = np.degrees(2 * np.arccos(np.clip(np.abs(arm @ arm[0]), 0, 1)))
    begin = next(word.start_s for word in take.words.words if word.text == "it")
    assert moved[: round(begin * 50)].max() < 0.5
    assert moved.max() > 45
    assert moved[-1] < 5  # it is not cut off with the last word
    assert take.sound is not None
    assert take.sound.duration_s - take.words.words[-1].end_s > 0.8
    assert abs(take.face.duration_s - take.sound.duration_s) < 0.05
    assert "JOINT rightUpperArm" in Path("a.bvh").read_text()
    assert say(text, "-o", "b.npz").exit_code == 0
    assert np.array_equal(Performance.load("b.npz").motion.rotations, take.motion.rotations)  # type: ignore[union-attr]


def test_without_gestures_a_file_has_no_body(here: Path):
    (here / "rhapsode.toml").write_text("[perform]\ngestures = false\n")
    assert say("Hello there, [wave] it is me.", "-o", "forbidden.npz").exit_code == 0
    (here / "rhapsode.toml").unlink()
    assert say("Hello there.", "-o", "none.npz").exit_code == 0
    for name in ("forbidden", "none"):
        assert Performance.load(f"{name}.npz").motion is None


def test_ssml_is_known_by_its_first_element():
    done = say('<speak>Well, <break time="900ms"/> yes.</speak>', "-o", "a.npz")
    assert done.exit_code == 0, done.exception
    first, last = Performance.load("a.npz").words.words
    assert last.start_s - first.end_s > 0.85


def test_rate_pitch_and_volume_are_settings(here: Path):
    (here / "rhapsode.toml").write_text("[speak]\nrate = 0.5\nvolume = -20\n")
    assert say("Hello there.", "-o", "slow.wav").exit_code == 0
    assert say("Hello there.", "-o", "fast.wav", "--rate", "2").exit_code == 0
    slow, fast = (soundfile.read(here / name)[0] for name in ("slow.wav", "fast.wav"))
    assert len(slow) > 2.5 * len(fast)
    assert np.abs(fast).max() < 0.1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", "-o", "x.wav"], "say needs a text with words in it, got none"),
        (["[joy]", "-o", "x.wav"], "say needs a text with words in it, got none"),
        (["x" * 100_001, "-o", "x.wav"], "a text may hold 100000 characters"),
        (["Hello.", "-o", "x.wav", "--to", "ws"], "say writes files or speaks live, got -o and --to"),
        (["Hello.", "--mute"], "say needs somewhere to speak to, got --mute and no --to"),
        (["Hello.", "-o", "x.xyz"], "'.xyz'"),
        (["Hello.", "-o", "none/x.flac"], "cannot write 'none/x.flac'"),
        (["Hello.", "-o", "x.wav", "--voice", "nobody"], "got 'nobody'"),
        (["Hello.", "-o", "x.wav", "--rate", "5"], "speak.rate must be at most 2, got 5.0"),
        (["Hello.", "-o", "x.wav", "--emotion", "jog"], "no emotion is called 'jog'"),
        (["<speak><foo/></speak>", "-o", "x.wav"], "got <foo>"),
        (["Hello.", "-o", "x.wav", "--settings", "none.toml"], "no file of settings is at 'none.toml'"),
        (["Hello.", "--to", "smoke://x", "--mute"], "a sink must be one of"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(here: Path, arguments: list[str], said: str):
    done = say(*arguments)
    assert done.exit_code != 0
    assert said in str(done.exception)
    assert list(here.iterdir()) == []


@pytest.mark.slow
def test_a_text_is_performed_live_into_a_take(here: Path):
    done = say("[joy:0.8] Hello there. [nod]", "--mute", "--to", "file:take.npz")
    assert done.exit_code == 0, done.exception
    take = Performance.load(here / "take.npz")
    assert take.sound is not None
    assert np.abs(take.sound.samples).max() > 0.05
    assert take.face.duration_s > 1
    assert float(take.face["mouthSmileLeft"].max()) > 0.2
