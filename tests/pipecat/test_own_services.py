"""Our ears, thoughts and voice in the pipeline of others, and a face behind them."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
    TTSTextFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext

from rhapsode.dialogue.turns import Say, Source, Turn
from rhapsode.errors import RecognitionError
from rhapsode.performance import Float32
from rhapsode.pipecat import FaceCurvesFrame, RecogniserService, ThinkerService, VoiceService
from rhapsode.pipecat.frames import VoiceFrame
from rhapsode.speech.recognition import Heard
from tests.conversation.fake import WORD_S, FakeThinker, fake_voice
from tests.live.fake import FakeEngine
from tests.pipecat.agent import Agent, Ear, Loudspeaker, act, face


class Recogniser:
    """Hears how long it was spoken, and how loud."""

    def __init__(self) -> None:
        self.heard: list[Float32] = []

    def transcribe(self, y: Float32, *, language: str, languages: tuple[str, ...]) -> Heard:
        self.heard.append(y)
        if language == "xx":
            raise RecognitionError("language 'xx' is not known; choose another")
        return Heard("guten Tag", "de", 0.9, 0.9)


async def speak_to(agent: Agent) -> None:
    await agent.put(VADUserStartedSpeakingFrame())
    for _ in range(10):
        await agent.put(InputAudioRawFrame(np.full(320, 8000, np.int16).tobytes(), 16_000, 1))
    await asyncio.sleep(0.05)
    await agent.put(VADUserStoppedSpeakingFrame())
    await asyncio.sleep(0.2)


def test_what_a_person_says_becomes_a_transcription():
    recogniser = Recogniser()
    agent = act(lambda: [RecogniserService(recogniser=recogniser)], speak_to, real=True)
    (said,) = agent.ear.all(TranscriptionFrame)
    assert (said.text, said.language, said.finalized) == ("guten Tag", "de", True)
    (y,) = recogniser.heard
    assert np.abs(y).max() == pytest.approx(8000 / 32768, abs=0.01)
    assert len(y) / 16_000 == pytest.approx(0.2 + 0.5, abs=0.01)  # with the silence that Pipecat adds


def test_a_recogniser_that_fails_is_an_error_of_the_pipeline():
    ear = Ear()
    act(lambda: [ear, RecogniserService(recogniser=Recogniser(), language="xx")], speak_to, real=True)
    assert "nothing can be recognised: language 'xx'" in ear.all(ErrorFrame)[0].error


def contexts(*texts: str) -> LLMContextFrame:
    roles = ("user", "assistant")
    messages: list[Any] = [{"role": "system", "content": "Be kind."}]
    messages += [{"role": roles[k % 2], "content": text} for k, text in enumerate(texts)]
    return LLMContextFrame(LLMContext(messages))


def test_a_script_answers_in_the_place_of_a_language_model():
    thinker = FakeThinker()
    thinker.pieces = [Source("script", "hours"), Say("[joy] We op"), Say("en at ten. [no"), Say("d]Come.")]

    async def story(agent: Agent) -> None:
        await agent.put(contexts("hello", "good day", "when do you open?"))
        await asyncio.sleep(0.2)

    agent = act(lambda: [ThinkerService(thinker=thinker, language="en")], story, real=True)
    said = "".join(f.text for f in agent.ear.all(LLMTextFrame))
    assert " ".join(said.split()) == "We open at ten. Come."
    kinds = [type(f) for _, f in agent.ear.seen if isinstance(f, LLMFullResponseStartFrame | LLMFullResponseEndFrame | LLMTextFrame)]  # fmt: skip # noqa: E501
    assert (kinds[0], kinds[-1]) == (LLMFullResponseStartFrame, LLMFullResponseEndFrame)
    ((question, history),) = thinker.asked
    assert question.text == "when do you open?"
    assert history == (Turn("user", "hello"), Turn("assistant", "good day"))
    assert thinker.closed == 1


def test_an_interruption_ends_the_work_on_an_answer():
    thinker = FakeThinker()
    thinker.pieces = [Source("script", "long"), Say("One. "), 5.0, Say("Two.")]

    async def story(agent: Agent) -> None:
        await agent.put(contexts("tell me"))
        await asyncio.sleep(0.2)
        await agent.put(InterruptionFrame())
        await asyncio.sleep(0.2)

    agent = act(lambda: [ThinkerService(thinker=thinker, language="en")], story, real=True)
    assert "Two" not in "".join(f.text for f in agent.ear.all(LLMTextFrame))
    assert thinker.closed == 1


def test_a_script_that_is_not_there_is_an_error_of_the_pipeline():
    async def story(agent: Agent) -> None:
        await agent.put(contexts("hello"))
        while not (ear.all(ErrorFrame) and agent.ear.all(LLMFullResponseEndFrame)):
            await asyncio.sleep(0.05)

    ear = Ear()
    agent = act(lambda: [ear, ThinkerService("/no/such/script.yaml")], story, real=True)
    assert "no answer can be found" in ear.all(ErrorFrame)[0].error
    assert agent.ear.all(LLMFullResponseEndFrame)


@pytest.mark.slow
def test_our_voice_speaks_with_words_and_a_face_behind_it_moves():
    async def story(agent: Agent) -> None:
        await agent.put(TTSSpeakFrame("Good day to you."))
        await asyncio.sleep(4 * WORD_S + 0.8)

    agent = act(
        lambda: [VoiceService(speaks=fake_voice), face(FakeEngine()), Loudspeaker()], story, real=True
    )
    words = agent.ear.all(TTSTextFrame)
    assert [f.text for f in words] == ["Good", "day", "to", "you."]
    begins = [f.pts / 1e9 for f in words]
    assert np.diff(begins) == pytest.approx([WORD_S] * 3, abs=0.01)
    assert sum(len(f.audio) for f in agent.ear.all(VoiceFrame)) / 48_000 == pytest.approx(4 * WORD_S, abs=0.1)
    assert max(f["jawOpen"] for f in agent.ear.all(FaceCurvesFrame)) == pytest.approx(0.4, abs=0.02)


def test_a_voice_that_fails_is_an_error_of_the_pipeline():
    async def story(agent: Agent) -> None:
        await agent.put(TTSSpeakFrame("I fail."))
        await asyncio.sleep(0.3)

    ear = Ear()
    act(lambda: [ear, VoiceService(speaks=fake_voice)], story, real=True)
    assert "'I fail.' cannot be spoken: the word 'fail'" in ear.all(ErrorFrame)[0].error
