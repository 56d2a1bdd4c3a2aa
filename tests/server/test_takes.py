"""Takes: what is recorded is what was due, kept as files that can be listed, cut, played and exported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.audio.bed import Bed, seamless
from rhapsode.audio.underlay import SWELL_DB
from rhapsode.errors import FormatError, InputError
from rhapsode.formats import AtomicWriter, load, save
from rhapsode.live.behaviour import Behaviour
from rhapsode.performance import Curves, Performance, Sound, Span, Words
from rhapsode.protocols.stage_packets import SoundPacket
from rhapsode.rigs import FACE
from rhapsode.server import takes as takes_module
from rhapsode.server.takes import TakeFacts, Takes
from tests.live.fake import JAW, level
from tests.server.house import House, Wire, at_home, tone

SAY = {"type": "say", "text": "one two three"}
ON = {"type": "record", "on": True, "name": "Greeting"}
OFF = {"type": "record", "on": False}


def recorded(folder: Path, scene: Callable[[House, Wire], Any], **settings: Any) -> tuple[Wire, list[Path]]:
    async def run(house: House) -> Wire:
        wire = await house.ready()
        wire.say(ON)
        await wire.until(lambda: bool(wire.told("recording")))
        await scene(house, wire)
        wire.say(OFF)
        await wire.until(lambda: not wire.told("recording")[-1]["on"])
        return wire

    return at_home(run, folder, **settings), sorted(folder.glob("*.npz"))


def test_a_take_holds_exactly_what_was_spoken(tmp_path: Path):
    async def scene(house: House, wire: Wire) -> None:
        wire.say(SAY)
        await wire.until(lambda: bool(wire.told("end")))
        await asyncio.sleep(2.0)

    wire, (path,) = recorded(tmp_path, scene)
    done = wire.told("recording")[-1]
    assert (done["id"], done["error"]) == (path.stem, None)
    take = load(path)
    assert take.sound is not None
    y = take.sound.mono()
    onset = int(np.flatnonzero(y)[0])
    spoken = np.repeat([level(w) for w in ("one", "two", "three")], 4800)
    np.testing.assert_allclose(y[onset : onset + 14_400], spoken, atol=1e-6)
    assert onset % 480 == 0
    assert not y[onset + 14_400 :].any()
    jaw = take.face.values[:, JAW]
    np.testing.assert_allclose(
        jaw[onset // 480 : onset // 480 + 30], np.repeat(spoken[::4800], 10), atol=1e-6
    )
    words = take.words.words
    assert [w.text for w in words] == ["one", "two", "three"]
    assert words[0].start_s == pytest.approx(onset / 24_000)
    facts = Takes(tmp_path).all()
    assert [(f.id, f.name, f.text, f.has_sound) for f in facts] == [
        (path.stem, "Greeting", "one two three", True)
    ]
    assert facts[0].seconds == pytest.approx(take.duration_s) == pytest.approx(done["seconds"])
    assert not list(tmp_path.glob(".*"))


def test_what_an_interruption_threw_away_is_not_in_the_take(tmp_path: Path):
    heard: list[float] = []

    async def scene(house: House, wire: Wire) -> None:
        wire.say({"type": "say", "text": "zulu " * 40})
        await wire.until(lambda: bool(wire.told("begin")))
        place = house.sessions._places[wire.session]
        await asyncio.sleep(2.0)
        heard.append(place.session.timeline.sample_at(asyncio.get_running_loop().time()))
        heard.append(wire.told("begin")[0]["start"])
        wire.say({"type": "stop"})
        await asyncio.sleep(1.0)
        wire.say({"type": "say", "text": "beta"})
        await wire.until(lambda: len(wire.told("end")) == 1)
        await asyncio.sleep(1.5)

    _, (path,) = recorded(tmp_path, scene)
    take = load(path)
    assert take.sound is not None
    y = take.sound.mono()
    first = int((np.abs(y - level("zulu")) < 1e-6).sum())
    assert first / 24_000 == pytest.approx((heard[0] - heard[1]) / 16_000, abs=0.03)
    assert int((np.abs(y - level("beta")) < 1e-6).sum()) == 4800
    # The clock of the session jumps at the interruption, the take does not.
    assert take.duration_s == pytest.approx(2.0 + 1.0 + 0.2 + 1.5, abs=0.5)
    word = take.words.words[-1]
    assert word.text == "beta"
    onset = np.flatnonzero(np.abs(y - level("beta")) < 1e-6)[0] / 24_000
    assert word.start_s == pytest.approx(onset, abs=0.021)
    assert np.diff(take.face.values[:, JAW]).min() > -0.2  # faded, not cut


def test_a_microphone_is_recorded_with_its_sound(tmp_path: Path):
    async def scene(house: House, wire: Wire) -> None:
        wire.say({"type": "mic", "on": True, "sample_rate": 16_000})
        await wire.until(lambda: bool(wire.told("listen")))
        for _ in range(100):
            wire.hear(tone(0.02))
            await asyncio.sleep(0.02)
        wire.say({"type": "mic", "on": False})
        await asyncio.sleep(1.0)

    _, (path,) = recorded(tmp_path, scene)
    take = load(path)
    assert take.sound is not None
    loud = np.abs(take.sound.mono() - 0.5) < 0.01
    assert loud.sum() / 24_000 == pytest.approx(2.0, abs=0.15)  # the look-ahead's share is never heard
    together = take.face.values[:, JAW] > 0.45
    assert together.sum() == pytest.approx(100, abs=5)
    assert abs(int(np.flatnonzero(together)[0]) * 480 - int(np.flatnonzero(loud)[0])) <= 480


def test_a_client_gone_while_recording_loses_nothing(tmp_path: Path):
    async def scene(house: House) -> None:
        wire = await house.ready()
        wire.say(ON, SAY)
        await wire.until(lambda: bool(wire.told("end")))
        wire.leave()
        await asyncio.sleep(70.0)
        assert len(house.sessions) == 0

    at_home(scene, tmp_path)
    (facts,) = Takes(tmp_path).all()
    assert facts.seconds == pytest.approx(60.0, abs=2.0)


def test_a_take_ends_by_itself_when_it_is_too_long(tmp_path: Path):
    async def scene(house: House, wire: Wire) -> None:
        await asyncio.sleep(8.0)
        assert not wire.told("recording")[-1]["on"]

    recorded(tmp_path, scene, max_take_s=5)
    (facts,) = Takes(tmp_path).all()
    assert facts.seconds == pytest.approx(5.0, abs=1.1)


def test_a_full_disk_ends_the_take_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def write(self: AtomicWriter, part: Performance) -> None:
        self.abort()
        raise OSError(28, "No space left on device")

    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say(ON)
        await wire.until(lambda: bool(wire.told("recording")))
        monkeypatch.setattr(AtomicWriter, "write", write)
        await wire.until(lambda: not wire.told("recording")[-1]["on"])
        wire.say(SAY)
        await wire.until(lambda: bool(wire.told("end")))
        return wire

    wire = at_home(scene, tmp_path)
    assert "No space left on device" in wire.told("recording")[-1]["error"]
    assert list(tmp_path.iterdir()) == []


def test_no_take_begins_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(takes_module, "SPACE_BYTES", 1 << 60)
    with pytest.raises(FormatError, match="MiB free in"):
        Takes(tmp_path).begin()
    (tmp_path / "file").write_text("")
    with pytest.raises(FormatError, match="takes cannot be kept in"):
        Takes(tmp_path / "file").begin()


def test_two_takes_at_once_are_refused(tmp_path: Path):
    async def scene(house: House, wire: Wire) -> None:
        wire.say(ON)
        await wire.until(lambda: bool(wire.errors))
        assert "a take is being recorded already" in wire.errors[0]

    recorded(tmp_path, scene)


@pytest.fixture
def kept(tmp_path: Path) -> Takes:
    """A folder with one take of 2 s: a jaw that opens, a tone, two words."""
    values = np.zeros((100, len(FACE)), np.float32)
    values[:, JAW] = np.linspace(0, 1, 100)
    y = np.concatenate([np.zeros(24_000), np.full(24_000, 0.5)]).astype(np.float32)
    words = Words((Span("first", 0.2, 0.6), Span("second", 1.2, 1.6)))
    take = Performance(Curves(FACE.channels, values), Sound(y, 24_000), words)
    save(take, tmp_path / "one.npz")
    return Takes(tmp_path)


def test_a_file_put_into_the_folder_is_a_take(kept: Takes):
    (facts,) = kept.all()
    assert (facts.id, facts.name, facts.seconds, facts.text) == ("one", "one", 2.0, "first second")


def test_a_take_is_renamed_and_deleted(kept: Takes, tmp_path: Path):
    assert kept.rename("one", "  a\nbetter   name ").name == "a better name"
    assert kept.facts("one").name == "a better name"
    for bad in ("", " \n", "x" * 201):
        with pytest.raises(InputError, match="a name has 1 to 200 characters"):
            kept.rename("one", bad)
    kept.delete("one")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="no take 'one'"):
        kept.delete("one")


@pytest.mark.parametrize(
    "name", ["../one", "/etc/passwd", "..", ".", "", "one.npz", "a/b", "x" * 100, "one\0"]
)
def test_no_name_leads_out_of_the_folder(kept: Takes, name: str):
    for call in (kept.facts, kept.delete, kept.read):
        with pytest.raises(InputError, match="no take"):
            call(name)


def test_a_damaged_file_is_no_take(kept: Takes, tmp_path: Path):
    (tmp_path / "two.npz").write_bytes(b"PK\x03\x04 broken")
    assert [facts.id for facts in kept.all()] == ["one"]


def test_curves_for_a_plot(kept: Takes):
    plot = kept.curves("one", ("jawOpen", "mouthClose"), 10)
    assert plot["seconds"] == 2.0
    np.testing.assert_allclose(plot["values"][0], np.linspace(0, 1, 100)[9::10], atol=1e-3)
    assert plot["values"][1] == [0.0] * 10
    assert plot["peaks"] == [0.0] * 5 + [0.5] * 5
    with pytest.raises(InputError, match="unknown channel 'nose'"):
        kept.curves("one", ("nose",), 10)
    with pytest.raises(InputError, match="points must lie in"):
        kept.curves("one", ("jawOpen",), 10**9)


def test_a_part_begins_at_zero(kept: Takes):
    part = kept.read("one", 1.0, 1.8)
    assert part.duration_s == pytest.approx(0.8)
    assert part.sound is not None
    assert part.face.start == part.sound.start == 0
    assert part.sound.mono().min() == 0.5
    assert part.words.words[0].start_s == pytest.approx(0.2)
    for start, end in ((2.0, None), (1.0, 1.0), (-1.0, None), (float("nan"), None)):
        with pytest.raises(InputError, match="the part of a take must lie in"):
            kept.read("one", start, end)


def test_a_take_is_written_in_other_formats(kept: Takes, tmp_path: Path):
    for ending in (".csv", ".json", ".wav", ".vtt", ".npz"):
        path = tmp_path / f"out{ending}"
        kept.export("one", path, start_s=0.5, end_s=1.5, avatar=None)
        assert path.stat().st_size > 0
    assert load(tmp_path / "out.json").face.duration_s == pytest.approx(1.0)


def test_a_take_is_played(kept: Takes, tmp_path: Path):
    async def scene(house: House) -> Wire:
        wire = await house.ready()
        wire.say({"type": "take", "id": "one", "start_s": 1.0}, {"type": "take", "id": "none"})
        await wire.until(lambda: bool(wire.told("end")))
        return wire

    wire = at_home(scene, tmp_path)
    (begin,) = wire.told("begin")
    assert (begin["kind"], begin["text"]) == ("take", "first second")
    assert wire.errors == ["no take 'none'; perhaps it was deleted"]
    sounds = [one for _, one in wire.got if isinstance(one, SoundPacket)]
    assert sum(len(one.samples) for one in sounds) == 24_000
    assert wire.jaw(1)[10:60].max() == pytest.approx(1.0)


def test_facts_survive_a_damaged_note(kept: Takes, tmp_path: Path):
    kept.describe(TakeFacts("one", "named", 2.0, 5.0, True, ""))
    assert kept.facts("one").name == "named"
    (tmp_path / "one.json").write_text("{broken")
    assert kept.facts("one").name == "one"


def test_a_take_holds_the_body_and_the_background_that_were_there(tmp_path: Path):
    async def scene(house: House, wire: Wire) -> None:
        session = house.sessions.find(wire.session).session
        noise = np.random.default_rng(0).normal(0, 0.1, 5 * 24_000).astype(np.float32)
        session.bed = bed = Bed(seamless(noise, 24_000), 24_000, db=-12, always=True)
        levels.append(bed.level)
        behaviour = Behaviour(session)
        await asyncio.sleep(1.0)
        behaviour.gesture("wave")
        await asyncio.sleep(3.0)
        behaviour.close()

    levels: list[float] = []
    _, (path,) = recorded(tmp_path, scene)
    take = load(path)
    assert take.motion is not None
    assert take.sound is not None
    arm = take.motion.rotations[:, take.motion.joints.index("rightUpperArm")]
    assert np.abs(arm - arm[0]).max() > 0.4
    y = take.sound.mono()[24_000 : 3 * 24_000]
    assert np.sqrt(np.mean(y**2)) == pytest.approx(levels[0] * 10 ** (SWELL_DB / 20), rel=0.2)
