"""The end of the pipeline: speech becomes a performance of a live session, and tells what was heard of it."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

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

from rhapsode.dialogue.marks import Feel, Gesture
from rhapsode.face.emotion import Emotion
from rhapsode.live.asked import Speech
from rhapsode.live.engine import SAMPLE_RATE
from rhapsode.live.items import FaultItem, Item
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ
from rhapsode.pipecat.agenda import Agenda
from rhapsode.pipecat.answer import Answer
from rhapsode.pipecat.frames import (
    AnswerEndFrame,
    AnswerStartFrame,
    Cue,
    MarkFrame,
    UnspokenFrame,
    VoiceFrame,
)
from rhapsode.pipecat.moods import Moods
from rhapsode.pipecat.playing import Part, Playing

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
        self._agenda = Agenda(session.timeline, self._tell)
        self._moods = Moods(session)
        self._follower: asyncio.Task[None] | None = None
        self._mine = False
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
            self._follower = self.create_task(self._agenda.follow())
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
            playing.texts, playing.timed = [], True
            self._speak(playing, frame)
        elif isinstance(frame, TTSAudioRawFrame):
            self._speak(playing, _bare(frame, playing.take_text()))
        elif isinstance(frame, MarkFrame):
            playing.cues.append(Cue(0.0, frame.mark))
        elif isinstance(frame, TTSTextFrame):
            playing.texts += [] if playing.timed else [frame.text]
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
            self._agenda.at(sample, lambda: self._begin(playing))
        self._lay(part, sample)
        playing.end = sample + part.seconds * CLOCK_HZ
        self._maybe_finish(playing)

    def _lay(self, part: Part, sample: int) -> None:
        """Lay what happens with a part whose sound begins at clock ``sample``: its words and its marks."""
        if part.segment is not None:
            part.segment.start = sample
            for span in part.segment.words.words:
                word = TTSTextFrame(span.text, TextType.WORD)
                self._agenda.at(sample + span.start_s * CLOCK_HZ, lambda word=word: self._agenda.push(word))  # type: ignore[misc]
        for mark in part.marks:
            self._mark(sample, mark)

    def _mark(self, sample: float, mark: object) -> None:
        """Let ``mark`` happen: the face must know a feeling when it is made, a gesture when it is due."""
        if isinstance(mark, Feel):
            feelings = mark.emotion
            self._moods.feel(feelings)
            self._agenda.at(sample, lambda: self._show.felt(feelings or Emotion(), ""))
        elif isinstance(mark, Gesture):
            name = mark.name
            self._show.gesture(name, round(sample))
            self._agenda.at(sample, lambda: self._show.felt(None, name))

    def _begin(self, playing: Playing) -> None:
        playing.begun = True
        self._show.began(playing.answer.turn, playing.generation or 0)
        self._agenda.push(BotStartedSpeakingFrame())

    def _maybe_finish(self, playing: Playing) -> None:
        if not playing.closed or playing.parts:
            return
        now = self._session.timeline.sample_at(asyncio.get_running_loop().time())
        end = max(playing.end or now, now) + playing.silent_s * CLOCK_HZ
        for cue in playing.cues:
            self._mark(end, cue.mark)
        playing.cues = []
        self._agenda.at(end, lambda: self._finish(playing))

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
        self._agenda.clear()
        self._moods.rest()
        if playing.begun:
            self._agenda.push(BotStoppedSpeakingFrame())
        self._show.ended(playing.answer, heard, interrupted)

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
