"""The end of the pipeline: speech becomes a performance of a live session, and tells what was heard of it."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.text.base_text_aggregator import TextType

from rhapsode.face.emotion import Emotion, Feelings
from rhapsode.live.asked import Speech
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import FaultItem, Item
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ
from rhapsode.pipecat.answer import Answer
from rhapsode.pipecat.frames import (
    AnswerEndFrame,
    AnswerStartFrame,
    Cue,
    MarkFrame,
    UnspokenFrame,
    VoiceFrame,
)
from rhapsode.pipecat.playing import Playing

READ_S = 0.06
"""How long a character that is shown and not spoken is read."""


@dataclass
class Show:
    """What `Performing` tells; every one is called on the loop, in order.

    Args:
        began: the first sound of a turn is due: its number, the session's generation, the clock sample.
        due: the first sound of a turn is on its way: its number, the loop's times at which it was there and
            at which it is due.
        ended: an answer is over: what was meant, what was heard, whether it was cut off.
        felt: a mark is due: its emotion (None for a gesture), the name of its gesture.
        gesture: a gesture is on its way: its name, the clock sample at which it begins.
        failed: something could not be performed: why.

    """

    began: Callable[[int, int], None]
    due: Callable[[int, float, float], None]
    ended: Callable[[Answer, str, bool], None]
    felt: Callable[[Emotion | None, str], None]
    gesture: Callable[[str, int], None]
    failed: Callable[[str], None]


class Performing(FrameProcessor):
    """Feeds speech to a session, follows its clock, and knows at every moment what was heard.

    Args:
        session: performs; run by somebody else.
        show: whom to tell.

    """

    def __init__(self, session: Session, show: Show) -> None:
        super().__init__(name="Performing")
        self._session, self._show = session, show
        self._answer: Playing | None = None
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._wake = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None
        self._mine = False
        self._base: Feelings | None = None
        self._to_push: deque[Frame] = deque()
        self._latest = 0

    @property
    def ahead_s(self) -> float:
        """How much sound waits that is not due yet, seconds."""
        return self._answer.waiting_s if self._answer else 0.0

    @property
    def turn(self) -> int | None:
        """Number of the turn whose answer is performed, None where none is."""
        return self._answer.answer.turn if self._answer else None

    @property
    def audible(self) -> bool:
        """Whether something of the answer has been due already."""
        return self._answer is not None and self._answer.begun

    def expect(self, turn: int) -> None:
        """Perform no answer older than ``turn`` from now on."""
        self._latest = turn

    def cut(self) -> None:
        """Fall silent now, if an answer is performed; what follows of it is dropped."""
        if self._answer is not None:
            if self._answer.generation is not None:
                self._session.interrupt()  # comes back as `interrupted`
            self._cut()

    # What the session tells as an outlet

    def offer(self, item: Item) -> None:
        """Take notice of a fault of the session."""
        answer = self._answer
        if isinstance(item, FaultItem) and answer is not None and item.generation == answer.generation:
            self._show.failed(item.message)
            self._cut()

    def interrupted(self, generation: int) -> None:
        """Take notice that something else is performed from now on."""
        if not self._mine and self._answer is not None and self._answer.generation is not None:
            self._cut()

    # What the pipeline brings

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._session.attach(self)
            self._follower = self.create_task(self._follow())
        elif isinstance(frame, EndFrame | CancelFrame):
            await self._stop()
        elif isinstance(frame, InterruptionFrame):
            self.cut()
        elif isinstance(frame, AnswerStartFrame):
            self._start(frame)
        elif self._answer is not None:
            self._take(self._answer, frame)
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Leave the session."""
        await super().cleanup()
        await self._stop()

    async def _stop(self) -> None:
        self.cut()
        self._session.detach(self)
        if self._follower is not None:
            follower, self._follower = self._follower, None
            await self.cancel_task(follower)

    def _start(self, frame: AnswerStartFrame) -> None:
        if frame.turn < self._latest:
            return
        self.cut()
        self._answer = Playing(Answer(frame.turn, frame.language), self._session)

    def _take(self, playing: Playing, frame: Frame) -> None:
        if isinstance(frame, VoiceFrame):
            self._speak(playing, frame)
        elif isinstance(frame, TTSAudioRawFrame):
            self._speak(playing, _bare(frame, playing.take_text()))
        elif isinstance(frame, MarkFrame):
            playing.cues.append(Cue(0.0, frame.mark))
        elif isinstance(frame, TTSTextFrame):
            playing.texts.append(frame.text)
        elif isinstance(frame, UnspokenFrame):
            playing.answer.add(frame.text)
            playing.silent_s += READ_S * len(frame.text)
        elif isinstance(frame, AnswerEndFrame):
            if playing.texts and playing.generation is not None:
                self._speak(playing, _silence(playing.take_text()))
            playing.close()
            self._maybe_finish(playing)

    def _speak(self, playing: Playing, frame: VoiceFrame) -> None:
        frame.cues = [*playing.cues, *frame.cues]
        playing.cues = []
        playing.put(frame)
        if playing.generation is None:
            playing.voiced_at = asyncio.get_running_loop().time()
            self._mine = True
            self._session.perform(
                Speech(frame.text, "text", playing.blocks, lambda block, at: self._comes(playing, at))
            )
            self._mine = False
            playing.generation = self._session.generation

    def _comes(self, playing: Playing, sample: int) -> None:
        """The session comes to the next block of ``playing``, whose sound begins at clock ``sample``."""
        part = playing.next()
        if playing is not self._answer:
            return
        if not playing.placed:
            playing.placed = True
            at = self._session.timeline.time_of(sample)
            self._show.due(playing.answer.turn, playing.voiced_at, at)
            self._at(sample, lambda: self._begin(playing))
        if part.segment is not None:
            part.segment.start = sample
            for span in part.segment.words.words:
                at = sample + span.start_s * CLOCK_HZ
                self._at(at, lambda text=span.text: self._to_push.append(_spoken(text)))  # type: ignore[misc]
        for mark in part.marks:
            self._mark(sample, mark)
        playing.end = sample + part.seconds * CLOCK_HZ
        self._maybe_finish(playing)

    def _mark(self, sample: float, mark: object) -> None:
        """Let ``mark`` happen: the face must know a feeling when it is made, a gesture when it is due."""
        if hasattr(mark, "emotion"):
            feelings = mark.emotion
            self._feel(feelings)
            self._at(sample, lambda: self._show.felt(feelings or Emotion(), ""))
        elif hasattr(mark, "name"):
            name = str(mark.name)
            self._show.gesture(name, round(sample))
            self._at(sample, lambda: self._show.felt(None, name))

    def _feel(self, emotion: Emotion | None) -> None:
        if self._base is None:
            self._base = self._session.direction.emotion
        self._direct((self._base or "") if emotion is None else emotion)

    def _direct(self, feelings: Feelings) -> None:
        self._session.direct(replace(self._session.direction, emotion=feelings))

    def _begin(self, playing: Playing) -> None:
        playing.begun = True
        self._show.began(playing.answer.turn, playing.generation or 0)
        self._to_push.append(BotStartedSpeakingFrame())

    def _maybe_finish(self, playing: Playing) -> None:
        if not playing.closed or playing.parts:
            return
        now = self._session.timeline.sample_at(asyncio.get_running_loop().time())
        end = max(playing.end or now, now) + playing.silent_s * CLOCK_HZ
        for cue in playing.cues:
            self._mark(end, cue.mark)
        playing.cues = []
        self._at(end, lambda: self._finish(playing))

    def _finish(self, playing: Playing) -> None:
        if playing is self._answer:
            self._over(playing, playing.answer.meant, interrupted=False)

    def _cut(self) -> None:
        if (playing := self._answer) is not None:
            now = asyncio.get_running_loop().time()
            heard = playing.answer.heard(self._session.timeline.sample_at(now))
            self._over(playing, heard, interrupted=True)

    def _over(self, playing: Playing, heard: str, *, interrupted: bool) -> None:
        interrupted = interrupted and not (playing.closed and heard == playing.answer.meant)
        self._answer = None
        playing.close()
        self._due.clear()
        if self._base is not None:
            self._direct(self._base)
            self._base = None
        if playing.begun:
            self._to_push.append(BotStoppedSpeakingFrame())
            self._wake.set()
        self._show.ended(playing.answer, heard, interrupted)

    def _at(self, sample: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._due, (sample, next(self._order), do))
        self._wake.set()

    async def _follow(self) -> None:
        """Do what is due when it is, by the session's clock."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            while self._to_push:
                await self._tell(self._to_push.popleft())
            left = self._session.timeline.time_of(self._due[0][0]) - loop.time() if self._due else None
            if left is not None and left <= 1e-3:
                heapq.heappop(self._due)[2]()
                continue
            try:
                async with asyncio.timeout(None if left is None else min(left, 0.25)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _tell(self, frame: Frame) -> None:
        if isinstance(frame, TTSTextFrame):
            await self.push_frame(frame)
        else:
            await self.broadcast_frame(type(frame))


def _bare(frame: TTSAudioRawFrame, text: str) -> VoiceFrame:
    """Return sound of a service of Pipecat with the text that came with it."""
    return VoiceFrame(frame.audio, frame.sample_rate, frame.num_channels, text=text)


def _silence(text: str) -> VoiceFrame:
    return VoiceFrame(bytes(SAMPLE_RATE // 50 * 2), SAMPLE_RATE, 1, text=text)


def _spoken(text: str) -> TTSTextFrame:
    return TTSTextFrame(text, TextType.WORD)
