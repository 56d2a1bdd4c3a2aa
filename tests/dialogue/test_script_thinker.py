"""What the thinker answers, with vectors of letters."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from rhapsode.dialogue.script import ScriptThinker, talked_about
from rhapsode.dialogue.turns import Piece, Question, Say, Show, Source, Suggest, Thinker, Turn
from tests.dialogue.script_fake import SMALL, library_of


@pytest.fixture
def thinker(tmp_path: Path) -> ScriptThinker:
    return ScriptThinker(library_of(tmp_path), seed=3)


def _answer(
    thinker: Thinker, text: str, history: list[Turn] | None = None, language: str = "en"
) -> list[Piece]:
    async def collect() -> list[Piece]:
        return [piece async for piece in thinker.answer(Question(text, language=language), history or [])]

    return asyncio.run(collect())


def _said(pieces: list[Piece]) -> str:
    return " ".join(piece.text for piece in pieces if isinstance(piece, Say))


def _heard(text: str, *, interrupted: bool = False) -> Turn:
    return Turn("assistant", text, interrupted=interrupted)


def test_an_answer_in_order(thinker: ScriptThinker) -> None:
    source, show, say, suggest = _answer(thinker, "when are you open today")
    assert source == Source("script", id="hours", score=1.0)
    assert show == Show("Hours", "https://example.org/hours")
    assert isinstance(say, Say)
    assert say.text.startswith("[joy:0.3][nod] ")
    assert suggest == Suggest(("And on holidays?", "How much is a ticket?"))


def test_a_mark_of_its_own_stays_alone(thinker: ScriptThinker) -> None:
    assert _said(_answer(thinker, "where is room 417")) == "[shrug] Fourth floor, to the left."


def test_an_answer_is_not_said_twice_before_the_others(thinker: ScriptThinker) -> None:
    history: list[Turn] = []
    for _ in range(3):
        said: list[str] = []
        for _ in range(3):
            said.append(_said(_answer(thinker, "hours", history)))
            history.append(_heard(said[-1].partition("] ")[2].rpartition("] ")[2] or said[-1]))
        assert len(set(said)) == 3
    spoken = [turn.text for turn in history]
    assert all(one != other for one, other in pairwise(spoken))


def test_answers_vary_between_conversations(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    said = {_said(_answer(ScriptThinker(library, seed=seed), "hours")) for seed in range(20)}
    assert len(said) == 3


def test_a_follow_up_needs_its_topic(thinker: ScriptThinker) -> None:
    assert _answer(thinker, "And on holidays?")[0] != Source("script", id="holidays", score=1.0)
    history = [Turn("user", "hours"), _heard("From ten to six.")]
    assert _answer(thinker, "And on holidays?", history)[0] == Source("script", id="holidays", score=1.0)


def test_what_the_talk_is_about(thinker: ScriptThinker) -> None:
    script = thinker.library.script
    hours, holidays, price = "From ten to six.", "Closed on holidays.", "Twelve euros, for everybody."
    for said, topics in (
        ([], set()),
        ([hours], {"hours"}),
        ([hours, "You are welcome."], {"hours"}),
        ([hours, "Something of a language model."], {"hours"}),
        ([hours, holidays], {"hours", "holidays"}),
        ([hours, holidays, price], {"price"}),
        ([hours, *["Something else."] * 9], set()),
    ):
        assert talked_about(script, [_heard(text) for text in said]) == topics, said


def test_an_interrupted_answer_counts_as_far_as_it_was_heard(thinker: ScriptThinker) -> None:
    script = thinker.library.script
    assert talked_about(script, [_heard("We open at ten", interrupted=True)]) == {"hours"}
    assert talked_about(script, [_heard("We open at ten")]) == set()
    assert talked_about(script, [_heard("We", interrupted=True)]) == set()
    assert talked_about(script, [Turn("user", "From ten to six.")]) == set()


def test_two_conversations_do_not_meet(thinker: ScriptThinker) -> None:
    one, other = [_heard("From ten to six.")], [_heard("Twelve euros, for everybody.")]
    for _ in range(2):
        assert _answer(thinker, "And on holidays?", one)[0] == Source("script", id="holidays", score=1.0)
        first = _answer(thinker, "And on holidays?", other)[0]
        assert isinstance(first, Source)
        assert first.id != "holidays"


def test_the_answer_is_in_the_language_of_the_question(thinker: ScriptThinker) -> None:
    assert "十点到六点。" in _said(_answer(thinker, "hours", language="zh-CN"))
    source = _answer(thinker, "Where is room 417?", language="zh")[0]
    assert source == Source("script", id="room-417", score=1.0, language="en")
    assert _answer(thinker, "Where is room 417?", language="en-GB")[0] == Source(
        "script", id="room-417", score=1.0
    )


def test_nothing_fits(thinker: ScriptThinker) -> None:
    source, say = _answer(thinker, "?!")
    assert isinstance(source, Source)
    assert source.kind == "fallback"
    assert say in {Say("I cannot say."), Say("No idea at all.")}
    again = _answer(thinker, "?!", [_heard(_said([say]))])[1]
    assert again != say
    assert _said(_answer(thinker, "", language="zh")) == "我不知道。"
    foreign = _answer(thinker, "", language="fr")
    assert isinstance(foreign[0], Source)
    assert foreign[0].language == "en"


def test_the_reason_holds_no_words_of_the_person(tmp_path: Path) -> None:
    source = _answer(ScriptThinker(library_of(tmp_path), threshold=0.999), "my secret is zzz")[0]
    assert isinstance(source, Source)
    assert source.kind == "fallback"
    assert "best is" in source.reason
    assert "secret" not in source.reason


def test_yes_means_the_one_that_was_offered(thinker: ScriptThinker) -> None:
    offer = _heard("Perhaps: How much is a ticket?")
    for yes in ("Yes!", "yes, please", "对"):
        assert _answer(thinker, yes, [offer])[0] == Source("script", id="price", score=1.0)
    for history in ([], [_heard("From ten to six.")], [offer, _heard("I cannot say.")]):
        first = _answer(thinker, "yes", history)[0]
        assert isinstance(first, Source)
        assert first.id != "price"


def test_what_nearly_fits_is_offered(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    thinker = ScriptThinker(library, threshold=0.9999)
    source, say, suggest = _answer(thinker, "tell me what a ticket costs, how much it is")
    assert isinstance(source, Source)
    assert source.kind == "fallback"
    assert isinstance(suggest, Suggest)
    assert "How much is a ticket?" in suggest.questions
    assert len(suggest.questions) <= 3
    assert _said([say]).startswith("Perhaps: ")
    assert "How much is a ticket?" in _said([say])


def test_small_talk_is_not_offered(tmp_path: Path) -> None:
    thinker = ScriptThinker(library_of(tmp_path), threshold=0.9999)
    pieces = _answer(thinker, "thank you thank you so very much")
    offered = [q for piece in pieces if isinstance(piece, Suggest) for q in piece.questions]
    assert "Thank you very much" not in offered


def test_the_threshold_of_the_script_holds(tmp_path: Path) -> None:
    question = "tell me what a ticket costs, how much it is"
    strict = library_of(tmp_path, SMALL.replace("about:", "threshold: 1\nabout:", 1))
    source = _answer(ScriptThinker(strict), question)[0]
    assert isinstance(source, Source)
    assert source.kind == "fallback"
    own = _answer(ScriptThinker(strict, threshold=0.0), question)[0]
    assert isinstance(own, Source)
    assert own.id == "price"


def test_greetings(thinker: ScriptThinker) -> None:
    said = {_said(list(thinker.greet("en"))) for _ in range(30)}
    assert said == {"[joy:0.4] Welcome, first.", "Welcome again.", "Welcome, third."}
    source, say = thinker.greet("zh-TW")
    assert (source, say) == (Source("script", id="greeting", score=1.0), Say("欢迎。"))
    assert thinker.greet("fr")[0] == Source("script", id="greeting", score=1.0, language="en")


def test_a_script_without_words_of_its_own(tmp_path: Path) -> None:
    bare = "name: b\nlanguages: [en]\nentries: [{id: a, questions: [left or right], answers: [Left]}]\n"
    thinker = ScriptThinker(library_of(tmp_path, bare))
    assert _said(list(thinker.greet("zh"))) != ""
    assert _said(_answer(thinker, "zzz")) != ""


def test_facts_for_a_language_model(thinker: ScriptThinker) -> None:
    near = thinker.nearest("how much is a ticket", 2)
    assert len(near) == 2
    assert near[0] == ("price", "How much is a ticket?", "Twelve euros, for everybody.", 1.0)
    chinese = thinker.nearest(Question("门票多少钱", language="zh"), 1)[0]
    assert (chinese.question, chinese.answer) == ("门票多少钱？", "十二欧元。")


def test_sentences_for_rendering_beforehand(thinker: ScriptThinker) -> None:
    script = thinker.library.script
    english = script.sentences("en-US")
    assert english[0] == "Welcome, first."
    assert "From ten to six." in english
    assert "Fourth floor, to the left." in english
    assert "No idea at all." in english
    assert not any("[" in text for text in english)
    assert len(set(english)) == len(english)
    assert "[joy:0.3][nod] From ten to six." in script.sentences("en", marks=True)
    assert script.sentences("fr") == ()
    assert set(english) < set(script.sentences())
    assert thinker.library.sentences("zh") == script.sentences("zh")
