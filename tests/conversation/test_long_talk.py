"""A conversation for hours, in virtual time: nothing grows, nothing times out."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from rhapsode.conversation.events import Answered, Asked, StateChanged
from rhapsode.pipecat.asking import LONGEST_QUESTION
from rhapsode.pipecat.turns import LONGEST_S
from tests.conversation.fake import Scene, converse, tone


async def hear_long(scene: Scene, y: np.ndarray, seconds: float) -> None:
    """Repeat ``y`` for so long, 0.1 s at a time."""
    at = 0
    for _ in range(round(seconds * 10)):
        await asyncio.sleep(0.1)
        scene.talk.hear(np.take(y, np.arange(at, at + 1600), mode="wrap").astype(np.float32))
        at += 1600


@pytest.mark.slow
@pytest.mark.parametrize("pauses", [True, False], ids=["with pauses", "without a pause"])
def test_a_monologue_of_half_an_hour_is_recognised_in_parts(pauses: bool):
    sentence = np.concatenate([tone(1, 5.0), tone(3, 5.0), tone(0, 0.3 if pauses else 0.0)])

    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await hear_long(scene, sentence, 1800)
        await hear_long(scene, tone(0, 1.0), 3)
        await scene.until(lambda: bool(scene.told(Asked)))
        scene.talk.interrupt()

    (scene,) = converse(story)
    (asked,) = scene.told(Asked)
    assert len(asked.text.split()) > 180 * 2.5
    assert len(asked.text) <= LONGEST_QUESTION
    assert max(scene.resources.recognised) <= LONGEST_S + 1
    assert [e.state for e in scene.told(StateChanged)][:2] == ["listening", "thinking"]


@pytest.mark.slow
def test_an_hour_of_silence_is_followed_by_a_conversation_as_ever():
    async def story(scene: Scene) -> None:
        scene.talk.listen(16_000)
        await hear_long(scene, tone(0, 1.0), 1800)
        await asyncio.sleep(1800)  # not even silence comes
        assert not scene.events
        assert not scene.resources.recognised
        await scene.hear(tone(1, 0.8), tone(0, 1.5))
        await scene.until(lambda: bool(scene.told(Answered)))

    converse(story)
