"""Azure's voice with its face: in pipelines of others, in a conversation, and as from a file."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import InterruptionFrame, TTSSpeakFrame, TTSTextFrame

from rhapsode.conversation.events import Answered, Felt, SpeakingStarted
from rhapsode.errors import SettingError
from rhapsode.formats import azure, azure_visemes
from rhapsode.performance import CURVE_HZ, Curves, Float32
from rhapsode.pipecat import FaceCurvesFrame
from rhapsode.pipecat.frames import VoiceFrame
from rhapsode.pipecat.services import make_service
from rhapsode.settings import Settings, Speak, Think
from tests.conversation.fake import Scene, converse
from tests.pipecat import azure_sdk
from tests.pipecat.agent import Agent, Ear, Loudspeaker, act, face
from tests.pipecat.faces import TEXT, Still, at_once, first_sound, say, shown, spoken, worst
from tests.pipecat.fake_services import Model

NAME = "pipecat:azure.tts:AzureTTSService"
MOUTH = ("jawOpen", "mouthPucker", "mouthFunnel", "mouthStretchLeft", "mouthRollLower")


@pytest.fixture(autouse=True)
def sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[azure_sdk.SpeechSynthesizer]]:
    monkeypatch.setenv("AZURE_SPEECH_API_KEY", "secret")
    monkeypatch.setattr(asyncio, "to_thread", at_once)
    with azure_sdk.installed() as synthesizer:
        yield synthesizer


def voice(**options: Any) -> Any:
    return make_service(NAME, {"region": "west", **options}, role="speak")


def from_file(path: Path, events: list[dict[str, Any]], *, animated: bool) -> Curves:
    path.write_text(json.dumps(events), "utf-8")
    read = azure.read(path) if animated else azure_visemes.read(path)
    return read.face.resample(Fraction(CURVE_HZ))


def test_a_name_of_pipecat_gives_the_voice_with_its_face():
    assert type(voice()).__name__ == "AzureFaceTTSService"
    with pytest.raises(SettingError, match="face must be 'visemes' or 'blendshapes', got 'mime'"):
        voice(face="mime")


def test_visemes_come_with_their_sound_and_words(sdk: type[azure_sdk.SpeechSynthesizer]):
    ear = spoken(voice)
    frames = ear.all(VoiceFrame)
    assert "FacialExpression" not in sdk.last.asked[0]
    assert " ".join(frame.text.strip() for frame in frames if frame.text) == TEXT
    begins = np.cumsum([0.0, *(len(frame.audio) / 48_000 for frame in frames[:-1])])
    timed = [
        (w.text, begin + w.start_s) for f, begin in zip(frames, begins, strict=True) for w in f.words.words
    ]
    assert [text for text, _ in timed if text.isalpha()] == ["Good", "morning", "my", "old", "friend"]
    assert timed[1][1] == pytest.approx(azure_sdk.LEAD_S + azure_sdk.WORD_S, abs=0.21)
    assert b"".join(frame.audio for frame in frames) == azure_sdk.sound(TEXT).tobytes()
    assert [f.text for f in ear.all(TTSTextFrame)] == ["Good", "morning,", "my", "old", "friend."]


def test_visemes_live_are_those_of_a_file(tmp_path: Path):
    frames = spoken(voice).all(VoiceFrame)
    live = shown(frames)
    filed = from_file(tmp_path / "a.json", azure_sdk.visemes(TEXT), animated=False)
    assert worst(live, filed, MOUTH) < 0.005
    assert filed["jawOpen"].max() > 0.3
    later = [{**event, "audio_offset": event["audio_offset"] + 90_000} for event in azure_sdk.visemes(TEXT)]
    # Rows 10 ms apart read between them: 0.02 measured.
    assert (
        worst(shown(frames, late_s=0.009), from_file(tmp_path / "b.json", later, animated=False), MOUTH)
        < 0.06
    )


def test_blendshapes_live_are_those_of_a_file(sdk: type[azure_sdk.SpeechSynthesizer], tmp_path: Path):
    live = shown(spoken(partial(voice, face="blendshapes")).all(VoiceFrame))
    assert sdk.last.asked[0].count("<mstts:viseme type='FacialExpression'/>") == 1
    filed = from_file(tmp_path / "a.json", azure_sdk.visemes(TEXT, animated=True), animated=True)
    names = ("jawOpen", "mouthClose", "browInnerUp", "cheekPuff", "eyeBlinkLeft", "tongueOut", "headRoll")
    assert worst(live, filed, names) < 0.005  # 60 Hz read at times of 50 Hz by straight lines, as a file is
    assert filed["jawOpen"].max() > 0.8


def test_a_voice_without_blendshapes_gives_its_visemes(sdk: type[azure_sdk.SpeechSynthesizer]):
    sdk.animates = False
    frames = spoken(partial(voice, face="blendshapes")).all(VoiceFrame)
    assert any(getattr(frame.words, "face", None) is not None for frame in frames[1:])


def test_sound_waits_for_visemes_no_longer_than_is_good(sdk: type[azure_sdk.SpeechSynthesizer]):
    soon = first_sound(spoken(voice))
    sdk.late_s = 0.05
    late = first_sound(spoken(voice))
    sdk.late_s = 1.0
    too_late = first_sound(spoken(voice))
    assert late - soon == pytest.approx(0.03, abs=0.011)  # they come 30 ms behind the first sound
    assert too_late - soon == pytest.approx(0.15, abs=0.011)
    sdk.late_s, sdk.silent = 0.0, True
    never = spoken(voice)
    assert first_sound(never) - soon == pytest.approx(0.15, abs=0.011)
    sounding = sum(len(frame.audio) for frame in never.all(VoiceFrame))
    assert sounding == len(azure_sdk.sound(TEXT).tobytes())
    assert "".join(f.text for f in never.all(VoiceFrame)) == TEXT


def test_a_voice_that_never_tells_a_face_is_not_waited_for_again(sdk: type[azure_sdk.SpeechSynthesizer]):
    sdk.silent = True

    ear, begun = Ear(), []

    async def story(agent: Agent) -> None:
        await say(agent)
        ear.seen.clear()
        begun.append(agent.now())
        await say(agent)

    act(lambda: [voice(), ear], story)
    assert first_sound(ear) - begun[0] == pytest.approx(2 * azure_sdk.EVERY_S, abs=0.011)


def test_the_mouth_of_a_foreign_agent_is_the_vendors():
    agent = act(
        lambda: [voice(face="blendshapes"), face(Still()), Loudspeaker()], lambda a: say(a, seconds=3.0)
    )
    wanted = azure_sdk.blendshapes(2.3)
    jaw = np.array([f["jawOpen"] for f in agent.ear.all(FaceCurvesFrame)])
    assert jaw.max() == pytest.approx(wanted[:, 17].max(), abs=0.03)
    assert np.abs(np.diff(jaw)).max() < 0.25


def test_an_interruption_drops_sound_and_face(sdk: type[azure_sdk.SpeechSynthesizer]):
    async def story(agent: Agent) -> None:
        await agent.put(TTSSpeakFrame(TEXT))
        await asyncio.sleep(0.8)
        await agent.put(InterruptionFrame())
        await asyncio.sleep(0.15)
        agent.ear.seen.clear()
        await asyncio.sleep(1.5)

    agent = act(lambda: [voice(face="blendshapes"), face(Still()), Loudspeaker()], story)
    assert sdk.last.stopped == 1
    assert max(f["jawOpen"] for f in agent.ear.all(FaceCurvesFrame)[2:]) < 0.05


def test_a_conversation_knows_what_was_heard_and_marks_stay_at_their_words():
    async def story(scene: Scene) -> None:
        scene.talk.ask("go")
        await scene.until(lambda: bool(scene.told(Answered)))
        scene.talk.ask("go")
        await scene.until(lambda: len(scene.told(SpeakingStarted)) == 2)
        begun = scene.when(SpeakingStarted)
        await scene.until(lambda: scene.now() - begun > azure_sdk.LEAD_S + 2.7 * azure_sdk.WORD_S)
        scene.talk.interrupt()

    settings = Settings(
        think=Think(kind="model", model="pipecat:tests.pipecat.test_azure:Marked"),
        speak=Speak(voice=NAME, options={"region": "west", "face": "blendshapes"}),
    )
    (scene,) = converse(story, settings=settings)
    whole, cut = scene.told(Answered)
    assert (whole.text, whole.interrupted) == ("One two three four. Five six.", False)
    assert (cut.text, cut.interrupted) == ("One two three", True)
    begun = scene.when(SpeakingStarted, 0)
    felt = [(at - begun, event) for at, event in scene.events if isinstance(event, Felt)][:3]
    assert [event.gesture or sorted(event.emotion or {}) for _, event in felt] == [["joy"], "nod", "shrug"]
    nods = azure_sdk.LEAD_S + 2 * azure_sdk.WORD_S
    assert [at for at, _ in felt] == pytest.approx([0.0, nods, 3.0], abs=0.25)


class Marked(Model):
    """Answers with marks."""

    texts = ("[joy] One two [nod] three four. ", "Five six. [shrug]")


def test_curves_of_the_voice_are_float32_and_within_the_face():
    for frame in spoken(partial(voice, face="blendshapes")).all(VoiceFrame):
        if (given := getattr(frame.words, "face", None)) is not None:
            held: Float32 = given.values
            assert held.dtype == np.float32
            assert held.shape[1] == len(given.names)
