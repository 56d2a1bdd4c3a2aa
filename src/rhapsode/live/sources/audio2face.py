"""Clients of NVIDIA Audio2Face-3D as a source: what they send moves the session's face, in all its sinks.

They are answered as they expect, with the curves and the sound of the session, as it performs them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np

from rhapsode.errors import PacketError, SettingError
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import Emotion, Timeline
from rhapsode.live.ear import Process
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import CurvesItem, Item, ListenItem, SoundItem
from rhapsode.live.session import Session
from rhapsode.live.sources.audio2face_grpc import PORT, Audio2FaceServer, Door
from rhapsode.live.sources.audio2face_line import IDLE_S, Line, RefusedError
from rhapsode.performance import CLOCK_HZ, HOP, Curves
from rhapsode.protocols.audio2face import End, Header, Part, SoundFormat, directed, told
from rhapsode.protocols.audio2face_answer import AnswerStream, header, processed, success
from rhapsode.protocols.audio2face_emotion import Score
from rhapsode.rigs import FACE

CHUNK_S = 0.02
AHEAD_S = 0.2
"""How much faster than it is spoken sound is taken: a file sent at once plays at its pace."""

SETTLE_S = 0.5
"""So long behind the end of the sound its last curves are waited for."""

ANSWER_S = 0.03
"""How often answers are sent."""

BEGIN_S = 10.0
"""So long a client waits for a session that performs something else."""

ANSWERED = SoundFormat(SAMPLE_RATE)
"""The sound in the answers: that of the session."""


def source_at(address: str, *, token: str = "") -> Audio2FaceSource:
    """Return a source that listens at HOST:PORT, HOST or :PORT.

    Raises:
        SettingError: that is no address, or other machines get in and there is no token.
        MissingExtraError: grpcio or protobuf is not installed.

    """
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.path:
        raise SettingError(f"an address must be HOST:PORT, got '{address}'; try 127.0.0.1:{PORT}")
    return Audio2FaceSource(host, PORT if port is None else port, token=token)


class Audio2FaceSource:
    """Listens for clients of Audio2Face-3D; one at a time speaks.

    Args:
        host: to listen on.
        port: to listen on; 0 takes a free one.
        token: what clients must send as metadata ``authorization: Bearer ...``; empty for none.
        process: cleans the sound, see `rhapsode.live.ear.Process`.
        idle_s: so long a client may say nothing.

    Raises:
        SettingError: other machines get in, and no token keeps strangers out.
        MissingExtraError: grpcio or protobuf is not installed.

    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = PORT,
        *,
        token: str = "",
        process: Process | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        door = Door(host, port, token)
        door.check_reach()
        self._server = Audio2FaceServer(door, self._take, idle_s=idle_s)
        self._process = process
        self._session: Session | None = None
        self._taken = False

    @property
    def port(self) -> int:
        """That it listens on, once it runs."""
        return self._server.port

    async def run(self, session: Session) -> None:
        """Serve one client after the other until cancelled.

        Raises:
            SinkError: the port is taken, or the address is not of this machine.

        """
        self._session = session
        await self._server.start()
        try:
            await self._server.wait()
        finally:
            await self._server.stop()

    async def _take(self, line: Line) -> None:
        assert self._session is not None
        if self._taken:
            raise RefusedError("RESOURCE_EXHAUSTED", "somebody speaks already; try again later")
        self._taken = True
        played = self._session.direction
        try:
            await _Visit(self._session, line, await line.header(), played).serve(self._process)
        finally:
            self._taken = False
            self._session.deafen()
            self._session.direct(played)


