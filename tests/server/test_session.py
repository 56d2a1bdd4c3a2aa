"""A session under a clock of the test's own: order, generations, interruption, pace, isolation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from rhapsode.server.session import IDLE_AHEAD_S, SPEECH_AHEAD_S, Session

from rhapsode.errors import InputError, SettingError
from rhapsode.face.direction import Direction
from rhapsode.performance import CLOCK_HZ
from rhapsode.protocols.stage_packets import CurvesPacket, Packet, SoundPacket, parse
from rhapsode.rigs import FACE
from rhapsode.server.messages import Hello, MessageError, Sample, Say, Stop, parse_message
from tests.server.fake import SMILE, FakeEngine, FakeFace, level

Item = dict[str, Any] | Packet


class FakeTimer:
    """Seconds pass only while somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        if not event.is_set():
            self.seconds += max(seconds, 0.001)
        await asyncio.sleep(0)


class Stage:
    """A session with what it sent, and when."""

    def __init__(self, pool: ThreadPoolExecutor, engine: FakeEngine) -> None:
        self.timer = FakeTimer()
        self.items: list[tuple[float, Item]] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.session = Session(engine, pool, self._send, max_text=400, timer=self.timer)
        self.task = asyncio.ensure_future(self.session.run())

    async def _send(self, message: dict[str, Any] | bytes) -> None:
        self.items.append((self.timer.now(), parse(message) if isinstance(message, bytes) else message))
        await self.reading.wait()
        await asyncio.sleep(0)

    async def until(self, met: Callable[[], bool]) -> None:
        # The engine works in real threads: the limit is real time, and the loop leaves them the processor.
        limit = time.monotonic() + 30
        while not (met() or self.task.done()) and time.monotonic() < limit:
            await asyncio.sleep(0.0002)
        if self.task.done():
            self.task.result()
        assert met(), f"it did not happen; sent: {[self._name(item) for _, item in self.items][-9:]}"

    @staticmethod
    def _name(item: Item) -> str:
        return str(item["type"]) if isinstance(item, dict) else type(item).__name__

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [item for _, item in self.items if isinstance(item, dict) and item["type"] == kind]

    def sound(self, generation: int) -> np.ndarray:
        parts = [
            i.samples for _, i in self.items if isinstance(i, SoundPacket) and i.generation == generation
        ]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def curves(self) -> list[CurvesPacket]:
        return [item for _, item in self.items if isinstance(item, CurvesPacket)]


def on_stage(*scenes: Callable[[Stage], Awaitable[None]], engine: FakeEngine | None = None) -> list[Stage]:
    """Play each scene with a session of its own, all at once, on one engine and one pool."""
    shared = engine or FakeEngine()

    async def run() -> list[Stage]:
        with ThreadPoolExecutor(2) as pool:
            stages = [Stage(pool, shared) for _ in scenes]
            await asyncio.gather(*(scene(stage) for scene, stage in zip(scenes, stages, strict=True)))
            for stage in stages:
                stage.task.cancel()
            await asyncio.gather(*(stage.task for stage in stages), return_exceptions=True)
        return stages

    return asyncio.run(run())


def say(text: str) -> Say:
    return Say(type="say", text=text)


def test_a_text_is_spoken():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        await stage.session.handle(say("one two three"))
        await stage.until(lambda: bool(stage.told("end")) and bool(stage.told("idle")))

    (stage,) = on_stage(scene)
    (ready,), (begin,), (end,) = stage.told("ready"), stage.told("begin"), stage.told("end")
    assert stage.items[0][1] == ready
    assert ready["names"] == list(FACE.channels)
    assert begin["generation"] == end["generation"] == 1
    assert begin["text"] == "one two three"
    assert end["sample"] == begin["start"] + round(0.6 * CLOCK_HZ)
    words = [row for told in stage.told("words") for row in told["words"]]
    assert [row[0] for row in words] == ["one", "two", "three"]
    assert [row[1] - begin["start"] for row in words] == [0, 3200, 6400]
    expected = np.repeat([level(w) for w in ("one", "two", "three")], 4800)
    np.testing.assert_allclose(stage.sound(1), expected, atol=1e-4)


