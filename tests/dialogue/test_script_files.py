"""Scripts from files and into files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rhapsode.dialogue.script import Script, ScriptError, read_script, write_script
from rhapsode.dialogue.script import reading as reading_module
from rhapsode.errors import MissingExtraError
from tests.dialogue.script_fake import SMALL, written

FORMATS = ("yaml", "xlsx", "csv")

ODD = """\
name: odd
languages: [no, zh-CN]
threshold: 0.61
voices: {no: "a: b"}
persona: Hun er = snill
entries:
  - id: a
    questions:
      no: ["=1+1", "ja, nei; kanskje", 'sa "hei"', "00123", "12:30", "true"]
      zh-CN: [你好，世界, "#", "नमस्\u200dते"]
    keywords: ["@x", "- y"]
    answers: {no: ["[nod] Ja | nei", "3.0", "null"], fr: ["à  la\\tfois"]}
    links: [{url: "https://e.org/a?b=c&d=1,2;3", title: "A: b, c"}, {url: "http://e.org"}]
    note: "line\\nline"
"""


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("text", [SMALL, ODD], ids=["small", "odd"])
def test_every_format_gives_back_everything(tmp_path: Path, suffix: str, text: str) -> None:
    script = read_script(written(tmp_path, text))
    write_script(script, tmp_path / f"out.{suffix}")
    assert read_script(tmp_path / f"out.{suffix}") == script


_words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co"]), min_size=1, max_size=20).filter(
    lambda text: "".join(c for c in text if c.isprintable()).strip() and "|" not in text
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions=st.lists(_words, max_size=3), answers=st.lists(_words, min_size=1, max_size=3), title=_words)
def test_any_text_comes_back(tmp_path: Path, questions: list[str], answers: list[str], title: str) -> None:
    entry = {
        "id": "x",
        "questions": {"en": questions} if questions else {},
        "answers": {"en": answers},
        "links": [{"url": "https://e.org", "title": {"en": title}}],
    }
    script = Script.model_validate({"name": "n", "languages": ["en"], "entries": [entry]})
    for suffix in FORMATS:
        path = tmp_path / f"out.{suffix}"
        write_script(script, path)
        assert read_script(path) == script, suffix


def test_scalars_are_text_as_they_stand(tmp_path: Path) -> None:
    script = read_script(written(tmp_path, ODD))
    assert script.languages == ("no", "zh-CN")
    assert script.threshold == 0.61
    questions = script.entries[0].questions["no"]
    assert questions[0] == "=1+1"
    assert questions[-3:] == ("00123", "12:30", "true")
    assert script.entries[0].keywords == {"no": ("@x", "- y")}
    assert script.entries[0].answers["fr"] == ("à la fois",)
    assert script.entries[0].note == "line line"


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        (
            ("gesture: nod\n    links", "guesture: nod\n    links"),
            "guesture",
            "'guesture'; did you mean 'gesture'? known are id,",
        ),
        (("fallbacks:", "falbacks:"), "falbacks", "no key 'falbacks'; did you mean 'fallbacks'?"),
        (
            ("url: https://example.org/hours", "url: example.org"),
            "url: example.org",
            "no web address: 'example.org'",
        ),
        (("id: price", "id: pr ice"), "id: pr ice", "expected letters, digits, '-' and '_', got 'pr ice'"),
        (("id: price", "id: hours"), None, "two entries are called 'hours'"),
        (
            ("languages: [en, zh]", "languages: [English]"),
            "languages: [English]",
            "expected a language tag such as en or zh-CN",
        ),
        (("languages: [en, zh]", "threshold: 7"), None, "lacks 'languages'"),
        (("    answers: {en: Even then.}", "    note: x"), None, "entry 'christmas' lacks 'answers'"),
        (("emotion: joy:0.3", "gesture: wave"), "gesture: nod", "'gesture' stands twice"),
        (("zh: 欢迎。", "zh: [欢迎。"), None, "no YAML"),
        (("languages: [en, zh]", "languages: &a [en, zh]\nvoices: *a"), None, "alias"),
    ],
)
def test_a_complaint_names_file_and_line(
    tmp_path: Path, change: tuple[str, str], place: str | None, says: str
) -> None:
    assert change[0] in SMALL
    text = SMALL.replace(*change, 1)
    path = written(tmp_path, text)
    with pytest.raises(ScriptError) as caught:
        read_script(path)
    line = text[: text.index(place)].count("\n") + 1 if place else 0
    whole = "\n".join(caught.value.problems)
    assert says in whole
    assert whole.startswith(f"small.yaml:{line}: " if place else "small.yaml:")
    assert "\n" not in str(caught.value)


def test_all_complaints_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL.replace("gesture:", "guesture:").replace("emotion:", "emotoin:"))
    with pytest.raises(ScriptError, match=r"and 2 more: rhapsode script check lists them") as caught:
        read_script(path)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "expected a mapping"),
        (b"- a\n- b\n", "expected a mapping"),
        (b"name: \xff\xfe\n", "expected UTF-8"),
        (b"a: " + b"[" * 5000, "no YAML|nested too deeply"),
        (b"? [a]\n: b\n", "a key must be a word"),
        (b"name: x\nlanguages: en\nentries: []\n", "is empty"),
        (b"name: x\nlanguages: en\nentries: hello\n", "entries"),
        (b"name: x\nlanguages: en\nentries: [hello]\n", "entry 1 of entries"),
    ],
)
def test_what_is_no_script(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ScriptError, match=says):
        read_script(path)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScriptError, match=r"a script ends in \.yaml, \.yml, \.xlsx, \.csv, got '\.txt'"):
        read_script(tmp_path / "x.txt")
    with pytest.raises(ScriptError, match="cannot be read"):
        read_script(tmp_path / "absent.yaml")
    monkeypatch.setattr(reading_module, "LARGEST", 10)
    with pytest.raises(ScriptError, match="at most 10 bytes"):
        read_script(written(tmp_path))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "is empty"),
        ("kind,id,anwsers.en\n", "row 1: no column is called 'anwsers.en'; did you mean 'answers.en'?"),
        ("id,answers.en\n", "row 1: the column 'kind' is missing"),
        ("kind,id,id\n", "two columns are called 'id'"),
        ("kind,id\nentri,a\n", "row 2: no row is of kind 'entri'"),
        ("kind,id,value\nscript,name,a\nscript,name,b\n", "row 3: 'name' stands twice"),
        ("kind,id,value\nscript,size,a\n", "row 2: the script has no key 'size'"),
        (
            "kind,id,value,links,answers.en\nscript,name,n,,\nscript,languages,en,,\nentry,a,,nowhere,x\n",
            "row 4, column links: entry 'a'",
        ),
    ],
)
def test_a_table_names_row_and_column(tmp_path: Path, table: str, says: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(table, encoding="utf-8")
    with pytest.raises(ScriptError) as caught:
        read_script(path)
    assert says in "\n".join(caught.value.problems)


def test_tables_of_other_makes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = "kind;id;value;questions.en;answers.en\r\nscript;name;n;;\r\nscript;languages;en;;\r\n\r\n"
    path.write_bytes(("\ufeff" + rows + 'entry;a;;"q1\r\nq2";yes, sir\r\n').encode())
    assert read_script(path).entries[0].questions == {"en": ("q1", "q2")}
    path.write_bytes(rows.encode("utf-16"))
    with pytest.raises(ScriptError, match="CSV UTF-8"):
        read_script(path)
    broken = tmp_path / "x.xlsx"
    broken.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ScriptError, match="no spreadsheet"):
        read_script(broken)


def test_a_spreadsheet_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = read_script(written(tmp_path))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"rhapsode\[converse\]"):
        write_script(script, tmp_path / "x.xlsx")
    assert not list(tmp_path.glob("*x.xlsx*"))


def test_nothing_partial_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = read_script(written(tmp_path))
    target = tmp_path / "out.yaml"
    target.write_text("before")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ScriptError, match="cannot be written: No space left on device"):
        write_script(script, target)
    assert target.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.yaml", "small.yaml"]
    with pytest.raises(ScriptError, match="a script ends in"):
        write_script(script, tmp_path / "out.json")
