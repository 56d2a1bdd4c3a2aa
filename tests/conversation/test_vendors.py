"""Services of Pipecat in the place of our own ears, thoughts and voice."""

from __future__ import annotations

import pytest

from rhapsode.conversation.events import Answered, Answering, Asked, Fault, Felt, SpeakingStarted
from rhapsode.dialogue.turns import Turn
from rhapsode.errors import SettingError
from rhapsode.pipecat.services import make_service
from rhapsode.settings import Hear, Settings, Speak, Think
from tests.conversation.fake import Scene, converse, tone

OURS = "pipecat:tests.pipecat.fake_services"
SILENCE = tone(0, 1.5)


def test_ears_thoughts_and_voice_of_a_vendor_make_a_conversation():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.8), SILENCE)
        await scene.until(lambda: bool(scene.told(Answered)))

    settings = Settings(
        hear=Hear(recogniser=f"{OURS}:Ears"),
        think=Think(kind="model", model=f"{OURS}:Model", persona="You are kind."),
        speak=Speak(voice=f"{OURS}:Voice"),
    )
    (scene,) = converse(story, settings=settings)
    assert [asked.text for asked in scene.told(Asked)] == ["what a day"]
    assert scene.told(Answering)[0].kind == "model"
    (answered,) = scene.told(Answered)
    assert answered.text == "You said what a day. That makes 2."
    assert [felt.emotion and felt.emotion["joy"] for felt in scene.told(Felt)] == [0.7]
    assert scene.when(Answered) - scene.when(SpeakingStarted) == pytest.approx(3.4, abs=0.1)
    assert scene.talk.history[0] == Turn("user", "what a day", "en")


def test_a_vendors_voice_is_interrupted_and_what_was_heard_is_kept():
    async def story(scene: Scene) -> None:
        scene.talk.ask("tell me")
        await scene.until(lambda: scene.talk.state == "speaking")
        await scene.until(lambda: scene.now() - scene.when(SpeakingStarted) > 1.2)
        scene.talk.interrupt()

    settings = Settings(think=Think(kind="model", model=f"{OURS}:Model"), speak=Speak(voice=f"{OURS}:Voice"))
    (scene,) = converse(story, settings=settings)
    (answered,) = scene.told(Answered)
    assert answered.interrupted
    assert answered.text == "You said"


def test_a_vendors_model_that_is_down_is_stood_in_for():
    async def story(scene: Scene) -> None:
        scene.talk.ask("break")
        await scene.until(lambda: bool(scene.told(Answered)))
        scene.talk.ask("hello")
        await scene.until(lambda: len(scene.told(Answered)) == 2)

    settings = Settings(think=Think(kind="model", model=f"{OURS}:Model"))
    (scene,) = converse(story, settings=settings)
    assert scene.told(Fault)[0] == Fault("think", "the vendor is down")
    first, second = scene.told(Answered)
    assert "sorry" in first.text.lower()
    assert second.text.startswith("You said hello")


def test_a_vendors_recogniser_that_says_nothing_ends_the_turn():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await scene.hear(tone(1, 0.8), SILENCE, SILENCE)
        await scene.until(lambda: scene.talk.state == "idle")

    hear = Hear(recogniser=f"{OURS}:Ears", options={"text": ""})
    (scene,) = converse(story, settings=Settings(hear=hear))
    assert not scene.told(Asked)


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("pipecat:Nothing", {}, "must read pipecat:module:Class"),
        ("pipecat:no.such.module:Class", {}, "names no module"),
        (f"{OURS}:Nobody", {}, "has no 'Nobody'"),
        (f"{OURS}:Ears", {"volume": 3}, "does not take its options"),
        (f"{OURS}:Ears", {"text": "$NO_SUCH_VARIABLE"}, "variable NO_SUCH_VARIABLE"),
    ],
)
def test_a_service_that_cannot_be_made_says_why(name: str, options: dict[str, object], problem: str):
    with pytest.raises(SettingError, match=problem):
        make_service(name, options)


def test_our_own_part_does_the_work_of_a_service_that_cannot_be_made():
    async def story(scene: Scene) -> None:
        scene.talk.ask("first")
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story, settings=Settings(speak=Speak(voice=f"{OURS}:Nobody")))
    assert "Nobody" in scene.told(Fault)[0].message
    assert scene.told(Answered)[0].text.startswith("You asked")


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RHAPSODE_TEST_TEXT", "from outside")
    assert make_service(f"{OURS}:Ears", {"text": "$RHAPSODE_TEST_TEXT"})._text == "from outside"
