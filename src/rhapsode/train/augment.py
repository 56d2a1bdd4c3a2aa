"""Takes cut, bent and put together into training sequences: voices, rooms, noise, pauses, silence.

All randomness comes from the generator that is passed in. A sequence is `LENGTH` curve frames long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from rhapsode.face.features import log_mel
from rhapsode.face.features_level import WIDTH, RunningLevel, level_free
from rhapsode.performance import HOP, Float32, as_float32
from rhapsode.train.takes import MOVES, REST, UNKNOWN, Take

LENGTH = 320
"""Curve frames in one sequence (6.4 s)."""

SYNTHETIC_RMS = 2e-4
"""Pauses quieter than this are no room's tone but a synthesiser's."""

FADE = 5
"""Curve frames in which a mouth closes after a take is cut off."""


@dataclass(frozen=True, eq=False)
class Example:
    """One training sequence of `LENGTH` rows, or of half as many.

    Args:
        rows: (T, 166) float32, what the engine sees.
        labels: (T, len(MOVES)) float32.
        closed: (T,) float32, NaN where unknown.
        style: (T,) int64; `REST` where every head rests, `UNKNOWN` where none knows.
        heard: (T,) int64, classes of phones, `rhapsode.train.takes.UNHEARD` where unknown.

    """

    rows: Float32
    labels: Float32
    closed: Float32
    style: NDArray[np.int64]
    heard: NDArray[np.int64]


def colored(rng: Generator, count: int, slope_db: float) -> NDArray[np.float64]:
    """Return noise of unit power whose spectrum falls by ``slope_db`` per octave above 100 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.linspace(0, 8000, len(spectrum))
    spectrum *= np.maximum(hz / 100, 1) ** (-slope_db / 6.02)
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / noise.std(), np.float64)


def hum(rng: Generator, count: int) -> NDArray[np.float64]:
    """Return mains or motor hum of unit power: a low fundamental, random harmonics, a little hiss."""
    phase = 2 * np.pi * rng.choice([50, 60, rng.uniform(80, 240)]) * np.arange(count) / 16_000
    order = np.arange(1, rng.integers(3, 20))
    strength = rng.uniform(0, 1, len(order)) / order ** rng.uniform(0.3, 1.5)
    tone = sum(a * np.sin(k * phase + rng.uniform(0, 6.3)) for a, k in zip(strength, order, strict=True))
    noise = tone / (np.std(tone) + 1e-9) + rng.uniform(0.02, 0.5) * colored(rng, count, 3)
    return np.asarray(noise / noise.std(), np.float64)


def noise(rng: Generator, count: int, room: Sequence[Float32]) -> NDArray[np.float64]:
    """Return steady noise of unit power: a colour, hum, or recorded room tone (looped)."""
    kind = rng.uniform()
    if kind < 0.25:
        made = hum(rng, count)
    elif kind < 0.5 and room:
        tone = room[int(rng.integers(len(room)))]
        shifted = np.resize(np.concatenate([tone, tone[::-1]]), count + len(tone))
        made = shifted[rng.integers(len(tone)) :][:count].astype(np.float64)
    else:
        made = colored(rng, count, rng.uniform(0, 8))
    if rng.uniform() < 0.3:
        made = made * (1 + rng.uniform(0, 0.5) * np.sin(np.arange(count) * rng.uniform(1, 20) / 16_000))
    return np.asarray(made / (made.std() + 1e-9), np.float64)


