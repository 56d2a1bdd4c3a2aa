"""Curves that a voice gives with its sound: they are the mouth where they are known, the engine elsewhere.

Some voices know their face: a service that sends blendshapes, or visemes that became curves. Where such
curves are known, their channels are used as they are, behind shaping and before emotion; lids and rolls once
more behind life. Where they begin, end or do not follow from each other, what was shown runs out over 0.1 s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import CLOCK_HZ, CURVE_HZ, Curves, Float32, Span, Words
from rhapsode.rigs import ARKIT, FACE

FADE = 5
"""Curve frames over which one source of the mouth becomes another (0.1 s)."""

LEAD_S = (FADE + 1) / CURVE_HZ
"""How long before they begin curves that are known by then are led to."""

LIDS_S = 5.0
"""After so long without a blink of the voice's own, the face blinks by itself again."""

_CLOSED = 0.5
_EDGE_S = 1e-6
_PARTS = 30  # of a clock sample: every usual rate of sound lies on this grid
_WIDTH = len(ARKIT)
_LIDS = np.array([ARKIT.index("eyeBlinkLeft"), ARKIT.index("eyeBlinkRight")])
_TURNS = np.array([FACE.index(name) for name in ("headRoll", "leftEyeRoll", "rightEyeRoll")])
_LATE = np.concatenate([_LIDS, _TURNS])
_OF_FACE = frozenset(FACE.channels)
_ENGINE, _NONE, _ZERO = 0, np.zeros(len(FACE), bool), np.zeros(len(FACE), np.float32)


@dataclass(frozen=True)
class FacedWords(Words):
    """Words and phones of a voice that gives its face, too.

    Args:
        face: channels of `rhapsode.rigs.FACE`, any of them, at any rate; on the clock of the words.

    """

    face: Curves | None = None


