"""``rhapsode script``."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rhapsode.cli.script import app
from rhapsode.dialogue import script as script_module
from rhapsode.dialogue.script import Index, ScriptError, read_script
from rhapsode.dialogue.script import check as check_module
from tests.dialogue.script_fake import SMALL, letters, written

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = partial(Index, embed=letters, model="letters", folder=tmp_path / "cache")
    monkeypatch.setattr(script_module, "Index", made)
    monkeypatch.setattr(check_module, "Index", made)


def test_list() -> None:
    result = run(app, ["list"])
    assert result.exit_code == 0
    assert "museum" in result.stdout
    listed = json.loads(run(app, ["list", "--json"]).stdout)["scripts"]
    assert [one["name"] for one in listed] == ["bank", "museum"]
    assert all(one["languages"] == ["en", "zh"] and one["entries"] > 40 for one in listed)


def test_check_says_what_is_wrong_and_exits_with_2(tmp_path: Path) -> None:
    assert run(app, ["check", str(written(tmp_path))]).exit_code == 0
    assert run(app, ["check", "--strict", str(written(tmp_path))]).exit_code == 2
    broken = written(tmp_path, SMALL.replace("emotion: joy", "emotion: joi"))
    result = run(app, ["check", str(broken)])
    assert result.exit_code == 2
    assert "small.yaml:15: 'hours': emotion: no emotion is called 'joi'" in result.stderr
    assert "1 error," in result.stderr
    document = json.loads(run(app, ["check", "--json", str(broken)]).stdout)
    assert document["errors"] == 1
    assert document["findings"][0].keys() == {"level", "place", "entry", "message"}


def test_ask(tmp_path: Path) -> None:
    path = str(written(tmp_path))
    result = run(app, ["ask", path, "how much is a ticket"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split()[:2] == ["1.00", "price"]
    assert "[nod] Twelve euros, for everybody." in result.stdout
    found = json.loads(run(app, ["ask", path, "and on holidays", "--about", "hours", "--json"]).stdout)
    assert found["found"][0]["entry"] == "holidays"
    assert found["answer"] == "Closed on holidays."
    chinese = json.loads(run(app, ["ask", path, "几点开门", "-l", "zh", "--json"]).stdout)
    assert chinese["answer"].endswith("十点到六点。")
    assert "(no answer: nothing is near, or the script refuses it)" in run(app, ["ask", path, "?"]).stdout


def test_convert(tmp_path: Path) -> None:
    path = written(tmp_path)
    for name in ("a.xlsx", "b.csv", "c.yaml"):
        assert run(app, ["convert", str(path), str(tmp_path / name)]).exit_code == 0
        assert read_script(tmp_path / name) == read_script(path)
    result = run(app, ["convert", str(path), str(tmp_path / "d.json")])
    assert isinstance(result.exception, ScriptError)
