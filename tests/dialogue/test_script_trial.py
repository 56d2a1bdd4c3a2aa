"""``rhapsode script init`` and ``test``: a script to begin with, and one asked a file of questions."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rhapsode.cli.script import app
from rhapsode.dialogue import script as script_module
from rhapsode.dialogue.script import Index, ScriptError, read_script
from rhapsode.dialogue.script.check import check_script
from rhapsode.dialogue.script.template import template, write_template
from rhapsode.dialogue.script.trial import read_questions, share, try_questions
from tests.dialogue.script_fake import index_of, letters, written

run = CliRunner().invoke
ENTRIES = ("hours", "price", "holidays")

GOOD = """\
hours: [When are you open today?, opening hours]
en:
  price: how much is a ticket
  holidays: [And on holidays?]
zh: {price: [门票多少钱]}
nothing: [zzz qqq]
"""


@pytest.fixture(autouse=True)
def _letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = partial(Index, embed=letters, model="letters", folder=tmp_path / "cache")
    monkeypatch.setattr(script_module, "Index", made)


def test_questions_are_read(tmp_path: Path) -> None:
    asked = read_questions(written(tmp_path, GOOD, "q.yaml"), entries=ENTRIES, languages=("en", "zh"))
    assert [(one.text, one.entry, one.language) for one in asked][2:] == [
        ("how much is a ticket", "price", "en"),
        ("And on holidays?", "holidays", "en"),
        ("门票多少钱", "price", "zh"),
        ("zzz qqq", "", ""),
    ]
    table = written(tmp_path, "question,entry,language\nopen,hours,en\nzzz,,\nqqq,nothing,\n,,\n", "q.csv")
    assert [one.entry for one in read_questions(table, entries=ENTRIES, languages=("en",))] == [
        "hours",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.yaml", "nowhere: [a]", r"q.yaml:1: the script has no entry 'nowhere'"),
        ("q.csv", "question,entry\na,nowhere\n", r"q.csv:row 2: the script has no entry 'nowhere'"),
        ("q.csv", "text,entry\na,b\n", r"expected the columns question, entry .* got text, entry"),
        ("q.yaml", "hours: {a: b}", r"q.yaml:1: expected a list of questions below 'hours'"),
        ("q.yaml", "en: {}", r"holds no question"),
        ("q.txt", "a", r"a script ends in"),
    ],
)
def test_what_is_no_file_of_questions(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        read_questions(written(tmp_path, text, name), entries=ENTRIES, languages=("en",))


def test_verdicts(tmp_path: Path) -> None:
    text = "hours: [When are you open today?]\nprice: [When are you open today]\nnothing: [几点开门, '']\n"
    text += "room-417: [zzz qqq]\nholidays: [And on holidays?]\n"
    index = index_of(tmp_path)
    ids = [entry.id for entry in index.entries]
    asked = read_questions(written(tmp_path, text, "q.yaml"), entries=ids, languages=("en",))
    results = list(try_questions(index, asked, threshold=0.99))
    assert [one.verdict for one in results] == ["right", "wrong", "answered", "refused", "missed", "right"]
    assert share(results) == 0.5


def test_the_command(tmp_path: Path) -> None:
    script, questions = str(written(tmp_path)), str(written(tmp_path, GOOD, "q.yaml"))
    result = run(app, ["test", script, questions])
    assert result.exit_code == 0
    assert "of 6 questions went as they should" in result.stdout
    document = json.loads(run(app, ["test", script, questions, "--json"]).stdout)
    assert document["questions"] == 6
    assert sum(document["verdicts"].values()) == 6
    assert document["results"][0].keys() == {"question", "entry", "verdict", "found", "score"}
    wrong = str(written(tmp_path, "price: [When are you open today?]\n", "w.yaml"))
    failed = run(app, ["test", script, wrong, "--least", "0.5"])
    assert failed.exit_code == 2
    assert "wrong     1.00  When are you open today?  (wanted price, nearest hours)" in failed.stdout


@pytest.mark.parametrize("language", ["en", "zh", "fr"])
def test_the_template_is_sound(tmp_path: Path, language: str) -> None:
    path = tmp_path / "my shop!.yaml"
    write_template(path, language=language)
    script = read_script(path)
    assert (script.name, script.languages) == ("my-shop", (language,))
    index = Index(script, embed=letters, model="letters", folder=tmp_path / "cache")
    assert [one for one in check_script(script, index=index) if one[0] == "error"] == []
    assert template("x", "zh").count("#") > 10


@pytest.mark.parametrize("name", ["s.csv", "s.xlsx"])
def test_a_template_as_a_table(tmp_path: Path, name: str) -> None:
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl")
    result = run(app, ["init", str(tmp_path / name), "--language", "zh"])
    assert result.exit_code == 0
    script = read_script(tmp_path / name)
    assert script.unlike["zh"] == ("你们招人吗？",)
    assert script.by_id()["where"].unlike["zh"] == ("你住在哪里？",)


def test_a_template_is_never_written_over_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, "mine", "mine.yaml")
    with pytest.raises(ScriptError, match=r"mine\.yaml: is there already"):
        write_template(path)
    assert path.read_text() == "mine"
    for name, language, message in (
        ("a.txt", "en", "a script ends in"),
        ("a.yaml", "no language", "expected a language tag such as en or zh-CN, got 'no language'"),
        ("no/folder/a.yaml", "en", "cannot be written"),
    ):
        with pytest.raises(ScriptError, match=message):
            write_template(tmp_path / name, language=language)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.yaml"]


def test_other_languages_are_to_be_translated(tmp_path: Path) -> None:
    result = run(app, ["init", str(tmp_path / "a.yaml"), "-l", "fr"])
    assert result.exit_code == 0
    assert "its texts are English" in result.stderr
