"""Services of Pipecat in the place of our own ears, thoughts and voice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rhapsode.conversation.events import Answered, Answering, Asked, Fault, Felt, SpeakingStarted
from rhapsode.dialogue.turns import Turn
from rhapsode.errors import SettingError
from rhapsode.formats import azure, polly
from rhapsode.live.items import BeginItem, CurvesItem
from rhapsode.pipecat.services import make_service
from rhapsode.settings import Hear, Settings, Speak, Think
from rhapsode.settings.load import load
from tests.conversation import fake
from tests.conversation.fake import Scene, converse, tone
from tests.live.fake import JAW
from tests.pipecat import azure_sdk, polly_service
from tests.pipecat.faces import Still, at_once

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


AZURE = """
[speak]
voice = "pipecat:azure.tts:AzureTTSService"
[speak.options]
region = "westeurope"
face = "blendshapes"
settings = { voice = "en-US-JennyNeural" }
"""

POLLY = """
[speak]
voice = "pipecat:aws.tts:AWSPollyTTSService"
[speak.options]
region = "eu-west-1"
settings = { voice = "Amy", engine = "neural" }
"""


@pytest.mark.parametrize(("text", "vendor"), [(AZURE, azure_sdk), (POLLY, polly_service)])
def test_the_face_of_a_vendor_named_in_a_file_is_that_of_the_conversation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, vendor: ModuleType
):
    monkeypatch.setenv("AZURE_SPEECH_API_KEY", "secret")
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    monkeypatch.setattr(fake, "FakeEngine", Still)
    (tmp_path / "settings.toml").write_text(text, "utf-8")

    async def story(scene: Scene) -> None:
        scene.talk.say("We open at ten.")
        await scene.until(lambda: bool(scene.told(Answered)))
        assert not scene.told(Fault)

    with vendor.installed():
        (scene,) = converse(story, settings=load(tmp_path / "settings.toml").settings)
    assert scene.told(Answered)[0].text == "We open at ten."
    begin = next(item.start for _, item in scene.items if isinstance(item, BeginItem))
    curves = [item for _, item in scene.items if isinstance(item, CurvesItem)]
    samples = np.concatenate([item.start + 320 * np.arange(len(item.values)) for item in curves])
    now = (samples - begin) / 16_000
    part = (now > 0.1) & (now < 1.6)
    jaw, now = np.concatenate([item.values[:, JAW] for item in curves])[part], now[part]
    if vendor is azure_sdk:
        wanted = azure_sdk.blendshapes(2.0)[:, azure.CHANNELS.index("jawOpen")]
        np.testing.assert_allclose(jaw, np.interp(now, np.arange(120) / 60, wanted), atol=0.01)
    else:
        (tmp_path / "a.marks").write_text(polly_service.marks("We open at ten."), "utf-8")
        filed = polly.read(tmp_path / "a.marks").face
        np.testing.assert_allclose(jaw, np.interp(now, filed.times_s, filed["jawOpen"]), atol=0.05)
    assert jaw.max() > 0.3
