"""A live session in a file: as it was due, complete after cancellation, or not there at all."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rhapsode.formats.npz
from rhapsode.errors import FormatError, SettingError
from rhapsode.formats import load
from rhapsode.live.runner import SinkRunner, SinkStatus
from rhapsode.live.session import Session
from rhapsode.live.sinks.recorder import Recorder
from rhapsode.live.sinks.registry import open_sink
from rhapsode.performance import Performance
from rhapsode.protocols.frame import FaceFrame
from rhapsode.rigs import FACE
from tests.live.fake import FakeEngine, level
from tests.live.virtual import Inline, play


def record(url: str, scene: Any) -> SinkStatus:
    """Record ``scene`` in virtual time."""

    async def run() -> SinkStatus:
        session = Session(FakeEngine(), Inline())
        sink, options = open_sink(url)
        runner = SinkRunner(url, sink, session.timeline, options)
        session.attach(runner)
        tasks = [asyncio.ensure_future(runner.run())]
        while runner.status.state == "connecting":
            await asyncio.sleep(0)  # the thread of the recorder knows no virtual time
        tasks.append(asyncio.ensure_future(session.run()))
        await scene(session)
        for task in tasks:
            task.cancel()
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
        return runner.status

    return play(run())


async def two_words(session: Session) -> None:
    await asyncio.sleep(1)
    session.say("zoo zoo")
    await asyncio.sleep(2)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def sound_of(made: Performance) -> np.ndarray:
    assert made.sound is not None
    return made.sound.mono()


def test_a_session_is_recorded_as_it_was_due(tmp_path: Path):
    path = tmp_path / "a take.npz"
    status = record(f"file://{tmp_path}/a%20take.npz", two_words)
    assert status.state == "closed"
    assert status.error is None
    made = load(path)
    y, jaw = sound_of(made), made.face["jawOpen"]
    assert made.face.names == FACE.channels
    assert made.face.start == 0
    assert len(made.face) == pytest.approx(150, abs=3)
    assert len(y) == len(made.face) * 480, "sound and face end together"
    spoken = np.flatnonzero(y > 0.1)
    assert len(spoken) == 9600
    assert spoken[-1] - spoken[0] + 1 == 9600, "in one piece"
    np.testing.assert_allclose(y[spoken], level("zoo"), atol=1e-4)
    opens = np.flatnonzero(jaw > level("zoo") / 2)
    assert abs(opens[0] * 480 - spoken[0]) <= 480
    assert abs(opens[-1] * 480 - spoken[-1]) <= 960


def test_an_interruption_is_recorded(tmp_path: Path):
    async def scene(session: Session) -> None:
        session.say("zoo " * 50)
        await asyncio.sleep(2)
        session.interrupt()
        await asyncio.sleep(1)

    record(f"file://{tmp_path}/take.npz", scene)
    made = load(tmp_path / "take.npz")
    y, jaw = sound_of(made), made.face["jawOpen"]
    spoken = np.flatnonzero(y > 0.1)
    assert len(spoken) == pytest.approx(2 * 24_000, abs=4800)
    assert len(y) == pytest.approx(3 * 24_000, abs=1200)
    assert jaw[spoken[-1] // 480 + 10 :].max() < 0.02


@pytest.mark.parametrize("name", ["take.json", "take.csv", "take.wav", "take.vrma"])
def test_any_format_that_is_written_can_be_recorded(tmp_path: Path, name: str):
    status = record(f"file://{tmp_path}/{name}", two_words)
    assert status.error is None
    assert left_in(tmp_path) == [name]
    if name == "take.wav":
        import soundfile

        y, rate = soundfile.read(tmp_path / name)
        assert rate == 24_000
        assert (y > 0.1).sum() == 9600
    else:
        assert load(tmp_path / name).face["jawOpen"].max() > 0.3


def test_a_path_can_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert record("file:take.json?rig=face", two_words).error is None
    assert left_in(tmp_path) == ["take.json"]
    assert "headYaw" in load("take.json").face


def frame(jaw: float) -> FaceFrame:
    values = np.zeros(len(FACE), np.float32)
    values[FACE.index("jawOpen")] = jaw
    return FaceFrame(0, values)


def sink_at(url: str) -> Recorder:
    sink, _ = open_sink(url)
    assert isinstance(sink, Recorder)
    return sink


def test_moments_that_were_left_out_lie_between_their_neighbours(tmp_path: Path):
    async def run() -> None:
        sink = sink_at(f"file://{tmp_path}/take.npz")
        await sink.open()
        for jaw, hops in ((0.0, 1), (0.1, 4), (0.5, 1), (0.6, 2)):
            await sink.show(frame(jaw))
            await sink.hear(np.full(480 * hops, jaw, np.float32))
        await sink.close()

    asyncio.run(run())
    made = load(tmp_path / "take.npz")
    np.testing.assert_allclose(made.face["jawOpen"], [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6], atol=1e-6)
    assert len(sound_of(made)) == 8 * 480


def test_another_rate_comes_onto_the_grid(tmp_path: Path):
    async def run() -> None:
        sink = sink_at(f"file://{tmp_path}/take.npz?rate=30")
        await sink.open()
        for k in range(30):
            await sink.show(frame(k / 60))
            await sink.hear(np.zeros(800, np.float32))
        await sink.close()

    asyncio.run(run())
    made = load(tmp_path / "take.npz")
    jaw = made.face["jawOpen"]
    np.testing.assert_allclose(jaw[:29], np.arange(29) / 60, atol=1e-5)
    assert made.face.rate == 30


def test_what_is_no_number_becomes_rest_and_silence(tmp_path: Path):
    async def run() -> None:
        sink = sink_at(f"file://{tmp_path}/take.npz")
        await sink.open()
        await sink.show(frame(float("nan")))
        await sink.hear(np.array([np.nan, np.inf, -np.inf, 4.0] * 120, np.float32))
        await sink.close()

    asyncio.run(run())
    made = load(tmp_path / "take.npz")
    assert not made.face.values.any()
    np.testing.assert_allclose(sound_of(made)[:4], [0, 0, 0, 1])


def test_a_recording_that_goes_on_overwrites_nothing(tmp_path: Path):
    async def run() -> None:
        sink = sink_at(f"file://{tmp_path}/take.npz")
        for _ in range(3):
            await sink.open()
            await sink.show(frame(0.5))
            await sink.hear(np.zeros(480, np.float32))
            await sink.close()
            await sink.close()

    asyncio.run(run())
    assert left_in(tmp_path) == ["take-2.npz", "take-3.npz", "take.npz"]


def test_a_slow_writer_loses_nothing_even_if_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import time

    slow = rhapsode.formats.npz.NpzWriter.write

    def write(self: Any, part: Performance) -> None:
        time.sleep(0.05)
        slow(self, part)

    monkeypatch.setattr(rhapsode.formats.npz.NpzWriter, "write", write)

    async def run() -> None:
        sink = sink_at(f"file://{tmp_path}/take.npz")
        await sink.open()
        for k in range(500):
            await sink.show(frame(k / 1000))
            await sink.hear(np.zeros(480, np.float32))
        closing = asyncio.create_task(sink.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await sink.close()

    asyncio.run(run())
    made = load(tmp_path / "take.npz")
    np.testing.assert_allclose(made.face["jawOpen"], np.arange(500) / 1000, atol=1e-6)


def test_a_full_disk_reaches_the_status_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def write(self: Any, part: Performance) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(rhapsode.formats.npz.NpzWriter, "write", write)
    status = record(f"file://{tmp_path}/take.npz", two_words)
    assert status.state == "failed"
    assert "No space left on device" in str(status.error)
    assert left_in(tmp_path) == []


def test_a_disk_that_is_full_at_the_end_reaches_the_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def close(self: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(rhapsode.formats.npz.NpzWriter, "close", close)
    status = record(f"file://{tmp_path}/take.npz", two_words)
    assert status.state == "failed"
    assert "No space left on device" in str(status.error)
    assert left_in(tmp_path) == []


def test_a_folder_that_is_missing_is_given_up(tmp_path: Path):
    status = record(f"file://{tmp_path}/no/take.npz", two_words)
    assert status.state == "failed"
    assert "make the folder first" in str(status.error)


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("file:///take.xyz", FormatError, "xyz"),
        ("file://elsewhere/take.npz", SettingError, "elsewhere"),
        ("file:", SettingError, "needs a path"),
        ("file:///take.mp4?size=17", SettingError, "size"),
        ("file:///take.mp4?colour=red", SettingError, "colour"),
    ],
)
def test_a_wrong_url_is_refused_at_once(url: str, kind: type[Exception], words: str):
    with pytest.raises(kind, match=words):
        open_sink(url)


def test_an_unknown_rig_is_told(tmp_path: Path):
    status = record(f"file://{tmp_path}/take.json?rig=nobody", two_words)
    assert status.state == "failed"
    assert "nobody" in str(status.error)
    assert left_in(tmp_path) == []


@pytest.mark.slow
def test_a_video_is_recorded_in_full_however_long_it_takes(tmp_path: Path):
    import av

    status = record(f"file://{tmp_path}/take.mp4?size=96&camera=face&rate=25", two_words)
    assert status.error is None
    with av.open(str(tmp_path / "take.mp4")) as made:
        pictures = [frame.to_ndarray(format="gray").astype(float) for frame in made.decode(video=0)]
        made.seek(0)
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in made.decode(audio=0)])
        rate = made.streams.video[0].average_rate
    assert rate == 25
    assert len(pictures) == pytest.approx(75, abs=2)
    moved = np.array([np.abs(picture - pictures[2]).mean() for picture in pictures])
    opened = np.flatnonzero(moved > 0.6 * moved.max()) / 25
    heard = np.flatnonzero(np.abs(sound) > 0.1) / 24_000
    assert opened[0] == pytest.approx(heard[0], abs=0.06)
    assert opened[-1] == pytest.approx(heard[-1], abs=0.08)
