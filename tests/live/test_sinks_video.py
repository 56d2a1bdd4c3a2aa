"""Sinks with a picture against real servers: RTMP (pyrtmp), WHIP (aiortc's peer), a fake camera."""

from __future__ import annotations

import asyncio
import io
import itertools
import sys
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from rhapsode.errors import MissingExtraError, PacketError, SettingError, SinkError
from rhapsode.live.sinks.registry import open_sink
from rhapsode.protocols import amf, rtmp
from rhapsode.protocols.frame import FaceFrame
from rhapsode.rigs import FACE
from tests.live.rtmp_server import Server

SMALL = "size=96&camera=face"


def frame(jaw: float, at: int = 0) -> FaceFrame:
    values = np.zeros(len(FACE), np.float32)
    values[FACE.index("jawOpen")] = jaw
    return FaceFrame(at, values)


def prepared(url: str) -> Any:
    """Return the sink with its renderer ready, however long that takes here."""
    sink, _ = open_sink(url)
    asyncio.run(_ready(sink))
    return sink


async def _ready(sink: Any) -> None:
    await sink._painter.ready(120.0)
    sink._painter.rest()


def on_off(k: int) -> bool:
    """Tell whether mouth and tone are on in video frame ``k``."""
    return k >= 10 and (k // 10) % 2 == 1


async def perform(sink: Any, frames: int, *, rate: int = 30, broken: float | None = None) -> None:
    """A mouth that opens with every tone."""
    count = 24_000 // rate
    for k in range(frames):
        on = on_off(k)
        tone = np.sin(np.arange(count) * 0.3) * 0.5 if on else np.zeros(count)
        samples = tone.astype(np.float32)
        if broken is not None:
            samples[:] = broken
        await sink.show(frame(broken if broken is not None else 0.9 * on, k * 16_000 // rate))
        await sink.hear(samples)


def published(scene: Callable[[Server, Any], Awaitable[None]], **options: Any) -> Server:
    async def run() -> Server:
        server = Server(**options)
        await server.start()
        sink, _ = open_sink(f"{server.url()}?{SMALL}")
        await _ready(sink)
        try:
            await scene(server, sink)
        finally:
            await sink.close()
            await asyncio.sleep(0.05)
            await server.stop()
        return server

    return asyncio.run(run())


@pytest.mark.slow
def test_a_server_gets_pictures_and_sound_that_belong_together():
    async def scene(server: Server, sink: Any) -> None:
        await sink.open()
        await perform(sink, 90)

    (stream,) = published(scene).streams
    assert (stream.app, stream.name) == ("live", "face")
    assert stream.ended
    pictures, sounds = stream.times(9), stream.times(8)
    assert len(pictures) >= 85
    steps = np.diff(pictures)
    assert steps.min() >= 33
    assert steps.max() <= 34, "no gap, no drift from 30 a second"
    assert np.diff(sounds).max() <= 22
    keys = [t for kind, t, payload, _ in stream.tags if kind == 9 and payload[0] == 0x17 and payload[1] == 1]
    assert np.diff(keys) == pytest.approx([2000])
    errors = lip_errors_ms(stream.flv())
    assert len(errors) >= 6
    assert min(errors) >= -15, "lips come at most so much before the sound"
    assert max(errors) <= 45


def lip_errors_ms(flv: bytes) -> list[float]:
    """How much later than each tone's edge the mouth moves, by the timestamps that a player goes by."""
    with av.open(io.BytesIO(flv), "r") as made:
        assert made.streams.video[0].codec_context.colorspace == 1, "BT.709"
        frames = [(f.time, f.to_ndarray(format="gray").astype(float)) for f in made.decode(video=0)]
    with av.open(io.BytesIO(flv), "r") as made:
        blocks = [(f.time, f.sample_rate, f.to_ndarray().ravel()) for f in made.decode(audio=0)]
    begin, rate = blocks[0][0], blocks[0][1]
    loud = np.abs(np.concatenate([y for *_, y in blocks])) > 0.1
    assert begin is not None
    hits = np.flatnonzero(loud) / rate + begin
    gaps = np.flatnonzero(np.diff(hits) > 0.1)
    on = [hits[0], *hits[gaps + 1]]
    off = [*hits[gaps], hits[-1]]
    jumps = np.array([np.abs(b - a).mean() for (_, a), (_, b) in itertools.pairwise(frames)])
    edges = [frames[k + 1][0] for k in np.flatnonzero(jumps > jumps.max() / 2)]
    heard = sorted([*on, *off])
    return [1000 * (edge - min(heard, key=lambda t: abs(t - edge))) for edge in edges]


@pytest.mark.slow
def test_what_is_no_number_is_shown_at_rest():
    async def scene(server: Server, sink: Any) -> None:
        await sink.open()
        await perform(sink, 6, broken=float("nan"))

    (stream,) = published(scene).streams
    assert len(stream.times(9)) >= 3


@pytest.mark.slow
def test_a_server_that_vanishes_is_noticed():
    async def scene(server: Server, sink: Any) -> None:
        await sink.open()
        await perform(sink, 5)
        await server.stop()
        with pytest.raises(SinkError, match=r"gone|closed|connected again"):
            await asyncio.wait_for(perform(sink, 1000), 30)
        await sink.close()
        await server.start(server.port)
        await sink.open()
        await perform(sink, 5)

    assert len(published(scene).streams) == 2


@pytest.mark.slow
def test_a_server_that_refuses_the_key_says_why():
    async def scene(server: Server, sink: Any) -> None:
        with pytest.raises(SinkError, match=r"refuses the stream \(NetStream.Publish.BadName\)") as told:
            await sink.open()
        assert "face" not in str(told.value), "the key is a secret"

    published(scene, refuse=True)


@pytest.mark.slow
def test_a_server_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rhapsode.live.sinks.rtmp_connection.ANSWER_S", 0.3)

    async def scene(server: Server, sink: Any) -> None:
        with pytest.raises(SinkError, match="did not answer"):
            await sink.open()

    published(scene, silent=True)


@pytest.mark.slow
def test_no_server_at_all():
    async def scene(server: Server, sink: Any) -> None:
        await server.stop()
        with pytest.raises(SinkError, match="no RTMP server answers"):
            await sink.open()

    published(scene)


def test_a_renderer_that_takes_long_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    sink: Any = open_sink(f"rtmp://127.0.0.1:1/live/face?{SMALL}")[0]
    import threading

    go = threading.Event()
    monkeypatch.setattr(
        sink._painter, "_prepare", lambda: go.wait(10) and SimpleNamespace(close=lambda: None)
    )

    async def run() -> None:
        with pytest.raises(SinkError, match="still being prepared"):
            await sink._painter.ready(0.05)
        go.set()
        await sink._painter.ready(5)
        sink._painter.rest()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("rtmp://host", "host/app/key"),
        ("rtmp://host/live", "host/app/key"),
        ("rtmp://host/live/key?size=17", "size"),
        ("rtmp://host/live/key?colour=red", "colour"),
        ("whip:///x", "no host"),
        ("whip://host/x?tls=yes", "tls"),
    ],
)
def test_a_wrong_url_is_refused_at_once(url: str, words: str):
    pytest.importorskip("aiortc")
    with pytest.raises(SettingError, match=words):
        open_sink(url)


# -- RTMP's bytes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 7, 1000, 100_000])
def test_chunks_come_together_however_they_are_cut(cut: int):
    writer, reader = rtmp.ChunkWriter(), rtmp.ChunkReader()
    sent = [
        rtmp.command("connect", 1, {"app": "live", "ok": True, "none": None}),
        rtmp.Message(rtmp.VIDEO, bytes(range(256)) * 40, 0x1234567, 1),
        rtmp.Message(rtmp.AUDIO, b"x", 5, 1),
    ]
    data = b"".join([writer.write(sent[0]), writer.begin(), *(writer.write(m) for m in sent[1:])])
    got = [m for at in range(0, len(data), cut) for m in reader.feed(data[at : at + cut])]
    assert [m for m in got if m.kind != rtmp.SET_CHUNK] == sent
    assert got[0].values == ["connect", 1.0, {"app": "live", "ok": True, "none": None}]


def test_broken_commands_are_told():
    good = amf.encode_amf("a", 1.0, {"b": "c"})
    for size in (1, 2, 6, len(good) - 5):
        with pytest.raises(PacketError):
            amf.decode_amf(good[:size])
    with pytest.raises(PacketError, match="type"):
        amf.decode_amf(b"\x99")
    with pytest.raises(PacketError, match="never began"):
        list(rtmp.ChunkReader().feed(b"\xc7abc"))


def test_a_ping_is_answered():
    reply = rtmp.pong(b"\x00\x06abcd")
    assert reply is not None
    assert reply.payload == b"\x00\x07abcd"
    assert rtmp.pong(b"\x00\x01abcd") is None


# -- the virtual camera --------------------------------------------------------------------------------------


class FakeCamera:
    """As pyvirtualcam.Camera."""

    def __init__(self, width: int, height: int, fps: float, **options: Any) -> None:
        if options["device"] == "/dev/none":
            raise RuntimeError("No v4l2 loopback device\nfound.")
        self.size, self.fps, self.closed = (width, height), fps, False
        self.sent: list[np.ndarray] = []
        made.append(self)

    def send(self, picture: np.ndarray) -> None:
        if len(self.sent) >= 5:
            raise RuntimeError("gone")
        self.sent.append(picture)

    def close(self) -> None:
        self.closed = True


made: list[Any] = []


@pytest.fixture
def camera_module(monkeypatch: pytest.MonkeyPatch) -> None:
    made.clear()
    form = SimpleNamespace(RGB="RGB")
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=FakeCamera, PixelFormat=form))


