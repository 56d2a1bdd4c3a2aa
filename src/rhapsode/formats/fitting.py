"""Fits the parts of a performance to what a format wants: rate, rig, clock zero, each word once."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from rhapsode import rigs
from rhapsode.errors import RigError
from rhapsode.formats.options import WriteOptions
from rhapsode.formats.registry import Format
from rhapsode.performance import CLOCK_HZ, CurveResampler, Curves, Performance, Sound, Span, Words


class PartFitter:
    """Turns consecutive parts into the parts that a `Writer` expects.

    Args:
        row: the format to fit.
        options: rate and rig.

    """

    def __init__(self, row: Format, options: WriteOptions) -> None:
        self._keeps_clock = row.keeps_clock
        self._rig = target_rig(row, options)
        self._rate = (options.fps or row.fps) if row.resampled else None
        self._face = _CurveFitter(self._rate)
        self._emotion, self._heard = _CurveFitter(self._rate), _CurveFitter(self._rate)
        self._words, self._phones = _Once(), _Once()
        self._zero: Fraction | None = None
        self._sound = _SoundFitter()
        self._last: Performance | None = None

    def push(self, part: Performance) -> Performance:
        """Return what ``part`` becomes; its face may hold fewer frames than will follow in `finish`."""
        if self._zero is None:
            self._zero = Fraction(0) if self._keeps_clock else part.face.start
        zero = self._zero
        _check_finite(part.face)
        sound = part.sound
        if sound is not None and not self._keeps_clock:
            sound = self._sound.push(replace(sound, start=sound.start - zero))
        face, heard = _shift(self._face.push(part.face), zero), self._pushed(self._heard, part.heard, zero)
        fitted = replace(
            part,
            face=self._retarget(face, heard),
            heard=heard,
            emotion=self._pushed(self._emotion, part.emotion, zero),
            sound=sound,
            motion=part.motion and replace(part.motion, start=part.motion.start - zero),
            words=Words(
                self._words.push(part.words.words, zero),
                self._phones.push(part.words.phones, zero),
            ),
        )
        self._last = fitted
        return fitted

    def finish(self) -> Performance | None:
        """Return the frames that were waiting for their successors, None if nothing ever came."""
        if self._last is None or self._zero is None:
            return None
        face, emotion, heard = self._face.finish(), self._emotion.finish(), self._heard.finish()
        if face is None and emotion is None:
            return None
        heard = None if heard is None else _shift(heard, self._zero)
        none = self._last.face.frames(0, 0)
        return replace(
            self._last,
            face=none if face is None else self._retarget(_shift(face, self._zero), heard),
            heard=heard,
            emotion=None if emotion is None else _shift(emotion, self._zero),
            sound=None,
            words=Words(),
            motion=None,
        )

    @staticmethod
    def _pushed(fitter: _CurveFitter, curves: Curves | None, zero: Fraction) -> Curves | None:
        return None if curves is None else _shift(fitter.push(curves), zero)

    def _retarget(self, face: Curves, heard: Curves | None) -> Curves:
        """Return ``face`` in the rig; visemes that were heard are better than those that a face shows."""
        if self._rig is None:
            return face
        names = rigs.rig_named(self._rig).channels
        if heard is not None and set(names) <= set(heard.names) and _together(heard, face):
            columns = [heard.names.index(name) for name in names]
            return Curves(names, heard.values[:, columns], heard.rate, face.start)
        return rigs.retarget(face, self._rig)


def _together(one: Curves, other: Curves) -> bool:
    return one.start == other.start and len(one) == len(other)


def target_rig(row: Format, options: WriteOptions) -> str | None:
    """Return the name of the rig that the writer of ``row`` gets, None for the channels as they are.

    Raises:
        RigError: no rig has the name that the options ask for.

    """
    asked = rigs.rig_named(options.rig).name
    if row.channels == "face":
        return "face"
    return None if row.channels == "kept" and asked == "arkit" else asked


def _check_finite(curves: Curves) -> None:
    if not np.isfinite(curves.values).all():
        frame, column = np.argwhere(~np.isfinite(curves.values))[0]
        raise RigError(
            f"curve '{curves.names[column]}' is not a finite number at curve frame {frame}, "
            f"got {curves.values[frame, column]}; a file holds numbers only: repair the curve"
        )


class _CurveFitter:
    """Resamples consecutive curves to ``rate``, or leaves them as they are if that is None."""

    def __init__(self, rate: Fraction | None) -> None:
        self._rate = rate
        self._resampler: CurveResampler | None = None
        self._through = False

    def push(self, curves: Curves) -> Curves:
        if self._resampler is None and not self._through:
            self._through = self._rate is None or self._rate == curves.rate
            self._resampler = None if self._through or self._rate is None else CurveResampler(self._rate)
        if self._resampler is None:
            return curves
        made = self._resampler.push(curves)
        assert made is not None
        return made

    def finish(self) -> Curves | None:
        return None if self._resampler is None else self._resampler.finish()


class _SoundFitter:
    """Cuts or pads a sound that comes in parts so that it begins at clock zero, to the nearest sample."""

    def __init__(self) -> None:
        self._drop: int | None = None

    def push(self, sound: Sound) -> Sound:
        samples = sound.samples
        if self._drop is None:
            late = round(sound.start * sound.sample_rate / CLOCK_HZ)
            self._drop = max(-late, 0)
            if late > 0:
                silence = np.zeros((late, samples.shape[1]), np.float32)
                samples = np.concatenate([silence, samples])
                return Sound(samples, sound.sample_rate, Fraction(0))
        now = min(self._drop, len(samples))
        self._drop -= now
        start = sound.start + Fraction(now * CLOCK_HZ, sound.sample_rate)
        return Sound(samples[now:], sound.sample_rate, max(start, Fraction(0)))


class _Once:
    """Lets each span through once: a cut through a word gives the word to both sides."""

    def __init__(self) -> None:
        self._seen: list[Span] = []

    def push(self, spans: tuple[Span, ...], zero: Fraction) -> tuple[Span, ...]:
        fresh = tuple(span for span in spans if span not in self._seen)
        if spans:
            self._seen = list(spans)
        shift = float(zero / CLOCK_HZ)
        if not shift:
            return fresh
        return tuple(Span(span.text, span.start_s - shift, span.end_s - shift) for span in fresh)


def _shift(curves: Curves, zero: Fraction) -> Curves:
    return replace(curves, start=curves.start - zero) if zero else curves
