"""What a mouth must do where the phones are known: close in p, b, m, bite in f, v, round, spread, rest.

An engine hears phones, and now and then mishears one. A voice of the product knows them, with their times.
This stage lies between engine and shaping: it makes sure of what is certain and leaves the rest, jaw and all,
to the engine. Where no phones are known it does nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rhapsode.errors import RigError
from rhapsode.face.contacts import GAP32, bite, part, touch
from rhapsode.face.shaping_settings import MOUTH
from rhapsode.performance import CURVE_HZ, Float32, Span
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, REST_GAP
from rhapsode.rigs.phones import phone_visemes

_HELD = {"p": (0.2, 0.55), "b": (0.2, 0.7), "m": (0.2, 0.85), "f": (0.25, 0.8), "v": (0.25, 0.8)}
"""The part of a phone in which its contact is full, as shares of its duration."""

_HELD_ELSE = (0.2, 0.75)
_SHORTEST_S = 0.036
"""A contact is held at least so long, so that a curve frame shows it and is not alone."""

_APPROACH_S, _RELEASE_S = 0.06, 0.07
"""How long lips and teeth take to meet and to part."""

_ROUNDING_S = 0.09
"""How long lips take to round and to spread again."""

_ROUND = {"ou": 0.6, "oh": 0.42, "CH": 0.38, "RR": 0.22}
"""Least mouthPucker and mouthFunnel together, by viseme."""

_SPREAD = {"ih": 0.2, "E": 0.26}
"""Most of them, by viseme, where nothing round is near."""

_PARTED = 0.08
"""Lip distance, cm more than at rest, that sounds without contact have at least."""

_VOWELS = {"aa": 0.3, "E": 0.22, "ih": 0.15, "oh": 0.22, "ou": 0.12}
"""The same in the middle of vowels, by viseme."""

_CLEAR_S = 0.03
"""So far from a contact lips are held apart in full; half-way they begin to be."""

_OPENS = (0.08, 0.25)
"""Shares of a vowel's duration from which it begins to be open, and is, however near a contact is."""

_REST_S, _RESTING_S = 0.08, 0.1
"""Silence so near a phone is no rest; and how long the mouth takes to come to it."""

_FAR_S = 0.3
_SPEAKING = 0.9
"""Speech activity that a known phone means at least."""

_BILABIAL_FRICATIVE = "ɸ"
_NO_CONTACT_YET = ("ʋ",)
_PUCKER, _FUNNEL, _JAW, _CLOSE = (
    ARKIT.index(name) for name in ("mouthPucker", "mouthFunnel", "jawOpen", "mouthClose")
)
_STRETCHED = [
    ARKIT.index(f"mouth{name}{side}") for name in ("Smile", "Stretch", "Dimple") for side in ("Left", "Right")
]
_RESTS = [ARKIT.index(name) for name in ARKIT.channels if name in MOUTH]
_SEAL = 0.08


class _Aim(NamedTuple):
    """What one phone asks for in a stretch of time, seconds."""

    start: float
    end: float
    viseme: str
    held: tuple[float, float]


