"""Marks in the text of thoughts reach the face of an agent of any making, at their words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import (
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor

from rhapsode.conversation.events import Answered, Felt, SpeakingStarted
from rhapsode.dialogue.marks import Gesture
from rhapsode.dialogue.turns import Say, Source
from rhapsode.pipecat import FaceCurvesFrame, Marking, ThinkerService, VoiceService
from rhapsode.pipecat.frames import MarkFrame, VoiceFrame
from rhapsode.pipecat.services import make_service
from rhapsode.rigs import FACE
from rhapsode.settings import Settings, Speak, Think
from tests.conversation.fake import RATE, WORD_S, FakeThinker, Scene, converse, fake_voice
from tests.live.fake import FakeEngine
from tests.pipecat.agent import Agent, Ear, Loudspeaker, act, face
from tests.pipecat.faces import at_once
from tests.pipecat.fake_services import Model

SAID = ("[joy:0.8] We open ", "at ten. Come [no", "d] soon. [shrug]")
SMILE = FACE.index("mouthSmileLeft")


@pytest.fixture(autouse=True)
def threads_have_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "to_thread", at_once)


def thinking() -> ThinkerService:
    thinker = FakeThinker()
    thinker.pieces = [Source("script", "hours"), *(Say(text) for text in SAID)]
    return ThinkerService(thinker=thinker, language="en")


async def ask(agent: Agent) -> None:
    await agent.put(LLMContextFrame(LLMContext([{"role": "user", "content": "when?"}])))
    await asyncio.sleep(6 * WORD_S + 6.0)


async def say(agent: Agent) -> None:
    await agent.put(LLMFullResponseStartFrame(), *(LLMTextFrame(t) for t in SAID), LLMFullResponseEndFrame())
    await asyncio.sleep(6 * WORD_S + 6.0)


def happenings(frames: Sequence[Any]) -> list[tuple[str, float]]:
    """Return what happens, and when in the sound."""
    made, at = [], 0.0
    for frame in frames:
        for cue in frame.cues:
            name = cue.mark.name if isinstance(cue.mark, Gesture) else "feel"
            made.append((name, round(at + cue.at, 2)))
        at += len(frame.audio) / 2 / frame.sample_rate
    return made


CHAINS: dict[str, tuple[Callable[[], list[FrameProcessor]], Callable[[Agent], Any]]] = {
    "our thoughts": (lambda: [thinking()], ask),
    "any model and Marking": (lambda: [Marking()], say),
    "any model alone": (list, say),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_marks_stand_at_their_words_in_what_our_voice_says(chain: str):
    before, story = CHAINS[chain]
    ear = Ear()
    act(lambda: [*before(), VoiceService(speaks=fake_voice), ear], story)
    frames = ear.all(VoiceFrame)
    assert " ".join(frame.text for frame in frames).split() == ["We", "open", "at", "ten.", "Come", "soon."]
    assert happenings(frames) == [("feel", 0.0), ("nod", 5 * WORD_S), ("shrug", 6 * WORD_S)] or (
        # a mark behind the last word comes by itself
        happenings(frames) == [("feel", 0.0), ("nod", 5 * WORD_S)]
        and [frame.mark for frame in ear.all(MarkFrame)] == [Gesture("shrug")]
    )


@pytest.mark.parametrize("chain", CHAINS)
def test_the_face_of_a_foreign_agent_feels_and_nods(chain: str):
    before, story = CHAINS[chain]
    made: list[Any] = []

    def parts() -> list[FrameProcessor]:
        made.append(face(FakeEngine()))
        return [*before(), VoiceService(speaks=fake_voice), made[0], Loudspeaker()]

    agent = act(parts, story)
    shown = [(at, frame) for at, frame in agent.ear.seen if isinstance(frame, FaceCurvesFrame)]
    begun = next(at for at, frame in agent.ear.seen if isinstance(frame, TTSAudioRawFrame))
    smiling = [at for at, frame in shown if frame.values[SMILE] > 0.5]
    assert smiling[0] - begun == pytest.approx(0.0, abs=0.15)
    pitch = np.array([(at - begun, frame["headPitch"]) for at, frame in shown])
    speaking = np.abs(pitch[:, 1]) * (pitch[:, 0] < 4.9 * WORD_S)
    nodding = np.abs(pitch[:, 1]) * (pitch[:, 0] > 5.0 * WORD_S)
    assert nodding.max() > 3 * speaking.max() + 0.02
    assert shown[-1][1].values[SMILE] < 0.1, "feelings end with the answer"


def test_a_pause_is_silent_and_a_feeling_colours_the_voice():
    manners: list[Any] = []

    def voice(text: str, language: str, manner: Any) -> Any:
        manners.append(manner.emotion)
        return fake_voice(text, language, manner)

    async def story(agent: Agent) -> None:
        await agent.put(TTSSpeakFrame("One. [pause 0.5] [joy] Two."))
        await asyncio.sleep(2.0)

    ear = Ear()
    act(lambda: [VoiceService(speaks=voice), ear], story)
    y = np.concatenate([np.frombuffer(f.audio, np.int16) for f in ear.all(VoiceFrame)])
    silent = np.abs(y[: len(y) // 240 * 240]).reshape(-1, 240).max(axis=1) == 0
    assert silent.sum() * 240 / RATE == pytest.approx(0.5, abs=0.03)
    assert [bool(feeling) for feeling in manners] == [False, True]


class Marked(Model):
    """Answers with marks."""

    texts = ("[joy] One two. ", "[nod] Three four.", " [shrug]")


def test_marks_of_a_conversation_stay_with_their_sentence_in_any_vendors_voice(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TESTS_API_KEY", "secret")

    async def story(scene: Scene) -> None:
        scene.talk.ask("go")
        await scene.until(lambda: bool(scene.told(Answered)))

    settings = Settings(
        think=Think(kind="model", model=f"pipecat:{__name__}:Marked"),
        speak=Speak(voice="pipecat:tests.pipecat.vendor:VendorTTSService"),
    )
    (scene,) = converse(story, settings=settings)
    begun = scene.when(SpeakingStarted)
    felt = [(event.gesture or "feel", at - begun) for at, event in scene.events if isinstance(event, Felt)]
    assert [name for name, _ in felt] == ["feel", "nod", "shrug"]
    assert [at for _, at in felt] == pytest.approx([0.0, 0.8, 1.9], abs=0.12)  # a letter takes 0.1 s
    assert scene.told(Answered)[0].text == "One two. Three four."


def test_text_without_marks_goes_to_a_vendors_voice_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TESTS_API_KEY", "secret")
    voice = make_service("tests.pipecat.vendor:VendorTTSService", {}, role="speak")

    async def lengths(*texts: str) -> list[list[int]]:
        return [[len(frame.audio) // 3200 async for frame in voice.run_tts(text, "a")] for text in texts]

    async def kinds(text: str) -> list[str]:
        return [type(frame).__name__ async for frame in voice.run_tts(text, "a")]

    async def story() -> None:
        assert await lengths(" Hello", " , ", "你好。") == [[6], [3], [3]]
        assert await kinds("[nod] Yes. [joy]") == ["MarkFrame", "TTSAudioRawFrame", "MarkFrame"]
        assert await kinds("[nod]") == ["MarkFrame"]

    asyncio.run(story())


def test_a_name_of_pipecat_stays_what_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TESTS_API_KEY", "secret")
    made = make_service("tests.pipecat.vendor:VendorTTSService", {}, role="speak")
    assert type(made).__name__ == "VendorTTSService"
