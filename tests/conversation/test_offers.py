"""Tools of whoever asks, answers without a question, and questions that wait for somebody's word."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rhapsode.conversation.events import Answered, Asked, Called, Heard, SpeakingStarted, StateChanged
from rhapsode.dialogue.turns import Call, Offer, Question, Say, Source, Tool, Turn
from rhapsode.errors import InputError
from tests.conversation.fake import FakeResources, FakeThinker, Scene, converse, tone

LAMP = Offer((Tool("lamp", "Turn a lamp on."),))


def test_a_call_is_told_and_its_result_answered():
    async def story(scene: Scene) -> None:
        scene.talk.tools = LAMP
        scene.thought.pieces = [Source("model"), Say("One moment."), Call("c1", "lamp", "{}")]
        turn = scene.talk.ask("Light?")
        await scene.until(lambda: bool(scene.told(Answered)))
        assert scene.told(Called) == [Called(turn, "c1", "lamp", "{}")]
        assert scene.when(Called) < scene.when(SpeakingStarted)
        done = Turn("assistant", "", calls=(Call("c1", "lamp", "{}", "on"),))
        scene.talk.rewrite((*scene.talk.history, done))
        scene.thought.pieces = [Source("model"), Say("It is on.")]
        assert scene.talk.go_on() == turn + 1
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    (scene,) = converse(story)
    (asked, _), (again, history) = scene.thought.asked
    assert (asked.text, asked.offer) == ("Light?", LAMP)
    assert (again.text, again.language, again.offer) == ("", "en", LAMP)
    assert [turn.text for turn in history] == ["Light?", "One moment.", ""]
    assert [turn.text for turn in scene.talk.history] == ["Light?", "One moment.", "", "It is on."]
    assert len(scene.told(Asked)) == 1


def test_an_answer_may_be_a_call_alone():
    async def story(scene: Scene) -> None:
        scene.thought.pieces = [Source("model"), Call("c1", "lamp", "{}")]
        scene.talk.ask("Light?")
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    (answered,) = scene.told(Answered)
    assert (answered.text, answered.meant, answered.interrupted) == ("", "", False)
    assert [event.state for event in scene.told(StateChanged)] == ["thinking", "idle"]
    assert scene.talk.history == (Turn("user", "Light?"),)


class Greeter(FakeThinker):
    def greet(self, language: str = "") -> tuple[Source, Say]:
        return Source("script", "greeting"), Say(f"Welcome to {language}.")


def test_a_script_greets_who_has_said_nothing():
    async def story(scene: Scene) -> None:
        scene.talk.go_on(language="en")
        await scene.until(lambda: bool(scene.told(Answered)))

    resources = FakeResources()
    resources.thought = Greeter()
    (scene,) = converse(story, resources=resources)
    assert scene.told(Answered)[0].text == "Welcome to en."
    assert scene.thought.asked == []


def test_silence_that_is_held_is_told_too():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        scene.talk.end_turn()
        await scene.hear(tone(0, 0.5))
        assert scene.told(Heard) == []
        scene.talk.holds = True
        scene.talk.end_turn()
        await scene.until(lambda: bool(scene.told(Heard)))
        assert scene.told(Heard)[0].text == ""

    converse(story)


def test_what_is_held_is_answered_when_somebody_says_so():
    async def story(scene: Scene) -> None:
        scene.talk.holds = True
        scene.talk.listen(16_000)
        await scene.hear(tone(0, 0.5), tone(1, 0.8), tone(0, 1.5))
        await scene.until(lambda: bool(scene.told(Heard)))
        assert scene.talk.state == "idle"
        await asyncio.sleep(2)
        assert scene.told(Asked, Answered) == []
        (heard,) = scene.told(Heard)
        question = Question(heard.text, heard.language, heard.certainty, heard.emotion, 0.7)
        with pytest.raises(InputError, match="must hold words"):
            scene.talk.answer(replace(question, text=" "))
        scene.talk.answer(question)
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story)
    (asked,) = scene.told(Asked)
    assert (asked.text, asked.spoken, asked.certainty, asked.emotion_certainty) == (
        "what time",
        True,
        0.9,
        0.7,
    )
    assert asked.emotion is not None
