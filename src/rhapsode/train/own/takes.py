"""Takes of a user's own face: read, checked against their sound, brought to 50 curve frames a second."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import soxr

from rhapsode.audio.decode import read_sound
from rhapsode.errors import FormatError, InputError, RhapsodeError, SettingError
from rhapsode.performance import CLOCK_HZ, CURVE_HZ, HOP, Curves, Float32, Sound, as_float32
from rhapsode.rigs.lips import lip_gap
from rhapsode.train.own.pairing import Pair
from rhapsode.train.own.readers import read_file, read_maya
from rhapsode.train.own.rig import OwnRig
from rhapsode.train.own.sync import CERTAIN, Sync, level, likely_rates, measure
from rhapsode.train.takes import speech_mask

SHORTEST_S = 1.0
"""A take must last this long to be learned from."""

MAYA_FPS = Fraction(30)
"""Frames a second of Maya's arrays unless somebody says otherwise, as FACEGOOD's takes have."""

SHARE = 0.15
"""How much of the takes is held out."""

_STILL = 0.01
_FIT = 0.02
_LEAST_SILENCE = 25


@dataclass(frozen=True, eq=False)
class RawTake:
    """A pair of files as they were read.

    Args:
        name: of the take.
        sound: mono, (N,) at 16 kHz.
        curves: the clock's zero is the sound's first sample.
        notes: what a person should know.

    """

    name: str
    sound: Float32
    curves: Curves
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class OwnTake:
    """A take ready to be learned from.

    Args:
        name: of the take.
        y: (N,) float32 at 16 kHz.
        unit: (T, C) float32, every channel of the rig as a fraction of its range, its rest pose at 0.
        rest: (C,) float32, the rest pose that was taken out.
        sync: how the curves lay against the sound.
        notes: what a person should know.

    """

    name: str
    y: Float32
    unit: Float32
    rest: Float32
    sync: Sync
    notes: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return len(self.unit) / CURVE_HZ


def read_pair(pair: Pair, fps: Fraction | None) -> RawTake:
    """Read the files of a pair.

    Args:
        pair: of files.
        fps: of curves that do not say it; None is `MAYA_FPS` for Maya's arrays.

    Raises:
        InputError: a file cannot be read, holds a NaN, or is too short.

    """
    inside: Sound | None = None
    if pair.names is not None:
        curves = read_maya(pair.curves, pair.names, fps or MAYA_FPS)
    else:
        curves, inside = read_file(pair.curves, fps)
    if pair.sound == pair.curves and inside is None:
        raise FormatError(f"'{pair.curves.name}' holds no sound and no sound file has its name; add one")
    sound = inside if pair.sound == pair.curves and inside is not None else read_sound(pair.sound)
    bad = ~np.isfinite(curves.values)
    if bad.any():
        frame, column = np.argwhere(bad)[0]
        raise FormatError(
            f"'{pair.curves.name}' holds {int(bad.sum())} values that are no numbers, the first in "
            f"'{curves.names[column]}' at frame {frame}; repair the curves"
        )
    y = sound.mono()
    y = soxr.resample(y, sound.sample_rate, CLOCK_HZ) if sound.sample_rate != CLOCK_HZ else y
    y = as_float32(y)
    shortest = min(len(y) / CLOCK_HZ, curves.duration_s)
    if shortest < SHORTEST_S:
        raise FormatError(
            f"take '{pair.name}' lasts {shortest:.2f} s, expected {SHORTEST_S:g} s or more of both"
        )
    if not np.abs(y).max() > 1e-4:
        raise FormatError(f"the sound of take '{pair.name}' is silent, expected speech; record it again")
    return RawTake(pair.name, y, replace(curves, start=curves.start - sound.start))


def fit(raw: RawTake, rig: OwnRig, *, fix_sync: bool) -> OwnTake:
    """Bring a take to the rig's channels and to 50 curve frames a second, and check its time.

    Args:
        raw: as read.
        rig: whose channels are learned; those that the take does not have stay at 0.
        fix_sync: move the curves to where they fit the sound.

    Raises:
        InputError: a learned channel is missing, or the curves are too long or too short and do not fit.

    """
    learned = [channel.name for channel in rig.channels if channel.learn]
    missing = [name for name in learned if name not in raw.curves.names]
    if missing:
        raise FormatError(
            f"take '{raw.name}' lacks {len(missing)} channels of the rig: {', '.join(missing[:4])}"
        )
    unit = rig.unit(raw.curves.select(rig.names, fill=0).values)
    over = np.abs(unit).max(axis=0)
    if over.max() > 1.5:
        widest = rig.channels[int(over.argmax())]
        raise FormatError(
            f"take '{raw.name}': '{widest.name}' reaches {over.max() * widest.scale:.4g}, expected its range "
            f"to end at {widest.high:g}; give the rig 'range: [0, 100]' or what else it is"
        )
    curves = replace(raw.curves, names=rig.names, values=unit)
    sound_s, curves_s = len(raw.sound) / CLOCK_HZ, curves.duration_s + float(curves.start / CLOCK_HZ)
    count = math.ceil(min(sound_s, curves_s) * CURVE_HZ)
    loud = level(raw.sound, count)
    sync = measure(opening(_at(curves, np.arange(count) / CURVE_HZ), rig), loud)
    notes = list(raw.notes)
    if abs(curves_s - sound_s) > max(_FIT * sound_s, 0.25):
        fps = ", ".join(f"{float(rate):g}" for rate in likely_rates(len(curves), sound_s))
        said = (
            f"take '{raw.name}': {len(curves)} frames at {float(curves.rate):g} a second last "
            f"{curves_s:.2f} s, its sound {sound_s:.2f} s"
        )
        if sync.certainty < CERTAIN or fps:
            remedy = f"they would fit at {fps} a second: give --fps" if fps else "pair the right files"
            raise FormatError(f"{said}; {remedy}")
        notes.append(f"{said}; only the first {count / CURVE_HZ:.1f} s are used")
    times = np.arange(count) / CURVE_HZ
    if sync.is_off and fix_sync:
        times = times * (1 + sync.drift) + sync.late_s
        notes.append(f"take '{raw.name}': {sync}; moved back")
    elif sync.is_off:
        notes.append(f"take '{raw.name}': {sync}; --fix-sync moves them back")
    made, rest, note = _rested(_at(curves, times), raw.sound, rig)
    if note:
        notes.append(f"take '{raw.name}': {note}")
    if rig.symmetric:
        for left, right in rig.mirrored():
            made[:, [left, right]] = made[:, [left, right]].mean(axis=1, keepdims=True)
    y = np.zeros(count * HOP, np.float32)
    held = raw.sound[: len(y)]
    y[: len(held)] = held
    return OwnTake(raw.name, y, made, rest, sync, tuple(notes))


def opening(unit: Float32, rig: OwnRig) -> Float32:
    """Return (T,) how far the mouth is open; all that moves, where no channel says it."""
    gap = np.maximum(lip_gap(rig.to_arkit(unit)), 0)
    return gap if gap.std() > 1e-3 else as_float32(np.abs(unit).sum(axis=1))


def _at(curves: Curves, times_s: np.ndarray) -> Float32:
    """Return the values at times on the sound's clock, (T, C), held at both ends."""
    where = (times_s - float(curves.start / CLOCK_HZ)) * float(curves.rate)
    grid = np.arange(len(curves))
    return as_float32(np.stack([np.interp(where, grid, column) for column in curves.values.T], axis=1))


