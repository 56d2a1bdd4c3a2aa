"""The face as LiveKit Agents drive it: order, sync, interruption, a runner in a room that is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("livekit.agents", reason="the extra livekit is not installed")

from livekit.agents.voice.avatar import AudioSegmentEnd, AvatarRunner, QueueAudioOutput

from livekit import rtc
from rhapsode.errors import SettingError
from rhapsode.livekit import AvatarSession, FaceVideo
from rhapsode.livekit.hops import HOP_SAMPLES, Hops
from rhapsode.protocols.frame import FaceFrame
from tests.live.fake import JAW, LOOK_AHEAD, FakeEngine, FakeFace

LOUD = 0.25
FPS = 25


class FakePainter:
    """A picture's first byte is how far the mouth is open, of 200."""

    def __init__(self) -> None:
        self.rested = False

    async def ready(self) -> None:
        pass

    async def paint(self, frame: FaceFrame, then: Callable[[NDArray[np.uint8]], Any]) -> Any:
        picture = np.zeros((16, 16, 4), np.uint8)
        picture[0, 0, 0] = round(float(frame.values[JAW]) * 200)
        return then(picture)

    def rest(self) -> None:
        self.rested = True


def video(fps: int = FPS) -> FaceVideo:
    return FaceVideo(size=(16, 16), fps=fps, engine=FakeEngine(), painter=FakePainter())


def sound(seconds: float, *, rate: int = 24_000, channels: int = 1, level: float = LOUD) -> rtc.AudioFrame:
    n = round(seconds * rate)
    y = np.full(n * channels, level * 32767, np.int16)
    return rtc.AudioFrame(y.tobytes(), rate, channels, n)


def mouth(frame: rtc.VideoFrame) -> float:
    return bytes(frame.data)[0] / 200


async def take(frames: Any, until: Callable[[list[Any]], bool]) -> list[Any]:
    taken: list[Any] = []
    while not until(taken):
        taken.append(await anext(frames))
    return taken


def seconds_of(taken: list[Any]) -> float:
    return sum(f.duration for f in taken if isinstance(f, rtc.AudioFrame))


@pytest.mark.parametrize(("rate", "channels", "fps"), [(24_000, 1, 25), (48_000, 2, 25), (16_000, 1, 30)])
def test_each_picture_comes_with_its_sound_and_the_segment_ends_behind_it(rate: int, channels: int, fps: int):
    async def scene() -> list[Any]:
        face = video(fps)
        for _ in range(7):
            await face.push_audio(sound(0.1, rate=rate, channels=channels))
        await face.push_audio(AudioSegmentEnd())
        frames = aiter(face)
        taken = await take(frames, lambda t: bool(t) and isinstance(t[-1], AudioSegmentEnd))
        return taken + await take(frames, lambda t: len(t) == 20)

    taken = asyncio.run(scene())
    assert seconds_of(taken) == pytest.approx(0.7, abs=1e-3)
    assert sum(isinstance(f, AudioSegmentEnd) for f in taken) == 1
    end = next(k for k, f in enumerate(taken) if isinstance(f, AudioSegmentEnd))
    assert all(isinstance(f, rtc.VideoFrame) for f in taken[end + 1 :])
    assert sum(isinstance(f, rtc.VideoFrame) for f in taken[:end]) == pytest.approx(0.7 * fps, abs=3)
    heard = 0.0
    for f in taken[:end]:  # a picture shows the mouth of the sound that is heard with it
        if isinstance(f, rtc.AudioFrame):
            heard += f.duration
        elif 0.06 < heard < 0.66:
            assert mouth(f) == pytest.approx(LOUD, abs=0.02)
    assert mouth(taken[-1]) == 0
    levels = np.concatenate([np.frombuffer(f.data, np.int16) for f in taken if isinstance(f, rtc.AudioFrame)])
    assert np.median(levels) == pytest.approx(LOUD * 32767, rel=0.01)


