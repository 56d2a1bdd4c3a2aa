"""A session in virtual time: order, generations, interruption, pace, isolation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
import pytest

from rhapsode.errors import AudioError, InputError
from rhapsode.face.direction import Direction
from rhapsode.live.asked import Take
from rhapsode.live.items import (
    BeginItem,
    CurvesItem,
    EndItem,
    FaultItem,
    IdleItem,
    Item,
    ListenItem,
    SoundItem,
    WordsItem,
)
from rhapsode.live.performer import LEAD_S, SPEECH_AHEAD_S
from rhapsode.live.session import IDLE_AHEAD_S, Session
from rhapsode.performance import CLOCK_HZ, Curves, Performance, Sound
from rhapsode.rigs import FACE
from tests.live.fake import JAW, LOOK_AHEAD, SMILE, FakeEngine, FakeFace, level
from tests.live.virtual import Inline, play

_T = TypeVar("_T")


class Stage:
    """A session with what it gave out, and when."""

    def __init__(self, engine: FakeEngine) -> None:
        self.items: list[tuple[float, Item]] = []
        self.session = Session(engine, Inline(), max_text=400)
        self.session.attach(self)
        self.task = asyncio.ensure_future(self.session.run())

    def offer(self, item: Item) -> None:
        self.items.append((self.now(), item))

    def interrupted(self, generation: int) -> None:
        pass

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    async def until(self, met: Callable[[], bool]) -> None:
        limit = self.now() + 3600
        while not (met() or self.task.done()) and self.now() < limit:
            await asyncio.sleep(0.001)
        if self.task.done():
            self.task.result()
        assert met(), f"it did not happen; came: {[type(item).__name__ for _, item in self.items][-9:]}"

    def told(self, *kinds: type[_T]) -> list[_T]:
        return [item for _, item in self.items if isinstance(item, kinds)]

    def sound(self, generation: int) -> np.ndarray:
        parts = [i.samples for _, i in self.items if isinstance(i, SoundItem) and i.generation == generation]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def curves(self) -> list[CurvesItem]:
        return [item for _, item in self.items if isinstance(item, CurvesItem)]


def on_stage(*scenes: Callable[[Stage], Awaitable[None]], engine: FakeEngine | None = None) -> list[Stage]:
    """Play each scene with a session of its own, all at once, on one engine."""
    shared = engine or FakeEngine()

    async def run() -> list[Stage]:
        stages = [Stage(shared) for _ in scenes]
        await asyncio.gather(*(scene(stage) for scene, stage in zip(scenes, stages, strict=True)))
        for stage in stages:
            stage.task.cancel()
        await asyncio.gather(*(stage.task for stage in stages), return_exceptions=True)
        return stages

    return play(run())


def test_a_text_is_spoken():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        stage.session.say("one two three")
        await stage.until(lambda: bool(stage.told(EndItem)) and bool(stage.told(IdleItem)))

    (stage,) = on_stage(scene)
    (begin,), (end,) = stage.told(BeginItem), stage.told(EndItem)
    assert begin.generation == end.generation == 1
    assert (begin.text, begin.kind) == ("one two three", "text")
    assert end.sample == begin.start + round(0.6 * CLOCK_HZ)
    words = [span for told in stage.told(WordsItem) for span in told.words.words]
    assert [span.text for span in words] == ["one", "two", "three"]
    assert [round(span.start_s, 3) for span in words] == [0, 0.2, 0.4]
    assert {told.start for told in stage.told(WordsItem)} == {begin.start}
    expected = np.repeat([level(w) for w in ("one", "two", "three")], 4800)
    np.testing.assert_allclose(stage.sound(1), expected, atol=1e-4)


def test_curves_follow_without_a_gap_through_idle_speech_and_idle():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        stage.session.say("one two three")
        await stage.until(lambda: bool(stage.told(IdleItem)))
        seen = len(stage.curves())
        await stage.until(lambda: len(stage.curves()) > seen + 3)

    (stage,) = on_stage(scene)
    at = 0
    for item in stage.curves():
        assert item.start == at
        at += len(item.values) * 320


def test_sound_of_another_rate_is_resampled():
    async def scene(stage: Stage) -> None:
        stage.session.say("one two three")
        await stage.until(lambda: bool(stage.told(EndItem)))

    (stage,) = on_stage(scene, engine=FakeEngine(rate=44_100))
    assert {i.sample_rate for i in stage.told(SoundItem)} == {24_000}
    middle = stage.sound(1)[2000:3000]
    np.testing.assert_allclose(middle, level("one"), atol=0.01)
    assert len(stage.sound(1)) == 14_400


@pytest.mark.slow
def test_life_and_speech_keep_their_pace():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.now() > 30)
        stage.session.say("word " * 79)
        await stage.until(lambda: bool(stage.told(EndItem)))

    (stage,) = on_stage(scene)
    begun = next(at for at, i in stage.items if isinstance(i, BeginItem))
    start = stage.told(BeginItem)[0].start
    for at, item in stage.items:
        if isinstance(item, CurvesItem) and item.generation == 0:
            assert item.start / CLOCK_HZ - at <= IDLE_AHEAD_S + 0.2
        if isinstance(item, SoundItem):
            assert (item.start - start) / CLOCK_HZ - (at - begun) <= SPEECH_AHEAD_S + 0.5
    assert sum(len(p.values) for p in stage.curves() if p.generation == 0) * 0.02 >= 29


@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_ends_the_speech(times: int):
    async def scene(stage: Stage) -> None:
        stage.session.say("word " * 79)
        await stage.until(lambda: len(stage.sound(1)) > 24_000)
        for _ in range(times):
            stage.session.interrupt()
        await stage.until(lambda: bool(stage.told(IdleItem)))
        seen = len(stage.curves())
        await stage.until(lambda: len(stage.curves()) > seen + 2)

    (stage,) = on_stage(scene)
    assert not stage.told(EndItem)
    place = next(k for k, (_, i) in enumerate(stage.items) if isinstance(i, IdleItem))
    after = [item for _, item in stage.items[place:]]
    assert not any(isinstance(item, SoundItem) for item in after)
    later = [item for item in after if isinstance(item, CurvesItem)]
    assert {item.generation for item in later} == {1 + times}
    assert later[0].start == stage.told(IdleItem)[0].start
    assert not np.concatenate([p.values for p in later])[:, FACE.index("jawOpen")].any()


def test_the_last_of_several_requests_wins():
    async def scene(stage: Stage) -> None:
        stage.session.say("word " * 79)
        await stage.until(lambda: len(stage.sound(1)) > 24_000)
        stage.session.say("never")
        stage.session.say("zoo")
        await stage.until(lambda: bool(stage.told(EndItem)))

    (stage,) = on_stage(scene)
    assert stage.told(EndItem)[0].generation == 3
    assert len(stage.sound(2)) == 0
    np.testing.assert_allclose(stage.sound(3), np.full(4800, level("zoo")), atol=1e-4)


def test_a_stop_before_anything_is_no_matter():
    async def scene(stage: Stage) -> None:
        stage.session.interrupt()
        stage.session.say("one")
        await stage.until(lambda: bool(stage.told(EndItem)))

    (stage,) = on_stage(scene)
    assert len(stage.sound(2)) == 4800


def test_a_text_that_fails_is_told_and_the_session_goes_on():
    async def scene(stage: Stage) -> None:
        stage.session.say("one fail two")
        await stage.until(lambda: bool(stage.told(FaultItem)))
        stage.session.say("three")
        await stage.until(lambda: bool(stage.told(EndItem)))

    (stage,) = on_stage(scene)
    (error,) = stage.told(FaultItem)
    assert error.message == "the word 'fail' cannot be spoken; leave it out"
    assert stage.told(EndItem)[0].generation == 2


def test_a_fault_of_ours_ends_the_session():
    async def scene(stage: Stage) -> None:
        stage.session.say("crash")
        while not stage.task.done():
            await asyncio.sleep(0)

    (stage,) = on_stage(scene)
    assert isinstance(stage.task.exception(), ZeroDivisionError)


def test_what_cannot_be_done_is_refused_at_once():
    async def scene(stage: Stage) -> None:
        with pytest.raises(InputError, match="a text may hold 400 characters, got 401"):
            stage.session.say("a" * 401)
        with pytest.raises(InputError, match="must hold words"):
            stage.session.say(" \n")
        assert stage.session.generation == 0

    on_stage(scene)


def test_a_new_direction_is_played_by_a_new_face():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        stage.session.direct(Direction(emotion="", seed=50))
        await stage.until(lambda: stage.curves()[-1].values[-1, FACE.index("headYaw")] == 0.5)

    (stage,) = on_stage(scene)
    starts = [item.start for item in stage.curves()]
    assert starts == sorted(starts)


def test_a_new_emotion_is_felt_by_the_same_face():
    faces: list[FakeFace] = []

    class Counting(FakeEngine):
        def face(self, direction: Direction) -> FakeFace:
            faces.append(super().face(direction))
            return faces[-1]

    def smile(stage: Stage) -> float:
        return float(stage.curves()[-1].values[-1, SMILE])

    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        stage.session.direct(Direction(emotion="joy:0.5"))
        await stage.until(lambda: smile(stage) == 0.5)
        stage.session.say(" ".join(["hello"] * 65))
        await stage.until(lambda: len(stage.sound(1)) > 4_800)
        stage.session.direct(Direction(emotion="joy:0.25,fear:0.5"))
        await stage.until(lambda: bool(stage.told(EndItem)))
        stage.session.direct(Direction(emotion=""))
        await stage.until(lambda: smile(stage) == 0)

    (stage,) = on_stage(scene, engine=Counting())
    assert len(faces) == 1
    (begin,), (end,) = stage.told(BeginItem), stage.told(EndItem)
    times = range(begin.start, end.sample)
    spoken = {float(item.values[-1, SMILE]) for item in stage.curves() if item.start in times}
    assert spoken == {0.5, 0.25}, "it changes while it speaks"


def test_sessions_hear_nothing_of_each_other():
    texts = [" ".join([letter] * 30) for letter in "bdfhjl"]

    def scene_of(text: str) -> Callable[[Stage], Awaitable[None]]:
        async def scene(stage: Stage) -> None:
            stage.session.say(text)
            await stage.until(lambda: bool(stage.told(EndItem)))

        return scene

    for stage, text in zip(on_stage(*(scene_of(text) for text in texts)), texts, strict=True):
        np.testing.assert_allclose(stage.sound(1), np.full(144_000, level(text)), atol=1e-4)


def hum(count: int, level: float = 0.5) -> np.ndarray:
    return np.full(count, level, np.float32)


async def speak_into(session: Session, sound: np.ndarray, *, rate: int = 48_000, lag_s: float = 0.0) -> None:
    """Bring ``sound`` as a microphone does, in chunks of 20 ms as they are spoken."""
    size = rate // 50
    for first in range(0, len(sound), size):
        await asyncio.sleep(0.02 + (lag_s if first == 0 else 0.0))
        session.hear(sound[first : first + size])


def test_a_microphone_moves_the_face_as_it_is_spoken():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.now() > 1)
        stage.session.listen(48_000)
        await speak_into(stage.session, np.concatenate([hum(48_000), hum(24_000, 0.0)]))
        stage.session.deafen()
        await stage.until(lambda: bool(stage.told(IdleItem)))

    (stage,) = on_stage(scene)
    (listen,) = stage.told(ListenItem)
    live = [(at, i) for at, i in stage.items if isinstance(i, CurvesItem) and i.sound_at is not None]
    spoken = sum(float(i.values[:, JAW].max()) > 0.4 for _, i in live)
    assert 45 <= spoken <= 52, "a second of voice opens the mouth for a second"
    waits = [at - i.sound_at for at, i in live if i.sound_at is not None]
    assert max(waits[10:]) <= (LOOK_AHEAD + 1.5) * 0.02, "in step, no longer than the engine looks ahead"
    at = listen.start
    for item in stage.curves():
        if item.start >= listen.start and item.generation == 0 and item.start < stage.told(IdleItem)[0].start:
            assert item.start == at
            at += len(item.values) * 320


def test_where_no_sound_comes_the_face_lives_on_and_what_comes_late_is_not_lost():
    async def scene(stage: Stage) -> None:
        stage.session.listen(48_000)
        await speak_into(stage.session, hum(24_000))
        await asyncio.sleep(3)
        await speak_into(stage.session, hum(24_000))
        await asyncio.sleep(0.5)

    (stage,) = on_stage(scene)
    made = np.concatenate([i.values for i in stage.curves()])[:, JAW]
    assert abs(int((made > 0.4).sum()) - 50) <= 6, "both halves of a second are played, none twice"
    assert 3.5 <= len(made) * 0.02 <= 5.0, "silence stood in"


def test_what_is_said_goes_before_the_microphone_which_then_goes_on():
    async def scene(stage: Stage) -> None:
        stage.session.listen(48_000)
        await speak_into(stage.session, hum(9_600, 0.9))
        stage.session.say("one two")
        await speak_into(stage.session, hum(48_000, 0.9))
        await stage.until(lambda: len(stage.told(ListenItem)) == 2)
        await speak_into(stage.session, hum(9_600, 0.9))

    (stage,) = on_stage(scene)
    np.testing.assert_allclose(stage.sound(1)[:9600], np.repeat([level("o"), level("t")], 4800), atol=1e-4)
    assert [type(i) for i in stage.told(ListenItem, BeginItem, EndItem)] == [
        *(ListenItem, BeginItem, EndItem, ListenItem),
    ]


def test_sound_that_is_no_sound_is_refused_and_the_session_goes_on():
    async def scene(stage: Stage) -> None:
        stage.session.hear(hum(10))  # nobody listens
        stage.session.listen(48_000)
        with pytest.raises(AudioError):
            stage.session.hear(np.full(960, np.nan, np.float32))
        await speak_into(stage.session, hum(9_600))
        await asyncio.sleep(0.2)

    (stage,) = on_stage(scene)
    assert max(i.values[:, JAW].max() for i in stage.curves()) > 0.4


def test_a_take_is_shown_as_it_is_with_its_sound():
    values = np.zeros((50, len(FACE)), np.float32)
    values[:, JAW] = 0.6
    take = Performance(Curves(FACE.channels, values), Sound(hum(16_000, 0.25), 16_000))

    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        stage.session.perform(Take("a take", take))
        await stage.until(lambda: bool(stage.told(EndItem)))
        seen = len(stage.curves())
        await stage.until(lambda: len(stage.curves()) > seen + 2)

    (stage,) = on_stage(scene)
    shown = np.concatenate([i.values for i in stage.curves() if i.generation == 1])[:, JAW]
    assert shown[0] < 0.2, "life fades into it"
    np.testing.assert_allclose(shown[6:50], 0.6, atol=1e-6)
    assert 0.3 < shown[50] < 0.6, "and it into life"
    np.testing.assert_allclose(shown[56:], 0, atol=1e-6)
    np.testing.assert_allclose(stage.sound(1)[100:-100], 0.25, atol=1e-3)
    starts = [i.start for i in stage.curves() if i.generation == 1]
    assert stage.told(BeginItem)[0].start == starts[0]
    assert stage.told(EndItem)[0].sample == starts[0] + 50 * 320


def test_who_comes_late_gets_what_is_not_over():
    class Late:
        def __init__(self) -> None:
            self.got: list[Item] = []

        def offer(self, item: Item) -> None:
            self.got.append(item)

        def interrupted(self, generation: int) -> None:
            self.got.clear()

    late = Late()

    async def scene(stage: Stage) -> None:
        stage.session.say("word " * 20)
        await asyncio.sleep(2)
        stage.session.attach(late)
        await asyncio.sleep(0.01)

    (stage,) = on_stage(scene)
    assert isinstance(late.got[0], BeginItem)
    heard = [i for i in late.got if isinstance(i, SoundItem)]
    begun = stage.told(BeginItem)[0].start
    assert (heard[0].start - begun) / CLOCK_HZ == pytest.approx(2 - LEAD_S, abs=0.3)


def test_the_timeline_follows_who_plays_the_sound():
    async def scene(stage: Stage) -> None:
        stage.session.say("word " * 79)
        await asyncio.sleep(1)
        start = stage.told(BeginItem)[0].start
        for k in range(100):  # a client whose sound began 80 ms late and runs 200 ppm slow
            stage.session.heard_at(1, round(start + (0.92 + k * 0.1 * 0.9998) * CLOCK_HZ))
            await asyncio.sleep(0.1)
        due = stage.session.timeline.time_of(start + (0.92 + 9.9 * 0.9998) * CLOCK_HZ)
        assert due == pytest.approx(stage.now() - 0.1, abs=0.002)
        stage.session.heard_at(1, 0)  # far off: not believed

    on_stage(scene)


def test_two_runs_are_the_same():
    async def scene(stage: Stage) -> None:
        stage.session.say("one two three four")
        await asyncio.sleep(0.7)
        stage.session.interrupt()
        await asyncio.sleep(1)

    def story() -> list[tuple[float, str, int]]:
        (stage,) = on_stage(scene)
        return [(at, type(i).__name__, getattr(i, "start", 0)) for at, i in stage.items]

    assert story() == story()
