"""Does the mouth make the phones that are heard? Lip contacts and rounding on speech whose phones are known.

Distances are those of `rhapsode.rigs.lips`: a real head's, in cm. Print recall together with false
closure and precision: any of them alone is easily bought. What each measure is: docs/measures.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rhapsode.evaluate.conditions import Condition, in_noise
from rhapsode.evaluate.contacts import apex_error, contact_of, touches, windows, within
from rhapsode.evaluate.faces import Face
from rhapsode.evaluate.measures import Lagged, correlation, lagged, moving_mean
from rhapsode.performance import CURVE_HZ, Float32, as_float32
from rhapsode.rigs import ARKIT
from rhapsode.rigs.lips import CLOSED_GAP, TEETH_DROP, lip_gap, lower_lip_drop
from rhapsode.train.spoken import NATURAL, utterances
from rhapsode.train.teacher import loudness, parse, teach
from rhapsode.train.teacher.blend import LONGEST_LINK_S, TimedPhone
from rhapsode.train.teacher.corpus import Utterance
from rhapsode.train.teacher.phones import SHAPES, VOWEL_HOLDS

ROUND = frozenset("wʍuʊoɔʃʒy")
SPREAD = frozenset("iɪeɛæ")
NEAR_S = 0.02
"""Time by which a closure may miss its phone and still make it."""

OWN = 2
"""Curve frames by which a closure may miss a p, b, m and still be its own."""

PAUSE_S = 0.35
"""A pause at least this long lets the mouth close."""

STAYS_S = 0.1
"""A mouth that is closed for this long has closed."""

REST_GAP = 0.2
"""Lips closer than this, in cm, rest: without contact, but nothing is seen of an opening."""

CLOSE_BY_S = 0.15
"""The mouth should be closed this long after speech."""

LOUDNESS_FRAMES = 15
"""Curve frames over which the opening is averaged before it is held against the loudness: 0.3 s, as there."""


class Spoken(Protocol):
    """Speech with known phones."""

    @property
    def phones(self) -> tuple[TimedPhone, ...]:
        """In order of time."""
        ...

    def sound(self) -> Float32:
        """Return (N,) at 16 kHz."""
        ...


@dataclass
class _Found:
    """What is collected over many utterances: one value per phone, closure or pause, or one curve each."""

    bilabial: list[float] = field(default_factory=list)
    vowel: list[float] = field(default_factory=list)
    open_vowel: list[float] = field(default_factory=list)
    apex: list[float | None] = field(default_factory=list)
    labiodental: list[float] = field(default_factory=list)
    vowel_drop: list[float] = field(default_factory=list)
    rounded: list[float] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    own: list[bool] = field(default_factory=list)
    pauses: list[Float32] = field(default_factory=list)
    rest_steps: list[Float32] = field(default_factory=list)
    closing: list[float] = field(default_factory=list)
    peaks: list[tuple[float, float]] = field(default_factory=list)
    opening: list[Float32] = field(default_factory=list)
    made: list[Float32] = field(default_factory=list)
    taught: list[Float32] = field(default_factory=list)
    speaking: list[NDArray[np.bool_]] = field(default_factory=list)
    loud: list[Float32] = field(default_factory=list)


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


def articulation(
    utterances: Iterable[Spoken],
    face: Face | None,
    *,
    condition: Condition | None = None,
    snr_db: float | None = None,
) -> dict[str, float]:
    """Return how well a face makes the phones of ``utterances``.

    Args:
        utterances: with known phones, none of them learned from.
        face: what is measured; None is the articulation teacher itself, who knows the phones.
        condition: how the sound reaches the face.
        snr_db: with noise this far below the speech, in place of ``condition``.

    Returns:
        The numbers of docs/measures.md, "Speech with known phones", by name.

    """
    found = _Found()
    for utterance in utterances:
        y = utterance.sound()
        duration = -(-len(y) // 320) / CURVE_HZ
        loud = loudness(y, CURVE_HZ)
        taught = teach(utterance.phones, duration, loudness=loud, rate_hz=CURVE_HZ)
        if face is None:
            made = taught
        elif snr_db is not None:
            made = face(in_noise(y, snr_db))
        else:
            made = face(condition(y) if condition else y)
        count = min(len(made), len(taught))
        _collect(found, utterance.phones, made[:count], taught[:count], loud[:count])
    return _summary(found)


def _summary(found: _Found) -> dict[str, float]:
    everywhere = lagged(found.made, found.taught)
    speech = _while(found)
    errors_ms = 1000 * np.asarray([error for error in found.apex if error is not None], np.float64)
    made, taught = np.asarray(found.peaks, np.float64).reshape(-1, 2).sum(axis=0)
    speaking = np.concatenate(found.speaking)
    loud, opened = np.concatenate(found.loud)[speaking], np.concatenate(found.opening)[speaking]
    return {
        "bilabials": len(found.bilabial),
        "vowels": len(found.vowel),
        "closed": _share(found.bilabial, CLOSED_GAP),
        "vowels_closed": _share(found.vowel, CLOSED_GAP),
        "open_vowels_closed": _share(found.open_vowel, CLOSED_GAP),
        "precision": _mean(found.own),
        "apex_error_ms": _percentile(np.abs(errors_ms), 50),
        "apex_error_p95_ms": _percentile(np.abs(errors_ms), 95),
        "apex_late_ms": _percentile(errors_ms, 50),
        "apexes": len(errors_ms),
        "bitten": _share(found.labiodental, TEETH_DROP),
        "vowels_bitten": _share(found.vowel_drop, TEETH_DROP),
        "rounded": _mean(found.rounded),
        "spread": _mean(found.spread),
        "gap_correlation": everywhere.plain,
        "gap_correlation_at_lag": everywhere.best,
        "gap_correlation_speech": speech.plain,
        "gap_correlation_speech_at_lag": speech.best,
        "lag_ms": everywhere.late_s * 1000,
        "peak_retention": float(made / taught) if taught else float("nan"),
        "loudness_motion": correlation(as_float32(loud), as_float32(opened)),
        "pause_jaw": _mean(np.concatenate(found.pauses)) if found.pauses else float("nan"),
        "rest_jitter_mm": _mean(np.concatenate(found.rest_steps)) * 10 if found.rest_steps else float("nan"),
        "closings": len(found.closing),
        "closing_p50_ms": _percentile(np.asarray(found.closing) * 1000, 50),
        "closing_p95_ms": _percentile(np.asarray(found.closing) * 1000, 95),
        "closed_in_150_ms": _share(found.closing, CLOSE_BY_S + 1e-6),
    }


def _while(found: _Found) -> Lagged:
    """Return the correlation over what is spoken only, the parts put end to end."""
    chosen = [(m[s], t[s]) for m, t, s in zip(found.made, found.taught, found.speaking, strict=True)]
    return lagged([made for made, _ in chosen], [taught for _, taught in chosen])


def _share(values: Sequence[float], limit: float) -> float:
    return float((np.asarray(values) < limit).mean()) if len(values) else float("nan")


def _mean(values: Sequence[float] | Sequence[bool] | Float32) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _percentile(values: NDArray[np.float64], percent: float) -> float:
    return float(np.percentile(values, percent, method="nearest")) if len(values) else float("nan")


def _collect(
    found: _Found, phones: Sequence[TimedPhone], frames: Float32, taught: Float32, loud: Float32
) -> None:
    gap, drop, wanted = lip_gap(frames), lower_lip_drop(frames), lip_gap(taught)
    rounding = frames[:, ARKIT.index("mouthPucker")] + frames[:, ARKIT.index("mouthFunnel")]
    for phone in phones:
        name, quarter = parse(phone.phone)[0][0].name, (phone.end - phone.start) / 4
        middle = phone.start + quarter, phone.end - quarter
        contact = contact_of(phone)
        if contact == "lips" and name != "sil":
            found.bilabial.append(float(within(gap, phone.start - NEAR_S, phone.end + NEAR_S).min()))
        elif contact == "teeth":
            found.labiodental.append(float(within(drop, *middle).min()))
        elif SHAPES[name].hold in VOWEL_HOLDS:
            found.vowel.append(float(within(gap, *middle).min()))
            found.vowel_drop.append(float(within(drop, *middle).min()))
            if within(wanted, *middle).min() >= CLOSED_GAP:
                found.open_vowel.append(found.vowel[-1])
            whole = phone.start, phone.end
            found.peaks.append((_opened(within(gap, *whole)), _opened(within(wanted, *whole))))
        if name in ROUND | SPREAD:
            (found.rounded if name in ROUND else found.spread).append(float(within(rounding, *middle).mean()))
    made = touches(gap, CLOSED_GAP)
    found.apex += [apex_error(made, *place) for place in windows(phones) if place]
    found.made.append(np.maximum(gap, 0))
    found.opening.append(moving_mean(found.made[-1], LOUDNESS_FRAMES))
    found.taught.append(np.maximum(wanted, 0))
    spoken, late = spoken_and_paused(phones, len(gap))
    found.speaking.append(spoken)
    found.loud.append(loud)
    found.pauses.append(frames[late, ARKIT.index("jawOpen")])
    found.rest_steps.append(np.abs(np.diff(gap))[late[1:] & late[:-1]])
    found.closing += closing_times(gap, phones)
    found.own += _own_closures(gap < CLOSED_GAP, spoken, phones)


def _opened(gap: Float32) -> float:
    return max(float(gap.max()), 0.0)


def spoken_and_paused(
    phones: Sequence[TimedPhone], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
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


def closing_times(gap: Float32, phones: Sequence[TimedPhone]) -> list[float]:
    """Return for each pause how long after speech the lips come to rest for 0.1 s, seconds.

    A pause is at least `PAUSE_S` long, or at the end; infinite where they do not in it.
    """
    found = []
    resting = touches(gap, REST_GAP)
    for k, phone in enumerate(phones):
        end = phones[k + 1].start if k + 1 < len(phones) else (len(gap) - 1) / CURVE_HZ
        if end - phone.end < PAUSE_S:
            continue
        closures = (max(t.start, phone.end) for t in resting if t.end - max(t.start, phone.end) >= STAYS_S)
        found.append(next((float(at - phone.end) for at in closures if at < end), float("inf")))
    return found


def _own_closures(
    shut: NDArray[np.bool_], spoken: NDArray[np.bool_], phones: Sequence[TimedPhone]
) -> list[bool]:
    """Return, for each closure inside speech, whether it is a bilabial's."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shut, [False]]).astype(np.int8)))
    lips = [phone for phone in phones if contact_of(phone) == "lips"]
    made = []
    for first, end in edges.reshape(-1, 2):
        mine = any(p.start * CURVE_HZ - OWN <= end - 1 and first <= p.end * CURVE_HZ + OWN for p in lips)
        inside = first > 0 and end < len(shut) and spoken[first - 1 : end + 1].all()
        if mine or inside:
            made.append(mine)
    return made
