"""Sound in, face curves out, chunk by chunk: the whole chain as one stage with explicit state.

    samples at any rate -> 16 kHz mono -> engine (mouth) -> shaping -> emotion -> life (eyes, head) -> curves

A file and a microphone take this same path, so that a streamed performance equals a whole one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rhapsode.audio.levels import check_finite
from rhapsode.audio.prosody import ProsodyStream
from rhapsode.audio.resample import Resampler
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import TRACK, EmotionStream, Feelings
from rhapsode.face.engine import Engine
from rhapsode.face.life import LifeStream
from rhapsode.face.shaping import ShapingStream
from rhapsode.performance import CLOCK_HZ, HOP, Curves, Float32
from rhapsode.rigs import FACE


@dataclass(frozen=True, eq=False)
class CurveFrame:
    """One curve frame as `stream` yields it.

    Args:
        sample_index: clock sample (16 kHz) that the frame belongs to.
        names: channel names.
        values: (C,) float32.

    """

    sample_index: int
    names: tuple[str, ...]
    values: Float32

    def __getitem__(self, name: str) -> float:
        return float(self.values[self.names.index(name)])

    @property
    def time_s(self) -> float:
        """Seconds from the start of the stream."""
        return self.sample_index / CLOCK_HZ


class FaceStream:
    """Sound in, face curves out, chunk by chunk.

    A sound of N clock samples gives exactly ceil(N / 320) curve frames once `finish` is called, the same
    for every way of cutting it into chunks. Curve frame k depends on no sound later than 320 k +
    `look_ahead_samples`.

    Args:
        sample_rate: of the chunks, Hz.
        direction: how to play it.

    Raises:
        WeightsError: the engine's files fail their check.

    Example:
        >>> face = FaceStream(16_000)
        >>> curves = join([face.push(np.zeros(1600, np.float32)), face.finish()])
        >>> len(curves), len(curves.names)
        (5, 61)

    """

    def __init__(self, sample_rate: int, *, direction: Direction | None = None) -> None:
        direction = direction or Direction()
        engine = Engine.load(direction.weights)
        self._sample_rate, self._heard = sample_rate, 0
        self._resampler = Resampler(sample_rate, CLOCK_HZ)
        self._engine = engine.stream()
        self._prosody = ProsodyStream()
        self._shaping = ShapingStream(direction.played_shaping())
        self._emotion = EmotionStream(direction.emotion)
        self._life = LifeStream(direction.played_life(), seed=direction.seed)
        self._weights = _Frames(len(engine.channels))
        self._voice = _Frames(ProsodyStream.width)
        self._made = 0
        self.emotion: Curves | None = None
        """What was felt in the curve frames returned last (`rhapsode.face.emotion.TRACK`); None if nothing
        was ever asked for."""
        self._feels = direction.emotion is not None
        self.look_ahead_samples = max(engine.look_ahead_samples, ProsodyStream.look_ahead_samples)

    @property
    def look_ahead_s(self) -> float:
        """How far ahead of a curve frame the sound must be known, with the resampler's lag, in seconds."""
        return self.look_ahead_samples / CLOCK_HZ + self._resampler.lag_s

    def push(self, chunk: Float32) -> Curves:
        """Take the next sound, (n,) or (n, channels) float32, n >= 0; return the curve frames it completes.

        Raises:
            AudioError: the chunk holds samples that are no numbers.

        """
        check_finite(chunk, sample_rate=self._sample_rate, first_sample=self._heard)
        self._heard += len(chunk)
        return self._advance(self._resampler.push(chunk))

    def feel(self, emotion: Feelings) -> None:
        """Feel this from the next curve frame on; see `rhapsode.face.emotion.EmotionStream.set`."""
        self._emotion.set(emotion)
        self._feels = True

    def finish(self) -> Curves:
        """Return the curve frames up to the end of the sound; the stream ends here."""
        return self._advance(self._resampler.finish(), last=True)

    def _advance(self, y: Float32, *, last: bool = False) -> Curves:
        self._weights.put(self._engine.push(y))
        self._voice.put(self._prosody.push(y))
        if last:
            self._weights.put(self._engine.finish())
            self._voice.put(self._prosody.finish())
        ready = min(len(self._weights), len(self._voice))
        weights, voice = self._weights.take(ready), self._voice.take(ready)
        self._emotion.hear(y, last=last)
        activity = voice[:, ProsodyStream.ACTIVITY]
        felt = self._emotion.feel(self._shaping.push(weights, activity), activity)
        face = self._life.push(felt.face, voice, felt.mood)
        start = Fraction(self._made * HOP)
        curves = Curves(FACE.channels, face, start=start)
        self.emotion = Curves(TRACK, felt.track, start=start) if self._feels else None
        self._made += ready
        return curves


class _Frames:
    """A first-in, first-out store of frames: two stages with different look-ahead meet here."""

    def __init__(self, width: int) -> None:
        self._held = np.zeros((0, width), np.float32)

    def __len__(self) -> int:
        return len(self._held)

    def put(self, frames: Float32) -> None:
        # Live, one side has nothing waiting: what comes goes straight through.
        if len(frames):
            self._held = np.concatenate([self._held, frames]) if len(self._held) else frames

    def take(self, count: int) -> Float32:
        taken, self._held = self._held[:count], self._held[count:]
        return taken


def stream(
    chunks: Iterable[Float32], *, sample_rate: int, direction: Direction | None = None
) -> Iterator[CurveFrame]:
    """Yield one curve frame (50 a second) after another while sound chunks arrive.

    Args:
        chunks: (n,) or (n, channels) float32 in [-1, 1], of any and varying length.
        sample_rate: of the chunks, Hz.
        direction: how to play it.

    """
    face = FaceStream(sample_rate, direction=direction)
    for chunk in chunks:
        yield from _one_by_one(face.push(np.asarray(chunk, np.float32)))
    yield from _one_by_one(face.finish())


def _one_by_one(curves: Curves) -> Iterator[CurveFrame]:
    for k, values in enumerate(curves.values):
        yield CurveFrame(curves.sample_index(k), curves.names, values)
