"""Clients of Audio2Face-3D as the source of a session: its face moves, and they are answered with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from rhapsode.errors import SettingError
from rhapsode.face.direction import Direction
from rhapsode.live.session import Session
from rhapsode.live.sources.audio2face import SETTLE_S, Audio2FaceSource, source_at
from tests.live.fake import JAW, SMILE, FakeEngine
from tests.live.virtual import Inline
from tests.server.a2f_client import Heard, Wire, clip, end, grpc, head, part, samples, talk, wire

RATE = 44_100
LOUD = np.full(RATE * 2 // 5, 16_384, "<i2").tobytes()


@pytest.fixture(params=["nvidia", "own"])
def client(request: pytest.FixtureRequest) -> Wire:
    return wire(request.param)


@asynccontextmanager
async def staged(idle_s: float = 30.0) -> AsyncIterator[tuple[Session, grpc.aio.Channel]]:
    """Run a session with the source; yield it and a channel to the source."""
    session = Session(FakeEngine(), Inline(), direction=Direction(style="lively", emotion=""))
    source = Audio2FaceSource(port=0, idle_s=idle_s)
    tasks = [asyncio.ensure_future(session.run())]
    await session.ready.wait()
    tasks.append(asyncio.ensure_future(source.run(session)))
    while not source.port:
        await asyncio.sleep(0.01)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{source.port}") as channel:
            yield session, channel
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
def test_what_a_client_sends_moves_the_session_and_comes_back(client: Wire):
    first = head(client, RATE)
    settings = first.audio_stream_header
    settings.face_params.float_params["upperFaceStrength"] = 0.5
    settings.emotion_post_processing_params.emotion_strength = 1.0
    settings.emotion_post_processing_params.preferred_emotion_strength = 0.75
    requests = [first, part(client, LOUD, {0.2: {"joy": 1.0}}), end(client)]

    async def scene() -> tuple[Heard, Direction, Direction]:
        async with staged() as (session, channel):
            before = session.direction
            talking = asyncio.ensure_future(talk(client, channel, requests))
            while session.ear is None:
                await asyncio.sleep(0.01)
            played = session.direction
            heard = await talking
            while session.ear is not None:
                await asyncio.sleep(0.01)
            assert session.direction == before
            return heard, before, played

    heard, before, played = asyncio.run(scene())
    assert (played.style, played.played_controls().upper_strength) == (before.style, 0.5)
    assert heard.kinds[0] == "animation_data_stream_header"
    assert (heard.kinds[-1], heard.status.code) == ("status", 0)
    assert heard.header.audio_header.samples_per_second == 24_000
    assert heard.times == [k / 30 for k in range(len(heard.times))]
    assert len(heard.times) / 30 >= 0.4 + SETTLE_S / 2
    open_s = (heard.weights[:, JAW] > 0.25).sum() / 30
    assert open_s == pytest.approx(0.4, abs=0.1)
    sounding = np.flatnonzero(np.abs(samples(heard.sound)) > 0.25) / 24_000
    mouth = np.flatnonzero(heard.weights[:, JAW] > 0.25) / 30
    assert sounding[0] == pytest.approx(mouth[0], abs=0.05)
    assert heard.weights[:, SMILE].max() == 0.75
    assert heard.emotions[0].input_emotions[0].time_code == 0.2


@pytest.mark.slow
def test_one_client_at_a_time_speaks():
    plain = wire("own")

    async def scene() -> tuple[Heard, Heard, Heard]:
        async with staged() as (session, channel):
            first = asyncio.ensure_future(talk(plain, channel, clip(plain, LOUD, RATE)))
            while session.ear is None:
                await asyncio.sleep(0.01)
            second = await talk(plain, channel, clip(plain, LOUD, RATE))
            return await first, second, await talk(plain, channel, clip(plain, LOUD, RATE))

    first, second, third = asyncio.run(scene())
    assert (second.code, "speaks already; try again later" in second.details) == ("RESOURCE_EXHAUSTED", True)
    assert first.status.code == third.status.code == 0


@pytest.mark.slow
def test_a_client_gone_or_at_fault_gives_the_session_back():
    plain = wire("own")

    async def scene() -> list[Heard]:
        async with staged(idle_s=0.3) as (session, channel):
            stream = plain.open(channel)
            await stream.write(head(plain, RATE))
            await stream.read()
            assert session.ear is not None
            stream.cancel()
            while session.ear is not None:
                await asyncio.sleep(0.01)
            return [
                await talk(plain, channel, [head(plain, RATE), part(plain, LOUD), head(plain, RATE)]),
                await talk(plain, channel, [head(plain, RATE), part(plain, LOUD)]),
                await talk(plain, channel, clip(plain, LOUD, RATE)),
            ]

    twice, silent, good = asyncio.run(scene())
    assert (twice.code, silent.code) == ("INVALID_ARGUMENT", "DEADLINE_EXCEEDED")
    assert good.status.code == 0


@pytest.mark.parametrize("address", ["127.0.0.1:x", "127.0.0.1:99999", "127.0.0.1:52000/path"])
def test_addresses_that_are_none_are_refused(address: str):
    with pytest.raises(SettingError, match=r"must be HOST:PORT, got .*; try 127\.0\.0\.1:52000"):
        source_at(address)


def test_other_machines_need_a_token():
    with pytest.raises(SettingError, match="lets other machines in"):
        source_at("0.0.0.0:52000")
    assert source_at(":0").port == 0
