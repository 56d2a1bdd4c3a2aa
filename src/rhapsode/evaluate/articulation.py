"""Does the mouth make the phones that are heard? Lip contacts and rounding on speech whose phones are known.

Distances are those of `rhapsode.train.teacher.lips`: a real head's, in cm. Print recall together with false
closure and precision: any of them alone is easily bought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rhapsode.evaluate.measures import correlation
from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.train.augment import colored
from rhapsode.train.spoken import NATURAL, utterances
from rhapsode.train.teacher import CLOSED_GAP, TEETH_DROP, lip_gap, loudness, lower_lip_drop, parse, teach
from rhapsode.train.teacher.blend import LONGEST_LINK_S, TimedPhone
from rhapsode.train.teacher.corpus import Utterance
from rhapsode.train.teacher.phones import SHAPES

ROUND = frozenset("wʍuʊoɔʃʒy")
SPREAD = frozenset("iɪeɛæ")
VOWEL_HOLDS = frozenset(("vowel", "rounded"))
NEAR = 2
"""Curve frames by which a closure may miss its phone and still be its own."""

Face = Callable[[Float32], Float32]
"""A sound at 16 kHz in, (T, 52) ARKit weights out."""


@dataclass
class _Found:
    """What is collected over many utterances, one value per phone or closure."""

    bilabial: list[float] = field(default_factory=list)
    vowel: list[float] = field(default_factory=list)
    labiodental: list[float] = field(default_factory=list)
    vowel_drop: list[float] = field(default_factory=list)
    rounded: list[float] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    own: list[bool] = field(default_factory=list)
    gaps: list[Float32] = field(default_factory=list)
    taught: list[Float32] = field(default_factory=list)
    pauses: list[Float32] = field(default_factory=list)


def unheard(corpus: Path, data: Path) -> dict[str, list[Utterance]]:
    """Return what no training hears: "voices" in its languages, a "language", and "real" speakers.

    Args:
        corpus: what recipes/corpus makes.
        data: where the natural recordings lie.

    """
    found: dict[str, list[Utterance]] = {"voices": [], "language": [], "real": []}
    for shard, utterance in utterances(corpus, data, split="test"):
        if shard == NATURAL and not utterance.voice.startswith("grid"):
            found["real"].append(utterance)
        elif shard not in (NATURAL, "warped"):
            found["language" if utterance.language == "it" else "voices"].append(utterance)
    return found


def in_noise(y: Float32, snr_db: float, *, seed: int = 0) -> Float32:
    """Return ``y`` with noise that falls by 3 dB per octave, ``snr_db`` below the spoken part's power."""
    loud = np.abs(y) > 0.02 * np.abs(y).max()
    power = float(np.sqrt((y[loud].astype(np.float64) ** 2).mean()))
    noise = colored(np.random.default_rng(seed), len(y), 3)
    return as_float32(y + power * 10 ** (-snr_db / 20) * noise)


def articulation(
    utterances: Iterable[Utterance], face: Face, *, snr_db: float | None = None
) -> dict[str, float]:
    """Return how well a face makes the phones of ``utterances``.

    Args:
        utterances: with known phones, none of them learned from.
        face: what is measured.
        snr_db: with noise, if given.

    Returns:
        p, b, m that close and their number; vowels that do; closures that belong to a p, b or m; f, v whose
        lower lip meets the teeth, and vowels that seem to; mouthPucker + mouthFunnel in rounded and in spread
        phones; correlation of the lip gap with the teacher's; mean jawOpen in pauses.

    """
    found = _Found()
    for utterance in utterances:
        y = utterance.sound()
        _collect(found, utterance, y, face(y if snr_db is None else in_noise(y, snr_db)))
    return {
        "bilabials": len(found.bilabial),
        "closed": _share(found.bilabial, CLOSED_GAP),
        "vowels_closed": _share(found.vowel, CLOSED_GAP),
        "precision": float(np.mean(found.own)) if found.own else float("nan"),
        "bitten": _share(found.labiodental, TEETH_DROP),
        "vowels_bitten": _share(found.vowel_drop, TEETH_DROP),
        "rounded": float(np.mean(found.rounded)),
        "spread": float(np.mean(found.spread)),
        "gap_correlation": correlation(np.concatenate(found.gaps), np.concatenate(found.taught)),
        "pause_jaw": float(np.mean(np.concatenate(found.pauses))) if found.pauses else float("nan"),
    }