def test_curves_follow_without_a_gap_through_idle_speech_and_idle():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        await stage.session.handle(say("one two three"))
        await stage.until(lambda: bool(stage.told("idle")))
        seen = len(stage.curves())
        await stage.until(lambda: len(stage.curves()) > seen + 3)

    (stage,) = on_stage(scene)
    at = 0
    for packet in stage.curves():
        assert packet.start == at
        at += len(packet.values) * 320


def test_sound_of_another_rate_is_resampled():
    async def scene(stage: Stage) -> None:
        await stage.session.handle(say("one two three"))
        await stage.until(lambda: bool(stage.told("end")))

    (stage,) = on_stage(scene, engine=FakeEngine(rate=44_100))
    assert stage.told("begin")[0]["sample_rate"] == 24_000
    middle = stage.sound(1)[2000:3000]
    np.testing.assert_allclose(middle, level("one"), atol=0.01)
    assert len(stage.sound(1)) == 14_400


def test_life_and_speech_keep_their_pace():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.timer.now() > 30)
        await stage.session.handle(say("word " * 79))
        await stage.until(lambda: bool(stage.told("end")))

    (stage,) = on_stage(scene)
    begun = next(at for at, i in stage.items if isinstance(i, dict) and i["type"] == "begin")
    start = stage.told("begin")[0]["start"]
    for at, item in stage.items:
        if isinstance(item, CurvesPacket) and item.generation == 0:
            assert item.start / CLOCK_HZ - at <= IDLE_AHEAD_S + 0.2
        if isinstance(item, SoundPacket):
            assert (item.start - start) / CLOCK_HZ - (at - begun) <= SPEECH_AHEAD_S + 0.5
    assert sum(len(p.values) for p in stage.curves() if p.generation == 0) * 0.02 >= 29


@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_ends_the_speech(times: int):
    async def scene(stage: Stage) -> None:
        await stage.session.handle(say("word " * 79))
        await stage.until(lambda: len(stage.sound(1)) > 24_000)
        for _ in range(times):
            await stage.session.handle(Stop(type="stop"))
        await stage.until(lambda: bool(stage.told("idle")))
        seen = len(stage.curves())
        await stage.until(lambda: len(stage.curves()) > seen + 2)

    (stage,) = on_stage(scene)
    assert not stage.told("end")
    place = next(k for k, (_, i) in enumerate(stage.items) if isinstance(i, dict) and i["type"] == "idle")
    after = [item for _, item in stage.items[place:]]
    assert not any(isinstance(item, SoundPacket) for item in after)
    later = [item for item in after if isinstance(item, CurvesPacket)]
    assert {packet.generation for packet in later} == {1 + times}
    assert later[0].start == stage.told("idle")[0]["start"]
    assert not np.concatenate([p.values for p in later])[:, FACE.index("jawOpen")].any()


def test_the_last_of_several_requests_wins():
    async def scene(stage: Stage) -> None:
        await stage.session.handle(say("word " * 79))
        await stage.until(lambda: len(stage.sound(1)) > 24_000)
        await stage.session.handle(say("never"))
        await stage.session.handle(say("zoo"))
        await stage.until(lambda: bool(stage.told("end")))

    (stage,) = on_stage(scene)
    assert stage.told("end")[0]["generation"] == 3
    assert len(stage.sound(2)) == 0
    np.testing.assert_allclose(stage.sound(3), np.full(4800, level("zoo")), atol=1e-4)


def test_a_stop_before_anything_is_no_matter():
    async def scene(stage: Stage) -> None:
        await stage.session.handle(Stop(type="stop"))
        await stage.session.handle(say("one"))
        await stage.until(lambda: bool(stage.told("end")))

    (stage,) = on_stage(scene)
    assert len(stage.sound(2)) == 4800


def test_a_text_that_fails_is_told_and_the_session_goes_on():
    async def scene(stage: Stage) -> None:
        await stage.session.handle(say("one fail two"))
        await stage.until(lambda: bool(stage.told("error")))
        await stage.session.handle(say("three"))
        await stage.until(lambda: bool(stage.told("end")))

    (stage,) = on_stage(scene)
    (error,) = stage.told("error")
    assert error == {
        "type": "error",
        "message": "the word 'fail' cannot be spoken; leave it out",
        "fatal": False,
    }
    assert stage.told("end")[0]["generation"] == 2


