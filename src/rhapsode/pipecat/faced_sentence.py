"""One sentence of a vendor's voice: its sound, and what is told of words and face, brought together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from pipecat.frames.frames import Frame, TTSAudioRawFrame

from rhapsode.face.spoken_curves import FacedWords
from rhapsode.performance import CLOCK_HZ, Curves, Float32, Span
from rhapsode.pipecat.frames import Cue, VoiceFrame
from rhapsode.speech.heard import spoken_to

PATIENCE_S = 0.15
"""How long sound waits at most for the face that belongs to it."""

LEAST_S = 0.02
"""No piece is shorter, but the last."""

LETTERS_PER_S = 14.0
"""How fast a voice speaks that tells no words."""


class MouthStream(Protocol):
    """A face that is told bit by bit; see `rhapsode.formats.viseme_stream.VisemeStream`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Channels of the curves."""

    @property
    def rate(self) -> Fraction:
        """Rows a second."""

    @property
    def known_s(self) -> float:
        """Up to where the curves are certain, seconds."""

    def take(self) -> Curves:
        """Return the rows that became certain since the last call."""

    def finish(self, end_s: float) -> Curves:
        """Return all other rows."""


class FacedSentence:
    """Sound in, pieces of it with their words, face and cues out; times count from the first sample.

    Sound goes on as soon as the face is known for it, and after ``patience_s`` without.

    Args:
        text: what is spoken.
        sample_rate: of the sound, Hz.
        mouths: what the vendor may tell of the face, the best first.
        marks: what happens at characters of ``text``, in order.
        patience_s: how long sound waits.

    """

    def __init__(
        self,
        text: str,
        sample_rate: int,
        *,
        mouths: Sequence[MouthStream] = (),
        marks: Sequence[tuple[int, object]] = (),
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._text, self._rate = text, sample_rate
        self._mouths = [_Told(mouth) for mouth in mouths]
        self._marks = deque(marks)
        self._patience_s = patience_s
        self._sound = bytearray()
        self._arrived: deque[tuple[int, float]] = deque()  # samples so far, and when they came
        self._given = 0
        self._words: list[Span] = []
        self._at = 0
        self._whole = False

    @property
    def told(self) -> bool:
        """Whether anything of the face was told."""
        return any(mouth.rows or mouth.stream.known_s for mouth in self._mouths)

    @property
    def seconds(self) -> float:
        """How much sound there was, seconds."""
        return (self._given + len(self._sound) // 2) / self._rate

    def sound(self, audio: bytes, now: float) -> None:
        """Take 16-bit mono sound that came ``now``."""
        self._sound += audio
        self._arrived.append((self._given + len(self._sound) // 2, now))

    def word(self, text: str, start_s: float, end_s: float) -> None:
        """Take a word."""
        self._words.append(Span(text, start_s, max(start_s, end_s)))

    def all_told(self, end_s: float) -> None:
        """Say that all of words and face was told, up to ``end_s``."""
        for mouth in self._mouths:
            mouth.add(mouth.stream.finish(end_s))
        self._whole = True

    def wait(self, now: float) -> float | None:
        """Return how long sound may wait yet, seconds; None where none waits."""
        return max(self._arrived[0][1] + self._patience_s - now, 0.0) if self._arrived else None

    def ready(self, now: float) -> VoiceFrame | None:
        """Return the sound that has its face, or waited long enough."""
        there = self._given + len(self._sound) // 2
        known = (
            there if self._whole or not self._mouths else round(self._mouths[0].stream.known_s * self._rate)
        )
        for samples, came in self._arrived:
            if now - came >= self._patience_s - 1e-6:
                known = max(known, samples)
        upto = min(known, there)
        return self._piece(upto) if upto - self._given >= LEAST_S * self._rate else None

    def finish(self) -> VoiceFrame | None:
        """Return the rest; nothing more comes."""
        for mouth in self._mouths:
            mouth.add(mouth.stream.finish(self.seconds))
        upto = self._given + len(self._sound) // 2
        left = self._at < len(self._text) or bool(self._marks)
        return self._piece(upto, last=True) if upto > self._given or (left and upto) else None

    def _piece(self, upto: int, *, last: bool = False) -> VoiceFrame:
        first, self._given = self._given, upto
        audio = bytes(self._sound[: 2 * (upto - first)])
        del self._sound[: 2 * (upto - first)]
        while self._arrived and self._arrived[0][0] <= upto:
            self._arrived.popleft()
        begin_s, end_s = first / self._rate, upto / self._rate
        words, text = self._spoken(end_s, last=last)
        spans = tuple(Span(w.text, max(w.start_s - begin_s, 0.0), max(w.end_s - begin_s, 0.0)) for w in words)
        cues = self._cues(spans, text, len(audio) / 2 / self._rate, last=last)
        told = FacedWords(spans, (), self._face(begin_s, end_s))
        return VoiceFrame(audio, self._rate, 1, text=text, words=told, cues=cues)

    def _spoken(self, end_s: float, *, last: bool) -> tuple[list[Span], str]:
        """Return the words whose middle lies before ``end_s``, and the text up to the last of them."""
        count = sum((word.start_s + word.end_s) / 2 < end_s for word in self._words)
        words, self._words = self._words[:count], self._words[count:]
        before = self._at
        if last:
            self._at = len(self._text)
        elif words:
            self._at += spoken_to(self._text[before:], words)
        elif not self._words and not self.told:
            share = int(end_s * LETTERS_PER_S)
            self._at = max(self._text.rfind(" ", 0, share + 1), before)
        return words, self._text[before : self._at]

    def _cues(self, spans: tuple[Span, ...], text: str, seconds: float, *, last: bool) -> list[Cue]:
        cues = []
        begin = self._at - len(text)
        while self._marks and (self._marks[0][0] < self._at or last):
            place, mark = self._marks.popleft()
            at = seconds if place >= self._at else 0.0
            if place > begin and place < self._at:
                reached = [
                    s.start_s for k, s in enumerate(spans) if spoken_to(text, spans[: k + 1]) > place - begin
                ]
                at = reached[0] if reached else seconds * (place - begin) / len(text)
            cues.append(Cue(min(at, seconds), mark))
        return cues

    def _face(self, begin_s: float, end_s: float) -> Curves | None:
        """Return what is known of the face, a row more on both sides where there is one."""
        for mouth in self._mouths:
            mouth.add(mouth.stream.take())
        known = [mouth for mouth in self._mouths if mouth.known_s > begin_s]
        return known[0].between(begin_s, end_s) if known else None


class _Told:
    """The rows of a face so far."""

    def __init__(self, stream: MouthStream) -> None:
        self.stream = stream
        self.rows: list[Float32] = []

    @property
    def known_s(self) -> float:
        return (len(self.rows) - 1) / float(self.stream.rate)

    def add(self, curves: Curves) -> None:
        self.rows.extend(curves.values)

    def between(self, begin_s: float, end_s: float) -> Curves | None:
        rate = float(self.stream.rate)
        first = max(int(begin_s * rate), 0)
        rows = self.rows[first : int(np.ceil(end_s * rate)) + 1]
        if not rows:
            return None
        start = Fraction(first * CLOCK_HZ) / self.stream.rate - Fraction(begin_s) * CLOCK_HZ
        return Curves(self.stream.names, np.array(rows, np.float32), self.stream.rate, start)


async def faced(
    frames: AsyncGenerator[Frame | None, None], sentence: FacedSentence, told: asyncio.Event, context_id: str
) -> AsyncGenerator[Frame | None, None]:
    """Yield the frames of a voice, its sound as pieces of ``sentence``.

    Args:
        frames: as the voice yields them.
        sentence: told of words and face from elsewhere.
        told: set whenever it was told something.
        context_id: of the sound.

    """
    loop = asyncio.get_running_loop()

    def framed(piece: VoiceFrame) -> VoiceFrame:
        piece.context_id = context_id
        return piece

    coming = asyncio.ensure_future(_next(frames))
    try:
        while True:
            waking = asyncio.ensure_future(told.wait())
            await asyncio.wait(
                {coming, waking}, timeout=sentence.wait(loop.time()), return_when="FIRST_COMPLETED"
            )
            waking.cancel()
            told.clear()
            if coming.done():
                frame = coming.result()
                if frame is _END:
                    break
                if isinstance(frame, TTSAudioRawFrame):
                    sentence.sound(frame.audio, loop.time())
                else:
                    yield frame
                coming = asyncio.ensure_future(_next(frames))
            if (piece := sentence.ready(loop.time())) is not None:
                yield framed(piece)
        if (piece := sentence.finish()) is not None:
            yield framed(piece)
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await coming
        await frames.aclose()


_END: Any = object()


async def _next(frames: AsyncGenerator[Frame | None, None]) -> Any:
    return await anext(frames, _END)
