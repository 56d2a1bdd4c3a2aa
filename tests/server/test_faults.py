"""Faults at the edges: restarts, crowds, leaks; what virtual time cannot show goes through real sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import tracemalloc
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from rhapsode.server.settings import ServerSettings
from tests.server.house import House, Wire, at_home, tone
from tests.server.serve import serving, serving_app, wait_for_no_sessions

LONG = {"type": "say", "text": "word " * 100}


def address(url: str) -> str:
    return url.replace("http", "ws") + "/ws"


async def greeted(channel: websockets.ClientConnection, **hello: Any) -> dict[str, Any]:
    await channel.send(json.dumps({"type": "hello", **hello}))
    first: dict[str, Any] = json.loads(await channel.recv())
    return first


def test_a_server_that_starts_anew_gives_a_fresh_session(tmp_path: Path):
    async def visit(url: str, session: str | None, *, until_gone: bool) -> dict[str, Any]:
        async with websockets.connect(address(url)) as channel:
            ready = await greeted(channel, session=session)
            await channel.send(json.dumps(LONG))
            while not isinstance(await channel.recv(), bytes):
                pass
            if until_gone:
                running.set()
                async with asyncio.timeout(15):
                    with suppress(websockets.ConnectionClosed):
                        while True:
                            await channel.recv()
            return ready

    async def first_visit(url: str) -> dict[str, Any]:
        return await visit(url, None, until_gone=True)

    running = threading.Event()
    results: list[dict[str, Any]] = []
    with serving(ServerSettings(port=0, takes=str(tmp_path))) as url:
        thread = threading.Thread(target=lambda: results.append(asyncio.run(first_visit(url))))
        thread.start()
        assert running.wait(15)
    thread.join(15)
    assert results, "the client did not notice that the server ended"
    port = int(url.rpartition(":")[2])
    with serving(ServerSettings(port=port, takes=str(tmp_path))) as again:
        ready = asyncio.run(visit(again, results[0]["session"], until_gone=False))
    assert ready["resumed"] is False
    assert ready["session"] != results[0]["session"]


def test_a_hundred_clients_at_once(tmp_path: Path):
    """Ten are served, ninety are told to come later, and nobody hangs."""

    async def one(url: str, all_in: asyncio.Event, count: list[int]) -> dict[str, Any]:
        async with websockets.connect(address(url), open_timeout=30) as channel:
            first = await greeted(channel)
            count[0] += 1
            if count[0] == 100:
                all_in.set()
            if first["type"] == "ready":
                await all_in.wait()
            else:
                with pytest.raises(websockets.ConnectionClosed):
                    await channel.recv()
                first["code"] = channel.close_code
            return first

    async def crowd(url: str) -> list[dict[str, Any]]:
        all_in, count = asyncio.Event(), [0]
        async with asyncio.timeout(60):
            return await asyncio.gather(*(one(url, all_in, count) for _ in range(100)))

    with serving(ServerSettings(port=0, max_sessions=10, keep_s=0, takes=str(tmp_path))) as url:
        firsts = asyncio.run(crowd(url))
        refused = [first for first in firsts if first["type"] == "error"]
        assert len({first["session"] for first in firsts if first["type"] == "ready"}) == 10
        assert len(refused) == 90
        assert {first["code"] for first in refused} == {1013}
        assert {first["fatal"] for first in refused} == {True}
        wait_for_no_sessions(url)
        assert httpx.get(url + "/api/health").json()["kept"] == 0


def test_a_server_that_ends_keeps_the_take_under_way(tmp_path: Path):
    async def begin(url: str) -> None:
        async with websockets.connect(address(url)) as channel:
            await greeted(channel)
            await channel.send(json.dumps({"type": "record", "on": True}))
            while True:
                got = await channel.recv()
                if isinstance(got, str) and '"recording"' in got and json.loads(got)["seconds"] > 0.2:
                    return

    with serving_app(ServerSettings(port=0, takes=str(tmp_path))) as (url, _):
        asyncio.run(begin(url))
    assert len(list(tmp_path.glob("*.npz"))) == 1
    assert not list(tmp_path.glob(".*"))


async def visits(house: House, count: int) -> None:
    """Let clients come and go: some in the middle of a speech, some at the microphone, some recording."""
    for k in range(count):
        wire = await house.ready()
        if k % 4 == 0:
            wire.say(LONG)
            await wire.until(partial(wire.sound_came, 1))
        elif k % 4 == 1:
            wire.say({"type": "mic", "on": True, "sample_rate": 16_000})
            wire.hear(tone(0.1))
            await wire.until(partial(wire.told, "level"))
        elif k % 4 == 2:
            wire.say({"type": "record", "on": True}, LONG, {"type": "stop"})
            await wire.until(partial(wire.told, "idle"))
            await asyncio.sleep(0.5)
        else:
            viewer = await house.ready({"type": "hello", "follow": wire.session})
            viewer.leave()
        wire.leave()
    house.wires.clear()
    await asyncio.sleep(house.settings.keep_s + 5)
    for path in house.settings.takes_folder.iterdir():
        path.unlink()


@pytest.mark.slow
def test_five_hundred_sessions_leave_nothing_behind(tmp_path: Path):
    async def scene(house: House) -> tuple[int, int, int, int]:
        await visits(house, 40)
        gc.collect()
        tasks, before = len(asyncio.all_tasks()), tracemalloc.get_traced_memory()[0]
        await visits(house, 500)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        return len(asyncio.all_tasks()) - tasks, len(house.sessions), house.sessions.watched, grown

    tracemalloc.start(1)
    try:
        tasks, kept, watched, grown = at_home(scene, tmp_path, keep_s=1)
    finally:
        tracemalloc.stop()
    assert (tasks, kept, watched) == (0, 0, 0)
    assert grown < 300_000, f"{grown} bytes more after 500 sessions"


@pytest.mark.slow
def test_a_crowd_that_leaves_in_the_same_moment_leaves_nothing(tmp_path: Path):
    async def scene(house: House) -> None:
        before = len(asyncio.all_tasks())
        wires: list[Wire] = [await house.ready() for _ in range(20)]
        for wire in wires:
            wire.say(LONG)
        await asyncio.sleep(1.0)
        for wire in wires:
            wire.leave()
        await asyncio.sleep(61.0)
        assert len(house.sessions) == 0
        assert len(asyncio.all_tasks()) == before

    at_home(scene, tmp_path)
