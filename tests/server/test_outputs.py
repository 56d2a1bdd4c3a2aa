"""Sinks of a session, with sinks that only the tests have."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rhapsode.errors import SinkError
from rhapsode.live.sinks.registry import SCHEMES, Scheme
from rhapsode.performance import Float32
from rhapsode.protocols.frame import FaceFrame
from tests.live.fake import JAW
from tests.server.house import House, Wire, at_home, now


class Memory:
    """Keeps what it is shown; ``fail`` in its URL refuses to open."""

    made: ClassVar[list[Memory]] = []

    def __init__(self, address: Any, query: dict[str, str]) -> None:
        self.rate_hz, self.wants_sound = Fraction(60) if "sound" in query else None, "sound" in query
        self.fails = address.netloc == "fail"
        self.shown: list[tuple[float, FaceFrame]] = []
        self.heard: list[Float32] = []
        self.closed = 0
        self.made.append(self)

    async def open(self) -> None:
        if self.fails:
            raise SinkError("nobody is there")

    async def show(self, frame: FaceFrame) -> None:
        self.shown.append((now(), frame))

    async def hear(self, samples: Float32) -> None:
        self.heard.append(samples)

    async def flush(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def scheme(monkeypatch: pytest.MonkeyPatch) -> list[Memory]:
    row = Scheme("memory", "memory", "memory://", f"{__name__}:Memory", ("sound",))
    monkeypatch.setitem(SCHEMES, "memory", row)
    Memory.made = []
    return Memory.made


def add(url: str) -> dict[str, str]:
    return {"type": "sink_add", "url": url}


def test_a_sink_is_served_told_of_moved_and_removed(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire, other = await house.ready(), await house.ready()
        wire.say(add("memory://here?offset_ms=40"))
        await wire.until(lambda: bool(wire.told("sinks")))
        await wire.until(lambda: wire.told("sinks")[-1]["sinks"][0]["state"] == "open")
        assert now() < 1.5  # not only with the next second
        wire.say({"type": "say", "text": "zulu " * 10})
        await wire.until(lambda: bool(wire.told("end")))
        await asyncio.sleep(3.0)
        row = wire.told("sinks")[-1]["sinks"][0]
        assert (row["id"], row["url"], row["rate"], row["offset_ms"]) == (
            "s1",
            "memory://here?offset_ms=40",
            None,
            40,
        )
        assert row["sent"] > 100
        assert row["error"] is None
        wire.say({"type": "sink_set", "id": "s1", "offset_ms": -20})
        await wire.until(lambda: wire.told("sinks")[-1]["sinks"][0]["offset_ms"] == -20)
        wire.say({"type": "sink_remove", "id": "s1"})
        await wire.until(lambda: wire.told("sinks")[-1]["sinks"] == [])
        wire.say({"type": "sink_remove", "id": "s1"})
        await wire.until(lambda: bool(wire.errors))
        assert wire.errors == ["no sink 's1', there are: none"]
        assert other.told("sinks") == []
        return wire

    at_home(scene, tmp_path)
    (sink,) = Memory.made
    assert sink.closed == 1
    assert max(float(frame.values[JAW]) for _, frame in sink.shown) == pytest.approx(26 / 40)


def test_a_sink_that_fails_is_told_and_disturbs_nobody(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(add("memory://fail"), add("memory://here?sound=1"), {"type": "say", "text": "one two"})
        await wire.until(lambda: bool(wire.told("end")))
        await asyncio.sleep(2.0)
        return wire

    wire = at_home(scene, tmp_path)
    failed, fine = wire.told("sinks")[-1]["sinks"]
    assert (failed["state"], failed["error"]) == ("failed", "nobody is there")
    assert (fine["state"], fine["rate"], fine["dropped"]) == ("open", 60.0, 0)
    assert sum(len(y) for y in Memory.made[1].heard) > 24_000


def test_sinks_outlive_a_connection_and_end_with_the_session(tmp_path: Path):
    async def scene(house: House) -> None:
        wire = await house.ready()
        wire.say(add("memory://here"))
        await wire.until(lambda: bool(wire.told("sinks")))
        wire.leave()
        await asyncio.sleep(10.0)
        back = await house.ready({"type": "hello", "session": wire.session})
        await back.until(lambda: bool(back.told("sinks")))
        back.leave()
        await asyncio.sleep(61.0)
        assert Memory.made[0].closed == 1

    at_home(scene, tmp_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nowhere://x", "a sink must be one of"),
        ("memory://x?colour=red", "unknown option 'colour'"),
        ("memory://x?offset_ms=fast", "offset_ms must lie in"),
        ("", "a sink must be one of"),
    ],
)
def test_a_sink_that_cannot_be_is_refused(tmp_path: Path, url: str, said: str):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(add(url))
        await wire.until(lambda: bool(wire.errors))
        return wire

    wire = at_home(scene, tmp_path)
    assert said in wire.errors[0]
    assert wire.closed is None


def test_there_is_a_limit(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(*[add("memory://here")] * 3)
        await wire.until(lambda: bool(wire.errors))
        return wire

    assert at_home(scene, tmp_path, max_sinks=2).errors == [
        "a session may have 2 sinks, got one more; remove one first"
    ]


@pytest.mark.parametrize(
    ("settings", "welcome", "said"),
    [
        ({"host": "0.0.0.0"}, {}, "only a stage on 127.0.0.1 allows them"),
        ({"allow_sinks": False}, {}, "only a stage on 127.0.0.1 allows them"),
        ({}, {"trusted": False}, "pages of other addresses may not record or add sinks"),
        ({"host": "0.0.0.0", "allow_sinks": True}, {}, None),
        ({"allow_sinks": True}, {"trusted": False}, None),
    ],
)
def test_who_may_add_sinks(
    tmp_path: Path, settings: dict[str, Any], welcome: dict[str, Any], said: str | None
):
    async def scene(house: House) -> Wire:
        wire = await house.ready(**welcome)
        wire.say(add("memory://here"))
        await wire.until(lambda: bool(wire.errors or wire.told("sinks")))
        return wire

    wire = at_home(scene, tmp_path, **settings)
    assert (wire.errors == []) if said is None else (said in wire.errors[0])
