"""A face for any Pipecat agent, in one line of its pipeline."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    Frame,
    InterruptionFrame,
    OutputAudioRawFrame,
    StartFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.errors import RhapsodeError
from rhapsode.face.direction import Direction
from rhapsode.formats.options import WriteOptions
from rhapsode.live.asked import Speech
from rhapsode.live.engine import Block, Engine, ProductEngine
from rhapsode.live.runner import SinkRunner, SinkStatus
from rhapsode.live.session import Session
from rhapsode.live.sinks.registry import open_sink
from rhapsode.live.sinks.sink import Sink, SinkOptions
from rhapsode.performance import as_rate
from rhapsode.pipecat.face_marks import FaceMarks
from rhapsode.pipecat.face_sinks import MESSAGE_HZ, CurveFrames, Messages, Pictures
from rhapsode.pipecat.frames import MarkFrame
from rhapsode.pipecat.spoken_stream import SpokenStream

_log = logging.getLogger(__name__)

OPEN_S = 1.5
"""How long behind the end of its sound an answer may go on before it counts as over."""

FIRST_S = 10.0
"""How long the first sound of an answer is waited for."""

HOLD_S = 0.3
"""How long the first sound of an answer waits for a transport to say that it plays it."""


class Face(FrameProcessor):
    """Moves a face in step with what the agent says; goes in front of the transport's output.

    Marks that come with the sound (`VoiceFrame`) or between it (`MarkFrame`) are felt and gestured. Where a
    voice gives its face, that is the mouth.

    Every frame is passed on at once and unchanged: the face adds nothing to the latency of the sound. Its
    clock is the transport's: what is heard first is shown when the transport says that it has begun to play.
    A face that cannot be made is an error of the pipeline that is not fatal; the agent goes on without one.

    Args:
        to: URLs of sinks, as ``rhapsode stream --to`` takes them: "ws://...", "vmc://...", "rtmp://...".
        avatar: drawn where ``video`` is; name or path.
        direction: how to play; its ``weights`` are "live" (5 curve frames of look-ahead, the lightest) or
            "studio" (more of the future, a fuller mouth). Sound waits for neither.
        curves: whether `FaceCurvesFrame` goes down the pipeline, 50 a second.
        messages: name of a rig for messages to the transport's clients, 30 a second; "" for none.
        video: whether pictures go down the pipeline, for transports with ``video_out_enabled`` and
            ``video_out_is_live``.
        size: of the pictures, pixels.
        fps: pictures a second.
        camera: of the pictures.
        background: of the pictures.
        delay_s: how long after the transport began to play the sound is heard, where its clients buffer.
        engine: moves the face; the product's own where None.
        pool: threads in which it is loaded; its own where None.

    Raises:
        SettingError: a sink or one of its options is unknown or out of range.
        RigError: no rig has the name of ``messages``.
        MissingExtraError: a sink needs a part that is not installed.

    """

    def __init__(
        self,
        to: str | Sequence[str] = (),
        *,
        avatar: str | None = None,
        direction: Direction | None = None,
        curves: bool = True,
        messages: str = "",
        video: bool = False,
        size: tuple[int, int] = (512, 512),
        fps: float = 25,
        camera: str | None = None,
        background: str | None = None,
        delay_s: float = 0.0,
        engine: Engine | None = None,
        pool: Executor | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        urls = (to,) if isinstance(to, str) else tuple(to)
        rows: list[tuple[str, Sink, SinkOptions]] = [(url, *open_sink(url)) for url in urls]
        own: list[tuple[str, Sink]] = []
        if curves:
            own.append(("curves", CurveFrames(self.push_frame, lambda: self.get_clock().get_time())))
        if messages:
            own.append(("messages", Messages(self.push_frame, rig=messages, rate_hz=MESSAGE_HZ)))
        if video:
            chosen = {"avatar": avatar, "camera": camera, "background": background}
            asked = {name: value for name, value in chosen.items() if value is not None}
            options = WriteOptions(size=size, **asked)  # type: ignore[arg-type]
            own.append(("video", Pictures(self.push_frame, options, as_rate(fps))))
        rows.extend((name, sink, SinkOptions()) for name, sink in own)
        self._own_pool = pool is None
        self._pool = pool or ThreadPoolExecutor(1, "rhapsode-face")
        self._session = Session(engine or ProductEngine(), self._pool, direction=direction)
        self._runners = [
            SinkRunner(url, sink, self._session.timeline, options) for url, sink, options in rows
        ]
        self._delay_s = delay_s
        self._tasks: list[asyncio.Task[None]] = []
        self._stream: SpokenStream | None = None
        self._marks = FaceMarks(self._session)
        self._closing: asyncio.TimerHandle | None = None
        self._holding: asyncio.TimerHandle | None = None
        self._heard_at: float | None = None  # when the transport began to play; None while it is silent
        self._first: int | None = None  # clock sample of the first sound since it was silent
        self._begins = True  # whether the next sound is the first since the transport was silent

    @property
    def session(self) -> Session:
        """The live session, for what else is to be done with the face: emotion, gestures, outlets."""
        return self._session

    @property
    def status(self) -> list[SinkStatus]:
        """What is known of each sink now."""
        return [runner.status for runner in self._runners]

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass ``frame`` on, and let the face follow."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._start()
        elif isinstance(frame, CancelFrame):
            await self._stop()
        elif isinstance(frame, InterruptionFrame):
            self._cut()
        elif isinstance(frame, BotStartedSpeakingFrame):
            self._heard()
        elif isinstance(frame, BotStoppedSpeakingFrame):
            self._silent()
        elif direction == FrameDirection.DOWNSTREAM and self._tasks:
            self._take(frame)

    async def cleanup(self) -> None:
        """Leave nothing running."""
        await super().cleanup()
        await self._stop()

    def _start(self) -> None:
        if self._tasks:
            return
        for runner in self._runners:
            self._session.attach(runner)
        self._tasks = [self.create_task(self._perform())]
        self._tasks += [self.create_task(runner.run()) for runner in self._runners]

    async def _perform(self) -> None:
        try:
            await self._session.run()
        except RhapsodeError as error:
            await self.push_error(f"the face cannot be moved: {error}")

    async def _stop(self) -> None:
        self._end()
        tasks, self._tasks = self._tasks, []
        for runner in self._runners:
            self._session.detach(runner)
        self._marks.close()
        for task in tasks:
            await self.cancel_task(task)
        if self._own_pool:
            self._pool.shutdown(wait=False)

    def _take(self, frame: Frame) -> None:
        """Let the face hear ``frame``."""
        if isinstance(frame, OutputAudioRawFrame):
            self._hear(frame)
        elif isinstance(frame, TTSStartedFrame):
            self._open().context()  # early: the face that was is faded out before the sound is there
        elif isinstance(frame, TTSStoppedFrame):
            if self._stream is not None:
                self._stream.context()
        elif isinstance(frame, TTSTextFrame) and frame.pts:
            self._open().word(frame.text, frame.pts)
        elif isinstance(frame, MarkFrame):
            self._open().mark(frame.mark)

    def _hear(self, frame: OutputAudioRawFrame) -> None:
        stream = self._open()
        first = not stream.seconds
        try:
            stream.put(frame, self.get_clock().get_time())
        except RhapsodeError as error:  # the agent goes on
            _log.warning("%s: sound that the face cannot use is passed on only: %s", self.name, error)
            return
        if stream.held and self._holding is None:
            self._holding = asyncio.get_running_loop().call_later(HOLD_S, self._release)
        if first and self._closing is not None:
            self._closing.cancel()
            self._closing = None
        self._close_later(stream)

    def _open(self) -> SpokenStream:
        """Return the stream that the session performs, a new one if the last is over."""
        stream = self._stream
        if stream is None:
            stream = self._stream = SpokenStream()
            if self._heard_at is not None:
                stream.release()
            self._session.perform(Speech("", "text", stream.blocks, self._comes))
            self._close_later(stream, at=asyncio.get_running_loop().time() + FIRST_S)
        return stream

    def _comes(self, block: Block, sample: int) -> None:
        """The session comes to ``block``, whose sound begins at clock ``sample``."""
        stream = self._stream
        if self._begins:
            self._begins, self._first = False, sample
            if self._heard_at is not None:
                self._session.timeline.observe(sample, self._heard_at, follow=1.0)
        if stream is not None:
            for mark in stream.due(block):
                self._marks.do(mark, sample)
            begun_s = float(block[0].start) / 16_000
            left = (stream.seconds - begun_s) + self._session.timeline.time_of(sample)
            self._close_later(stream, at=left)

    def _heard(self) -> None:
        """The transport begins to play: what came first is heard now."""
        self._heard_at = asyncio.get_running_loop().time() + self._delay_s
        if self._first is not None:
            self._session.timeline.observe(self._first, self._heard_at, follow=1.0)
        self._release()

    def _silent(self) -> None:
        """The transport plays nothing: what comes next waits until it does."""
        self._heard_at, self._first, self._begins = None, None, True
        if self._stream is not None:
            self._stream.hold()

    def _release(self) -> None:
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        if self._stream is not None:
            self._stream.release()

    def _close_later(self, stream: SpokenStream, *, at: float | None = None) -> None:
        """Close ``stream`` once its sound is over by the loop's time ``at`` and nothing more comes."""
        loop = asyncio.get_running_loop()
        due = max(loop.time() if at is None else at, self._closing.when() - OPEN_S if self._closing else 0.0)
        if self._closing is not None:
            self._closing.cancel()
        self._closing = loop.call_at(due + OPEN_S, self._end, stream)

    def _end(self, stream: SpokenStream | None = None) -> None:
        """Say that the answer is over; what is not shown of it goes on."""
        if stream is not None and stream is not self._stream:
            return
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        if self._stream is not None:
            for mark in self._stream.marks if stream is not None else ():
                self._marks.do(mark)
            self._stream.close()
            self._stream = None
        self._marks.rest()

    def _cut(self) -> None:
        """Close the mouth now."""
        spoken = self._stream is not None
        self._end()
        self._silent()
        if spoken:
            self._session.interrupt()