def reverberate(rng: Generator, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``y`` in a simple room: the direct sound and an exponentially dying tail, nothing earlier."""
    rt60 = rng.uniform(0.1, 0.6)
    length = int(rt60 * 16_000)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail[: rng.integers(16, 160)] = 0
    tail *= rng.uniform(0.1, 0.9) / np.sqrt((tail**2).sum() + 1e-9)
    tail[0] = 1
    size = 1 << (len(y) + length).bit_length()
    wet = np.fft.irfft(np.fft.rfft(y, size) * np.fft.rfft(tail, size), size)[: len(y)]
    return np.asarray(wet, np.float64)


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


def _piece(rng: Generator, take: Take) -> tuple[NDArray[np.float64], Float32, Float32, NDArray[np.int64]]:
    """Return a cut of ``take`` at a random speed (pitch, formants and tempo together)."""
    count = len(take.labels)
    length = count if rng.uniform() < 0.5 and count < LENGTH else min(count, int(rng.integers(70, 260)))
    begin = int(rng.integers(0, count - length + 1))
    y = take.y[begin * HOP : (begin + length) * HOP].astype(np.float64)
    speed = float(np.exp(rng.uniform(-0.18, 0.22))) if rng.uniform() < 0.65 else 1.0
    y = soxr.resample(y, 16_000 * speed, 16_000) if speed != 1 else y
    made = len(y) // HOP
    wanted = begin + np.arange(made) * speed
    grid = np.arange(count)
    labels = np.stack([np.interp(wanted, grid, column) for column in take.labels.T], axis=1)
    nearest = np.minimum(np.round(wanted).astype(int), count - 1)
    return y[: made * HOP], as_float32(labels), take.closed[nearest], take.classes()[nearest]


def _speech(
    rng: Generator, takes: Sequence[Take], chances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Float32, Float32, NDArray[np.int64], NDArray[np.int64]]:
    """Return a sound and its labels: pieces of takes with pauses between them."""
    heard = np.zeros(LENGTH, np.int64)
    y = np.zeros(LENGTH * HOP)
    labels = np.zeros((LENGTH, len(MOVES)), np.float32)
    closed = np.full(LENGTH, np.nan, np.float32)
    style = np.full(LENGTH, REST, np.int64)
    at = int(rng.integers(0, 50)) if rng.uniform() < 0.6 else 0
    while at < LENGTH:
        take = takes[rng.choice(len(takes), p=chances)]
        sound, moves, touch, phones = _piece(rng, take)
        count = min(len(moves), LENGTH - at)
        level = rng.uniform(0.4, 1.0) / (np.abs(sound).max() + 1e-4)
        y[at * HOP : (at + count) * HOP] = level * sound[: count * HOP]
        labels[at : at + count], closed[at : at + count] = moves[:count], touch[:count]
        style[at : at + count], heard[at : at + count] = take.style, phones[:count]
        at += count
        pause = int(rng.integers(0, 90)) if rng.uniform() < 0.7 else 0
        fade = min(FADE, pause, LENGTH - at)
        labels[at : at + fade] = labels[at - 1] * (1 - (np.arange(fade)[:, None] + 1) / FADE)
        style[at : at + fade] = take.style
        at += pause
    return y, labels, closed, style, heard


def _color_mel(rng: Generator, mel: Float32) -> Float32:
    """Return log-mel as another vocal tract, microphone or telephone would give it."""
    bands = np.arange(mel.shape[1], dtype=np.float64)
    if rng.uniform() < 0.6:
        warp = bands * float(np.exp(rng.uniform(-0.12, 0.12)))
        low = np.clip(warp, 0, len(bands) - 1.001).astype(int)
        part = np.clip(warp - low, 0, 1).astype(np.float32)
        mel = mel[:, low] * (1 - part) + mel[:, low + 1] * part
    if rng.uniform() < 0.6:
        tilt = np.interp(bands, np.linspace(0, len(bands), 6), rng.normal(0, 5, 6))
        mel = mel + tilt.astype(np.float32)
    if rng.uniform() < 0.1:
        outside = (bands < rng.integers(4, 9)) | (bands > rng.integers(50, 66))
        mel = mel - np.where(outside, 40, 0).astype(np.float32)
    return np.maximum(mel, -180)


def plain_sequence(rng: Generator, take: Take) -> Example:
    """Return half a sequence of ``take`` as it is, from a fresh start, as a user's file begins."""
    half = LENGTH // 2
    count = len(take.labels)
    begin = int(rng.integers(0, max(count - half, 0) + 1))
    y = np.zeros(half * HOP, np.float32)
    cut = take.y[begin * HOP : (begin + half) * HOP]
    y[: len(cut)] = cut
    labels = np.zeros((half, len(MOVES)), np.float32)
    closed, style = np.full(half, np.nan, np.float32), np.full(half, take.style, np.int64)
    heard = np.zeros(half, np.int64)
    known = min(count - begin, half)
    labels[:known], closed[:known] = take.labels[begin : begin + half], take.closed[begin : begin + half]
    heard[:known], style[known:] = take.classes()[begin : begin + half], REST
    rows = level_free(log_mel(y), RunningLevel()).reshape(half, WIDTH)
    return Example(rows, labels, closed, style, heard)


def make_sequence(
    rng: Generator, takes: Sequence[Take], chances: NDArray[np.float64], room: Sequence[Float32]
) -> Example:
    """Return one training sequence: seven of eight speak, the others hold only noise or nothing."""
    if rng.uniform() < 0.88:
        y, labels, closed, style, heard = _speech(rng, takes, chances)
        if rng.uniform() < 0.3:
            y = reverberate(rng, y)
        if rng.uniform() < 0.65:
            snr_db = rng.uniform(3, 50)
            speaking = y[np.abs(y) > 1e-4]
            rms = float(np.sqrt((speaking**2).mean())) if len(speaking) else 0.01
            y = y + noise(rng, len(y), room) * rms * 10 ** (-snr_db / 20)
    else:
        labels = np.zeros((LENGTH, len(MOVES)), np.float32)
        closed, style = np.full(LENGTH, np.nan, np.float32), np.full(LENGTH, REST, np.int64)
        heard = np.zeros(LENGTH, np.int64)
        y = noise(rng, LENGTH * HOP, room) * 10 ** (rng.uniform(-70, -10) / 20) * (rng.uniform() > 0.1)
        begin = int(rng.integers(-LENGTH, LENGTH)) * HOP
        if begin > 0:
            y[:begin] *= 10 ** (-rng.uniform(0, 40) / 20)
    y = np.clip(y * 10 ** (rng.uniform(-30, 8) / 20), -1, 1)
    mel = _color_mel(rng, log_mel(y.astype(np.float32)))
    rows = level_free(mel, RunningLevel()).reshape(LENGTH, WIDTH)
    return Example(rows, labels, closed, style, heard)
