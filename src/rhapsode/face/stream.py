"""Sound in, face curves out, chunk by chunk: the whole chain as one stage with explicit state.

    samples at any rate -> 16 kHz mono -> engine (mouth) -> phones, where known -> shaping
    -> curves of the voice, where known -> emotion -> life (eyes, head) -> controls -> curves

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
from rhapsode.face.controls_stream import ControlStage
from rhapsode.face.direction import Direction
from rhapsode.face.emotion import TRACK, EmotionStream, Feelings
from rhapsode.face.engine_frames import HEARD, joined
from rhapsode.face.engines import load_engine
from rhapsode.face.life import LifeStream
from rhapsode.face.shaping import ShapingStream
from rhapsode.face.spoken import SpokenPhones
from rhapsode.face.spoken_curves import FacedWords, SpokenCurves
from rhapsode.face.voice import ACTIVITY, VoiceMeter
from rhapsode.face.voice import WIDTH as VOICE_WIDTH
from rhapsode.performance import CLOCK_HZ, HOP, Curves, Float32, Words
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
        SettingError: the engine knows no such performer.

    Example:
        >>> face = FaceStream(16_000)
        >>> curves = join([face.push(np.zeros(1600, np.float32)), face.finish()])
        >>> len(curves), len(curves.names)
        (5, 61)

    """

    def __init__(self, sample_rate: int, *, direction: Direction | None = None) -> None:
        direction = direction or Direction()
        engine = load_engine(direction.weights)
        self._sample_rate, self._heard = sample_rate, 0
        self._resampler = Resampler(sample_rate, CLOCK_HZ)
        self._engine = engine.stream(style=direction.performer)
        silent = self._engine.push(np.zeros(0, np.float32))
        self._listener = None if silent.heard() is not None else _Listener()
        self._spoken, self._given = SpokenPhones(), SpokenCurves()
        self._shaping = ShapingStream(direction.played_shaping())
        self._emotion = EmotionStream(direction.emotion)
        self._life = LifeStream(direction.played_life(), seed=direction.seed)
        self._controls = ControlStage(direction.played_controls())
        self._made = self._felt = 0
        self.emotion: Curves | None = None
        """What was felt in the curve frames returned last (`rhapsode.face.emotion.TRACK`); None if nothing
        was ever asked for."""
        self._last: tuple[Float32, int] | None = None
        self._feels = direction.emotion is not None
        self.look_ahead_samples = max(engine.look_ahead_samples, ProsodyStream.look_ahead_samples)
        self.look_ahead_samples += self._controls.look_ahead_frames * HOP

    @property
    def look_ahead_s(self) -> float:
        """How far ahead of a curve frame the sound must be known, with the resampler's lag, in seconds."""
        return self.look_ahead_samples / CLOCK_HZ + self._resampler.lag_s

    @property
    def heard(self) -> Curves | None:
        """What the engine heard in the curve frames returned last, see `Performance.heard`; None if it does
        not say.
        """
        return self._last and Curves(HEARD, self._last[0], start=Fraction(self._last[1] * HOP))

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

    def words(self, words: Words, *, begin_s: float, end_s: float) -> None:
        """Take the phones of sound that is pushed next: lips and teeth then do what is spoken, exactly.

        Args:
            words: with phones, seconds from the first sample of the stream. They replace what was told of
                sound from ``begin_s`` on; without phones the engine alone moves the mouth there. Curves of
                `FacedWords` stand in its place, see `rhapsode.face.spoken_curves`.
            begin_s: where the sound that they were spoken in begins.
            end_s: where it ends; between both, where no phone is, the mouth rests.

        """
        self._spoken.tell(words.phones, begin_s, end_s)
        self._given.tell(words.face if isinstance(words, FacedWords) else None, begin_s)

    def finish(self) -> Curves:
        """Return the curve frames up to the end of the sound; the stream ends here."""
        return self._advance(self._resampler.finish(), last=True)

    def _advance(self, y: Float32, *, last: bool = False) -> Curves:
        frames = self._engine.push(y)
        if last:
            frames = joined([frames, self._engine.finish()])
        heard = frames.heard()
        if self._listener:
            voice = self._listener.push(y, len(frames), last=last)
        else:
            assert heard is not None
            voice = heard[:, -VOICE_WIDTH:]
        self._emotion.hear(y, last=last)
        activity = voice[:, ACTIVITY]
        weights, activity = self._spoken.push(frames.weights, activity)
        mouth = self._given.push(self._shaping.push(weights, activity))
        felt = self._emotion.feel(mouth, activity)
        living = self._given.finish(self._life.push(felt.face, voice, felt.mood))
        face = self._controls.push(living, last=last)
        curves = Curves(FACE.channels, face, start=Fraction(self._made * HOP))
        self.emotion = Curves(TRACK, felt.track, start=Fraction(self._felt * HOP)) if self._feels else None
        self._last = None if heard is None else (heard, self._felt)
        self._made, self._felt = self._made + len(face), self._felt + len(frames)
        return curves


class _Listener:
    """Hears the voice for an engine that does not say it, and keeps what the engine has not come to yet."""

    def __init__(self) -> None:
        self._prosody, self._meter = ProsodyStream(), VoiceMeter()
        self._held = np.zeros((0, VOICE_WIDTH), np.float32)

    def push(self, y: Float32, count: int, *, last: bool) -> Float32:
        """Take the next samples, and the end with ``last``; return the voice of the next curve frames."""
        rows = [self._prosody.push(y), *([self._prosody.finish()] if last else [])]
        self._held = np.concatenate([self._held, *(self._meter.push(part) for part in rows)])
        voice, self._held = self._held[:count], self._held[count:]
        return voice


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
