"""From viseme events to a moving face: each viseme grows out of the one before and into the one behind.

Weights of neighbours cross over and always add up to 1. How long a crossing takes, and on whose time, goes
by what the articulators do (Edwards et al., JALI, 2016): lip shapes begin early and end late, a closure is
whole for its own time, a sound that only the tongue makes leaves half of the lips to its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rhapsode import rigs
from rhapsode.face.shaping_settings import MOUTH
from rhapsode.performance import CURVE_HZ, Curves, Performance, Span, Words
from rhapsode.rigs.visemes import OCULUS, REST, VISEMES_TO_ARKIT, viseme_set

Float64 = NDArray[np.float64]

_CROSSING_S = 0.1
_CLOSING_S = 0.07
_REST_S = 0.16
_LEAST_S = 0.03
_LEAD_S = 0.02
_LIPS = frozenset(("PP", "FF", "CH", "RR", "oh", "ou"))
_SHUT = frozenset(("PP", "FF"))
_TONGUE = frozenset(("DD", "kk", "nn", "TH"))
_TONGUE_SHARE = 0.35
_FIRST_SHARE = 0.6

_MOVING: dict[str, dict[str, tuple[str, str]]] = {
    "azure": {
        "viseme_9": ("viseme_2", "viseme_7"),
        "viseme_10": ("viseme_3", "viseme_6"),
        "viseme_11": ("viseme_2", "viseme_6"),
    },
    "polly": {"e": ("E", "i"), "o": ("O", "u")},
}
"""Visemes that are movements from one mouth to another, by set."""


def performance_of(events: Sequence[Span], name: str, *, words: Words | None = None) -> Performance:
    """Return the performance whose mouth speaks ``events``.

    Its face is on rig "face" at 50 curve frames a second, its ``heard`` holds the Oculus visemes.

    Args:
        events: visemes of one set in order of time, without overlap; silence is anywhere else.
        name: the viseme set: oculus, azure, polly or rhubarb.
        words: words, where the file has them.

    Raises:
        RigError: the set is unknown, or a viseme is not of it.

    """
    rate = Fraction(CURVE_HZ)
    weights = _weights(events, name, rate)
    heard = Curves(OCULUS.channels, (weights @ _oculus_mix(name)).astype(np.float32), rate)
    arkit = _arkit(weights, name, rate)
    return Performance(rigs.retarget(arkit, "face"), words=words or Words(), heard=heard)


def mouth_of(events: Sequence[Span], name: str, rate: Fraction) -> Curves:
    """Return the channels of the mouth that speaks ``events``, ``rate`` rows a second.

    Args:
        events: as of `performance_of`.
        name: the viseme set.
        rate: rows a second.

    """
    return _arkit(_weights(events, name, rate), name, rate).select(mouth_channels(name))


@lru_cache(maxsize=8)
def mouth_channels(name: str) -> tuple[str, ...]:
    """Return the ARKit channels that visemes of a set speak for: the mouth, and whatever else they move."""
    moved = _arkit(np.eye(len(viseme_set(name))), name, Fraction(CURVE_HZ))
    return tuple(channel for channel in moved.names if channel in MOUTH or moved[channel].any())


def _weights(events: Sequence[Span], name: str, rate: Fraction) -> Float64:
    channels = viseme_set(name).channels
    still = _still(events, name)
    return activation([(channels.index(e.text), e.start_s, e.end_s) for e in still], name, rate)


def _arkit(weights: Float64, name: str, rate: Fraction) -> Curves:
    given = Curves(viseme_set(name).channels, weights.astype(np.float32), rate)
    return rigs.convert(given, VISEMES_TO_ARKIT[name])


def _still(events: Sequence[Span], name: str) -> list[Span]:
    """Return the events with those that are movements split into where they begin and where they end."""
    made = []
    for event in events:
        parts = moving(event.text, name)
        if len(parts) == 1:
            made.append(event)
            continue
        turn = event.start_s + _FIRST_SHARE * (event.end_s - event.start_s)
        made += [Span(parts[0], event.start_s, turn), Span(parts[1], turn, event.end_s)]
    return made


def moving(viseme: str, name: str) -> tuple[str, ...]:
    """Return the mouths that a viseme of a set moves through: two, or itself."""
    return _MOVING.get(name, {}).get(viseme, (viseme,))


def activation(events: Sequence[tuple[int, float, float]], name: str, rate: Fraction) -> Float64:
    """Return (T, visemes) weights whose rows add up to 1.

    Args:
        events: viseme number, start and end in seconds; in order, without overlap.
        name: the viseme set.
        rate: rows a second.

    """
    channels = viseme_set(name).channels
    kinds = _kinds(name)
    rest = channels.index(REST[name])
    filled = _filled(events, rest)
    count = int(np.ceil(filled[-1][2] * float(rate) - 1e-6)) if filled else 0
    made = np.zeros((count, len(channels)))
    made[:, filled[0][0] if filled else rest] = 1.0
    for before, after in pairwise(filled):
        edge, half = _crossing(before, after, kinds)
        first = max(int(np.floor((edge - half) * float(rate))), 0)
        last = min(int(np.ceil((edge + half) * float(rate))) + 1, count)
        now = np.arange(first, last) / float(rate)
        grown = 0.5 - 0.5 * np.cos(np.pi * np.clip((now - edge + half) / (2 * half), 0, 1))
        made[first:last] *= 1 - grown[:, None]
        made[first:last, after[0]] += grown
        made[last:] = 0.0
        made[last:, after[0]] = 1.0
    return _lips_left_alone(made, filled, kinds, rest, float(rate))


def _filled(events: Sequence[tuple[int, float, float]], rest: int) -> list[tuple[int, float, float]]:
    """Return the events with silence in their gaps, from zero on; neighbours that are equal are one."""
    made: list[tuple[int, float, float]] = []
    now = 0.0
    for number, start, end in events:
        if start > now + 1e-9:
            made.append((rest, now, start))
        if end > max(start, now):
            made.append((number, max(start, now), end))
            now = end
    fused: list[tuple[int, float, float]] = []
    for number, start, end in made:
        if fused and fused[-1][0] == number:
            fused[-1] = (number, fused[-1][1], end)
        else:
            fused.append((number, start, end))
    return fused


def _crossing(
    before: tuple[int, float, float], after: tuple[int, float, float], kinds: Sequence[frozenset[str]]
) -> tuple[float, float]:
    """Return the middle and the half length in seconds of the crossing between two events."""
    one, two = kinds[before[0]], kinds[after[0]]
    length = _REST_S if "rest" in one | two else _CROSSING_S
    length = _CLOSING_S if "shut" in one | two else length
    half = max(min(length, before[2] - before[1], after[2] - after[1]), _LEAST_S) / 2
    edge = before[2]
    if "shut" in two and "shut" not in one:
        edge -= half
    elif "shut" in one and "shut" not in two:
        edge += half
    elif "lips" in two and "lips" not in one:
        edge -= _LEAD_S
    elif "lips" in one and "lips" not in two:
        edge += _LEAD_S
    return edge, half


def _lips_left_alone(
    weights: Float64,
    filled: list[tuple[int, float, float]],
    kinds: Sequence[frozenset[str]],
    rest: int,
    rate: float,
) -> Float64:
    """Give a share of what only the tongue makes to the mouths on both sides, from one to the other."""
    made = weights.copy()
    for k in range(1, len(filled) - 1):
        number, start, end = filled[k]
        sides = filled[k - 1][0], filled[k + 1][0]
        # Beside a closure or silence there is no mouth to borrow.
        borrowed = [s for s in sides if not kinds[s] & {"rest", "shut", "tongue"}]
        if "tongue" not in kinds[number] or not borrowed:
            continue
        first = (filled[k - 1][1] + start) / 2
        last = (end + filled[k + 1][2]) / 2
        now = np.arange(int(np.ceil(first * rate)), min(int(np.ceil(last * rate)), len(made)))
        gone = np.clip((now / rate - start) / max(end - start, 1e-6), 0, 1)
        given = _TONGUE_SHARE * weights[now, number]
        made[now, number] -= given
        made[now, borrowed[0]] += given * (1 - gone)
        made[now, borrowed[-1]] += given * gone
    return made


@lru_cache(maxsize=8)
def _kinds(name: str) -> list[frozenset[str]]:
    """Return for every viseme of a set what its articulators do: rest, shut, lips, tongue."""
    mix = _oculus_mix(name)
    made = []
    for number, viseme in enumerate(viseme_set(name).channels):
        chief = OCULUS.channels[int(mix[number].argmax())]
        kinds = {"rest"} if viseme == REST[name] else set()
        kinds |= {k for k, these in (("shut", _SHUT), ("lips", _LIPS), ("tongue", _TONGUE)) if chief in these}
        made.append(frozenset(kinds))
    return made


@lru_cache(maxsize=8)
def _oculus_mix(name: str) -> Float64:
    """Return (visemes, 15): the mixture of Oculus visemes that each one is; rows add up to 1."""
    mixed = rigs.retarget(
        Curves(viseme_set(name).channels, np.eye(len(viseme_set(name)), dtype=np.float32)), "oculus"
    ).values.astype(np.float64)
    return np.asarray(mixed / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-6), np.float64)
