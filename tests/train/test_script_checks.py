"""What is measured of a take, how a microphone is kept, and what the data folder withstands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rhapsode.errors import AudioError, FormatError, MissingExtraError
from rhapsode.performance import as_float32
from rhapsode.train.script import recorder
from rhapsode.train.script.checks import check, clap_at
from rhapsode.train.script.folder import TakeFolder
from rhapsode.train.script.prompts import script
from rhapsode.train.script.recorder import Microphone, SoundClip, Tape, microphones
from rhapsode.train.script.writing import replacing
from tests.train.scripted import RATE, room, said, tone

ITEM = script("zh", manners=["exaggerated"])[80]


def codes(samples: np.ndarray, lost: int = 0) -> list[str]:
    return [problem.code for problem in check(as_float32(samples), RATE, lost=lost).problems]


def test_a_good_take_has_no_problem_and_its_numbers_are_right() -> None:
    t = np.arange(RATE) / RATE
    y = np.concatenate([room(0.5), as_float32(0.5 * np.sin(2 * np.pi * 200 * t)), room(0.5)])
    made = check(as_float32(y), RATE)
    assert made.problems == ()
    assert made.level_dbfs == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.1)
    assert made.peak_dbfs == pytest.approx(-6.02, abs=0.02)
    assert made.noise_dbfs == pytest.approx(-66, abs=1)


def test_one_sample_at_full_scale_is_no_clipping_but_runs_are() -> None:
    y = said()
    y[8000] = 1.0
    assert codes(y) == []
    y[9000:9004] = -1.0
    assert check(y, RATE).clipped == 4
    assert codes(y) == ["clipped"]


def test_speech_at_an_edge_is_noticed() -> None:
    y = np.concatenate([tone(1.0), room(0.5)])
    assert codes(y) == ["cut-start"]
    assert codes(y[::-1].copy()) == ["cut-end"]


def test_lost_sound_is_named_with_how_often() -> None:
    (problem,) = check(said(), RATE, lost=3).problems
    assert (problem.code, "3 times" in problem.text) == ("lost", True)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(10), np.zeros(RATE)])
def test_nothing_at_all_is_unheard(samples: np.ndarray) -> None:
    assert codes(samples) == ["unheard"]


def test_a_clap_is_found_to_a_few_milliseconds_and_speech_is_none() -> None:
    y = room(2.0, 2e-3)
    y[RATE : RATE + 160] += as_float32(0.8 * np.random.default_rng(1).standard_normal(160)).clip(-1, 1)
    y[RATE + RATE // 2 : RATE + RATE // 2 + 4000] += tone(0.25, 0.3)
    assert clap_at(y, RATE) == pytest.approx(1.0, abs=0.003)
    assert clap_at(room(2.0), RATE) is None
    assert clap_at(room(0.001), RATE) is None


def test_a_tape_keeps_the_moment_before_and_counts_samples() -> None:
    tape = Tape(1000, preroll_s=0.1)
    ramp = as_float32(np.arange(1000) / 1000)
    for k in range(0, 500, 30):
        tape.push(ramp[k : k + 30][:, None])
    tape.begin()
    tape.push(ramp[510:700], lost=True)
    clip = tape.end(trim_s=0.05)
    # Whole blocks of 30 are kept: at least 100 samples before the beginning.
    assert 380 < clip.start <= 410
    assert np.array_equal(clip.samples, ramp[clip.start : 650])
    assert (clip.lost, clip.start_s) == (1, clip.start / 1000)
    tape.push(ramp[700:720])
    tape.begin()
    again = tape.end()
    assert (again.start, len(again.samples), again.lost) == (700, 20, 0)


def test_a_tape_hears_silence_where_a_device_gives_no_numbers() -> None:
    tape = Tape(1000)
    tape.begin()
    tape.push(as_float32([0.5, np.nan]))
    tape.push(as_float32([0.5, 0.5]))
    clip = tape.end()
    assert (clip.samples.tolist(), clip.lost) == ([0.0, 0.0, 0.5, 0.5], 1)


def test_a_take_whose_sound_is_gone_or_cut_counts_as_not_recorded(tmp_path: Path) -> None:
    items = script("zh")[:3]
    folder = TakeFolder(tmp_path)
    sitting = folder.sit_down("test")
    for item in items:
        folder.keep(item, SoundClip(said(), RATE, 0), check(said(), RATE), sitting)
    (tmp_path / f"{items[0].id}.wav").unlink()
    SoundClip(said(0.2), RATE, 0).write(tmp_path / f"{items[1].id}.wav")
    again = TakeFolder(tmp_path)
    assert again.damaged == (items[0].id, items[1].id)
    assert again.missing(items) == items[:2]


def test_a_mandarin_take_says_its_initials_and_finals(tmp_path: Path) -> None:
    folder = TakeFolder(tmp_path)
    take = folder.keep(ITEM, SoundClip(said(), RATE, 0), check(said(), RATE), 1)
    written = json.loads((tmp_path / "takes.json").read_text(encoding="utf-8"))["takes"][0]
    assert written["text"] == ITEM.prompt.text
    assert written["phones"] == list(take.phones) == list(ITEM.prompt.phones)
    assert written["manner"] == "exaggerated"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no manifest of takes"),
        ("{}x", "is no manifest of takes"),
        ('{"format": "other", "version": 1}', r"format: input should be 'rhapsode-takes'"),
        ('{"version": 1, "colour": 1}', r"colour: extra inputs are not permitted"),
        ('{"takes": [{"id": "x"}]}', r"takes\.0\.file: field required"),
    ],
)
def test_a_manifest_of_another_kind_is_refused_and_left_alone(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "takes.json").write_text(content)
    with pytest.raises(FormatError, match=message) as caught:
        TakeFolder(tmp_path)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "takes.json").read_text() == content


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "takes").write_text("")
    with pytest.raises(FormatError, match="is a file, expected a folder"):
        TakeFolder(tmp_path / "takes")
    folder = TakeFolder(tmp_path / "takes" / "inside")
    with pytest.raises(FormatError, match="cannot make folder"):
        folder.keep(ITEM, SoundClip(said(), RATE, 0), check(said(), RATE), 1)


def test_a_write_that_fails_leaves_the_file_before(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("before")

    def fail() -> None:
        with replacing(target) as aside:
            aside.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(FormatError, match=r"cannot write .*No space left"):
        fail()
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


class FakePortAudio:
    """Stands in for the package sounddevice, with one device that knows 44100 Hz only."""

    PortAudioError = type("PortAudioError", (Exception,), {})

    def __init__(self, *, opens: bool = True) -> None:
        self.opens = opens
        self.played: list[Any] = []
        self.stream: Any = None

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        every = [
            {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48000.0},
            {"name": "Desk microphone", "max_input_channels": 1, "default_samplerate": 44100.0},
        ]
        if kind is None:
            return every
        if device not in (None, 1, "Desk"):
            raise ValueError(f"No input device matching {device!r}")
        return every[1]

    def check_input_settings(self, **settings: Any) -> None:
        if settings["samplerate"] != 44100:
            raise self.PortAudioError("Invalid sample rate")

    def InputStream(self, **settings: Any) -> Any:  # noqa: N802
        if not self.opens:
            raise self.PortAudioError("Device unavailable\n [PaErrorCode -9985]")
        self.stream = SimpleNamespace(
            active=True, start=lambda: None, close=lambda: None, hear=settings["callback"]
        )
        return self.stream

    def play(self, samples: Any, rate: int, *, blocking: bool) -> None:
        self.played.append((len(samples), rate, blocking))


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    made = FakePortAudio()
    monkeypatch.setattr(recorder, "_sounddevice", lambda: made)
    return made


def test_the_microphone_records_at_the_rate_that_its_device_has(portaudio: FakePortAudio) -> None:
    microphone = Microphone("1")
    assert (microphone.name, microphone.sample_rate) == ("Desk microphone", 44100)
    microphone.open()
    microphone.begin()
    for overflow in (False, True):
        portaudio.stream.hear(
            np.full((441, 1), 0.5, np.float32), 441, None, SimpleNamespace(input_overflow=overflow)
        )
    clip = microphone.end()
    assert (len(clip.samples), clip.lost) == (882, 1)
    microphone.play(clip)
    assert portaudio.played == [(882, 44100, True)]
    portaudio.stream.active = False
    with pytest.raises(AudioError, match="has stopped"):
        microphone.begin()
    microphone.close()
    microphone.close()
    assert microphones() == ["1: Desk microphone"]


def test_a_microphone_that_is_not_there_or_refuses_says_what_to_do(portaudio: FakePortAudio) -> None:
    with pytest.raises(AudioError, match=r"no microphone matches 'Lamp': .*--devices"):
        Microphone("Lamp")
    portaudio.opens = False
    with pytest.raises(AudioError, match=r"cannot be opened at 44100 Hz: Device unavailable \[PaErrorCode"):
        Microphone().open()


def test_without_the_library_the_message_holds_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rhapsode\[record\]'"):
        Microphone()

    def fail(name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(AudioError, match="apt install libportaudio2"):
        microphones()


def test_the_package_loads_without_torch() -> None:
    code = (
        "import sys, rhapsode.train.script.session, rhapsode.train.script.elsewhere, "
        "rhapsode.train.script.sheet, rhapsode.cli.train_script; print('torch' in sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert made.stdout.strip() == "False"
