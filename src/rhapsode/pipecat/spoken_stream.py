"""The sound of a pipeline on its way into a session: frames of any rate become blocks of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction

import numpy as np
from pipecat.frames.frames import OutputAudioRawFrame

from rhapsode.audio.resample import Resampler
from rhapsode.face.spoken_curves import followed, later
from rhapsode.live.engine import SAMPLE_RATE, Block
from rhapsode.performance import CLOCK_HZ, Float32, Sound, Span, Words, as_float32
from rhapsode.pipecat.frames import VoiceFrame

NS = 1_000_000_000
LAST_WORD_S = 0.3
"""How long a word lasts behind which no other comes."""

_LAST_S = 0.03
"""A mark at the end of a sound happens so long before it: nothing may follow."""

_EDGE_S = 1e-3
"""Marks so close behind the beginning of a block happen with it."""


class SpokenStream:
    """Takes sound and words, gives blocks until it is closed. Held at first, see `hold`.

    Attributes:
        seconds: how much sound it took.
        closed: whether nothing more comes.

    """

    def __init__(self) -> None:
        self._blocks: asyncio.Queue[Block | None] = asyncio.Queue()
        self._resampler: Resampler | None = None
        self._rate = 0
        self._samples = 0
        self._words: list[tuple[str, int]] = []
        self._begun: tuple[int, float] | None = None  # a context's first sound: pipeline's and stream's time
        self._given = Words()
        self._cues: list[tuple[float, object]] = []
        self._taken_s = 0.0
        self._timed_by_sound = False  # what is spoken comes with the sound: texts beside it say nothing new
        self._go = asyncio.Event()
        self.closed = False

    @property
    def held(self) -> bool:
        """Whether its sound waits."""
        return not self._go.is_set()

    def hold(self) -> None:
        """Let sound that comes wait until `release`."""
        self._go.clear()

    def release(self) -> None:
        """Let the sound go."""
        self._go.set()

    @property
    def seconds(self) -> float:
        """How much sound it gave, seconds."""
        return self._samples / SAMPLE_RATE

    def put(self, frame: OutputAudioRawFrame, now_ns: int) -> None:
        """Take sound.

        Args:
            frame: 16-bit sound of any rate and number of channels.
            now_ns: the pipeline's time.

        Raises:
            SettingError: the rate is none.

        """
        if self._begun is None:
            self._begun = now_ns, self.seconds
        y = samples_of(frame)
        if self._resampler is None or self._rate != frame.sample_rate:
            self._flush()
            self._resampler, self._rate = Resampler(frame.sample_rate, SAMPLE_RATE), frame.sample_rate
        if isinstance(frame, VoiceFrame):
            self._given = followed(self._given, later(frame.words, self._taken_s))
            last_s = max(len(y) / frame.sample_rate - _LAST_S, 0.0)
            self._cues += [(self._taken_s + min(cue.at, last_s), cue.mark) for cue in frame.cues]
            self._timed_by_sound = self._timed_by_sound or bool(frame.words.words)
        self._taken_s += len(y) / frame.sample_rate
        self._give(self._resampler.push(y))

    def word(self, text: str, pts: int) -> None:
        """Take a word that is heard at ``pts`` of the pipeline's time, nanoseconds."""
        if not self._timed_by_sound:
            self._words.append((text, pts))

    def mark(self, mark: object) -> None:
        """Take a mark that stands behind the sound so far."""
        self._cues.append((self._taken_s, mark))

    def due(self, block: Block) -> list[object]:
        """Return the marks that happen when ``block`` begins, and forget them."""
        upto = float(block[0].start / CLOCK_HZ) + _EDGE_S
        found = [mark for at, mark in self._cues if at <= upto]
        self._cues = [cue for cue in self._cues if cue[0] > upto]
        return found

    @property
    def marks(self) -> list[object]:
        """The marks that did not happen yet."""
        return [mark for _, mark in self._cues]

    def context(self) -> None:
        """Begin a new context of the voice: its words count from its first sound."""
        self._flush()
        self._begun = None

    def close(self) -> None:
        """Say that nothing more comes."""
        if not self.closed:
            self._flush()
            self.closed = True
            self.release()
            self._blocks.put_nowait(None)

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the sound, as it comes."""
        while (block := await self._blocks.get()) is not None:
            await self._go.wait()
            yield block

    def _flush(self) -> None:
        """Give what the resampler owes, and the words that are left."""
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            self._give(resampler.finish(), last=True)

    def _give(self, y: Float32, *, last: bool = False) -> None:
        words = followed(self._given, Words(self._timed(last=last)))
        if not len(y) and not words.words:
            return
        self._given = Words()
        for piece in self._cut(y):
            start = Fraction(self._samples, SAMPLE_RATE) * CLOCK_HZ
            self._blocks.put_nowait((Sound(piece, SAMPLE_RATE, start), words))
            self._samples += len(piece)
            words = Words()

    def _cut(self, y: Float32) -> list[Float32]:
        """Cut the next sound where marks are."""
        edges = {round(at * SAMPLE_RATE) - self._samples for at, _ in self._cues}
        return np.split(y, sorted(edge for edge in edges if 0 < edge < len(y)))

    def _timed(self, *, last: bool) -> tuple[Span, ...]:
        """Return the words whose end is known; one that is the last so far waits for the next."""
        if self._begun is None or self._timed_by_sound:
            return ()
        clock, zero = self._begun
        ready = self._words if last else self._words[:-1]
        begins = [zero + (pts - clock) / NS for _, pts in self._words]
        ends = [*begins[1:], (begins[-1] + LAST_WORD_S) if begins else 0.0]
        spans = tuple(
            Span(text, begin, max(begin, end))
            for (text, _), begin, end in zip(ready, begins, ends, strict=False)
        )
        self._words = self._words[len(ready) :]
        return spans


def samples_of(frame: OutputAudioRawFrame) -> Float32:
    """Return the sound of ``frame``, (n,) or (n, channels); what is short of a whole sample is left out."""
    channels = max(frame.num_channels, 1)
    whole = len(frame.audio) - len(frame.audio) % (2 * channels)
    y = as_float32(np.frombuffer(frame.audio[:whole], np.int16).astype(np.float32) / 32768)
    return y.reshape(-1, channels) if channels > 1 else y