class SpokenPhones:
    """Knows phones and makes the mouth do them, curve frame by curve frame.

    It looks at no sound, and at phones up to 0.15 s ahead; they must be told before their curve frames come.
    """

    def __init__(self) -> None:
        self._aims: deque[_Aim] = deque()
        self._known: deque[tuple[float, float]] = deque()
        self._made = 0

    def tell(self, phones: Sequence[Span], begin_s: float, end_s: float) -> None:
        """Take the phones of the sound from ``begin_s`` to ``end_s``; what lies between them is silence.

        What was told of sound from ``begin_s`` on is forgotten; without phones nothing is known of it.

        Args:
            phones: IPA, in order of time, seconds from the first curve frame.
            begin_s: where they begin to be known.
            end_s: where they cease to be.

        """
        while self._aims and self._aims[-1].start >= begin_s:
            self._aims.pop()
        while self._known and self._known[-1][0] >= begin_s:
            self._known.pop()
        if self._known and self._known[-1][1] > begin_s:
            self._known[-1] = (self._known[-1][0], begin_s)
        if not phones:
            return
        begin_s, end_s = min(begin_s, phones[0].start_s), max(end_s, phones[-1].end_s)
        if self._known and begin_s <= self._known[-1][1] + 1.0 / CURVE_HZ:
            begin_s = self._known.pop()[0]
        self._known.append((begin_s, end_s))
        for phone in phones:
            self._aims.extend(_aims(phone))

    def push(self, weights: Float32, activity: Float32) -> tuple[Float32, Float32]:
        """Shape the next curve frames.

        Args:
            weights: (T, 52) ARKit weights of an engine.
            activity: (T,) of the voice.

        Returns:
            The same with what is known; the very arrays where nothing is.

        """
        first, self._made = self._made, self._made + len(weights)
        if not self._known or not len(weights):
            return weights, activity
        weights, activity = weights.copy(), activity.copy()
        for k in range(len(weights)):
            now = (first + k) / CURVE_HZ
            self._drop(now)
            if self._known and self._known[0][0] <= now <= self._known[0][1]:
                activity[k] = self._shape(weights[k], float(activity[k]), now)
        return weights, activity

    def _drop(self, now: float) -> None:
        while self._aims and self._aims[0].end < now - _FAR_S:
            self._aims.popleft()
        while self._known and self._known[0][1] < now:
            self._known.popleft()

    def _near(self, now: float) -> Iterator[_Aim]:
        for aim in self._aims:
            if aim.start > now + _FAR_S:
                return
            yield aim

    def _shape(self, row: Float32, activity: float, now: float) -> float:
        """Shape one curve frame in place; return its activity."""
        lips = teeth = rounded = 0.0
        spread = 1.0
        clear, silent, unknown = _FAR_S, _FAR_S, False
        vowel, least = 0.0, _PARTED
        for aim in self._near(now):
            away = max(aim.start - now, now - aim.end, 0.0)
            silent = min(silent, away)
            unknown = unknown or (not aim.viseme and not away)
            if aim.viseme == "PP":
                lips = max(lips, _ramp(now, *aim.held, _APPROACH_S, _RELEASE_S))
                clear = min(clear, away)
            elif aim.viseme == "FF":
                teeth = max(teeth, _ramp(now, *aim.held, _APPROACH_S, _RELEASE_S))
                clear = min(clear, away)
            elif aim.viseme in _VOWELS and not away:
                vowel = _opened((now - aim.start) / (aim.end - aim.start))
                least = _VOWELS[aim.viseme]
            if aim.viseme in _ROUND:
                share = _ramp(now, *aim.held, _ROUNDING_S, _ROUNDING_S)
                rounded = max(rounded, share * _ROUND[aim.viseme])
            elif aim.viseme in _SPREAD and not away:
                spread = _SPREAD[aim.viseme]
        lips, teeth = lips * (1.0 - vowel), teeth * (1.0 - vowel)
        if rounded or spread < 1.0:
            _round(row, rounded, max(spread, rounded))
        if teeth > 0.0:
            bite(row, teeth)
        if lips > 0.0:
            _shut(row, lips)
        apart = 0.0 if silent or unknown else max(min(2 * clear / _CLEAR_S - 1, 1.0), vowel)
        if apart > lips:
            part(row, max(_PARTED * apart, least * vowel))
        if silent > _REST_S:
            rest = _smooth(min((silent - _REST_S) / _RESTING_S, 1.0))
            row[_RESTS] *= 1.0 - rest
            return activity * (1.0 - rest)
        return activity if silent else max(activity, _SPEAKING)


def _aims(phone: Span) -> Iterator[_Aim]:
    """Yield what ``phone`` asks for; a phone that nobody knows asks for nothing, and is no silence."""
    visemes = _visemes(phone.text)
    length = (phone.end_s - phone.start_s) / len(visemes)
    for k, viseme in enumerate(visemes):
        start = phone.start_s + k * length
        low, high = _HELD.get(phone.text[:1], _HELD_ELSE)
        first, last = start + low * length, start + high * length
        short = max(_SHORTEST_S - (last - first), 0.0) / 2
        yield _Aim(start, start + length, viseme, (first - short, last + short))


@lru_cache(maxsize=1024)
def _visemes(phone: str) -> tuple[str, ...]:
    """Return the Oculus visemes of a phone; a nameless one where it is not known."""
    if phone.startswith(_BILABIAL_FRICATIVE):
        return ("oh",)
    if phone.startswith(_NO_CONTACT_YET):
        return ("DD",)
    try:
        return phone_visemes(phone)
    except RigError:
        return ("",)


def _shut(row: Float32, amount: float) -> None:
    """Bring the lips together by ``amount``, whatever parts them, in place."""
    touch(row, amount)
    over = REST_GAP + float(row.dot(GAP32)) - 0.5 * (REST_GAP + CLOSED_GAP)
    if amount > 0.5 and over > 0.0:
        most = min(float(row[_JAW]) + _SEAL, 1.0)
        row[_CLOSE] = max(row[_CLOSE], min(row[_CLOSE] - amount * over / GAP32.item(_CLOSE), most))


def _round(row: Float32, least: float, most: float) -> None:
    """Round the lips to at least ``least`` and at most ``most`` of pucker and funnel together, in place."""
    shown = float(row[_PUCKER] + row[_FUNNEL])
    if shown < least:
        row[_PUCKER] += 0.65 * (least - shown)
        row[_FUNNEL] += 0.35 * (least - shown)
        row[_STRETCHED] *= 1.0 - min(least, 0.7)
    elif shown > most:
        row[[_PUCKER, _FUNNEL]] *= 0.5 + 0.5 * most / shown


def _opened(share: float) -> float:
    """Return how open a vowel is after ``share`` of it."""
    low, high = _OPENS
    return _smooth(min(max((min(share, 1.0 - share) - low) / (high - low), 0.0), 1.0))


def _ramp(now: float, first: float, last: float, rise: float, fall: float) -> float:
    """Return 1 between ``first`` and ``last``, with smooth ways there and back, 0 elsewhere."""
    if now < first:
        return _smooth(max(1.0 - (first - now) / rise, 0.0))
    return 1.0 if now <= last else _smooth(max(1.0 - (now - last) / fall, 0.0))


def _smooth(share: float) -> float:
    return share * share * share * (10.0 - 15.0 * share + 6.0 * share * share)


assert np.float32(GAP32.item(_CLOSE)) < 0, "mouthClose brings lips together"
