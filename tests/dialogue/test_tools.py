"""Tools: described from their signature, checked, timed, bounded; called by a model over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from rhapsode.dialogue.model import ModelThinker
from rhapsode.dialogue.model.thinker import ROUNDS
from rhapsode.dialogue.tools import Tools, add_clock, add_look_up
from rhapsode.errors import SettingError
from rhapsode.settings.sections import Think
from tests.dialogue.openai_server import OpenAIServer, Reply
from tests.dialogue.thinking import ask, run, sources, text_of

pytest.importorskip("openai")


async def weather(city: str, days: int = 1, unit: Literal["C", "F"] = "C") -> dict[str, Any]:
    """Tell the weather of a city
    in a few words.

    Args:
        city: its name.
        days: from today on.
        unit: of temperature.

    """
    return {"city": city, "degrees": 20 + days, "unit": unit}


@pytest.fixture
def tools() -> Tools:
    made = Tools(timeout_s=0.2, longest=300)
    made.add(weather)
    return made


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def think(server: OpenAIServer) -> Think:
    return Think(base_url=server.base_url, model="small", kind="model")


def call(tools: Tools, name: str, arguments: str) -> Any:
    return json.loads(run(tools.call(name, arguments)))


def test_a_function_describes_itself(tools: Tools) -> None:
    (tool,) = tools.described
    assert (tool.name, tool.description) == ("weather", "Tell the weather of a city in a few words.")
    assert tool.parameters["required"] == ["city"]
    assert tool.parameters["additionalProperties"] is False
    properties: Any = tool.parameters["properties"]
    assert properties["days"] == {
        "default": 1,
        "description": "from today on.",
        "title": "Days",
        "type": "integer",
    }
    assert properties["unit"]["enum"] == ["C", "F"]


def test_calls(tools: Tools) -> None:
    assert call(tools, "weather", '{"city": "Bern", "days": "2"}') == {
        "city": "Bern",
        "degrees": 22,
        "unit": "C",
    }

    @tools.add
    def plain(number: float) -> float:
        return number / 2

    assert call(tools, "plain", '{"number": 3}') == 1.5


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("wether", "{}", "no tool is called 'wether'; known are weather"),
        ("weather", "{}", "city: Field required"),
        ("weather", '{"city": 3}', "city: Input should be a valid string"),
        ("weather", '{"city": "Bern", "unit": "K"}', "unit: Input should be 'C' or 'F'"),
        ("weather", '{"city": "Bern", "tomorrow": true}', "tomorrow: Extra inputs are not permitted"),
        ("weather", '{"city": "Be', "Invalid JSON"),
        ("weather", "[1]", "arguments do not fit"),
    ],
)
def test_what_does_not_fit_is_told_to_the_model(tools: Tools, name: str, arguments: str, told: str) -> None:
    assert told in call(tools, name, arguments)["error"]


def test_tools_that_fail_or_take_long_or_say_much(tools: Tools) -> None:
    async def forever() -> None:
        await asyncio.sleep(60)

    def sleeps() -> None:
        time.sleep(0.5)

    def fails() -> None:
        raise RuntimeError("no luck")

    def much() -> list[str]:
        return ["word"] * 1000

    def odd() -> object:
        return {"at": datetime(2026, 1, 2, tzinfo=UTC), "what": {1, 2}.__class__}

    for function in (forever, sleeps, fails, much, odd):
        tools.add(function)
    assert "took longer than 0.2 s" in call(tools, "forever", "")["error"]
    assert "took longer than 0.2 s" in call(tools, "sleeps", "{}")["error"]
    assert call(tools, "fails", "{}")["error"] == "fails failed: RuntimeError: no luck"
    long = call(tools, "much", "{}")
    assert long["cut_off"]
    assert len(long["beginning"]) == 300
    assert "2026-01-02" in call(tools, "odd", "{}")["at"]


def test_functions_that_cannot_be_tools(tools: Tools) -> None:
    def bare(city) -> str:  # type: ignore[no-untyped-def]
        return str(city)

    def many(*cities: str) -> str:
        return "".join(cities)

    with pytest.raises(SettingError, match="parameter 'city' must have a name and an annotation"):
        tools.add(bare)
    with pytest.raises(SettingError, match="must have a name and an annotation"):
        tools.add(many)
    with pytest.raises(SettingError, match="'weather' is taken"):
        tools.add(weather)
    with pytest.raises(SettingError, match="'a b' is no name of a tool"):
        tools.add(weather, name="a b")
    assert len(tools) == 1


def test_the_clock_and_the_look_up() -> None:
    tools = Tools()
    add_clock(tools, now=lambda: datetime(2026, 3, 4, 17, 5, tzinfo=UTC))
    add_look_up(tools, lambda question, most: [("hours", "When?", f"{question} {most}", 0.9)])
    assert call(tools, "current_time", "{}") == "Wednesday, 04 March 2026, 17:05 (UTC)"
    assert call(tools, "look_up", '{"question": "open"}') == [{"question": "When?", "answer": "open 3"}]


def test_a_model_calls_tools_and_answers_from_what_they_say(tools: Tools, server: OpenAIServer) -> None:
    calls = [("weather", '{"city": "Bern"}'), ("weather", '{"town": "Ulm"}')]
    server.reply(Reply(["Let me see."], calls=calls), Reply(["It is 21 degrees."]))
    pieces = ask(ModelThinker(think(server), tools=tools), "Weather in Bern?")
    assert text_of(pieces) == "Let me see. It is 21 degrees."
    assert [source.kind for source in sources(pieces)] == ["model"]
    first, second = server.requests
    assert first["tools"][0]["function"]["name"] == "weather"
    assistant, one, two = second["messages"][-3:]
    assert assistant["content"] == "Let me see."
    assert [wanted["id"] for wanted in assistant["tool_calls"]] == ["call_0", "call_1"]
    assert json.loads(one["content"])["degrees"] == 21
    assert one["tool_call_id"] == "call_0"
    assert "Extra inputs" in json.loads(two["content"])["error"]


def test_a_model_that_calls_again_and_again_is_stopped(tools: Tools, server: OpenAIServer) -> None:
    server.reply(Reply([], calls=[("weather", '{"city": "Bern"}')]))
    pieces = ask(ModelThinker(think(server), tools=tools), "Weather?")
    assert len(server.requests) == ROUNDS + 1
    assert "tools" not in server.requests[-1]
    assert sources(pieces)[0].kind == "fallback"


def test_nonsense_as_arguments_goes_back_as_an_error_the_server_accepts(
    tools: Tools, server: OpenAIServer
) -> None:
    server.reply(Reply([], calls=[("weather", "{{{")]), Reply(["Sorry, no idea."]))
    assert text_of(ask(ModelThinker(think(server), tools=tools), "x")) == "Sorry, no idea."
    assistant, result = server.requests[1]["messages"][-2:]
    assert assistant["tool_calls"][0]["function"]["arguments"] == "{}"
    assert "Invalid JSON" in result["content"]


def test_a_server_without_tools_is_asked_without_them(tools: Tools, server: OpenAIServer) -> None:
    def plain(body: dict[str, Any]) -> Reply:
        if "tools" in body:
            return Reply(behaviour="refuse", status=400, message="gemma does not support tools")
        return Reply(["Fine."])

    server.answer = plain
    thinker = ModelThinker(think(server), tools=tools)
    assert [text_of(ask(thinker, "x")) for _ in range(2)] == ["Fine.", "Fine."]
    assert len(server.requests) == 3
