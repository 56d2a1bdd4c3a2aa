"""Sources in virtual time and over real sockets: paced, checked, honest about their ends."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sys
import threading
import types
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect

from rhapsode.errors import AudioError, MissingExtraError, SettingError
from rhapsode.live.items import CurvesItem, Item
from rhapsode.live.session import Session
from rhapsode.live.sources import pcm
from rhapsode.live.sources.microphone import Microphone
from rhapsode.live.sources.pcm import PcmPipe, PcmServer
from rhapsode.live.sources.played import Played, played_file
from rhapsode.live.sources.push_to_talk import PushToTalk
from rhapsode.protocols.facegood import encode_button
from tests.live.fake import JAW, FakeEngine
from tests.live.virtual import Inline, play


class Watch:
    """A session and what it showed."""

    def __init__(self) -> None:
        self.jaws: list[float] = []
        self.engine = FakeEngine()
        self.session = Session(self.engine, Inline())
        self.session.attach(self)
        self.task = asyncio.ensure_future(self.session.run())

    def offer(self, item: Item) -> None:
        if isinstance(item, CurvesItem):
            self.jaws += item.values[:, JAW].tolist()

    def interrupted(self, generation: int) -> None:
        pass

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def opened_s(self) -> float:
        """How long the mouth was open, seconds."""
        return sum(jaw > 0.3 for jaw in self.jaws) * 0.02


def loud(seconds: float, rate: int = 48_000) -> bytes:
    return np.full(round(seconds * rate), 16_384, "<i2").tobytes()


def test_a_pipe_plays_at_its_pace_however_fast_it_is_filled(monkeypatch):
    monkeypatch.setattr(pcm, "_read", _at_once)

    async def scene() -> tuple[float, float]:
        watch = Watch()
        await watch.session.ready.wait()
        begun = asyncio.get_running_loop().time()
        await PcmPipe(io.BytesIO(loud(2.0) + b"\x01"), 48_000).run(watch.session)
        took = asyncio.get_running_loop().time() - begun
        await asyncio.sleep(0.5)
        await watch.end()
        return took, watch.opened_s

    took, opened = play(scene())
    assert took == pytest.approx(2.0 + pcm.TAIL_S, abs=0.1)
    assert opened == pytest.approx(2.0, abs=0.05), "to its last sound"


async def _at_once(pipe: io.BytesIO, size: int) -> bytes:
    return pipe.read(size)


def test_a_pipe_that_stays_silent_keeps_nobody_from_ending():
    out, into = os.pipe()

    async def scene() -> None:
        watch = Watch()
        await watch.session.ready.wait()
        task = asyncio.ensure_future(PcmPipe(pipe, 48_000).run(watch.session))
        await asyncio.wait([task], timeout=0.1)
        task.cancel()
        await watch.end()

    with open(out, "rb", buffering=0) as pipe:
        timer = threading.Timer(5, os.close, [into])  # so that a failure does not hang
        timer.start()
        asyncio.run(scene())
        (reading,) = [one for one in threading.enumerate() if one.name == "rhapsode-pcm"]
        assert reading.daemon
        assert reading.is_alive(), "it still waits, and nobody for it"
        timer.cancel()
        os.close(into)
        reading.join()


def test_a_text_is_performed_to_its_end_and_again():
    async def scene() -> float:
        watch = Watch()
        await watch.session.ready.wait()
        source = Played("zoo", "text", lambda: watch.engine.speak("zoo zoo"), again=True)
        task = asyncio.ensure_future(source.run(watch.session))
        await asyncio.sleep(2.0)
        task.cancel()
        await watch.end()
        return watch.opened_s

    assert play(scene()) > 1.0


def test_a_text_that_cannot_be_spoken_ends_its_source():
    async def scene() -> None:
        watch = Watch()
        await watch.session.ready.wait()
        with pytest.raises(AudioError, match="cannot be spoken"):
            await Played("x", "text", lambda: watch.engine.speak("fail")).run(watch.session)
        await watch.end()

    play(scene())


def test_a_file_that_is_not_there_is_told_before_anything_starts(tmp_path):
    with pytest.raises(AudioError):
        played_file(tmp_path / "none.wav")


@pytest.mark.parametrize("rate", [0, 7_999, 400_000])
def test_rates_that_nobody_has_are_refused(rate: int):
    with pytest.raises(SettingError, match="a sample rate must lie in 8000 to 384000 Hz"):
        PcmPipe(io.BytesIO(), rate)


@pytest.mark.slow
def test_raw_sound_over_a_websocket_moves_the_face_and_nonsense_is_refused():
    async def scene() -> tuple[float, list[int | None]]:
        watch = Watch()
        server = PcmServer("127.0.0.1", 0, 48_000)
        task = asyncio.ensure_future(server.run(watch.session))
        while not server.port:
            await asyncio.sleep(0.01)
        url, codes = f"ws://127.0.0.1:{server.port}", []
        for wrong in ("text", b"\x00" * 3):
            async with connect(url) as channel:
                await channel.send(wrong)
                await channel.wait_closed()
                codes.append(channel.close_code)
        async with connect(url) as channel:
            await asyncio.sleep(0.05)
            async with connect(url) as second:
                await second.wait_closed()
                codes.append(second.close_code)
            for _ in range(25):
                await channel.send(loud(0.02))
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await watch.end()
        return watch.opened_s, codes

    opened, codes = asyncio.run(scene())
    assert opened == pytest.approx(0.5, abs=0.15)
    assert codes == [1003, 1007, 1013]


class FakeSounddevice(types.ModuleType):
    """Stands in for sounddevice: one microphone whose callback the test calls."""

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.streams: list[Any] = []
        outer = self

        class InputStream:
            def __init__(self, **given: Any) -> None:
                self.given = given
                outer.streams.append(self)

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                self.closed = True

        self.InputStream = InputStream

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        row = {"name": "a microphone", "max_input_channels": 1, "default_samplerate": 44_100.0}
        if kind is None:
            return [row]
        if device == "none":
            raise ValueError("No input device matching 'none'")
        return row


def test_a_microphone_is_heard_and_its_loss_is_told(monkeypatch):
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)

    async def scene() -> float:
        watch = Watch()
        await watch.session.ready.wait()
        task = asyncio.ensure_future(Microphone("micro").run(watch.session))
        await asyncio.sleep(0.01)
        given = fake.streams[0].given
        assert (given["samplerate"], given["blocksize"], given["channels"]) == (44_100, 441, 1)
        for _ in range(100):
            given["callback"](np.full((441, 1), 0.5, np.float32), 441, None, None)
            await asyncio.sleep(0.01)
        given["finished_callback"]()
        with pytest.raises(AudioError, match="'a microphone' was taken away"):
            await task
        assert watch.session.ear is None
        await watch.end()
        return watch.opened_s

    assert play(scene()) == pytest.approx(0.95, abs=0.1)


def test_a_microphone_that_is_not_there_is_told_with_those_that_are(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice())

    async def scene() -> None:
        watch = Watch()
        with pytest.raises(AudioError, match=r"No input device matching 'none'.*known are: a microphone"):
            await Microphone("none").run(watch.session)
        await watch.end()

    play(scene())


def test_without_sounddevice_the_way_to_get_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rhapsode\[record\]'"):
        Microphone()


def test_sound_is_heard_while_the_button_is_held():
    class Humming:
        async def run(self, session: Session) -> None:
            session.listen(48_000)
            for _ in range(75):
                session.hear(np.full(960, 0.5, np.float32))
                await asyncio.sleep(0.02)

    async def scene() -> float:
        watch = Watch()
        await watch.session.ready.wait()
        talk = PushToTalk(Humming(), port=0)
        task = asyncio.ensure_future(talk.run(watch.session))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unreal:
            for wait, message in (
                (0.5, encode_button(True)),
                (0.5, b"nonsense"),
                (0.0, encode_button(False)),
            ):
                await asyncio.sleep(wait)
                unreal.sendto(message, ("127.0.0.1", talk.port))
        await task
        await asyncio.sleep(0.2)
        await watch.end()
        return watch.opened_s

    assert play(scene()) == pytest.approx(0.5, abs=0.1)
