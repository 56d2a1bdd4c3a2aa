"""How faces that voices give are looked at in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from pipecat.frames.frames import TTSSpeakFrame

from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.stream import FaceStream
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.performance import Curves
from rhapsode.pipecat.frames import VoiceFrame
from rhapsode.pipecat.spoken_stream import SpokenStream
from tests.live.fake import FakeEngine
from tests.pipecat.agent import Agent, Ear, act

TEXT = "Good morning, my old friend."


class Still(FakeEngine):
    """The product's own face, without life."""

    def face(self, direction: Direction) -> Any:
        return FaceStream(SAMPLE_RATE, direction=Direction(emotion=direction.emotion, life=Life.off()))


async def at_once(job: Callable[..., Any], *given: Any) -> Any:
    """Do a job where threads have no time."""
    return job(*given)


async def say(agent: Agent, *, text: str = TEXT, seconds: float = 3.5) -> None:
    await agent.put(TTSSpeakFrame(text))
    await asyncio.sleep(seconds)


def spoken(voice: Callable[[], Any], *, real: bool = False, seconds: float = 3.5) -> Ear:
    """Return what comes out of a voice that says `TEXT`."""
    ear = Ear()
    act(lambda: [voice(), ear], lambda agent: say(agent, seconds=seconds), real=real)
    return ear


def shown(frames: list[VoiceFrame], *, late_s: float = 0.0) -> Curves:
    """Return the face that the whole chain makes of frames, some silence later; the engine gets silence."""
    stream, made = SpokenStream(), []
    stage = Still().face(Direction())
    if late_s:
        stream.put(VoiceFrame(bytes(2 * round(late_s * SAMPLE_RATE)), SAMPLE_RATE, 1), 0)
    for frame in frames:
        stream.put(frame, 0)
    stream.close()
    stream.release()

    async def blocks() -> list[Any]:
        return [block async for block in stream.blocks()]

    for sound, words in asyncio.run(blocks()):
        begin_s = float(sound.start / 16_000)
        stage.words(words, begin_s=begin_s, end_s=begin_s + sound.duration_s)
        made.append(stage.push(np.zeros_like(sound.mono())))
    made.append(stage.finish())
    return Curves(made[0].names, np.concatenate([part.values for part in made]))


def worst(live: Curves, filed: Curves, names: tuple[str, ...]) -> float:
    """Return how far the face of a live voice is from that of a file at most, behind its first 0.12 s."""
    part = slice(6, min(len(live), len(filed)) - 3)  # nothing is known behind the end of a file
    return max(float(np.abs(live[name][part] - filed[name][part]).max()) for name in names)


def first_sound(ear: Ear) -> float:
    return next(at for at, frame in ear.seen if isinstance(frame, VoiceFrame))
