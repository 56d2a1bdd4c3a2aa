"""Polly's voice with its face, without Amazon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import ErrorFrame, TTSTextFrame

from rhapsode.conversation.events import Answered, SpeakingStarted
from rhapsode.formats import polly
from rhapsode.pipecat.frames import VoiceFrame
from rhapsode.pipecat.services import make_service
from rhapsode.settings import Settings, Speak
from tests.conversation.fake import Scene, converse
from tests.pipecat import polly_service
from tests.pipecat.agent import Agent, Ear, act
from tests.pipecat.faces import TEXT, at_once, first_sound, say, shown, spoken, worst

NAME = "pipecat:aws.tts:AWSPollyTTSService"
MOUTH = ("jawOpen", "mouthPucker", "mouthFunnel", "mouthStretchLeft", "mouthRollLower")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[polly_service.Client]]:
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    with polly_service.installed() as client:
        yield client


def voice() -> Any:
    return make_service(
        NAME, {"region": "eu-west-1", "settings": {"voice": "Amy", "engine": "neural"}}, role="speak"
    )


def filed(tmp_path: Path, *, later_ms: int = 0) -> Any:
    (tmp_path / "a.marks").write_text(polly_service.marks(TEXT, later_ms=later_ms), "utf-8")
    return polly.read(tmp_path / "a.marks").face


def test_marks_come_with_the_sound(client: type[polly_service.Client]):
    ear = spoken(voice)
    assert type(voice()).__name__ == "PollyFaceTTSService"
    frames = ear.all(VoiceFrame)
    assert sorted(asked["OutputFormat"] for asked in client.asked) == ["json", "pcm"]
    assert {(asked["VoiceId"], asked["Engine"]) for asked in client.asked} == {("Amy", "neural")}
    assert " ".join(frame.text.strip() for frame in frames if frame.text) == TEXT
    said = ear.all(TTSTextFrame)
    assert [frame.text for frame in said] == ["Good", "morning,", "my", "old", "friend."]
    assert np.diff([frame.pts / 1e9 for frame in said]) == pytest.approx([0.4] * 4, abs=0.01)
    seconds = len(polly_service.sound(TEXT)) / 2 / polly_service.RATE
    assert sum(len(frame.audio) for frame in frames) / 48_000 == pytest.approx(seconds, abs=0.001)


def test_marks_live_are_those_of_a_file(client: type[polly_service.Client], tmp_path: Path):
    frames = spoken(voice).all(VoiceFrame)
    assert worst(shown(frames), filed(tmp_path), MOUTH) < 0.005
    # Rows 10 ms apart read between them: 0.03 measured.
    assert worst(shown(frames, late_s=0.009), filed(tmp_path, later_ms=9), MOUTH) < 0.06


def test_the_first_sound_waits_for_marks_no_longer_than_is_good(client: type[polly_service.Client]):
    soon = first_sound(spoken(voice))
    assert soon == pytest.approx(client.sound_s, abs=0.01)
    client.marks_s = 0.2
    assert first_sound(spoken(voice)) == pytest.approx(0.2, abs=0.01)
    client.marks_s = 3.0
    late = spoken(voice)
    assert first_sound(late) == pytest.approx(client.sound_s + 0.3, abs=0.02)
    assert "".join(frame.text for frame in late.all(VoiceFrame)) == TEXT


def test_an_engine_without_marks_speaks_and_is_not_asked_for_them_again(client: type[polly_service.Client]):
    client.refuses = staticmethod(lambda asked: asked["OutputFormat"] == "json")  # type: ignore[assignment]
    ear = Ear()

    async def story(agent: Agent) -> None:
        await say(agent)
        await say(agent)

    act(lambda: [voice(), ear], story)
    assert [asked["OutputFormat"] for asked in client.asked].count("json") == 1
    assert "".join(frame.text for frame in ear.all(VoiceFrame)) == TEXT * 2
    assert not ear.all(ErrorFrame)


def test_a_voice_that_is_refused_is_an_error_of_the_pipeline(client: type[polly_service.Client]):
    client.refuses = staticmethod(lambda asked: True)  # type: ignore[assignment]
    ear = Ear()
    act(lambda: [ear, voice()], say)
    assert "AWS Polly TTS error" in ear.all(ErrorFrame)[0].error


def test_a_conversation_knows_what_was_heard(client: type[polly_service.Client]):
    async def story(scene: Scene) -> None:
        scene.talk.ask("what now")
        await scene.until(lambda: bool(scene.told(SpeakingStarted)))
        begun = scene.when(SpeakingStarted)
        await scene.until(lambda: scene.now() - begun > polly_service.LEAD_S + 2.7 * polly_service.WORD_S)
        scene.talk.interrupt()
        await scene.until(lambda: bool(scene.told(Answered)))

    settings = Settings(speak=Speak(voice=NAME, options={"region": "eu-west-1"}))
    (scene,) = converse(story, settings=settings)
    (answered,) = scene.told(Answered)
    assert (answered.text, answered.interrupted) == ("You asked what", True)


@pytest.mark.slow
def test_amazons_own_package_against_a_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("aiobotocore", reason="Amazon's package is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with polly_service.served() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_POLLY", address)
        frames = spoken(voice, real=True, seconds=2.5).all(VoiceFrame)
    assert "".join(frame.text for frame in frames) == TEXT
    assert worst(shown(frames), filed(tmp_path), MOUTH) < 0.005