def _rested(unit: Float32, y: Float32, rig: OwnRig) -> tuple[Float32, Float32, str]:
    """Take the rest pose out: what the face does in silence is not to be heard."""
    learned = np.array([channel.learn for channel in rig.channels])
    mask = speech_mask(y, len(unit), before_s=0.4, after_s=0.3)
    silent = mask < 0.01
    rest = np.where(learned, 0, np.median(unit, axis=0)).astype(np.float32)
    if silent.sum() < _LEAST_SILENCE or np.abs(unit[silent][:, learned]).mean() < _STILL:
        return unit, rest, ""
    rest = np.where(learned, np.median(unit[silent], axis=0), rest).astype(np.float32)
    low = np.array([min(channel.low, 0) for channel in rig.channels], np.float32)
    moved = np.maximum(unit - rest, low / np.array([channel.scale for channel in rig.channels], np.float32))
    moved = np.where(learned, moved * mask[:, None], unit)
    return as_float32(moved), rest, "the face does not rest in pauses; its pose there counts as its rest"


def read_all(pairs: Sequence[Pair], fps: Fraction | None) -> tuple[list[RawTake], list[tuple[str, str]]]:
    """Read all pairs; return what could be read, and name and reason of what could not.

    Raises:
        InputError: nothing could be read.

    """
    made: list[RawTake] = []
    refused: list[tuple[str, str]] = []
    for pair in pairs:
        try:
            made.append(read_pair(pair, fps))
        except RhapsodeError as error:
            refused.append((pair.name, str(error)))
    if not made:
        more = f" (and {len(refused) - 1} more takes)" if len(refused) > 1 else ""
        raise InputError(f"no take can be used: {refused[0][1]}{more}")
    return made, refused


def channel_names(takes: Sequence[RawTake]) -> tuple[str, ...]:
    """Return the channels that most takes have, in the order of the first of them."""
    sets = Counter(frozenset(take.curves.names) for take in takes)
    usual = sets.most_common(1)[0][0]
    return next(take.curves.names for take in takes if frozenset(take.curves.names) == usual)


@dataclass(frozen=True, eq=False)
class Split:
    """Takes to learn from and takes to measure by.

    Args:
        learn: none of them in ``held``.
        held: at least one.
        note: how they were parted.

    """

    learn: tuple[OwnTake, ...]
    held: tuple[OwnTake, ...]
    note: str


def split(takes: Sequence[OwnTake], hold_out: Sequence[str] = ()) -> Split:
    """Part takes by a rule that depends on their names only, or by name.

    Args:
        takes: all of them.
        hold_out: names to hold out; none holds out those with the smallest SHA-256, about one in seven. Of a
            single take the last 15 % are held out.

    Raises:
        SettingError: a name is unknown, or nothing is left to learn from.

    """
    known = {take.name: take for take in takes}
    for name in hold_out:
        if name not in known:
            raise SettingError(f"--hold-out must name takes, got '{name}'; there are: {', '.join(known)}")
    if len(takes) == 1:
        if hold_out:
            raise SettingError("--hold-out would leave no take to learn from; leave it out or add takes")
        whole = takes[0]
        cut = round(len(whole.unit) * (1 - SHARE))
        parts = [_cut(whole, 0, cut), _cut(whole, cut, len(whole.unit))]
        return Split((parts[0],), (parts[1],), f"the last {SHARE:.0%} of '{whole.name}' are held out")
    ordered = sorted(known, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    held = set(hold_out or ordered[: max(round(SHARE * len(takes)), 1)])
    learn = tuple(take for take in takes if take.name not in held)
    if not learn:
        raise SettingError("--hold-out leaves no take to learn from; name fewer")
    return Split(learn, tuple(known[name] for name in sorted(held)), f"held out: {', '.join(sorted(held))}")


def _cut(take: OwnTake, begin: int, end: int) -> OwnTake:
    return replace(take, y=take.y[begin * HOP : end * HOP], unit=take.unit[begin:end])
