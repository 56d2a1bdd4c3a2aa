"""A voice that takes its time, in virtual time: the face lives meanwhile, and no word is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import numpy as np
import pytest

from rhapsode.face.direction import Direction
from rhapsode.live.asked import Take
from rhapsode.live.engine import Block
from rhapsode.live.items import BeginItem, EndItem, Item, WordsItem
from rhapsode.live.performer import LEAD_S
from rhapsode.live.runner import SinkRunner
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, Curves, Performance
from rhapsode.rigs import FACE
from tests.live.fake import JAW, FakeEngine, FakeFace
from tests.live.test_runner import FakeSink, now
from tests.live.virtual import Slow, play


class Voice(FakeEngine):
    """Makes a word in ``seconds``."""

    def __init__(self, pool: Slow, seconds: float) -> None:
        super().__init__()
        self.pool, self.seconds = pool, seconds

    def speak(self, text: str) -> Iterator[Block]:
        for block in super().speak(text):
            self.pool.cost_s = self.seconds
            yield block
        self.pool.cost_s = 0.0


class Scene:
    """A session with a slow voice, a sink with sound, one without, and the items."""

    def __init__(self, seconds: float) -> None:
        self.pool = pool = Slow()
        self.items: list[Item] = []
        self.session = Session(Voice(pool, seconds), pool)
        self.loud, self.mute = FakeSink(50, sound=True), FakeSink()
        self.session.attach(self)
        self.runners = [SinkRunner("fake://", s, self.session.timeline) for s in (self.loud, self.mute)]
        for runner in self.runners:
            self.session.attach(runner)

    def offer(self, item: Item) -> None:
        self.items.append(item)

    def interrupted(self, generation: int) -> None:
        pass

    def jaws(self, since: float, until: float) -> np.ndarray:
        return np.array([frame.values[JAW] for at, frame in self.mute.frames if since <= at < until])

    def heard(self) -> np.ndarray:
        return np.concatenate([samples for _, samples in self.loud.sounds])


def staged(seconds: float, act: Callable[[Scene], Awaitable[None]]) -> Scene:
    async def run() -> Scene:
        scene = Scene(seconds)
        jobs = (scene.session.run(), *(runner.run() for runner in scene.runners))
        tasks = [asyncio.ensure_future(job) for job in jobs]
        await act(scene)
        for task in tasks:
            assert not task.done(), "it goes on"
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return scene

    return play(run())


@pytest.mark.parametrize("again", [True, False])
def test_the_mouth_closes_while_the_next_words_are_still_made(again: bool):
    async def act(scene: Scene) -> None:
        scene.session.say("zoo zoo zoo zoo")
        await asyncio.sleep(2.1)
        assert scene.jaws(now() - 0.1, now()).max() > 0.6, "it speaks"
        if again:
            scene.session.say("zoo")
        else:
            scene.session.interrupt()
        await asyncio.sleep(1.5)

    scene = staged(2.0, act)
    assert len(scene.jaws(2.3, 3.6)) > 60, "the face lives"
    assert scene.jaws(2.3, 3.6).max() < 0.05


def test_words_that_come_late_are_heard_and_seen_whole():
    async def act(scene: Scene) -> None:
        scene.session.say("zoo zoo zoo")
        await asyncio.sleep(8)

    scene = staged(2.0, act)
    assert (np.abs(scene.heard()) > 0.6).sum() == pytest.approx(3 * 4800, abs=60)
    assert 28 <= (scene.jaws(0, 8) > 0.6).sum() <= 32, "the sink without sound sees every word"
    (begin,) = [item for item in scene.items if isinstance(item, BeginItem)]
    words = [item for item in scene.items if isinstance(item, WordsItem)]
    starts = [item.start / CLOCK_HZ + item.words.words[0].start_s for item in words]
    onsets = np.flatnonzero(np.diff((np.abs(scene.heard()) > 0.6).astype(int)) == 1) / 24_000
    np.testing.assert_allclose(np.diff(starts), np.diff(onsets), atol=0.002)
    assert starts[0] == begin.start / CLOCK_HZ


def test_a_new_wish_does_not_wait_for_the_words_of_the_old_one():
    async def act(scene: Scene) -> None:
        scene.session.say("zoo")
        await asyncio.sleep(0.5)
        scene.pool.cost_s = 0.0
        scene.session.perform(
            Take("a take", Performance(Curves(FACE.channels, np.ones((50, 61), np.float32))))
        )
        await asyncio.sleep(0.4)

    scene = staged(5.0, act)
    assert scene.jaws(0.7, 0.9).max() > 0.9


def test_a_wish_that_is_not_ready_before_the_next_is_not_begun():
    take = Take("a take", Performance(Curves(FACE.channels, np.zeros((50, 61), np.float32))))

    async def act(scene: Scene) -> None:
        scene.session.perform(take)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        scene.session.interrupt()
        await asyncio.sleep(1)

    scene = staged(0.0, act)
    assert not [item for item in scene.items if isinstance(item, BeginItem)]


@pytest.mark.parametrize("on", [0.0, 2.0])
def test_a_microphone_waits_until_what_was_said_is_heard(on: float):
    async def act(scene: Scene) -> None:
        if not on:
            scene.session.listen(48_000)
        scene.session.say("zoo " * 20)
        await asyncio.sleep(2)
        if on:
            scene.session.listen(48_000)
        await asyncio.sleep(4)

    scene = staged(0.0, act)
    assert (np.abs(scene.heard()) > 0.6).sum() == pytest.approx(20 * 4800, abs=60)
    assert 194 <= (scene.jaws(0, 6) > 0.6).sum() <= 202, "it fades in"
    (end,) = [item for item in scene.items if isinstance(item, EndItem)]
    assert end.sample / CLOCK_HZ > 4 - LEAD_S


def test_a_wish_for_another_manner_while_the_face_is_made_is_not_lost():
    class Heavy(FakeEngine):
        def face(self, direction: Direction) -> FakeFace:
            pool.cost_s = 1.0
            return super().face(direction)

    pool = Slow()

    async def run() -> float:
        session, sink = Session(Heavy(), pool), FakeSink()
        runner = SinkRunner("fake://", sink, session.timeline)
        session.attach(runner)
        tasks = [asyncio.ensure_future(job) for job in (session.run(), runner.run())]
        await asyncio.sleep(0.5)
        session.direct(Direction(seed=7))
        await asyncio.sleep(4)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return sink.frames[-1][1]["headYaw"]

    assert play(run()) == pytest.approx(0.07)
