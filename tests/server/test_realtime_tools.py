"""Functions of a client, questions that wait for its word, responses beside the conversation."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pytest

openai = pytest.importorskip("openai")

from rhapsode.conversation.conversation import Conversation  # noqa: E402
from rhapsode.conversation.resources import Resources  # noqa: E402
from rhapsode.dialogue.turns import Thinker  # noqa: E402
from rhapsode.face.emotion import Emotion  # noqa: E402
from rhapsode.live.session import Session  # noqa: E402
from rhapsode.server.settings import ServerSettings  # noqa: E402
from rhapsode.server.talking import Talking  # noqa: E402
from rhapsode.settings import Settings, Think  # noqa: E402
from tests.conversation.fake import FakeResources  # noqa: E402
from tests.dialogue.openai_server import OpenAIServer, Reply  # noqa: E402
from tests.server.fake_conversation import FakeTalking  # noqa: E402
from tests.server.realtime_client import Caller, call  # noqa: E402
from tests.server.serve import serving_app  # noqa: E402

LAMP = {
    "type": "function",
    "name": "lamp",
    "description": "Turn a lamp on.",
    "parameters": {"type": "object", "properties": {"value": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def talking() -> FakeTalking:
    return FakeTalking(Settings(think=Think(kind="model")))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, talking: FakeTalking) -> Iterator[str]:
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")), max_says_minute=300)
    with serving_app(settings, talking=talking) as (address, _):
        yield address


async def offer(caller: Caller, **more: Any) -> dict[str, Any]:
    await caller.connection.session.update(session={"type": "realtime", "tools": [LAMP], **more})
    session: dict[str, Any] = (await caller.until("session.updated"))["session"]
    return session


async def give(caller: Caller, call_id: str, output: str) -> None:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    await caller.connection.conversation.item.create(item=item)


def test_a_call_goes_to_the_client_and_its_result_is_answered(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        session = await offer(caller)
        assert (session["tools"], session["tool_choice"]) == ([LAMP], "auto")
        await caller.write("please call lamp hall")
        first = (await caller.until("response.done"))["response"]
        message, called = first["output"]
        assert message["content"][0]["transcript"] == "One moment."
        assert (called["type"], called["name"], called["status"]) == ("function_call", "lamp", "completed")
        assert json.loads(called["arguments"]) == {"value": "hall"}
        await give(caller, called["call_id"], "it is on")
        await caller.connection.response.create()
        again = (await caller.until("response.done", 2))["response"]
        assert again["status"] == "completed"
        assert again["output"][0]["content"][0]["transcript"] == "lamp says it is on."
        await caller.write("Thanks")
        await caller.until("response.done", 3)

    caller = call(url, scene)
    assert caller.all("error") == []
    done = caller.all("response.function_call_arguments.done")[0]
    assert (done["output_index"], done["name"]) == (1, "lamp")
    assert done["arguments"] == caller.all("response.function_call_arguments.delta")[0]["delta"]
    added = [event["item"]["type"] for event in caller.all("conversation.item.added")]
    assert added[:4] == ["message", "message", "function_call", "function_call_output"]
    made = talking.made[-1]
    assert [offered.tools[0].name for offered in made.offered if offered] == ["lamp"] * 3
    lamp = next(turn for turn in made.history if turn.calls)
    assert [(one.name, one.result) for one in lamp.calls] == [("lamp", "it is on")]
    assert [turn.text for turn in made.history][:3] == ["please call lamp hall", "One moment.", ""]


def test_calls_without_words_and_calls_that_nobody_answers(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        await offer(caller)
        await caller.write("call lamp a")
        first = (await caller.until("response.done"))["response"]
        assert [item["type"] for item in first["output"]] == ["function_call"]
        await caller.write("call lamp b")
        second = (await caller.until("response.done", 2))["response"]
        keys = [one["output"][0]["call_id"] for one in (first, second)]
        assert len(set(keys)) == 2
        await give(caller, keys[1], "done")
        await give(caller, "nonsense", "x")
        assert (await caller.until("error"))["error"]["code"] == "invalid_tool_call_id"
        await caller.write("Hello")
        await caller.until("response.done", 3)
        results = [one.result for turn in talking.made[-1].history for one in turn.calls]
        assert results == [None, "done"]

    call(url, scene)


def test_a_new_question_goes_before_what_a_call_would_say(url: str):
    async def scene(caller: Caller) -> None:
        await offer(caller)
        await caller.write("please call lamp hall")
        await caller.until("response.done")
        await caller.connection.response.create()  # waits until "One moment." is heard
        await caller.hear(0.3, 0.3)
        second = (await caller.until("response.done", 2))["response"]
        assert (second["status"], second["output"]) == ("cancelled", [])
        await caller.connection.response.cancel()
        assert (await caller.until("error"))["error"]["code"] == "response_cancel_not_active"

    call(url, scene)


def test_calls_of_an_earlier_session_are_remembered(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        create = caller.connection.conversation.item.create
        call_item = {"type": "function_call", "call_id": "old", "name": "lamp", "arguments": "{}"}
        await create(item=call_item)
        await give(caller, "old", "broken")
        await caller.until("conversation.item.done", 2)
        await caller.connection.response.create()
        done = (await caller.until("response.done"))["response"]
        assert done["output"][0]["content"][0]["transcript"] == "lamp says broken."
        assert talking.made[-1].history[0].calls[0].id == "old"

    call(url, scene)


def test_what_may_be_called_is_chosen_for_the_session_or_one_response(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        session = await offer(caller, tool_choice={"type": "function", "name": "lamp"})
        assert session["tool_choice"] == {"type": "function", "name": "lamp"}
        await caller.write("One")
        await caller.until("response.done")
        content = [{"type": "input_text", "text": "Two"}]
        await caller.connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}
        )
        await caller.connection.response.create(response={"tool_choice": "none"})
        await caller.until("response.done", 2)

    call(url, scene)
    assert [offered.choice for offered in talking.made[-1].offered if offered] == ["lamp", "none"]


def test_a_response_without_a_question_is_the_models_own(url: str):
    async def scene(caller: Caller) -> None:
        await caller.connection.response.create()
        done = (await caller.until("response.done"))["response"]
        assert done["output"][0]["content"][0]["transcript"] == "Welcome."

    call(url, scene)


@pytest.mark.slow
def test_turns_wait_for_the_client_where_it_answers_itself(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        turn = {"type": "server_vad", "create_response": False, "interrupt_response": True}
        await caller.connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": turn}}}
        )
        await caller.hear(1.0, 0.3)
        await caller.hear(0.8, 0.0)
        heard = await caller.until("conversation.item.input_audio_transcription.completed")
        await asyncio.sleep(0.2)
        assert caller.all("response.created") == []
        await caller.connection.response.create()
        await caller.until("response.done")
        item = caller.all("input_audio_buffer.committed")[0]["item_id"]
        assert heard["item_id"] == item

    caller = call(url, scene)
    deltas = caller.all("conversation.item.input_audio_transcription.delta")
    assert deltas[0]["delta"].startswith("speech of")
    first, done = caller.types.index(deltas[0]["type"]), caller.types.index("input_audio_buffer.committed")
    assert first < done
    assert talking.made[-1].felt == [Emotion(joy=0.4)]
    assert [event["item"]["role"] for event in caller.all("conversation.item.done")] == ["user", "assistant"]


def test_committed_sound_is_transcribed_before_it_is_answered(url: str):
    async def scene(caller: Caller) -> None:
        await caller.connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        for seconds in (0.5, 0.7):
            await caller.hear(seconds, 0.3)
            await caller.connection.input_audio_buffer.commit()
        kind = "conversation.item.input_audio_transcription.completed"
        await caller.until(kind, 2)
        await caller.hear(0.9, 0.3)
        await caller.connection.input_audio_buffer.commit()
        await caller.connection.response.create()  # waits for the words
        done = (await caller.until("response.done"))["response"]
        said = [event["transcript"] for event in caller.all(kind)]
        assert [text[:13] for text in said] == ["speech of 0.5", "speech of 0.7", "speech of 0.9"]
        assert done["output"][0]["content"][0]["transcript"].count("speech of") == 3

    call(url, scene)


def test_of_much_that_waits_the_newest_is_asked(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        create = caller.connection.conversation.item.create
        for text in ("first " * 200, "second " * 200, "third"):
            content = [{"type": "input_text", "text": text.strip()}]
            await create(item={"type": "message", "role": "user", "content": content})
        await caller.connection.response.create()
        await caller.until("response.created")
        await caller.connection.response.cancel()
        await caller.until("response.done")
        assert talking.made[-1].history[0].text.startswith("second second")
        assert talking.made[-1].history[0].text.endswith("\nthird")

    call(url, scene)


def test_silence_that_is_committed_holds_nothing_up(url: str):
    async def scene(caller: Caller) -> None:
        await caller.connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        await caller.hear(0.3, 0.0)
        await caller.connection.input_audio_buffer.commit()
        await caller.connection.response.create()
        await caller.until("response.done")

    caller = call(url, scene)
    assert caller.all("conversation.item.input_audio_transcription.completed")[0]["transcript"] == ""


def test_messages_may_hold_sound(url: str):
    async def scene(caller: Caller) -> None:
        await caller.connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        y = np.full(12_000, 9000, "<i2")
        content = [{"type": "input_audio", "audio": base64.b64encode(y.tobytes()).decode()}]
        await caller.connection.conversation.item.create(
            item={"type": "message", "role": "user", "id": "mine", "content": content}
        )
        await caller.connection.response.create()
        done = (await caller.until("response.done"))["response"]
        assert done["output"][0]["content"][0]["transcript"] == "You said: speech of 0.5 seconds"

    caller = call(url, scene)
    heard = caller.all("conversation.item.input_audio_transcription.completed")[0]
    assert heard["item_id"] == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("beta", [True, False])
def test_sessions_that_transcribe_answer_nothing(url: str, beta: bool):
    async def scene(caller: Caller) -> None:
        turn = {"type": "server_vad"}
        if beta:
            session: dict[str, Any] = {"turn_detection": turn, "input_audio_format": "pcm16"}
            event = {"type": "transcription_session.update", "session": session}
            await caller.connection._connection.send(json.dumps(event))
            await caller.until("transcription_session.updated")
        else:
            session = {"type": "transcription", "audio": {"input": {"turn_detection": turn}}}
            await caller.connection.session.update(session=session)
            assert (await caller.until("session.updated"))["session"]["type"] == "transcription"
        await caller.hear(1.0, 0.3)
        await caller.hear(0.8, 0.0)
        await caller.until("conversation.item.input_audio_transcription.completed")
        await caller.connection.response.create()
        assert (await caller.until("error"))["error"]["code"] == "unsupported_value"
        assert caller.all("response.created") == []

    call(url, scene)


def test_responses_beside_the_conversation_are_text_that_nobody_remembers(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        await caller.write("alpha beta gamma delta epsilon zeta")
        await caller.until("response.created")
        content = [{"type": "input_text", "text": "Is it cold?"}]
        for text in ("Is it cold?", "fail"):
            content = [{"type": "input_text", "text": text}]
            response = {
                "conversation": "none",
                "output_modalities": ["text"],
                "instructions": "Say yes or no.",
                "metadata": {"topic": "weather"},
                "input": [{"type": "message", "role": "user", "content": content}],
            }
            await caller.connection.response.create(response=response)
        await caller.until("response.done", 3)

    caller = call(url, scene)
    beside = [e["response"] for e in caller.all("response.done") if e["response"]["metadata"]]
    worked, failed = sorted(beside, key=lambda response: str(response["status"]))
    assert (worked["status"], failed["status"]) == ("completed", "failed")
    assert worked["output"][0]["content"][0]["text"] == "Say yes or no. -> user: Is it cold?"
    assert worked["conversation_id"] is None
    assert caller.all("error")[0]["error"]["message"] == "the model is gone; start it"
    assert len(caller.all("conversation.item.added")) == 2
    assert "cold" not in " ".join(turn.text for turn in talking.made[-1].history)


def test_who_leaves_takes_its_functions_and_settings_along(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        await offer(caller, instructions="Be odd.", audio={"input": {"turn_detection": None}})
        await caller.write("Hello")
        await caller.until("response.done")
        made = talking.made[-1]
        assert (made.holds, made.tools is None) == (True, False)
        assert made.settings.think.persona == "Be odd."

    call(url, scene)
    made = talking.made[-1]
    for _ in range(100):
        if not made.holds:
            break
        asyncio.run(asyncio.sleep(0.02))
    assert (made.holds, made.tools, made.settings.think.persona) == (False, None, "")


class ThinkingResources(FakeResources):
    """Fake ears and voice, and the product's own thinkers."""

    def thinker(self, settings: Settings) -> Thinker:
        return Resources.thinker(self, settings)


