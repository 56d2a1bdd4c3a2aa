"""Words and turn ends come together here, whoever recognised the words: a question is complete."""

# mypy: allow-subclassing-any

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    TranscriptionFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from rhapsode.dialogue.turns import Question
from rhapsode.pipecat.answer import joined
from rhapsode.pipecat.frames import HeardFrame, TurnEndFrame

LATE_S = 2.0
"""How long words of a service of Pipecat may come behind the end of a turn, seconds."""

LONGEST_QUESTION = 20_000
"""Characters; of a longer turn the end is kept."""

Complete = Callable[[Question, TurnEndFrame, float], None]
"""Takes a question (of an empty text where nothing was recognised), the end of its turn, and the loop's time
at which its words were there."""


class Asking(FrameProcessor):
    """Waits for a turn to end and for its words.

    Args:
        complete: takes the question.
        language: returns that of words of which none is told.
        late_s: how long words may come behind the end of a turn, from a service that may say nothing at all;
            None where the recogniser always answers.

    """

    def __init__(
        self, complete: Complete, *, language: Callable[[], str], late_s: float | None = None
    ) -> None:
        super().__init__(name="Asking")
        self._complete, self._language, self._late_s = complete, language, late_s
        self._before: Question | None = None  # segments of the turn that are recognised already
        self._heard: tuple[int, Question, float] | None = None
        self._loose: Question | None = None  # from a service of Pipecat
        self._ended: dict[int, TurnEndFrame] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take the next frame."""
        await super().process_frame(frame, direction)
        now = asyncio.get_running_loop().time()
        if isinstance(frame, HeardFrame):
            self._take(frame, now)
        elif isinstance(frame, TranscriptionFrame):
            question = Question(frame.text, str(frame.language or self._language()))
            self._loose = both(self._loose, question)
            if self._ended:
                self._tell(self._loose, min(self._ended), now)
        elif isinstance(frame, TurnEndFrame):
            self._end(frame, now)
        elif isinstance(frame, EndFrame | CancelFrame):
            self._drop_timer()
        if not isinstance(frame, TurnEndFrame):
            await self.push_frame(frame, direction)

    def _take(self, frame: HeardFrame, now: float) -> None:
        question = frame.question
        if frame.segment:
            self._before = both(self._before, question)
            question = replace(question, text="")
        self._heard = frame.number, question, now
        self._maybe()

    def _end(self, frame: TurnEndFrame, now: float) -> None:
        self._ended[frame.number] = frame
        if self._loose is not None:
            self._tell(self._loose, frame.number, now)
            return
        if self._late_s is not None:
            self._drop_timer()
            self._timer = asyncio.get_running_loop().call_later(self._late_s, self._late, frame.number)
        self._maybe()

    def _maybe(self) -> None:
        """Tell the question if both its parts are there; one that is overtaken is part of the next."""
        if self._heard is None or self._heard[0] not in self._ended:
            return
        number, question, at = self._heard
        if any(later > number and not frame.aside for later, frame in self._ended.items()):
            if not self._ended.pop(number).aside:
                self._before = both(self._before, question)
            self._heard = None
            return
        self._tell(both(self._before, question), number, at)

    def _late(self, number: int) -> None:
        self._timer = None
        if number in self._ended:
            self._tell(Question(""), number, asyncio.get_running_loop().time())

    def _tell(self, question: Question, number: int, words_at: float) -> None:
        ended = self._ended.pop(number)
        self._ended = {later: frame for later, frame in self._ended.items() if later > number}
        self._before = self._heard = self._loose = None
        self._drop_timer()
        text = question.text[-LONGEST_QUESTION:].strip()
        self._complete(replace(question, text=text), ended, words_at)

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def both(one: Question | None, two: Question) -> Question:
    """Return two parts of what was said as one question."""
    if one is None or not one.text:
        return two
    if not two.text:
        return one
    certainty = min(one.certainty, two.certainty)
    longer = one if len(one.text) > len(two.text) else two
    surer = one if one.emotion_certainty > two.emotion_certainty else two
    return replace(
        longer,
        text=joined(one.text.rstrip(), two.text.lstrip()),
        certainty=certainty,
        emotion=surer.emotion,
        emotion_certainty=surer.emotion_certainty,
    )
