"""The face in a process of its own: LiveKit's own sender, receiver and runner, in rooms without a server."""

from __future__ import annotations

import asyncio
import json
import pickle
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

pytest.importorskip("livekit.agents", reason="the extra livekit is not installed")

from livekit.agents import WorkerOptions
from livekit.agents.voice.avatar import DataStreamAudioOutput

from rhapsode.errors import AvatarError, SettingError
from rhapsode.livekit import FaceVideo, serve, worker_options
from rhapsode.livekit import worker as worker_module
from rhapsode.livekit.worker import NAME, accept, entrypoint
from tests.livekit.test_livekit import FakePainter, sound, video
from tests.livekit.world import AGENT, Room, World

_T = TypeVar("_T")
STANDARD = 0


@dataclass
class Talk:
    """An agent that talks to a face in another process, and what it is told."""

    world: World
    face: FaceVideo
    agent: Room
    room: Room
    output: DataStreamAudioOutput
    serving: asyncio.Task[None]
    told: list[tuple[str, float, Any]] = field(default_factory=list)

    async def say(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            await self.output.capture_frame(sound(0.1))
        self.output.flush()

    async def until(self, event: str, count: int = 1) -> tuple[float, Any]:
        async with asyncio.timeout(10):
            while len(got := [row for row in self.told if row[0] == event]) < count:
                await asyncio.sleep(0.005)
        return got[count - 1][1:]


async def ready(room: Room) -> None:
    """Wait until the face takes sound."""
    async with asyncio.timeout(20):
        while not room.byte_handlers:
            await asyncio.sleep(0.005)


def talk(scene: Callable[[Talk], Awaitable[_T]]) -> tuple[Talk, _T]:
    async def run() -> tuple[Talk, _T]:
        world, face = World(), video()
        room = world.join("face")
        serving = asyncio.create_task(serve(room, face))  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        world.join("person", STANDARD)
        agent = world.join("agent", AGENT)
        output = DataStreamAudioOutput(
            agent,  # type: ignore[arg-type]
            destination_identity="face",
            sample_rate=24_000,
            wait_playback_start=True,
        )
        made = Talk(world, face, agent, room, output, serving)
        output.on("playback_started", lambda *_: made.told.append(("started", time.monotonic(), None)))
        output.on("playback_finished", lambda e: made.told.append(("finished", time.monotonic(), e)))
        try:
            await ready(room)
            async with asyncio.timeout(30):
                return made, await scene(made)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    return asyncio.run(asyncio.wait_for(run(), 60))


@pytest.mark.slow
def test_sound_and_pictures_are_published_and_the_agent_is_told_what_was_played():
    async def scene(made: Talk) -> Any:
        await made.say(1.0)
        return (await made.until("finished"))[1]

    made, finished = talk(scene)
    assert [row[0] for row in made.told] == ["started", "finished"]
    assert (finished.interrupted, finished.playback_position) == (False, pytest.approx(1.0, abs=0.01))
    assert len(made.room.local_participant.published) == 2
    assert not made.agent.local_participant.published


@pytest.mark.slow
def test_an_interruption_stops_it_and_tells_how_far_it_came_and_the_next_answer_is_heard():
    async def scene(made: Talk) -> tuple[Any, Any]:
        await made.say(5.0)
        await made.until("started")
        await asyncio.sleep(0.5)
        made.output.clear_buffer()
        _, cut = await made.until("finished")
        await made.say(0.5)
        _, whole = await made.until("finished", 2)
        return cut, whole

    made, (cut, whole) = talk(scene)
    assert cut.interrupted
    assert 0.2 < cut.playback_position < 4
    # A piece of 20 ms that was on its way may be counted to what follows by LiveKit's runner.
    assert (whole.interrupted, whole.playback_position) == (False, pytest.approx(0.5, abs=0.03))
    assert "lk.clear_buffer" in [method for method, _ in made.agent.local_participant.calls]


def test_nobody_else_can_interrupt_it():
    async def scene(made: Talk) -> str:
        await made.say(0.3)
        stranger = made.world.rooms["person"].local_participant
        answer = await stranger.perform_rpc(destination_identity="face", method="lk.clear_buffer", payload="")
        _, finished = await made.until("finished")
        assert not finished.interrupted
        return answer

    _, answer = talk(scene)
    assert answer == "reject"


@pytest.mark.parametrize("who", ["agent", "face"])
def test_it_ends_when_the_agent_leaves_or_the_room_is_left_and_nothing_stays(who: str):
    async def scene(made: Talk) -> None:
        await made.say(2.0)
        await made.until("started")
        made.world.rooms["person"].leave()
        await asyncio.sleep(0.05)
        assert not made.serving.done(), "a person may come and go"
        made.world.rooms[who].leave()
        async with asyncio.timeout(20):
            await made.serving

    made, _ = talk(scene)
    assert not made.room.byte_handlers
    assert made.room.listeners() == 0
    assert isinstance(made.face._painter, FakePainter)
    assert made.face._painter.rested


def test_it_serves_again_in_the_same_room():
    async def scene(made: Talk) -> None:
        made.world.rooms["agent"].leave()
        await made.serving
        again = asyncio.create_task(serve(made.room, video(), sender="other"))  # type: ignore[arg-type]
        made.world.join("other")
        await ready(made.room)
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)

    talk(scene)