def later(words: Words, by_s: float) -> Words:
    """Return ``words`` so many seconds later, with the face if there is one."""

    def move(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(Span(span.text, span.start_s + by_s, span.end_s + by_s) for span in spans)

    moved = move(words.words), move(words.phones)
    if not isinstance(words, FacedWords) or words.face is None:
        return Words(*moved)
    start = words.face.start + Fraction(round(by_s * CLOCK_HZ * _PARTS), _PARTS)
    return FacedWords(*moved, replace(words.face, start=start))


def followed(one: Words, two: Words) -> Words:
    """Return two pieces of the same words, one behind the other."""
    faces = [words.face for words in (one, two) if isinstance(words, FacedWords) and words.face is not None]
    spans = one.words + two.words, one.phones + two.phones
    if not faces:
        return Words(*spans)
    if len(faces) == 2 and (faces[0].names, faces[0].rate) == (faces[1].names, faces[1].rate):
        count = round((faces[1].start - faces[0].start) * faces[0].rate / CLOCK_HZ)
        if 0 < count <= len(faces[0]):
            values = np.concatenate([faces[0].values[:count], faces[1].values])
            return FacedWords(*spans, replace(faces[0], values=values))
    return FacedWords(*spans, faces[-1])


class _Stretch(NamedTuple):
    """Curves without a gap."""

    start_s: float
    rate: float
    held: NDArray[np.bool_]  # (61,)
    values: Float32  # (n, 61)
    run: int  # stretches of the same number follow from each other

    @property
    def end_s(self) -> float:
        return self.start_s + (len(self.values) - 1) / self.rate

    def at(self, now: float) -> Float32:
        """Return the values at a time, (61,); those of an end beyond it."""
        place = min(max((now - self.start_s) * self.rate, 0.0), len(self.values) - 1.0)
        left = min(int(place), max(len(self.values) - 2, 0))
        right = min(left + 1, len(self.values) - 1)
        share = np.float32(place - left)
        made: Float32 = self.values[left] * (1 - share) + self.values[right] * share
        return made


class _Ease:
    """Lets what was shown run out where the source changes."""

    def __init__(self, width: int) -> None:
        self._last: Float32 = np.zeros(width, np.float32)
        self._off: Float32 = np.zeros(width, np.float32)
        self._done = FADE

    @property
    def over(self) -> bool:
        """Whether nothing runs out."""
        return self._done >= FADE

    def see(self, row: Float32) -> None:
        """Take notice of what is shown."""
        self._last = row.copy()

    def step(self, row: Float32, changed: NDArray[np.bool_] | None) -> Float32:
        """Return what is shown of ``row``.

        Args:
            row: what the source gives, (width,).
            changed: (width,) the channels whose source is another one from this row on; None where all are
                as they were.

        """
        if changed is not None:
            self._off, self._done = (self._last - row) * changed, 0
        if self._done < FADE:
            self._done += 1
            share = self._done / FADE
            row = row + self._off * np.float32(1.0 - share * share * (3.0 - 2.0 * share))
        self._last = row.copy()
        return row


class SpokenCurves:
    """Knows curves of a voice and puts them on the face, curve frame by curve frame.

    It looks at no sound. Curves must be told before their curve frames come; what is told too late counts
    from the curve frame on that comes next.
    """

    def __init__(self) -> None:
        self._known: list[_Stretch] = []
        self._runs = 0
        self._run, self._held = _ENGINE, _NONE
        self._weights, self._lates = _Ease(_WIDTH), _Ease(len(_LATE))
        self._made = 0
        self._late_rows: list[tuple[Float32, NDArray[np.bool_], bool, bool]] = []
        self._blinked_s = 0.0

    def tell(self, curves: Curves | None, begin_s: float) -> None:
        """Take the curves of sound that begins at ``begin_s``; what was told of that sound is forgotten.

        Args:
            curves: seconds from the first curve frame are ``start`` over 16000; channels that no face has are
                left out. None where nothing is known.
            begin_s: where the sound begins.

        """
        self._known = [kept for one in self._known if (kept := _until(one, begin_s)) is not None]
        if curves is None or not len(curves):
            return
        columns = [k for k, name in enumerate(curves.names) if name in _OF_FACE]
        held, values = np.zeros(len(FACE), bool), np.zeros((len(curves), len(FACE)), np.float32)
        place = [FACE.index(curves.names[k]) for k in columns]
        held[place] = True
        values[:, place] = curves.values[:, columns]
        np.clip(values[:, :_WIDTH], 0.0, 1.0, out=values[:, :_WIDTH])
        start_s, rate = float(curves.start / CLOCK_HZ), float(curves.rate)
        before = self._known[-1] if self._known else None
        follows = (
            before is not None
            and start_s - before.end_s <= 1.5 / rate + _EDGE_S
            and np.array_equal(before.held, held)
        )
        self._runs += not follows
        self._known.append(_Stretch(start_s, rate, held, values, self._runs))

    def push(self, weights: Float32) -> Float32:
        """Put what is known on the next curve frames.

        Args:
            weights: (T, 52) ARKit weights, shaped.

        Returns:
            The same with what is known; the very array where nothing is.

        """
        first, self._made = self._made, self._made + len(weights)
        self._late_rows = []
        if not len(weights):
            return weights
        if not self._known and self._run == _ENGINE and self._weights.over:
            self._weights.see(weights[-1])
            return weights
        made = weights.copy()
        for k in range(len(made)):
            made[k] = self._frame(made[k], (first + k) / CURVE_HZ)
        return made

    def finish(self, face: Float32) -> Float32:
        """Put what is known of lids and rolls on the curve frames of the last `push`, (T, 61), after life."""
        if not self._late_rows:
            if len(face):
                self._lates.see(face[-1, _LATE])
            return face
        face = face.copy()
        for row, (values, held, changed, alone) in zip(face, self._late_rows, strict=True):
            late = np.where(held[_LATE], values[_LATE], row[_LATE])
            if alone:  # its lids have not moved for long
                late[:2] = np.maximum(late[:2], row[_LIDS])
            row[_LATE] = self._lates.step(late, np.ones(len(_LATE), bool) if changed else None)
        return face

    def _frame(self, row: Float32, now: float) -> Float32:
        """Return the weights of one curve frame, and note what comes behind life."""
        one = self._source(now)
        run, held = (one.run, one.held) if one is not None else (_ENGINE, _NONE)
        values = one.at(now) if one is not None else _ZERO
        changed, touched = run != self._run, held | self._held
        self._run, self._held = run, held
        if changed or not held[_LIDS].any() or values[_LIDS].max() > _CLOSED:
            self._blinked_s = now
        self._late_rows.append((values, held, changed, now - self._blinked_s > LIDS_S))
        mixed = np.where(held[:_WIDTH], values[:_WIDTH], row)
        return np.clip(self._weights.step(mixed, touched[:_WIDTH] if changed else None), 0.0, 1.0)

    def _source(self, now: float) -> _Stretch | None:
        """Return what is known of a time, or is led to."""
        while self._known and self._known[0].end_s + 1.0 / CURVE_HZ < now - _EDGE_S:
            self._known.pop(0)
        found: _Stretch | None = None
        for one in self._known:
            if one.start_s <= now + _EDGE_S:
                found = one
            elif (found is None or found.end_s < now - _EDGE_S) and one.start_s <= now + LEAD_S:
                return one
        return found


def _until(one: _Stretch, end_s: float) -> _Stretch | None:
    """Return what of a stretch lies before a time; None for nothing."""
    count = int((end_s - one.start_s) * one.rate + _EDGE_S) + 1
    if end_s < one.start_s or count <= 0:
        return None
    return one if count >= len(one.values) else one._replace(values=one.values[:count])
