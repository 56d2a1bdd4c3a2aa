"""From a performance to viseme events: phones where they are known, else what was heard, else the face.

Weights of visemes become events by hysteresis: a viseme holds until another one is clearly ahead. Events
shorter than 40 ms join a neighbour, except closures (lips together, lip on teeth), which are never lost and
are at least 40 ms long. In a face, lips that press for less than a quarter of a second are one, whatever
shape the rest of the mouth has: an open jaw with ``mouthClose`` closes as well.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from rhapsode import rigs
from rhapsode.performance import Curves, Float32, Performance, Span
from rhapsode.rigs.lips import CLOSED_GAP, lip_gap
from rhapsode.rigs.visemes import OCULUS, REST, viseme_set

SHORTEST_S = 0.04
"""No event is shorter, in seconds."""

_AHEAD = 0.08
_CLOSURE = 0.3
_CLOSED_SHARE = 0.7
_BRIEF_REST_S = 0.14
_BRIEF_PRESS_S = 0.25
_PRESSED_GAP = 0.03
_BLOCK = 2048

SPOKEN: dict[str, str] = dict(
    zip(
        OCULUS.channels[1:],
        ("p", "f", "ð", "d", "k", "ʃ", "s", "n", "ɹ", "ɑ", "ɛ", "ɪ", "ɔ", "u"),
        strict=True,
    )
)
"""A phone that each Oculus viseme but silence stands for, by which it is found in other sets."""


class VisemeTrack:
    """Takes consecutive parts of a performance and gives its viseme events; holds one byte a curve frame.

    Args:
        name: the viseme set: oculus, azure, polly or rhubarb.

    Raises:
        RigError: the set is unknown.

    """

    def __init__(self, name: str) -> None:
        self._set = viseme_set(name)
        self._closures = closures(name)
        self._heard = _Labels(OCULUS.channels, closures("oculus"), REST["oculus"])
        self._seen = _Labels(self._set.channels, self._closures, REST[self._set.name])
        self._phones: list[Span] = []
        self._rate: Fraction | None = None
        self._frames = 0

    def push(self, part: Performance) -> None:
        """Take the next part, whose face is on any rig that reaches ARKit; its clock begins at zero."""
        self._phones += part.words.phones
        self._rate, self._frames = part.face.rate, self._frames + len(part.face)
        if part.heard is not None and set(OCULUS.channels) <= set(part.heard.names):
            self._heard.push(part.heard.select(OCULUS.channels).values)
        for begin in range(0, len(part.face), _BLOCK):
            block = part.face.frames(begin, begin + _BLOCK)
            self._seen.push(*_seen(block, self._set.name, self._closures))

    @property
    def duration_s(self) -> float:
        """Curve frames so far divided by their rate, in seconds."""
        return float(self._frames / self._rate) if self._rate else 0.0

    def finish(self) -> tuple[Span, ...]:
        """Return the events without a gap from 0 s to the end.

        Raises:
            RigError: a phone of the performance is not written in IPA.

        """
        if self._phones:
            spoken = sorted(self._phones, key=lambda phone: phone.start_s)
            return _from_zero(rigs.phones_to_visemes(spoken, self._set.name, end_s=self.duration_s))
        if not self._frames or self._rate is None:
            return ()
        if self._heard.frames == self._frames:
            runs = self._heard.runs(self._rate)
            return _from_zero(_in_set(runs, self._set.name))
        return _from_zero(_fused(self._seen.runs(self._rate, between=True)))


def closures(name: str) -> tuple[str, ...]:
    """Return the visemes of a set that close something: lips together first, then the lip on the teeth."""
    return tuple(rigs.phone_visemes(phone, name)[0] for phone in ("p", "f"))


def _in_set(spans: list[Span], name: str) -> list[Span]:
    """Return Oculus events as those of another set."""
    if name == "oculus":
        return spans
    names = {viseme: rigs.phone_visemes(phone, name)[0] for viseme, phone in SPOKEN.items()}
    names[REST["oculus"]] = REST[name]
    return _fused([Span(names[span.text], span.start_s, span.end_s) for span in spans])


def _fused(spans: list[Span]) -> list[Span]:
    made: list[Span] = []
    for span in spans:
        if made and made[-1].text == span.text:
            made[-1] = Span(span.text, made[-1].start_s, span.end_s)
        else:
            made.append(span)
    return made


def _from_zero(spans: tuple[Span, ...] | list[Span]) -> tuple[Span, ...]:
    """Return ``spans`` cut at zero."""
    return tuple(Span(s.text, max(s.start_s, 0.0), s.end_s) for s in spans if s.end_s > 0)


def _seen(face: Curves, name: str, shut: tuple[str, ...]) -> tuple[Float32, np.ndarray]:
    """Return weights (T, visemes) that a face shows, and (T,) 1 where its lips meet, 2 where they press.

    Lips that are together speak no vowel: what a projection gives to open visemes there goes to rest.
    """
    weights = rigs.retarget(face, name).values.copy()
    arkit = rigs.retarget(face, "arkit").values
    gap = lip_gap(arkit)
    met = np.asarray(gap < CLOSED_GAP)
    names = viseme_set(name).channels
    rest = names.index(REST[name])
    open_ones = [k for k, viseme in enumerate(names) if viseme not in shut and k != rest]
    parted = weights[:, open_ones].sum(axis=1)
    weights[:, open_ones] *= ~met[:, None]
    weights[:, rest] += parted * met
    return weights, met.astype(np.uint8) + (gap < _PRESSED_GAP)


class _Labels:
    """One viseme for each curve frame, by hysteresis."""

    def __init__(self, names: tuple[str, ...], shut: tuple[str, ...], rest: str) -> None:
        self._names = names
        self._shut = [names.index(viseme) for viseme in shut]
        self._rest = self._now = names.index(rest)
        self._track = bytearray()
        self._shutting = bytearray()
        self._met = bytearray()

    @property
    def frames(self) -> int:
        return len(self._track)

    def push(self, weights: Float32, met: np.ndarray | None = None) -> None:
        """Take (T, visemes) weights, and (T,) 1 where lips meet and 2 where they press, if known."""
        best = weights.argmax(axis=1).tolist()
        for row, top in zip(weights, best, strict=True):
            shut = max(self._shut, key=lambda k: row[k])
            if row[shut] >= _CLOSURE and row[shut] >= row[top] - _AHEAD:
                self._now = shut
            elif row[top] > row[self._now] + _AHEAD or self._now in self._shut:
                self._now = top
            self._track.append(self._now)
            self._shutting.append(min(max(round(255 * float(row[self._now])), 0), 255))
        self._met += bytes(len(weights)) if met is None else met.astype(np.uint8).tobytes()

    def runs(self, rate: Fraction, *, between: bool = False) -> list[Span]:
        """Return the events; with ``between``, a short meeting of the lips amid speech is a closure."""
        if between:
            self._press(_BRIEF_PRESS_S * float(rate))
        runs = _runs(self._track)
        if between:
            for one in runs[1:-1]:
                brief = (one[2] - one[1]) / rate < _BRIEF_REST_S
                if one[0] == self._rest and brief and any(self._met[one[1] : one[2]]):
                    one[0] = self._shut[0]
        self._trim(runs)
        runs = self._long_enough(runs, max(-(-SHORTEST_S * rate // 1), 1))
        return [Span(self._names[k], float(a / rate), float(b / rate)) for k, a, b in runs]

    def _press(self, most: float) -> None:
        """Make lips that press for no more than ``most`` frames a closure, where they are not one."""
        for pressed, begin, end in _runs(bytes(state == 2 for state in self._met))[1:-1]:
            if pressed and end - begin <= most:
                for k in range(begin, end):
                    if self._track[k] not in self._shut:
                        self._track[k], self._shutting[k] = self._shut[0], 255

    def _trim(self, runs: list[list[int]]) -> None:
        """Leave of every closure what is nearly whole; the way there and back is its neighbours'."""
        for before, run, after in zip(runs, runs[1:], runs[2:], strict=False):
            if run[0] in self._shut:
                level = np.frombuffer(bytes(self._shutting[run[1] : run[2]]), np.uint8)
                whole = np.flatnonzero(level >= _CLOSED_SHARE * level.max(initial=0))
                run[2] = after[1] = run[1] + int(whole[-1]) + 1
                run[1] = before[2] = run[1] + int(whole[0])

    def _long_enough(self, runs: list[list[int]], least: float) -> list[list[int]]:
        """Drop runs shorter than ``least`` frames, and lengthen closures to it at their neighbours' cost."""
        least = int(least)
        kept: list[list[int]] = []
        for run in runs:
            short = run[2] - run[1] < least and run[0] not in self._shut
            if kept and (short or kept[-1][0] == run[0]):
                kept[-1][2] = run[2]
            else:
                kept.append(list(run))
        if len(kept) > 1 and kept[0][2] - kept[0][1] < least and kept[0][0] not in self._shut:
            kept[1][1] = kept.pop(0)[1]
        for before, run in pairwise(kept):
            lack = least - (run[2] - run[1])
            room = before[2] - before[1] - (least if before[0] in self._shut else 1)
            if run[0] in self._shut and lack > 0 and room > 0:
                run[1] = before[2] = run[1] - min(lack, room)
        return kept


def _runs(track: bytes | bytearray) -> list[list[int]]:
    """Return value, begin and end of each stretch of equal bytes."""
    values = np.frombuffer(bytes(track), np.uint8)
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [[int(values[a]), a, b] for a, b in pairwise(edges) if b > a]
