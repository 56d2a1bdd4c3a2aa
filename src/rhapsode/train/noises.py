"""What lies under speech: noise of many colours, hum, rooms' tones, other voices, music."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rhapsode.performance import CLOCK_HZ, HOP, Float32, as_float32
from rhapsode.train.takes import UNKNOWN, Take

SYNTHETIC_RMS = 2e-4
"""Pauses quieter than this are no room's tone but a synthesiser's."""

CHORDS = ((0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 4, 7, 11), (0, 3, 7, 10))


def _unit(y: NDArray) -> NDArray[np.float64]:
    return np.asarray(y / (np.std(y) + 1e-9), np.float64)


def colored(rng: Generator, count: int, slope_db: float) -> NDArray[np.float64]:
    """Return noise of unit power whose spectrum falls by ``slope_db`` per octave above 100 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.linspace(0, 8000, len(spectrum))
    spectrum *= np.maximum(hz / 100, 1) ** (-slope_db / 6.02)
    return _unit(np.fft.irfft(spectrum, count))


def hum(rng: Generator, count: int) -> NDArray[np.float64]:
    """Return mains or motor hum of unit power: a low fundamental, random harmonics, a little hiss."""
    phase = 2 * np.pi * rng.choice([50, 60, rng.uniform(80, 240)]) * np.arange(count) / CLOCK_HZ
    order = np.arange(1, rng.integers(3, 20))
    strength = rng.uniform(0, 1, len(order)) / order ** rng.uniform(0.3, 1.5)
    tone = sum(a * np.sin(k * phase + rng.uniform(0, 6.3)) for a, k in zip(strength, order, strict=True))
    return _unit(tone / (np.std(tone) + 1e-9) + rng.uniform(0.02, 0.5) * colored(rng, count, 3))


def music(rng: Generator, count: int) -> NDArray[np.float64]:
    """Return chords that die away on a beat, over a drum of noise, unit power."""
    beat = int(CLOCK_HZ * rng.uniform(0.25, 0.8))
    root, made = rng.uniform(80, 300), np.zeros(count + beat)
    t = np.arange(beat) / CLOCK_HZ
    fall = np.exp(-t * rng.uniform(0.5, 8))
    dull, drum = rng.uniform(0.5, 2), rng.uniform(0, 0.6)
    for begin in range(0, count, beat):
        base = root * 2 ** (rng.integers(-5, 8) / 12)
        for step in CHORDS[rng.integers(len(CHORDS))]:
            hz = base * 2 ** (step / 12)
            for order in range(1, 6):
                made[begin : begin + beat] += np.sin(2 * np.pi * hz * order * t) * fall / order**dull
        made[begin : begin + beat] += drum * rng.standard_normal(beat) * np.exp(-t * 25)
    return _unit(made[:count])


def babble(rng: Generator, count: int, takes: Sequence[Take]) -> NDArray[np.float64]:
    """Return three to six people who speak at once, unit power."""
    made = np.zeros(count)
    for _ in range(int(rng.integers(3, 7))):
        y = takes[int(rng.integers(len(takes)))].y
        voice = np.resize(np.roll(y, int(rng.integers(len(y)))), count)
        made += voice * (rng.uniform(0.3, 1) / (np.std(voice) + 1e-4))
    return _unit(made)


def noise(
    rng: Generator, count: int, room: Sequence[Float32], takes: Sequence[Take] = ()
) -> NDArray[np.float64]:
    """Return what may lie under speech, of unit power.

    Args:
        rng: where randomness comes from.
        count: samples.
        room: recorded room tones; looped.
        takes: whose voices may babble; without any, a mouth must rest over all of it.

    """
    kind = rng.uniform()
    if kind < 0.15:
        made = hum(rng, count)
    elif kind < 0.35 and room:
        tone = room[int(rng.integers(len(room)))]
        shifted = np.resize(np.concatenate([tone, tone[::-1]]), count + len(tone))
        made = shifted[rng.integers(len(tone)) :][:count].astype(np.float64)
    elif kind < 0.5 and takes:
        made = babble(rng, count, takes)
    elif kind < 0.6:
        made = music(rng, count)
    else:
        made = colored(rng, count, rng.uniform(0, 8))
    if rng.uniform() < 0.3:
        made = made * (1 + rng.uniform(0, 0.5) * np.sin(np.arange(count) * rng.uniform(1, 20) / CLOCK_HZ))
    return _unit(made)


def room_tones(takes: Sequence[Take], *, most: int = 200) -> list[Float32]:
    """Return the quiet beginnings of takes whose face rests there: real room tone for `noise`."""
    tones = []
    for take in takes:
        if take.style == UNKNOWN:
            continue
        moving = np.flatnonzero(take.labels.max(axis=1) > 1e-4)
        rest = int(moving[0]) if len(moving) else len(take.labels)
        if rest >= 20:
            tone = take.y[160 : (rest - 5) * HOP]
            if tone.std() > SYNTHETIC_RMS:
                tones.append(as_float32((tone - tone.mean()) / (tone.std() + 1e-6)))
    return tones[:: max(1, len(tones) // most)]
