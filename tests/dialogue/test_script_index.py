"""How a question finds its entry, with vectors of letters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rhapsode.dialogue.embedding import Float32
from rhapsode.dialogue.script import Index, read_script
from rhapsode.dialogue.script.lexical import Lexicon, sound, tokens
from rhapsode.dialogue.script.space import BACKGROUND
from tests.dialogue.script_fake import SMALL, index_of, letters, written


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return index_of(tmp_path_factory.mktemp("index"))


def _first(index: Index, question: str, *context: str, language: str = "en") -> str:
    hits = index.search(question, language=language, context=context)
    return hits[0].entry.id if hits else ""


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("WHEN are you open today", "hours"),
        ("hours!", "hours"),
        ("are you open today, when?", "hours"),
        ("so how much is that ticket", "price"),
        ("where's 417", "room-417"),
        ("几点开门", "hours"),
        ("请问门票多少钱", "price"),
        ("thanks", "thanks"),
        ("I am so very angry", "grumble"),
        ("room four hundred, sorry, room 417", "room-417"),
    ],
)
def test_finds(index: Index, question: str, entry: str) -> None:
    assert _first(index, question) == entry


def test_letter_by_letter_is_certain(index: Index) -> None:
    for question in ("Thank  you very MUCH!", "谢谢！", "hours"):
        hit = index.search(question)[0]
        assert (hit.score, hit.exact) == (1.0, True)
    assert not index.search("Thank you very much", spelt=False)[0].exact


def test_what_follows_counts_only_in_its_context(index: Index) -> None:
    question = "And on holidays?"
    assert "holidays" not in {hit.entry.id for hit in index.search(question)}
    assert _first(index, question, "hours") == "holidays"
    assert _first(index, question, "price") != "holidays"
    assert _first(index, "even at christmas", "holidays") == "christmas"


def test_nothing_finds_nothing(index: Index) -> None:
    for question in ("", "   ", "?!…", "\n"):
        assert index.search(question) == []


def test_scores_and_order(index: Index) -> None:
    hits = index.search("when are you opening the building", count=3)
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert len({hit.entry.id for hit in hits}) == 3


def test_of_a_long_speech_the_end_counts(index: Index) -> None:
    assert _first(index, "Blah blah blah. " * 5000 + "So how much is a ticket?") == "price"
    assert _first(index, "opening hours of this and that. " * 3 + "How much is a ticket") == "price"


def test_of_several_sentences_the_one_that_asks_counts(index: Index) -> None:
    alone = index.search("So where is room 417 then?")[0]
    within = index.search("Well, I have come a long way to see you all. So where is room 417 then?")[0]
    assert within.entry is alone.entry
    assert within.score >= alone.score


def test_any_language_tag_is_taken(index: Index) -> None:
    for language in ("", "en-GB", "zh-CN", "xx", "auto", "fr"):
        assert _first(index, "how much is a ticket", language=language) == "price"


def test_vectors_are_computed_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def counting(texts: Sequence[str]) -> Float32:
        asked.extend(texts)
        return letters(texts)

    script = read_script(written(tmp_path))
    cache = tmp_path / "cache"
    Index(script, embed=counting, model="m", folder=cache)
    first = len(asked)
    assert first > 20 + sum(map(len, BACKGROUND.values()))
    Index(script, embed=counting, model="m", folder=cache)
    assert len(asked) == first
    Index(script, embed=counting, model="other", folder=cache)
    assert len(asked) == 2 * first
    for file in cache.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:100])
    again = Index(script, embed=counting, model="m", folder=cache)
    assert len(asked) == 3 * first
    assert not list(cache.glob("*.part"))
    assert _first(again, "how much is a ticket") == "price"


def test_of_an_edited_script_only_what_is_new_is_computed(tmp_path: Path) -> None:
    asked: list[str] = []

    def counting(texts: Sequence[str]) -> Float32:
        asked.extend(texts)
        return letters(texts)

    for text in (SMALL, SMALL.replace("price of the admission", "what does it cost")):
        asked.clear()
        Index(read_script(written(tmp_path, text)), embed=counting, model="m", folder=tmp_path / "cache")
    assert asked == ["what does it cost"]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder belongs")
    assert _first(index_of(tmp_path), "how much is a ticket") == "price"


def test_a_script_of_one_entry(tmp_path: Path) -> None:
    only = "name: one\nlanguages: [fr]\nentries: [{id: a, questions: [Quelle heure], answers: [Midi]}]\n"
    index = index_of(tmp_path, only)
    assert _first(index, "quelle heure est-il", language="fr") == "a"


def test_a_script_that_nobody_can_ask(tmp_path: Path) -> None:
    text = "name: one\nlanguages: [fr]\nentries: [{id: a, answers: [Midi]}]\n"
    assert index_of(tmp_path, text).search("quelle heure") == []


def test_keywords_alone(tmp_path: Path) -> None:
    index = index_of(
        tmp_path, "name: k\nlanguages: [en]\nentries: [{id: a, keywords: [help], answers: [Yes]}]\n"
    )
    assert _first(index, "Help!") == "a"
    assert index.search("help me") == []


def test_the_small_script_shows_no_surprise() -> None:
    assert SMALL.count("- id:") == 7


def test_words_numbers_and_characters_are_counted() -> None:
    assert {"=room", "=417"} <= tokens("Room 417?")
    assert {"开", "开门"} <= tokens("几点开门")
    assert tokens("CAFÉ") == tokens("cafe")
    assert tokens("１２") == tokens("12")


def test_rare_words_tell_more() -> None:
    lexicon = Lexicon(["where is room 417", "where is room 5", "where is it"], [0, 1, 2])
    assert lexicon.weight("=417") > lexicon.weight("=room") > lexicon.weight("=where")
    scores = lexicon.scores("room 417")
    assert scores[0] == max(scores)
    assert lexicon.scores("") == [0, 0, 0]


@pytest.mark.parametrize(
    ("heard", "meant"), [("camp ellen", "Kempelen"), ("hocking", "Hawking"), ("you phonia", "Euphonia")]
)
def test_names_sound_alike(heard: str, meant: str) -> None:
    assert sound(heard) == sound(meant)


def test_a_name_heard_wrongly_counts() -> None:
    lexicon = Lexicon(["the machine of Kempelen", "the machine of Edison"], [0, 1])
    kempelen, edison = lexicon.scores("what did camp ellen build")
    assert kempelen >= 0.5 > edison
