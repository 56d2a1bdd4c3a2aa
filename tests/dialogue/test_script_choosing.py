"""What an answer to "did you mean A or B?" chooses, and questions that go on from the one before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rhapsode.dialogue import fallbacks
from rhapsode.dialogue.script import ScriptThinker, answer_words
from rhapsode.dialogue.script.choosing import asks_on, before, chosen, offered, points
from rhapsode.dialogue.turns import Piece, Question, Say, Source, Turn
from tests.dialogue.script_fake import SMALL, library_of

OFFER = Turn("assistant", "Perhaps: How much is a ticket? Or: Where is room 417?")


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> ScriptThinker:
    return ScriptThinker(library_of(tmp_path_factory.mktemp("choosing")), seed=3)


def _pieces(thinker: ScriptThinker, text: str, history: list[Turn], language: str = "en") -> list[Piece]:
    async def collect() -> list[Piece]:
        return [piece async for piece in thinker.answer(Question(text, language=language), history)]

    return asyncio.run(collect())


def _source(thinker: ScriptThinker, text: str, history: list[Turn], language: str = "en") -> Source:
    source = _pieces(thinker, text, history, language)[0]
    assert isinstance(source, Source)
    return source


def test_what_was_offered_is_known_in_its_order(thinker: ScriptThinker) -> None:
    script = thinker.library.script
    assert [entry.id for entry in offered(script, [OFFER])] == ["price", "room-417"]
    assert offered(script, []) == ()
    assert offered(script, [OFFER, Turn("assistant", "I cannot say.")]) == ()
    answer = Turn(
        "assistant", "How much is a ticket? That I cannot tell, but the desk over there surely can."
    )
    assert offered(script, [answer]) == ()


@pytest.mark.parametrize(
    ("reply", "language", "entry"),
    [
        ("the second one", "en", "room-417"),
        ("The first, please!", "en", "price"),
        ("no, the second", "en", "room-417"),
        ("I meant the latter", "en", "room-417"),
        ("the former", "en", "price"),
        ("yes", "en", "price"),
        ("the ticket", "en", "price"),
        ("room please", "en", "room-417"),
        ("第二个", "zh", "room-417"),
        ("我要第一个", "zh", "price"),
        ("前者", "zh", "price"),
        ("后者", "zh-CN", "room-417"),
        ("对", "zh", "price"),
        ("二つ目です", "ja", "room-417"),
        ("두 번째 거요", "ko", "room-417"),
        ("la segunda, por favor", "es", "room-417"),
        ("La première", "fr", "price"),
        ("Das zweite bitte", "de", "room-417"),
        ("la prima", "it", "price"),
        ("a segunda", "pt", "room-417"),
        ("दूसरा वाला", "hi", "room-417"),
        ("первый, пожалуйста", "ru", "price"),
        ("de tweede graag", "nl", "room-417"),
        ("the last", "xx", "room-417"),
    ],
)
def test_a_reply_chooses(thinker: ScriptThinker, reply: str, language: str, entry: str) -> None:
    assert _source(thinker, reply, [OFFER], language).id == entry


@pytest.mark.parametrize(
    "reply",
    [
        "what is on the first floor",
        "thanks a lot",
        "the third",
        "How much is room 417 in tickets",
        "second hand",
    ],
)
def test_another_question_is_no_choice(thinker: ScriptThinker, reply: str) -> None:
    options = offered(thinker.library.script, [OFFER])
    assert chosen(reply, options, "en") is None


@pytest.mark.parametrize(("reply", "language"), [("the second one", "en"), ("no", "en"), ("前者", "zh")])
def test_pointing_at_nothing_finds_nothing(thinker: ScriptThinker, reply: str, language: str) -> None:
    assert points(reply, language)
    assert _source(thinker, reply, [], language).kind == "fallback"
    sure = ScriptThinker(thinker.library, threshold=0.0)
    assert _source(sure, reply, [], language).kind == "fallback"
    assert not points("where is the second floor", "en")


def test_a_choice_needs_an_offer(thinker: ScriptThinker) -> None:
    for history in ([], [Turn("assistant", "From ten to six.")], [Turn("user", "How much is a ticket?")]):
        assert _source(thinker, "the second one", history).id not in {"price", "room-417"}


@pytest.mark.parametrize("language", fallbacks.LANGUAGES)
def test_no_gets_another_chance_in_every_language(thinker: ScriptThinker, language: str) -> None:
    reply = answer_words.NO[language].partition("|")[0]
    source, say = _pieces(thinker, reply, [OFFER], language)
    assert isinstance(source, Source)
    assert (source.kind, source.language) == ("fallback", "")
    assert isinstance(say, Say)
    assert say.text in answer_words.ANOTHER[language]


def test_every_language_of_the_fallbacks_has_its_words() -> None:
    tables = (
        answer_words.YES,
        answer_words.NO,
        answer_words.NTH,
        answer_words.BESIDE,
        answer_words.ASKING_ON,
    )
    for table in tables:
        assert set(table) == set(fallbacks.LANGUAGES)
    assert set(answer_words.ANOTHER) == set(fallbacks.LANGUAGES)


@pytest.mark.parametrize(
    ("question", "language", "added"),
    [
        ("And on Sundays?", "en", "on sundays"),
        ("what about children", "en", "children"),
        ("那周末呢？", "zh", "周末"),
        ("学生呢", "zh", "学生"),
        ("Und am Sonntag?", "de", "am sonntag"),
        ("et le dimanche ?", "fr", "le dimanche"),
        ("¿y los domingos?", "es", ""),
        ("y los domingos?", "es", "los domingos"),
        ("日曜日は", "ja", "日曜日"),
        ("When are you open?", "en", ""),
        ("and I would like to know when you open on Sundays", "en", ""),
        ("android", "en", ""),
        ("那你们周末到底开不开门呢", "zh", ""),
        ("and", "en", ""),
        ("", "en", ""),
    ],
)
def test_what_a_question_adds(question: str, language: str, added: str) -> None:
    assert asks_on(question, language) == added


def test_the_question_before_is_the_last_whole_one() -> None:
    said = [
        Turn("user", "How much is a ticket?"),
        Turn("assistant", "Twelve."),
        Turn("user", "and for children"),
    ]
    assert before(said, "and for students") == "How much is a ticket?"
    assert before([], "and for students") == ""


def test_a_question_that_goes_on_is_joined_to_the_one_before(tmp_path: Path) -> None:
    text = SMALL.replace(
        "  - id: room-417",
        "  - id: student-price\n    questions: {en: [How much is a ticket for students?]}\n"
        "    answers: {en: Eight euros.}\n  - id: room-417",
    )
    thinker = ScriptThinker(library_of(tmp_path, text), threshold=0.2)
    history = [Turn("user", "How much is a ticket?"), Turn("assistant", "Twelve euros, for everybody.")]
    assert _source(thinker, "and for students", history).id == "student-price"
    assert _source(thinker, "and for zzz qqq", history).id != "price"
