"""What a face costs: processor time, delay, and how many streams a machine carries."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from rhapsode.evaluate.faces import Face
from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.stream import FaceStream
from rhapsode.performance import CLOCK_HZ, HOP, Float32, as_float32

RUNS = 3


def speech_like(duration_s: float) -> Float32:
    """Return a sound that is loud and quiet in turn, so that nothing can be skipped."""
    count = int(duration_s * CLOCK_HZ)
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * np.arange(count) / CLOCK_HZ)
    return as_float32(np.random.default_rng(1).standard_normal(count) * 0.05 * swell)


def real_time_factor(face: Face, *, duration_s: float = 10.0) -> float:
    """Return processor seconds per second of sound, the best of a few runs, one thread."""
    y = speech_like(duration_s)
    face(y[:CLOCK_HZ])
    best = np.inf
    for _ in range(RUNS):
        began = time.process_time()
        face(y)
        best = min(best, time.process_time() - began)
    return float(best / duration_s)


def delay(direction: Direction, *, duration_s: float = 10.0) -> dict[str, float]:
    """Return how long after a sound its curves are there, ms.

    Args:
        direction: how to play.
        duration_s: length of the sound, in chunks of 20 ms.

    Returns:
        The look-ahead; the work of a chunk (p50 and p95 of processor time); how long its curves take (p50 and
        p95 of wall time, which other work on the machine makes longer); the sum of look-ahead, chunk and p95.

    """
    still = replace(direction, life=Life.off())
    y = speech_like(duration_s)
    worked, waited = [], []
    stream = FaceStream(CLOCK_HZ, direction=still)
    for k in range(0, len(y), HOP):
        began, busy = time.perf_counter(), time.thread_time()
        stream.push(y[k : k + HOP])
        worked.append((time.thread_time() - busy) * 1000)
        waited.append((time.perf_counter() - began) * 1000)
    ahead, chunk = stream.look_ahead_samples * 1000 / CLOCK_HZ, HOP * 1000 / CLOCK_HZ
    p95 = float(np.percentile(waited, 95))
    return {
        "look_ahead_ms": ahead,
        "work_p50_ms": float(np.percentile(worked, 50)),
        "work_p95_ms": float(np.percentile(worked, 95)),
        "chunk_p50_ms": float(np.percentile(waited, 50)),
        "chunk_p95_ms": p95,
        "in_all_p95_ms": ahead + chunk + p95,
    }
