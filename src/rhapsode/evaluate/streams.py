"""How many streams two cores carry: so many faces at once, in real time, and how late their curves are."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from rhapsode.evaluate.cost import speech_like
from rhapsode.face.direction import Direction
from rhapsode.face.life import Life
from rhapsode.face.stream import FaceStream
from rhapsode.performance import CLOCK_HZ, HOP

CORES = 2
LATE_MS = 20.0
"""A chunk is in time if its curves are there before the next chunk arrives."""

TICK_S = HOP / CLOCK_HZ
_FEW = 8
_STEPS = (0.85, 0.7, 0.5, 0.3)
"""Parts of the greatest throughput that are tried in real time, from the most."""


class Carried(NamedTuple):
    """What two cores carry.

    Args:
        streams: at once, in real time, 95 % of their chunks within `LATE_MS`.
        late_p95_ms: how long after its chunk arrived the curves of a stream are there.
        at_most: stream seconds per second of processor time, of two cores, when nothing waits.

    """

    streams: int
    late_p95_ms: float
    at_most: float


def carried(direction: Direction, *, duration_s: float = 4.0) -> Carried:
    """Return how many streams two cores carry in real time.

    Two processes, one a core. First they work as fast as they can; then nearly so many streams run in real
    time, their chunks of 20 ms spread evenly over the 20 ms, fewer each time until 95 % of the chunks are
    done before the next ones come. Other work on the machine lowers the number.

    Args:
        direction: how to play; life is left out.
        duration_s: of each run.

    """
    plain = (direction.weights, direction.style)
    with ProcessPoolExecutor(CORES, get_context("spawn")) as pool:
        list(pool.map(_throughput, [plain] * CORES, range(CORES), [0.3] * CORES))
        rates = list(pool.map(_throughput, [plain] * CORES, range(CORES), [1.0] * CORES))
        most = float(sum(rates))
        count, late = 0, np.array([np.inf])
        for part in _STEPS:
            each = max(int(most * part / CORES), 1)
            runs = pool.map(
                _in_real_time, [plain] * CORES, range(CORES), [each] * CORES, [duration_s] * CORES
            )
            count, late = each * CORES, np.concatenate(list(runs))
            if np.percentile(late, 95) <= LATE_MS:
                break
    p95 = float(np.percentile(late, 95))
    return Carried(count if p95 <= LATE_MS else 0, p95, most)


def _faces(plain: tuple, core: int, count: int) -> list[FaceStream]:
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[core % len(cores)]} if len(cores) > 1 else set(cores))
    weights, style = plain
    direction = Direction(weights=weights, style=style, life=Life.off())
    return [FaceStream(CLOCK_HZ, direction=direction) for _ in range(count)]


def _throughput(plain: tuple, core: int, duration_s: float) -> float:
    """Return stream seconds per second of processor time, as fast as one process can."""
    faces, y = _faces(plain, core, _FEW), speech_like(2.0)
    made, k, began = 0, 0, time.process_time()
    while (spent := time.process_time() - began) < duration_s:
        at = (k * HOP) % (len(y) - HOP)
        for face in faces:
            face.push(y[at : at + HOP])
        made, k = made + len(faces), k + 1
    return made * TICK_S / spent


def _in_real_time(plain: tuple, core: int, count: int, duration_s: float) -> list[float]:
    """Return how late the curves of each chunk are, ms, in the order of time."""
    faces, y = _faces(plain, core, count), speech_like(2.0)
    late: list[float] = []
    began = time.perf_counter() + 0.1
    for k in range(int(duration_s / TICK_S)):
        at = (k * HOP) % (len(y) - HOP)
        for n, face in enumerate(faces):
            due = began + (k + n / count) * TICK_S
            wait = due - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            face.push(y[at : at + HOP])
            late.append((time.perf_counter() - due) * 1000)
    return late