def test_sound_of_a_rate_that_is_kept_is_not_changed():
    y = np.random.default_rng(1).integers(-9000, 9000, 24_000 // 3, dtype=np.int16)

    async def scene() -> list[Any]:
        face = video()
        await face.push_audio(rtc.AudioFrame(y.tobytes(), 24_000, 1, len(y)))
        await face.push_audio(AudioSegmentEnd())
        return await take(aiter(face), lambda t: bool(t) and isinstance(t[-1], AudioSegmentEnd))

    parts = [np.frombuffer(f.data, np.int16) for f in asyncio.run(scene()) if isinstance(f, rtc.AudioFrame)]
    assert np.array_equal(np.concatenate(parts), y)


def test_an_interruption_drops_the_sound_and_closes_the_mouth():
    async def scene() -> tuple[list[Any], list[Any]]:
        face = video()
        frames = aiter(face)
        for _ in range(50):
            await face.push_audio(sound(0.1))
        before = await take(frames, lambda t: seconds_of(t) > 1)
        face.clear_buffer()
        after = await take(frames, lambda t: len(t) == 25)
        await face.push_audio(sound(0.3))
        await face.push_audio(AudioSegmentEnd())
        after += await take(frames, lambda t: isinstance(t[-1], AudioSegmentEnd) if t else False)
        return before, after

    before, after = asyncio.run(scene())
    assert mouth([f for f in before if isinstance(f, rtc.VideoFrame)][-1]) == pytest.approx(LOUD, abs=0.01)
    quiet = after[:25]
    assert all(isinstance(f, rtc.VideoFrame) for f in quiet)
    closing = [mouth(f) for f in quiet]
    assert closing[0] <= LOUD
    assert closing[5:] == [0] * 20  # closed within 0.2 s
    assert seconds_of(after) == pytest.approx(0.3)  # nothing of the old


@pytest.mark.slow
def test_sound_does_not_wait_for_pictures_that_are_drawn_too_slowly():
    class Slow(FakePainter):
        async def paint(self, frame: FaceFrame, then: Callable[[NDArray[np.uint8]], Any]) -> Any:
            await asyncio.sleep(0.1)
            return await super().paint(frame, then)

    async def scene() -> list[Any]:
        face = FaceVideo(size=(16, 16), fps=FPS, engine=FakeEngine(), painter=Slow())
        await face.push_audio(sound(1))
        await face.push_audio(AudioSegmentEnd())
        frames = aiter(face)
        taken = await take(frames, lambda t: bool(t) and isinstance(t[-1], rtc.AudioFrame))
        begun = asyncio.get_running_loop().time()
        while not isinstance(taken[-1], AudioSegmentEnd):
            taken.append(await anext(frames))
            ahead = seconds_of(taken) - (asyncio.get_running_loop().time() - begun)
            await asyncio.sleep(max(ahead - 0.1, 0))  # a queue of 0.1 s, as LiveKit has
        return taken

    taken = asyncio.run(scene())
    assert 4 < sum(isinstance(f, rtc.VideoFrame) for f in taken) < 20  # the sound would wait for all 25


def test_late_sound_is_waited_for_without_a_gap_in_the_pictures():
    async def scene() -> list[Any]:
        face = video()
        frames = aiter(face)
        await face.push_audio(sound(0.2))
        taken = await take(frames, lambda t: sum(isinstance(f, rtc.VideoFrame) for f in t) == 20)
        await face.push_audio(sound(0.2))
        await face.push_audio(AudioSegmentEnd())
        return taken + await take(frames, lambda t: bool(t) and isinstance(t[-1], AudioSegmentEnd))

    taken = asyncio.run(scene())
    assert seconds_of(taken) == pytest.approx(0.4)
    assert sum(isinstance(f, AudioSegmentEnd) for f in taken) == 1


def test_moments_lag_as_far_as_the_face_looks_ahead_and_no_farther():
    from rhapsode.face.direction import Direction

    hops = Hops(FakeFace(Direction()))
    for _ in range(10):
        hops.next()
    hops.push(np.full(HOP_SAMPLES * 5, LOUD, np.float32), 24_000)
    silent = 0
    while not len(hops.next().sound):
        silent += 1
    assert silent == LOOK_AHEAD


class FakeParticipant:
    """Publishes nothing, and says what it was told to."""

    identity = "agent"

    def __init__(self) -> None:
        self.published: list[Any] = []

    async def publish_track(self, track: Any, options: Any) -> Any:
        self.published.append(track)
        return self

    async def wait_for_subscription(self) -> None:
        pass


class FakeRoom(rtc.EventEmitter[str]):  # type: ignore[misc]
    """A room without a server."""

    def __init__(self) -> None:
        super().__init__()
        self.local_participant = FakeParticipant()
        self.remote_participants: dict[str, Any] = {}
        self.name = "nowhere"

    def isconnected(self) -> bool:
        return True


@pytest.mark.slow
def test_a_runner_of_livekit_plays_it_at_its_pace_and_tells_when_it_is_over():
    async def scene() -> tuple[list[Any], float, Any, FakeRoom]:
        room, face, told = FakeRoom(), video(), []
        output = QueueAudioOutput(sample_rate=24_000, wait_playback_start=True)
        output.on("playback_started", lambda *_: told.append(("started", time.monotonic())))
        output.on("playback_finished", lambda e: told.append((e.interrupted, e.playback_position)))
        runner = AvatarRunner(room, audio_recv=output, video_gen=face, options=face.options)  # type: ignore[arg-type]
        await runner.start()
        for _ in range(10):
            await output.capture_frame(sound(0.1))
        output.flush()
        async with asyncio.timeout(10):
            await output.wait_for_playout()
        rate = runner.av_sync.actual_fps
        for _ in range(50):
            await output.capture_frame(sound(0.1))
        await asyncio.sleep(0.8)
        output.clear_buffer()
        output.flush()
        async with asyncio.timeout(10):
            await output.wait_for_playout()
        await runner.aclose()
        return told, rate, face, room

    told, rate, _, room = asyncio.run(scene())
    finished = [row for row in told if row[0] != "started"]
    assert [row[0] for row in finished] == [False, True]
    assert finished[0][1] == pytest.approx(1.0, abs=0.01)
    assert 0 < finished[1][1] < 5, "it was interrupted while it was heard"
    assert 0 < rate < 35, "not faster than they are due, however late a busy machine is"
    assert len(room.local_participant.published) == 2


class FakeAgentSession:
    """What an avatar needs of an agent's session."""

    def __init__(self) -> None:
        self.tail: Any = None
        self.output = self
        self.listeners: list[str] = []

    def replace_audio_tail(self, sink: Any) -> None:
        self.tail = sink

    def on(self, event: str, *_: Any) -> None:
        self.listeners.append(event)

    def off(self, event: str, *_: Any) -> None:
        self.listeners.remove(event)


def test_an_agent_gets_its_face_in_one_line_and_leaves_nothing_behind():
    async def scene() -> tuple[FakeAgentSession, FakeRoom, Any]:
        agent, room, face = FakeAgentSession(), FakeRoom(), video()
        avatar = AvatarSession(face)
        await avatar.start(agent, room=room)  # type: ignore[arg-type]
        assert avatar.avatar_identity == "agent"
        await agent.tail.capture_frame(sound(0.3))
        agent.tail.flush()
        async with asyncio.timeout(10):
            await agent.tail.wait_for_playout()
        await avatar.aclose()
        return agent, room, face

    agent, room, face = asyncio.run(scene())
    assert isinstance(agent.tail, QueueAudioOutput)
    assert agent.listeners == []
    assert not any(room._events.values())
    assert face._painter.rested


def test_options_that_cannot_be_are_told_when_the_face_is_made():
    with pytest.raises(SettingError, match="size"):
        FaceVideo(size=(3, 3))


@pytest.mark.slow
def test_the_product_itself_draws_a_face_for_an_agent():
    async def scene() -> list[Any]:
        face = FaceVideo(size=(128, 128))
        await face.push_audio(sound(0.2))
        await face.push_audio(AudioSegmentEnd())
        taken = await take(aiter(face), lambda t: bool(t) and isinstance(t[-1], AudioSegmentEnd))
        face.aclose()
        return taken

    taken = asyncio.run(scene())
    picture = next(f for f in taken if isinstance(f, rtc.VideoFrame))
    assert (picture.width, picture.height) == (128, 128)
    assert np.ptp(np.frombuffer(picture.data, np.uint8)) > 100
    assert seconds_of(taken) == pytest.approx(0.2)
