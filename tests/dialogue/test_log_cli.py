"""``rhapsode conversations``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rhapsode.cli import app
from rhapsode.errors import FormatError, InputError
from tests.dialogue.logged import keep, lost, suggested, turn, url_of


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RHAPSODE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return url_of(tmp_path / "data" / "conversations.sqlite3")


def run(*arguments: str, input: str = "") -> Result:
    return CliRunner().invoke(app, ["conversations", *arguments], input=input)


def document(*arguments: str) -> object:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_nothing_was_kept_yet(url: str, tmp_path: Path):
    assert document("list") == {"conversations": [], "next": None, "total": 0}
    assert document("unanswered") == {"days": 90, "questions": []}
    assert run("purge", "--days", "0", "--yes").exit_code == 0
    assert isinstance(run("show", "abc").exception, InputError)
    assert not (tmp_path / "data").exists()


def test_conversations_are_listed_shown_and_exported(url: str, tmp_path: Path):
    log = keep(url, *turn(1), *lost(2), *suggested(3), person="ada")
    keep(url, *turn(1, "Another?"))
    listed = run("list")
    assert f"{log.id[:8]}  " in listed.stdout
    assert "  3 turns  Where?  2 unanswered" in listed.stdout
    assert "Where?" not in run("list", "--search", "another").stdout
    assert "Answer: I do [interrupted]" in run("show", log.id[:8]).stdout
    assert json.loads(run("show", log.id, "--json").stdout)["person"] == "ada"
    assert "   1 x  " in run("unanswered").stdout
    assert run("export", log.id, "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text("utf-8").count("\n") == 4
    assert isinstance(run("export", log.id, "out.doc").exception, FormatError)
    assert isinstance(run("export", log.id, "nowhere/out.txt").exception, InputError)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "out.csv"}
    assert "no conversation 'zzz'" in str(run("show", "zzz").exception)


def test_conversations_are_deleted(url: str):
    log = keep(url, *turn(1))
    keep(url, *turn(1), person="ada")
    keep(url, *turn(1), person="bob")
    assert run("forget", log.id[:8], input="n\n").exit_code == 1
    assert "deleted 1 conversation" in run("forget", log.id[:8], input="y\n").output
    assert "deleted 1 conversation" in run("forget", "--person", "ada", "--yes").output
    assert run("purge", "--days", "1", "--yes").exit_code == 0
    assert len(json.loads(run("list", "--json").stdout)["conversations"]) == 1
    assert isinstance(run("forget").exception, InputError)
    assert run("purge", "--days", "0", "--yes").exit_code == 0
    assert json.loads(run("list", "--json").stdout)["total"] == 0