def test_a_fault_of_ours_ends_the_session():
    async def scene(stage: Stage) -> None:
        await stage.session.handle(say("crash"))
        while not stage.task.done():
            await asyncio.sleep(0)

    (stage,) = on_stage(scene)
    assert isinstance(stage.task.exception(), ZeroDivisionError)


def test_what_cannot_be_done_is_refused_at_once():
    async def scene(stage: Stage) -> None:
        with pytest.raises(InputError, match="a text may hold 400 characters, got 401"):
            await stage.session.handle(say("a" * 401))
        with pytest.raises(InputError, match="must hold words"):
            await stage.session.handle(say(" \n"))
        with pytest.raises(InputError, match=r"no sample recording '\.\./x', known are: "):
            await stage.session.handle(Sample(type="sample", name="../x"))
        with pytest.raises(SettingError, match="style must be one of"):
            await stage.session.handle(Hello(type="hello", style="sleepy"))
        assert stage.session.generation == 0

    on_stage(scene)


def test_a_client_that_reads_nothing_for_a_minute_is_sent_no_minute_of_life():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 5)
        stage.reading.clear()
        for _ in range(200):
            await asyncio.sleep(0)
        seen = len(stage.curves())
        stage.timer.seconds += 60
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(stage.curves()) <= seen + 1, "a session waits for its client, one packet on the way"
        stage.reading.set()
        at = stage.timer.now()
        await stage.until(lambda: stage.timer.now() > at + 5)
        sent = sum(len(packet.values) for packet in stage.curves()[seen:]) * 0.02
        assert 4.5 <= sent <= 6.5

    on_stage(scene)


def test_a_new_direction_is_played_by_a_new_face():
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.curves()) > 2)
        await stage.session.handle(Hello(type="hello", seed=50))
        await stage.until(lambda: stage.curves()[-1].values[-1, FACE.index("headYaw")] == 0.5)

    (stage,) = on_stage(scene)
    starts = [packet.start for packet in stage.curves()]
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
        await stage.session.handle(Hello(type="hello", emotion="joy:0.5"))
        await stage.until(lambda: smile(stage) == 0.5)
        await stage.session.handle(say(" ".join(["hello"] * 60)))
        await stage.until(lambda: len(stage.sound(1)) > 4_800)
        stage.reading.clear()  # it waits in the middle of its speech
        await stage.session.handle(Hello(type="hello", emotion="joy:0.25,fear:0.5"))
        stage.reading.set()
        await stage.until(lambda: bool(stage.told("end")))
        await stage.session.handle(Hello(type="hello"))
        await stage.until(lambda: smile(stage) == 0)
        with pytest.raises(SettingError, match="no emotion is called 'jog'"):
            await stage.session.handle(Hello(type="hello", emotion="jog"))

    (stage,) = on_stage(scene, engine=Counting())
    assert len(faces) == 1
    (begin,), (end,) = stage.told("begin"), stage.told("end")
    times = range(begin["start"], end["sample"])
    spoken = {float(packet.values[-1, SMILE]) for packet in stage.curves() if packet.start in times}
    assert spoken == {0.5, 0.25}, "it changes while it speaks"


def test_sessions_hear_nothing_of_each_other():
    texts = [" ".join([letter] * 30) for letter in "bdfhjl"]

    def scene_of(text: str) -> Callable[[Stage], Awaitable[None]]:
        async def scene(stage: Stage) -> None:
            await stage.session.handle(say(text))
            await stage.until(lambda: bool(stage.told("end")))

        return scene

    for stage, text in zip(on_stage(*(scene_of(text) for text in texts)), texts, strict=True):
        np.testing.assert_allclose(stage.sound(1), np.full(144_000, level(text)), atol=1e-4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"type": "dance"}', "does not match any of the expected tags"),
        ('{"type": "say"}', "say.text: Field required"),
        ('{"type": "say", "text": 3}', "say.text: Input should be a valid string"),
        ('{"type": "stop", "x": 1}', "stop.x: Extra inputs"),
        ('{"type": "hello", "strength": 9}', "hello.strength: Input should be less than or equal to 2"),
        ('{"type": "say", "text": "' + "a" * 40_000 + '"}', "a message may hold 32768 bytes, got 40027"),
    ],
)
def test_messages_that_mean_nothing_are_refused(text: str, said: str):
    with pytest.raises(MessageError, match=said):
        parse_message(text)
