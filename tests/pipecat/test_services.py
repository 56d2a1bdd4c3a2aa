"""Services of vendors by name: keys, roles, settings, and what to do where they cannot be had."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any

import pytest
from pipecat.frames.frames import TTSSpeakFrame, TTSTextFrame

from rhapsode.conversation.events import Answered, Fault
from rhapsode.errors import SettingError
from rhapsode.pipecat import FaceCurvesFrame
from rhapsode.pipecat.services import Role, make_service
from rhapsode.settings import Settings, Speak
from tests.conversation.fake import Scene, converse
from tests.live.fake import FakeEngine
from tests.pipecat.agent import Agent, act, face

VENDOR = "tests.pipecat.vendor"
USUAL = "TESTS_API_KEY"


@pytest.mark.parametrize("kind", ["VendorTTSService", "HeirTTSService"])
@pytest.mark.parametrize("prefix", ["", "pipecat:"])
def test_the_key_comes_from_the_usual_variable(monkeypatch: pytest.MonkeyPatch, kind: str, prefix: str):
    monkeypatch.setenv(USUAL, "secret")
    assert make_service(f"{prefix}{VENDOR}:{kind}", {}, role="speak").key == "secret"


def test_the_key_comes_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(USUAL, "wrong")
    monkeypatch.setenv("MY_KEY", "right")
    for options in ({"api_key_env": "MY_KEY"}, {"api_key": "$MY_KEY"}):
        assert make_service(f"{VENDOR}:VendorTTSService", options).key == "right"


def test_a_key_that_may_be_left_out_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(USUAL, raising=False)
    assert make_service(f"{VENDOR}:VendorLLMService", {}, role="think").key is None


def test_a_table_of_settings_becomes_those_of_the_class(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(USUAL, "secret")
    monkeypatch.setenv("MY_REGION", "west")
    options = {"settings": {"voice": "anna", "speed": 1.5}, "region": "$MY_REGION"}
    made = make_service(f"{VENDOR}:VendorTTSService", options)
    assert (made.kept.voice, made.kept.speed, made.region) == ("anna", 1.5, "west")


@pytest.mark.parametrize(
    ("name", "options", "role", "problem"),
    [
        ("VendorTTSService", {}, "speak", f"variable {USUAL}, which is not set"),
        ("VendorTTSService", {"api_key_env": "NO_SUCH"}, "speak", "variable NO_SUCH, which is not set"),
        ("VendorTTSService", {"api_key": "abc"}, "speak", "a key must not stand in settings"),
        ("VendorLLMService", {}, "speak", r"is a language model \(LLM\), where a voice \(TTS\) is wanted"),
        ("VendorLLMService", {"volume": 1}, "think", "does not take its options"),
        ("Nobody", {}, "speak", "its services are: HeirTTSService, VendorTTSService$"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, Any], role: Role, problem: str
):
    monkeypatch.delenv(USUAL, raising=False)
    with pytest.raises(SettingError, match=problem) as told:
        make_service(f"pipecat:{VENDOR}:{name}", options, role=role)
    assert "abc" not in str(told.value)


def test_a_vendor_that_is_not_installed_comes_with_its_pip_line():
    if find_spec("deepgram") is not None:
        pytest.skip("deepgram is installed here")
    with pytest.raises(SettingError, match=r"pip install 'pipecat-ai\[deepgram\]'"):
        make_service("deepgram.stt:DeepgramSTTService", {}, role="hear")


def test_a_voice_on_pipecats_own_base_moves_the_face(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(USUAL, "secret")

    async def story(agent: Agent) -> None:
        await agent.put(TTSSpeakFrame("Hello."))
        await asyncio.sleep(2)

    agent = act(lambda: [make_service(f"{VENDOR}:VendorTTSService", {}), face(FakeEngine())], story)
    assert [f.text for f in agent.ear.all(TTSTextFrame)] == ["Hello."]
    assert max(f["jawOpen"] for f in agent.ear.all(FaceCurvesFrame)) == pytest.approx(0.25, abs=0.04)


def test_a_conversation_refuses_a_model_as_its_voice_and_speaks_with_its_own():
    async def story(scene: Scene) -> None:
        scene.talk.ask("first")
        await scene.until(lambda: bool(scene.told(Answered)))

    (scene,) = converse(story, settings=Settings(speak=Speak(voice=f"pipecat:{VENDOR}:VendorLLMService")))
    assert "where a voice (TTS) is wanted" in scene.told(Fault)[0].message
    assert scene.told(Answered)[0].text.startswith("You asked")