# The worker


@dataclass
class Job:
    metadata: str = ""


class Context:
    """What LiveKit gives an entry point."""

    def __init__(self, metadata: str = "") -> None:
        self.job, self.room = Job(metadata), World().join("face")
        self.connected: list[Any] = []
        self.reasons: list[str] = []

    async def connect(self, *, auto_subscribe: Any) -> None:
        self.connected.append(auto_subscribe)

    def shutdown(self, reason: str) -> None:
        self.reasons.append(reason)


def test_a_worker_is_dispatched_by_its_name_and_can_be_sent_to_other_processes():
    options = worker_options(size=(64, 64), fps=15)
    assert isinstance(options, WorkerOptions)
    assert options.agent_name == NAME
    assert pickle.loads(pickle.dumps(options.entrypoint_fnc)).keywords == {
        "options": {"size": (64, 64), "fps": 15}
    }
    pickle.dumps(options.request_fnc)
    with pytest.raises(SettingError, match="unknown option 'colour'"):
        worker_options(colour="red")
    with pytest.raises(SettingError, match="size"):
        worker_options(size=(1, 1))


def test_it_joins_under_the_identity_that_the_agent_sends_its_sound_to():
    class Request:
        def __init__(self) -> None:
            self.accepted: dict[str, str] = {}

        async def accept(self, **told: str) -> None:
            self.accepted = told

    request = Request()
    asyncio.run(accept(request, identity="mira"))  # type: ignore[arg-type]
    assert request.accepted["identity"] == "mira"


def test_a_job_says_whose_face_it_is_and_how_it_looks(monkeypatch: pytest.MonkeyPatch):
    served: list[tuple[Any, FaceVideo, str | None]] = []

    async def served_by(room: Any, face: FaceVideo, *, sender: str | None) -> None:
        served.append((room, face, sender))

    monkeypatch.setattr(worker_module, "serve", served_by)
    told = json.dumps({"sender": "agent-7", "size": [96, 64], "fps": 20})
    context = Context(told)
    asyncio.run(entrypoint(context, options={"fps": 15}))  # type: ignore[arg-type]
    ((room, face, sender),) = served
    assert room is context.room
    assert sender == "agent-7"
    assert (face.options.video_width, face.options.video_height, face.options.video_fps) == (96, 64, 20)
    assert len(context.connected) == 1
    assert context.reasons == ["the agent has left"]


@pytest.mark.parametrize("metadata", ["nonsense", "[1]", '{"colour": "red"}'])
def test_a_job_that_cannot_be_done_is_given_up_with_its_reason(metadata: str):
    context = Context(metadata)
    asyncio.run(entrypoint(context))  # type: ignore[arg-type]
    assert not context.connected
    assert "JSON object" in context.reasons[0] or "unknown option" in context.reasons[0]


def test_an_avatar_that_cannot_be_loaded_leaves_nothing_behind():
    class Broken(FakePainter):
        async def ready(self) -> None:
            raise AvatarError("there is no avatar 'nobody'; name another")

    async def scene() -> Room:
        room, face = World().join("face"), video()
        face._painter = Broken()
        with pytest.raises(AvatarError):
            await serve(room, face)  # type: ignore[arg-type]
        return room

    room = asyncio.run(scene())
    assert room.listeners() == 0
