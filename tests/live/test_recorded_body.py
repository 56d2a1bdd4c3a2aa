"""Gestures in recordings: a file shows the body and the nod that were seen live, in every format that can."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rhapsode.formats import load
from rhapsode.live.behaviour import Behaviour
from rhapsode.live.items import CurvesItem, Item
from rhapsode.live.motion import Pose, between
from rhapsode.live.runner import SinkRunner
from rhapsode.live.session import Session
from rhapsode.live.sinks.registry import open_sink
from rhapsode.performance import HOP, Float32, Motion, Performance
from rhapsode.protocols.frame import Quaternion
from rhapsode.rigs import FACE
from tests.live.test_behaviour import LivingEngine
from tests.live.virtual import Inline, play

PITCH = FACE.index("headPitch")
ARM, FINGER = "rightUpperArm", "rightIndexProximal"
WAVE_S, NOD_S, SECONDS = 1.5, 4.5, 7.0


class Seen:
    """What a stage is given, frame by frame."""

    def __init__(self) -> None:
        self.items: list[CurvesItem] = []

    def offer(self, item: Item) -> None:
        if isinstance(item, CurvesItem):
            self.items.append(item)

    def interrupted(self, generation: int) -> None:
        self.items = [item for item in self.items if item.start < 0]


def record(url: str) -> Seen:
    """Record a wave and a nod, without a word."""

    async def run() -> Seen:
        session, seen = Session(LivingEngine(), Inline()), Seen()
        sink, options = open_sink(url)
        runner = SinkRunner(url, sink, session.timeline, options)
        session.attach(runner)
        session.attach(seen)
        behaviour = Behaviour(session, seed=5)
        tasks = [asyncio.ensure_future(runner.run())]
        while runner.status.state == "connecting":
            await asyncio.sleep(0)  # the thread of the recorder knows no virtual time
        tasks.append(asyncio.ensure_future(session.run()))
        for gesture, pause in (("", WAVE_S), ("wave", NOD_S - WAVE_S), ("nod", SECONDS - NOD_S)):
            if gesture:
                behaviour.gesture(gesture)
            await asyncio.sleep(pause)
        for task in tasks:
            task.cancel()
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
        assert runner.status.error is None
        return seen

    return play(run())


def turns(motion: Motion | None, bone: str) -> Float32:
    assert motion is not None
    return motion.rotations[:, motion.joints.index(bone)]


def raised(turned: Float32) -> Float32:
    """Return how far an arm is turned out of how it hangs at the beginning, radians."""
    near = np.abs((turned * turned[:1]).sum(axis=1)).clip(0, 1)
    return np.asarray(2 * np.arccos(near), np.float32)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Seen, Performance]:
    path = tmp_path_factory.mktemp("takes") / "take.npz"
    return record(f"file://{path}"), load(path)


def test_a_recording_holds_what_was_seen_live(taken: tuple[Seen, Performance]):
    seen, made = taken
    live = np.array([item.bones[ARM] for item in seen.items], np.float32)
    head = np.array([item.values[0, PITCH] for item in seen.items], np.float32)
    kept, nod = turns(made.motion, ARM), made.face.values[:, PITCH]
    assert made.motion is not None
    nod = nod[int(made.motion.start / HOP) :]
    assert (made.motion.rate, len(kept)) == (Fraction(50), len(nod))
    late = [float(np.abs(kept[k : k + 300] - live[:300]).max()) for k in range(20)]
    best = int(np.argmin(late))
    assert late[best] < 0.02, "the body is that of the stage"
    assert np.abs(nod[best : best + 300] - head[:300]).max() < 0.01, "and so is the face, at the same time"
    assert raised(kept).max() > 0.8
    assert np.ptp(turns(made.motion, FINGER)[:, 2]) > 0.1, "a wave moves fingers that nothing moved before"


@pytest.mark.slow
@pytest.mark.parametrize("extension", ["glb", "vrma", "bvh", "usda"])
def test_every_format_with_bones_shows_them(extension: str, taken: tuple[Seen, Performance], tmp_path: Path):
    path = tmp_path / f"take.{extension}"
    record(f"file://{path}")
    made, (_, npz) = load(path), taken
    arm, reference = raised(turns(made.motion, ARM)), raised(turns(npz.motion, ARM))
    assert arm.max() == pytest.approx(reference.max(), abs=0.05)
    when = [int(np.argmax(one)) / len(one) for one in (arm, reference)]
    assert when[0] == pytest.approx(when[1], abs=0.02)


@pytest.mark.slow
def test_a_video_shows_the_wave(tmp_path: Path):
    import av

    path = tmp_path / "take.mp4"
    record(f"file://{path}?size=96x96&camera=body")
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray(format="gray").astype(float) for frame in film.decode(video=0)]
    still, waving = frames[30], frames[round((WAVE_S + 1) * 30)]
    left = np.abs(waving - still)[:, :48].mean()
    assert left > 3 * np.abs(waving - still)[:, 48:].mean(), "only the right arm, on the left of the picture"


def test_bones_that_come_later_or_stay_away_leave_a_motion_without_a_gap():
    pose = Pose()
    turn: Quaternion = (0.0, 0.0, 0.6, 0.8)
    for bones in ({}, {}, {"rightHand": turn}, {}, {"spine": turn}):
        pose.push(bones)
    made = pose.take()
    assert made is not None
    assert made.start == 2 * 320
    assert made.joints[:2] == ("rightHand", "spine")
    np.testing.assert_allclose(made.rotations[:, 0], [turn] * 3, rtol=1e-6)
    np.testing.assert_allclose(made.rotations[:, 1], [[0, 0, 0, 1]] * 2 + [turn], rtol=1e-6)
    pose.push({"spine": turn, "leftFoot": turn})
    more = pose.take()
    assert more is not None
    assert (more.joints, int(more.start), len(more)) == (made.joints, 5 * 320, 1)
    assert pose.take() is None
    assert Pose().take() is None


def test_between_two_poses_bones_turn_the_short_way():
    a: Quaternion = (0.0, 0.0, 0.0, 1.0)
    b: Quaternion = (0.0, 0.0, -0.6, -0.8)
    half = between({"spine": a}, {"spine": b, "chest": b}, 0.5)
    assert half["chest"] == b
    assert half["spine"][3] > 0.9
    assert half["spine"][2] > 0.3