class _Visit:
    """One client's stream, from its header to its last answer."""

    def __init__(self, session: Session, line: Line, head: Header, played: Direction) -> None:
        self._session, self._line, self._head = session, line, head
        self._direction = directed(played, head)
        self._score = Score(head.feeling)
        self._spoken = _Spoken()
        self._heard = 0
        self._due = 0.0
        self._over = False

    async def serve(self, process: Process | None) -> None:
        """Bring the client's sound, and answer it."""
        self._session.direct(self._direction)
        self._session.attach(self._spoken)
        try:
            self._spoken.arm()
            self._session.listen(self._head.sound.sample_rate, process=process)
            await self._begin()
            await self._line.write([header(ANSWERED, time.time())])
            left_out = await self._converse()
        finally:
            self._session.detach(self._spoken)
        last = [*self._spoken.answers(), *self._spoken.finish(), processed(), success(told(left_out))]
        await self._line.write(last)

    async def _begin(self) -> None:
        try:
            async with asyncio.timeout(BEGIN_S):
                await self._spoken.begun.wait()
        except TimeoutError:
            raise RefusedError(
                "UNAVAILABLE", f"the face did something else for {BEGIN_S:g} s; try again later"
            ) from None

    async def _converse(self) -> list[str]:
        """Bring the sound and answer it side by side, until its end was performed."""
        bringing, answering = asyncio.create_task(self._bring()), asyncio.create_task(self._answer())
        try:
            await asyncio.wait([bringing, answering], return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
            return bringing.result()
        finally:
            self._over = True  # an answer on its way is not cut short: nothing could be sent behind it
            bringing.cancel()
            await asyncio.gather(bringing, answering, return_exceptions=True)

    async def _bring(self) -> list[str]:
        """Bring all sound, as fast as it is spoken; return what was left out of what was asked for."""
        left_out, rest = list(self._head.left_out), b""
        sound = self._head.sound
        while not isinstance(request := await self._line.read(), End):
            if not isinstance(request, Part):
                raise PacketError("a stream has one header, got a second one; open a stream for each sound")
            left_out += request.left_out
            self._note(request.emotions)
            whole, rest = sound.whole(rest + request.sound)
            for piece in sound.pieces(whole, CHUNK_S):
                self._feel()
                await self._pace()
                samples = sound.samples(piece)
                self._session.hear(samples)
                self._heard += len(samples)
                self._due += len(samples) / sound.sample_rate
        sound.check_rest(rest)
        await asyncio.sleep(max(self._due - _now(), 0) + SETTLE_S)
        return left_out

    async def _pace(self) -> None:
        now = _now()
        self._due = max(self._due, now)
        if self._due - now > AHEAD_S:
            await asyncio.sleep(self._due - now - AHEAD_S)

    @property
    def _second(self) -> float:
        """Of the stream, up to which its sound was brought."""
        return self._heard / self._head.sound.sample_rate

    def _note(self, emotions: Mapping[float, Emotion]) -> None:
        self._score.add(emotions, self._second)
        self._spoken.feel(emotions)

    def _feel(self) -> None:
        """Let the session feel what the client wants felt now."""
        felt = self._score.felt()
        if isinstance(felt, Timeline):
            felt = felt.at(self._second)
        if felt != self._direction.emotion:
            self._direction = replace(self._direction, emotion=felt)
            self._session.direct(self._direction)

    async def _answer(self) -> None:
        while not self._over:
            await self._line.write(self._spoken.answers())
            await asyncio.sleep(ANSWER_S)


class _Spoken:
    """Takes what the session performs while it listens, and turns it into answers; an outlet."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._answers = AnswerStream(ANSWERED)
        self._curves: deque[CurvesItem] = deque()
        self._sounds: deque[SoundItem] = deque()
        self._armed = False
        self._first = 0

    def arm(self) -> None:
        """Begin with what comes from now on."""
        self._armed = True

    def offer(self, item: Item) -> None:
        """Take an item of the session."""
        if not self._armed:
            return
        if isinstance(item, ListenItem) and not self.begun.is_set():
            self._first = item.sound
            self.begun.set()
        elif self.begun.is_set() and isinstance(item, CurvesItem):
            self._curves.append(item)
        elif self.begun.is_set() and isinstance(item, SoundItem):
            self._sounds.append(item)

    def interrupted(self, generation: int) -> None:
        """What was performed stays in the answers."""

    def feel(self, emotions: Mapping[float, Emotion]) -> None:
        """Take notice of emotions that the client gave."""
        self._answers.feel(emotions)

    def answers(self) -> list[bytes]:
        """Return the answers that are ready: curves whose sound is there."""
        made: list[bytes] = []
        while self._sounds:
            sound = self._sounds.popleft()
            self._answers.hear(
                np.clip(np.round(sound.samples * 32768.0), -32768, 32767).astype("<i2").tobytes()
            )
            end = sound.start + len(sound.samples) * CLOCK_HZ // sound.sample_rate
            while self._curves and self._curves[0].start + len(self._curves[0].values) * HOP <= end:
                curves = self._curves.popleft()
                early = max((self._first - curves.start) // HOP, 0)
                made += self._answers.push(Curves(FACE.channels, curves.values[early:]))
        return made

    def finish(self) -> list[bytes]:
        """Return the last answers."""
        return self._answers.finish()


def _now() -> float:
    return asyncio.get_running_loop().time()
