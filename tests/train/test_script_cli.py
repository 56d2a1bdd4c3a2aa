"""The command, the printed sheet, recordings made elsewhere, and the prompter."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from rhapsode.audio.meter import Level
from rhapsode.cli import train_script
from rhapsode.errors import AudioError, FormatError, RhapsodeError, SettingError
from rhapsode.train.script.checks import check
from rhapsode.train.script.elsewhere import spoken, take_files, take_long_file
from rhapsode.train.script.folder import TakeFolder
from rhapsode.train.script.keys import TerminalKeys
from rhapsode.train.script.prompts import script
from rhapsode.train.script.screen import Prompter
from rhapsode.train.script.sheet import write_sheet
from tests.train.scripted import RATE, FakeMicrophone, room, said, tone

ITEMS = script("en", manners=["normal"])[:5]
APP = typer.Typer()
APP.command()(train_script.script)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def refused(*arguments: object) -> RhapsodeError:
    error = run(*arguments).exception
    assert isinstance(error, RhapsodeError), error
    return error


def files(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        soundfile.write(folder / name, said(), RATE)
    return folder


def test_list_prints_the_script_and_what_is_recorded(tmp_path: Path) -> None:
    lines = run("--list", "--language", "zh", "--manner", "normal").output.splitlines()
    assert len(lines) == len(script("zh", manners=["normal"])) + 1
    assert lines[0] == "[ ] zh-isolated-001-normal  玻　玻  bō bō; initial b"
    assert "0 recorded" in lines[-1]
    source = files(tmp_path / "in", [f"{ITEMS[0].id}.wav"])
    take_files(ITEMS, TakeFolder(tmp_path / "out"), source)
    rows = json.loads(run(tmp_path / "out", "--list", "--json").stdout)
    assert [row["id"] for row in rows if row["recorded"]] == [ITEMS[0].id]


def test_minutes_and_manner_choose(tmp_path: Path) -> None:
    rows = json.loads(run("--list", "--json", "--minutes", 5, "--manner", "exaggerated").stdout)
    assert {row["id"].rsplit("-", 1)[1] for row in rows} == {"exaggerated"}
    assert len(rows) < 80


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sheet_holds_every_prompt(tmp_path: Path, language: str) -> None:
    items = script(language)
    for suffix in (".md", ".txt", ".csv"):
        assert run("--print", tmp_path / f"s{suffix}", "-l", language).exit_code == 0
    sheet = (tmp_path / "s.md").read_text(encoding="utf-8")
    assert all(f"| {item.id} | {item.prompt.text} | {item.prompt.reading} |" in sheet for item in items)
    assert len({line.count("|") for line in sheet.splitlines() if line.startswith("|")}) == 1
    rows = list(csv.DictReader((tmp_path / "s.csv").open(encoding="utf-8")))
    assert [tuple(row["phones"].split()) for row in rows] == [item.prompt.phones for item in items]
    paragraphs = (tmp_path / "s.txt").read_text(encoding="utf-8").split("\n\n")
    assert len(paragraphs) == len(items) + 2


def test_another_kind_of_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"must end in .md, .txt, .csv, got 's.pdf'"):
        write_sheet(ITEMS, tmp_path / "s.pdf")
    assert isinstance(refused("--print", tmp_path / "none" / "s.md"), FormatError)
    assert not list(tmp_path.iterdir())


def test_files_named_after_prompts_are_taken_and_checked(tmp_path: Path) -> None:
    source = files(tmp_path / "in", [f"{ITEMS[0].id}.WAV", f"{ITEMS[1].prompt.id}.flac", "other.wav"])
    soundfile.write(source / f"{ITEMS[2].id}.wav", np.stack([said(level=0.01)] * 2, axis=1), RATE)
    done = take_files(ITEMS, TakeFolder(tmp_path / "out"), source)
    assert done.recorded == [item.id for item in ITEMS[:3]]
    assert done.absent == [item.id for item in ITEMS[3:]]
    assert list(done.problems) == [ITEMS[2].id]
    takes = TakeFolder(tmp_path / "out").takes
    assert [take.start_s for take in takes.values()] == [None] * 3
    y, _ = soundfile.read(tmp_path / "out" / takes[ITEMS[0].id].file)
    assert y == pytest.approx(said(), abs=1e-4)


def test_a_prompts_file_is_taken_for_one_manner_only(tmp_path: Path) -> None:
    both = script("en")
    source = files(tmp_path / "in", [f"{both[0].prompt.id}.wav"])
    with pytest.raises(AudioError, match=rf"no file named after a prompt; .*{both[0].id}\.wav"):
        take_files(both, TakeFolder(tmp_path / "out"), source)
    assert not (tmp_path / "out").exists()


def long_file(path: Path, count: int) -> Path:
    """Write ``count`` prompts, each two words with a short pause between, 2 s apart."""
    prompt = np.concatenate([tone(0.6), room(0.5), tone(0.4)])
    parts = [np.concatenate([room(1.0, seed=k), prompt, room(1.0, seed=k + 50)]) for k in range(count)]
    soundfile.write(path, np.concatenate(parts), RATE)
    return path


def test_one_long_file_is_cut_at_its_pauses(tmp_path: Path) -> None:
    source = long_file(tmp_path / "all.wav", 5)
    done = take_long_file(ITEMS, TakeFolder(tmp_path / "out"), source, pause_s=1.5)
    assert done.recorded == [item.id for item in ITEMS]
    assert done.problems == {}
    takes = list(TakeFolder(tmp_path / "out").takes.values())
    starts = [take.start_s for take in takes]
    assert starts == pytest.approx([0.7 + 3.5 * k for k in range(5)], abs=0.03)
    assert [take.duration_s for take in takes] == pytest.approx([2.1] * 5, abs=0.05)


def test_a_long_file_with_another_number_of_pieces_is_refused_whole(tmp_path: Path) -> None:
    source = long_file(tmp_path / "all.wav", 4)
    with pytest.raises(AudioError, match=r"4 pieces at pauses of 1.5 s, expected 5.*lower --pause"):
        take_long_file(ITEMS, TakeFolder(tmp_path / "out"), source, pause_s=1.5)
    with pytest.raises(AudioError, match=r"8 pieces at pauses of 0.3 s, expected 5.*raise --pause"):
        take_long_file(ITEMS, TakeFolder(tmp_path / "out"), source, pause_s=0.3)
    assert not (tmp_path / "out").exists()


def test_silence_has_no_pieces() -> None:
    assert spoken(room(2.0), RATE, pause_s=1.0) == []
    assert spoken(room(0.0), RATE, pause_s=1.0) == []


def test_the_command_takes_files_and_reports(tmp_path: Path) -> None:
    source = files(tmp_path / "in", [f"{ITEMS[0].id}.wav"])
    made = json.loads(run(tmp_path / "out", "--from", source, "--json", "--manner", "normal").stdout)
    assert (made["recorded"], made["warned"]) == ([ITEMS[0].id], [])
    assert made["left"] == len(script("en", manners=["normal"])) - 1


def test_again_takes_ids_prompts_and_those_with_problems(tmp_path: Path) -> None:
    source = files(tmp_path / "in", [f"{item.id}.wav" for item in ITEMS[:2]])
    soundfile.write(source / f"{ITEMS[2].id}.wav", said(level=0.01), RATE)
    run(tmp_path / "out", "--from", source)
    for names, expected in (
        ([ITEMS[0].id], [ITEMS[0].id]),
        ([ITEMS[1].prompt.id], [ITEMS[1].id]),
        (["warned"], [ITEMS[2].id]),
    ):
        again = [part for name in names for part in ("--again", name)]
        made = json.loads(run(tmp_path / "out", "--from", source, "--json", *again).stdout)
        assert made["recorded"] == expected
    error = refused(tmp_path / "out", "--again", "en-word-999")
    assert "no take or prompt is called 'en-word-999'" in str(error)


def test_recording_needs_a_folder_and_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "needs a folder" in str(refused())
    assert "--minutes must lie in" in str(refused("--list", "--minutes", -1))
    assert "known are en, zh" in str(refused("--list", "-l", "xx"))
    monkeypatch.setattr("rhapsode.train.script.recorder.Microphone", lambda device: FakeMicrophone())
    error = refused(tmp_path / "out")
    assert isinstance(error, SettingError)
    assert "needs a terminal" in str(error)
    assert not (tmp_path / "out").exists()


def test_the_command_records_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pressed = iter(". . .q")

    class Keys:
        def __enter__(self) -> Keys:
            return self

        def __exit__(self, *_: Any) -> None:
            pass

        def read(self, timeout_s: float) -> str | None:
            return next(pressed)

    monkeypatch.setattr("rhapsode.train.script.recorder.Microphone", lambda device: FakeMicrophone())
    monkeypatch.setattr("rhapsode.train.script.keys.TerminalKeys", Keys)
    made = json.loads(run(tmp_path, "--no-clap", "--count-in", 0, "--json").stdout)
    assert (made["recorded"], made["stopped"]) == ([script("en")[k].id for k in range(2)], True)
    assert made["left"] == len(script("en")) - 2


@pytest.mark.parametrize("terminal", ["xterm", "dumb"])
def test_the_prompter_shows_text_reading_manner_and_problems(terminal: str) -> None:
    out, environ = io.StringIO(), {"TERM": terminal}
    item = next(item for item in script("zh") if item.manner == "exaggerated" and "旅行" in item.prompt.text)
    with Prompter(Console(file=out, width=100, force_terminal=True, _environ=environ)) as screen:
        screen.prompt(item, number=3, total=9)
        screen.count(2)
        screen.recording(1.25, Level(-23.0, -6.0))
        screen.kept(item, check(said(), RATE))
        screen.verdict(check(said(level=0.01), RATE), note="a note")
        screen.playing()
        screen.sync("clap once")
    shown = out.getvalue()
    for part in (
        "3 of 9",
        item.prompt.text,
        "lǚ xíng",
        "lip reader",
        "-23 dBFS",
        "too quiet",
        "a note",
        "clap once",
    ):
        assert part in shown


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are a matter of POSIX")
def test_keys_come_from_the_terminal_one_by_one_and_it_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import termios

    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(terminal)
        with TerminalKeys() as keys:
            os.write(ours, b"r")
            assert keys.read(1.0) == "r"
            os.write(ours, b"\x1b[A")
            assert keys.read(1.0) is None
            os.write(ours, b"\x1b")
            assert keys.read(1.0) == "\x1b"
            assert keys.read(0.0) is None
        assert termios.tcgetattr(terminal) == before
    os.close(ours)
