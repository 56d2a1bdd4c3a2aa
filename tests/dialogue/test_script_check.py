"""What the checker finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhapsode.dialogue.script.check import Finding, check_file
from tests.dialogue.script_fake import SMALL, index_of, written


def _findings(folder: Path, text: str) -> list[Finding]:
    return check_file(written(folder, text), index=index_of(folder, text))


def test_a_good_script_has_no_errors(tmp_path: Path) -> None:
    assert [one for one in _findings(tmp_path, SMALL) if one.level == "error"] == []


@pytest.mark.parametrize(
    ("old", "new", "level", "entry", "says"),
    [
        (
            "emotion: joy:0.3",
            "emotion: joi:0.3",
            "error",
            "hours",
            "no emotion is called 'joi'; did you mean",
        ),
        (
            "gesture: nod\n    links",
            "gesture: nodd\n    links",
            "error",
            "hours",
            "no gesture is called 'nodd'",
        ),
        ("[shrug] Fourth", "[shrugg] Fourth", "error", "room-417", "unknown mark [shrugg]"),
        ("[joy:0.4] Welcome", "[jjoy:0.4] Welcome", "error", "", "unknown mark [jjoy:0.4]"),
        (
            "suggestions: [holidays",
            "suggestions: [holydays",
            "error",
            "hours",
            "suggestions names 'holydays'",
        ),
        ("after: [hours]", "after: [ours]", "error", "holidays", "after names 'ours'"),
        ("after: [hours]", "after: [christmas]", "error", "christmas", "cannot be reached themselves"),
        ("intent: complain\n", "intent: complian\n", "error", "grumble", "'complian' is not among"),
        ("intent: complain\n", "intent: complian\n", "warning", "", "no entry answers the intent 'complain'"),
        ("    intent: complain\n", "", "error", "grumble", "nobody can ask for it"),
        ("{en: Even then.}", "{}", "error", "christmas", "has no answer"),
        ("{en: Even then.}", "{en: '[nod]'}", "error", "christmas", "has nothing to say"),
        ("{en: Even then.}", f"{{en: {'word ' * 80}}}", "warning", "christmas", "takes about 31 s to say"),
        ("  zh: 我不知道。\n", "", "warning", "", "no fallback in 'zh'"),
        (
            "{en: Closed on holidays., zh: 节假日不开。}",
            "{en: Closed., fr: Non.}",
            "error",
            "holidays",
            "answer in 'fr'",
        ),
        (
            "{en: Closed on holidays., zh: 节假日不开。}",
            "{en: Closed.}",
            "warning",
            "holidays",
            "no answer in 'zh'",
        ),
        ("Perhaps: {questions}", "Perhaps", "error", "", "did_you_mean lacks {questions}"),
        ("price of the admission", "hours!", "error", "price", "'hours!' stands in 'hours' too"),
        (
            "price of the admission",
            "how much is a ticket",
            "warning",
            "price",
            "'how much is a ticket' twice",
        ),
        ("price of the admission", "when are you open  to day", "error", "price", "stands in 'hours' too"),
    ],
)
def test_what_is_wrong_is_found(
    tmp_path: Path, old: str, new: str, level: str, entry: str, says: str
) -> None:
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    found = [one for one in _findings(tmp_path, text) if says in one.message]
    found = [one for one in found if one.entry == entry]
    assert [one.level for one in found] == [level]
    line = text[: text.index(f"id: {entry}")].count("\n") + 1 if entry else 0
    assert found[0].place == (f"small.yaml:{line}" if entry else "small.yaml")


def test_the_same_question_after_different_topics_is_no_clash(tmp_path: Path) -> None:
    text = SMALL.replace("even at christmas", "And on holidays?")
    assert not [one for one in _findings(tmp_path, text) if "stands in" in one.message]


def test_what_another_entry_answers_is_dead(tmp_path: Path) -> None:
    names = [f"question number {word}" for word in ("one", "two", "six")]
    crowd = "".join(f"  - {{id: e{i}, questions: [{name}], answers: [x]}}\n" for i, name in enumerate(names))
    dead = "  - {id: dead, questions: [question number one one], answers: [x]}\n"
    text = f"name: d\nlanguages: [en]\nentries:\n{crowd}{dead}"
    index = index_of(tmp_path, text)
    real = index.search

    def search(question: str, **more: object) -> object:
        return real("question number one", **more) if "one one" in question else real(question, **more)  # type: ignore[arg-type]

    index.search = search  # type: ignore[assignment,method-assign]
    found = check_file(written(tmp_path, text), index=index)
    assert [(one.level, one.entry) for one in found if "is dead" in one.message] == [("error", "dead")]


def test_a_broken_file_is_one_list_of_errors(tmp_path: Path) -> None:
    path = written(tmp_path, SMALL.replace("gesture:", "guesture:"))
    findings = check_file(path)
    assert [one.level for one in findings] == ["error", "error"]
    assert all(one.place.startswith("small.yaml:") for one in findings)
    assert "no key 'guesture'" in findings[0].message
    assert check_file(tmp_path / "absent.yaml")[0].message.startswith("cannot be read")
