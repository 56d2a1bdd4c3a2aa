"""Tools of whoever asks: offered beside ours, a call ends the answer, its result is answered later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from rhapsode.dialogue.both import BothThinker
from rhapsode.dialogue.model import ModelThinker
from rhapsode.dialogue.model.prompt import ARRIVES, NO_RESULT, WAITS, messages_for
from rhapsode.dialogue.tools import Tools
from rhapsode.dialogue.turns import Call, Offer, Piece, Question, Say, Source, Tool, Turn
from rhapsode.settings.sections import Think
from tests.dialogue.openai_server import OpenAIServer, Reply
from tests.dialogue.thinking import Stub, run, sources, text_of

pytest.importorskip("openai")

LAMP = Tool("lamp", "Turn a lamp on.", {"type": "object", "properties": {"room": {"type": "string"}}})


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def thinker(server: OpenAIServer) -> ModelThinker:
    tools = Tools()

    @tools.add
    def clock() -> str:
        """Tell the time."""
        return "noon"

    return ModelThinker(Think(base_url=server.base_url, model="small", kind="model"), tools=tools)


def pieces_of(asked: Any, question: Question, history: Sequence[Turn] = ()) -> list[Piece]:
    async def collected() -> list[Piece]:
        return [piece async for piece in asked.answer(question, history)]

    return run(collected())  # type: ignore[no-any-return]


def test_a_call_of_what_is_offered_ends_the_answer_and_its_result_is_answered(server: OpenAIServer) -> None:
    calls = [("lamp", '{"room": "hall"}'), ("clock", "{}")]
    server.reply(Reply(["[nod] One moment."], calls=calls), Reply(["It is on."]))
    asked = thinker(server)
    question = Question("Light in the hall?", offer=Offer((LAMP,)))
    pieces = pieces_of(asked, question)
    assert text_of(pieces) == "[nod] One moment."
    call = pieces[-1]
    assert isinstance(call, Call)
    assert (call.name, call.arguments, call.result) == ("lamp", '{"room": "hall"}', None)
    assert [tool["function"]["name"] for tool in server.requests[0]["tools"]] == ["clock", "lamp"]
    assert server.requests[0]["tools"][1]["function"]["parameters"] == LAMP.parameters
    assert "tool_choice" not in server.requests[0]
    history = (
        Turn("user", question.text),
        Turn("assistant", "One moment."),
        Turn("assistant", "", calls=(Call("call_0", "lamp", call.arguments, '{"on": true}'),)),
    )
    assert text_of(pieces_of(asked, Question("", offer=question.offer), history)) == "It is on."
    told = server.requests[1]["messages"][1:]
    assert [message["role"] for message in told] == ["user", "assistant", "tool"]
    assert told[1]["content"] == "One moment."
    assert told[1]["tool_calls"][0]["function"] == {"name": "lamp", "arguments": '{"room": "hall"}'}
    assert told[2] == {"role": "tool", "tool_call_id": "call_0", "content": '{"on": true}'}


def test_calls_without_words_are_an_answer(server: OpenAIServer) -> None:
    server.reply(Reply([], calls=[("lamp", "{"), ("lamp", '{"room": "b"}')]))
    pieces = pieces_of(thinker(server), Question("x", offer=Offer((LAMP,))))
    assert [type(piece) for piece in pieces] == [Source, Call, Call]
    assert sources(pieces)[0].kind == "model"


def test_own_tools_are_called_beside_and_what_is_offered_goes_before_ours(server: OpenAIServer) -> None:
    server.reply(Reply([], calls=[("clock", "{}")]), Reply(["It is noon."]))
    assert (
        text_of(pieces_of(thinker(server), Question("x", offer=Offer((LAMP,), "required")))) == "It is noon."
    )
    assert [request.get("tool_choice") for request in server.requests] == ["required", None]
    server.reply(Reply([], calls=[("clock", "{}")]))
    pieces = pieces_of(thinker(server), Question("x", offer=Offer((Tool("clock", "Theirs."),))))
    assert isinstance(pieces[-1], Call)
    assert [tool["function"]["description"] for tool in server.requests[-1]["tools"]] == ["Theirs."]


def test_what_may_be_called_can_be_chosen(server: OpenAIServer) -> None:
    server.replies("Fine.")
    asked = thinker(server)
    for choice in ("none", "lamp"):
        pieces_of(asked, Question("x", offer=Offer((LAMP,), choice)))
    assert "tools" not in server.requests[0]
    assert server.requests[1]["tool_choice"] == {"type": "function", "function": {"name": "lamp"}}


def test_a_server_that_knows_no_choice_is_told_the_tools_alone(server: OpenAIServer) -> None:
    refusal = Reply(behaviour="refuse", status=400, message="tool_choice is not supported")
    server.reply(refusal, Reply(["Fine."]))
    assert text_of(pieces_of(thinker(server), Question("x", offer=Offer((LAMP,), "required")))) == "Fine."
    assert "tool_choice" not in server.requests[1]
    assert len(server.requests[1]["tools"]) == 2


def test_calls_of_earlier_turns_stay_in_order_and_in_bounds() -> None:
    lamp = Call("a", "lamp", "nonsense")
    history = (
        Turn("assistant", "Hello."),
        Turn("user", "Light?"),
        Turn("assistant", "", calls=(lamp, Call("b", "lamp", "{}", "off"))),
        Turn("assistant", "It is off.", interrupted=True),
    )
    told = messages_for(Question("Why?"), history, persona="", longest=20)[1:]
    assert [message["role"] for message in told] == [
        *("user", "assistant", "user", "assistant", "tool", "tool", "assistant", "user")
    ]
    assert told[0]["content"] == ARRIVES
    assert [call["function"]["arguments"] for call in told[3]["tool_calls"]] == ["{}", "{}"]
    assert [message["content"] for message in told[4:6]] == [NO_RESULT, "off"]
    long = Turn("assistant", "", calls=(Call("c", "lamp", "{}", "x" * 20_000),))
    assert [
        message["role"] for message in messages_for(Question("Why?"), (long,), persona="", longest=9)
    ] == [
        "system",
        "user",
    ]


@pytest.mark.parametrize(
    ("history", "last"),
    [((), ARRIVES), ((Turn("user", "Hm."),), "Hm."), ((Turn("assistant", "Hello."),), WAITS)],
)
def test_without_a_question_the_history_is_answered(history: tuple[Turn, ...], last: str) -> None:
    told = messages_for(Question(""), history, persona="", longest=9)
    assert told[-1] == {"role": "user", "content": last}


def test_what_is_no_question_goes_by_the_script() -> None:
    script, model = Stub({}), Stub({}, [Source("model"), Say("Hello.")])

    async def nearest(*_: object) -> AsyncIterator[None]:
        raise AssertionError("nothing is asked")

    both = BothThinker(script, model, nearest=nearest)  # type: ignore[arg-type]
    assert text_of(pieces_of(both, Question(""))) == "Hello."
    assert script.asked == []
