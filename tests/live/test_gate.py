"""What is held until it is nearly due, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from rhapsode.live.gate import AHEAD_S, Gate
from rhapsode.live.items import CurvesItem, EndItem, Item, SoundItem
from rhapsode.live.outlet import Outlets
from rhapsode.live.timeline import Timeline
from rhapsode.performance import Float32
from rhapsode.rigs import FACE
from tests.live.virtual import play

CURVES = CurvesItem(0, 0, np.zeros((50, len(FACE)), np.float32))
SOUND = SoundItem(0, 0, np.zeros(24_000, np.float32), 24_000)


class Stamp:
    """Mixes in when it was asked."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int, int]] = []
        self.stopped = 0

    def mix(self, item: CurvesItem, due: float, now: float) -> CurvesItem:
        return replace(item, values=item.values + np.float32(now))

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        self.heard.append((start, len(samples), sample_rate))

    def interrupted(self) -> None:
        self.stopped += 1


class Scene:
    def __init__(self) -> None:
        self.timeline, self.got = Timeline(), list[tuple[float, Item]]()
        self.timeline.anchor(0, self.now())
        outlets = Outlets(self.timeline)
        outlets.attach(self, self.now())
        self.gate, self.stamp = Gate(outlets, self.timeline), Stamp()
        self.gate.add(self.stamp)

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    def offer(self, item: Item) -> None:
        self.got.append((self.now(), item))

    def interrupted(self, generation: int) -> None:
        self.got.append((self.now(), EndItem(generation, -1)))


def scene(story: Callable[[Scene], Awaitable[None]]) -> Scene:
    async def run() -> Scene:
        made = Scene()
        await story(made)
        return made

    return play(run())


def test_curves_go_out_one_by_one_when_they_are_nearly_due_and_what_follows_them_behind_them():
    async def story(made: Scene) -> None:
        for item in (CURVES, SOUND, EndItem(0, 16_000)):
            made.gate.offer(item)
        assert made.got[-1][1] is SOUND, "sound goes at once"
        await asyncio.sleep(2)

    got = [(at, item) for at, item in scene(story).got if not isinstance(item, SoundItem)]
    assert [type(item) for _, item in got] == [CurvesItem] * 50 + [EndItem]
    for k, (at, item) in enumerate(got[:50]):
        assert isinstance(item, CurvesItem)
        assert (item.start, len(item.values)) == (320 * k, 1)
        assert at == pytest.approx(max(k / 50 - AHEAD_S, 0), abs=1e-3)
        assert item.values[0, 0] == pytest.approx(at)


def test_without_a_mix_everything_passes_at_once_also_what_was_held():
    async def story(made: Scene) -> None:
        made.gate.offer(CURVES)
        await asyncio.sleep(0.5)
        made.gate.remove(made.stamp)
        assert sum(isinstance(item, CurvesItem) for _, item in made.got) == 50
        made.gate.offer(CURVES)
        assert made.got[-1][1] is CURVES
        made.gate.hear(0, SOUND.samples, 24_000)
        assert not made.stamp.heard

    scene(story)


def test_an_interruption_drops_what_is_held():
    async def story(made: Scene) -> None:
        made.gate.hear(0, SOUND.samples, 24_000)
        assert made.stamp.heard == [(0, 24_000, 24_000)]
        made.gate.offer(CURVES)
        await asyncio.sleep(0.1)
        made.gate.interrupted(1)
        count = len(made.got)
        await asyncio.sleep(2)
        assert len(made.got) == count
        assert made.stamp.stopped == 1

    scene(story)


def test_a_timeline_that_is_set_back_delays_what_is_held():
    async def story(made: Scene) -> None:
        made.gate.offer(CURVES)
        made.timeline.anchor(0, made.now() + 1)
        await asyncio.sleep(0.9)
        assert len(made.got) <= 3
        await asyncio.sleep(1.1)
        assert len(made.got) == 50

    scene(story)
