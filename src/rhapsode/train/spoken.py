"""The phone-timed corpus as takes: many voices and languages, curves by the articulation teacher."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.train.stress import stress_of
from rhapsode.train.takes import MOVES, Take, curve_count
from rhapsode.train.teacher import frame_classes, loudness, parse, teach
from rhapsode.train.teacher.blend import TimedPhone
from rhapsode.train.teacher.corpus import Utterance, read_shard
from rhapsode.train.teacher.phones import SHAPES, VOWEL_HOLDS

STYLE = 2

_MARGIN_S = 0.02
"""Around the ends of a bilabial nothing is claimed: phone times are exact to about this."""

NATURAL = "natural"
"""The shard whose sounds lie in the data folder, not in the corpus."""


def utterances(corpus: Path, data: Path, *, split: str) -> Iterator[tuple[str, Utterance]]:
    """Yield every utterance of a split with the name of its shard.

    Args:
        corpus: what recipes/corpus makes: shards/ and raw/.
        data: where the natural recordings lie.
        split: "train" or "test".

    """
    for shard in sorted((corpus / "shards").glob("*.npz")):
        for utterance in read_shard(shard, data if shard.stem == NATURAL else corpus / "raw"):
            if utterance.split == split:
                yield shard.stem, utterance


def columns(curves: Float32) -> Float32:
    """Return (T, len(MOVES)) from (T, 52) ARKit weights: left and right averaged."""
    halves = [curves[:, [ARKIT.index(name) for name in names]].mean(axis=1) for names in MOVES.values()]
    return as_float32(np.stack(halves, axis=1))


def contact_labels(phones: Sequence[TimedPhone], count: int) -> Float32:
    """Return (count,) float32: 1 where p, b and m hold the lips together, NaN near, 0 elsewhere.

    A closure holds for the first two thirds of a stop and all of a nasal, at least in the curve frame next
    to the middle of that. In the middle half of a vowel the lips are apart, however close a closure is.
    """
    times = np.arange(count) / CURVE_HZ
    closed = np.zeros(count, np.float32)
    held: list[NDArray] = []
    for phone in phones:
        name = parse(phone.phone)[0][0].name
        shape = SHAPES[name]
        if shape.contact == "lips":
            length = phone.end - phone.start
            last = phone.end if name in ("m", "ɱ") else phone.start + length * 2 / 3
            near = (times > phone.start - _MARGIN_S) & (times < phone.end + _MARGIN_S)
            closed[near] = np.nan
            first = phone.start + _MARGIN_S / 2
            inside = (times >= first) & (times <= last)
            inside[min(round((first + max(last, first)) / 2 * CURVE_HZ), count - 1)] = True
            held.append(inside)
        elif shape.hold in VOWEL_HOLDS:
            quarter = (phone.end - phone.start) / 4
            closed[(times >= phone.start + quarter) & (times <= phone.end - quarter)] = 0
    for inside in held:
        closed[inside] = 1
    return closed


def heard_classes(phones: Sequence[TimedPhone], count: int) -> NDArray[np.int64]:
    """Return (count,) int64 classes of phones."""
    return frame_classes(phones, count / CURVE_HZ, rate_hz=CURVE_HZ)[:count]


def spoken(utterance: Utterance) -> Take:
    """Return an utterance as a take whose face is the teacher's."""
    y = utterance.sound()
    count = curve_count(y)
    loud = loudness(y, CURVE_HZ)
    curves = teach(utterance.phones, count / CURVE_HZ, loudness=loud, rate_hz=CURVE_HZ)[:count]
    closed, heard = contact_labels(utterance.phones, count), heard_classes(utterance.phones, count)
    return Take(utterance.name, y, columns(curves), closed, STYLE, heard, stress_of(y))


def with_phones(takes: Iterable[Take], found: dict[str, Utterance]) -> list[Take]:
    """Return takes that a camera saw with what is heard in them, where their phones are known."""
    made = []
    for take in takes:
        closed, heard = np.full(len(take.labels), np.nan, np.float32), None
        if take.name in found:
            phones = found[take.name].phones
            closed = contact_labels(phones, len(take.labels))
            heard = heard_classes(phones, len(take.labels))
        made.append(replace(take, closed=closed, heard=heard, stress=stress_of(take.y)))
    return made
