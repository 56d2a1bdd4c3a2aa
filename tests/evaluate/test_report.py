"""One command: what it asks for, what it says where something is missing, and the files it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from rhapsode.errors import InputError, SettingError, WeightsError
from rhapsode.evaluate.bars import reached
from rhapsode.evaluate.command import Request, evaluate
from rhapsode.evaluate.faces import Face
from rhapsode.evaluate.material import OWN_VOICE, FilmedTake, Material, material, own_voice
from rhapsode.evaluate.operating import curve, low_at, recall_at
from rhapsode.evaluate.peers import PEERS, AbsentError
from rhapsode.evaluate.report import TEACHER, Measured, Plan, report
from rhapsode.evaluate.sheets import bars, headline, number, sheets
from rhapsode.evaluate.terminal import BEGIN, END, write_json, write_markdown
from rhapsode.face.engine_manifest import read_manifest
from rhapsode.performance import Float32
from rhapsode.train.teacher import parse
from tests.evaluate.faces import Line, late, taught


def small() -> Material:
    return Material({OWN_VOICE: [Line(), Line()]}, {}, ("something is missing",))


def document(*faces: tuple[str, Face]) -> dict:
    measured = [Measured(name, face) for name, face in faces]
    return report(measured, small(), Plan(("clean", "20_db"), rest_s=0.5))


def test_every_face_has_every_condition_and_the_teacher_is_last() -> None:
    found = document(("right", taught), ("late", lambda y: late(y, 0.04)))
    assert [*found["faces"]] == ["right", "late", TEACHER]
    assert [*found["faces"]["late"]["speech"][OWN_VOICE]] == ["clean", "20_db"]
    assert found["faces"]["late"]["speech"][OWN_VOICE]["clean"]["apex_late_ms"] == pytest.approx(40, abs=10)
    assert found["faces"][TEACHER]["speech"][OWN_VOICE]["clean"]["closed"] == 1
    assert found["notes"] == ["something is missing"]


def test_a_peer_that_fails_is_a_note() -> None:
    def broken(_: Float32) -> Float32:
        raise AbsentError("it has no voice")

    found = document(("right", taught), ("broken", broken))
    assert [*found["faces"]] == ["right", TEACHER]
    assert found["notes"][-1] == "broken is left out: it has no voice"


def test_tables_have_a_cell_per_column_and_show_recall_with_false_closure() -> None:
    tables = sheets(document(("right", taught)))
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
    contacts = tables[0]
    assert {"p b m", "false", "right"} <= set(contacts.columns)
    assert [row[:3] for row in contacts.rows] == [
        ("right", "clean", "1.00"),
        ("right", "20 dB", "1.00"),
        (TEACHER, "clean", "1.00"),
    ]
    assert contacts.markdown().count("|---") == len(contacts.columns)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (0.954, "2", ".95"),
        (-0.02, "2", "-.02"),
        (1.0, "2", "1.00"),
        (12.6, "+", "+13"),
        (float("nan"), "2", "–"),
        (None, "2", "–"),
        (float("inf"), "0", "never"),
        (0.0223, "4", "0.0223"),
        (0, "0", "0"),
    ],
)
def test_numbers_are_short(value: object, form: str, text: str) -> None:
    assert number(value, form) == text


def test_files_hold_the_document(tmp_path: Path) -> None:
    found = document(("right", taught))
    found["faces"]["right"]["cost"]["never"] = float("inf")
    write_json(tmp_path / "numbers.json", found)
    write_markdown(tmp_path / "numbers.md", found)
    back = json.loads((tmp_path / "numbers.json").read_text("utf-8"))
    assert back["faces"]["right"]["cost"]["never"] is None
    assert back["faces"]["right"]["speech"][OWN_VOICE]["clean"]["closed"] == 1
    assert "| right | clean |" in (tmp_path / "numbers.md").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.json", "numbers.md"]


def test_tables_go_to_their_place_in_a_file(tmp_path: Path) -> None:
    page = tmp_path / "engines.md"
    page.write_text(f"# Title\n\n{BEGIN}\nold numbers\n{END}\n\nThe end.\n", "utf-8")
    found = document(("right", taught))
    write_markdown(page, found)
    once = page.read_text("utf-8")
    write_markdown(page, found)
    assert page.read_text("utf-8") == once
    assert once.startswith(f"# Title\n\n{BEGIN}\n")
    assert once.endswith(f"{END}\n\nThe end.\n")
    assert "old numbers" not in once
    assert "| right | clean |" in once


def test_the_headline_has_one_row_a_face() -> None:
    short = headline(document(("right", taught), ("late", lambda y: late(y, 0.04))))
    assert [row[0] for row in short.rows] == ["right", "late", TEACHER]
    assert all(len(row) == len(short.columns) for row in short.rows)
    assert short.columns[1:3] == ("own voice, clean", "own voice, 20 dB")
    assert short.rows[0][1] == "1.00 / .00 / 1.00"


def test_bars_tell_what_falls_short() -> None:
    speech = {"voices": {"clean": {"closed": 0.96, "vowels_closed": 0.05, "lag_ms": -12.0}}}
    found = {"speech": speech, "takes": {}, "rest": {}, "cost": {"streams": 64}}
    held = {one.bar.title: one.held for one in reached(found)}
    assert held["p b m that close, voices, clean"] is True
    assert held["... vowels that do, voices, clean"] is False
    assert held["best lag against phone times, ms"] is False
    assert held["streams on 2 cores"] is True
    assert held["p b m that close, real, clean"] is None
    table = bars({"faces": {"live": found}})
    assert all(len(row) == 3 for row in table.rows)
    assert ("p b m that close, voices, clean", "≥ .95", ".96") in table.rows
    assert ("... vowels that do, voices, clean", "≤ .040", ".050 ✗") in table.rows


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_json(tmp_path / "nowhere" / "numbers.json", {})
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("request_", "error", "says"),
    [
        (Request(conditions=("clean", "underwater")), SettingError, "got underwater"),
        (Request(style="grid"), SettingError, "add --raw"),
        (Request(data=Path("nowhere")), InputError, "data must be a folder"),
        (Request(corpus=Path(__file__).parent), InputError, "shards"),
        (Request(engines=("nobody",), conditions=("clean",)), WeightsError, "no engine 'nobody'"),
    ],
)
def test_what_cannot_be_measured_is_refused(request_: Request, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        evaluate(request_)


def test_the_command_line_refuses_with_one_sentence() -> None:
    from rhapsode.cli import app

    done = CliRunner().invoke(app, ["evaluate", "--conditions", "underwater"])
    assert isinstance(done.exception, SettingError)


def test_without_folders_the_default_voice_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rhapsode.evaluate.material.own_voice", lambda: [Line()])
    found = material(None, None)
    assert [*found.speech] == [OWN_VOICE]
    assert len(found.notes) == 2
    assert "recipes/corpus" in found.notes[0]


def test_a_corpus_without_test_speech_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    none: dict[str, list] = {"voices": [], "language": [], "real": []}
    monkeypatch.setattr("rhapsode.evaluate.material.unheard", lambda *_: none)
    with pytest.raises(InputError, match="no utterance of the split test"):
        material(None, tmp_path)


def test_lines_of_the_default_voice_have_phones_in_the_sound() -> None:
    (line,) = own_voice(["Bob made a map."])
    y = line.sound()
    assert all(parse(phone.phone) for phone in line.phones)
    assert 0.5 <= line.phones[0].start < line.phones[-1].end <= len(y) / 16_000 - 0.4
    assert not y[:7000].any()
    loud = [np.abs(y[int(p.start * 16_000) : int(p.end * 16_000)]).max() for p in line.phones]
    assert np.median(loud) > 0.05


def test_a_quick_run_hears_a_fixed_part(tmp_path: Path) -> None:
    film = FilmedTake(tmp_path, np.zeros(3), np.zeros(3), 25)
    few = Material({"voices": [Line()] * 7, OWN_VOICE: [Line()] * 4}, {"a": [film] * 9, "b": [film]}).some()
    assert {name: len(spoken) for name, spoken in few.speech.items()} == {"voices": 3, OWN_VOICE: 4}
    assert {name: len(takes) for name, takes in few.takes.items()} == {"a": 3, "b": 1}


def test_engines_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rhapsode.evaluate.command.measured_face", lambda *_, **__: taught)
    monkeypatch.setattr("rhapsode.evaluate.command.material", lambda *_: small())
    monkeypatch.setattr("rhapsode.evaluate.report._cost", lambda *_: {})
    engines = ("live", "one/live.json", "two/live.json", "two/live.json")
    found = evaluate(Request(engines=engines, conditions=("clean",), quick=True))
    assert [*found["faces"]] == ["live", "one/live", "two/live", "two/live.json", TEACHER]


def test_other_limits_are_played_through_the_whole_face() -> None:
    points = curve("live", [Line()], limits=(0.2, 0.7))
    assert [(point["low"], point["high"]) for point in points] == [(0.2, 0.4), (0.7, 0.9)]
    assert points[0]["closed"] >= points[1]["closed"]
    (point,) = curve("live", [Line()], limits=(0.2,), times=1.5)
    assert point["high"] == pytest.approx(0.3)


def test_without_their_noise_limits_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[tuple[Any, ...]] = []

    def face(path: Path, **_: bool) -> Face:
        played.append(read_manifest(path).closure.noise)
        return taught

    monkeypatch.setattr("rhapsode.evaluate.operating.measured_face", face)
    for noise in (True, False):
        curve("live", [Line()], limits=(0.2,), noise=noise)
    assert played[0]
    assert not played[1]


def test_recall_is_read_between_the_points_of_a_curve() -> None:
    points = [{"closed": c, "vowels_closed": v} for c, v in ((0.8, 0.02), (0.9, 0.06), (0.95, 0.1))]
    assert recall_at(points) == pytest.approx(0.85)
    assert recall_at(points, 0.2) == pytest.approx(0.95)
    assert np.isnan(recall_at(points, 0.01))
    assert np.isnan(recall_at([]))


def test_the_least_limit_is_read_between_the_points_of_a_curve() -> None:
    points = [{"low": c, "vowels_closed": v} for c, v in ((0.2, 0.1), (0.3, 0.05), (0.4, 0.03), (0.5, 0.031))]
    assert low_at(points) == pytest.approx(0.35, abs=0.003)
    assert low_at(points, 0.2) == 0.2
    assert np.isnan(low_at(points, 0.01))
    assert np.isnan(low_at([]))


def test_peers_have_fixed_versions() -> None:
    assert {peer.registry for peer in PEERS} == {"pypi", "npm"}
    assert all(peer.version[0].isdigit() for peer in PEERS)