@pytest.mark.slow
@pytest.mark.usefixtures("camera_module")
def test_a_camera_shows_the_face():
    async def run() -> None:
        sink: Any = open_sink(f"camera://?{SMALL}&rate=25")[0]
        await _ready(sink)
        await sink.open()
        for jaw in (0.0, 0.9, 0.0):
            await sink.show(frame(jaw))
        await sink.show(frame(0.0))
        await sink.show(frame(0.0))
        with pytest.raises(SinkError, match="taken away"):
            await sink.show(frame(0.0))
        await sink.close()

    asyncio.run(run())
    (camera,) = made
    assert camera.size == (96, 96)
    assert camera.fps == 25
    assert camera.closed
    shown = [picture.astype(int) for picture in camera.sent]
    assert shown[0].shape == (96, 96, 3)
    assert np.abs(shown[1] - shown[0]).mean() > 2 * np.abs(shown[2] - shown[0]).mean()


@pytest.mark.slow
@pytest.mark.usefixtures("camera_module")
def test_no_camera_says_how_to_get_one():
    async def run() -> None:
        sink: Any = open_sink(f"camera://?{SMALL}&device=/dev/none")[0]
        await _ready(sink)
        with pytest.raises(SinkError, match=r"No v4l2 loopback device found.*modprobe v4l2loopback"):
            await sink.open()
        await sink.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "module", "extra"), [("camera://", "pyvirtualcam", "camera"), ("whip://a/b", "aiortc", "webrtc")]
)
def test_a_part_that_is_missing_says_how_to_get_it(
    url: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"rhapsode\[{extra}\]"):
        open_sink(url)
