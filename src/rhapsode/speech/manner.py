"""How something is said: rate, pitch, volume, and the emotion that colours all three."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rhapsode.errors import SpeechError
from rhapsode.performance import Float32

if TYPE_CHECKING:
    from rhapsode.face.emotion import Emotion

RATE_RANGE = (0.5, 2.0)
"""The slowest and the fastest speaking rate that voices are asked for; 1.0 is the voice's own."""

PITCH_RANGE = (-12.0, 12.0)
"""Semitones down and up; up to 4 either way sounds like the same person."""

VOLUME_RANGE = (-40.0, 12.0)
"""Gain, dB."""

_KNEE = 0.8


class Delivery(NamedTuple):
    """What a voice does in the end.

    Args:
        rate: times the voice's own.
        pitch: factor on the fundamental frequency.
        span: factor on how far the melody strays from its middle, in octaves; below 1 is flat.
        volume: factor on the samples.

    """

    rate: float
    pitch: float
    span: float
    volume: float


class _Colour(NamedTuple):
    """What an emotion at its full level adds: log2 of the rate, semitones, span, dB."""

    rate: float
    pitch: float
    span: float
    volume: float


_COLOURS: Mapping[str, _Colour] = {
    "amazement": _Colour(0.04, 1.8, 0.35, 1.5),
    "anger": _Colour(0.08, 0.8, 0.25, 3.0),
    "cheekiness": _Colour(0.03, 0.7, 0.20, 0.5),
    "disgust": _Colour(-0.09, -0.8, -0.05, 0.0),
    "fear": _Colour(0.11, 1.8, -0.10, -0.5),
    "grief": _Colour(-0.18, -0.8, -0.20, -2.5),
    "joy": _Colour(0.06, 1.2, 0.25, 1.5),
    "outofbreath": _Colour(0.06, 0.8, 0.0, -1.5),
    "pain": _Colour(-0.07, 0.8, 0.10, 0.5),
    "sadness": _Colour(-0.15, -1.2, -0.25, -2.5),
}
"""The directions that Murray and Arnott (JASA 93, 1993) and Scherer (Speech Communication 40, 2003) find in
emotional speech, at about half their size: a voice stays itself."""

_MOST = _Colour(0.2, 2.5, 0.5, 4.0)


@dataclass(frozen=True)
class Manner:
    """How a text is to be said; all that a voice takes beside the text.

    Args:
        rate: speaking rate in `RATE_RANGE`; 2.0 is twice as fast.
        pitch: semitones up or down in `PITCH_RANGE`; the length and the phone times stay as they are.
        volume: gain in dB in `VOLUME_RANGE`; what would clip is rounded off.
        emotion: raises, flattens, hurries or softens the voice a little on top.

    Raises:
        SpeechError: a number is out of its range.

    Example:
        >>> Manner(rate=1.2).then(Manner(pitch=2.0)).rate
        1.2

    """

    rate: float = 1.0
    pitch: float = 0.0
    volume: float = 0.0
    emotion: Emotion | None = None

    def __post_init__(self) -> None:
        check_rate(self.rate)
        _check("pitch", self.pitch, PITCH_RANGE, "semitones; 0 is the voice's own")
        _check("volume", self.volume, VOLUME_RANGE, "dB; 0 is the voice's own")

    def then(self, other: Manner) -> Manner:
        """Return this manner with ``other`` on top: rates multiply, pitches and volumes add, within range.

        The emotion is that of ``other`` if it names one.
        """
        return Manner(
            _within(self.rate * other.rate, RATE_RANGE),
            _within(self.pitch + other.pitch, PITCH_RANGE),
            _within(self.volume + other.volume, VOLUME_RANGE),
            self.emotion if other.emotion is None else other.emotion,
        )

    def delivery(self) -> Delivery:
        """Return the factors that a voice works with, the emotion included."""
        felt = [(level, _COLOURS[name]) for name, level in (self.emotion or {}).items() if name in _COLOURS]
        colour = [
            _within(sum(level * one[k] for level, one in felt), (-_MOST[k], _MOST[k])) for k in range(4)
        ]
        return Delivery(
            _within(self.rate * 2.0 ** colour[0], RATE_RANGE),
            2.0 ** (_within(self.pitch + colour[1], PITCH_RANGE) / 12.0),
            1.0 + colour[2],
            10.0 ** (_within(self.volume + colour[3], VOLUME_RANGE) / 20.0),
        )

    def key(self) -> str:
        """Return a text that is equal for equal manners only, for caches."""
        feeling = ",".join(f"{k}:{v!r}" for k, v in sorted((self.emotion or {}).items()))
        return f"{float(self.rate)!r};{float(self.pitch)!r};{float(self.volume)!r};{feeling}"


def check_rate(rate: float) -> float:
    """Return ``rate`` if a voice can speak at it; raise `SpeechError` if not."""
    slowest, fastest = RATE_RANGE
    if not slowest <= rate <= fastest:
        raise SpeechError(
            f"speaking rate must lie in [{slowest}, {fastest}], got {rate}; 1.0 is the voice's own"
        )
    return float(rate)


def melody(f0: Float32, delivery: Delivery, voiced_hz: float = 40.0) -> Float32:
    """Return a pitch curve shifted and spread as ``delivery`` asks; unvoiced values stay.

    Args:
        f0: (T,) Hz; unvoiced where it is not above ``voiced_hz``.
        delivery: its pitch and span are used.
        voiced_hz: what is at least voiced.

    """
    voiced = f0 > voiced_hz
    if not voiced.any() or (delivery.pitch, delivery.span) == (1.0, 1.0):
        return f0
    middle = math.exp(float(np.log(f0[voiced]).mean()))
    moved = middle * (np.maximum(f0, voiced_hz) / middle) ** delivery.span * delivery.pitch
    return np.asarray(np.where(voiced, np.clip(moved, voiced_hz + 1.0, 900.0), f0), np.float32)


def louder(samples: Float32, volume: float) -> Float32:
    """Return ``samples`` times ``volume``; what exceeds .8 of full scale bends towards it.

    Args:
        samples: (n,) or (n, channels) float32 in [-1, 1].
        volume: factor; 1 leaves the samples as they are, bit for bit.

    """
    if volume == 1.0:
        return samples
    moved = samples * np.float32(volume)
    size = np.abs(moved)
    bent = np.sign(moved) * (_KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE)))
    return np.asarray(np.where(size > _KNEE, bent, moved), np.float32)


def _check(what: str, value: float, limits: tuple[float, float], unit: str) -> None:
    if not limits[0] <= value <= limits[1]:
        raise SpeechError(f"{what} must lie in [{limits[0]:g}, {limits[1]:g}], got {value} {unit}")


def _within(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


PLAIN = Manner()
"""The voice as it is."""
