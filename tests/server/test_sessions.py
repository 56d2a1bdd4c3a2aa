"""Sessions of a server in virtual time: resumed, followed, given up; what clients ask of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from rhapsode.protocols.stage_packets import SoundPacket
from tests.live.fake import level
from tests.server.house import House, Wire, at_home, now

SAY = {"type": "say", "text": "one two three"}
MIC = {"type": "mic", "on": True, "sample_rate": 16_000}
LONG = {"type": "say", "text": "alpha beta gamma delta " * 20}  # 16 s


def test_who_says_nothing_gets_a_session_too(tmp_path: Path):
    async def scene(house: House) -> tuple[Wire, float]:
        wire = Wire()
        from rhapsode.server.connection import Welcome, converse

        task = asyncio.ensure_future(converse(wire, house.sessions, house.backstage, Welcome()))
        await wire.until(lambda: bool(wire.told("ready")))
        at = now()
        wire.leave()
        await task
        return wire, at

    wire, at = at_home(scene, tmp_path)
    assert at == pytest.approx(1.0, abs=0.1)
    assert wire.told("ready")[0]["protocol"] == 3


def test_who_announces_a_hello_is_waited_for(tmp_path: Path):
    async def scene(house: House) -> tuple[str, Wire]:
        from rhapsode.server.connection import Welcome, converse

        first, back = await house.ready(), Wire()
        first.leave()
        serving = converse(back, house.sessions, house.backstage, Welcome(hello=True))
        back.task = asyncio.ensure_future(serving)
        house.wires.append(back)
        await asyncio.sleep(12.0)
        assert back.told("ready") == []
        back.say({"type": "hello", "session": first.session})
        await back.until(lambda: bool(back.told("ready")))
        return first.session, back

    session, back = at_home(scene, tmp_path)
    (ready,) = back.told("ready")
    assert (ready["session"], ready["resumed"]) == (session, True)


def test_a_session_goes_on_in_the_middle_of_a_speech(tmp_path: Path):
    async def scene(house: House) -> tuple[Wire, Wire, float, float]:
        first = await house.ready()
        first.say(LONG)
        await first.until(lambda: len(first.sound(1)) > 24_000)
        begun = next(at for at, one in first.got if isinstance(one, dict) and one["type"] == "begin")
        await asyncio.sleep(2.0)
        first.leave()
        await asyncio.sleep(3.0)
        assert len(house.sessions) == 1
        assert house.sessions.watched == 0
        back = await house.ready({"type": "hello", "session": first.session})
        at = now()
        await back.until(lambda: bool(back.told("end")))
        return first, back, begun, at

    first, back, begun, at = at_home(scene, tmp_path)
    (ready,) = back.told("ready")
    assert (ready["session"], ready["resumed"], ready["generation"]) == (first.session, True, 1)
    (begin,) = back.told("begin")
    assert begin == first.told("begin")[0]
    sounds = [one for _, one in back.got if isinstance(one, SoundPacket)]
    heard_s = (sounds[0].start - begin["start"]) / 16_000
    assert heard_s <= at - begun <= heard_s + 0.5
    whole = np.repeat([level(w) for w in ("alpha", "beta", "gamma", "delta")] * 20, 4800)
    np.testing.assert_allclose(back.sound(1), whole[round(heard_s * 24_000) :], atol=1e-4)


def test_a_session_ends_a_minute_after_its_last_connection(tmp_path: Path):
    async def scene(house: House) -> tuple[int, int, bool]:
        wire = await house.ready()
        wire.leave()
        await asyncio.sleep(59.0)
        kept = len(house.sessions)
        await asyncio.sleep(2.0)
        left = len(house.sessions)
        late = await house.ready({"type": "hello", "session": wire.session})
        return kept, left, late.told("ready")[0]["resumed"]

    assert at_home(scene, tmp_path) == (1, 0, False)


def test_coming_back_stops_the_clock(tmp_path: Path):
    async def scene(house: House) -> None:
        wire = await house.ready()
        wire.leave()
        await asyncio.sleep(50.0)
        await house.ready({"type": "hello", "session": wire.session})
        await asyncio.sleep(600.0)
        assert len(house.sessions) == 1

    at_home(scene, tmp_path)


def test_the_one_abandoned_first_makes_room(tmp_path: Path):
    async def scene(house: House) -> None:
        old = await house.ready()
        old.leave()
        await asyncio.sleep(1.0)
        held = await house.ready()
        new = await house.ready()
        refused = house.connect()
        await refused.until(lambda: refused.closed is not None)
        assert refused.closed == 1013
        assert refused.errors == ["the stage serves 2 sessions at once and all are taken; try later"]
        assert {held.session, new.session} == set(house.sessions._places)

    at_home(scene, tmp_path, max_sessions=2)


def test_settings_and_sound_of_a_first_message_count(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready({"type": "hello", "seed": 7}, SAY)
        await wire.until(lambda: bool(wire.told("end")))
        return wire

    wire = at_home(scene, tmp_path)
    assert max(float(c.values[0, 52]) for c in wire.curves()) == pytest.approx(0.07)


def test_a_viewer_sees_and_hears_all_and_changes_nothing(tmp_path: Path):
    async def scene(house: House) -> tuple[Wire, Wire]:
        actor = await house.ready()
        viewer = await house.ready({"type": "hello", "follow": actor.session})
        viewer.say({"type": "stop"}, SAY, MIC, {"type": "record", "on": True}, {"type": "hello", "seed": 4})
        actor.say(SAY)
        await viewer.until(lambda: bool(viewer.told("end")))
        await actor.until(lambda: bool(actor.told("end")))
        return actor, viewer

    actor, viewer = at_home(scene, tmp_path)
    assert viewer.session == actor.session
    np.testing.assert_array_equal(viewer.sound(1), actor.sound(1))
    assert [e.partition(" cannot")[0] for e in viewer.errors] == ["this connection only looks on and"] * 4
    assert actor.errors == []


def test_following_the_latest_goes_on_to_each_newer_session(tmp_path: Path):
    async def scene(house: House) -> None:
        viewer = await house.ready({"type": "hello", "follow": "latest"})
        alone = viewer.session
        await viewer.until(lambda: len(viewer.curves()) > 3)  # a face lives before anybody comes
        first = await house.ready()
        await viewer.until(lambda: viewer.session == first.session)
        assert alone not in house.sessions._places
        second = await house.ready()
        await viewer.until(lambda: viewer.session == second.session)
        second.say(SAY)
        await viewer.until(lambda: bool(viewer.told("begin")))
        # Who follows does not keep a session alive.
        second.leave()
        await asyncio.sleep(61.0)
        await viewer.until(lambda: viewer.session == first.session)
        first.leave()
        await asyncio.sleep(61.0)
        await viewer.until(lambda: viewer.session not in (first.session, alone))
        assert viewer.closed is None
        viewer.leave()
        await asyncio.sleep(1.0)
        assert len(house.sessions) == 0

    at_home(scene, tmp_path)


def test_following_nobody_is_refused(tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = house.connect({"type": "hello", "follow": "nobody"})
        await wire.until(lambda: wire.closed is not None)
        return wire

    wire = at_home(scene, tmp_path)
    assert wire.closed == 1008
    assert "no session 'nobody'" in wire.errors[0]


def test_looking_at_an_abandoned_session_does_not_keep_it(tmp_path: Path):
    async def scene(house: House) -> None:
        actor = await house.ready()
        actor.leave()
        await asyncio.sleep(10.0)
        viewer = await house.ready({"type": "hello", "follow": actor.session})
        await asyncio.sleep(49.0)
        assert viewer.closed is None
        await asyncio.sleep(2.0)
        assert viewer.closed == 1008
        assert viewer.errors == ["the session ended"]

    at_home(scene, tmp_path)