def _share(values: Sequence[float], limit: float) -> float:
    return float((np.asarray(values) < limit).mean()) if len(values) else float("nan")


def _collect(found: _Found, utterance: Utterance, y: Float32, frames: Float32) -> None:
    gap, drop = lip_gap(frames), lower_lip_drop(frames)
    rounding = frames[:, ARKIT.index("mouthPucker")] + frames[:, ARKIT.index("mouthFunnel")]
    for phone in utterance.phones:
        name = parse(phone.phone)[0][0].name
        near, middle = _span(phone, len(gap), -1 / CURVE_HZ), _span(phone, len(gap), None)
        if SHAPES[name].contact == "lips":
            found.bilabial.append(float(gap[near].min(initial=9)))
        elif SHAPES[name].contact == "teeth":
            found.labiodental.append(float(drop[middle].min(initial=9)))
        elif SHAPES[name].hold in VOWEL_HOLDS:
            found.vowel.append(float(gap[middle].min(initial=9)))
            found.vowel_drop.append(float(drop[middle].min(initial=9)))
        if name in ROUND | SPREAD and len(rounding[middle]):
            (found.rounded if name in ROUND else found.spread).append(float(rounding[middle].mean()))
    duration = len(gap) / CURVE_HZ
    taught = teach(utterance.phones, duration, loudness=loudness(y, CURVE_HZ), rate_hz=CURVE_HZ)
    found.gaps.append(gap)
    found.taught.append(lip_gap(taught[: len(gap)]))
    spoken, late = _spoken(utterance.phones, len(gap))
    found.pauses.append(frames[late, ARKIT.index("jawOpen")])
    found.own += _own_closures(gap < CLOSED_GAP, spoken, utterance.phones)


def _span(phone: TimedPhone, count: int, inset_s: float | None) -> slice:
    """Return the curve frames of a phone less ``inset_s`` on both sides; None is a quarter of it."""
    inset = (phone.end - phone.start) / 4 if inset_s is None else inset_s
    first = min(max(round((phone.start + inset) * CURVE_HZ), 0), count - 1)
    return slice(first, max(round((phone.end - inset) * CURVE_HZ) + 1, first + 1))


def _spoken(phones: Sequence[TimedPhone], count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (count,) where it is spoken, short gaps included, and where it has not been for 0.2 s."""
    at = np.arange(count) / CURVE_HZ
    spoken, near = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    end = -1.0
    for phone in phones:
        start = end if 0 <= phone.start - end <= LONGEST_LINK_S else phone.start
        spoken |= (at >= start) & (at < phone.end)
        near |= (at >= phone.start - 0.1) & (at < phone.end + 0.2)
        end = phone.end
    return spoken, ~near


def _own_closures(
    shut: NDArray[np.bool_], spoken: NDArray[np.bool_], phones: Sequence[TimedPhone]
) -> list[bool]:
    """Return, for each closure inside speech, whether it is a bilabial's."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shut, [False]]).astype(np.int8)))
    lips = [p for p in phones if SHAPES[parse(p.phone)[0][0].name].contact == "lips"]
    made = []
    for first, end in edges.reshape(-1, 2):
        mine = any(p.start * CURVE_HZ - NEAR <= end - 1 and first <= p.end * CURVE_HZ + NEAR for p in lips)
        inside = first > 0 and end < len(shut) and spoken[first - 1 : end + 1].all()
        if mine or inside:
            made.append(mine)
    return made
