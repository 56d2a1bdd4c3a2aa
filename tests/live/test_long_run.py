"""Hours in moments: nothing grows, whatever a sink does, and nobody hears what is long past."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from rhapsode.errors import AudioError, PacketError, SettingError
from rhapsode.live.ear import LIMIT_S, Ear
from rhapsode.live.gate import Mix
from rhapsode.live.items import CurvesItem, SoundItem
from rhapsode.live.playout import KEPT_S, Playout
from rhapsode.live.session import Session
from rhapsode.live.show import Show
from rhapsode.live.sinks.sink import SinkOptions
from rhapsode.live.timeline import Timeline
from rhapsode.performance import CLOCK_HZ, Float32
from rhapsode.protocols.frame import FaceFrame
from tests.live.fake import FakeEngine
from tests.live.test_runner import FakeSink, now, shown
from tests.live.virtual import play


class Idle:
    """A mix that mixes nothing in."""

    def mix(self, item: CurvesItem, due: float, now: float) -> CurvesItem:
        return item

    def hear(self, start: int, samples: Float32, sample_rate: int) -> None:
        pass

    def interrupted(self) -> None:
        pass


class Forgetful(FakeSink):
    """Keeps only what it was given last."""

    async def show(self, frame: FaceFrame) -> None:
        await super().show(frame)
        self.frames, self.sounds = self.frames[-1:], self.sounds[-1:]


def sizes(of: Any, seen: set[int]) -> int:
    """Return how many things the containers below ``of`` hold, sound by its samples."""
    if id(of) in seen or isinstance(of, str | bytes | int | float | type):
        return 0
    seen.add(id(of))
    if isinstance(of, np.ndarray):
        return of.size
    if isinstance(of, dict):
        return len(of) + sum(sizes(one, seen) for one in of.values())
    if hasattr(of, "__iter__") and hasattr(of, "__len__"):
        return len(of) + sum(sizes(one, seen) for one in of)
    if type(of).__module__.startswith(("rhapsode", "tests")):
        return sizes(vars(of), seen) if hasattr(of, "__dict__") else 0
    return 0


@pytest.mark.slow
@pytest.mark.parametrize("mix", [None, Idle()])
def test_nothing_grows_while_a_microphone_is_on(mix: Mix | None):
    sinks = [Forgetful(), Forgetful(30), Forgetful(50, sound=True), Forgetful(broken_until=1e9)]
    sinks += [Forgetful(50, sound=True, broken_until=1e9), Forgetful(slow_s=3.0)]
    held: list[int] = []

    async def scene(session: Session) -> None:
        if mix is not None:
            session.add_mix(mix)
        session.listen(16_000)
        rng = np.random.default_rng(1)
        for k in range(2 * 60 * 25):
            await asyncio.sleep(0.04)
            session.hear(rng.uniform(-0.3, 0.3, 640).astype(np.float32))
            if k % 1500 == 1499:
                held.append(sum(sizes(outlet, set()) for outlet in session._outlets._attached))
                held[-1] += sizes(session._outlets._recent, set()) + sizes(session._ear, set())

    shown(sinks, scene)  # type: ignore[arg-type]
    assert held[-1] < 1.1 * held[0] + 100_000, held


def test_sound_that_nobody_takes_is_not_kept():
    playout = Playout(Timeline())
    for k in range(4 * 3600 * 2):
        at = k * CLOCK_HZ // 2
        playout.offer(CurvesItem(0, at, np.zeros((25, 61), np.float32)))
        playout.offer(SoundItem(0, at, np.zeros(12_000, np.float32), 24_000))
        playout.follow(k / 2)
    assert len(playout._sounds) <= 2 * KEPT_S + 1


def test_a_sink_that_comes_back_goes_on_with_what_is_due():
    steady, broken = FakeSink(50, sound=True), FakeSink(50, sound=True)
    broken.breaks_at = 3.0

    async def scene(session: Session) -> None:
        session.say(" ".join(["zoo", "quiet"] * 25))
        await asyncio.sleep(2.5)
        broken.broken_until = 5.0
        await asyncio.sleep(6)

    shown([steady, broken], scene)
    heard = {round(at, 2): sound for at, sound in steady.sounds}
    later = [(at, sound) for at, sound in broken.sounds if at > 6.5]
    assert len(later) > 30
    for at, sound in later:
        near = [heard[round(at + k * 0.02, 2)] for k in (-1, 0, 1) if round(at + k * 0.02, 2) in heard]
        assert any(np.allclose(sound, other, atol=0.05) for other in near), "in step with the others"


def test_a_sink_served_ten_seconds_late_sees_all_of_a_speech():
    sink = FakeSink()

    async def scene(session: Session) -> None:
        session.say("zoo " * 90)
        await asyncio.sleep(30)

    shown([sink], scene, offset_s=10.0)
    assert (sink.jaws() > 0.6).sum() == pytest.approx(900, abs=6)


@pytest.mark.parametrize("where", ["open", "show", "close"])
def test_a_fault_of_one_sink_is_told_and_no_matter_of_the_others(where: str):
    class Faulty(FakeSink):
        def fail(self, here: str) -> None:
            if here == where:
                raise ZeroDivisionError("a fault of our own")

        async def open(self) -> None:
            self.fail("open")

        async def show(self, frame: FaceFrame) -> None:
            self.fail("show")
            raise ConnectionResetError("it is gone")

        async def close(self) -> None:
            self.fail("close")

    other = FakeSink()
    show = shown([Faulty(), other], lambda session: asyncio.sleep(3))
    status = show.statuses[0]  # type: ignore[attr-defined]
    assert status.state in ("failed", "connecting")
    assert "a fault of our own" in str(status.error) or where == "close"
    assert len(other.frames) > 140


def test_a_moment_that_cannot_be_sent_is_left_out():
    class Picky(FakeSink):
        async def show(self, frame: FaceFrame) -> None:
            if 1.0 < now() < 1.1:
                raise PacketError("got NaN")
            await super().show(frame)

    sink = Picky()
    show = shown([sink], lambda session: asyncio.sleep(3))
    assert sink.opened == 1
    assert sink.frames[-1][0] > 2.9
    assert 4 <= show.statuses[0].dropped <= 6  # type: ignore[attr-defined]


def test_a_source_waits_until_sinks_with_sound_are_there(monkeypatch):
    class Late(FakeSink):
        async def open(self) -> None:
            await asyncio.sleep(3)

    late, never = Late(50, sound=True), FakeSink(50, sound=True, broken_until=1e9)
    made = {"late": late, "never": never}
    monkeypatch.setattr("rhapsode.live.show.open_sink", lambda url: (made[url], SinkOptions()))

    class Say:
        async def run(self, session: Session) -> None:
            session.say("zoo zoo")
            await asyncio.sleep(2)

    async def scene() -> None:
        await asyncio.wait_for(Show(FakeEngine(), ["late", "never"]).run(Say()), 20)

    play(scene())
    heard = np.concatenate([samples for _, samples in late.sounds])
    assert (np.abs(heard) > 0.6).sum() == pytest.approx(9600, abs=30)


def test_a_file_is_recorded_once():
    with pytest.raises(SettingError, match="twice"):
        Show(FakeEngine(), ["file:/tmp/a.npz", "file:///tmp/a.npz?rig=arkit"])


def test_a_long_chunk_is_taken_in_pieces_and_one_without_channels_is_none():
    ear = Ear(48_000)
    ear.hear(np.ones(48_000 * 4, np.float32), 0.0)
    pieces = []
    while (heard := ear.next(0.0)) is not None:
        pieces.append(len(heard.samples))
    assert max(pieces) <= 9_600
    assert sum(pieces) == 48_000 * 4
    ear.hear(np.ones(48_000 * 9, np.float32), 0.0)
    assert ear.lost_s == pytest.approx(9 - LIMIT_S, abs=0.11), "the newest is kept"
    with pytest.raises(AudioError, match="shape"):
        ear.hear(np.zeros((10, 0), np.float32), 0.0)


def test_rates_of_a_microphone_may_change_and_the_face_goes_on():
    sink = FakeSink()

    async def scene(session: Session) -> None:
        for rate in (48_000, 16_000, 44_100):
            session.listen(rate)
            for _ in range(50):
                await asyncio.sleep(0.02)
                session.hear(np.full(rate // 50, 0.8, np.float32))
            assert session.work_ms.spread is not None
        session.deafen()
        await asyncio.sleep(1)

    shown([sink], scene)
    assert (sink.jaws() > 0.7).sum() > 110
    assert sink.jaws()[-1] < 0.01
    assert Fraction(50) * 4 - len(sink.frames) < 30
