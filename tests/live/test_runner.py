"""Sinks that are fast, slow, dead and late, all on one session in virtual time."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import numpy as np
import pytest

from rhapsode.errors import MissingExtraError, SinkError
from rhapsode.live.runner import SinkRunner
from rhapsode.live.session import Session
from rhapsode.live.sinks.sink import SinkOptions
from rhapsode.performance import CLOCK_HZ, Float32
from rhapsode.protocols.frame import FaceFrame
from tests.live.fake import FakeEngine, level
from tests.live.virtual import Inline, play


class FakeSink:
    """Remembers what it is given and when; ``slow_s`` for each moment, ``broken`` until a time."""

    def __init__(
        self, rate: int | None = None, *, sound: bool = False, slow_s: float = 0.0, broken_until: float = 0.0
    ) -> None:
        self.rate_hz = None if rate is None else Fraction(rate)
        self.wants_sound = sound
        self.slow_s, self.broken_until = slow_s, broken_until
        self.frames: list[tuple[float, FaceFrame]] = []
        self.sounds: list[tuple[float, Float32]] = []
        self.opened = self.closed = self.flushed = 0
        self.breaks_at: float | None = None

    async def open(self) -> None:
        self.opened += 1
        if now() < self.broken_until:
            raise SinkError("nobody listens")

    async def show(self, frame: FaceFrame) -> None:
        if self.breaks_at is not None and now() >= self.breaks_at:
            self.breaks_at = None
            raise ConnectionResetError("it is gone")
        await asyncio.sleep(self.slow_s)
        self.frames.append((now(), frame))

    async def hear(self, samples: Float32) -> None:
        self.sounds.append((now(), samples))

    async def flush(self) -> None:
        self.flushed += 1

    async def close(self) -> None:
        self.closed += 1

    def jaws(self) -> np.ndarray:
        return np.array([frame["jawOpen"] for _, frame in self.frames])


def now() -> float:
    return asyncio.get_running_loop().time()


class Show:
    """A session with sinks."""

    def __init__(self, *sinks: FakeSink, offset_s: float = 0.0) -> None:
        self.session = Session(FakeEngine(), Inline())
        self.runners = [
            SinkRunner("fake://", s, self.session.timeline, SinkOptions(offset_s=offset_s)) for s in sinks
        ]
        for runner in self.runners:
            self.session.attach(runner)
        jobs = (self.session.run(), *(runner.run() for runner in self.runners))
        self.tasks = [asyncio.ensure_future(job) for job in jobs]

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def shown(sinks: list[FakeSink], scene, *, offset_s: float = 0.0) -> Show:  # type: ignore[no-untyped-def]
    async def run() -> Show:
        show = Show(*sinks, offset_s=offset_s)
        await scene(show.session)
        show.statuses = [runner.status for runner in show.runners]  # type: ignore[attr-defined]
        await show.end()
        return show

    return play(run())


async def say_two_seconds(session: Session) -> None:
    await asyncio.sleep(1)
    session.say("zoo " * 10)
    await asyncio.sleep(4)


def test_every_curve_frame_is_shown_once_at_its_time():
    sink = FakeSink()
    shown([sink], say_two_seconds)
    times = np.array([at for at, _ in sink.frames])
    starts = np.array([f.sample_index for _, f in sink.frames]) / CLOCK_HZ
    late = times - starts
    steps = np.diff(starts)
    assert np.all(steps > 0)
    assert np.count_nonzero(steps > 0.0201) <= 3, "only where speech cuts life short"
    speaking = sink.jaws() > 0.6
    assert 98 <= speaking.sum() <= 102
    assert np.ptp(late[speaking]) < 0.002, "at the pace of the sound"


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_a_sink_has_its_own_rate(rate: int):
    sink = FakeSink(rate)
    shown([sink], say_two_seconds)
    assert len(sink.frames) == pytest.approx(5 * rate, abs=2)
    assert (sink.jaws() > 0.6).sum() == pytest.approx(2 * rate, abs=rate / 15 + 1), "it fades in"


def test_an_offset_makes_it_later():
    plain, later = FakeSink(), FakeSink()
    shown([plain], say_two_seconds)
    shown([later], say_two_seconds, offset_s=0.12)

    def begins(sink: FakeSink) -> float:
        return next(at for at, frame in sink.frames if frame["jawOpen"] > 0.6)

    assert begins(later) - begins(plain) == pytest.approx(0.12, abs=0.021)


def test_sound_is_given_without_a_gap_with_the_faces_it_belongs_to():
    sink = FakeSink(30, sound=True)
    shown([sink], say_two_seconds)
    y = np.concatenate([samples for _, samples in sink.sounds])
    spoken = np.flatnonzero(y > 0.1)
    assert len(spoken) == 48_000
    assert spoken[-1] - spoken[0] + 1 == 48_000, "in one piece"
    np.testing.assert_allclose(y[spoken], level("zoo"), atol=1e-4)
    opens = np.flatnonzero(sink.jaws() > 0.3)
    assert abs(opens[0] * 800 - spoken[0]) <= 1200, "lips within a video frame and a half of the sound"
    assert len(y) == pytest.approx(5 * 24_000, abs=1600)


def test_a_slow_sink_drops_frames_and_slows_no_other():
    slow, fast = FakeSink(slow_s=0.15), FakeSink()
    show = shown([slow, fast], say_two_seconds)
    assert len(fast.frames) > 5 * len(slow.frames) > 50
    newest = [at - f.sample_index / CLOCK_HZ for at, f in slow.frames[2:]]
    assert np.ptp(newest) < 0.6, "it shows what is due, not what was"
    assert show.statuses[0].dropped > 100  # type: ignore[attr-defined]
    assert show.statuses[1].dropped <= 30  # type: ignore[attr-defined]


def test_a_slow_sink_with_sound_loses_pictures_but_no_sound():
    sink = FakeSink(30, sound=True, slow_s=0.1)
    shown([sink], say_two_seconds)
    y = np.concatenate([samples for _, samples in sink.sounds])
    assert (y > 0.1).sum() == 48_000
    assert len(y) == pytest.approx(5 * 24_000, abs=4800)
    assert len(sink.frames) < 60


def test_a_sink_that_hangs_is_opened_anew():
    sink = FakeSink(30, sound=True, slow_s=60)
    show = shown([sink], lambda session: asyncio.sleep(25))
    assert 2 <= sink.opened <= 5
    assert sink.closed >= 1
    assert "did not answer in time" in str(show.statuses[0].error)  # type: ignore[attr-defined]


def test_a_dead_sink_is_tried_again_until_it_lives():
    dead, alive = FakeSink(broken_until=3.0), FakeSink()
    show = shown([dead, alive], lambda session: asyncio.sleep(12))
    assert 3 <= dead.opened <= 6
    assert len(dead.frames) > 200
    assert len(alive.frames) > 550
    assert show.statuses[0].state == "open"  # type: ignore[attr-defined]


def test_a_connection_that_breaks_comes_back():
    sink = FakeSink()
    sink.breaks_at = 2.0
    shown([sink], lambda session: asyncio.sleep(5))
    assert sink.opened == 2
    gap = np.diff([at for at, _ in sink.frames]).max()
    assert 0.4 < gap < 0.8


def test_a_sink_that_can_never_work_is_given_up():
    class Missing(FakeSink):
        async def open(self) -> None:
            self.opened += 1
            raise MissingExtraError("aiortc", "webrtc")

    sink = Missing()
    show = shown([sink], lambda session: asyncio.sleep(20))
    assert sink.opened == 1
    status = show.statuses[0]  # type: ignore[attr-defined]
    assert status.state == "failed"
    assert "pip install 'rhapsode[webrtc]'" in str(status.error)


@pytest.mark.parametrize("rate", [None, 30])
def test_an_interruption_reaches_sinks_within_two_hundred_milliseconds(rate: int | None):
    sink = FakeSink(rate, sound=rate is not None)

    async def scene(session: Session) -> None:
        session.say("zoo " * 100)
        await asyncio.sleep(3)
        session.interrupt()
        await asyncio.sleep(1)

    shown([sink], scene)
    jaws = sink.jaws()
    times = np.array([at for at, _ in sink.frames])
    assert (jaws[(times > 2) & (times < 3)] > 0.6).all()
    assert (jaws[times > 3.2] < 0.02).all()
    assert sink.flushed >= 1
    for at, samples in sink.sounds:
        if at > 3.05:
            assert not samples.any()


def test_latency_of_a_microphone_is_told():
    sink = FakeSink()

    async def scene(session: Session) -> None:
        session.listen(48_000)
        for _ in range(100):
            await asyncio.sleep(0.02)
            session.hear(np.full(960, 0.5, np.float32))

    show = shown([sink], scene)
    status = show.statuses[0]  # type: ignore[attr-defined]
    assert status.latency_ms is not None
    assert 60 <= status.latency_ms[1] <= 120, "the fake face looks 80 ms ahead"
