"""Questions as a recogniser misheard them, and questions that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rhapsode.dialogue.embedding import Float32
from rhapsode.dialogue.script.everyday import everyday
from rhapsode.dialogue.script.evidence import margins
from rhapsode.dialogue.script.mishearing import Mishearing
from tests.dialogue.script_fake import SMALL, index_of

ENGLISH = Mishearing(
    ["Where are the toilets?", "How much is a ticket?", "Is there a cloakroom in room 417?", "a loan"],
    ["What is the price of it?", "I need a horse and some help."],
)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("where are the toy lets", "where are the toilets"),
        ("how much is the tick it", "how much is the ticket"),
        ("the cloak room 417", "the cloakroom 417"),
        ("I need a lone", "i need a loan"),
        ("is there a cloackroom", "is there a cloakroom"),
    ],
)
def test_words_that_sound_alike(heard: str, meant: str) -> None:
    assert ENGLISH.meant(heard) == meant


@pytest.mark.parametrize(
    "question", ["Where are the toilets?", "What is the price, please?", "417", "", "¿?"]
)
def test_what_is_known_stays_as_it_is(question: str) -> None:
    assert ENGLISH.meant(question) == question


def test_chinese_that_sounds_alike() -> None:
    pytest.importorskip("pypinyin")
    chinese = Mishearing(["学生有优惠吗？", "洗手间在哪里？", "介绍一下肯佩伦。"])
    for heard, meant in (
        ("老人有又会吗", "老人有优惠吗"),
        ("洗手见在哪", "洗手间在哪"),
        ("肯配伦是谁", "肯佩伦是谁"),
        ("学生在哪里", "学生在哪里"),
    ):
        assert chinese.meant(heard) == meant


def test_without_pypinyin_chinese_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rhapsode.dialogue.script.mishearing.find_spec", lambda name: None)
    assert Mishearing(["学生有优惠吗？"]).meant("学生有又会吗") == "学生有又会吗"


def test_what_was_misheard_is_found(tmp_path: Path) -> None:
    index = index_of(tmp_path)
    assert index.search("how much is a tick it", language="en")[0].exact
    assert index.search("how much is a tick it", language="en")[0].entry.id == "price"


def test_traditional_characters_find_simplified_ones(tmp_path: Path) -> None:
    pytest.importorskip("opencc")
    assert index_of(tmp_path).search("幾點開門？", language="zh")[0].exact
    traditional = index_of(tmp_path, SMALL.replace("几点开门", "幾點開門"))
    assert traditional.search("幾點開門", language="zh")[0].exact


def test_what_is_unlike_is_not_answered(tmp_path: Path) -> None:
    question = "How much is a ticket for the tram?"
    assert index_of(tmp_path).search(question)[0].entry.id == "price"
    own = SMALL.replace("    gesture: nod\n  - id: room", f"    unlike: {{en: {question}}}\n  - id: room")
    assert "price" not in {hit.entry.id for hit in index_of(tmp_path, own).search(question)}
    assert index_of(tmp_path, own).search("How much is a ticket?")[0].entry.id == "price"
    for_all = SMALL.replace("intents:", f"unlike: {{en: {question}}}\nintents:", 1)
    assert index_of(tmp_path, for_all).search(question) == []
    assert index_of(tmp_path, for_all).search("how much is that ticket")[0].entry.id == "price"


def test_everyday_questions_come_in_pairs() -> None:
    asked = everyday()
    assert len(asked) == len(set(asked)) > 250
    assert sum(tag == "en" for tag, _ in asked) == sum(tag == "zh" for tag, _ in asked)
    assert all(text.strip() for _, text in asked)


def test_margins() -> None:
    import numpy as np

    fit: Float32 = np.array([1.0, 3.0, 2.5, -np.inf], np.float32)
    assert margins(fit).tolist() == [-2.0, 0.5, -0.5, 0.0]
    assert margins(fit[:1]).tolist() == pytest.approx([0.3])
    assert margins(np.array([2.0, 2.0], np.float32)).tolist() == [0.0, 0.0]
