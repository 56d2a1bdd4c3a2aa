"""A sitting: what is pressed, what is shown, what is kept; with a made-up microphone, keys and clock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from rhapsode.errors import AudioError
from rhapsode.performance import Float32
from rhapsode.train.script.folder import TakeFolder
from rhapsode.train.script.prompts import Item, script
from rhapsode.train.script.session import KEY_TRIM_S, Session, Summary
from tests.train.scripted import RATE, FakeCamera, FakeKeys, FakeMicrophone, FakeScreen, room, said

ITEMS = script("en", manners=["normal"])[:4]
FIRST, SECOND = (item.id for item in ITEMS[:2])


def clap(rest_s: float = 1.0) -> Float32:
    """Return a clap at 0.6 s with an echo, and a quiet word behind it."""
    whole = room(0.6 + rest_s)
    begin = round(0.6 * RATE)
    decay = np.exp(-np.arange(RATE // 10) / (RATE * 0.01))
    whole[begin : begin + len(decay)] += 0.7 * decay * np.sign(np.sin(np.arange(len(decay)) * 1.7))
    return whole


class Sitting:
    """One session of a speaker who presses ``pressed``."""

    def __init__(
        self,
        path: Path,
        pressed: str,
        says: Sequence[Float32] = (),
        *,
        items: Sequence[Item] = ITEMS,
        early: str = "",
        breaks_at: int | None = None,
        noise: float = 5e-4,
        **options: Any,
    ) -> None:
        self.screen, self.folder = FakeScreen(), TakeFolder(path)
        self.microphone = FakeMicrophone(says, breaks_at=breaks_at, noise=noise)
        self.keys = FakeKeys(self.screen, pressed, early=early)
        settings: dict[str, Any] = {"sync": False, "clock": self.keys.clock} | options
        self.session = Session(items, self.folder, self.microphone, self.screen, self.keys, **settings)

    def run(self) -> Summary:
        return self.session.run()


def test_space_keeps_each_take_and_the_folder_can_be_read_by_anyone(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path / "new" / "takes", ".. .. .. .. ")
    done = sitting.run()
    assert done.recorded == [item.id for item in ITEMS]
    assert (done.left, done.stopped, done.warned) == (0, False, [])
    document = json.loads((tmp_path / "new/takes/takes.json").read_text())
    assert (document["format"], document["version"]) == ("rhapsode-takes", 1)
    assert [take["id"] for take in document["takes"]] == done.recorded
    first = document["takes"][0]
    assert first["phones"] == ["P", "AA1", "AA1", "P", "AA1", "AA1", "P"]
    assert (first["kind"], first["manner"], first["warnings"]) == ("isolated", "normal", [])
    y, rate = soundfile.read(tmp_path / "new/takes" / first["file"])
    assert (rate, y.ndim) == (RATE, 1)
    # 0.3 s of the room before, the take itself, less the sound of the key.
    assert len(y) / rate == pytest.approx(0.3 + 1.8 - KEY_TRIM_S, abs=0.051)
    assert -30 < first["level_dbfs"] < -15
    assert first["noise_dbfs"] == pytest.approx(-66, abs=2)
    assert not list((tmp_path / "new/takes").glob(".*"))


def test_takes_share_the_clock_of_their_sitting(tmp_path: Path) -> None:
    Sitting(tmp_path, ".  . . . ").run()
    takes = list(TakeFolder(tmp_path).takes.values())
    ends = [take.start_s + take.duration_s for take in takes if take.start_s is not None]
    assert takes[0].start_s == pytest.approx(0.7, abs=0.051)
    assert all(b.start_s is not None and a <= b.start_s for a, b in zip(ends, takes[1:], strict=False))


def test_a_count_in_comes_before_each_take_and_space_skips_it(tmp_path: Path) -> None:
    patient = Sitting(tmp_path / "a", ". ", items=ITEMS[:1])
    patient.run()
    assert patient.screen.shown[:5] == [f"prompt 1/1 {FIRST}", "count 3", "count 2", "count 1", "recording"]
    assert patient.keys.now > 3 * 0.7
    hasty = Sitting(tmp_path / "b", ". ", items=ITEMS[:1], early=" ")
    hasty.run()
    assert "count 2" not in hasty.screen.shown
    assert hasty.folder.takes


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    done = Sitting(tmp_path, ". . q").run()
    assert (len(done.recorded), done.left, done.stopped) == (2, 2, True)
    left = TakeFolder(tmp_path).missing(ITEMS)
    assert left == ITEMS[2:]
    Sitting(tmp_path, ". . ", items=left).run()
    folder = TakeFolder(tmp_path)
    assert not folder.missing(ITEMS)
    assert [one.number for one in folder.sittings] == [1, 2]
    assert [take.sitting for take in folder.takes.values()] == [1, 1, 2, 2]


def test_r_while_recording_begins_again(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ".r. q", [said(0.5), said(2.0)])
    assert sitting.run().recorded == [FIRST]
    assert sitting.folder.takes[FIRST].duration_s > 2.0


def test_q_while_recording_gives_that_take_up(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ".q")
    assert sitting.run().recorded == []
    assert not (tmp_path / "takes.json").exists()
    assert sitting.microphone.log[-2:] == ["drop", "close"]


@pytest.mark.parametrize(
    ("sound", "code"),
    [
        (said(level=0.01), "quiet"),
        (np.clip(said(level=3.0), -1, 1), "clipped"),
        (said(noise=0.01), "noisy"),
        (room(2.0), "unheard"),
        (said(edge=-0.0)[: RATE // 2], "cut-end"),
    ],
)
def test_a_problem_is_told_at_once_and_the_speaker_decides(tmp_path: Path, sound: Float32, code: str) -> None:
    noise = 0.01 if code == "noisy" else 5e-4
    sitting = Sitting(tmp_path, ". r. q", [sound, said()], noise=noise)
    done = sitting.run()
    verdicts = [shown for shown in sitting.screen.shown if shown.startswith("verdict")]
    assert len(verdicts) == 1
    assert code in verdicts[0]
    assert (done.recorded, done.warned) == ([FIRST], [])
    kept = Sitting(tmp_path, ".  q", [sound], noise=noise)
    assert kept.run().warned == [FIRST]
    assert code in TakeFolder(tmp_path).takes[FIRST].warnings


def test_p_plays_the_take_and_q_then_keeps_it(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ".ppq")
    done = sitting.run()
    assert len(sitting.microphone.played) == 2
    assert (done.recorded, done.stopped) == ([FIRST], True)


def test_review_waits_after_a_good_take(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ".  .  q", review=True)
    assert sitting.run().recorded == [FIRST, SECOND]
    assert sitting.screen.shown.count("verdict") == 2


def test_a_take_that_nobody_ends_ends_itself_and_asks(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, "." * 2000 + "q", items=ITEMS[:1])
    done = sitting.run()
    assert done.recorded == [FIRST]
    assert any("no key was pressed" in shown for shown in sitting.screen.shown)


def test_a_clap_opens_and_closes_a_sitting(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ". . . ", [clap(), said(), clap()], items=ITEMS[:1], sync=True)
    assert sitting.run().recorded == [FIRST]
    (one,) = TakeFolder(tmp_path).sittings
    assert [(c.where, c.file) for c in one.claps] == [
        ("start", "sync/01-start.wav"),
        ("end", "sync/01-end.wav"),
    ]
    # The clap is 0.6 s into what the microphone heard behind the first second.
    assert one.claps[0].time_s == pytest.approx(1.6, abs=0.005)
    assert one.claps[1].time_s == pytest.approx(1.0 + 1.6 + 1.8 + 0.6, abs=0.005)
    y, rate = soundfile.read(tmp_path / "sync/01-start.wav")
    assert np.abs(y).argmax() / rate == pytest.approx(0.9, abs=0.06)


def test_a_clap_that_is_not_heard_is_asked_for_again(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ". r. . q", [room(2.0), clap(), said()], sync=True)
    assert sitting.run().recorded == [FIRST]
    assert any("no clap was heard" in shown for shown in sitting.screen.shown)
    assert len(TakeFolder(tmp_path).sittings[0].claps) == 1


def test_a_camera_writes_beside_the_sound_and_only_what_is_kept(tmp_path: Path) -> None:
    camera = FakeCamera()
    sitting = Sitting(tmp_path, ".r. . q", others=[camera])
    assert sitting.run().recorded == [FIRST, SECOND]
    assert (tmp_path / f"{FIRST}.mp4").read_text() == "take 2"
    assert (tmp_path / f"{SECOND}.mp4").read_text() == "take 3"
    assert camera.log == ["open", "begin", "begin", "begin", "begin", "drop", "close"]


def test_a_microphone_that_breaks_leaves_what_was_kept(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ". . . ", breaks_at=3)
    with pytest.raises(AudioError, match="has stopped; plug it in again"):
        sitting.run()
    assert list(TakeFolder(tmp_path).takes) == [FIRST, SECOND]
    assert sitting.microphone.log[-1] == "close"


def test_an_interrupt_leaves_what_was_kept(tmp_path: Path) -> None:
    sitting = Sitting(tmp_path, ". ")
    read = sitting.keys.read

    def interrupted(timeout_s: float) -> str | None:
        if sitting.microphone.begun == 2:
            raise KeyboardInterrupt
        return read(timeout_s)

    sitting.keys.read = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        sitting.run()
    assert list(TakeFolder(tmp_path).takes) == [FIRST]
    assert sitting.microphone.log[-2:] == ["drop", "close"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{FIRST}.wav", "takes.json"]


def test_recording_again_replaces_a_take(tmp_path: Path) -> None:
    Sitting(tmp_path, ". q", [said(0.5)]).run()
    before = TakeFolder(tmp_path).takes[FIRST]
    (tmp_path / f"{FIRST}.csv").write_text("the face of the first take")
    Sitting(tmp_path, ". q", [said(2.0)], items=ITEMS[:1]).run()
    folder = TakeFolder(tmp_path)
    assert len(folder.takes) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f".{FIRST}.csv.old",
        f"{FIRST}.wav",
        "takes.json",
    ]
    assert folder.takes[FIRST].duration_s > before.duration_s + 1
    assert [one.number for one in folder.sittings] == [2]
