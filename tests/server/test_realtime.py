"""The stock client of the Realtime API against a real server, with a conversation that echoes."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

openai = pytest.importorskip("openai")

from rhapsode.rigs import FACE  # noqa: E402
from rhapsode.server.settings import ServerSettings  # noqa: E402
from tests.server.fake_conversation import FakeTalking  # noqa: E402
from tests.server.realtime_client import Caller, call  # noqa: E402
from tests.server.serve import serving_app, wait_for_no_sessions  # noqa: E402


@pytest.fixture(scope="module")
def talking() -> FakeTalking:
    return FakeTalking()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, talking: FakeTalking) -> Iterator[str]:
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")), max_says_minute=300)
    with serving_app(settings, talking=talking) as (address, _):
        yield address


def test_a_written_question_is_answered_with_sound_and_a_face(url: str):
    async def scene(caller: Caller) -> None:
        await caller.write("Where is it?")
        await caller.until("response.done")

    caller = call(url, scene)
    session = caller.got[0]["session"]
    assert session["type"] == "realtime"
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    order = ["conversation.item.added", "conversation.item.done", "response.created"]
    order += ["response.output_item.added", "response.content_part.added"]
    order += ["response.output_audio_transcript.delta", "response.output_audio.delta"]
    order += ["response.output_audio.done", "response.output_audio_transcript.done"]
    order += ["response.content_part.done", "response.output_item.done", "response.done"]
    places = [caller.types.index(name) for name in order]
    assert places == sorted(places)
    done = caller.all("response.done")[0]["response"]
    assert (done["status"], done["output_modalities"]) == ("completed", ["audio"])
    (part,) = done["output"][0]["content"]
    assert part == {"type": "output_audio", "transcript": "You said: Where is it?"}
    text = "".join(event["delta"] for event in caller.all("response.output_audio_transcript.delta"))
    assert text == "You said: Where is it?"
    assert len(caller.sound()) == 5 * 4800
    assert caller.all("error") == []
    done_items = [event["item"]["role"] for event in caller.all("conversation.item.done")]
    assert done_items == ["user", "assistant"]


def test_curves_come_with_the_milliseconds_of_sound_they_belong_to(url: str):
    async def scene(caller: Caller) -> None:
        await caller.write("zebra")
        await caller.until("response.done")

    caller = call(url, scene)
    names, *faces = caller.all("rhapsode.face")
    assert names["names"] == list(FACE.channels)
    assert names["curve_hz"] == 50
    jaw = FACE.index("jawOpen")
    at = np.concatenate([f["audio_ms"] + 20 * np.arange(len(f["values"])) for f in faces])
    opened = np.array([row[jaw] for f in faces for row in f["values"]])
    assert np.all(np.diff(at) == 20)
    sound = np.abs(caller.sound())
    begins = at[at >= 0].astype(int)
    loud = [sound[ms * 24 : (ms + 20) * 24].max(initial=0) for ms in begins if ms < len(sound) / 24]
    np.testing.assert_allclose(opened[at >= 0][: len(loud)], loud, atol=0.01)


@pytest.mark.slow
def test_a_spoken_question_is_detected_transcribed_and_answered(url: str):
    async def scene(caller: Caller) -> None:
        await caller.connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
        )
        await caller.hear(0.3, 0.0)
        await caller.hear(1.0, 0.3)
        await caller.hear(0.8, 0.0)
        await caller.until("response.done")

    caller = call(url, scene)
    started = caller.all("input_audio_buffer.speech_started")[0]
    stopped = caller.all("input_audio_buffer.speech_stopped")[0]
    committed = caller.all("input_audio_buffer.committed")[0]
    heard = caller.all("conversation.item.input_audio_transcription.completed")[0]
    assert started["audio_start_ms"] == pytest.approx(400, abs=60)
    assert stopped["audio_end_ms"] == pytest.approx(1300, abs=60)
    assert started["item_id"] == stopped["item_id"] == committed["item_id"] == heard["item_id"]
    assert heard["transcript"].startswith("speech of 1.0")
    order = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
    order += ["input_audio_buffer.committed", "conversation.item.added"]
    order += ["conversation.item.input_audio_transcription.completed", "response.created"]
    places = [caller.types.index(name) for name in order]
    assert places == sorted(places)
    assert caller.all("response.done")[0]["response"]["status"] == "completed"


def test_speech_cancels_the_answer_and_truncation_cuts_the_history(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        await caller.write("alpha beta gamma delta epsilon zeta eta theta iota kappa " * 6)
        await caller.until("response.output_audio.delta", 3)
        item = caller.all("response.output_item.added")[0]["item"]
        await asyncio.sleep(1.2)  # more than 0.85 s of it are heard, however late the machine is
        await caller.hear(0.3, 0.3)
        done = await caller.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        await caller.connection.conversation.item.truncate(
            item_id=item["id"], content_index=0, audio_end_ms=850
        )
        await caller.until("conversation.item.truncated")
        await caller.connection.conversation.item.retrieve(item_id=item["id"])
        kept = (await caller.until("conversation.item.retrieved"))["item"]
        assert kept["status"] == "incomplete"
        assert kept["content"][0]["transcript"] == "You said: alpha beta"

    call(url, scene)
    turn = next(t for t in talking.made[-1].history if t.role == "assistant")
    assert (turn.text, turn.interrupted) == ("You said: alpha beta", True)


def test_truncation_of_an_answer_that_is_still_played_silences_it(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        await caller.write("alpha beta gamma delta epsilon")
        done = await caller.until("response.done")
        assert done["response"]["status"] == "completed"
        item = done["response"]["output"][0]["id"]
        assert talking.made[-1].history[-1].role == "user"
        await caller.connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=620)
        await caller.until("conversation.item.truncated")

    call(url, scene)
    assert [turn.text for turn in talking.made[-1].history] == [
        "alpha beta gamma delta epsilon",
        "You said: alpha",
    ]


def test_a_response_can_be_cancelled_and_the_next_one_asked_for(url: str):
    async def scene(caller: Caller) -> None:
        await caller.write("alpha beta gamma delta epsilon zeta eta theta iota kappa " * 6)
        await caller.until("response.output_audio.delta")
        await caller.connection.response.create()
        busy = await caller.until("error")
        assert busy["error"]["code"] == "conversation_already_has_active_response"
        await caller.connection.response.cancel()
        done = await caller.until("response.done")
        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        await caller.connection.response.cancel()
        assert (await caller.until("error", 2))["error"]["code"] == "response_cancel_not_active"
        await caller.write("again")
        assert (await caller.until("response.done", 2))["response"]["status"] == "completed"

    call(url, scene)


def test_without_turn_detection_the_client_commits_and_asks(url: str):
    async def scene(caller: Caller) -> None:
        await caller.connection.session.update(
            session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        )
        updated = await caller.until("session.updated")
        assert updated["session"]["audio"]["input"]["turn_detection"] is None
        await caller.hear(0.5, 0.3)
        await caller.connection.input_audio_buffer.clear()
        await caller.until("input_audio_buffer.cleared")
        await caller.connection.input_audio_buffer.commit()
        assert (await caller.until("error"))["error"]["code"] == "input_audio_buffer_commit_empty"
        await caller.hear(0.7, 0.3)
        await caller.connection.input_audio_buffer.commit()
        await caller.until("input_audio_buffer.committed")
        assert caller.all("response.created") == []
        await caller.connection.response.create()
        await caller.until("response.done")

    caller = call(url, scene)
    heard = caller.all("conversation.item.input_audio_transcription.completed")[0]
    assert heard["transcript"].startswith("speech of 0.7")
    assert caller.all("input_audio_buffer.speech_started") == []


def test_text_alone_comes_as_text(url: str):
    async def scene(caller: Caller) -> None:
        await caller.connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await caller.write("Hello")
        await caller.until("response.done")

    caller = call(url, scene)
    assert "".join(e["delta"] for e in caller.all("response.output_text.delta")) == "You said: Hello"
    assert caller.all("response.output_text.done")[0]["text"] == "You said: Hello"
    assert not caller.all("response.output_audio.delta")
    assert len(caller.all("rhapsode.face")) == 1


def test_telephones_are_spoken_to_in_their_own_format(url: str):
    async def scene(caller: Caller) -> None:
        form = {"type": "audio/pcmu"}
        await caller.connection.session.update(
            session={"type": "realtime", "audio": {"input": {"format": form}, "output": {"format": form}}}
        )
        await caller.write("Hello")
        await caller.until("response.done")

    caller = call(url, scene)
    raw = b"".join(base64.b64decode(e["delta"]) for e in caller.all("response.output_audio.delta"))
    assert len(raw) == pytest.approx(3 * 1600, abs=20)


def test_settings_of_the_session_are_settings_of_the_conversation(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        session = {
            "type": "realtime",
            "instructions": "You are a guide.",
            "max_output_tokens": 90,
            "audio": {
                "input": {
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 700},
                    "transcription": {"language": "zh", "languages": ["zh", "en"], "delay": "low"},
                    "noise_reduction": {"type": "near_field"},
                },
                "output": {"voice": "hibari", "speed": 1.25},
            },
        }
        await caller.connection.session.update(session=session)
        shown = (await caller.until("session.updated"))["session"]
        assert shown["audio"]["output"]["voice"] == "hibari"
        await caller.write("Hello")
        await caller.until("response.done")

        made = talking.made[-1].settings
        assert (made.hear.turn, made.hear.silence_s, made.hear.denoise) == ("silence", 0.7, True)
        assert (made.hear.language, made.hear.languages) == ("zh", ("zh", "en"))
        assert made.think.max_tokens == 90
        assert made.think.persona == "You are a guide."
        assert (made.speak.voice, made.speak.rate) == ("hibari", 1.25)

    call(url, scene)


def test_items_of_a_client_are_remembered_and_taken_out(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        create = caller.connection.conversation.item.create
        said = [{"type": "output_text", "text": "I am Ann."}]
        await create(item={"type": "message", "role": "assistant", "id": "a1", "content": said})
        rule = [{"type": "input_text", "text": "Be brief."}]
        await create(item={"type": "message", "role": "system", "content": rule})
        await caller.write("Who?")
        await caller.until("response.done")
        await caller.until("conversation.item.done", 4)
        history = talking.made[-1].history
        assert [turn.text for turn in history[:2]] == ["I am Ann.", "Who?"]
        assert talking.made[-1].settings.think.persona == "Be brief."
        await caller.connection.conversation.item.delete(item_id="a1")
        await caller.until("conversation.item.deleted")
        assert talking.made[-1].history[0].text == "Who?"

    call(url, scene)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": "session.update", "session": {"type": "translation"}}, "invalid_value"),
    ({"type": "session.update", "session": {"voice": "nobody"}}, "invalid_value"),
    ({"type": "session.update", "session": {"tools": [{"type": "mcp"}]}}, "unsupported_tools"),
    ({"type": "session.update", "session": {"tools": [{"type": "function"}]}}, "invalid_value"),
    ({"type": "session.update", "session": {"tools": ["f"]}}, "invalid_value"),
    ({"type": "session.update", "session": {"tool_choice": {"type": "mcp"}}}, "invalid_value"),
    (
        {"type": "session.update", "session": {"tool_choice": {"type": "function", "name": "f"}}},
        "invalid_value",
    ),
    ({"type": "session.update", "session": {"turn_detection": {"type": "x"}}}, "invalid_value"),
    ({"type": "input_audio_buffer.append", "audio": "***"}, "invalid_value"),
    ({"type": "input_audio_buffer.append", "audio": "AA=="}, "invalid_value"),
    ({"type": "input_audio_buffer.append"}, "invalid_value"),
    ({"type": "conversation.item.retrieve", "item_id": "none"}, "item_not_found"),
    ({"type": "conversation.item.truncate", "item_id": "none", "audio_end_ms": -1}, "invalid_value"),
    ({"type": "conversation.item.create", "item": {"type": "function_call"}}, "invalid_value"),
    ({"type": "conversation.item.create", "item": {"type": "function_call_output"}}, "invalid_value"),
    (
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": "c", "output": "x"},
        },
        "invalid_tool_call_id",
    ),
    ({"type": "conversation.item.create", "item": {"type": "message", "content": []}}, "invalid_value"),
    ({"type": "response.create", "response": {"conversation": "other"}}, "unsupported_value"),
    ({"type": "response.create", "response": {"conversation": "none"}}, "unsupported_value"),
    (
        {"type": "response.create", "response": {"conversation": "none", "modalities": ["text"]}},
        "unsupported_value",
    ),
    ({"type": "no.such"}, "invalid_event_type"),
    ({}, "invalid_event_type"),
]


def test_bad_events_are_told_and_the_session_goes_on(url: str):
    async def scene(caller: Caller) -> None:
        for k, (event, code) in enumerate(BAD):
            await caller.connection._connection.send(json.dumps({**event, "event_id": f"e{k}"}))
            error = (await caller.until("error", k + 1))["error"]
            assert (error["code"], error["event_id"]) == (code, f"e{k}"), error
            assert error["type"] == "invalid_request_error"
            assert error["message"]
        for garbage in ("{", "[1]", "3", b"\x00\x01"):
            await caller.connection._connection.send(garbage)
        await caller.until("error", len(BAD) + 4)
        assert all(e["error"]["code"] == "invalid_json" for e in caller.all("error")[len(BAD) :])
        await caller.write("Hello")
        await caller.until("response.done")

    call(url, scene)


def test_the_beta_of_the_api_is_spoken_too(url: str):
    async def run() -> list[dict[str, Any]]:
        address = f"{url}/v1"
        sockets = address.replace("http", "ws", 1)
        client = openai.AsyncOpenAI(base_url=address, websocket_base_url=sockets, api_key="x")
        async with client.beta.realtime.connect(model="rhapsode") as connection:
            caller = Caller(connection)
            await connection.session.update(
                session={"modalities": ["text", "audio"], "voice": "alloy", "input_audio_format": "pcm16"}
            )
            await caller.write("Hello")
            await caller.until("response.done")
            return caller.got

    got = asyncio.run(run())
    types = [event["type"] for event in got]
    assert "response.audio.delta" in types
    assert "response.audio_transcript.done" in types
    assert types.count("conversation.item.created") == 2
    assert not [name for name in types if "output_audio" in name or name.startswith("conversation.item.d")]
    session = next(event["session"] for event in got if event["type"] == "session.updated")
    assert (session["input_audio_format"], session["voice"]) == ("pcm16", "alloy")
    item = next(e["item"] for e in got if e["type"] == "response.output_item.done")
    assert item["content"] == [{"type": "audio", "transcript": "You said: Hello"}]


def test_a_conversation_that_fails_is_told_and_the_next_answers(url: str, talking: FakeTalking):
    async def scene(caller: Caller) -> None:
        await caller.write("alpha beta gamma delta epsilon zeta eta theta iota kappa " * 6)
        await caller.until("response.output_audio.delta")
        talking.made[-1].fail = ZeroDivisionError("ours")
        done = await caller.until("response.done")
        assert done["response"]["status"] == "failed"
        assert caller.all("error")[0]["error"]["type"] == "server_error"
        await caller.write("again")
        assert (await caller.until("response.done", 2))["response"]["status"] == "completed"

    call(url, scene)


def test_who_is_gone_leaves_no_session_connected(url: str):
    async def scene(caller: Caller) -> None:
        await caller.write("alpha beta gamma delta epsilon zeta eta theta iota kappa")
        await caller.until("response.output_audio.delta")

    call(url, scene)
    wait_for_no_sessions(url)


def test_a_flood_of_events_ends_the_connection(tmp_path_factory: pytest.TempPathFactory):
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")), max_messages_s=5)

    async def scene(caller: Caller) -> None:
        for _ in range(30):
            await caller.connection.input_audio_buffer.clear()
        while True:
            await caller.until("error")
            caller.got.clear()

    with serving_app(settings, talking=FakeTalking()) as (url, _):
        with pytest.raises(Exception, match="5 events a second") as caught:
            call(url, scene)
        assert "1008" in str(caught.value)


def test_the_key_is_the_servers_token(tmp_path_factory: pytest.TempPathFactory):
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")), token="secret")
    with serving_app(settings, talking=FakeTalking()) as (url, _):

        async def scene(caller: Caller) -> None:
            await caller.write("Hello")
            await caller.until("response.done")

        call(url, scene, key="secret")
        with pytest.raises(Exception, match="403"):
            call(url, scene, key="wrong")


def test_without_conversations_a_client_is_told_why(tmp_path_factory: pytest.TempPathFactory):
    settings = ServerSettings(port=0, takes=str(tmp_path_factory.mktemp("takes")))

    async def run(url: str) -> dict[str, Any]:
        client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x")
        async with client.realtime.connect(model="rhapsode") as connection:
            event: dict[str, Any] = (await connection.recv()).to_dict()
            return event

    with serving_app(settings) as (url, _):
        event = asyncio.run(run(url))
    assert (event["type"], "without conversations" in event["error"]["message"]) == ("error", True)
