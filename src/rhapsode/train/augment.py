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
from rhapsode.performance import CLOCK_HZ, HOP, Float32, as_float32
from rhapsode.train.channels import drop_chunks, reverberate, some_codec, telephone
from rhapsode.train.noises import noise
from rhapsode.train.takes import REST, Labels, Take

LENGTH = 320
"""Curve frames in one sequence (6.4 s)."""

FADE = 5
"""Curve frames in which a mouth closes after a take is cut off."""


@dataclass(frozen=True, eq=False)
class Example:
    """One training sequence of `LENGTH` rows.

    Args:
        rows: (T, 166) float32, what the engine sees.
        labels: of the same curve frames.

    """

    rows: Float32
    labels: Labels


def _piece(rng: Generator, take: Take) -> tuple[NDArray[np.float64], Labels]:
    """Return a cut of ``take`` at a random speed (pitch, formants and tempo together)."""
    count = len(take.labels)
    length = count if rng.uniform() < 0.5 and count < LENGTH else min(count, int(rng.integers(70, 260)))
    begin = int(rng.integers(0, count - length + 1))
    y = take.y[begin * HOP : (begin + length) * HOP].astype(np.float64)
    speed = float(np.exp(rng.uniform(-0.18, 0.22))) if rng.uniform() < 0.65 else 1.0
    y = soxr.resample(y, CLOCK_HZ * speed, CLOCK_HZ) if speed != 1 else y
    made = len(y) // HOP
    return y[: made * HOP], Labels.of(take).at(begin + np.arange(made) * speed)


def _speech(
    rng: Generator, takes: Sequence[Take], chances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Labels]:
    """Return a sound and its labels: pieces of takes with pauses between them."""
    y, labels = np.zeros(LENGTH * HOP), Labels.rest(LENGTH, takes[0].labels.shape[1])
    at = int(rng.integers(0, 50)) if rng.uniform() < 0.6 else 0
    while at < LENGTH:
        sound, piece = _piece(rng, takes[rng.choice(len(takes), p=chances)])
        count = min(len(piece), LENGTH - at)
        level = rng.uniform(0.4, 1.0) / (np.abs(sound).max() + 1e-4)
        y[at * HOP : (at + count) * HOP] = level * sound[: count * HOP]
        labels.put(at, piece, count)
        at += count
        pause = int(rng.integers(0, 90)) if rng.uniform() < 0.7 else 0
        fade = min(FADE, pause, LENGTH - at)
        labels.moves[at : at + fade] = labels.moves[at - 1] * (1 - (np.arange(fade)[:, None] + 1) / FADE)
        labels.style[at : at + fade] = labels.style[at - 1]
        at += pause
    return y, labels


def _color_mel(rng: Generator, mel: Float32) -> Float32:
    """Return log-mel as another vocal tract or microphone would give it."""
    bands = np.arange(mel.shape[1], dtype=np.float64)
    if rng.uniform() < 0.6:
        warp = bands * float(np.exp(rng.uniform(-0.12, 0.12)))
        low = np.clip(warp, 0, len(bands) - 1.001).astype(int)
        part = np.clip(warp - low, 0, 1).astype(np.float32)
        mel = mel[:, low] * (1 - part) + mel[:, low + 1] * part
    if rng.uniform() < 0.6:
        tilt = np.interp(bands, np.linspace(0, len(bands), 6), rng.normal(0, 5, 6))
        mel = mel + tilt.astype(np.float32)
    if rng.uniform() < 0.06:
        outside = (bands < rng.integers(4, 9)) | (bands > rng.integers(50, 66))
        mel = mel - np.where(outside, 40, 0).astype(np.float32)
    return np.maximum(mel, -180)


def _features(mel: Float32) -> Float32:
    return level_free(mel, RunningLevel()).reshape(-1, WIDTH)


def plain_sequence(rng: Generator, take: Take) -> Example:
    """Return ``take`` as it is, from a fresh start, as a user's file begins; a long one is cut."""
    count = len(take.labels)
    begin = int(rng.integers(0, max(count - LENGTH, 0) + 1))
    y = np.zeros(LENGTH * HOP, np.float32)
    cut = take.y[begin * HOP : (begin + LENGTH) * HOP]
    y[: len(cut)] = cut
    labels = Labels.rest(LENGTH, take.labels.shape[1])
    known = min(count - begin, LENGTH)
    labels.put(0, Labels.of(take).at(begin + np.arange(known)), known)
    return Example(_features(log_mel(y)), labels)


def _transmitted(
    rng: Generator, y: NDArray[np.float64], takes: Sequence[Take], room: Sequence[Float32]
) -> NDArray[np.float64]:
    """Return speech as it arrives: in a room, with something under it, through a channel."""
    if rng.uniform() < 0.3:
        y = reverberate(rng, y)
    if rng.uniform() < 0.65:
        snr_db = rng.uniform(0, 20) if rng.uniform() < 0.5 else rng.uniform(20, 50)
        speaking = y[np.abs(y) > 1e-4]
        rms = float(np.sqrt((speaking**2).mean())) if len(speaking) else 0.01
        y = y + noise(rng, len(y), room, takes) * rms * 10 ** (-snr_db / 20)
    channel = rng.uniform()
    if channel < 0.06:
        y = some_codec(rng, y / max(np.abs(y).max(), 1))
    elif channel < 0.10:
        y = telephone(y)
    if rng.uniform() < 0.06:
        y = drop_chunks(rng, y)
    return y


def make_sequence(
    rng: Generator, takes: Sequence[Take], chances: NDArray[np.float64], room: Sequence[Float32]
) -> Example:
    """Return one training sequence: seven of eight speak, the others hold only noise or nothing."""
    if rng.uniform() < 0.88:
        y, labels = _speech(rng, takes, chances)
        y = _transmitted(rng, y, takes, room)
    else:
        labels = Labels.rest(LENGTH, takes[0].labels.shape[1])
        loud = 10 ** (rng.uniform(-70, -10) / 20) * (rng.uniform() > 0.1)
        y = noise(rng, LENGTH * HOP, room) * loud
        begin = int(rng.integers(-LENGTH, LENGTH)) * HOP
        if begin > 0:
            y[:begin] *= 10 ** (-rng.uniform(0, 40) / 20)
    y = np.clip(y * 10 ** (rng.uniform(-30, 8) / 20), -1, 1)
    return Example(_features(_color_mel(rng, log_mel(as_float32(y)))), labels)


assert REST < 0
