"""The phone-timed corpus as takes: many voices and languages, curves by the articulation teacher."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.performance import CURVE_HZ, Float32, Span, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.train.takes import MOVES, Take, curve_count
from rhapsode.train.teacher import frame_classes, loudness, teach
from rhapsode.train.teacher.blend import TimedPhone
from rhapsode.train.teacher.corpus import Utterance, read_shard
from rhapsode.train.voice import touch_labels

STYLE = 2

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
    """Return (count,) float32: 1 where p, b and m hold the lips together, NaN near, 0 elsewhere."""
    return touch_labels([Span(phone.phone, phone.start, phone.end) for phone in phones], count)


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
    return Take(utterance.name, y, columns(curves), closed, STYLE, heard)


def with_phones(takes: Iterable[Take], found: dict[str, Utterance]) -> list[Take]:
    """Return takes that a camera saw with what is heard in them, where their phones are known."""
    made = []
    for take in takes:
        closed, heard = np.full(len(take.labels), np.nan, np.float32), None
        if take.name in found:
            phones = found[take.name].phones
            closed = contact_labels(phones, len(take.labels))
            heard = heard_classes(phones, len(take.labels))
        made.append(replace(take, closed=closed, heard=heard))
    return made
