"""A face in the pipeline of a foreign agent: in step with its transport, and in nobody's way."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    TextFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.utils.text.base_text_aggregator import TextType

from rhapsode.errors import RigError, SettingError, WeightsError
from rhapsode.face.direction import Direction
from rhapsode.live.engine import ProductEngine
from rhapsode.live.items import Item, WordsItem
from rhapsode.pipecat import Face, FaceCurvesFrame
from rhapsode.rigs import FACE
from tests.live.fake import FakeEngine, FakeFace
from tests.pipecat.agent import Agent, Ear, Loudspeaker, act, face

LOUD = 0.25


def sound(seconds: float, *, level: float = LOUD, rate: int = 24_000, channels: int = 1) -> TTSAudioRawFrame:
    y = np.full(round(seconds * rate) * channels, level * 32767, np.int16)
    return TTSAudioRawFrame(y.tobytes(), rate, channels)


def opened(agent: Agent) -> list[float]:
    """Return when the mouth was open."""
    return [at for at, f in agent.ear.seen if isinstance(f, FaceCurvesFrame) and f["jawOpen"] > LOUD / 2]


def loud(agent: Agent) -> list[float]:
    return [at for at, level in agent.out.played if level > LOUD / 2]


async def say(agent: Agent, *pieces: TTSAudioRawFrame) -> None:
    await agent.put(TTSStartedFrame())
    await asyncio.sleep(0.1)  # voices take their time
    await agent.put(*pieces, TTSStoppedFrame())


@pytest.mark.parametrize(
    ("rate", "channels", "late_s"), [(24_000, 1, 0.0), (16_000, 1, 0.0), (44_100, 2, 0.0), (8_000, 1, 0.15)]
)
def test_the_mouth_opens_and_closes_with_what_the_transport_plays(rate: int, channels: int, late_s: float):
    async def story(agent: Agent) -> None:
        await asyncio.sleep(0.5)
        # faster than it sounds, in pieces of no round length
        await say(agent, *(sound(0.13, rate=rate, channels=channels) for _ in range(10)))
        await asyncio.sleep(3)

    agent = act(lambda: [face(FakeEngine()), Loudspeaker(late_s, rate)], story)
    mouth, heard = opened(agent), loud(agent)
    assert mouth[0] == pytest.approx(heard[0], abs=0.04)
    assert mouth[-1] == pytest.approx(heard[0] + 1.3, abs=0.06)
    steps = np.diff(mouth)
    assert steps.max() < 0.05  # it does not falter
    assert len(mouth) == pytest.approx(1.3 * 50, abs=3)


def test_a_second_answer_is_in_step_too_and_so_is_one_that_came_late():
    async def story(agent: Agent) -> None:
        for wait in (1.0, 4.0):
            await say(agent, sound(0.5))
            await asyncio.sleep(0.5 + wait)
        await say(agent, sound(0.4))
        await asyncio.sleep(1.4)  # the voice of the same answer came late
        await say(agent, sound(0.4))
        await asyncio.sleep(2)

    agent = act(lambda: [face(FakeEngine())], story)
    mouth, heard = opened(agent), loud(agent)
    begins = [t for t, before in zip(mouth, [-9, *mouth], strict=False) if t - before > 0.3]
    sounds = [t for t, before in zip(heard, [-9, *heard], strict=False) if t - before > 0.3]
    assert len(begins) == len(sounds) == 4
    assert begins == pytest.approx(sounds, abs=0.045)


def test_an_interruption_closes_the_mouth_and_the_next_answer_is_performed():
    times: list[float] = []

    async def story(agent: Agent) -> None:
        await say(agent, sound(5))
        await asyncio.sleep(1)
        times.append(agent.now())
        await agent.put(InterruptionFrame())
        await asyncio.sleep(1)
        times.append(agent.now())
        await say(agent, sound(0.5))
        await asyncio.sleep(2)

    agent = act(lambda: [face(FakeEngine())], story)
    mouth = opened(agent)
    assert max(t for t in mouth if t < times[1]) < times[0] + 0.1
    after = [t for t in mouth if t > times[1]]
    assert after[0] == pytest.approx(next(t for t in loud(agent) if t > times[1]), abs=0.045)
    assert len(after) == pytest.approx(25, abs=3)


def test_frames_pass_at_once_and_unchanged():
    piece = sound(0.7, rate=22_050)
    music = OutputAudioRawFrame(bytes(200), 24_000, 1)
    given = [TextFrame("hello"), TTSStartedFrame(), piece, music, TTSStoppedFrame(), TextFrame("bye")]

    async def story(agent: Agent) -> None:
        await agent.put(*given)
        await asyncio.sleep(0.001)

    class Deaf(Loudspeaker):
        async def process_frame(self, frame: Any, direction: Any) -> None:
            await super().process_frame(frame, direction)
            taken.append(frame)

    taken: list[Any] = []
    act(lambda: [face(FakeEngine()), Deaf()], story)
    assert [frame for frame in taken if frame in given] == given
    assert [frame.id for frame in taken if frame in given] == [frame.id for frame in given]
    assert len(piece.audio) == round(0.7 * 22_050) * 2


def test_the_face_lives_while_nobody_speaks_and_its_frames_tell_the_time():
    async def story(agent: Agent) -> None:
        await asyncio.sleep(1)

    agent = act(lambda: [face(FakeEngine(), direction=Direction(seed=7))], story)
    curves = agent.ear.all(FaceCurvesFrame)
    assert len(curves) == pytest.approx(50, abs=3)
    assert curves[5].names == FACE.channels
    assert curves[5]["headYaw"] == pytest.approx(0.07)
    times = [at for at, f in agent.ear.seen if isinstance(f, FaceCurvesFrame)]
    assert [c.pts / 1e9 for c in curves] == pytest.approx(times, abs=0.002)


def test_messages_reach_the_clients_of_the_transport():
    async def story(agent: Agent) -> None:
        await say(agent, sound(0.5))
        await asyncio.sleep(1)

    agent = act(lambda: [face(FakeEngine(), curves=False, messages="arkit")], story)
    assert not agent.ear.all(FaceCurvesFrame)
    assert len(agent.out.messages) == pytest.approx(30, abs=3)
    assert {m["label"] for m in agent.out.messages} == {"rhapsode"}
    assert max(m["data"]["weights"].get("jawOpen", 0) for m in agent.out.messages) == pytest.approx(
        LOUD, abs=0.01
    )


def test_words_of_a_vendor_reach_the_outlets_of_the_session():
    told: list[WordsItem] = []

    class Reader:
        def offer(self, item: Item) -> None:
            if isinstance(item, WordsItem):
                told.append(item)

        def interrupted(self, generation: int) -> None:
            pass

    made: list[Face] = []

    async def story(agent: Agent) -> None:
        made[0].session.attach(Reader())
        await agent.put(TTSStartedFrame(), sound(0.5))
        await asyncio.sleep(0.01)
        zero = round(agent.now() * 1e9)
        for k, word in enumerate(("one", "two", "three")):
            frame = TTSTextFrame(word, TextType.WORD)
            frame.pts = zero + round(k * 0.4e9)
            await agent.put(frame)
        await agent.put(sound(0.7), TTSStoppedFrame())
        await asyncio.sleep(2)

    def parts() -> list[Any]:
        made.append(face(FakeEngine()))
        return [made[0]]

    act(parts, story)
    spans = [span for item in told for span in item.words.words]
    assert [span.text for span in spans] == ["one", "two", "three"]
    assert [span.start_s for span in spans] == pytest.approx([0.0, 0.4, 0.8], abs=0.02)
    assert spans[0].end_s == spans[1].start_s


def test_two_agents_do_not_see_each_other():
    async def story(agent: Agent) -> None:
        await say(agent, sound(0.5))
        await asyncio.sleep(1)

    other = face(FakeEngine())
    agent = act(lambda: [face(FakeEngine())], story)
    assert opened(agent)
    assert other.session.generation == 0


def test_a_face_that_cannot_be_made_is_told_and_the_agent_goes_on():
    class Broken(FakeEngine):
        def face(self, direction: Direction) -> FakeFace:
            raise WeightsError("the weights are torn; install again")

    async def story(agent: Agent) -> None:
        await say(agent, sound(0.3))
        await asyncio.sleep(1)

    ear = Ear()
    agent = act(lambda: [ear, face(Broken())], story)
    errors = ear.all(ErrorFrame)
    assert "the face cannot be moved: the weights are torn" in errors[0].error
    assert not errors[0].fatal
    assert len(loud(agent)) > 5
    assert not agent.ear.all(FaceCurvesFrame)


def test_sound_that_is_none_is_passed_on_and_harms_nothing():
    async def story(agent: Agent) -> None:
        await agent.put(TTSAudioRawFrame(b"\0\0\0", 24_000, 1))
        await say(agent, sound(0.5))
        await asyncio.sleep(1.5)

    assert len(opened(act(lambda: [face(FakeEngine())], story))) == pytest.approx(25, abs=3)


@pytest.mark.parametrize(
    ("options", "kind", "problem"),
    [
        ({"to": "nowhere://x"}, SettingError, "a sink must be one of"),
        ({"to": ["vmc://127.0.0.1:1?strange=1"]}, SettingError, "strange"),
        ({"messages": "klingon"}, RigError, "klingon"),
    ],
)
def test_options_that_cannot_be_are_told_when_the_face_is_made(
    options: dict[str, Any], kind: type[Exception], problem: str
):
    with pytest.raises(kind, match=problem):
        Face(**options)


@pytest.mark.slow
def test_the_product_itself_moves_the_face():
    (spoken, _), *_ = ProductEngine().speak("Hello there.")
    y = (spoken.mono() * 32767).astype(np.int16)

    async def story(agent: Agent) -> None:
        await asyncio.sleep(0.2)
        await say(agent, TTSAudioRawFrame(y.tobytes(), spoken.sample_rate, 1))
        await asyncio.sleep(2)

    agent = act(lambda: [face(ProductEngine())], story)
    assert max(f["jawOpen"] for f in agent.ear.all(FaceCurvesFrame)) > 0.1


@pytest.mark.slow
def test_pictures_go_out_through_the_transport():
    async def story(agent: Agent) -> None:
        async with asyncio.timeout(60):
            while len(agent.out.pictures) < 5:  # the renderer is compiled first
                await asyncio.sleep(0.1)

    agent = act(lambda: [face(FakeEngine(), video=True, size=(128, 128), fps=25)], story, real=True)
    picture = agent.out.pictures[-1]
    assert picture.size == (128, 128)
    assert len(picture.image) == 128 * 128 * 3
    assert np.ptp(np.frombuffer(picture.image, np.uint8)) > 100
