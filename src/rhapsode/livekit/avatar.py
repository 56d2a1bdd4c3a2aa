"""The face in a room of LiveKit: from the agent's own process, or from one of its own."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.voice.avatar import AvatarRunner, DataStreamAudioReceiver, QueueAudioOutput
from livekit.agents.voice.avatar import AvatarSession as _AvatarSession

from livekit import rtc
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.livekit.video import FaceVideo

AUDIO_STREAM_TOPIC = "lk.audio_stream"
"""Where LiveKit's `DataStreamAudioOutput` sends an agent's sound."""


class AvatarSession(_AvatarSession):
    """Publishes the agent's voice and its face from the agent's own process.

    Args:
        video: makes the pictures; one made of ``options`` where None.
        **options: of `FaceVideo`: avatar, size, fps, camera, background, direction.

    Example:
        avatar = AvatarSession(avatar="mira")
        await avatar.start(session, room=ctx.room)
        await session.start(agent, room=ctx.room)

    """

    def __init__(self, video: FaceVideo | None = None, **options: Any) -> None:
        super().__init__()
        self._video = video or FaceVideo(**options)
        self._runner: AvatarRunner | None = None
        self._joined: rtc.Room | None = None

    @property
    def avatar_identity(self) -> str:
        """The agent's own participant: it publishes the face itself."""
        return str(self._joined.local_participant.identity) if self._joined is not None else ""

    @property
    def provider(self) -> str:
        """Who makes the face."""
        return "rhapsode"

    async def start(self, agent_session: AgentSession, room: rtc.Room) -> None:
        """Take the agent's sound and publish it with the face; call it before the agent's own start.

        Raises:
            RhapsodeError: the face or its avatar cannot be loaded.

        """
        await self._video.prepare()
        self._joined = room
        await super().start(agent_session, room)
        output = QueueAudioOutput(sample_rate=SAMPLE_RATE, wait_playback_start=True)
        self._runner = AvatarRunner(
            room, audio_recv=output, video_gen=self._video, options=self._video.options
        )
        await self._runner.start()
        agent_session.output.replace_audio_tail(output)

    async def aclose(self) -> None:
        """Leave nothing running; the agent stays in the room."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.aclose()
        self._video.aclose()
        room, self._room = self._joined, None  # the base would have the avatar, which is the agent, removed
        if room is not None:
            room.off("connection_state_changed", self._on_connection_state_changed)
        await super().aclose()


async def serve(room: rtc.Room, video: FaceVideo, *, sender: str | None = None) -> None:
    """Be the avatar of an agent in another process: until it leaves, the room is left, or cancelled.

    The agent sends its sound with LiveKit's `DataStreamAudioOutput`, whose destination is the identity that
    ``room`` was joined with.

    Args:
        room: joined already.
        video: makes the pictures.
        sender: identity of the agent; None takes the first one in the room.

    Raises:
        RhapsodeError: the face or its avatar cannot be loaded.

    """
    receiver = DataStreamAudioReceiver(room, sender_identity=sender)
    over = asyncio.Event()

    def left(participant: rtc.RemoteParticipant) -> None:
        served = getattr(receiver, "_remote_participant", None)
        if served is not None and participant.identity == served.identity:
            over.set()

    def parted(*_: object) -> None:
        over.set()

    room.on("participant_disconnected", left)
    room.on("disconnected", parted)
    runner: AvatarRunner | None = None
    jobs: list[asyncio.Task[Any]] = []
    try:
        await video.prepare()
        runner = AvatarRunner(room, audio_recv=receiver, video_gen=video, options=video.options)
        jobs = [asyncio.create_task(_run(runner)), asyncio.create_task(over.wait())]
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        if jobs[0].done() and not over.is_set():
            jobs[0].result()
    finally:
        room.off("participant_disconnected", left)
        room.off("disconnected", parted)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        if runner is not None:
            await runner.aclose()
        room.unregister_byte_stream_handler(AUDIO_STREAM_TOPIC)
        video.aclose()


async def _run(runner: AvatarRunner) -> None:
    await runner.start()
    await runner.wait_for_complete()
