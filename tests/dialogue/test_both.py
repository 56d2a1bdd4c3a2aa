"""The script first, the model for the rest, the script's own words where both have nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rhapsode.dialogue import fallbacks
from rhapsode.dialogue.both import BothThinker
from rhapsode.dialogue.model import Fact, ModelThinker
from rhapsode.dialogue.tools import Found
from rhapsode.dialogue.turns import Question, Say, Show, Source, Suggest, Turn
from rhapsode.settings.sections import Think
from tests.dialogue.openai_server import OpenAIServer
from tests.dialogue.thinking import Stub, ask, run, sources, text_of

HOURS = (
    Source("script", id="hours", score=0.8),
    Say("[joy] From nine to five."),
    Show("Plan", "https://a.b"),
)
NOTHING = (Source("fallback", reason="below the threshold"), Say("Pardon?"), Suggest(("When do you open?",)))
MODEL = (Source("model", id="small"), Say("I would "), Say("guess so."))
FAILED = (Source("fallback", id="small", reason="no word"), Say("Sorry."))


def nearest(question: Question, most: int, history: Sequence[Turn]) -> Found:
    known = [("hours", "When?", "[joy] From nine to five.", 0.6), ("way", "Where?", "Left.", 0.2)]
    return [*known, ("far", "Who?", "Nobody.", 0.01)][:most]


def test_an_answer_of_the_script_goes_first() -> None:
    script, model = Stub({"hours": HOURS}, NOTHING), Stub({}, MODEL)
    assert ask(BothThinker(script, model), "hours") == list(HOURS)
    assert not model.asked
    assert script.closed == 1


def test_the_model_answers_the_rest_and_is_told_what_the_script_knows() -> None:
    script, model = Stub({}, NOTHING), Stub({}, MODEL)
    assert ask(BothThinker(script, model, nearest=nearest), "Is it fun?") == list(MODEL)
    assert model.told == [(Fact("When?", "From nine to five."), Fact("Where?", "Left."))]
    assert (script.closed, model.closed) == (1, 1)


def test_where_the_model_fails_the_script_says_what_it_says_then() -> None:
    pieces = ask(BothThinker(Stub({}, NOTHING), Stub({}, FAILED)), "x")
    assert text_of(pieces) == "Pardon?"
    assert pieces[-1] == NOTHING[-1]
    assert sources(pieces) == [Source("fallback", reason="nothing in the script fits; no word")]


def test_an_answer_below_the_threshold_does_not_count() -> None:
    script = Stub({"hours": HOURS})
    assert ask(BothThinker(script, Stub({}, MODEL), threshold=0.9), "hours") == list(MODEL)
    assert ask(BothThinker(script, Stub({}, MODEL), threshold=0.7), "hours") == list(HOURS)
    assert ask(BothThinker(script, Stub({}, FAILED), threshold=0.9), "hours") == list(FAILED)


@pytest.mark.parametrize("broken", [(), (RuntimeError("bug"),), (Suggest(("x",)), RuntimeError("bug"))])
def test_thinkers_that_break_their_promise_break_no_answer(broken: tuple[object, ...]) -> None:
    assert ask(BothThinker(Stub({}, broken), Stub({}, MODEL)), "x") == list(MODEL)  # type: ignore[arg-type]
    pieces = ask(BothThinker(Stub({}, NOTHING), Stub({}, broken)), "x")  # type: ignore[arg-type]
    assert text_of(pieces) == "Pardon?"
    pieces = ask(BothThinker(Stub({}, ()), Stub({}, broken)), "x", "it")  # type: ignore[arg-type]
    assert text_of(pieces) in ("", fallbacks.fallback("it"))
    assert sources(pieces)[0].kind == "fallback"


def test_a_search_that_fails_grounds_the_model_on_nothing() -> None:
    def fails(
        question: Question, most: int, history: Sequence[Turn]
    ) -> Sequence[tuple[str, str, str, float]]:
        raise RuntimeError("no weights")

    model = Stub({}, MODEL)
    assert ask(BothThinker(Stub({}, NOTHING), model, nearest=fails), "x") == list(MODEL)
    assert model.told == [()]


def test_the_script_greets() -> None:
    class Greets(Stub):
        def greet(self, language: str) -> tuple[Say, ...]:
            return (Say(f"Hello, {language}"),)

    assert BothThinker(Greets({}), Stub({})).greet("en") == (Say("Hello, en"),)
    assert BothThinker(Stub({}), Stub({})).greet("en") == ()


def test_closing_it_closes_both() -> None:
    script, model = Stub({}, NOTHING), Stub({}, MODEL)

    async def interrupt() -> None:
        pieces = BothThinker(script, model).answer(Question("x"), ())
        await anext(pieces)
        await pieces.aclose()

    run(interrupt())
    assert (script.closed, model.closed) == (1, 1)


def test_the_facts_stand_in_the_request() -> None:
    pytest.importorskip("openai")
    with OpenAIServer() as server:
        model = ModelThinker(Think(base_url=server.base_url, model="small"), key="")
        ask(BothThinker(Stub({}, NOTHING), model, nearest=nearest), "Is it fun?")
        system = server.requests[0]["messages"][0]["content"]
    assert "answer only from these" in system
    assert "Q: When?\nA: From nine to five.\nQ: Where?\nA: Left." in system
