"""One answer on its way into a session: blocks of sound, and what happens with each of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from pipecat.frames.frames import TTSAudioRawFrame

from rhapsode.audio.resample import Resampler
from rhapsode.face.spoken_curves import later
from rhapsode.live.engine import SAMPLE_RATE, Block
from rhapsode.live.session import Session
from rhapsode.performance import CLOCK_HZ, Float32, Sound, Words, as_float32
from rhapsode.pipecat.answer import Answer, Segment
from rhapsode.pipecat.frames import Cue, VoiceFrame


@dataclass
class Part:
    """A block that the session has not come to: what begins with it."""

    segment: Segment | None
    marks: list[object]
    seconds: float


class Playing:
    """An answer on its way into the session.

    Attributes:
        generation: of the session's performance; None until it has sound.
        placed: whether the session has come to its sound.
        begun: whether it is heard.
        closed: whether nothing more comes.
        parts: blocks that the session has not come to.
        end: clock sample at which the sound ends that the session came to last.
        silent_s: how long to read what is shown only.
        cues: marks that wait for the next sound.
        texts: of a service of Pipecat, that wait for the next sound.
        timed: whether the sound itself says what is spoken, so that texts beside it say nothing new.
        voiced_at: the loop's time at which its first sound was there.

    """

    def __init__(self, answer: Answer, session: Session) -> None:
        self.answer, self._session = answer, session
        self.generation: int | None = None
        self.placed = self.begun = self.closed = self.timed = False
        self.parts: deque[Part] = deque()
        self.end: float | None = None
        self.silent_s = 0.0
        self.cues: list[Cue] = []
        self.texts: list[str] = []
        self._blocks: asyncio.Queue[Block | None] = asyncio.Queue()
        self._made_s = self.voiced_at = 0.0

    @property
    def waiting_s(self) -> float:
        """How much sound is not heard yet, seconds."""
        now = self._session.timeline.sample_at(asyncio.get_running_loop().time())
        played = max((self.end or now) - now, 0.0) / CLOCK_HZ
        return played + sum(part.seconds for part in self.parts)

    def put(self, frame: VoiceFrame) -> None:
        """Cut ``frame`` where feelings change, and queue it."""
        y = _at_session_rate(frame)
        seconds = len(y) / SAMPLE_RATE
        segment: Segment | None = self.answer.add(frame.text, seconds=seconds, words=frame.words)
        edges = sorted({0.0, *(min(cue.at, seconds) for cue in frame.cues)})
        words = frame.words
        for begin, end in zip(edges, [*edges[1:], seconds], strict=True):
            marks = [cue.mark for cue in frame.cues if min(cue.at, seconds) == begin]
            first, last = round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE)
            self.parts.append(Part(segment, marks, (last - first) / SAMPLE_RATE))
            start = Fraction(round(self._made_s * SAMPLE_RATE), SAMPLE_RATE) * CLOCK_HZ
            self._blocks.put_nowait((Sound(y[first:last], SAMPLE_RATE, start), later(words, self._made_s)))
            self._made_s += (last - first) / SAMPLE_RATE
            segment, words = None, Words()

    def next(self) -> Part:
        """Return the block that the session comes to."""
        return self.parts.popleft()

    def take_text(self) -> str:
        """Return the text that waits for the next sound."""
        text, self.texts = " ".join(part.strip() for part in self.texts), []
        return text

    def close(self) -> None:
        """Say that nothing more comes."""
        if not self.closed:
            self.closed = True
            self._blocks.put_nowait(None)

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the sound, as it comes."""
        while (block := await self._blocks.get()) is not None:
            yield block


def _at_session_rate(frame: TTSAudioRawFrame) -> Float32:
    y = as_float32(np.frombuffer(frame.audio, np.int16).astype(np.float32) / 32768)
    if frame.num_channels > 1:
        y = y.reshape(-1, frame.num_channels)
    resampler = Resampler(frame.sample_rate, SAMPLE_RATE)
    return np.concatenate([resampler.push(y), resampler.finish()])