@pytest.mark.slow
def test_a_real_conversation_with_a_language_model_calls_the_client(tmp_path_factory: pytest.TempPathFactory):
    async def make(session: Session, settings: Settings, pool: Executor) -> Conversation:
        return Conversation(session, settings, resources=ThinkingResources())

    async def scene(caller: Caller) -> None:
        await offer(caller, instructions="You keep the lights.", tool_choice="required")
        await caller.write("Light in the hall?")
        first = (await caller.until("response.done"))["response"]
        assert [item["type"] for item in first["output"]] == ["message", "function_call"]
        await give(caller, first["output"][1]["call_id"], "{}")
        await caller.connection.response.create(response={"tool_choice": "auto"})
        second = (await caller.until("response.done", 2))["response"]
        assert second["output"][0]["content"][0]["transcript"].strip() == "It is on."
        aside = {"conversation": "none", "output_modalities": ["text"], "instructions": "Sum it up."}
        await caller.connection.response.create(response=aside)
        third = (await caller.until("response.done", 3))["response"]
        assert third["output"][0]["content"][0]["text"] == "A lamp was lit."

    with OpenAIServer() as model:
        model.reply(
            Reply(["[nod] One moment."], calls=[("lamp", '{"value": "hall"}')]),
            Reply(["It is on."]),
            Reply(["A lamp was lit."]),
        )
        think = Think(kind="model", base_url=model.base_url, model="small")
        settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")))
        talking = Talking(Settings(think=think), make=make)
        with serving_app(settings, talking=talking) as (address, _):
            call(address, scene)
    first, second, third = model.requests
    assert first["messages"][0]["content"].startswith("You keep the lights.")
    assert (first["tool_choice"], first["tools"][0]["function"]["name"]) == ("required", "lamp")
    assert "tool_choice" not in second
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "tool"]
    assert second["messages"][2]["content"] == "One moment."
    assert third["messages"][0]["content"] == "Sum it up."
    assert third["messages"][1]["content"].startswith("user: Light in the hall?\nassistant: One moment.")
