"""A background is heard under the voice and moves no face; the settings lay it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rhapsode.audio.bed import Bed, seamless
from rhapsode.audio.underlay import SWELL_DB
from rhapsode.conversation.events import Answered, Fault
from rhapsode.live.items import CurvesItem, EndItem, Item, SoundItem
from rhapsode.live.playout import Playout
from rhapsode.live.timeline import Timeline
from rhapsode.performance import Float32
from rhapsode.settings import Settings, Speak
from tests.conversation.fake import Scene, converse
from tests.live.fake import RATE, FakeEngine
from tests.live.test_session import Stage
from tests.live.virtual import play


def hum(seconds: float) -> Float32:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def spoken(bed: Bed | None) -> list[Item]:
    async def story() -> list[Item]:
        stage = Stage(FakeEngine())
        await stage.until(stage.session.ready.is_set)
        stage.session.bed = bed
        stage.session.say("a b c d e")
        await stage.until(lambda: any(isinstance(item, EndItem) for _, item in stage.items))
        stage.task.cancel()
        return [item for _, item in stage.items]

    return play(story())


def sound(items: list[Item]) -> Float32:
    return np.concatenate([item.samples for item in items if isinstance(item, SoundItem)])


def test_it_is_heard_and_the_face_does_not_hear_it():
    plain, laid = spoken(None), spoken(Bed(seamless(hum(3), RATE), RATE, db=-12))
    assert len(plain) == len(laid)
    for one, other in zip(plain, laid, strict=True):
        if isinstance(one, CurvesItem) and isinstance(other, CurvesItem):
            assert np.array_equal(one.values, other.values)
    under = sound(laid) - sound(plain)
    assert np.abs(under[:40]).max() < 1e-4
    assert np.sqrt(np.mean(under[RATE // 2 : -RATE // 4] ** 2)) > 0.01
    assert np.abs(under[-5:]).max() < 1e-2


def test_the_settings_lay_it_and_take_it_away(tmp_path: Path):
    path = tmp_path / "hum.wav"
    soundfile.write(path, hum(3), RATE)

    async def story(scene: Scene) -> None:
        await scene.until(lambda: scene.session.bed is not None)
        first = scene.session.bed
        scene.talk.apply(Settings(speak=Speak(background=str(path), background_db=-30)))
        await scene.until(lambda: scene.session.bed is not first)
        assert scene.session.timeline.bed is scene.session.bed is not None
        speech = Speak(background=str(path), background_in="speech")
        scene.talk.apply(Settings(speak=speech))
        await scene.until(lambda: scene.session.timeline.bed is None)
        assert scene.session.bed is not None
        scene.talk.apply(Settings())
        await scene.until(lambda: scene.session.bed is None)

    (scene,) = converse(story, settings=Settings(speak=Speak(background=str(path))))
    assert scene.session.bed is None


class Place:
    """Somewhere that plays, as every sink does."""

    def __init__(self, timeline: Timeline) -> None:
        self.playout = Playout(timeline)

    def offer(self, item: Item) -> None:
        self.playout.offer(item)

    def interrupted(self, generation: int) -> None:
        self.playout.interrupted()


def test_between_answers_and_through_an_interruption_it_goes_on_and_the_voice_is_silent_at_once():
    bed = Bed(seamless(hum(7), RATE), RATE, db=-12, always=True)

    async def story() -> tuple[Float32, float, list[Item]]:
        stage = Stage(FakeEngine())
        await stage.until(stage.session.ready.is_set)
        loop, rate = asyncio.get_running_loop(), 30
        stage.session.bed = bed
        playout = Place(stage.session.timeline)
        stage.session.attach(playout)
        heard: list[Float32] = []
        begun, stopped = loop.time(), 0.0
        for tick in range(8 * rate):
            await asyncio.sleep(max(begun + tick / rate - loop.time(), 0))
            if tick == 2 * rate:
                stage.session.say("a b c d e f g h i j k l m n o p q r s t")
            if tick == 5 * rate:
                stage.session.interrupt()
                stopped = tick / rate
            heard.append(playout.playout.moment(begun + tick / rate, RATE // rate)[1])
        stage.task.cancel()
        return np.concatenate(heard), stopped, [item for _, item in stage.items]

    heard, stopped, items = play(story())
    peak = float(np.abs(sound(items)).max())
    level = [float(np.sqrt(np.mean(part**2))) for part in heard.reshape(-1, RATE // 20)]
    assert min(level[10:]) > 0.3 * bed.level
    assert max(level[3 * 20 : 5 * 20]) > 0.5 * peak
    cut = round((stopped + 0.05) * 20)
    assert max(level[cut : cut + 10]) < 4 * bed.level, "of the voice nothing is left"
    assert max(level[-20:]) == pytest.approx(bed.level * 10 ** (SWELL_DB / 20), rel=0.25)


def test_a_file_that_cannot_be_read_is_told_and_it_speaks_without(tmp_path: Path):
    async def story(scene: Scene) -> None:
        scene.talk.say("One two.")
        await scene.until(lambda: bool(scene.told(Answered)))

    missing = Settings(speak=Speak(background=str(tmp_path / "none.wav")))
    (scene,) = converse(story, settings=missing)
    (trouble,) = scene.told(Fault)
    assert "none.wav" in trouble.message
    assert trouble.part == "speak"
