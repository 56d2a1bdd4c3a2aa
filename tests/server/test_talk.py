"""Conversations over the stage's protocol, in virtual time, with a conversation that echoes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rhapsode.conversation.events import Asked, Latency, SpeechStarted
from rhapsode.errors import SettingError
from rhapsode.face.emotion import Emotion
from rhapsode.server.talk_events import Ring, data_of, name_of
from rhapsode.server.talking import Talking
from rhapsode.settings import Hear, Settings, Think
from tests.server.fake_conversation import FakeTalking
from tests.server.house import House, Wire, at_home, now, tone

ASK = {"type": "ask", "text": "where is the cafe"}
TALK_MIC = {"type": "mic", "on": True, "sample_rate": 16_000, "to": "talk"}


def told(wire: Wire, event: str) -> list[dict[str, Any]]:
    return [one for one in wire.told("talk") if one["event"] == event]


async def speak_into(wire: Wire, seconds: float, level: float = 0.3) -> None:
    for _ in range(round(seconds / 0.02)):
        wire.hear(tone(0.02, level))
        await asyncio.sleep(0.02)


def test_events_become_json_that_names_them():
    asked = Asked(1, "Hi", "en", 0.97312, True, Emotion(joy=0.4), 0.5)
    assert name_of(asked) == "asked"
    assert data_of(asked, 0.0) == {
        "turn": 1,
        "text": "Hi",
        "language": "en",
        "certainty": 0.973,
        "spoken": True,
        "emotion": "joy:0.4",
        "emotion_certainty": 0.5,
    }
    assert (name_of(SpeechStarted(1.0)), data_of(SpeechStarted(1.0), 1.25)) == (
        "speech_started",
        {"ago_ms": 250},
    )
    assert data_of(Latency(1, 840.0, {"think": 3.0}), 0.0)["stages_ms"] == {"think": 3.0}


def test_a_ring_keeps_the_newest_and_tells_what_is_lost():
    ring = Ring(3)
    for k in range(5):
        ring.add("asked", {"turn": k})
    assert [one.id for one in ring.after(0)] == [3, 4, 5]
    assert [one.data["turn"] for one in ring.after(4)] == [4]
    assert ring.after(5) == []


def test_a_written_question_is_answered_and_told_to_all_who_watch(tmp_path: Path):
    async def scene(house: House) -> tuple[Wire, Wire]:
        own = await house.ready()
        looking = await house.ready({"type": "hello", "follow": own.session})
        own.say(ASK)
        await own.until(lambda: told(own, "answered"))
        return own, looking

    own, looking = at_home(scene, tmp_path, talking=FakeTalking())
    talk = own.told("ready")[0]["talk"]
    assert (talk["available"], talk["kind"], talk["script"]) == (True, "script", "museum")
    assert talk["starters"]["en"][0] == "When are you open?"
    assert len(talk["starters"]["zh"]) == 5
    names = [one["event"] for one in own.told("talk") if one["event"] not in ("answer_text", "history")]
    assert names == [
        *("asked", "state_changed", "answering", "state_changed", "speaking_started"),
        *("latency", "answered", "state_changed"),
    ]
    (answer,) = told(own, "answered")
    assert (answer["text"], answer["interrupted"]) == ("You said: where is the cafe", False)
    assert own.told("begin")[0]["text"] == "You said: where is the cafe"
    assert looking.told("talk") == own.told("talk")


def test_a_spoken_question_is_heard_by_the_conversation_and_moves_no_face(tmp_path: Path):
    talking = FakeTalking()

    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(TALK_MIC)
        await wire.until(lambda: talking.made and talking.made[0].rate)
        await speak_into(wire, 1.0)
        await speak_into(wire, 0.6, level=0.0)
        await wire.until(lambda: told(wire, "answered"))
        wire.say({"type": "mic", "on": False})
        await wire.until(lambda: not talking.made[0].rate)
        return wire

    wire = at_home(scene, tmp_path, talking=talking)
    assert told(wire, "asked")[0]["text"] == "speech of 1.0 seconds"
    assert wire.told("listen") == []
    assert wire.told("level")
    assert wire.errors == []


def test_speech_interrupts_and_the_history_holds_what_was_heard(tmp_path: Path):
    talking = FakeTalking()

    async def scene(house: House) -> tuple[Wire, float, Wire]:
        wire = await house.ready()
        wire.say(TALK_MIC, {"type": "ask", "text": "alpha beta gamma delta epsilon zeta eta"})
        await wire.until(lambda: told(wire, "speaking_started"))
        await asyncio.sleep(0.7)
        at = now()
        await speak_into(wire, 0.1)
        await wire.until(lambda: told(wire, "answered"))
        late = next(at for at, one in wire.got if isinstance(one, dict) and one.get("event") == "answered")
        back = await house.ready({"type": "hello", "session": wire.session})
        await back.until(lambda: told(back, "history"))
        return wire, late - at, back

    wire, took, back = at_home(scene, tmp_path, talking=talking)
    assert took < 0.1
    (answer,) = told(wire, "answered")
    assert answer["interrupted"]
    assert answer["text"] == "You said: alpha"
    history = told(back, "history")[-1]
    assert [(row["role"], row["text"], row["interrupted"]) for row in history["turns"]] == [
        ("user", "alpha beta gamma delta epsilon zeta eta", False),
        ("assistant", "You said: alpha", True),
    ]
    assert back.told("ready")[0]["resumed"]


def test_push_to_talk_ends_the_turn_where_the_button_is_let_go(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(TALK_MIC)
        await asyncio.sleep(0.1)
        await speak_into(wire, 0.4)
        wire.say({"type": "end_turn"})
        await wire.until(lambda: told(wire, "asked"))
        return wire

    wire = at_home(scene, tmp_path, talking=FakeTalking())
    assert told(wire, "asked")[0]["text"] == "speech of 0.4 seconds"


def test_forget_empties_the_history_and_stop_silences(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(ASK)
        await wire.until(lambda: told(wire, "speaking_started"))
        wire.say({"type": "stop"})
        await wire.until(lambda: told(wire, "answered"))
        assert (await house.ready({"type": "hello", "session": wire.session})).told("ready")
        before = len(told(wire, "history"))
        wire.say({"type": "forget"})
        await wire.until(lambda: len(told(wire, "history")) > before)
        return wire

    wire = at_home(scene, tmp_path, talking=FakeTalking())
    assert told(wire, "answered")[0]["interrupted"]
    assert told(wire, "history")[-1]["turns"] == []


def test_what_is_asked_while_the_conversation_is_made_is_done_in_order(tmp_path: Path):
    talking = FakeTalking()
    talking.takes_s = 3.0

    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(TALK_MIC, {"type": "say", "text": "one"}, {"type": "say", "text": "two"})
        await speak_into(wire, 1.0)
        wire.say({"type": "ping", "t": 1})
        await wire.until(lambda: wire.told("pong"))
        assert not talking.made
        await wire.until(lambda: len(told(wire, "answered")) == 2)
        return wire

    wire = at_home(scene, tmp_path, talking=talking)
    assert [one["meant"] for one in told(wire, "answered")] == ["one", "two"]
    assert len(talking.made) == 1
    assert talking.made[0].heard_s == pytest.approx(1.0)
    assert wire.errors == []


def test_two_sessions_never_hear_each_other(tmp_path: Path):
    talking = FakeTalking()

    async def scene(house: House) -> tuple[Wire, Wire]:
        one, two = await house.ready(), await house.ready()
        one.say(ASK)
        two.say(TALK_MIC)
        await two.until(lambda: len(talking.made) == 2)
        await speak_into(one, 0.1)
        await one.until(lambda: told(one, "answered"))
        return one, two

    one, two = at_home(scene, tmp_path, talking=talking)
    assert told(two, "asked") == told(two, "answered") == []
    assert talking.made[0].heard_s == talking.made[1].heard_s == 0
    assert "microphone is off" in one.errors[0]


def test_who_is_gone_takes_his_microphone_along_and_finds_the_conversation_again(tmp_path: Path):
    talking = FakeTalking()

    async def scene(house: House) -> tuple[Wire, bool, int]:
        wire = await house.ready()
        wire.say(TALK_MIC, ASK)
        await wire.until(lambda: told(wire, "speaking_started"))
        wire.leave()
        await asyncio.sleep(0.5)
        deaf = not talking.made[0].rate
        back = await house.ready({"type": "hello", "session": wire.session})
        await back.until(lambda: told(back, "answered"))
        back.leave()
        await asyncio.sleep(61)
        return back, deaf, len(house.sessions)

    back, deaf, left = at_home(scene, tmp_path, talking=talking)
    assert deaf
    assert not told(back, "answered")[0]["interrupted"]
    assert left == 0
    assert len(talking.made) == 1


def test_without_a_conversation_texts_are_spoken_and_questions_told_why(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say({"type": "say", "text": "one two"}, ASK)
        await wire.until(lambda: wire.errors and wire.told("end"))
        return wire

    wire = at_home(scene, tmp_path, talking=Talking(off="not here; install it"))
    talk = wire.told("ready")[0]["talk"]
    assert (talk["available"], talk["why"]) == (False, "not here; install it")
    assert wire.errors == ["not here; install it"]


def test_a_conversation_that_cannot_begin_is_tried_again(tmp_path: Path):
    talking = FakeTalking()
    talking.refuse = SettingError("no script 'zoo'; choose museum or bank")

    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(ASK, {"type": "say", "text": "one"})
        await wire.until(lambda: wire.errors and wire.told("begin"))
        talking.refuse = None
        wire.say(ASK)
        await wire.until(lambda: told(wire, "answered"))
        return wire

    wire = at_home(scene, tmp_path, talking=talking)
    assert wire.errors == ["no script 'zoo'; choose museum or bank"]
    assert wire.told("begin")[0]["text"] == "one"


@pytest.mark.parametrize("fault", [ZeroDivisionError("ours"), SettingError("the model went")])
def test_a_conversation_that_fails_is_told_and_made_anew(tmp_path: Path, fault: Exception):
    talking = FakeTalking()

    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(TALK_MIC, ASK)
        await wire.until(lambda: told(wire, "answered"))
        talking.made[0].fail = fault
        await wire.until(lambda: told(wire, "fault"))
        wire.say(ASK)
        await wire.until(lambda: len(told(wire, "answered")) == 2)
        assert talking.made[1].rate == 16_000
        return wire

    wire = at_home(scene, tmp_path, talking=talking)
    assert len(told(wire, "fault")) == 1
    assert ("ZeroDivisionError" in told(wire, "fault")[0]["message"]) == isinstance(fault, ZeroDivisionError)
    assert len(talking.made) == 2
    assert [turn.role for turn in talking.made[1].history] == ["user", "assistant"] * 2


def test_settings_hold_for_conversations_that_run_and_those_to_come(tmp_path: Path):
    talking = FakeTalking()

    async def scene(house: House) -> None:
        wire = await house.ready()
        wire.say(ASK)
        await wire.until(lambda: talking.made)
        talking.apply(Settings(think=Think(kind="both")))
        other = await house.ready()
        other.say(ASK)
        await other.until(lambda: len(talking.made) == 2)
        assert other.told("ready")[0]["talk"]["kind"] == "both"

    at_home(scene, tmp_path, talking=talking)
    assert [made.settings.think.kind for made in talking.made] == ["both", "both"]


def test_two_people_speak_two_languages_at_once(tmp_path: Path):
    talking = FakeTalking()

    async def scene(house: House) -> None:
        one, two = await house.ready(), await house.ready()
        assert one.told("ready")[0]["talk"]["language"] == ""
        one.say({"type": "talk", "language": "zh"})
        for wire, count in ((one, 1), (two, 2)):
            wire.say(ASK)
            await wire.until(lambda count=count: len(talking.made) == count)  # type: ignore[misc]
        two.say({"type": "talk", "language": "ko"})
        await two.until(lambda: talking.made[1].settings.hear.language == "ko")
        talking.apply(Settings(hear=Hear(language="ja", denoise=True)))
        assert [made.settings.hear.language for made in talking.made] == ["zh", "ko"]
        two.say({"type": "talk", "language": "auto"})
        await two.until(lambda: talking.made[1].settings.hear.language == "auto")
        assert talking.made[0].settings.hear.denoise
        one.say({"type": "talk", "language": ""})
        await one.until(lambda: talking.made[0].settings.hear.language == "ja")
        two.say({"type": "talk", "language": "No language"})
        await two.until(lambda: two.errors)
        assert "talk.language" in two.errors[0]

    at_home(scene, tmp_path, talking=talking)


def test_questions_count_among_the_performances_of_a_minute(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(ASK, ASK, ASK)
        await wire.until(lambda: wire.errors)
        return wire

    wire = at_home(scene, tmp_path, talking=FakeTalking(), max_says_minute=2)
    assert "2 performances a minute" in wire.errors[0]


def test_who_only_looks_on_cannot_ask(tmp_path: Path):
    async def scene(house: House) -> Wire:
        own = await house.ready()
        looking = await house.ready({"type": "hello", "follow": own.session})
        looking.say(ASK, {"type": "forget"}, {"type": "end_turn"}, TALK_MIC)
        await looking.until(lambda: len(looking.errors) == 4)
        return looking

    looking = at_home(scene, tmp_path, talking=FakeTalking())
    assert "only looks on and cannot ask for 'ask'" in looking.errors[0]
